"""What a benchmark compares judges by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pytest_mllm_judge.asked import probing_of
from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.manifest import Probes
from pytest_mllm_judge.benchmarks.manifest import Upgrade as Table
from pytest_mllm_judge.metrics.checks import Check, check_named
from pytest_mllm_judge.metrics.gates import OPTIONS
from pytest_mllm_judge.metrics.suiting import unsuited
from pytest_mllm_judge.metrics.upgrade.comparison import Comparison
from pytest_mllm_judge.model import Criterion, Item, Task, Tasks
from pytest_mllm_judge.probes.probing import Probing
from pytest_mllm_judge.statistics import tango

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
    "pair.position",
    "batch.position",
    "batch.echo",
    "consistency.rotations",
    "position.images",
    "length.padding",
    "grounding.blank",
    "grounding.another",
    "grounding.blurred",
    "grounding.cropped",
    "attack.picture",
    "attack.answer",
    "attack.bandwagon",
    "attack.markdown",
    "robustness.jpeg",
    "robustness.resized",
    "robustness.tilted",
)
"""What is not agreement, and is measured whenever two judges are compared and its probe is asked."""
_OF_HUMANS = "agreement."
_NO_LABEL = ("coherence.", "consistency.")
"""Checks that take a criterion and need no human label."""
_TASKS: tuple[Task, ...] = ("score", "pair", "batch")
Options = dict[str, Any]


def comparisons(benchmark: Benchmark) -> tuple[Comparison, ...]:
    """What the benchmark compares judges by, those that decide first.

    Each task's main check, the checks of its gates and those that `[upgrade] margin` names decide; where it
    names other checks of a task's agreement alone, they stand in the main check's place. Beside them decides
    the rate of problems, in no slice, where the benchmark is large enough to show its margin. Other
    properties are shown, with their own margins. A task without a human label is left out.
    """
    table = benchmark.manifest.upgrade
    found: dict[tuple[Any, ...], Comparison] = {}
    deciding = list(_deciding(benchmark))
    besides = [("problems.rate", Options())] if deciding and _can_show_problems(benchmark) else []
    wanted = (deciding, besides, _shown(benchmark))
    for decides, sliced, some in zip((True, True, False), (True, False, False), wanted, strict=True):
        for name, options in some:
            check = check_named(name)
            margin = _margin(table, check, benchmark.tasks)
            made = Comparison(
                check=check,
                margin=margin,
                confidence=table.confidence,
                options=options,
                decides=decides and margin is not None,
                sliced=sliced,
            )
            found.setdefault((name, tuple(sorted(options.items()))), made)
    return tuple(found.values())


def _margin(table: Table, check: Check, tasks: Tasks) -> float | None:
    """The benchmark's margin for the check; of a property, which has units of its own, only one by name."""
    if check.name not in PROPERTIES and check.margin is None:
        return table.margin_of(check.name)
    said = table.margin.get(check.name) if isinstance(table.margin, dict) else None
    if said is not None or check.margin is None:
        return said
    return check.margin * _FIVE_POINTS[check.name](tasks) if check.name in _FIVE_POINTS else check.margin


def _width(tasks: Tasks) -> float:
    """How far apart the scale's ends are, from 1 to 5 being 1."""
    low, high = tasks.score.scale[0], tasks.score.scale[-1]
    return 1.0 if isinstance(low, str) or isinstance(high, str) else (float(high) - float(low)) / 4


_FIVE_POINTS: Mapping[str, Callable[[Tasks], float]] = {
    "score.leniency": _width,
    "score.scale_use": lambda tasks: len(tasks.score.scale) / 5,
}
"""What a margin that is meant for the scale from 1 to 5 is multiplied by on another one."""


def _deciding(benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    yield from _main(benchmark)
    for gate in benchmark.manifest.gates.values():
        if not gate.check.startswith(_OF_HUMANS) and not unsuited(gate.check, benchmark.items):
            yield gate.check, {n: getattr(gate, n) for n in OPTIONS if getattr(gate, n) is not None}
    margin = benchmark.manifest.upgrade.margin
    gated = {gate.check for gate in benchmark.manifest.gates.values()}
    for name in margin if isinstance(margin, dict) else ():
        if name not in _TASKS and name not in gated:  # a gate's way to read its check is the benchmark's
            yield from _each(check_named(name), benchmark)


def is_asked(name: str, probes: Probes) -> bool:
    """Whether `[probes]` asks what the check of that name is read from."""
    check = check_named(name)
    if check.probe:
        return probes.asks(check.probe, check.variants)
    return probes.repeat > 1 or not name.startswith("consistency.")


def _can_show_problems(benchmark: Benchmark) -> bool:
    """Whether two judges without a problem could be told not to differ by more than the margin."""
    clusters = len({benchmark.cluster(item) for item in benchmark.items})
    margin = _margin(benchmark.manifest.upgrade, check_named("problems.rate"), benchmark.tasks)
    confidence = benchmark.manifest.upgrade.confidence
    return bool(clusters) and margin is not None and tango(0, 0, clusters, confidence=confidence)[1] <= margin


def _shown(benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    probing = probing_of(benchmark)
    for name in PROPERTIES:
        check = check_named(name)
        asked = is_asked(name, benchmark.manifest.probes) and _is_shown(check, benchmark, probing)
        if asked and check.suits(benchmark.tasks):
            yield from _each(check, benchmark)


def _is_shown(check: Check, benchmark: Benchmark, probing: Probing) -> bool:
    """Whether some item has what the check is read from."""
    if not check.probe:
        return True
    wanted = set(check.variants)
    alone = probing.only(check.probe)
    asked = (alone.variants(item) for item in benchmark.items)
    return any(wanted.intersection(names) if wanted else names for names in asked)


def _main(benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    margin = benchmark.manifest.upgrade.margin
    for task, names in MAIN.items():
        suiting = [check_named(name) for name in names if check_named(name).suits(benchmark.tasks)]
        if suiting and not _is_replaced(task, suiting[0].name, margin if isinstance(margin, dict) else {}):
            yield from _each(suiting[0], benchmark)


def _is_replaced(task: Task, main: str, margins: Mapping[str, float]) -> bool:
    """Whether the table names other checks of a task's agreement, and neither the task nor its main check."""
    if task in margins or main in margins:
        return False
    return any(name.startswith(f"{task}.") and _is_agreement(check_named(name)) for name in margins)


def _is_agreement(check: Check) -> bool:
    """Whether it is a figure against the humans' labels: their margin is the benchmark's to say."""
    return check.margin is None and check.name not in PROPERTIES


def _each(check: Check, benchmark: Benchmark) -> Iterator[tuple[str, Options]]:
    """The check once for each criterion of its items, if it takes one and they have some."""
    some = [item for item in benchmark.items if check.task in (None, item.task)]
    if "criterion" in check.options:
        if not check.probe and not check.name.startswith(_NO_LABEL):
            some = [item for item in some if item.human]
        criteria = _criteria(some, benchmark.tasks)
        yield from ((check.name, {"criterion": name} if name else {}) for name in criteria or [""] if some)
    elif some:
        yield check.name, {}


def _criteria(items: list[Item], tasks: Tasks) -> list[Criterion]:
    return sorted({name for item in items for name in tasks.criteria(item)})
