"""Pearson's correlation from additive sums, one set per group, and what problems count as in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge.statistics.interval import Interval, too_few
from pytest_mllm_judge.statistics.jackknife import Array, cluster_sums, jackknife, unseen_share

Average = Literal["mean", "fisher"]
_MOMENTS = 6
_MOST_CHOICES = 20_000
_MOST_LABELS = 12


@dataclass(frozen=True)
class _Data:
    """Human labels, verdicts, the group and the cluster of each."""

    x: Array
    y: Array
    names: Sequence[str]
    clusters: Sequence[str]

    def inside(self, group: str) -> npt.NDArray[np.bool_]:
        """Which points are of this group."""
        return np.array([name == group for name in self.names])


def correlation_sums(judge: Array, human: Array, groups: Sequence[str], clusters: Sequence[str]) -> Array:
    """Per cluster and group the sums of 1, x, y, x^2, y^2, xy: (G, 6 * number of groups), groups sorted.

    Both variables are centred first, so that squares of large numbers don't cancel.
    """
    x, y = human - human.mean(), judge - judge.mean()
    moments = np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])
    order = {name: place for place, name in enumerate(sorted(set(groups)))}
    rows = np.zeros((len(x), _MOMENTS * len(order)))
    starts = np.array([order[name] for name in groups]) * _MOMENTS
    for moment in range(_MOMENTS):
        rows[np.arange(len(x)), starts + moment] = moments[:, moment]
    return cluster_sums(rows, clusters)


def r_of(sums: Array) -> Array:
    """Pearson's r of sums (..., 6); NaN where either variable does not vary."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        vx, vy = xx - x * x / n, yy - y * y / n
        r = (xy - x * y / n) / np.sqrt(vx * vy)
    tiny = 1e-12 * np.maximum(n, 1)
    clipped: Array = np.where((vx > tiny) & (vy > tiny), np.clip(r, -1, 1), np.nan)
    return clipped


