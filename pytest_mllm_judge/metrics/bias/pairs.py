"""Whether a judge of pairs prefers the longer answer, or its own family's, more than humans do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.metrics.agreement.core import NO_LABEL, estimate
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.bias.families import pattern_of
from pytest_mllm_judge.metrics.bias.orders import Twins, is_plain, key, twins_of
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, Measure
from pytest_mllm_judge.metrics.noted import noted, shares, told
from pytest_mllm_judge.metrics.reading import Extract, Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Item, Judgement, Judgements, Label
from pytest_mllm_judge.probes import turned
from pytest_mllm_judge.statistics import MIN_CLUSTERS, MIN_DISCORDANT, Interval, Sample
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array

READING = ("annotators", "average", "by")
_OTHER: dict[Label, Label] = {"A": "B", "B": "A"}
_LEAST = MIN_DISCORDANT
Side = Callable[[Item], Label | None]
"""Where the answer of a kind stands, A or B; None where both are of the kind, or neither is."""


@declare(
    "pair.length",
    task="pair",
    source="this project",
    options=READING,
    margin=0.05,
    worse="away from zero",
    besides="position",
)
def pair_length(judgements: Judgements, /, **options: Unpack[Options]) -> Estimate:
    """How much more often the judge prefers the longer answer of a pair than humans do, in [-1, 1].

    Length is in characters. A verdict for neither counts half. Both slots weigh alike, so that a liking for
    a slot does not show; with the pairs also swapped each is the mean of its orders. Pairs without two texts
    of different lengths, or without a label, are left out and counted. A problem counts as the shorter
    answer where the figure must not be low, and as the longer where it must not be high.
    """
    return _leaning(
        "pair.length",
        judgements,
        options,
        _longer,
        what="the longer answer",
        lacking="texts of different lengths or a human label or majority",
        why_none="no pair with a human label here has two texts of different lengths",
    )


@declare(
    "pair.self_preference",
    task="pair",
    source="Panickssery, Bowman & Feng 2024 (arXiv 2404.13076)",
    options=(*READING, "family"),
    margin=0.05,
    worse="higher",
    besides="position",
)
def pair_self_preference(
    judgements: Judgements, /, *, family: str | None = None, **options: Unpack[Options]
) -> Estimate:
    """How much more often the judge prefers the answer of its own family to another's than humans do.

    In [-1, 1], over pairs of one answer by the family and one by another author. `family` is a pattern of
    its authors, unless the judge's model is of a known family. Otherwise as pair.length: where the family's
    answers (nearly) always stand in one slot nothing is decided, as a liking for that slot looks the same.
    """
    pattern = pattern_of(judgements, family, "pair.self_preference")

    def own(item: Item) -> Label | None:
        ours = [
            answer.author is not None and bool(pattern.search(answer.author)) for answer in item.responses
        ]
        named = all(answer.author is not None for answer in item.responses)
        return None if not named or ours[0] == ours[1] else "A" if ours[0] else "B"

    return _leaning(
        "pair.self_preference",
        judgements,
        options,
        own,
        what="the judge's own family",
        lacking="one answer of the judge's own family and one of another, or a human label or majority",
        why_none=f"no pair with a human label here has one author like {pattern.pattern!r} and another one",
    )


def _longer(item: Item) -> Label | None:
    first, second = (len(answer.text or "") for answer in item.responses)
    return None if first == second or not first or not second else "A" if first > second else "B"


def _leaning(
    metric: str,
    judgements: Judgements,
    options: Options,
    side: Side,
    *,
    what: str,
    lacking: str,
    why_none: str,
) -> Estimate:
    labelled = rows_of(judgements, options)
    twins = twins_of(judgements)
    rows = _told(labelled, side, twins, options.get("judge") or (lambda one: one.answer()))
    if twins and not len(rows):
        lacking = f"the other order, {lacking}"
    measure = _Leaning(build=_build(what), name=metric, alone=True)
    found = estimate(
        metric, rows, measure, better="neither", why_none=why_none if len(labelled) else NO_LABEL
    )
    return replace(found, lacking=lacking, beside=Lazily(lambda: list(_beside(rows.answered(), what))))


def _told(labelled: Rows, side: Side, twins: Twins, extract: Extract) -> Rows:
    """The rows with an answer of the kind beside one that is not; where some are swapped, in both orders."""
    sides = [side(one.item) for one in labelled.judgements]
    wanted = [
        place is not None and (not twins or key(one) in twins)
        for one, place in zip(labelled.judgements, sides, strict=True)
    ]
    kept = labelled.keep(np.array(wanted, dtype=bool))
    said = [extract(twins[key(one)]) if twins else None for one in kept.judgements]
    each = list(zip(kept.judgements, kept.verdict, said, strict=True))
    if not twins:
        alone = [
            noted(one, side=side(one.item), orders=[_preferred(v, side(one.item))]) for one, v, _ in each
        ]
        rows = told(kept, alone, kept.verdict)
    else:
        judgements = [_both(one, twins[key(one)], v, other, side(one.item)) for one, v, other in each]
        rows = told(kept, judgements, [_says(verdict, other) for _, verdict, other in each])
    return replace(rows, unlabelled=rows.unlabelled + len(labelled) - len(rows))


def _both(
    plain: Judgement, swapped: Judgement, verdict: Label | None, other: Label | None, side: Label | None
) -> Judgement:
    """The two asks as one judgement: of the order without a verdict, if there is one."""
    orders = [_preferred(verdict, side), _preferred(other, _OTHER[str(side)])]
    return noted(plain if verdict is None else swapped, side=side, orders=orders)


def _says(verdict: Label | None, other: Label | None) -> Label | None:
    """The verdict, and that of the other order where it is another; None where one lacks."""
    if verdict is None or other is None:
        return None
    same = turned(other) == verdict
    return verdict if same else f"{verdict}, and {turned(other)} in the other order"


def _preferred(label: Label | None, side: Label | None) -> float | None:
    """1 where the label prefers the answer at that side, 0 the other one, 1/2 neither; None without one."""
    if label is None:
        return None
    return 0.5 if label not in _OTHER else float(label == side)


@dataclass(frozen=True, kw_only=True)
class _Leaning(Measure):
    """Of pairs in both orders the difference of two shares; else the mean of both slots' differences."""

    def interval(self, rows: Rows, *, end: End) -> Interval:
        """The figure of these rows."""
        plain = is_plain(rows) and rows.reading.get("bootstrap") is None
        if plain and _in_both_orders(rows):
            return shares(rows, _more(rows, end))
        found = super().interval(rows, end=end)
        values = _more(rows, end)
        if not plain or found.value is None or int((values != 0).sum()) >= _LEAST:
            return found
        least = shares(rows, values)
        assert least.low is not None
        assert least.high is not None
        low = min(least.low, found.value if found.low is None else found.low)
        high = max(least.high, found.value if found.high is None else found.high)
        return replace(found, low=low, high=high, method=least.method, reason=found.reason or least.reason)


