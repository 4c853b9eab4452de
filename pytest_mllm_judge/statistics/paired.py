"""Two judges on the same items: differences with intervals, tests of change, and equivalence."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtr, ndtr, ndtri, stdtrit

from pytest_mllm_judge.statistics.figure import NO_REPEATS, Figure, reach_unseen, spread
from pytest_mllm_judge.statistics.interval import MIN_DISCORDANT, Interval, check_confidence, too_few
from pytest_mllm_judge.statistics.jackknife import Array, Clusters, cluster_sums, number_of
from pytest_mllm_judge.statistics.sample import Average, Left, Sample, left_out

_HALVINGS = 60
_LEVEL = 0.95
_NEAREST, _FARTHEST, _CLOSE = 1e-9, 8.0, 1e-12
"""Normal quantiles between which the confidence of a p value is looked for, and how near they come."""

Values = Sequence[float] | Array


def tango(wins: float, losses: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """The score interval of (wins - losses) / n, paired proportions (Tango 1998).

    Each bound is one-sided at `confidence`. Counts need not be whole: clusters divide them by the design
    effect. Without any win or loss the bounds are -+ z^2 / (n + z^2), never a point.
    """
    check_confidence(confidence)
    if wins < 0 or losses < 0 or n <= 0 or wins + losses > n * (1 + 1e-12):
        raise ValueError(f"need 0 <= wins + losses <= n, got {wins:g} wins, {losses:g} losses, n = {n:g}")
    z = float(ndtri(confidence))
    return -_tango_upper(losses, wins, n, z), _tango_upper(wins, losses, n, z)


def _tango_upper(wins: float, losses: float, n: float, z: float) -> float:
    """The largest difference whose score is not below -z; bisection, since the score falls with it."""
    if wins == losses == 0:
        return z * z / (n + z * z)
    low, high = (wins - losses) / n, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        inside = _tango_score(wins, losses, n, middle) >= -z
        low, high = (middle, high) if inside else (low, middle)
    return high


def _tango_score(wins: float, losses: float, n: float, difference: float) -> float:
    linear = -wins - losses + (2 * n - wins + losses) * difference
    constant = -losses * difference * (1 - difference)
    root = math.sqrt(max(linear * linear - 8 * n * constant, 0.0))
    share = (root - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    gap = wins - losses - n * difference
    return gap / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, gap)


def mcnemar(wins: int, losses: int) -> float:
    """The two-sided mid-p value that neither judge is better (McNemar 1947; mid-p: Fagerland et al. 2013)."""
    if wins < 0 or losses < 0:
        raise ValueError(f"counts are 0 or more, got {wins} and {losses}")
    fewer, n = min(wins, losses), wins + losses
    if wins == losses:
        return 1.0
    below = float(bdtr(fewer - 1, n, 0.5)) if fewer else 0.0
    return min(1.0, below + float(bdtr(fewer, n, 0.5)))


def paired_shares(first: Values, second: Values, clusters: Clusters, *, confidence: float = 0.95) -> Interval:
    """The difference first - second of two shares over the same items.

    Values are 1 where a judge was right and 0 where not: Tango's interval on wins, losses and n divided by
    the design effect. Values between, as means over repeats or ties worth a half, take
    the jackknife-t with half a pseudo-win and half a pseudo-loss.
    """
    ours, theirs = _paired(first, second, clusters)
    if min(ours.min(), theirs.min()) < 0 or max(ours.max(), theirs.max()) > 1:
        raise ValueError("shares are made of values between 0 and 1")
    differences = ours - theirs
    if not np.isin(differences, (-1.0, 0.0, 1.0)).all():
        return _guarded(differences, clusters, confidence)
    n, size = len(differences), effective_pairs(differences, clusters)
    groups = number_of(clusters)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    low, high = tango(wins * size / n, losses * size / n, size, confidence=confidence)
    value = (wins - losses) / n
    return Interval(
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=n,
        clusters=groups,
        method="tango" if groups == n else "tango, effective n",
        confidence=confidence,
        reason=too_few(groups),
    )


def _paired(first: Values, second: Values, clusters: Clusters) -> tuple[Array, Array]:
    if not len(first) == len(second) == len(clusters):
        raise ValueError(f"{len(first)} and {len(second)} values, {len(clusters)} clusters: not paired")
    if not len(first):
        raise ValueError("the difference of nothing is undefined: need at least one item")
    return np.asarray(first, dtype=float), np.asarray(second, dtype=float)


def effective_pairs(differences: Values, clusters: Clusters) -> float:
    """How many independent pairs the clustered ones are worth: n / design effect, at most n.

    The design effect is the cluster-robust over the plain variance of the mean difference. With fewer than
    five clusters that hold a difference it is not known; then no cluster counts more than once.
    """
    values = np.asarray(differences, dtype=float)
    n = len(values)
    mean = math.fsum(values.tolist()) / n
    sums = cluster_sums(np.column_stack([values - mean, values != 0]), clusters)
    groups = len(sums)
    if groups == n:
        return float(n)
    most = float(n) if int((sums[:, 1] > 0).sum()) >= MIN_DISCORDANT else float(groups)
    plain = math.fsum(((values - mean) ** 2).tolist()) / n**2
    robust = groups / max(groups - 1, 1) * math.fsum((sums[:, 0] ** 2).tolist()) / n**2
    return most if plain == 0 or robust == 0 else min(most, n * plain / robust)


def _guarded(differences: Array, clusters: Clusters, confidence: float) -> Interval:
    """Jackknife-t of a mean in [-1, 1] with half a pair of pseudo-items at the ends.

    The pseudo-pair works as Bonett & Price's (2012): it keeps the variance from vanishing with few changes.
    """
    check_confidence(confidence)
    n = len(differences)
    value, size = math.fsum(differences.tolist()) / n, n + 1
    centre = value * n / size
    sums = cluster_sums(np.column_stack([differences, np.ones(n)]), clusters)
    groups = len(sums)
    residuals = sums[:, 0] - centre * sums[:, 1]
    squares = math.fsum((residuals**2).tolist()) + (1 + centre**2)
    error = math.sqrt(squares * (groups + 1) / groups) / size
    reach = float(stdtrit(max(groups - 1, 1), confidence)) * error
    return Interval(
        value=value,
        low=max(-1.0, min(value, centre - reach)),
        high=min(1.0, max(value, centre + reach)),
        n=n,
        clusters=groups,
        method="jackknife-t, half a pseudo-pair",
        confidence=confidence,
        reason=too_few(groups),
    )


def paired_difference(
    figure: Figure,
    first: Sample | Array,
    second: Sample | Array,
    *,
    discordant: int,
    n: int | None = None,
    average: Average = "mean",
    confidence: float = 0.95,
    other: Figure | None = None,
    left: Left | None = None,
    right: Left | None = None,
) -> Interval:
    """The figure of `first` less that of `second`: the same items or clusters' sums (G, K), in one order.

    Jackknife-t of the difference, each cluster left out of both. `discordant` is how many items' verdicts
    differ. With none, Tango's interval without discordance decides for every figure, times the figure's unit;
    with fewer than five, the wider of the jackknife's and Tango's with all of them on one side. `other` is
    the figure of `second` where its table has another size. `left` and `right` are what `left_out` gives of
    both, where it is known already.
    """
    ours, theirs = (each if isinstance(each, Sample) else Sample.of_sums(each) for each in (first, second))
    if len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} and {len(theirs)} items or clusters are not the same")
    size = len(ours) if n is None else n
    figure.check_average(average)
    if not 0 <= discordant <= size:
        raise ValueError(f"need 0 <= discordant <= n, got {discordant} of {size}")
    left = left or left_out(figure, ours, average)
    right = right or left_out(other or figure, theirs, average)
    change = Left(
        value=left.value - right.value,
        each=left.of_clusters - right.of_clusters,
        which=np.arange(len(left.which)),
        parts=left.parts,
    )
    plain = replace(figure, scale="plain", shrinks=False)
    result = spread(plain, change, ours, n=size, confidence=confidence)
    if result.value is None or result.reason == NO_REPEATS:
        return result
    if discordant < MIN_DISCORDANT:
        result = _by_tango(result, figure, discordant, left)
    elif result.low is None and np.isfinite(change.each).all():
        result = _by_corners(result, ((figure, left), (other or figure, right)), average)
    why = {figure.reason(left.parts), (other or figure).reason(right.parts)} - {""} if discordant else set()
    return replace(_within(result, figure), reason=result.reason or min(why, default=""))


def _within(result: Interval, figure: Figure) -> Interval:
    """The interval cut to the differences that the figure can have."""
    if result.low is None or result.high is None:
        return result
    reach = figure.bounds[1] - figure.bounds[0]
    return replace(result, low=max(-reach, result.low), high=min(reach, result.high))


def _by_tango(result: Interval, figure: Figure, discordant: int, left: Left) -> Interval:
    """Bounds of few changes; of slices that weigh alike, each counts as many clusters as the smallest has."""
    assert result.value is not None
    smallest = min(part.sample.groups for part in left.parts)
    size = min(result.clusters, len(left.parts) * smallest)
    changed = min(discordant, size)
    reach = figure.unit * tango(changed, 0, size, confidence=result.confidence)[1]
    lows = (-reach, result.value, *([] if result.low is None else [result.low]))
    highs = (reach, result.value, *([] if result.high is None else [result.high]))
    method = "tango, no discordance" if discordant == 0 else "tango, few discordant"
    return replace(result, low=min(lows), high=max(highs), method=method, reason=too_few(result.clusters))


def _by_corners(result: Interval, both: tuple[tuple[Figure, Left], ...], average: Average) -> Interval:
    """All clusters differ alike: bounds from the share of them that may differ otherwise, unseen."""
    ours, theirs = (
        reach_unseen(figure, left, average, confidence=result.confidence, differing=0)
        for figure, left in both
    )
    if ours is None or theirs is None or result.clusters < 2:
        return result
    return replace(
        result,
        low=ours[0] - theirs[1],
        high=ours[1] - theirs[0],
        method="all alike, exact",
        reason=too_few(result.clusters),
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values adjusted for their number, in the order given (Holm 1979): reject those at most alpha."""
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError(f"p values lie between 0 and 1, got {list(p_values)}")
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, most = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        most = max(most, min(1.0, p_values[place] * (len(p_values) - rank)))
        adjusted[place] = most
    return adjusted


