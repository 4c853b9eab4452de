"""May the candidate replace the baseline: a paired not-worse claim for each agreement check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.claims import Claim, Estimate
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.metrics.checks import Check, check_named
from pytest_mllm_judge.metrics.gates import OPTIONS
from pytest_mllm_judge.metrics.reach import judges
from pytest_mllm_judge.model import Item, Judgements, Task

MAIN: dict[Task, tuple[str, ...]] = {
    "score": ("score.pearson", "score.accuracy"),
    "pair": ("pair.accuracy",),
    "batch": ("batch.distance",),
}
"""The check that every task is compared by; the first one that suits the benchmark's scale."""
_NO_AGREEMENT = ("problems.", "agreement.")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One check by which two judges are compared: with which options, and how much worse is not worse.

    `margin` is above 0, in the check's own units; `name` is the check's, with its criterion in brackets.
    """

    check: Check
    margin: float
    confidence: float
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the comparison is called in ids and reports."""
        told = ", ".join(f"{key} {value}" for key, value in sorted(self.options.items()))
        return f"{self.check.name} ({told})" if told else self.check.name

    def items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """The items that it is about."""
        return tuple(item for item in items if self.check.task in (None, item.task))

    def difference(self, candidate: Judgements, baseline: Judgements) -> Estimate:
        """The candidate's figure less the baseline's, paired by item."""
        options = {**self.options, "confidence": self.confidence}
        return self.check(candidate, **options) - self.check(baseline, **options)

    def claim(self, candidate: Judgements, baseline: Judgements) -> Claim:
        """The claim that the candidate is worse by no more than the margin."""
        difference = self.difference(candidate, baseline)
        if difference.better == "neither":
            return difference.within(self.margin)
        return difference >= -self.margin if difference.better == "higher" else difference <= self.margin


def comparisons(benchmark: Benchmark) -> tuple[Comparison, ...]:
    """What the benchmark compares judges by: each task's main check, and the agreement checks of its gates.

    A check without a margin in `[upgrade]` is left out, and so is a task without a human label.
    """
    upgrade = benchmark.manifest.upgrade
    found: dict[tuple[str, tuple[tuple[str, Any], ...]], Comparison] = {}
    for name, options in _wanted(benchmark):
        margin = upgrade.margin_of(name)
        if margin is not None:
            key = (name, tuple(sorted(options.items())))
            check = check_named(name)
            made = Comparison(check=check, margin=margin, confidence=upgrade.confidence, options=options)
            found.setdefault(key, made)
    return tuple(found.values())


def _wanted(benchmark: Benchmark) -> Iterator[tuple[str, dict[str, Any]]]:
    labelled = [item for item in benchmark.items if item.human]
    for task, names in MAIN.items():
        some = [item for item in labelled if item.task == task]
        suiting = [name for name in names if check_named(name).suits(benchmark.tasks)]
        if some and suiting:
            criteria = sorted({name for item in some for name in benchmark.tasks.criteria(item)})
            yield from ((suiting[0], {"criterion": each} if each else {}) for each in criteria or [""])
    for gate in benchmark.manifest.gates.values():
        if not gate.check.startswith(_NO_AGREEMENT):
            options = {name: getattr(gate, name) for name in OPTIONS if getattr(gate, name) is not None}
            yield gate.check, options


def check_upgrade(benchmark: Benchmark) -> None:
    """Raise BenchmarkError for a margin that not even a judge compared with itself could hold here."""
    for comparison in comparisons(benchmark):
        best = _best(comparison, benchmark)
        if best is not None:
            shows = best.would_hold()
            hint = f"The smallest margin that they could show is {abs(shows):.3f}." if shows else ""
            what = (
                f"[upgrade]: no judge could be called not worse by {comparison.name} with a margin of "
                f"{comparison.margin:g} on these {best.estimate.n} items, not even the baseline itself"
            )
            raise BenchmarkError(shown(benchmark.file), what, hint)


def _best(comparison: Comparison, benchmark: Benchmark) -> Claim | None:
    """The claim about a made-up judge and itself; None as soon as one holds."""
    options = comparison.options
    made = judges(
        comparison.items(benchmark.items),
        benchmark.tasks,
        combine=options.get("annotators") or comparison.check.combine,
        criterion=options.get("criterion"),
    )
    best: Claim | None = None
    for verdicts in made:
        judgements = Judgements(verdicts, cluster_of=benchmark.cluster, tasks=benchmark.tasks)
        claim = comparison.claim(judgements, judgements)
        if claim.outcome == "holds":
            return None
        best = best if best is not None and best.would_hold() is not None else claim
    return best
