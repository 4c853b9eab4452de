"""A figure as a function of additive sums, and its interval for one judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pytest_mllm_judge.statistics.correlation import Average
from pytest_mllm_judge.statistics.interval import Interval, too_few
from pytest_mllm_judge.statistics.jackknife import (
    Array,
    Scale,
    cluster_sums,
    deletions,
    from_deletions,
    unseen_share,
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """What one number is made of: `value` maps sums (..., K) to values (...), NaN where undefined.

    `scale` is where its jackknife is taken, `bounds` what it can't leave. `corners` (M, K) are the sums of
    one item at each place where it may stand, `mass` (K,) counts items in sums, `off` (K,) is above 0 where
    an item disagrees: with them a perfect judge has an interval too. `rule` gives a reason not to decide on
    total sums (K,), '' if there is none. With `parts` the sums hold so many slices after one another, and
    the figure is the unweighted `average` of theirs.
    """

    name: str
    value: Callable[[Array], Array]
    scale: Scale = "plain"
    bounds: tuple[float, float] = (-1.0, 1.0)
    corners: Array | None = None
    mass: Array | None = None
    off: Array | None = None
    rule: Callable[[Array], str] | None = None
    parts: int = 1
    average: Average = "mean"

    def __call__(self, sums: Array) -> Array:
        """The figure of sums (..., parts * K)."""
        if self.parts == 1:
            return self.value(sums)
        each = self.value(self.split(sums))
        return average_of(each, self.average)

    def split(self, sums: Array) -> Array:
        """The sums of each slice: (..., parts * K) to (..., parts, K)."""
        return sums.reshape(*sums.shape[:-1], self.parts, -1)

    def over(self, parts: int, *, average: Average = "mean") -> Figure:
        """The same figure, averaged over so many slices; "fisher" is the tanh of the mean arctanh."""
        if parts < 1:
            raise ValueError(f"a figure is averaged over at least one slice, got {parts}")
        return replace(self, parts=parts, average=average)

    @property
    def unit(self) -> float:
        """How far it can fall: from perfect to chance for coefficients, else from bound to bound."""
        low, high = self.bounds
        return 1.0 if self.scale == "arctanh" else high - low

    def reason(self, total: Array) -> str:
        """Why nothing may be decided on these total sums; '' if something may."""
        if self.rule is None:
            return ""
        return next(filter(None, map(self.rule, self.split(total))), "")


def average_of(each: Array, average: Average) -> Array:
    """The mean over the last axis, or the tanh of the mean arctanh."""
    if average == "mean":
        return np.asarray(each.mean(axis=-1))
    with np.errstate(all="ignore"):
        return np.asarray(np.tanh(np.arctanh(np.clip(each, -1, 1)).mean(axis=-1)))


def sliced_sums(rows: Array, slices: Sequence[str], clusters: Sequence[str]) -> Array:
    """Per cluster and slice the sum of `rows` (n, K): (G, K * number of slices), slices sorted by name."""
    order = {name: place for place, name in enumerate(sorted(set(slices)))}
    width = rows.shape[1]
    wide = np.zeros((len(rows), width * len(order)))
    starts = np.array([order[name] for name in slices], dtype=np.intp) * width
    wide[np.arange(len(rows))[:, None], starts[:, None] + np.arange(width)] = rows
    return cluster_sums(wide, clusters)


def mean_figure(bounds: tuple[float, float], *, name: str = "mean") -> Figure:
    """The mean of values that can't leave `bounds`; sums are those of the value and of 1: (..., 2)."""
    low, high = bounds
    return Figure(
        name=name,
        value=lambda sums: np.asarray(sums[..., 0] / sums[..., 1]),
        bounds=bounds,
        corners=np.array([[low, 1.0], [high, 1.0]]),
        mass=np.array([0.0, 1.0]),
    )


def mean_sums(values: Sequence[float], clusters: Sequence[str]) -> Array:
    """The sums of a mean: (G, 2)."""
    return cluster_sums(np.column_stack([np.asarray(values, dtype=float), np.ones(len(values))]), clusters)


def interval_of(figure: Figure, sums: Array, *, n: int, confidence: float = 0.95) -> Interval:
    """A figure of one judge's sums (G, parts * K), with its jackknife-t interval.

    Where (nearly) every cluster agrees the jackknife has no spread to go by. Then the exact upper share of
    clusters that may differ unseen (Clopper & Pearson 1934) stands at the corner that moves the figure most.
    """
    value, without = deletions(sums, figure)
    result = _inside(from_deletions(value, without, n=n, confidence=confidence, scale=figure.scale), figure)
    if result.value is None:
        return result
    if result.low is None:
        result = _nearly_alike(result, figure, sums, without)
    return replace(result, reason=result.reason or figure.reason(sums.sum(axis=0)))


def _inside(result: Interval, figure: Figure) -> Interval:
    """The interval cut to what the figure can be."""
    if result.low is None or result.high is None:
        return result
    low, high = figure.bounds
    return replace(result, low=max(low, result.low), high=min(high, result.high))


def _nearly_alike(result: Interval, figure: Figure, sums: Array, without: Array) -> Interval:
    differing = _differing(figure, sums, without)
    if differing is None or differing >= result.clusters / 2:
        return result
    reach = reach_unseen(figure, sums, confidence=result.confidence, differing=differing)
    if reach is None or result.value is None:
        return result
    return replace(
        result,
        low=min(reach[0], result.value),
        high=max(reach[1], result.value),
        method="nearly all alike, exact",
        reason=too_few(result.clusters),
    )


def _differing(figure: Figure, sums: Array, without: Array) -> int | None:
    """How many clusters disagree, where the figure is perfect but for them; 0 where all are alike."""
    if len(sums) < 2 or not np.isfinite(without).all():
        return None
    if float(np.ptp(without)) <= 1e-12:
        return 0
    if figure.off is None:
        return None
    return int((figure.split(sums) @ figure.off > 0).any(axis=-1).sum())


def reach_unseen(
    figure: Figure, sums: Array, *, confidence: float, differing: int = 0
) -> tuple[float, float] | None:
    """The lowest and highest figure if the unseen share of each slice's clusters lay at a corner.

    None for a figure without corners, or undefined at all of them. A slice's share is taken at Bonferroni's
    level, so that all slices' shares hold at once.
    """
    if figure.corners is None or figure.mass is None:
        return None
    level = 1 - (1 - confidence) / figure.parts
    lows, highs = [], []
    for part in np.moveaxis(figure.split(sums), -2, 0):
        count = int((part @ figure.mass > 0).sum())
        if count == 0:
            return None
        share = unseen_share(count, level, differing=min(differing, count - 1))
        found = _at_corners(figure, part.sum(axis=0), share)
        if not len(found):
            return None
        lows.append(float(found.min()))
        highs.append(float(found.max()))
    return _averaged(lows, figure), _averaged(highs, figure)


def _at_corners(figure: Figure, total: Array, share: float) -> Array:
    """The figure as it is, and with a share of all items moved to each corner, where it is defined."""
    assert figure.corners is not None
    assert figure.mass is not None
    items = float(total @ figure.mass)
    moved = (1 - share) * total + share * items * figure.corners
    with np.errstate(all="ignore"):
        found = figure.value(np.vstack([total, moved]))
    return found[np.isfinite(found)]


def _averaged(values: Sequence[float], figure: Figure) -> float:
    if figure.parts == 1 or figure.average == "mean":
        return math.fsum(values) / len(values)
    inside = np.clip(np.array(values), -1 + 1e-15, 1 - 1e-15)
    return float(average_of(inside, "fisher"))
