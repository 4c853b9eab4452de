"""What the judgements at hand say of the items that are needed: figures, differences, gates, repeats."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_mllm_judge.claims import Claim
from pytest_mllm_judge.claims.show import show_down, show_up
from pytest_mllm_judge.metrics import gates
from pytest_mllm_judge.model.judgement import agrees
from pytest_mllm_judge.reports.plan.asked import Plan
from pytest_mllm_judge.reports.plan.columns import NOTHING, columns, number, seen
from pytest_mllm_judge.reports.plan.figures import Figure, Seen, figures_of, noise_of
from pytest_mllm_judge.reports.plan.general import TASKS
from pytest_mllm_judge.reports.plan.hand import Hand, differing, verdict_of
from pytest_mllm_judge.statistics.planning import spread_of_repeats

REPEATS = (1, 3, 5)
"""How often each item may be asked: what these give is always shown."""
LEFT = "figure, gate, claim, outcome, note"


def for_figures(figures: Sequence[Seen], plan: Plan) -> Iterator[str]:
    """Each figure of one judge, and the items to show that it is better than a threshold."""
    yield (
        f"items for a chance of {plan.power:.0%} to pass a threshold that is worse than the figure "
        "by the margin"
    )
    rows: list[Sequence[str]] = [("figure", "now", "judgements", "spread", "margin", "items", "note")]
    for one in figures:
        margin = f"{plan.margin_of(one.figure.check.name):g}"
        n = f"{one.estimate.n:,}"
        needed = _items(one, plan)
        rows.append(
            (one.figure.name, seen(one.estimate.counted), n, number(one.spread), margin, needed, one.why)
        )
    yield from columns(rows, left=LEFT)


def for_differences(differences: Sequence[Seen], plan: Plan) -> Iterator[str]:
    """Each paired difference, the smallest margin that so many items show, and the items for the margin."""
    yield f"items for a chance of {plan.power:.0%} to show an equally good judge not worse by the margin"
    head = ("figure", "difference", "judgements", "spread", "shows", "margin", "items", "note")
    rows: list[Sequence[str]] = [head]
    for one in differences:
        margin = f"{plan.margin_of(one.figure.check.name):g}"
        numbers = (f"{one.estimate.n:,}", number(one.spread), number(_smallest(one, plan)))
        cells = (*numbers, margin, _items(one, plan), one.why)
        rows.append((one.figure.name, seen(one.estimate.counted), *cells))
    yield from columns(rows, left=LEFT)
    yield "  shows: the smallest margin that so many judgements can show, if two judges differ as these do"


def for_discordance(new: Hand, old: Hand) -> Iterator[str]:
    """How often two judges' verdicts differ, task by task."""
    for task in TASKS:
        verdicts = differing(new.first, old.first, verdict_of, task=task)
        right = differing(new.first, old.first, agrees, task=task)
        if verdicts is not None and right is not None:
            yield f"  {task}: verdicts differ on {verdicts:.1%} of items, right against wrong on {right:.1%}"


def for_gates(hand: Hand, names: Sequence[str]) -> Iterator[str]:
    """Each gate: what it shows now, and how many items would settle it."""
    yield "gates:"
    rows: list[Sequence[str]] = [("gate", "outcome", "claim", "now", "shows", "items to settle", "note")]
    manifest = hand.run.benchmark.manifest
    present = {judgement.item.id for judgement in hand.first}
    for name in names:
        items = gates.items_of(manifest.gates[name], hand.run.items)
        judgements = hand.run.judgements(item for item in items if item.id in present)
        rows.append((name, *_gate(gates.claim(manifest.gates[name], judgements))))
    yield from columns(rows, left=LEFT)
    yield "  shows: the tightest bound at which the same claim holds on these judgements"


def _gate(claim: Claim) -> Iterator[str]:
    counted = claim.estimate.counted
    yield claim.outcome
    yield f"{claim.estimate.metric} {claim.side} {claim.threshold:g}"
    yield seen(counted)
    yield _bound(claim)
    needed = claim.settled_by() if claim.outcome == "undecided" else None
    yield NOTHING if needed is None else f"{needed:,}"
    yield counted.reason


def _bound(claim: Claim) -> str:
    """The tightest bound at which the claim holds, rounded so that it holds at the number printed."""
    tightest = claim.would_hold()
    if tightest is None:
        return NOTHING
    return show_down(tightest) if claim.side == "at least" else show_up(tightest)


class _Row(NamedTuple):
    figure: Figure
    spread: float
    noise: float
    is_share: bool


def for_repeats(figures: Sequence[Seen], plan: Plan, *, judges: int) -> Iterator[str]:
    """What asking each item several times gives: the items for the margin, of every figure with known noise.

    Without repeats at hand the noise is the plan's, which is that of shares only. A single judge's figure
    has half the variance of noise that a difference has.
    """
    said = (plan.noise * judges / 2) ** 0.5
    rows = []
    for one in figures:
        noise = one.noise if one.noise is not None else said if one.is_share and said else None
        if noise is not None and one.spread is not None:
            rows.append(_Row(one.figure, one.spread, min(noise, one.spread), one.is_share))
    if rows:
        yield "the same, each item asked so often"
        yield from _by_repeats(rows, plan)


def for_itself(hand: Hand, plan: Plan) -> Iterator[str]:
    """The items to show that the same judge, asked again, is not worse than itself."""
    rows = []
    for figure in figures_of(hand.first):
        noise = noise_of(figure, hand, confidence=plan.confidence)
        if noise:
            rows.append(_Row(figure, noise, noise, False))
    if rows:
        yield (
            f"items for a chance of {plan.power:.0%} to show the same judge, asked anew, not worse "
            "by the margin, each item asked so often"
        )
        yield from _by_repeats(rows, plan)


def for_changes(hand: Hand) -> Iterator[str]:
    """How often the judge, asked again, said something else, task by task."""
    if not hand.again:
        yield f"repeats: none at hand of {hand.judge}"
        return
    yield f"repeats: {hand.judge} was asked up to {1 + len(hand.again)} times"
    for task in TASKS:
        changes = hand.changes(task)
        if changes is not None:
            verdicts, right = changes
            yield f"  {task}: asked again, {verdicts:.1%} of verdicts change, {right:.1%} turn right or wrong"


def _by_repeats(rows: Sequence[_Row], plan: Plan) -> Iterator[str]:
    times = sorted({*REPEATS, plan.repeats})
    cells: list[Sequence[str]] = [("figure", "margin", *(f"{t} x" for t in times))]
    for row in rows:
        spreads = [spread_of_repeats(row.spread, noise=row.noise, repeats=t) for t in times]
        name = row.figure.check.name
        needed = [plan.items_at_hand(c, check=name, is_share=row.is_share) for c in spreads]
        cells.append((row.figure.name, f"{plan.margin_of(name):g}", *(number(n, ",") for n in needed)))
    yield from columns(cells, left=LEFT)


def _items(one: Seen, plan: Plan) -> str:
    if one.spread is None:
        return NOTHING
    name = one.figure.check.name
    return number(plan.items_at_hand(one.spread, check=name, is_share=one.is_share), ",")


def _smallest(one: Seen, plan: Plan) -> float | None:
    """The smallest margin that the judgements at hand show."""
    if one.spread is None:
        return None
    n, clusters = one.estimate.n, one.estimate.clusters
    return plan.margin_at_hand(one.spread, n=n, clusters=clusters, is_share=one.is_share)
