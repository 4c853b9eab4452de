"""How far the repeats of an item gather on one verdict: the paper's two figures of consistency."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.metrics.agreement.core import PAPER, estimate, undefined
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.consistency.items import (
    PerItem,
    Worth,
    alike,
    asked,
    asked_again,
    build_of,
    each_said,
    per_item,
    places_where,
)
from pytest_mllm_judge.metrics.consistency.told import NOTHING, Told
from pytest_mllm_judge.metrics.measure import End
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Item, Judgements, Tasks
from pytest_mllm_judge.statistics import Interval, wilson
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.modes import majority_by_chance, modal_share_by_chance

_NOTHING = 1e-9
Chance = Callable[[int, int], float]
"""What a judge comes to that picks among so many verdicts at random, asked so often."""


@declare("consistency.majority", task=None, source=PAPER, options=("average", "by"), margin=0.05)
def majority(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of items with one verdict in more than half of their repeats, in [0, 1] (the paper's MCC).

    The Majority Consistency Criterion, which the paper takes over six repeats. A problem is no verdict, and
    still counts as an ask. It changes with the number of repeats T, so every item is read on its first T
    asks, T being those of the item that was asked least; beside it stands what a judge at random comes to. A
    difference is that on the asks that both judges have. Wilson interval; fixed items are taken as a sample.
    Raise SettingsError where an item was asked once.
    """
    return _over_repeats("consistency.majority", judgements, options)


@declare("consistency.majority_share", task=None, source=PAPER, options=("average", "by"), margin=0.05)
def majority_share(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Mean share of an item's repeats that give its commonest verdict, in [0, 1].

    The paper's mean consistency, over six repeats. It falls with the number of repeats T and is read, and
    compared, as `majority` is; at random it is far above 0. A problem is no verdict. Jackknife on the logit
    scale.
    """
    return _over_repeats("consistency.majority_share", judgements, options)


def _over_repeats(metric: str, judgements: Judgements, options: BareOptions) -> Estimate:
    bare = asked_again(metric, judgements, options)
    times = bare.repeats if len(bare) else 0
    rows = first_asks(bare, times)
    measure = _measure(metric, times)
    found = estimate(metric, rows, measure, why_none=NOTHING)
    worth = measure.worth(rows) if len(rows) else np.zeros(0)
    unsteady = places_where(rows, worth < 1 - _NOTHING)
    beside = Lazily(lambda: _at_random(metric, rows, judgements.tasks, times) if len(rows) else ())
    told = replace(
        found,
        examples=[each_said(rows, places) for places in unsteady[:3]],
        wrong=len(unsteady),
        unlabelled=len(bare) - len(rows),
        lacking=f"a place among the first {times} asks of their item",
        beside=beside,
    )
    if found.pairing is None:
        return told
    return replace(
        told,
        pairing=_OnCommonAsks(
            metric=metric, better="higher", rows=rows, measure=measure, tell=_tell(measure), times=times
        ),
    )


def first_asks(rows: Rows, times: int) -> Rows:
    """Each item's first so many asks; without items that have fewer."""
    if not len(rows):
        return rows
    _, items = rows.asks()
    _, first = np.unique(items, return_index=True)
    place_in_item = np.arange(len(rows)) - first[items]  # rows stand in the order of items and repeats
    return rows.keep((place_in_item < times) & (asked(rows) >= times))


def _measure(metric: str, times: int) -> PerItem:
    if metric == "consistency.majority_share":
        return per_item(metric, _modal_share, least=times)
    build = build_of(metric, _has_majority, times)
    return _Majority(build=build, name=metric, worth=_has_majority, least=times)


class _Majority(PerItem):
    """A share of items: its interval is Wilson's."""

    def of_enough(self, rows: Rows, end: End) -> Interval:
        """The figure of these rows; n counts asks, as everywhere."""
        if rows.grouped:
            return super().of_enough(rows, end)
        hits, clusters = self.of_items(rows)
        return replace(wilson(hits > 0, clusters, confidence=rows.confidence), n=len(rows))


def _modal_share(rows: Rows) -> Array:
    """Of the item of each ask the share of its commonest verdict (n,)."""

    def share() -> Array:
        _, items = rows.asks()
        most = np.zeros(int(items.max(initial=-1)) + 1)
        np.maximum.at(most, items, alike(rows))
        return most[items] / asked(rows)

    return rows.once("modal share", share)


def _has_majority(rows: Rows) -> Array:
    """1 where the item of an ask has one verdict in more than half of its asks (n,)."""
    return np.asarray(_modal_share(rows) > 0.5 + _NOTHING, dtype=float)


def _tell(measure: PerItem) -> Callable[[Rows, Rows], list[str]]:
    def tell(first: Rows, second: Rows) -> list[str]:
        less = measure.worth(first) < measure.worth(second) - _NOTHING
        return [
            f"{each_said(first, places)}, where the other's answers agree more"
            for places in places_where(first, less)
        ]

    return tell


@dataclass(frozen=True, kw_only=True)
class _OnCommonAsks(Told):
    """The difference on as many asks of each item as both judges have: other numbers can't be compared."""

    times: int

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one, both counted anew where one judge was asked more often."""
        self._check(other)
        theirs = other.times if isinstance(other, _OnCommonAsks) else self.times
        times = min(self.times, theirs)
        first, second = (first_asks(rows, times) for rows in self._side_by_side(other))
        if not len(first):
            reason = f"no item has {times} asks that both judges have"
            return undefined(f"{self.metric}, difference", self.better, self.rows, reason=reason)
        measure = _measure(self.metric, times)
        sides = [
            Told(metric=self.metric, better=self.better, rows=rows, measure=measure, tell=_tell(measure))
            for rows in (first, second)
        ]
        found = sides[0].minus(sides[1])
        lost = len(self.rows) + len(other.rows) - 2 * len(first)
        both = [
            Beside(
                name=name, value=side.of(side.rows).value, about=f"on {times} of its {asks} asks of each item"
            )
            for name, side, asks in zip(("this", "other"), sides, (self.times, theirs), strict=True)
        ]
        return replace(found, unpaired=lost, beside=both if self.times != theirs else [])


def _at_random(metric: str, rows: Rows, tasks: Tasks, times: int) -> list[Beside]:
    """The same figure of a judge that picks any verdict its items allow."""
    chance: Chance = majority_by_chance if metric == "consistency.majority" else modal_share_by_chance
    by_item = {
        count: chance(count, times) for count in {_allowed(each.item, tasks) for each in rows.judgements}
    }
    worth: Worth = lambda some: np.array([by_item[_allowed(j.item, tasks)] for j in some.judgements])  # noqa: E731
    value = per_item("random", worth, least=times).interval(rows, end="low").value
    return [Beside(name="random", value=value, about=f"any verdict at random, asked {times} times")]


def _allowed(item: Item, tasks: Tasks) -> int:
    """How many verdicts there are to pick from."""
    if item.task == "batch":
        return math.factorial(len(item.responses))
    if item.task == "pair":
        return len(tasks.pair.labels)
    points, criteria = len(tasks.score.scale), max(1, len(tasks.criteria(item)))
    return math.prod([points] * criteria)
