"""Whether a judge says the same of the same answers as scores, as pairs and in rankings, and among pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.answers_judged import (
    Answer,
    Elsewhere,
    Key,
    Said,
    Seat,
    by_rankings,
    by_scores,
    in_pairs,
    in_rankings,
    lacks,
    orders_of,
)
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.consistency.told import telling
from pytest_mllm_judge.metrics.measure import mean_of, share_of
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Criterion, Judgement, Judgements

READING = ("average", "by")
SAME, OTHER = "the same in both tasks", "another order in the other task"
CYCLE, NO_CYCLE = "a cycle", "no cycle"
_HALF = {1: 0.5, -1: 0.5}
Chance = Mapping[int, float]
"""How likely a verdict at random agrees with each order."""


@declare(
    "coherence.scores_pairs", task=None, source="this project", options=(*READING, "criterion"), margin=0.05
)
def scores_pairs(
    judgements: Judgements, /, *, criterion: Criterion | None = None, **options: Unpack[BareOptions]
) -> Estimate:
    """Share of pairs whose verdict is the order of the scores that its two answers have alone, in [0, 1].

    Answers are the same if their text and images, instruction and the item's images are. A verdict for
    neither agrees with equal scores only; where the benchmark has no label for neither, pairs of equal scores
    are left out and counted. Asks of the same repeat stand side by side. A problem in either agrees with
    nothing. Wilson interval. `criterion` is that of the scores.
    """
    bare = bare_rows(judgements, options)
    labels = len(judgements.tasks.pair.labels)
    chance = {1: 1 / labels, -1: 1 / labels, **({0: (labels - 2) / labels} if labels > 2 else {})}
    both = _both(in_pairs(bare), by_scores(judgements, criterion))
    return _agreement("coherence.scores_pairs", _by(bare, criterion), both, chance, about="labels at random")


@declare("coherence.pairs_batch", task=None, source="this project", options=READING, margin=0.05)
def pairs_batch(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of pairs whose verdict is the order in which a ranking has the two answers, in [0, 1].

    A ranking knows no ties, so verdicts for neither are left out and counted. Else as `scores_pairs`.
    """
    bare = bare_rows(judgements, options)
    both = _both(in_pairs(bare), by_rankings(bare))
    return _agreement("coherence.pairs_batch", bare, both, _HALF, about="rankings at random")


@declare(
    "coherence.scores_batch", task=None, source="this project", options=(*READING, "criterion"), margin=0.05
)
def scores_batch(
    judgements: Judgements, /, *, criterion: Criterion | None = None, **options: Unpack[BareOptions]
) -> Estimate:
    """Share of a ranking's pairs of answers that stand in the order of their scores, in [0, 1].

    A ranking knows no ties, so answers of equal scores are left out and counted. Else as `scores_pairs`.
    """
    bare = bare_rows(judgements, options)
    both = _both(in_rankings(bare), by_scores(judgements, criterion))
    return _agreement("coherence.scores_batch", _by(bare, criterion), both, _HALF, about="rankings at random")


