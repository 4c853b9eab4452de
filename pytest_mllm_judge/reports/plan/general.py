"""How many items a margin needs by what real judges showed, and what a benchmark can show at best."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.model import Item, Task
from pytest_mllm_judge.reports.plan.asked import Plan
from pytest_mllm_judge.reports.plan.columns import columns, number
from pytest_mllm_judge.statistics.jackknife import unseen_share
from pytest_mllm_judge.statistics.planning import (
    PAIRED_SPREADS,
    design_effect,
    half_width,
    items_without_discordance,
    margin_for_items,
    spread_of_pairs,
)

DISCORDANCES = {0.06: "a new snapshot", 0.15: "the next version", 0.25: "another family"}
"""How often the verdicts of two equally good judges differ, as seen on real logs."""
TASKS: tuple[Task, ...] = ("score", "pair", "batch")


def for_margin(plan: Plan) -> Iterator[str]:
    """The items that a not-worse claim needs, by figure, as lines."""
    margin = plan.margin_of()
    yield (
        f"to show with {plan.power:.0%} chance that an equally good judge is not worse by {margin:g} "
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
    least = items_without_discordance(margin, confidence=plan.confidence)
    yield f"no fewer than {least:,} items, even if no verdict differs"
    if plan.effect > 1:
        yield (
            f"clusters of {plan.per_cluster:g} items, alike by {plan.correlation:g}, need {plan.effect:.2f} "
            "times as many items"
        )


def for_benchmark(
    benchmark: Benchmark, plan: Plan, *, effects: Mapping[str, float] | None = None
) -> Iterator[str]:
    """What the benchmark can show at best, task by task, as lines.

    `effects` are the tasks' design effects as measured; by default they follow from the plan's correlation.
    """
    yield f"{benchmark.name}: {len(benchmark.items):,} items; at best they can show"
    shares = [f"{share:.0%}" for share in DISCORDANCES]
    head = ("task", "labelled", "clusters", "design effect", "a share of .8", *shares, "problems")
    rows: list[Sequence[str]] = [head]
    for task in TASKS:
        items = [item for item in benchmark.items if item.task == task and item.human]
        if items:
            rows.append((task, *_at_best(items, benchmark, plan, (effects or {}).get(task))))
    yield from columns(rows, left="task")
    yield (
        f"  {', '.join(shares)}: the smallest margin of shares for a not-worse claim ({plan.power:.0%} "
        "chance), where so many verdicts differ"
    )
    yield "  problems: the smallest rate of them that it can show, with none"


def _at_best(items: Sequence[Item], benchmark: Benchmark, plan: Plan, effect: float | None) -> Iterator[str]:
    """The cells of one task. Without a problem a cluster counts once, as in the gate."""
    clusters = len(set(map(benchmark.cluster, items)))
    times = design_effect(len(items) / clusters, plan.correlation) if effect is None else effect
    n = len(items) / times
    yield from (f"{len(items):,}", f"{clusters:,}", number(times, ".2f"))
    yield f"+- {half_width(0.8, n, confidence=plan.confidence):.3f}"
    for share in DISCORDANCES:
        spread = spread_of_pairs(share)
        yield number(margin_for_items(n, spread, power=plan.power, confidence=plan.confidence))
    yield number(unseen_share(clusters, plan.confidence))
