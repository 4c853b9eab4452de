"""What something besides quality is worth to a judge, on the humans' scale."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.special import stdtrit

from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Part

Gains = tuple[Array, Array]
"""A gain as what stands above and below the line of its ratio."""
Noise = Literal["known", "least", "most"]
"""What is known of the error in human scores, and which figure to take where it is not."""
CLEAR = 4.0
"""So many standard errors must a judge's scores rise with the humans', or nothing is decided: the figure is
divided by that rise, and of a ratio whose divisor may be 0 no jackknife covers."""
_NOTHING = 1e-9
_XX, _XY, _YY = 4, 5, 6
"""Where these sums stand."""


def matched_sums(human: Array, judge: Array, besides: Array, *, labels: Array, squares: Array) -> Array:
    """What each item adds to a matched figure's sums: (n, 13).

    `besides` (n,) is what should not count, such as a log length. `human` is the mean of so many `labels`
    (n,) whose squared distances to it sum to `squares` (n,); 1 and 0 of a single label.
    """
    one = np.ones(len(human))
    products = (human * human, human * judge, judge * judge, human * besides, judge * besides, besides**2)
    return np.column_stack([one, human, judge, besides, *products, 1 / labels, squares, labels - 1])


def matched_figure(
    name: str,
    *,
    points: tuple[float, float],
    besides: tuple[float, float],
    noise: Noise = "known",
    rule: Callable[[Array], str] | None = None,
) -> Figure:
    """How many human points a unit of `besides` adds to a score, human scores being equal.

    The judge's scores are put on the humans' scale by their gain, how much they rise with human scores where
    `besides` is equal; what is left is the slope on `besides` of the judge's scores less that of the humans'.
    Where humans are several the error of their mean is taken out of the gain (errors in variables: Fuller
    1987, section 2.2), which is that of a regression otherwise. Of single labels the error is not known:
    it lies between none and, by the ratio of standard deviations, as much as the judge's; "least" and "most"
    give the smaller and the larger of the two figures. `points` are the ends of the scale, `besides` the
    least and the most there is. Undefined where the judge's scores do not rise with the humans'. `rule` gives
    a further reason not to decide.
    """
    low, high = points
    ends = np.array(list(itertools.product(points, points, besides)))
    once, none = np.ones(len(ends)), np.zeros(len(ends))
    corners = matched_sums(ends[:, 0], ends[:, 1], ends[:, 2], labels=once, squares=none)
    mass, off = np.zeros(corners.shape[1]), np.zeros(corners.shape[1])
    mass[0] = 1.0
    off[[_XX, _XY, _YY]] = 1.0, -2.0, 1.0

    def why_not(total: Array) -> str:
        return (rule(total) if rule is not None else "") or _unclear(total)

    def gains(sums: Array) -> Gains:
        exact = _exact(sums)
        if noise == "known":
            return exact
        other, pick = _as_noisy(sums), np.less if noise == "least" else np.greater
        take = pick(_of(sums, other), _of(sums, exact))
        return tuple(np.where(take, o, e) for o, e in zip(other, exact, strict=True))  # type: ignore[return-value]

    def value(sums: Array) -> Array:
        found = _of(sums, gains(sums))
        return np.where(np.abs(found) <= high - low, found, np.nan)

    def bounds(part: Part, confidence: float) -> tuple[float, float] | None:
        return _fieller(part, gains, confidence, most=high - low)

    return Figure(
        name=name,
        value=value,
        bounds=(low - high, high - low),
        corners=corners,
        mass=mass,
        off=off,
        rule=why_not,
        undefined=why_not,
        bounds_of=bounds,
        method="jackknife-t, ratio",
    )


def _of(sums: Array, gains: Gains) -> Array:
    """What a unit is worth to the judge on the humans' scale, less what it is worth to humans."""
    _, _, _, xz, yz, zz = _centred(sums)
    above, below = gains
    with np.errstate(all="ignore"):
        gain = above / np.where(below > 0, below, np.nan)
        return np.asarray((yz / np.where(gain > 0, gain, np.nan) - xz) / zz)