@declare("coherence.cycles", task=None, source="Kendall & Babington Smith 1940", options=READING, margin=0.05)
def cycles(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of three answers to one question, all judged in pairs, each preferred to the next in a circle.

    In [0, 1], lower is better. A verdict for neither closes no circle: of three answers whose verdicts no
    order explains, ties counted, the share stands beside it. Where a verdict is missing it counts as the one
    that closes the circle, if one could. Clopper-Pearson bounds, clustered by picture.
    """
    name = "coherence.cycles"
    bare = bare_rows(judgements, options)
    orders = orders_of(in_pairs(bare))
    places = {id(judgement): place for place, judgement in enumerate(bare.judgements)}
    triples = list(_triples(orders))
    rows = replace(
        bare.take(np.array([places[id(each.first)] for each in triples], dtype=np.intp)),
        judgements=[each.judgement for each in triples],
        verdict=[each.verdict for each in triples],
        _made={},
    )
    found = estimate(
        name,
        rows,
        share_of(_in_a_circle, rare=True),
        better="lower",
        wrong=_in_a_circle,
        why_none=lacks(name, [each.item for each in bare.judgements]) or "no three answers were asked alike",
    )
    labels = len(judgements.tasks.pair.labels)
    known = [each.orders for each in triples if None not in each.orders]
    beside = [Beside(name="random", value=2 / labels**3, about="labels at random")]
    if known:
        share = sum(each not in _WEAK_ORDERS for each in known) / len(known)
        about = f"of {len(known)} threes with all verdicts, no order with ties explains so many"
        beside.append(Beside(name="no order", value=share, about=about))
    return replace(
        telling(found, found.examples, found.wrong, _more_circles), beside=beside if len(rows) else []
    )


def _by(rows: Rows, criterion: Criterion | None) -> Rows:
    """The rows, read by a criterion: figures of others can't be subtracted."""
    if criterion is None:
        return rows
    return replace(rows, reading={**rows.reading, "criterion": criterion}, _made={})


def _both(seats: Sequence[Seat], elsewhere: Elsewhere) -> list[tuple[Seat, Said]]:
    """What is said of two answers here and there, where both tasks judge them."""
    found = ((seat, elsewhere(seat)) for seat in seats)
    return [(seat, said) for seat, said in found if said is not None]


def _agreement(
    metric: str, bare: Rows, both: Sequence[tuple[Seat, Said]], chance: Chance, *, about: str
) -> Estimate:
    """The share of what both tasks can say alike that they do; `chance` holds the orders that they can."""
    kept = [
        (seat, said)
        for seat, said in both
        if all(order is None or order in chance for order in (seat.said.order, said.order))
    ]
    rows = replace(
        bare.take(np.array([seat.place for seat, _ in kept], dtype=np.intp)),
        judgements=[_of_both(seat.said, said) for seat, said in kept],
        verdict=[_alike(seat.said.order, said.order) for seat, said in kept],
        annotators=[seat.number for seat, _ in kept],
        unlabelled=len(both) - len(kept),
        _made={},
    )
    why = (
        lacks(metric, [each.item for each in bare.judgements]) or "of no two answers both tasks say an order"
    )
    found = estimate(metric, rows, share_of(_same), wrong=lambda some: ~_same(some), why_none=why)
    likely = np.array([_likely(seat.said.order, said.order, chance) for seat, said in kept])

    def at_random() -> list[Beside]:
        mean = mean_of(lambda *_: likely, bounds=(0.0, 1.0)).interval(rows, end="low")
        return [Beside(name="random", value=mean.value, about=about)] if len(rows) else []

    told = telling(found, found.examples, found.wrong, _less_alike)
    return replace(told, lacking="an order in both tasks", beside=Lazily(at_random))


def _of_both(here: Said, there: Said) -> Judgement:
    """The judgement here; without a verdict, and with the problem there, where only that has one."""
    if here.order is None or there.order is not None:
        return here.judgement
    problem = there.judgement.problem or "malformed"
    return here.judgement.model_copy(update={"verdict": None, "problem": problem})


def _alike(here: int | None, there: int | None) -> str | None:
    if here is None or there is None:
        return None
    return SAME if here == there else OTHER


def _likely(here: int | None, there: int | None, chance: Chance) -> float:
    """How likely a verdict at random is what the other task says; that of a strict order if it says none."""
    order = there if there is not None else here
    return chance[1 if order is None else order]


def _same(rows: Rows) -> Truths:
    return np.array([verdict == SAME for verdict in rows.verdict], dtype=bool)


def _less_alike(first: Rows, second: Rows) -> list[str]:
    lost = np.flatnonzero(~_same(first) & _same(second))
    return [f"{first.says(place)}, where the other chose {SAME}" for place in lost.tolist()]


# Cycles


Signs = tuple[int | None, int | None, int | None]
_WEAK_ORDERS = {
    tuple((one > other) - (one < other) for one, other in ((x, y), (y, z), (z, x)))
    for x, y, z in product(range(3), repeat=3)
}
"""Of three answers x, y and z what any order of them, ties allowed, says of x and y, y and z, z and x."""


@dataclass(frozen=True, kw_only=True)
class _Triple:
    """Three answers in pairs: x and y, y and z, z and x, as asked the same time."""

    said: tuple[Said, Said, Said]

    @property
    def orders(self) -> Signs:
        x_y, y_z, z_x = (each.order for each in self.said)
        return x_y, y_z, z_x

    @property
    def first(self) -> Judgement:
        """The judgement whose item stands first."""
        return min((each.judgement for each in self.said), key=lambda judgement: judgement.item.id)

    @property
    def verdict(self) -> str | None:
        """Whether they go round; None where that hangs on a verdict that is missing."""
        known = {order for order in self.orders if order is not None}
        if 0 in known or len(known) > 1:
            return NO_CYCLE
        return None if None in self.orders else CYCLE

    @property
    def judgement(self) -> Judgement:
        """One for all three, under the ids of all; its problem is the first there is."""
        name = " + ".join(sorted(each.judgement.item.id for each in self.said))
        lost = [each.judgement.problem or "malformed" for each in self.said if each.order is None]
        update = {
            "item": self.first.item.model_copy(update={"id": name}),
            "problem": lost[0] if lost and self.verdict is None else None,
            "verdict": None,
        }
        return self.first.model_copy(update=update)


def _triples(orders: Mapping[Key, Said]) -> list[_Triple]:
    """All threes of answers of which every two were judged, sorted by their items' ids."""
    near: dict[tuple[int, Answer], list[Answer]] = {}
    for repeat, one, other in orders:
        near.setdefault((repeat, one), []).append(other)
    place = {answer: number for number, answer in enumerate(dict.fromkeys(one for _, one, _ in orders))}
    found = [
        _Triple(said=(orders[repeat, x, y], orders[repeat, y, z], orders[repeat, z, x]))
        for (repeat, x), others in near.items()
        for y, z in combinations([each for each in others if place[each] > place[x]], 2)
        if (repeat, y, z) in orders
    ]
    return sorted(found, key=lambda each: (each.judgement.item.id, each.first.repeat))


def _in_a_circle(rows: Rows) -> Truths:
    return np.array([verdict != NO_CYCLE for verdict in rows.verdict], dtype=bool)


def _more_circles(first: Rows, second: Rows) -> list[str]:
    more = np.flatnonzero(_in_a_circle(first) & ~_in_a_circle(second))
    return [f"{first.says(place)}, where the other chose {NO_CYCLE}" for place in more.tolist()]
