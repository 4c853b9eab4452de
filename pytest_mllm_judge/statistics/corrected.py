"""Means and rates of many judged items, corrected by the few that humans labelled too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.special import ndtri, stdtrit

from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.interval import Interval, check_confidence, too_few
from pytest_mllm_judge.statistics.jackknife import Array, cluster_sums


def ppi_mean(
    judge: Sequence[float],
    human: Sequence[float],
    unlabelled: Sequence[float],
    *,
    clusters: Sequence[str] | None = None,
    unlabelled_clusters: Sequence[str] | None = None,
    tuned: bool = True,
    confidence: float = 0.95,
) -> Interval:
    """The mean that humans would give all items: the judge's mean, set right by the items with both.

    `judge` and `human` are the items with labels, `unlabelled` the judge's scores of the others; both are
    drawn from the same kind of items. Prediction-powered inference (Angelopoulos et al. 2023); `tuned` weighs
    the judge by what it explains (PPI++, Angelopoulos, Duchi & Zrnic 2023), so that a useless judge costs
    nothing; nor does one without error on labelled items count for anything, since how it errs is unseen
    there. Normal theory with t of the labelled clusters; use it with 100 labels or more.
    """
    check_confidence(confidence)
    y, f, others = (np.asarray(values, dtype=float) for values in (human, judge, unlabelled))
    if len(y) != len(f):
        raise ValueError(f"{len(f)} verdicts and {len(y)} human labels: not paired")
    if len(y) < 2 or len(others) < 2:
        raise ValueError(f"need 2 items with labels and 2 without, got {len(y)} and {len(others)}")
    weight = _weight(y, f, others) if tuned else 1.0
    rest, rest_groups = _variance(others, unlabelled_clusters)
    if tuned and np.ptp(y - f) <= 1e-12:
        weight = 0.0
    error, groups = _variance(y - weight * f, clusters)
    value = float(weight * others.mean() + (y - weight * f).mean())
    spread = math.sqrt(weight**2 * rest + error)
    bare = Interval(
        value=value,
        low=None,
        high=None,
        n=len(y) + len(others),
        clusters=groups + rest_groups,
        method="ppi++" if tuned else "ppi",
        confidence=confidence,
        reason=too_few(groups),
    )
    if error <= 1e-24:
        return replace(bare, reason="no spread at all: the labelled items leave nothing to correct by")
    reach = float(stdtrit(max(groups - 1, 1), confidence)) * spread
    return replace(bare, low=value - reach, high=value + reach)


def _weight(y: Array, f: Array, others: Array) -> float:
    """cov(y, f) / ((1 + n / N) var f), between 0 and 1 (PPI++, example 6.1)."""
    variance = float(np.concatenate([f, others]).var(ddof=1))
    if variance == 0:
        return 0.0
    together = float(np.cov(y, f)[0, 1])
    return min(1.0, max(0.0, together / ((1 + len(y) / len(others)) * variance)))


def _variance(values: Array, clusters: Sequence[str] | None) -> tuple[float, int]:
    """The cluster-robust variance of a mean, and how many clusters."""
    names = list(clusters) if clusters is not None else [str(place) for place in range(len(values))]
    if len(names) != len(values):
        raise ValueError(f"{len(values)} values but {len(names)} clusters")
    sums = cluster_sums((values - values.mean())[:, None], names)
    groups = len(sums)
    return groups / max(groups - 1, 1) * float((sums**2).sum()) / len(values) ** 2, groups


def pass_rate_figure() -> Figure:
    """`ppi_mean` of passes as a figure of a table, so that clusters and missing verdicts are those of all.

    Rows: humans said fail, humans said pass, no human label; columns: the judge said fail, pass. It needs
    two items with a label and two without.
    """

    def value(sums: Array) -> Array:
        table = sums.reshape(*sums.shape[:-1], 3, 2)
        labelled, others = table[..., :2, :].sum(axis=(-1, -2)), table[..., 2, :].sum(axis=-1)
        human, judge = table[..., 1, :].sum(axis=-1) / labelled, table[..., :2, 1].sum(axis=-1) / labelled
        unlabelled = table[..., 2, 1] / others
        together = (table[..., 1, 1] - labelled * human * judge) / (labelled - 1)
        n, share = labelled + others, table[..., 1].sum(axis=-1) / (labelled + others)
        variance = n / (n - 1) * share * (1 - share)
        ratio = together / ((1 + labelled / others) * np.where(variance > 0, variance, np.inf))
        errs = table[..., 0, 1] + table[..., 1, 0] > 1e-9
        weight = np.where(errs, np.clip(ratio, 0, 1), 0)
        # Of few items the correction may carry the rate beyond what a rate can be.
        found = np.clip(human + weight * (unlabelled - judge), 0, 1)
        return np.asarray(np.where((labelled >= 2) & (others >= 2), found, np.nan))

    return Figure(
        name="pass rate, ppi++",
        value=value,
        scale="logit",
        bounds=(0.0, 1.0),
        corners=np.eye(6),
        mass=np.ones(6),
        off=np.array([0, 1, 1, 0, 0, 0.0]),
        undefined=_why_no_rate,
    )


def _why_no_rate(total: Array) -> str:
    with_label, without = float(total[:4].sum()), float(total[4:].sum())
    return f"need 2 items with a human label and 2 without, got {with_label:g} and {without:g}"


def error_corrected(
    passed: int,
    n: int,
    *,
    true_negatives: int,
    negatives: int,
    true_positives: int,
    positives: int,
    confidence: float = 0.95,
) -> Interval:
    """The true pass rate behind a judge's, corrected for its errors (Rogan & Gladen 1978).

    Of `n` items the judge passed `passed`; of others, whose label is known, it called `true_negatives` of
    `negatives` and `true_positives` of `positives` rightly. Interval: Lee et al. 2025 (arXiv 2511.21140),
    their smoothed counts. Undefined for a judge no better than a coin. Wider than `ppi_mean`: it is for
    calibration items of another population.
    """
    check_confidence(confidence)
    for right, of in ((passed, n), (true_negatives, negatives), (true_positives, positives)):
        if of < 1 or not 0 <= right <= of:
            raise ValueError(f"need counts of 0 to n, and n of 1 or more, got {right} of {of}")
    bare = Interval(
        value=None,
        low=None,
        high=None,
        n=n,
        clusters=n,
        method="rogan-gladen",
        confidence=confidence,
        reason="the judge's calls tell no pass from a fail: specificity + sensitivity is at most 1",
    )
    return _rogan_gladen(
        bare,
        (passed / n, n),
        (true_negatives / negatives, negatives),
        (true_positives / positives, positives),
    )


Rate = tuple[float, int]
"""A share, and of how many."""


def _rogan_gladen(bare: Interval, passed: Rate, specificity: Rate, sensitivity: Rate) -> Interval:
    if specificity[0] + sensitivity[0] <= 1:
        return bare
    z = float(ndtri(bare.confidence))
    value = _clip((passed[0] + specificity[0] - 1) / (specificity[0] + sensitivity[0] - 1))
    n, m0, m1 = passed[1] + z * z, specificity[1] + 2, sensitivity[1] + 2
    p = (passed[1] * passed[0] + z * z / 2) / n
    q0 = (specificity[1] * specificity[0] + 1) / m0
    q1 = (sensitivity[1] * sensitivity[0] + 1) / m1
    if q0 + q1 <= 1:
        return bare
    rate = (p + q0 - 1) / (q0 + q1 - 1)
    v0, v1 = q0 * (1 - q0) / m0, q1 * (1 - q1) / m1
    centre = rate + 2 * z * z * (rate * v1 - (1 - rate) * v0)
    reach = z * math.sqrt(p * (1 - p) / n + (1 - rate) ** 2 * v0 + rate**2 * v1) / (q0 + q1 - 1)
    low, high = min(value, _clip(centre - reach)), max(value, _clip(centre + reach))
    if high - low <= 1e-12:
        return replace(bare, value=value, reason="the judge passes a share that its errors can't explain")
    return replace(bare, value=value, low=low, high=high, reason=too_few(bare.clusters))


def _clip(share: float) -> float:
    return min(1.0, max(0.0, share))