def _in_both_orders(rows: Rows) -> bool:
    return all(len(_orders(rows, place)) > 1 for place in range(len(rows)))


def _orders(rows: Rows, place: int) -> list[float | None]:
    orders: list[float | None] = rows.judgements[place].fields["orders"]  # type: ignore[assignment]
    return orders


def _judge(rows: Rows, end: End) -> Array:
    """How far the judge prefers the answer of the kind, 0 to 1 (n,); what lacks is drawn to the end."""
    lacking = 0.0 if end == "low" else 1.0
    each = (_orders(rows, place) for place in range(len(rows)))
    return np.array(
        [np.mean([lacking if one is None else one for one in some]) for some in each], dtype=float
    )


def _human(rows: Rows) -> Array:
    """How far humans do (n,)."""
    sides = (one.fields["side"] for one in rows.judgements)
    found = [_preferred(label, str(side)) for label, side in zip(rows.human, sides, strict=True)]
    return np.array(found, dtype=float)


def _more(rows: Rows, end: End) -> Array:
    return _judge(rows, end) - _human(rows)


def _build(what: str) -> Callable[[Rows, End], tuple[Figure, Sample]]:
    """The mean of what is seen in the first slot and in the second; both orders are seen in both."""

    def value(sums: Array) -> Array:
        with np.errstate(all="ignore"):
            first, second = sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]
        both = (first + second) / 2
        return np.asarray(np.where(np.isnan(first), second, np.where(np.isnan(second), first, both)))

    def rule(total: Array) -> str:
        first, pairs = int(total[1]), int(total[4])
        if min(total[1], total[3]) >= MIN_CLUSTERS:
            return ""
        slot, count = ("first", first) if first > pairs / 2 else ("second", int(total[3]))
        return (
            f"{what} stands {slot} in {count} of {pairs} pairs, and a liking for that slot would look the "
            "same: ask both orders, by [probes] position = true"
        )

    figure = Figure(
        name=what,
        value=value,
        corners=np.array([[sign, 1.0, sign, 1.0, 1.0] for sign in (-1.0, 1.0)]),
        mass=np.array([0.0, 0.0, 0.0, 0.0, 1.0]),
        rule=rule,
    )

    def build(rows: Rows, end: End) -> tuple[Figure, Sample]:
        both = np.array([len(_orders(rows, place)) > 1 for place in range(len(rows))], dtype=bool)
        at_a = np.array([one.fields["side"] == "A" for one in rows.judgements], dtype=bool)
        first, second = (at_a | both).astype(float), (~at_a | both).astype(float)
        more = _more(rows, end)
        columns = [more * first, first, more * second, second, np.ones(len(rows))]
        return figure, rows.sample(moments=np.column_stack(columns))

    return build


def _beside(rows: Rows, what: str) -> Iterator[Beside]:
    """What both shares are, and what errors that look at nothing would make of the humans' share."""
    if not len(rows):
        return
    judge, human = _judge(rows, "low"), _human(rows)
    yield Beside(name="judge", value=float(judge.mean()), about=f"how often the judge prefers {what}")
    share = float(human.mean())
    yield Beside(name="humans", value=share, about=f"how often humans prefer {what}")
    wrong = float(np.abs(judge - human).mean())
    about = "what as many errors, made without regard to it, would come to"
    yield Beside(name="noise", value=wrong * (1 - 2 * share), about=about)
