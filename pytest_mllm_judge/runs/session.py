"""All runs of one process: benchmarks are loaded once, judges are built once for each benchmark."""

from __future__ import annotations

import gc
import json
import tomllib
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pytest_mllm_judge.asked import probing_of, with_marker
from pytest_mllm_judge.benchmarks import Benchmark, load
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.judge import Context, Judge
from pytest_mllm_judge.judging.registry import build, checked
from pytest_mllm_judge.recording.guard import Guard
from pytest_mllm_judge.recording.recorder import Mode, Recorder
from pytest_mllm_judge.runs.approved import chosen, path_of, read, unchosen
from pytest_mllm_judge.runs.approved_run import AS_APPROVED, ApprovedRun
from pytest_mllm_judge.runs.asker import Asker, end_all
from pytest_mllm_judge.runs.background import Background
from pytest_mllm_judge.runs.budget import Budget
from pytest_mllm_judge.runs.run import Run

if TYPE_CHECKING:
    from pytest_mllm_judge.metrics.upgrade import Upgrade

TABLE = "pytest-mllm-judge"
CONCURRENCY = 8
Replay = Literal["fast", "wire"]


class Session:
    """Judges by name, benchmarks by folder, and the runs of one on the other.

    `root` is the folder of the project: relative paths in judges' settings start there. `run` is what the
    processes of one test run have in common; '' if this is the only one. Of each judge, at most `concurrency`
    questions are asked at once, and nothing more of any judge once their replies have cost `max_cost`, in the
    currency of their prices. With `replay="wire"`, replies of a judge that speaks HTTP are played through its
    client. `meanwhile` is called again and again while a reply is waited for.
    """

    def __init__(
        self,
        *,
        root: Path,
        mode: Mode = "none",
        limit: int | None = None,
        run: str = "",
        tables: Mapping[str, Any] | None = None,
        concurrency: int = CONCURRENCY,
        max_cost: float | None = None,
        replay: Replay = "fast",
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self.root = root
        self.mode = mode
        self.limit = limit
        self.run_id = run or uuid.uuid4().hex
        self.concurrency = concurrency
        self.budget = None if max_cost is None else Budget(max_cost)
        self.replay = replay
        self.meanwhile = meanwhile
        self.tables = judge_tables(root) if tables is None else tables
        self.benchmarks: dict[Path, Benchmark] = {}
        self.runs: dict[tuple[str, Path], Run] = {}
        self.with_clients: list[Run] = []
        self._folders: dict[Path, Path] = {}
        self._upgrades: dict[tuple[str, str, Path], Upgrade] = {}
        self._asking: dict[tuple[int, str], Run] = {}
        self._guard = Guard()
        self._background: Background | None = None

    def check_judge(self, name: str) -> None:
        """Raise SettingsError if no judge of this name is defined, or its settings are wrong."""
        if name.endswith(AS_APPROVED):
            raise SettingsError(f"judge {name!r}: names that end in {AS_APPROVED!r} are those of approvals")
        checked(name, self.tables)

    def benchmark(self, path: Path) -> Benchmark:
        """The benchmark of this `benchmark.toml` or folder, loaded when it is first asked for."""
        folder = self._folder(path)
        if folder not in self.benchmarks:
            with _no_garbage():
                self.benchmarks[folder] = load(path)
        return self.benchmarks[folder]

    def check_gates(self, path: Path) -> None:
        """Raise BenchmarkError for a gate that makes no sense here, or that no judge could pass."""
        benchmark = self.benchmark(path)
        if not benchmark.manifest.gates:
            return
        from pytest_mllm_judge.metrics.gates import check_gate  # numpy and scipy, not needed without a gate

        for gate in benchmark.manifest.gates:
            check_gate(gate, benchmark)

    def check_upgrades(self, paths: Iterable[Path]) -> None:
        """Raise BenchmarkError for a margin in which not even the baseline could be called not worse."""
        from pytest_mllm_judge.metrics.upgrade import check_upgrade

        for path in sorted(paths):
            check_upgrade(self.benchmark(path))

    def upgrade(self, candidate: Run, baseline: Run) -> Upgrade:
        """All by which the benchmark compares two judges on it, counted once."""
        key = (candidate.judge.name, baseline.judge.name, candidate.benchmark.folder)
        if key not in self._upgrades:
            from pytest_mllm_judge.metrics.upgrade import compare, comparisons

            benchmark = candidate.benchmark
            self._upgrades[key] = compare(
                comparisons(benchmark),
                *baseline.beside(candidate),
                slices=benchmark.manifest.upgrade.slices,
            )
        return self._upgrades[key]

    def run(self, judge: str, path: Path) -> Run:
        """The run of this judge on that benchmark."""
        key = (judge, self._folder(path))
        if key not in self.runs:
            self.runs[key] = self._new_run(judge, self.benchmark(path))
        return self.runs[key]

    def asking(self, run: Run, marked: str) -> Run:
        """The run, asking what markers say besides: the names and settings of each, as JSON.

        Raise SettingsError or BenchmarkError for what makes no sense.
        """
        key = (id(run), marked)
        if key not in self._asking:
            probes = run.benchmark.manifest.probes
            for names, settings in json.loads(marked):
                probes = with_marker(probes, names, settings)
            self._asking[key] = run.asking(probing_of(run.benchmark, probes))
        return self._asking[key]

    def probed(self, run: Run, probe: str) -> Run:
        """The run, asking this one of its probes alone."""
        key = (id(run), f"only {probe}")
        if key not in self._asking:
            self._asking[key] = run.probed(probe)
        return self._asking[key]

    def has_baseline(self, judge: str, path: Path, named: str | None) -> bool:
        """Whether the judge is compared with another one there: with a named one, or an approved one."""
        return named is not None or chosen(self._folder(path), judge) is not None

    def check_chosen(self, judge: str, path: Path) -> None:
        """Raise SettingsError if several other judges are approved of, and nobody says which is meant."""
        if why := unchosen(self._folder(path), judge):
            raise SettingsError(why)

    def baseline(self, judge: str, path: Path, named: str | None) -> Run:
        """The run of what `has_baseline` knows of. Raise BenchmarkError for an approval that is damaged."""
        if named is not None:
            return self.run(named, path)
        benchmark = self.benchmark(path)
        approved = chosen(self._folder(path), judge)
        assert approved is not None
        key = (approved + AS_APPROVED, self._folder(path))
        if key not in self.runs:
            file = path_of(benchmark.folder, approved)
            self.runs[key] = ApprovedRun(benchmark, read(file), limit=self.limit)
        return self.runs[key]

    def _folder(self, path: Path) -> Path:
        """The benchmark's folder without links; kept, since every case asks."""
        if path not in self._folders:
            self._folders[path] = (path if path.is_dir() else path.parent).resolve()
        return self._folders[path]

    def _new_run(self, name: str, benchmark: Benchmark) -> Run:
        recorder = Recorder(
            benchmark.cassette(name),
            self.mode,
            judge=name,
            rerecord=f"pytest --judge={name} --judge-record=new_episodes {shown(benchmark.folder)}",
            run=self.run_id,
            wire=self.replay == "wire",
            within=benchmark.folder,
            guard=self._guard,
        )
        judge = build(name, self.tables, self._context(benchmark, recorder))
        return Run(
            benchmark,
            judge,
            recorder=recorder if judge.is_recorded else None,
            asker=self._asker(judge, recorder) if judge.is_recorded and self.mode != "none" else None,
            limit=self.limit,
            meanwhile=self.meanwhile,
        )

    def _asker(self, judge: Judge, recorder: Recorder) -> Asker:
        if self.budget is not None:
            if problem := judge.unpriced():
                raise SettingsError(f"{problem}, so --judge-max-cost can't be kept")
            self.budget.watch(judge, recorder)
        self._background = self._background or Background()
        most = min(self.concurrency, judge.at_once or self.concurrency)
        return Asker(recorder, self._background, concurrency=most, budget=self.budget)

    def with_client(self, run: Run, client: object) -> Run:
        """The same run by a judge that asks through this client; cassette and benchmark are shared."""
        name = run.judge.name
        judge = build(name, self.tables, self._context(run.benchmark, run.recorder))
        judge.use(client)
        made = Run(
            run.benchmark,
            judge,
            recorder=run.recorder,
            asker=run.asker,
            limit=self.limit,
            meanwhile=self.meanwhile,
        )
        self.with_clients.append(made)
        return made

    def _context(self, benchmark: Benchmark, recorder: Recorder | None) -> Context:
        place = Context(tasks=benchmark.tasks, root=self.root)
        return place if recorder is None else replace(place, wrap=recorder.wrap, patch=recorder.patch)

    def close(self, *, merge: bool = True, hurry: Callable[[], bool] = lambda: False) -> None:
        """Stop asking, write what was recorded, and let go of the judgements.

        What is in flight gets all the time it needs, unless `hurry` says that somebody stopped the run. One
        of several processes leaves what it recorded in the journal (`merge=False`). Safe to call twice.
        """
        # All of it, whatever goes wrong with a part: the last fault is raised at the end.
        with ExitStack() as end:
            for run in self.runs.values():
                if run.recorder is not None:
                    end.callback(run.recorder.close, merge=merge)
                end.callback(run.forget)
                end.callback(run.judge.close)
            for run in (*self.with_clients, *self._asking.values()):
                end.callback(run.forget)
            if self._background is not None:
                background, self._background = self._background, None
                end.callback(background.close)
                askers = [run.asker for run in self.runs.values() if run.asker is not None]
                background.run(end_all(askers, hurry))


@contextmanager
def _no_garbage() -> Iterator[None]:
    """Don't look for garbage meanwhile: many objects are made, and nearly all of them stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def judge_tables(root: Path) -> Mapping[str, Any]:
    """The tables `[tool.pytest-mllm-judge.judges.NAME]` of the project's pyproject.toml."""
    file = root / "pyproject.toml"
    if not file.is_file():
        return {}
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {}).get(TABLE, {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file}: {error}") from error
    judges = tool.get("judges", {}) if isinstance(tool, Mapping) else None
    if not isinstance(judges, Mapping) or not all(isinstance(one, Mapping) for one in judges.values()):
        raise SettingsError(f"{file}: [tool.{TABLE}.judges.NAME] must be a table for each judge")
    if unknown := sorted(set(tool) - {"judges"}):
        raise SettingsError(f"{file}: [tool.{TABLE}] has no key {unknown[0]!r} (known: judges)")
    return judges
