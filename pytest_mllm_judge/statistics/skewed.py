"""The mean of values of which most stand at one place and few far from it: an interval that leans."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtrit

from pytest_mllm_judge.statistics.interval import Interval, check_confidence, too_few
from pytest_mllm_judge.statistics.jackknife import Array, cluster_sums
from pytest_mllm_judge.statistics.sample import Places

_STRAIGHT = 1e-9
"""A skewness, or a spread, below this is none."""


def skewed_mean(values: Array, clusters: Places, *, pseudo: bool, confidence: float = 0.95) -> Interval:
    """The mean of values in [-1, 1] (n,), its jackknife-t over clusters with their skewness taken off.

    By Hall's (1992) cubic transformation, which is monotone, so that bounds and p values can't disagree. With
    `pseudo` half an item stands at each end, as in Bonett & Price (2012): it keeps the variance from
    vanishing with few changes. Clusters without any spread take it unasked.
    """
    check_confidence(confidence)
    n = len(values)
    value, size = math.fsum(values.tolist()) / n, n + pseudo
    centre = value * n / size
    sums = cluster_sums(np.column_stack([values, np.ones(n)]), clusters)
    groups = len(sums)
    residuals = sums[:, 0] - centre * sums[:, 1]
    squares = math.fsum((residuals**2).tolist()) + pseudo * (1 + centre**2)
    if squares <= _STRAIGHT**2:
        return skewed_mean(values, clusters, pseudo=True, confidence=confidence)
    skewness = math.fsum((residuals**3).tolist()) / squares**1.5
    freedom = max(groups - 1, 1)
    error = math.sqrt(squares * ((groups + 1) / groups if pseudo else groups / freedom)) / size
    reach = float(stdtrit(freedom, confidence))
    low, high = (centre - error * _leaning(quantile, skewness) for quantile in (reach, -reach))
    return Interval(
        value=value,
        low=max(-1.0, min(value, low)),
        high=min(1.0, max(value, high)),
        n=n,
        clusters=groups,
        method="jackknife-t, skewness off" + (", half a pseudo-pair" if pseudo else ""),
        confidence=confidence,
        reason=too_few(groups),
    )


def _leaning(quantile: float, skewness: float) -> float:
    """The quantile of the mean's t where that of a symmetric one is given: Hall's transformation inverted."""
    if abs(skewness) < _STRAIGHT:
        return quantile
    return 3 / skewness * (float(np.cbrt(1 + skewness * (quantile - skewness / 6))) - 1)
