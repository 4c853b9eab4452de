"""Pearson's correlation from additive sums, and what problems count as in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge.statistics.figure import Figure, interval_of
from pytest_mllm_judge.statistics.interval import Interval
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Average, Sample, numbered

_MOST_CHOICES = 20_000
_MOST_LABELS = 12


def moments_of(judge: Array, human: Array, *, centre: float = 0.0) -> Array:
    """What each item adds to 1, x, y, x^2, y^2, xy: (n, 6), x the human's and y the judge's score.

    Both are taken from `centre`, so that squares of large numbers don't cancel.
    """
    x, y = human - centre, judge - centre
    return np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])


def r_of(sums: Array) -> Array:
    """Pearson's r of sums (..., 6); NaN where either variable does not vary."""
    n, x, y, xx, yy, xy = np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        vx, vy = xx - x * x / n, yy - y * y / n
        r = (xy - x * y / n) / np.sqrt(vx * vy)
    tiny = 1e-12 * np.maximum(n, 1)
    clipped: Array = np.where((vx > tiny) & (vy > tiny), np.clip(r, -1, 1), np.nan)
    return clipped


def pearson_figure(
    *, human: tuple[float, float], judge: tuple[float, float] | None, centre: float = 0.0
) -> Figure:
    """Pearson's r of `moments_of`; `human` and `judge` are the lowest and highest score either may give.

    They are the corners for the case that (nearly) every verdict equals the human's, or lies on one line
    with it, where arctanh has no spread to go by; without the judge's there is no interval then.
    """
    corners = None
    if judge is not None:
        places = np.array(list(itertools.product(human, judge)))
        corners = moments_of(places[:, 1], places[:, 0], centre=centre)
    return Figure(
        name="pearson",
        value=r_of,
        scale="arctanh",
        corners=corners,
        mass=np.array([1.0, 0, 0, 0, 0, 0]),
        off=np.array([0, 0, 0, 1.0, 1.0, -2.0]),
        undefined=lambda total: _why_undefined(total, centre),
    )


def _why_undefined(total: Array, centre: float) -> str:
    n, x, y, xx, yy, _ = total.tolist()
    for who, mean, square in (("the judge", y / n, yy / n), ("humans", x / n, xx / n)):
        if square - mean * mean <= 1e-12:
            return f"{who} gave {mean + centre:g} to all {n:g} items: no correlation"
    return ""


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

    `average`: the plain mean of the r (as MLLM-as-a-Judge averages over its data sets), the tanh of the mean
    of their arctanh, or a function of them. `scale` is the judge's lowest and highest point.
    """
    x, y = np.asarray(human, dtype=float), np.asarray(judge, dtype=float)
    centre = float(round(x.mean()))  # a whole number, so that no order of sums shows in it
    figure = pearson_figure(human=(float(x.min()), float(x.max())), judge=scale, centre=centre)
    sample = Sample(
        clusters=numbered(clusters),
        slices=numbered(groups if groups is not None else [""] * len(x), ordered=True),
        moments=moments_of(y, x, centre=centre),
    )
    return interval_of(figure, sample, confidence=confidence, average=average)


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
    starts = filter(len, (corners, lines()))  # of one label alone there is no line
    found = (_descend(*best(start), length, best) for start in starts)
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