IntervalAt = Callable[[float], Interval]
"""The interval of a figure at a one-sided confidence."""


def p_above(interval_at: IntervalAt, threshold: float) -> float | None:
    """The p value against "the figure is at most `threshold`"; None where nothing may be decided.

    It is 1 - confidence of the lower bound that just touches the threshold, so that p <= alpha exactly
    where the interval decides: tests and intervals can't disagree.
    """
    return _p(interval_at, lambda one: None if one.low is None else one.low - threshold)


def p_below(interval_at: IntervalAt, threshold: float) -> float | None:
    """The p value against "the figure is at least `threshold`"; None where nothing may be decided."""
    return _p(interval_at, lambda one: None if one.high is None else threshold - one.high)


def _p(interval_at: IntervalAt, clear: Callable[[Interval], float | None]) -> float | None:
    """1 - the largest confidence at which the bound clears the threshold; 0.5 where none above 1/2 does."""
    first = interval_at(_LEVEL)
    if first.reason or clear(first) is None:
        return None

    def room(z: float) -> float:
        found = clear(first if z == at else interval_at(float(ndtr(z))))
        return -math.inf if found is None else found

    at = float(ndtri(_LEVEL))
    inside, outside = (at, _FARTHEST) if room(at) >= 0 else (_NEAREST, at)
    if room(inside) < 0:
        return 0.5
    return float(ndtr(-_last_with_room(room, inside, outside)))


