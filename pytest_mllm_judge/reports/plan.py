"""How many items, clusters and repeats a margin needs, and what a benchmark at hand can show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.statistics.jackknife import unseen_share
from pytest_mllm_judge.statistics.planning import (
    PAIRED_SPREADS,
    design_effect,
    half_width,
    items_for_margin,
    items_without_discordance,
    margin_for_items,
    spread_of_pairs,
)

DISCORDANCES = {0.06: "a new snapshot", 0.15: "the next version", 0.25: "another family"}
"""How often the verdicts of two equally good judges differ, as seen on real logs."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is planned for: the margin, the clusters, the repeats, and the chance to show what is true.

    `noise` is how often the same judge, asked again, gives another verdict: what repeats average out.
    `correlation` is how alike the items of a cluster are, 0 to 1.
    """

    margin: float
    power: float = 0.8
    confidence: float = 0.95
    repeats: int = 1
    noise: float = 0.0
    per_cluster: float = 1.0
    correlation: float = 0.0

    @property
    def effect(self) -> float:
        """How many times as many items the clusters need."""
        return design_effect(self.per_cluster, self.correlation)

    def items(self, spread: float) -> int:
        """Items to show a difference of this spread to be within the margin."""
        independent = items_for_margin(self.margin, spread, power=self.power, confidence=self.confidence)
        return round(independent * self.effect)


def for_margin(plan: Plan) -> Iterator[str]:
    """The items that a not-worse claim needs, by figure, as lines."""
    yield (
        f"to show with {plan.power:.0%} chance that an equally good judge is not worse by {plan.margin:g} "
        f"(one-sided {plan.confidence:.0%}):"
    )
    asked = f", {plan.repeats} times each" if plan.repeats > 1 else ""
    for discordance, what in DISCORDANCES.items():
        noise = min(plan.noise, discordance)
        needed = plan.items(spread_of_pairs(discordance, repeats=plan.repeats, noise=noise))
        yield f"  accuracy, verdicts differ on {discordance:.0%} ({what}): {needed:,} items{asked}"
    for figure, (low, high) in PAIRED_SPREADS.items():
        if figure != "accuracy":
            yield f"  {figure}: {plan.items(low):,} to {plan.items(high):,} items"
    least = items_without_discordance(plan.margin, confidence=plan.confidence)
    yield f"no fewer than {least:,} items, even if no verdict differs"
    if plan.effect > 1:
        yield (
            f"clusters of {plan.per_cluster:g} items, alike by {plan.correlation:g}, need {plan.effect:.2f} "
            "times as many items"
        )


def for_benchmark(benchmark: Benchmark, plan: Plan) -> Iterator[str]:
    """What the benchmark can show at best, task by task, as lines."""
    yield f"{benchmark.name}: {len(benchmark.items):,} items"
    for task in ("score", "pair", "batch"):
        items = [item for item in benchmark.items if item.task == task and item.human]
        if not items:
            continue
        clusters = len({benchmark.cluster(item) for item in items})
        effect = design_effect(len(items) / clusters, plan.correlation)
        yield f"{task}: {len(items):,} labelled items in {clusters:,} clusters"
        yield from _at_best(len(items) / effect, clusters, plan)


def _at_best(n: float, clusters: int, plan: Plan) -> Iterator[str]:
    """What so many independent items can show. Without a problem a cluster counts once, as in the gate."""
    yield f"  a share of .8 is known to +- {half_width(0.8, n, confidence=plan.confidence):.3f}"
    yield "  smallest margin of shares for a not-worse claim:"
    for share in DISCORDANCES:
        margin = margin_for_items(n, spread_of_pairs(share), power=plan.power, confidence=plan.confidence)
        yield f"    {margin:.3f} where verdicts differ on {share:.0%}"
    rate = unseen_share(clusters, plan.confidence)
    yield f"  smallest rate of problems that it can show, with none: {rate:.3f}"
