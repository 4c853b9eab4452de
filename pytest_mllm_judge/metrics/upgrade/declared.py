"""What a benchmark compares judges by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.manifest import Upgrade as Table
from pytest_mllm_judge.metrics.checks import CHECKS, Check, check_named
from pytest_mllm_judge.metrics.gates import OPTIONS
from pytest_mllm_judge.metrics.upgrade.comparison import Comparison
from pytest_mllm_judge.model import Criterion, Item, Task, Tasks

MAIN: Mapping[Task, tuple[str, ...]] = {
    "score": ("score.pearson", "score.accuracy"),
    "pair": ("pair.accuracy",),
    "batch": ("batch.distance",),
}
"""The check that every task is compared by; the first one that suits the benchmark's scale."""
PROPERTIES = (
    "problems.rate",
    "score.leniency",
    "score.scale_use",
    "consistency.repeats",
    "consistency.orders",
    "cost.mean",
    "latency.mean",
)
"""What is not agreement, and is measured whenever two judges are compared."""
_OF_HUMANS = "agreement."
_TASKS: tuple[Task, ...] = ("score", "pair", "batch")
Options = dict[str, Any]


def comparisons(benchmark: Benchmark) -> tuple[Comparison, ...]:
    """What the benchmark compares judges by, those that decide first.

    Each task's main check, the checks of its gates and those that `[upgrade] margin` names decide. The
    other properties are shown, with their own margins. A check of agreement without a margin in a table
    of margins is left out, and so is a task without a human label.
    """
    table = benchmark.manifest.upgrade
    found: dict[tuple[Any, ...], Comparison] = {}
    for decides, wanted in ((True, _deciding(benchmark)), (False, _shown(benchmark))):
        for name, options in wanted:
            check = check_named(name)
            margin = _margin(table, check)
            if decides and margin is None:
                continue
            made = Comparison(
                check=check, margin=margin, confidence=table.confidence, options=options, decides=decides
            )
            found.setdefault((name, tuple(sorted(options.items()))), made)
    return tuple(found.values())


def main_checks(benchmark: Benchmark) -> tuple[Comparison, ...]:
    """Each task's main check, once for each criterion, whatever its margin."""
    confidence = benchmark.manifest.upgrade.confidence
    return tuple(
        Comparison(
            check=check_named(name), margin=None, confidence=confidence, options=options, decides=False
        )
        for name, options in _main(benchmark)
    )


def _margin(table: Table, check: Check) -> float | None:
    """The benchmark's margin for the check; of a property, which has units of its own, only one by name."""
    if check.margin is None and check.name not in PROPERTIES:
        return table.margin_of(check.name)
    said = table.margin.get(check.name) if isinstance(table.margin, dict) else None
    return check.margin if said is None else said


def _deciding(benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    yield from _main(benchmark)
    for gate in benchmark.manifest.gates.values():
        if not gate.check.startswith(_OF_HUMANS):
            yield gate.check, {n: getattr(gate, n) for n in OPTIONS if getattr(gate, n) is not None}
    margin = benchmark.manifest.upgrade.margin
    gated = {gate.check for gate in benchmark.manifest.gates.values()}
    for name in margin if isinstance(margin, dict) else ():
        if name not in _TASKS and name not in gated:  # a gate's way to read its check is the benchmark's
            yield from _each(check_named(name), benchmark)


def _shown(benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    probes = benchmark.manifest.probes
    for name in (one for one in PROPERTIES if one in CHECKS):
        check = check_named(name)
        asked = {"consistency.repeats": probes.repeat > 1, "consistency.orders": probes.position}
        if asked.get(name, True) and check.suits(benchmark.tasks):
            yield from _each(check, benchmark)


def _main(benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    for names in MAIN.values():
        suiting = [check_named(name) for name in names if check_named(name).suits(benchmark.tasks)]
        if suiting:
            yield from _each(suiting[0], benchmark)


def _each(check: Check, benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    """The check once for each criterion of its items, if it takes one and they have some."""
    some = [item for item in benchmark.items if check.task in (None, item.task)]
    if "criterion" in check.options:
        some = [item for item in some if item.human]
        criteria = _criteria(some, benchmark.tasks)
        yield from ((check.name, {"criterion": name} if name else {}) for name in criteria or [""] if some)
    elif some:
        yield check.name, {}


def _criteria(items: list[Item], tasks: Tasks) -> list[Criterion]:
    return sorted({name for item in items for name in tasks.criteria(item)})
