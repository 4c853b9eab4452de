"""The run record: the plain data of one test run, from which every report is made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from pytest_mllm_judge.model import Item, Judgement, Judgements, Response, Tasks, Usage
from pytest_mllm_judge.model.judgement import agrees
from pytest_mllm_judge.model.judgements import Population
from pytest_mllm_judge.recording.recorder import merge
from pytest_mllm_judge.runs import saved
from pytest_mllm_judge.runs.run import Run

Made = TypeVar("Made")
Plain = dict[str, Any]
Key = tuple[str, str, str, str, int]
"""Judge, benchmark's folder, item, variant and repeat of a judgement."""


@dataclass
class RunRecord:
    """What a test run saw, in builtin types.

    `root` is the project's folder; `benchmarks` has one table of facts for each benchmark's folder, `runs`
    one for each judge on it; `cases` one for each item's case and `gates` one for each gate's, by the test's
    id; `claims` every claim that a test asked for, by the test's id and the claim's number; `tests` says of
    each test of one's own that is red or undecided of which judge and benchmark it is (None: of any), by its
    id; `judged` every judgement that any process of the run made, the baseline's included.
    """

    root: str = ""
    benchmarks: dict[str, Plain] = field(default_factory=dict)
    runs: dict[str, Plain] = field(default_factory=dict)
    cases: dict[str, Plain] = field(default_factory=dict)
    gates: dict[str, Plain] = field(default_factory=dict)
    claims: dict[tuple[str, int], Plain] = field(default_factory=dict)
    tests: dict[str, Plain] = field(default_factory=dict)
    judged: dict[Key, Plain] = field(default_factory=dict)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` reads from the whole record, made the first time it is asked for under this key."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def merge_cassettes(self) -> None:
        """Sort what several processes recorded into each cassette."""
        for run in self.runs.values():
            if run["records"] and run["cassette"] is not None:
                merge(Path(run["cassette"]))

    def add_facts(self, facts: Mapping[str, Mapping[str, Plain]]) -> None:
        """Take in what one process says of its benchmarks and runs; counts of the same run are added."""
        self._made.clear()
        self.benchmarks.update(facts["benchmarks"])
        for name, run in facts["runs"].items():
            known = self.runs.setdefault(name, {**run, "recorded": 0, "cancelled": []})
            known["recorded"] += run["recorded"]
            known["cancelled"] = [*known["cancelled"], *run["cancelled"]]
            known["halted"] = known["halted"] or run["halted"]
            if stale := {*known.get("stale_reviews", ()), *run.get("stale_reviews", ())}:
                known["stale_reviews"] = sorted(stale, key=lambda where: (len(where), where))

    def add_judged(self, cases: Iterable[Plain]) -> None:
        """Take in the judgements that one process made; all processes see the same answers."""
        self._made.clear()
        for case in cases:
            self.judged[key_of(case)] = case

    def plain(self) -> Plain:
        """The whole record as JSON can hold it, in an order that no spread of tests changes."""
        return {
            "root": self.root,
            "benchmarks": dict(sorted(self.benchmarks.items())),
            "runs": {
                name: {**run, "cancelled": sorted(run["cancelled"])}
                for name, run in sorted(self.runs.items())
            },
            "cases": dict(sorted(self.cases.items())),
            "gates": {name: _unnumbered(gate) for name, gate in sorted(self.gates.items())},
            "claims": _numbered_anew(self.claims),
            "tests": dict(sorted(self.tests.items())),
            "judged": [case for _, case in sorted(self.judged.items())],
        }

    def save(self, path: Path) -> None:
        """Write the record to a file, for `read_record`. Raise OSError if it can't be written."""
        saved.write(self.plain(), path)


def read_record(path: Path) -> RunRecord:
    """The record that a file holds: what `save` wrote, or a JSON report.

    Raise SettingsError if there is no such file, or it is damaged or something else.
    """
    return record_of(saved.read(path))


def record_of(plain: Plain) -> RunRecord:
    """The record that `RunRecord.plain` wrote so."""
    claims = {(claim["test"], claim["number"]): claim for claim in plain["claims"]}
    judged = {key_of(case): case for case in plain["judged"]}
    return RunRecord(**{**plain, "claims": claims, "judged": judged})


def case_of(judgement: Judgement, run: Run) -> Plain:
    """An item's case: the judgement as plain data."""
    item, usage = judgement.item, judgement.usage
    human = _each(list, item.human)
    return {
        "benchmark": str(run.benchmark.folder),
        "judge": judgement.judge,
        "task": item.task,
        "item": item.id,
        "source": item.source,
        "cluster": run.benchmark.cluster(item),
        "human": human,
        "verdict": dict(judgement.verdict) if isinstance(judgement.verdict, dict) else judgement.verdict,
        "problem": judgement.problem,
        "reason": judgement.reason,
        "agreed": agrees(judgement) if human else None,
        "must": item.must,
        "model": judgement.model,
        "tokens": None if usage is None else [usage.input_tokens, usage.output_tokens],
        "cost": judgement.cost,
        "latency": judgement.latency,
    }


def judged_of(judgement: Judgement, run: Run) -> Plain:
    """A judgement as plain data: its case, and what a report shows of it besides.

    `analysis` is the reply's text, `lengths` the characters of each response's text; both None without one.
    `folder` is where the paths of `images` start.
    """
    item = judgement.item
    return {
        **case_of(judgement, run),
        "variant": judgement.variant,
        "repeat": judgement.repeat,
        "analysis": judgement.reply,
        "images": list(item.every_image),
        "folder": str(item.folder or run.benchmark.folder),
        "authors": [response.author for response in item.responses],
        "lengths": [None if each.text is None else len(each.text) for each in item.responses],
        "fields": item.fields,
    }


def all_judged(runs: Iterable[Run]) -> list[Plain]:
    """Every judgement that these runs made so far."""
    return [judged_of(judgement, run) for run in runs for judgement in run.made]


def key_of(case: Plain) -> Key:
    """What a judged case is known by in a record."""
    return (case["judge"], case["benchmark"], case["item"], case["variant"], case["repeat"])


def facts_of(runs: Iterable[Run]) -> dict[str, dict[str, Plain]]:
    """What one process knows of its benchmarks and runs."""
    facts: dict[str, dict[str, Plain]] = {"benchmarks": {}, "runs": {}}
    for run in runs:
        benchmark, recorder = run.benchmark, run.recorder
        folder = str(benchmark.folder)
        facts["benchmarks"][folder] = {
            "name": benchmark.name,
            "tasks": benchmark.tasks.model_dump(mode="json"),
            "items": len(benchmark.items),
            "skipped": len(benchmark.skipped),
            "warnings": [f"{line.where}: {line.what}" for line in benchmark.warnings[:3]],
            "left_out": len(benchmark.warnings),
            "fixed": benchmark.manifest.population == "fixed",
            "gates": list(benchmark.manifest.gates),
        }
        facts["runs"][f"{run.judge.name} {folder}"] = {
            "judge": run.judge.name,
            "benchmark": folder,
            "limit": len(run.items) if len(run.items) < len(benchmark.items) else None,
            "cassette": None if recorder is None else str(recorder.path),
            "recorded": 0 if recorder is None else recorder.recorded,
            "records": run.asker is not None,
            "model": run.judge.model,
            "identity": run.judge.identity().model_dump(mode="json"),
            "cancelled": [] if run.asker is None else list(run.asker.cancelled),
            "halted": "" if run.asker is None or run.asker.halted is None else str(run.asker.halted),
            **({"stale_reviews": sorted(run.reviews.stale)} if run.reviews.stale else {}),
        }
    return facts


def judgements_of(cases: Iterable[Plain], facts: Plain, *, population: Population = "sampled") -> Judgements:
    """The judgements that cases of one benchmark were made of, as far as figures need them.

    Of the responses only the authors come back, and none of the texts: `lengths` of a judged case has theirs.
    """
    cases = list(cases)
    tasks = Tasks.model_validate(facts["tasks"])
    clusters = {case["item"]: case["cluster"] for case in cases}
    items: dict[str, Item] = {}
    return Judgements(
        [_judgement(case, items) for case in cases],
        cluster_of=lambda item: clusters[item.id],
        tasks=tasks,
        population=population,
    )


def _judgement(case: Plain, items: dict[str, Item]) -> Judgement:
    # `fields` is said since model_construct is slow to find a default that a function makes.
    item = items.get(case["item"]) or items.setdefault(case["item"], _item(case))
    tokens = case["tokens"]
    return Judgement.model_construct(
        item=item,
        judge=case["judge"],
        variant=case.get("variant", ""),
        repeat=case.get("repeat", 0),
        reply=case.get("analysis"),
        verdict=case["verdict"],
        problem=case["problem"],
        reason=case["reason"],
        fields={},
        usage=tokens and Usage.model_construct(input_tokens=tokens[0], output_tokens=tokens[1]),
        cost=case["cost"],
        latency=case["latency"],
        model=case["model"],
    )


def _item(case: Plain) -> Item:
    return Item.model_construct(
        id=case["item"],
        task=case["task"],
        responses=tuple(Response.model_construct(author=author) for author in case.get("authors", ())),
        images=tuple(case.get("images", ())),
        human=_each(tuple, case["human"]),
        source=case["source"],
        must=case["must"],
        fields=case.get("fields", {}),
    )


def _each(kind: type, human: Any) -> Any:
    """Human labels with their sequences as `kind`: tuples in an item, lists in a record."""
    return {name: kind(labels) for name, labels in human.items()} if isinstance(human, dict) else kind(human)


def _numbered_anew(claims: Mapping[tuple[str, int], Plain]) -> list[Plain]:
    """Claims by test, each test's counted from 1: a process counts all of its own."""
    seen: Counter[str] = Counter()
    numbered = []
    for (test, _), claim in sorted(claims.items()):
        seen[test] += 1
        numbered.append({**claim, "test": test, "number": seen[test]})
    return numbered


def _unnumbered(gate: Plain) -> Plain:
    """A gate without the numbers of its claims, which count what its process had claimed before."""
    plain = {**gate}
    if gate.get("claim") is not None:  # a property without a margin has none
        plain["claim"] = {key: value for key, value in gate["claim"].items() if key != "number"}
    if "family" in gate:
        plain["family"] = [_unnumbered(member) for member in gate["family"]]
    return plain
