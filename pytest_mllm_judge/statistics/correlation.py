"""Pearson's correlation from additive sums, one set per group, and what problems count as in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge.statistics.interval import Interval, too_few
from pytest_mllm_judge.statistics.jackknife import Array, cluster_sums, jackknife, unseen_share

Average = Literal["mean", "fisher"]
_MOMENTS = 6
_MOST_CHOICES = 20_000


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
    verdict equals the human's, where arctanh has no spread to go by: then the lower bound is the r left if
    the exact upper share of clusters that may differ were as wrong as can be.
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
        differing = len({cluster for cluster, a, b in zip(clusters, x, y, strict=True) if a != b})
        if differing < result.clusters / 2:
            return _nearly_perfect(result, x, names, scale=scale, average=average, differing=differing)
    if result.value is None:
        return replace(result, reason=_why_undefined(x, y, names))
    return result


def _nearly_perfect(
    result: Interval,
    x: Array,
    names: Sequence[str],
    *,
    scale: tuple[float, float],
    average: Average,
    differing: int,
) -> Interval:
    unseen = unseen_share(result.clusters, result.confidence, differing=differing)
    labels = np.array(names)
    lows = [_contaminated(x[labels == name], unseen, scale) for name in sorted(set(names))]
    if average == "fisher":
        low = math.tanh(sum(math.atanh(r) for r in lows) / len(lows))
    else:
        low = sum(lows) / len(lows)
    return replace(
        result, low=low, high=1.0, method="nearly all equal, exact", reason=too_few(result.clusters)
    )


def _contaminated(x: Array, share: float, scale: tuple[float, float]) -> float:
    """The least r when a share of a perfectly judged population sits at one wrong corner instead."""
    worst = 1.0
    for at, says in itertools.product((float(x.min()), float(x.max())), scale):
        keep = 1 - share
        mx, my = keep * x.mean() + share * at, keep * x.mean() + share * says
        vx = keep * (x * x).mean() + share * at * at - mx * mx
        vy = keep * (x * x).mean() + share * says * says - my * my
        cov = keep * (x * x).mean() + share * at * says - mx * my
        worst = min(worst, float(cov / math.sqrt(vx * vy)))
    return worst


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
    (rearrangement inequality), so every falling choice is tried. Where those are too many, only the two
    ends of the scale: as long as r is not negative its least value over a box lies at a corner, since
    {r >= t} is convex in the verdicts for t >= 0.
    """
    if not len(missing):
        return []
    order = np.argsort(np.asarray(missing, dtype=float), kind="stable")
    centre = float(np.mean([*human, *missing]))
    at = np.asarray(missing, dtype=float)[order] - centre
    x, y = np.asarray(human, dtype=float) - centre, np.asarray(judge, dtype=float)
    counts, levels = _falling(len(at), points)
    known = np.array([len(x), x.sum(), y.sum(), x @ x, y @ y, x @ y])
    r = r_of(known + _moments(at, counts, levels))
    chosen = np.empty(len(at))
    chosen[order] = np.repeat(levels, counts[int(np.argmin(np.where(np.isnan(r), -np.inf, r)))])
    return [float(point) for point in chosen]


def _falling(length: int, points: Sequence[float]) -> tuple[npt.NDArray[np.intp], Array]:
    """The falling sequences that are tried: how many of each level, highest level first, and the levels."""
    many = math.comb(length + len(points) - 1, length) > _MOST_CHOICES
    levels = sorted({min(points), max(points)} if many else points, reverse=True)
    cuts = itertools.combinations_with_replacement(range(length + 1), len(levels) - 1)
    edges = np.array([(0, *cut, length) for cut in cuts])
    return np.diff(edges, axis=1), np.array(levels, dtype=float)


def _moments(at: Array, counts: npt.NDArray[np.intp], levels: Array) -> Array:
    """The sums of 1, x, y, x^2, y^2, xy when so many of the sorted x are given each level: (choices, 6)."""
    running = np.concatenate([[0.0], np.cumsum(at)])
    ends = np.cumsum(counts, axis=1)
    inside = running[ends] - running[ends - counts]
    same = np.ones(len(counts))
    columns = [same * len(at), same * at.sum(), counts @ levels, same * (at @ at), counts @ levels**2]
    return np.column_stack([*columns, inside @ levels])
