"""The mean over items of what a probe did to each, from -1 to 1."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pytest_mllm_judge.metrics.measure import End, Measure, mean_of
from pytest_mllm_judge.metrics.noted import shares
from pytest_mllm_judge.metrics.probed.asks import worth
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.statistics import (
    MIN_DISCORDANT,
    Interval,
    effective_pairs,
    tango,
)
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.skewed import skewed_mean

_NOTHING = 1e-9


@dataclass(frozen=True, kw_only=True)
class OfItems(Measure):
    """A mean of values, most of which are -1, 0 or 1: then Tango's interval; else the jackknife's of a mean.

    What lies between takes half a pseudo-pair, unless `graded`: then it is the rule, and spreads by itself.
    With fewer than five clusters that hold any value but 0 the interval reaches at least as far as Tango's,
    each of them counting as a whole change.
    """

    graded: Callable[[Rows], bool]

    def interval(self, rows: Rows, *, end: End) -> Interval:
        """The figure of these rows."""
        values = worth(rows, end)
        if rows.grouped or (self.graded(rows) and not _varies(values)):
            return few_changes(super().interval(rows, end=end), rows, values)
        return self._mean(rows, values)

    def difference(self, first: Rows, second: Rows, *, ends: tuple[End, End]) -> Interval:
        """The figure of `first` less that of `second`, item by item; the rows stand side by side."""
        half = (worth(first, ends[0]) - worth(second, ends[1])) / 2
        if first.grouped:
            found = super().difference(first, second, ends=ends)
            return few_changes(found, first, half, unit=2.0)
        return _times_two(self._mean(first, half))

    def _mean(self, rows: Rows, values: Array) -> Interval:
        if np.isin(values, (-1.0, 0.0, 1.0)).all():
            found = shares(rows, values)
        else:
            pseudo = not (self.graded(rows) and _varies(values))
            found = skewed_mean(values, rows.clusters, pseudo=pseudo, confidence=rows.confidence)
        return few_changes(found, rows, values)


def _varies(values: Array) -> bool:
    return float(np.ptp(values)) > _NOTHING


def mean_of_items(name: str, graded: Callable[[Rows], bool], *, own: object = None) -> OfItems:
    """The mean over items of what they are worth."""
    mean = mean_of(worth, bounds=(-1.0, 1.0))
    return OfItems(build=mean.build, name=name, graded=graded, own=own)


def _times_two(found: Interval) -> Interval:
    low, high = (None if bound is None else 2 * bound for bound in (found.low, found.high))
    return replace(found, value=None if found.value is None else 2 * found.value, low=low, high=high)


def few_changes(found: Interval, rows: Rows, values: Array, *, unit: float = 1.0) -> Interval:
    """The interval, as wide as few clusters with a change (n,) need it: their spread is not known.

    Slices weigh alike, so that each counts as many clusters as the smallest has.
    """
    changed = len(np.unique(rows.clusters[np.abs(values) > _NOTHING]))
    if found.value is None or found.low is None or found.high is None or changed >= MIN_DISCORDANT:
        return found
    size = _size(rows, values)
    ups, downs = (len(np.unique(rows.clusters[side])) for side in (values > _NOTHING, values < -_NOTHING))
    low = unit * tango(0, min(downs, size), size, confidence=found.confidence)[0]
    high = unit * tango(min(ups, size), 0, size, confidence=found.confidence)[1]
    if low >= found.low and high <= found.high:
        return found
    return replace(found, low=min(low, found.low), high=max(high, found.high), method="tango, few discordant")


def _size(rows: Rows, values: Array) -> float:
    """How many independent items there are."""
    if not rows.grouped:
        return effective_pairs(np.sign(values), rows.clusters)
    counts = [len(np.unique(rows.clusters[rows.slices == place])) for place in range(len(rows.names))]
    return min(len(np.unique(rows.clusters)), len(counts) * min(counts))
