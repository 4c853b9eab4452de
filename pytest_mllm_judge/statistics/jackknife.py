"""The engine for smooth figures: delete-one-cluster jackknife with t(G-1)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, expit, logit, stdtrit

from pytest_mllm_judge.statistics.interval import Interval, check_confidence, too_few

Array = npt.NDArray[np.float64]
Clusters = Sequence[str] | npt.NDArray[np.intp]
"""The name of each item's cluster, or its number from 0."""
Scale = Literal["plain", "arctanh", "log", "logit"]
_FORTH: dict[Scale, Callable[[Array], Array]] = {
    "plain": np.asarray,
    "arctanh": np.arctanh,
    "log": np.log,
    "logit": logit,
}
_BACK: dict[Scale, Callable[[float], float]] = {
    "plain": float,
    "arctanh": math.tanh,
    "log": math.exp,
    "logit": lambda value: float(expit(value)),
}
NO_SPREAD = "no spread at all: leaving out any cluster gives the same figure"

_ROUNDING = 1e-9


def cluster_sums(rows: Array, clusters: Clusters) -> Array:
    """The sum of `rows` (n, K) within each cluster: (G, K), clusters in the order they first appear.

    Clusters are names, or numbers from 0.
    """
    labels = _numbers(clusters)
    sums = np.zeros((int(labels.max(initial=-1)) + 1, rows.shape[1]))
    np.add.at(sums, labels, rows)
    return sums


def number_of(clusters: Clusters) -> int:
    """How many clusters there are."""
    return len(np.unique(clusters)) if isinstance(clusters, np.ndarray) else len(set(clusters))


def _numbers(clusters: Clusters) -> npt.NDArray[np.intp]:
    """The clusters as numbers from 0, in the order they first appear."""
    if isinstance(clusters, np.ndarray):
        return clusters
    index: dict[str, int] = {}
    return np.fromiter((index.setdefault(name, len(index)) for name in clusters), dtype=np.intp)


def jackknife(
    sums: Array,
    figure: Callable[[Array], Array],
    *,
    n: int,
    confidence: float = 0.95,
    scale: Scale = "plain",
) -> Interval:
    """A figure of additive sums (G, K), with its interval.

    `figure` maps sums (..., K) to values (...), and may give NaN where it is undefined. Coefficients in
    (-1, 1) use the arctanh scale. Without an interval (undefined, one cluster, no spread at all) the
    bounds are None and the reason says why.
    """
    value, without = deletions(sums, figure)
    return from_deletions(value, without, n=n, confidence=confidence, scale=scale)


def deletions(sums: Array, figure: Callable[[Array], Array]) -> tuple[float, Array]:
    """The figure of all clusters, and of all but each: a number and (G,). NaN where it is undefined."""
    total = sums.sum(axis=0)
    with np.errstate(all="ignore"):
        without = figure(total - sums) if len(sums) > 1 else np.full(len(sums), math.nan)
        return float(figure(total)), without


def from_deletions(
    value: float,
    without: Array,
    *,
    n: int,
    confidence: float = 0.95,
    scale: Scale = "plain",
    times: npt.NDArray[np.intp] | None = None,
    less_bias: bool = False,
) -> Interval:
    """The jackknife-t interval of a figure, from its values with each cluster left out (G,).

    With `times` each value stands for so many clusters. `less_bias` takes the jackknife's bias, G - 1 times
    the mean without a cluster less the figure, off the interval's centre (Quenouille 1956). Sums are exact
    (`math.fsum`), so that neither the order of clusters nor a change of sign shows in it.
    """
    counts = np.ones(len(without)) if times is None else times
    groups = int(counts.sum())
    bare = _bare(value, n=n, clusters=groups, method=f"jackknife-t, {scale}", confidence=confidence)
    if bare.value is None or groups < 2:
        return replace(bare, reason=bare.reason or too_few(groups))
    if why := _unusable(value, without, scale):
        return replace(bare, reason=why)
    transformed = _FORTH[scale](without)
    mean = math.fsum((counts * transformed).tolist()) / groups
    spread = math.fsum((counts * (transformed - mean) ** 2).tolist())
    error = math.sqrt((groups - 1) / groups * spread)
    bias = (groups - 1) * (mean - _on(scale, value)) if less_bias else 0.0
    return _around(bare, scale, error=error, freedom=groups - 1, bias=bias)


