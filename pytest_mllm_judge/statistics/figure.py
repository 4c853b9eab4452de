"""A figure as a function of additive sums, and its interval for one judge."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pytest_mllm_judge.statistics.interval import Interval, too_few
from pytest_mllm_judge.statistics.jackknife import (
    Array,
    Scale,
    cluster_sums,
    from_deletions,
    from_repeats,
    unseen_share,
)
from pytest_mllm_judge.statistics.sample import Average, Left, Part, Places, Sample, averaged, left_out

_NOTHING = 1e-9
NO_REPEATS = (
    "the items are fixed, so only asking them again tells how the judge varies: ask each twice or more"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """What one number is made of: `value` maps sums (..., K) to values (...), NaN where undefined.

    `scale` is where its jackknife is taken, `bounds` what it can't leave. `corners` (M, K) are the sums of
    one item at each place where it may stand, `mass` (K,) counts items in sums, `off` (K,) is above 0 where
    an item disagrees: with them a perfect judge has an interval too. `rule` gives a reason not to decide on
    total sums (K,), '' if there is none, `undefined` why there is no figure of them. `of_scores` gives the
    figure of scores (n, 2), and without each cluster, where no table holds them. `bounds_of` gives the
    bounds of a single slice at a confidence by another `method`, or None. A figure that `shrinks` is too
    small on few items, which the jackknife takes off (Quenouille 1956).
    """

    name: str
    value: Callable[[Array], Array]
    scale: Scale = "plain"
    bounds: tuple[float, float] = (-1.0, 1.0)
    corners: Array | None = None
    mass: Array | None = None
    off: Array | None = None
    rule: Callable[[Array], str] | None = None
    undefined: Callable[[Array], str] | None = None
    of_scores: Callable[[Array, Places], tuple[float, Array]] | None = None
    bounds_of: Callable[[Part, float], tuple[float, float] | None] | None = None
    method: str = ""
    shrinks: bool = False

    def __call__(self, sums: Array) -> Array:
        """The figure of sums (..., K)."""
        return self.value(sums)

    @property
    def unit(self) -> float:
        """How far it can fall: from perfect to chance for coefficients, else from bound to bound."""
        low, high = self.bounds
        return 1.0 if self.scale == "arctanh" else high - low

    def check_average(self, average: Average) -> None:
        """Raise ValueError for a mean arctanh of what is no coefficient."""
        if average == "fisher" and self.scale != "arctanh":
            raise ValueError(f"average = 'fisher' is about coefficients in -1 to 1, which {self.name} is not")

    def reason(self, parts: Sequence[Part]) -> str:
        """Why nothing may be decided on these slices; '' if something may."""
        if self.rule is None:
            return ""
        return next(filter(None, (self.rule(part.total) for part in parts)), "")

    def why_undefined(self, parts: Sequence[Part]) -> str:
        """Why there is no figure of these slices; '' if it can't say."""
        if self.undefined is None:
            return ""
        return next(filter(None, (self.undefined(part.total) for part in parts)), "")


def mean_figure(bounds: tuple[float, float], *, name: str = "a mean") -> Figure:
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


def interval_of(
    figure: Figure,
    data: Sample | Array,
    *,
    n: int | None = None,
    confidence: float = 0.95,
    average: Average = "mean",
    left: Left | None = None,
) -> Interval:
    """A figure of one judge with its jackknife-t interval, from a sample or clusters' sums (G, K).

    Of a sample in slices it is the `average` of the slices' figures. Where (nearly) every cluster agrees the
    jackknife has no spread to go by. Then the exact upper share of clusters that may differ unseen (Clopper
    & Pearson 1934) stands at the corner that moves the figure most. `left` is what `left_out` gives, where it
    is known already.
    """
    sample = data if isinstance(data, Sample) else Sample.of_sums(data)
    size = len(sample) if n is None else n
    figure.check_average(average)
    left = left or left_out(figure, sample, average)
    result = spread(figure, left, sample, n=size, confidence=confidence)
    if figure.bounds_of is not None and len(left.parts) == 1 and sample.items is None:
        result = _by_method(result, figure, left)
    result = _inside(result, figure)
    if result.value is None:
        return replace(result, reason=figure.why_undefined(left.parts) or result.reason)
    if result.reason == NO_REPEATS:
        return result
    if result.low is None:
        result = _inside(_nearly_alike(result, figure, left, average), figure)
    return replace(result, reason=result.reason or figure.reason(left.parts))


