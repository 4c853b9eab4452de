"""Proportions of yes and no, with clusters."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import betaincinv, ndtri, stdtrit

from pytest_mllm_judge.statistics.interval import Interval, check_confidence, too_few
from pytest_mllm_judge.statistics.jackknife import Clusters, cluster_sums, number_of

_FEW = 5

Hits = Sequence[bool] | npt.NDArray[np.bool_]


def effective_n(hits: Hits, clusters: Clusters) -> float:
    """How many independent items the clustered ones are worth: p(1-p) / v, at most n.

    v is the cluster-robust variance of the share. With fewer than five clusters that hold the rarer outcome,
    v says next to nothing of how that outcome gathers in clusters; then no cluster counts more than once.
    """
    n = len(hits)
    sums = cluster_sums(np.column_stack([np.asarray(hits, dtype=float), np.ones(n)]), clusters)
    groups = len(sums)
    share = float(sums[:, 0].sum()) / n
    if groups == n:
        return float(n)
    rare = sums[:, 0] if share <= 0.5 else sums[:, 1] - sums[:, 0]
    most = float(n) if int((rare > 0).sum()) >= _FEW else float(groups)
    residuals = sums[:, 0] - share * sums[:, 1]
    variance = groups / max(groups - 1, 1) * float(residuals @ residuals) / n**2
    return min(most, share * (1 - share) / variance) if variance > 0 else most


def wilson(hits: Hits, clusters: Clusters, *, confidence: float = 0.95) -> Interval:
    """A share with its Wilson score interval (Wilson 1927), on the effective n when clustered.

    With t(G-1) in the normal's place where the effective n was estimated from the clusters' spread.
    """
    check_confidence(confidence)
    n = _count(hits)
    groups = number_of(clusters)
    share = int(np.sum(hits)) / n
    size = effective_n(hits, clusters)
    estimated = groups > 1 and size not in (n, groups)
    z = float(stdtrit(groups - 1, confidence) if estimated else ndtri(confidence))
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    return Interval(
        value=share,
        low=0.0 if share == 0 else max(0.0, min(share, centre - half)),
        high=1.0 if share == 1 else min(1.0, max(share, centre + half)),
        n=n,
        clusters=groups,
        method="wilson" if groups == n else "wilson, effective n",
        confidence=confidence,
        reason=too_few(groups),
    )


def clopper_pearson(hits: Hits, clusters: Clusters, *, confidence: float = 0.95) -> Interval:
    """A rate that must be small, with exact bounds (Clopper & Pearson 1934), on the effective n."""
    check_confidence(confidence)
    n = _count(hits)
    groups = number_of(clusters)
    share = int(np.sum(hits)) / n
    size = effective_n(hits, clusters)
    low, high = exact_bounds(share * size, size, confidence=confidence)
    return Interval(
        value=share,
        low=low,
        high=high,
        n=n,
        clusters=groups,
        method="clopper-pearson" if groups == n else "clopper-pearson, effective n",
        confidence=confidence,
        reason=too_few(groups),
    )


def exact_bounds(events: float, n: float, *, confidence: float = 0.95) -> tuple[float, float]:
    """The exact bounds of a share of so many events in n (Clopper & Pearson 1934), each at `confidence`.

    Counts need not be whole: clusters make them smaller.
    """
    low = 0.0 if events <= 0 else float(betaincinv(events, n - events + 1, 1 - confidence))
    high = 1.0 if events >= n else float(betaincinv(events + 1, n - events, confidence))
    return low, high


def _count(hits: Hits) -> int:
    if not len(hits):
        raise ValueError("a share of nothing is undefined: need at least one item")
    return len(hits)
