"""The run record: the plain data of one test run, from which every report is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_mllm_judge.model import Item, Judgement, Judgements, Tasks
from pytest_mllm_judge.model.judgement import agrees
from pytest_mllm_judge.recording.recorder import merge
from pytest_mllm_judge.runs.run import Run

Plain = dict[str, Any]


@dataclass
class RunRecord:
    """What a test run saw, in builtin types.

    `benchmarks` has one table of facts for each benchmark's folder, `runs` one for each judge on it;
    `cases` one for each item's case and `gates` one for each gate's, by the test's id; `claims` every claim
    that a test asked for, by the test's id and the claim's number.
    """

    benchmarks: dict[str, Plain] = field(default_factory=dict)
    runs: dict[str, Plain] = field(default_factory=dict)
    cases: dict[str, Plain] = field(default_factory=dict)
    gates: dict[str, Plain] = field(default_factory=dict)
    claims: dict[tuple[str, int], Plain] = field(default_factory=dict)

    def merge_cassettes(self) -> None:
        """Sort what several processes recorded into each cassette."""
        for run in self.runs.values():
            if run["records"] and run["cassette"] is not None:
                merge(Path(run["cassette"]))

    def add_facts(self, facts: Mapping[str, Mapping[str, Plain]]) -> None:
        """Take in what one process says of its benchmarks and runs; counts of the same run are added."""
        self.benchmarks.update(facts["benchmarks"])
        for name, run in facts["runs"].items():
            known = self.runs.setdefault(name, {**run, "recorded": 0, "cancelled": []})
            known["recorded"] += run["recorded"]
            known["cancelled"] = [*known["cancelled"], *run["cancelled"]]
            known["halted"] = known["halted"] or run["halted"]


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
            "probes": benchmark.manifest.probes.position or bool(benchmark.manifest.probes.named),
        }
        facts["runs"][f"{run.judge.name} {folder}"] = {
            "judge": run.judge.name,
            "benchmark": folder,
            "limit": len(run.items) if len(run.items) < len(benchmark.items) else None,
            "cassette": None if recorder is None else str(recorder.path),
            "recorded": 0 if recorder is None else recorder.recorded,
            "records": run.asker is not None,
            "model": run.judge.model,
            "cancelled": [] if run.asker is None else list(run.asker.cancelled),
            "halted": "" if run.asker is None or run.asker.halted is None else str(run.asker.halted),
        }
    return facts


def judgements_of(cases: Iterable[Plain], facts: Plain) -> Judgements:
    """The judgements that cases of one benchmark were made of, as far as figures need them."""
    tasks = Tasks.model_validate(facts["tasks"])
    clusters = {case["item"]: case["cluster"] for case in cases}
    return Judgements(map(_judgement, cases), cluster_of=lambda item: clusters[item.id], tasks=tasks)


def _judgement(case: Plain) -> Judgement:
    # `fields` is said since model_construct is slow to find a default that a function makes.
    item = Item.model_construct(
        id=case["item"],
        task=case["task"],
        responses=(),
        human=_each(tuple, case["human"]),
        source=case["source"],
        fields={},
    )
    return Judgement.model_construct(
        item=item,
        judge=case["judge"],
        verdict=case["verdict"],
        problem=case["problem"],
        reason=case["reason"],
        fields={},
    )


def _each(kind: type, human: Any) -> Any:
    """Human labels with their sequences as `kind`: tuples in an item, lists in a record."""
    return {name: kind(labels) for name, labels in human.items()} if isinstance(human, dict) else kind(human)
