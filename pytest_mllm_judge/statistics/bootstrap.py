"""The cluster bootstrap, for those who ask for it: the jackknife needs no seed and covers better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.interval import Interval, check_confidence, too_few
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Average, Sample, averaged

FEWEST = 25
"""Below so many clusters its interval is too narrow."""
_BLOCK = 500


def bootstrap(
    sums: Array,
    figure: Callable[[Array], Array],
    *,
    n: int,
    seed: int,
    resamples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """A figure of additive sums (G, K) with its percentile interval over redrawn clusters (Efron 1979).

    `seed` is yours to say and to print: the same seed gives the same interval. Without an interval (undefined
    in some resample, no spread) the bounds are None; under 25 clusters nothing may be decided on it.
    """
    check_confidence(confidence)
    if resamples < 1:
        raise ValueError(f"need at least one resample, got {resamples}")
    groups = len(sums)
    with np.errstate(all="ignore"):
        value = float(figure(sums.sum(axis=0)))
        drawn = np.sort(_drawn(sums, figure, resamples, np.random.default_rng(seed)))
    bare = Interval(
        value=None if np.isnan(value) else value,
        low=None,
        high=None,
        n=n,
        clusters=groups,
        method=f"cluster bootstrap, percentile, {resamples} resamples, seed {seed}",
        confidence=confidence,
    )
    if bare.value is None:
        return replace(bare, reason="the figure is undefined on these items")
    undefined = int(np.isnan(drawn).sum())
    if undefined:
        return replace(bare, reason=f"the figure is undefined in {undefined} of {resamples} resamples")
    if drawn[-1] - drawn[0] <= 1e-12:
        return replace(bare, reason="no spread at all: every resample gives the same figure")
    low, high = np.quantile(drawn, [1 - confidence, confidence])
    reason = too_few(groups) or (f"{groups} clusters, fewer than {FEWEST}" if groups < FEWEST else "")
    return replace(bare, low=min(value, float(low)), high=max(value, float(high)), reason=reason)


def _drawn(
    sums: Array, figure: Callable[[Array], Array], resamples: int, random: np.random.Generator
) -> Array:
    """The figure of each resample, clusters drawn with replacement, in blocks that fit in memory."""
    groups, found = len(sums), []
    for start in range(0, resamples, _BLOCK):
        size = min(_BLOCK, resamples - start)
        chosen = random.integers(groups, size=(size, groups)) + np.arange(size)[:, None] * groups
        weights = np.bincount(chosen.ravel(), minlength=size * groups).reshape(size, groups)
        found.append(figure(weights @ sums))
    return np.concatenate(found)


def bootstrap_of(
    figure: Figure,
    sample: Sample,
    *,
    seed: int,
    confidence: float = 0.95,
    average: Average = "mean",
) -> Interval:
    """The figure of a sample, or its average over slices, with its `bootstrap` interval.

    Raise ValueError for fixed items, which are not redrawn, and for scores that no table holds.
    """
    if sample.items is not None or sample.scores is not None:
        raise ValueError("a bootstrap redraws clusters: it needs items of a sample, and scores on a scale")
    parts = sample.parts
    width = [part.total.size for part in parts]
    sums = np.zeros((sample.groups, sum(width)))
    for part, end in zip(parts, np.cumsum(width), strict=True):
        distinct = np.concatenate(list(part.sums()))
        sums[part.members, end - part.total.size : end] = distinct[part.alike[1]]

    def value(total: Array) -> Array:
        each = np.split(total, np.cumsum(width)[:-1], axis=-1)
        values = np.stack([figure.value(one) for one in each], axis=-1)
        return values[..., 0] if len(parts) == 1 else averaged(values, average)

    return bootstrap(sums, value, n=len(sample), seed=seed, confidence=confidence)
