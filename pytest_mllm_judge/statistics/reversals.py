"""Several models' means under two judges: differences, and whether two judges prove opposite orders."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr, stdtrit

from pytest_mllm_judge.statistics.interval import Interval, check_confidence, too_few
from pytest_mllm_judge.statistics.jackknife import Array, cluster_sums
from pytest_mllm_judge.statistics.sample import Places


@dataclass(frozen=True, kw_only=True, eq=False)
class Means:
    """The means of M models over items in G clusters.

    `values` (M,); `without` (G, M) with each cluster left out; `counts` (G, M) the items in each cluster.
    """

    values: Array
    without: Array
    counts: Array

    @property
    def items(self) -> Array:
        """How many items each model has (M,)."""
        return np.asarray(self.counts.sum(axis=0))


def means_of(worth: Array, models: Places, clusters: Places, *, size: int, groups: int) -> Means:
    """The mean of `worth` (n,) over each of `size` models, whose numbers are `models` (n,).

    `clusters` (n,) are numbered from 0 to below `groups`. NaN where a model has no item.
    """
    rows = np.zeros((len(worth) + groups, 2 * size))
    at = np.arange(len(worth))
    rows[at, models] = worth
    rows[at, size + models] = 1
    sums = cluster_sums(rows, np.concatenate([clusters, np.arange(groups)]))
    added, counts = sums[:, :size], sums[:, size:]
    with np.errstate(all="ignore"):
        values = added.sum(axis=0) / counts.sum(axis=0)
        without = (added.sum(axis=0) - added) / (counts.sum(axis=0) - counts)
    return Means(values=values, without=without, counts=counts)


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """A difference of means with its interval; `above` and `below` are one-sided p values.

    `above` is against "at most 0", `below` against "at least 0"; None where nothing may be decided.
    """

    interval: Interval
    above: float | None
    below: float | None

    def or_worse(self, down: Contrast, up: Contrast) -> Contrast:
        """The same, proven only if it is too with what is missing drawn `down`, or `up` against `below`."""
        return Contrast(
            interval=self.interval, above=_larger(self.above, down.above), below=_larger(self.below, up.below)
        )


def _larger(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else max(one, other)


def difference(
    first: Means, second: Means, models: tuple[int, int], *, span: float, confidence: float = 0.95
) -> Contrast:
    """The mean of one model in `first` less that of another in `second`, which lies in -span..span."""
    one, other = models
    value = float(first.values[one] - second.values[other])
    without = first.without[:, one] - second.without[:, other]
    inside = (first.counts[:, one] > 0) | (second.counts[:, other] > 0)
    n = int(min(first.items[one], second.items[other]))
    return _guarded(value, without[inside], n=n, span=span, confidence=confidence)


def change(
    now: Means, before: Means, models: tuple[int, int], *, span: float, confidence: float = 0.95
) -> Contrast:
    """How a difference of two models changed from one judge to another: the difference in differences.

    Each cluster is left out of all four means, so what is common to both judges cancels.
    """
    one, other = models
    value = float(now.values[one] - now.values[other] - before.values[one] + before.values[other])
    without = now.without[:, one] - now.without[:, other] - before.without[:, one] + before.without[:, other]
    inside = (now.counts[:, one] > 0) | (now.counts[:, other] > 0)
    n = int(min(now.items[one], now.items[other]))
    return _guarded(value, without[inside], n=n, span=2 * span, confidence=confidence)


def _guarded(value: float, without: Array, *, n: int, span: float, confidence: float) -> Contrast:
    """Jackknife-t with half a pseudo-item at each end of -span..span, as `paired_shares` has them.

    They keep the variance from vanishing where nearly all items say the same (Bonett & Price 2012).
    """
    check_confidence(confidence)
    groups = len(without)
    bare = Interval(
        value=None if math.isnan(value) else value,
        low=None,
        high=None,
        n=n,
        clusters=groups,
        method="jackknife-t, half a pseudo-pair",
        confidence=confidence,
        reason=too_few(groups) or "the difference is undefined once some cluster is left out",
    )
    if groups < 2 or not np.isfinite(without).all() or math.isnan(value):
        return Contrast(interval=bare, above=None, below=None)
    spread = (groups - 1) / groups * math.fsum(((without - without.mean()) ** 2).tolist())
    centre = value * n / (n + 1)
    error = math.sqrt(spread * (n / (n + 1)) ** 2 + (span**2 + centre**2) / (n + 1) ** 2)
    reach = float(stdtrit(groups - 1, confidence)) * error
    low, high = max(-span, min(value, centre - reach)), min(span, max(value, centre + reach))
    known = Interval(
        value=value, low=low, high=high, n=n, clusters=groups, method=bare.method, confidence=confidence,
        reason=too_few(groups),
    )  # fmt: skip
    if known.reason:
        return Contrast(interval=known, above=None, below=None)
    upper = float(stdtr(groups - 1, -centre / error))
    return Contrast(interval=known, above=upper, below=float(stdtr(groups - 1, centre / error)))


def reversal(before: Contrast, now: Contrast) -> float:
    """The p value against "no reversal": that a difference has opposite signs under two judges.

    Each sign must be shown by itself (intersection-union: Berger 1982), and either judge may have either
    one, so it is twice the larger of both one-sided p values. 1 where nothing may be decided.
    """
    fell, rose = _larger(before.above, now.below), _larger(before.below, now.above)
    return min([1.0, *(2 * p for p in (fell, rose) if p is not None)])
