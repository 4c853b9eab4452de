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
        "probes": False,
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
        "cancelled": [],
        "halted": "",
        **more,
    }


def record_of_cases(cases: Iterable[dict[str, Any]], **more: Any) -> RunRecord:
    """A record of these judged cases, with a run for each judge among them."""
    cases = list(cases)
    judges = sorted({case["judge"] for case in cases})
    runs = {f"{judge} {BENCH}": run_facts(judge) for judge in judges}
    record = RunRecord(root="/project", benchmarks={BENCH: facts(**more)}, runs=runs)
    record.add_judged(cases)
    return record
