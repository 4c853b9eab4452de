"""A project with a benchmark and verdict logs, and the records of runs on it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_mllm_judge.runs.approved import Approved, path_of, read
from pytest_mllm_judge.runs.approved_run import ApprovedRun
from pytest_mllm_judge.runs.approving import approve
from pytest_mllm_judge.runs.record import RunRecord, all_judged, facts_of
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.runs.session import Session

HEAD = 'format = "mllm-judge/1"\nname = "bench"\nitems = "items.jsonl"\n'
MANIFEST = HEAD + '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.5\n[upgrade]\nmargin = 0.3\n'


def pair(number: int, **more: Any) -> dict[str, Any]:
    """A pair item labelled A."""
    return {
        "id": f"pair-{number:02}",
        "task": "pair",
        "instruction": "What is it?",
        "responses": [{"text": "A cat.", "author": "m1"}, {"text": "A dog.", "author": "m2"}],
        "human": "A",
        **more,
    }


def score(number: int, **more: Any) -> dict[str, Any]:
    """A score item labelled 1 to 5."""
    responses = [{"text": "A cat.", "author": "m1"}]
    plain = {"id": f"score-{number:02}", "task": "score", "instruction": "Rate it.", "responses": responses}
    return {**plain, "human": number % 5 + 1, **more}


class Project:
    """A project in a folder, with one benchmark in `bench` and judges of kind log."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bench = root / "bench"
        self.bench.mkdir()
        self.tables: dict[str, dict[str, Any]] = {}
        self.write(MANIFEST)
        self.write_items(pair(number) for number in range(20))
        verdicts = {f"pair-{number:02}": "B" if number < 2 else "A" for number in range(20)}
        self.write_log("good", {name: {"verdict": said, "model": "log"} for name, said in verdicts.items()})

    @property
    def record(self) -> Path:
        """Where a run leaves its record."""
        return self.root / ".pytest_cache" / "d" / "mllm-judge" / "run.json"

    def write(self, manifest: str) -> None:
        """Write benchmark.toml."""
        (self.bench / "benchmark.toml").write_text(manifest)

    def write_items(self, items: Iterable[Mapping[str, Any]]) -> None:
        """Write the benchmark's items."""
        (self.bench / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))

    def write_log(self, name: str, rows: Mapping[str, Any] | Iterable[tuple[str, Any]], **more: Any) -> None:
        """Write a verdict log and declare its judge; settings besides may be said."""
        pairs = rows.items() if isinstance(rows, Mapping) else rows
        lines = (json.dumps({"item": item, **row}) for item, row in pairs)
        (self.root / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        self.tables[name] = {"kind": "log", "path": f"{name}.jsonl", **more}
        toml = "".join(
            f"[tool.pytest-mllm-judge.judges.{judge}]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
            for judge, table in self.tables.items()
        )
        (self.root / "pyproject.toml").write_text(toml)

    def session(self, **settings: Any) -> Session:
        """A session of this project."""
        return Session(root=self.root, **settings)

    def judge(self, *judges: str, items: int | None = None, **settings: Any) -> RunRecord:
        """Ask these judges (about the first so many items) and leave the record, as a test run does."""
        session = self.session(**settings)
        for judge in judges:
            run = session.run(judge, self.bench)
            run.judgements(run.items[:items])
        record = RunRecord(root=str(self.root))
        record.add_facts(facts_of(session.runs.values()))
        record.add_judged(all_judged(session.runs.values()))
        session.close()
        self.record.parent.mkdir(parents=True, exist_ok=True)
        record.save(self.record)
        return record

    def approve(self, judge: str = "good", reason: str = "first judge in use") -> Approved:
        """Ask a judge and approve of it."""
        self.judge(judge)
        made, _ = approve(root=self.root, record=self.record, judge=judge, reason=reason)
        return made

    def baseline(self, judge: str = "good", **changes: Any) -> tuple[Run, ApprovedRun]:
        """The run of `good`, and the approval of a judge, perhaps changed, as its baseline."""
        session = self.session()
        approved = read(path_of(self.bench, judge)).model_copy(update=changes)
        candidate = session.run("good", self.bench)
        return candidate, ApprovedRun(candidate.benchmark, approved)
