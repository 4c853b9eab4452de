"""Run records made by hand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.manifest import Manifest
from pytest_mllm_judge.model import Item, Tasks
from pytest_mllm_judge.runs.record import RunRecord

BENCH = "/project/bench"


def benchmark_of(folder: Path, items: Sequence[Item]) -> Benchmark:
    """A benchmark of these items."""
    manifest = Manifest.model_validate({"format": "mllm-judge/1", "name": "bench", "items": "items.jsonl"})
    return Benchmark(manifest=manifest, name="bench", folder=folder, tasks=Tasks(), items=tuple(items))


def facts(**more: Any) -> dict[str, Any]:
    """What a record says of the benchmark."""
    return {
        "name": "bench",
        "tasks": Tasks().model_dump(mode="json"),
        "items": 4,
        "skipped": 0,
        "warnings": [],
        "left_out": 0,
        "fixed": False,
        "gates": [],
        **more,
    }


def case(item: str, **more: Any) -> dict[str, Any]:
    """A judged pair: label A, verdict A by judge `new`."""
    return {
        "benchmark": BENCH,
        "judge": "new",
        "task": "pair",
        "item": item,
        "source": None,
        "cluster": f"item:{item}",
        "human": ["A"],
        "verdict": "A",
        "problem": None,
        "reason": "",
        "agreed": True,
        "must": False,
        "model": None,
        "tokens": None,
        "cost": None,
        "latency": None,
        "variant": "",
        "repeat": 0,
        "analysis": "It is A.",
        "images": [],
        "folder": BENCH,
        "authors": ["m1", "m2"],
        "lengths": [6, 12],
        "fields": {},
        **more,
    }


def run_facts(judge: str, **more: Any) -> dict[str, Any]:
    """What a record says of a judge on the benchmark."""
    return {
        "judge": judge,
        "benchmark": BENCH,
        "limit": None,
        "cassette": None,
        "recorded": 0,
        "records": False,
        "model": "",
        "identity": {},
        "cancelled": [],
        "halted": "",
        **more,
    }


def record_of_cases(cases: Iterable[dict[str, Any]], **more: Any) -> RunRecord:
    """A record of these judged cases, with a run for each judge among them."""
    cases = list(cases)
    judges = sorted({case["judge"] for case in cases})
    known = {judge: {"under_test": judge != "old", "baseline": judge == "old"} for judge in judges}
    runs = {f"{judge} {BENCH}": run_facts(judge, **known[judge]) for judge in judges}
    record = RunRecord(root="/project", benchmarks={BENCH: facts(**more)}, runs=runs)
    record.add_judged(cases)
    return record


def figure(value: float | None, low: float | None = None, high: float | None = None) -> dict[str, Any]:
    """A plain estimate."""
    return {
        "metric": "pair.accuracy",
        "value": value,
        "low": low,
        "high": high,
        "n": 4,
        "clusters": 4,
        "reason": "" if low is not None else "fewer than 10 clusters",
    }


def member(name: str = "pair.accuracy", outcome: str | None = "holds", **more: Any) -> dict[str, Any]:
    """A member of an upgrade's family: .80 after .82, margin .05, which it holds down to .037."""
    difference = figure(-0.02, -0.037, -0.003)
    claim = {
        "side": "at least",
        "threshold": -0.05,
        "would_hold": -0.037,
        "settled_by": None,
        "repeats_to_settle": None,
        "estimate": difference,
        **more.pop("claim", {}),
    }
    return {
        "name": name,
        "check": name,
        "options": {},
        "slice": None,
        "decides": True,
        "margin": 0.05,
        "outcome": outcome,
        "claim": claim,
        "candidate": figure(0.8, 0.75, 0.85),
        "baseline": figure(0.82, 0.77, 0.87),
        "difference": difference,
        "n": 4,
        "p": 0.5,
        "p_holm": 1.0,
        "regressed": False,
        **more,
    }


def upgrade_gate(*family: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The case of an upgrade from `old` to `new`."""
    first = family[0] if family else member()
    return {
        "benchmark": BENCH,
        "judge": "new",
        "baseline": "old",
        "name": first["name"],
        "outcome": first["outcome"],
        "line": "pair.accuracy, difference at least -0.05: -0.020 (-0.037 to -0.003)",
        "family": list(family or [first]),
        **more,
    }


def upgraded(*cases: dict[str, Any], gates: Iterable[dict[str, Any]] = ()) -> RunRecord:
    """A record of an upgrade with these judged cases, by default one item right before and wrong now."""
    made = cases or (case("i-1", judge="old"), case("i-1", verdict="B", agreed=False, analysis="It is B."))
    record = record_of_cases(made)
    for place, gate in enumerate(gates or [upgrade_gate()]):
        record.gates[f"bench/benchmark.toml::upgrade::{place}"] = gate
    return record