def pearson(
    judge: Sequence[float],
    human: Sequence[float],
    clusters: Sequence[str],
    *,
    groups: Sequence[str] | None = None,
    average: Average = "mean",
    scale: tuple[float, float] | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Pearson's r, or the unweighted average of one r per group, with its jackknife-t interval.

    `average`: the plain mean of the r (as MLLM-as-a-Judge averages over its data sets), or the tanh of the
    mean of their arctanh. `scale` is the judge's lowest and highest point, for the case that (nearly) every
    verdict equals the human's, or lies on one line with it, where arctanh has no spread to go by: then the
    bounds are the r left if the exact upper share of clusters that may differ unseen lay at a corner.
    """
    x, y = np.asarray(human, dtype=float), np.asarray(judge, dtype=float)
    names = list(groups) if groups is not None else [""] * len(x)
    sums = correlation_sums(y, x, names, clusters)

    def figure(total: Array) -> Array:
        each = r_of(total.reshape(*total.shape[:-1], -1, _MOMENTS))
        if average == "mean":
            return np.asarray(each.mean(axis=-1))
        return np.asarray(np.tanh(np.arctanh(each).mean(axis=-1)))

    result = jackknife(sums, figure, n=len(x), confidence=confidence, scale="arctanh")
    if result.value is not None and result.low is None and scale is not None:
        differing = _off_the_line(x, y, clusters)
        if differing is not None and differing < result.clusters / 2:
            data = _Data(x, y, names, clusters)
            return _nearly_a_line(result, data, scale=scale, average=average, differing=differing)
    if result.value is None:
        return replace(result, reason=_why_undefined(x, y, names))
    return result


def _off_the_line(x: Array, y: Array, clusters: Sequence[str]) -> int | None:
    """How many clusters hold a point off the line y = x, or none if all lie on one other line; else None."""
    slope, intercept = np.polyfit(x, y, 1)
    if float(np.abs(y - slope * x - intercept).max()) < 1e-9:
        return 0
    return len({cluster for cluster, a, b in zip(clusters, x, y, strict=True) if a != b})


def _nearly_a_line(
    result: Interval, data: _Data, *, scale: tuple[float, float], average: Average, differing: int
) -> Interval:
    """Bounds from the exact share of each group's clusters that may lie elsewhere unseen."""
    groups = sorted(set(data.names))
    level = 1 - (1 - result.confidence) / len(groups)  # Bonferroni: all groups' shares hold at once
    lows, highs = [], []
    for group in groups:
        inside = data.inside(group)
        count = len(set(itertools.compress(data.clusters, inside)))
        share = unseen_share(count, level, differing=min(differing, count - 1))
        corners = _contaminated(data.x[inside], data.y[inside], share, scale)
        lows.append(min(corners))
        highs.append(max(corners))
    low, high = _average(lows, average), _average(highs, average)
    return replace(
        result,
        low=min(low, result.value) if result.value is not None else low,
        high=max(high, result.value) if result.value is not None else high,
        method="nearly on a line, exact",
        reason=too_few(result.clusters),
    )


def _average(values: Sequence[float], average: Average) -> float:
    if average == "mean":
        return sum(values) / len(values)
    clipped = (max(-1 + 1e-15, min(1 - 1e-15, r)) for r in values)
    return math.tanh(sum(map(math.atanh, clipped)) / len(values))


def _contaminated(x: Array, y: Array, share: float, scale: tuple[float, float]) -> list[float]:
    """The r of a population with a share of it at a corner: human's lowest or highest, judge's likewise."""
    found = [float(r_of(_moments_of(x, y)))]
    for corner in itertools.product((float(x.min()), float(x.max())), scale):
        at = _moments_of(np.array(corner[:1]), np.array(corner[1:]))
        found.append(float(r_of((1 - share) * _moments_of(x, y) + share * at)))
    return [r for r in found if not math.isnan(r)]


def _moments_of(x: Array, y: Array) -> Array:
    """The means of 1, x, y, x^2, y^2, xy."""
    return np.array([1.0, x.mean(), y.mean(), (x * x).mean(), (y * y).mean(), (x * y).mean()])


def _why_undefined(x: Array, y: Array, names: Sequence[str]) -> str:
    labels = np.array(names)
    for name in sorted(set(names)):
        inside = labels == name
        where = f" in {name!r}" if name else ""
        if np.ptp(y[inside]) == 0:
            return f"the judge gave {y[inside][0]:g} to all {int(inside.sum())} items{where}: no correlation"
        if np.ptp(x[inside]) == 0:
            return f"humans gave {x[inside][0]:g} to all {int(inside.sum())} items{where}: no correlation"
    return "the correlation is undefined on these items"


def worst_verdicts(
    judge: Sequence[float],
    human: Sequence[float],
    missing: Sequence[float],
    points: Sequence[float],
) -> list[float]:
    """The scale points that make the pooled r smallest if they stand where verdicts are missing.

    `judge` and `human` are the items with verdicts, `missing` the human labels of those without; one point
    for each comes back. Whatever points are chosen, r is least if the higher labels get the lower of them
    (rearrangement inequality), so only falling choices are tried: all of them, or where they are too many
    those that a search from the best corner and from the best line comes to. As long as the least r is not
    negative a corner of the box has it, since {r >= t} is convex in the verdicts for t >= 0; below 0 each
    point is the one nearest to a line that falls with the label, since r is then convex in each of them.
    """
    if not len(missing):
        return []
    order = np.argsort(np.asarray(missing, dtype=float), kind="stable")
    centre = float(np.mean([*human, *missing]))
    at = np.asarray(missing, dtype=float)[order] - centre
    x, y = np.asarray(human, dtype=float) - centre, np.asarray(judge, dtype=float)
    known = np.array([len(x), x.sum(), y.sum(), x @ x, y @ y, x @ y])
    levels = np.array(sorted(points, reverse=True), dtype=float)

    def best(cuts: Cuts) -> tuple[float, Cuts]:
        r = r_of(known + _moments(at, cuts, levels))
        place = int(np.argmin(np.where(np.isnan(r), np.inf, r)))
        return (math.inf if math.isnan(r[place]) else float(r[place])), cuts[place]

    chosen = np.empty(len(at))
    chosen[order] = np.repeat(
        levels,
        np.diff(_with_ends(_least(len(at), len(levels), lambda: _line_cuts(at, levels), best), len(at))),
    )
    return [float(point) for point in chosen]


Cuts = npt.NDArray[np.intp]
"""Where each level of a falling sequence gives way to the next: (choices, levels - 1), or one choice."""


def _least(
    length: int, levels: int, lines: Callable[[], Cuts], best: Callable[[Cuts], tuple[float, Cuts]]
) -> Cuts:
    """The cuts of the least r: among all, or where they are too many by a search one cut at a time."""
    if math.comb(length + levels - 1, length) <= _MOST_CHOICES:
        every = itertools.combinations_with_replacement(range(length + 1), levels - 1)
        return best(np.array(list(every), dtype=np.intp).reshape(-1, levels - 1))[1]
    corners = np.repeat(np.arange(length + 1)[:, None], levels - 1, axis=1)
    found = (_descend(*best(start), length, best) for start in (corners, lines()))
    return min(found, key=lambda one: one[0])[1]


def _line_cuts(at: Array, levels: Array) -> Cuts:
    """The cuts of falling lines, each point being the level nearest to the line.

    A line goes through the middle between two levels at one label, and at another.
    """
    labels, counts = np.unique(at, return_counts=True)
    some = labels[np.unique(np.linspace(0, len(labels) - 1, _MOST_LABELS).astype(np.intp))]
    middles = (levels[1:] + levels[:-1]) / 2
    x, y = (grid.ravel() for grid in np.meshgrid(some, middles))
    first, second = np.nonzero((x[:, None] < x[None, :]) & (y[:, None] >= y[None, :]))
    slope = (y[first] - y[second]) / (x[second] - x[first])
    nudges = np.array([-1e-9, 1e-9])
    height = (y[first] + slope * x[first])[:, None] + nudges
    line = (height[..., None] - slope[:, None, None] * labels).reshape(-1, len(labels))
    level = (line[..., None] < middles).sum(-1)
    return np.stack([((level <= place) * counts).sum(-1) for place in range(len(levels) - 1)], axis=-1)


def _descend(
    r: float, cuts: Cuts, length: int, best: Callable[[Cuts], tuple[float, Cuts]]
) -> tuple[float, Cuts]:
    while True:
        before = r
        for place in range(len(cuts)):
            low = cuts[place - 1] if place else 0
            high = cuts[place + 1] if place + 1 < len(cuts) else length
            tries = np.repeat(cuts[None], high - low + 1, axis=0)
            tries[:, place] = np.arange(low, high + 1)
            found, where = best(tries)
            if found < r:
                r, cuts = found, where
        if r >= before:
            return r, cuts


def _with_ends(cuts: Cuts, length: int) -> Cuts:
    """The cuts with 0 before and the length behind them."""
    first = np.zeros((*cuts.shape[:-1], 1), dtype=np.intp)
    return np.concatenate([first, cuts, first + length], axis=-1)


def _moments(at: Array, cuts: Cuts, levels: Array) -> Array:
    """The sums of 1, x, y, x^2, y^2, xy when the sorted x are given falling levels: (choices, 6)."""
    edges = _with_ends(cuts, len(at))
    counts = np.diff(edges, axis=1)
    running = np.concatenate([[0.0], np.cumsum(at)])
    inside = np.diff(running[edges], axis=1)
    same = np.ones(len(cuts))
    columns = [same * len(at), same * at.sum(), counts @ levels, same * (at @ at), counts @ levels**2]
    return np.column_stack([*columns, inside @ levels])