def _fieller(
    part: Part, gains: Callable[[Array], Gains], confidence: float, *, most: float
) -> tuple[float, float] | None:
    """The figures that its equation, free of ratios, does not contradict (Fieller 1954), by the jackknife.

    None where nothing varies, or where it contradicts none beyond some figure.
    """

    def equation(sums: Array) -> Array:
        n, zz = sums[..., 0], _centred(sums)[5]
        xz, yz = (_centred(sums)[place] / zz for place in (3, 4))
        above, below = (one / n**2 for one in gains(sums))
        return np.stack([yz * below - xz * above, above], axis=-1)

    total = equation(part.total)
    with np.errstate(all="ignore"):
        each = np.concatenate([equation(part.total - block) for block in part.changes()])
    groups = len(each)
    if groups < 2 or not np.isfinite(each).all() or not np.isfinite(total).all():
        return None
    apart = each - each.mean(axis=0)
    spread = apart.T @ apart * (groups - 1) / groups
    t2 = float(stdtrit(groups - 1, confidence)) ** 2
    u, w = total.tolist()
    square = w * w - t2 * spread[1, 1]
    middle = u * w - t2 * spread[0, 1]
    inside = middle**2 - square * (u * u - t2 * spread[0, 0])
    if square <= 0 or inside <= 0:
        return None
    ends = [(middle + sign * math.sqrt(inside)) / square for sign in (-1, 1)]
    return max(-most, ends[0]), min(most, ends[1])


def gain_of(sums: Array) -> float:
    """How many points the judge gives for a human one, `besides` being equal, of total sums (13,)."""
    above, below = _exact(sums)
    return float(above / below) if below > 0 else math.nan


def _exact(sums: Array) -> Gains:
    """That gain as a ratio, the known error of human means being taken out."""
    xx, xy, _, xz, yz, zz = _centred(sums)
    inverse, squares, free = (sums[..., place] for place in (10, 11, 12))
    error = np.where(free > 0, squares / np.where(free > 0, free, 1), 0.0)
    return np.asarray(xy * zz - yz * xz), np.asarray((xx - error * inverse) * zz - xz * xz)


def _as_noisy(sums: Array) -> Gains:
    """The same if the human scores err as much as the judge's do, on their own scale."""
    xx, _, yy, xz, yz, zz = _centred(sums)
    human, judge = (np.maximum(one, 0.0) for one in (xx * zz - xz * xz, yy * zz - yz * yz))
    return np.asarray(np.sqrt(judge * human)), np.asarray(human)


def _centred(sums: Array) -> tuple[Array, ...]:
    """Sums of squares and products around the means: xx, xy, yy, xz, yz, zz."""
    n, x, y, z = (sums[..., place] for place in range(4))
    pairs = ((x, x), (x, y), (y, y), (x, z), (y, z), (z, z))
    return tuple(
        np.asarray(sums[..., 4 + place] - one * other / n) for place, (one, other) in enumerate(pairs)
    )


def _unclear(total: Array) -> str:
    """Why the two scales can't be matched; '' if they can."""
    n = float(total[0])
    xx, xy, yy, xz, yz, zz = map(float, _centred(total))
    if zz <= _NOTHING * n:
        return "it is the same everywhere, so nothing can depend on it"
    human, judge = xx * zz - xz * xz, yy * zz - yz * yz
    if min(human, judge) <= _NOTHING or n <= 3:
        return "the judge's scores do not vary with the humans', so the scales can't be matched"
    partial = min((xy * zz - xz * yz) / math.sqrt(human * judge), 1 - _NOTHING)
    if partial * math.sqrt((n - 3) / (1 - partial * partial)) >= CLEAR:
        return ""
    rise = f"the judge's scores hardly rise with the humans' (r = {round(partial, 2) + 0.0:.2f})"
    return f"{rise}, so the scales can't be matched"