def from_repeats(
    value: float,
    without: Array,
    items: npt.NDArray[np.intp],
    *,
    n: int,
    confidence: float = 0.95,
    scale: Scale = "plain",
) -> Interval:
    """The interval of a figure on exactly these items, from its values with each ask left out (A,).

    Asks of one item are what varies, the items are not (the stratified jackknife: Jones 1974; Wolter 2007,
    section 4.5): the variance is the sum over items of (T - 1) / T times the spread of theirs. `items` (A,)
    numbers the item of each ask; `clusters` of the result counts the items.
    """
    repeats = np.bincount(items)
    bare = _bare(
        value, n=n, clusters=len(repeats), method=f"jackknife-t over repeats, {scale}", confidence=confidence
    )
    if bare.value is None:
        return bare
    if why := _unusable(value, without, scale):
        return replace(bare, reason=why)
    transformed = _FORTH[scale](without)
    means = np.bincount(items, weights=transformed) / repeats
    squares = (transformed - means[items]) ** 2 * ((repeats - 1) / repeats)[items]
    freedom = len(items) - len(repeats)
    return _around(bare, scale, error=math.sqrt(math.fsum(squares.tolist())), freedom=freedom)


def _bare(value: float, *, n: int, clusters: int, method: str, confidence: float) -> Interval:
    """The figure without an interval yet, and why it has none where it is undefined."""
    check_confidence(confidence)
    undefined = math.isnan(value)
    return Interval(
        value=None if undefined else value,
        low=None,
        high=None,
        n=n,
        clusters=clusters,
        method=method,
        confidence=confidence,
        reason="the figure is undefined on these items" if undefined else "",
    )


def _unusable(value: float, without: Array, scale: Scale) -> str:
    if not np.isfinite(without).all() or _touches_end(scale, value, without):
        return "the figure is undefined, or perfect, once some cluster is left out"
    return ""


def _on(scale: Scale, value: float) -> float:
    return float(_FORTH[scale](np.asarray(value)))


def _around(bare: Interval, scale: Scale, *, error: float, freedom: int, bias: float = 0.0) -> Interval:
    """The figure plus and minus t standard errors, on its scale; its bias is taken off."""
    assert bare.value is not None
    if error <= 1e-12:
        return replace(bare, reason=NO_SPREAD)
    reach = float(stdtrit(max(freedom, 1), bare.confidence)) * error
    centre, back = _on(scale, bare.value) - bias, _BACK[scale]
    low, high = back(centre - reach), back(centre + reach)
    if bias and not low < bare.value < high:  # the bias is larger than the error: the figure is at its end
        low, high = min(low, back(centre + bias - reach)), max(high, back(centre + bias + reach))
    return replace(bare, low=low, high=high, reason=too_few(bare.clusters))


def _touches_end(scale: Scale, value: float, without: Array) -> bool:
    """Whether a figure is at an end of its scale but for rounding: there it is certain of nothing."""
    low, high = min(value, float(without.min())), max(value, float(without.max()))
    if scale == "arctanh":
        return max(abs(low), abs(high)) >= 1 - _ROUNDING
    return scale == "logit" and (low <= _ROUNDING or high >= 1 - _ROUNDING)


def mean_interval(
    values: Sequence[float],
    clusters: Sequence[str],
    *,
    bounds: tuple[float, float],
    groups: Sequence[str] | None = None,
    confidence: float = 0.95,
) -> Interval:
    """The mean of values that can't leave `bounds`, with its jackknife-t interval.

    With `groups` it is the unweighted mean of the groups' means. Where all values are the same the
    jackknife has no spread to go by. Then at most a share u of (each group's) clusters may differ unseen
    (`unseen_share`), and a value that differs is at worst at a bound: an exact binomial argument, as for a
    rate of zero.
    """
    if not len(values):
        raise ValueError("the mean of nothing is undefined: need at least one item")
    names = list(groups) if groups is not None else [""] * len(values)
    order = {name: place for place, name in enumerate(sorted(set(names)))}
    places = np.array([order[name] for name in names])
    rows = np.zeros((len(values), 2 * len(order)))
    rows[np.arange(len(values)), 2 * places] = values
    rows[np.arange(len(values)), 2 * places + 1] = 1
    result = jackknife(
        cluster_sums(rows, clusters),
        lambda sums: np.asarray((sums[..., 0::2] / sums[..., 1::2]).mean(axis=-1)),
        n=len(values),
        confidence=confidence,
    )
    low, high = bounds
    if min(values) != max(values):
        if result.low is None or result.high is None:
            return result
        return replace(result, low=max(low, result.low), high=min(high, result.high))
    value = float(values[0])
    level = 1 - (1 - confidence) / len(order)  # Bonferroni: all groups' shares hold at once
    members: dict[str, set[str]] = {}
    for name, cluster in zip(names, clusters, strict=True):
        members.setdefault(name, set()).add(cluster)
    unseen = sum(unseen_share(len(some), level) for some in members.values()) / len(members)
    return replace(
        result,
        low=value - unseen * (value - low),
        high=value + unseen * (high - value),
        method="all alike, exact",
        reason=too_few(result.clusters),
    )


def unseen_share(clusters: int, confidence: float, *, differing: int = 0) -> float:
    """The largest share of clusters that may differ when so few did: the exact (Clopper-Pearson) bound."""
    return float(betaincinv(differing + 1, clusters - differing, confidence))