def spread(figure: Figure, left: Left, sample: Sample, *, n: int, confidence: float) -> Interval:
    """The jackknife-t interval of what was left out, over clusters, or over repeats of fixed items."""
    if sample.items is None:
        return from_deletions(
            left.value,
            left.each,
            n=n,
            confidence=confidence,
            scale=figure.scale,
            times=left.times,
            less_bias=figure.shrinks,
        )
    items, repeats = _strata(sample)
    result = from_repeats(left.value, left.of_clusters, items, n=n, confidence=confidence, scale=figure.scale)
    if repeats.min() < 2:
        return replace(result, low=None, high=None, reason=NO_REPEATS)
    return result


def _by_method(result: Interval, figure: Figure, left: Left) -> Interval:
    if result.value is None or result.clusters < 2:
        return result
    assert figure.bounds_of is not None
    found = figure.bounds_of(left.parts[0], result.confidence)
    if found is None:
        return result
    low, high = min(found[0], result.value), max(found[1], result.value)
    return replace(result, low=low, high=high, method=figure.method, reason=too_few(result.clusters))


def _strata(sample: Sample) -> tuple[Places, Places]:
    """The item of each ask, and how often each item was asked, over all slices."""
    return Part(sample, np.arange(sample.groups)).strata


def _inside(result: Interval, figure: Figure) -> Interval:
    """The interval cut to what the figure can be."""
    if result.low is None or result.high is None:
        return result
    low, high = figure.bounds
    if result.value is not None and not low - _NOTHING <= result.value <= high + _NOTHING:
        raise ValueError(
            f"{figure.name}: the average came out as {result.value:g}, beyond {low:g} to {high:g}"
        )
    return replace(result, low=max(low, result.low), high=min(high, result.high))


def _nearly_alike(result: Interval, figure: Figure, left: Left, average: Average) -> Interval:
    differing = _differing(figure, left)
    if differing is None or differing >= result.clusters / 2:
        return result
    reach = reach_unseen(figure, left, average, confidence=result.confidence, differing=differing)
    if reach is None or result.value is None or reach[1] - reach[0] <= _NOTHING:
        return result
    return replace(
        result,
        low=min(reach[0], result.value),
        high=max(reach[1], result.value),
        method="nearly all alike, exact",
        reason=too_few(result.clusters),
    )


def _differing(figure: Figure, left: Left) -> int | None:
    """How many clusters disagree, where the figure is perfect but for them; 0 where all are alike."""
    if len(left.which) < 2 or not np.isfinite(left.each).all():
        return None
    if float(np.ptp(left.each)) <= 1e-12:
        return 0
    if figure.off is None:
        return None
    off: set[int] = set()
    for part in left.parts:
        each = np.concatenate([block @ figure.off > _NOTHING for block in part.sums()])
        off.update(part.members[each[part.alike[1]]].tolist())
    return len(off)


def reach_unseen(
    figure: Figure, left: Left, average: Average, *, confidence: float, differing: int = 0
) -> tuple[float, float] | None:
    """The lowest and highest figure if the unseen share of each slice's clusters lay at a corner.

    None for a figure without corners, or undefined at all of them. A slice's share is taken at Bonferroni's
    level, so that all slices' shares hold at once.
    """
    if figure.corners is None or figure.mass is None:
        return None
    level = 1 - (1 - confidence) / len(left.parts)
    lows, highs = [], []
    for part in left.parts:
        each = np.concatenate([block @ figure.mass > 0 for block in part.sums()])
        count = int(each[part.alike[1]].sum())
        if count == 0:
            return None
        share = unseen_share(count, level, differing=min(differing, count - 1))
        found = _at_corners(figure, part.total, share)
        if not len(found):
            return None
        lows.append(float(found.min()))
        highs.append(float(found.max()))
    return _averaged(lows, average), _averaged(highs, average)


def _at_corners(figure: Figure, total: Array, share: float) -> Array:
    """The figure as it is, and with a share of all items moved to each corner, where it is defined."""
    assert figure.corners is not None
    assert figure.mass is not None
    items = float(total @ figure.mass)
    moved = (1 - share) * total + share * items * figure.corners
    with np.errstate(all="ignore"):
        found = figure.value(np.vstack([total, moved]))
    return found[np.isfinite(found)]


def _averaged(values: Sequence[float], average: Average) -> float:
    if len(values) == 1:
        return values[0]
    inside = np.array(values)
    if average == "mean":
        return math.fsum(values) / len(values)
    if average == "fisher":
        inside = np.clip(inside, -1 + 1e-15, 1 - 1e-15)
    return float(averaged(inside[None], average)[0])