def _last_with_room(room: Callable[[float], float], inside: float, outside: float) -> float:
    """Where room runs out between a point with and one without: the Illinois method (Dowell & Jarratt 1971).

    Bounds are nearly linear in the normal quantile of their confidence, so that few steps are needed.
    """
    over, under = room(inside), room(outside)
    if under >= 0:
        return outside
    side = 0
    for _ in range(_HALVINGS):
        if outside - inside <= _CLOSE:
            break
        straight = math.isfinite(under) and over > under
        middle = (inside * under - outside * over) / (under - over) if straight else (inside + outside) / 2
        if not inside < middle < outside:
            middle = (inside + outside) / 2
        found = room(middle)
        if found >= 0:
            inside, over, under, side = middle, found, under / 2 if side > 0 else under, 1
        else:
            outside, under, over, side = middle, found, over / 2 if side < 0 else over, -1
    return inside


@dataclass(frozen=True, kw_only=True, slots=True)
class Equivalence:
    """Two one-sided tests (Schuirmann 1987): against "below -margin" and against "above margin".

    `p` is the larger of both; equivalence is shown at level alpha where it is at most alpha, which is where
    the two-sided interval at 1 - 2 alpha lies inside the margin.
    """

    p_low: float
    p_high: float

    @property
    def p(self) -> float:
        """The p value of the equivalence claim."""
        return max(self.p_low, self.p_high)


def equivalence(interval_at: IntervalAt, margin: float) -> Equivalence | None:
    """Both tests that a figure lies within -margin and margin; None where nothing may be decided."""
    if margin <= 0:
        raise ValueError(f"a margin is above 0, got {margin}")
    low, high = p_above(interval_at, -margin), p_below(interval_at, margin)
    return None if low is None or high is None else Equivalence(p_low=low, p_high=high)
