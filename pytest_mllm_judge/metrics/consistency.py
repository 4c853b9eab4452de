"""Whether a judge, asked again or in the other order, says the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, Measure, share_of
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgement, Judgements, Label, Verdict
from pytest_mllm_judge.probes import SWAPPED, turned
from pytest_mllm_judge.statistics import MIN_DISCORDANT, Interval, Places, Sample, exact_bounds, paired_shares
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Part

NOTHING = "there is no judgement here"
SAME, OTHER = "the same in both orders", "another answer in the other order"
_NOTHING = 1e-9
Tell = Callable[[Rows, Rows], list[str]]


@declare("consistency.repeats", task=None, source="Fleiss 1971", options=("average", "by"), margin=0.05)
def repeats(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Probability that two asks of the same item give the same verdict, in [0, 1].

    The mean over items of the share of their pairs of repeats that agree, which is unbiased for any number of
    repeats, two or more. A problem agrees with nothing, another problem included; a verdict on several
    criteria agrees if all of it does. Raise SettingsError where an item was asked once. The interval is that
    of a sample of items, also where the items are fixed: then it is wider than need be.
    """
    bare = bare_rows(judgements, options)
    rows = replace(bare.saying([_said(judgement) for judgement in bare.judgements]), population="sampled")
    if len(rows) and rows.repeats < 2:
        raise SettingsError(
            "consistency.repeats needs every item asked twice or more: say [probes] repeat = 2"
        )
    measure = _Repeats(build=_pairs_that_agree, name="consistency.repeats")
    found = estimate("consistency.repeats", rows, measure, why_none=NOTHING)
    unsteady = _unsteady(rows)
    told = [_each_said(rows, places) for places in unsteady[:3]]
    return _told(found, told, len(unsteady), _less_steady)


@declare(
    "consistency.orders",
    task="pair",
    source="Shi et al. 2024 (arXiv 2406.07791)",
    options=("average", "by"),
    margin=0.05,
)
def orders(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of pairs whose verdict is the same answer in both orders of the responses, in [0, 1].

    Each ask of a pair stands beside the ask of the same repeat with the responses swapped. A pair without a
    verdict in either order is not consistent. Wilson interval. Raise SettingsError if no pair was swapped.
    """
    bare = bare_rows(judgements, options)
    others = {_key(judgement): judgement for judgement in judgements if judgement.variant == SWAPPED}
    if len(bare) and not others:
        raise SettingsError(
            "consistency.orders needs pairs asked in both orders: say [probes] position = true"
        )
    rows = _both_orders(bare, others)
    found = estimate(
        "consistency.orders", rows, share_of(_same), wrong=lambda some: ~_same(some), why_none=NOTHING
    )
    return replace(_told(found, found.examples, found.wrong, _less_alike), lacking="the other order")


@dataclass(frozen=True, kw_only=True)
class _Told(Pairing):
    """A difference whose examples say what is less consistent than by the other judge."""

    tell: Tell

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one, on what both have."""
        told = self.tell(*self._side_by_side(other))
        return replace(super().minus(other), examples=told[:3], wrong=len(told))


def _told(found: Estimate, examples: Sequence[str], wrong: int, tell: Tell) -> Estimate:
    """The estimate with these examples, and a difference that tells its own."""
    own = found.pairing
    if not isinstance(own, Pairing):
        return found
    pairing = _Told(metric=own.metric, better=own.better, rows=own.rows, measure=own.measure, tell=tell)
    return replace(found, examples=examples, wrong=wrong, pairing=pairing)


# Repeats


class _Repeats(Measure):
    """The mean over items; that of two judges' difference is taken item by item."""

    def difference(self, first: Rows, second: Rows, *, ends: tuple[End, End]) -> Interval:
        """The figure of `first` less that of `second`; the rows stand side by side."""
        if first.population == "fixed":  # asked for the judge's noise, which is not known
            return _nothing(first)
        if first.grouped:
            return super().difference(first, second, ends=ends)
        ours, clusters = first.once("shares of items", lambda: _of_items(first))
        theirs, _ = second.once("shares of items", lambda: _of_items(second))
        if not len(ours):
            return _nothing(first)
        return paired_shares(ours, theirs, clusters, confidence=first.confidence)

    def noise(self, rows: Rows, *, end: End) -> float | None:
        """Not known: how an item's repeats agree says nothing of how their agreement varies."""
        del rows, end
        return None


def _nothing(rows: Rows) -> Interval:
    return Interval(
        value=None,
        low=None,
        high=None,
        n=0,
        clusters=0,
        method="none",
        confidence=rows.confidence,
        reason="no item has two verdicts of both judges",
    )


def _pairs_that_agree(rows: Rows, _: End) -> tuple[Figure, Sample]:
    """Of each ask its part of its item's share, of the item, and of what is lacking to a share of 1."""
    share, times = _shares(rows)
    weight = np.where(times > 1, 1 / times, 0.0)
    figure = Figure(
        name="consistency.repeats",
        value=lambda sums: np.asarray(sums[..., 0] / sums[..., 1]),
        scale="logit",
        bounds=(0.0, 1.0),
        corners=np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]),
        mass=np.array([0.0, 1.0, 0.0]),
        bounds_of=_exactly,
        method="few clusters differ, exact",
    )
    moments = np.column_stack([share * weight, weight, (1 - share) * weight])
    return figure, rows.sample(moments=moments)


def _exactly(part: Part, confidence: float) -> tuple[float, float] | None:
    """Bounds where nearly all clusters are steady, or hardly any: then their spread is not known.

    The figure's share of the clusters counts as that many of them; None where enough of them differ.
    """
    sums = np.concatenate(list(part.sums()))[part.alike[1]]
    fewest = min(int((sums[:, column] > _NOTHING).sum()) for column in (0, 2))
    if fewest >= MIN_DISCORDANT:
        return None
    share, items = part.total[:2]
    if not items:
        return None
    steady = round(float(share / items) * len(sums), 9)
    return exact_bounds(steady, len(sums), confidence=confidence)


def _shares(rows: Rows) -> tuple[Array, Places]:
    """Of each ask the share of its item's other asks that say the same (n,), and how often it was asked."""

    def count() -> tuple[Array, Places]:
        _, items = rows.asks()
        times = np.bincount(items)[items]
        said = list(zip(items.tolist(), rows.verdict, strict=True))
        alike = Counter(said)
        same = np.array([0 if each[1] is None else alike[each] - 1 for each in said], dtype=float)
        return same / np.maximum(times - 1, 1), times

    return rows.once("shares of repeats", count)


def _of_items(rows: Rows) -> tuple[Array, Places]:
    """Each item's share of pairs that agree, and its cluster; without items that have one ask left."""
    share, times = _shares(rows)
    _, items = rows.asks()
    _, first, where = np.unique(items, return_index=True, return_inverse=True)
    means = np.bincount(where, weights=share) / np.bincount(where)
    enough = times[first] > 1
    clusters = np.unique(rows.clusters[first][enough], return_inverse=True)[1]
    return means[enough], clusters


def _said(judgement: Judgement) -> Label | None:
    """The verdict as what can be compared; None for a problem."""
    verdict: Verdict | None = judgement.verdict
    if judgement.problem is not None or verdict is None:
        return None
    return (
        ", ".join(f"{name} {verdict[name]}" for name in sorted(verdict))
        if isinstance(verdict, dict)
        else verdict
    )


def _unsteady(rows: Rows) -> list[Places]:
    """The places of each item whose repeats do not all agree."""
    if not len(rows):
        return []
    share, _ = _shares(rows)
    _, items = rows.asks()
    return [np.flatnonzero(items == item) for item in np.unique(items[share < 1]).tolist()]


def _each_said(rows: Rows, places: Places) -> str:
    """`circles-007 chose A, then B, then refused`."""
    said = [str(rows.problem(place) or rows.verdict[place]) for place in places.tolist()]
    return f"{rows.judgements[int(places[0])].item.id} chose {', then '.join(said)}"


def _less_steady(first: Rows, second: Rows) -> list[str]:
    ours, theirs = _shares(first)[0], _shares(second)[0]
    return [
        f"{_each_said(first, places)}, where the other's answers agree more"
        for places in _unsteady(first)
        if ours[places].sum() < theirs[places].sum()
    ]


# Orders


def _both_orders(rows: Rows, others: dict[tuple[str, str, int], Judgement]) -> Rows:
    """The asks that were made in both orders, their verdict being whether both name the same answer."""
    places = [place for place, judgement in enumerate(rows.judgements) if _key(judgement) in others]
    some = rows.take(np.array(places, dtype=np.intp))
    pairs = [(judgement, others[_key(judgement)]) for judgement in some.judgements]
    return replace(
        some,
        judgements=[other if _said(plain) is not None else plain for plain, other in pairs],
        verdict=[_alike(plain, other) for plain, other in pairs],
        unlabelled=len(rows) - len(some),
        _made={},
    )


def _key(judgement: Judgement) -> tuple[str, str, int]:
    return judgement.item.id, judgement.item.task, judgement.repeat


def _alike(plain: Judgement, other: Judgement) -> str | None:
    """Whether both orders name the same answer; None if either has no verdict."""
    ours, theirs = _said(plain), _said(other)
    if ours is None or theirs is None:
        return None
    return SAME if turned(theirs) == ours else OTHER


def _same(rows: Rows) -> Truths:
    return np.array([verdict == SAME for verdict in rows.verdict], dtype=bool)


def _less_alike(first: Rows, second: Rows) -> list[str]:
    lost = np.flatnonzero(~_same(first) & _same(second))
    return [f"{first.says(place)}, where the other chose {SAME}" for place in lost.tolist()]
