"""Krippendorff's alpha from coincidence matrices: any number of raters, values may be missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array, cluster_sums

Level = Literal["nominal", "ordinal", "interval", "ratio"]
_MOST_AT_CORNERS = 16


def coincidence_sums(
    units: Sequence[Sequence[str | float | None]],
    clusters: Sequence[str],
    *,
    labels: Sequence[str | float],
) -> Array:
    """Each cluster's coincidences: (G, K * K); clusters without any stay, as rows of 0.

    A unit holds the values its raters gave, None where one gave none. It adds n_c (n_k - [c = k]) / (m - 1)
    for its m values; units with fewer than two drop out (Krippendorff 2011). Raise ValueError for a value
    that `labels` does not name.
    """
    order = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((len(units), len(labels)))
    for place, unit in enumerate(units):
        for value in unit:
            if value is None:
                continue
            if value not in order:
                named = ", ".join(map(str, labels))
                raise ValueError(f"units[{place}] holds {value!r}, which is none of: {named}")
            counts[place, order[value]] += 1
    given = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(len(labels))
    pairs /= np.maximum(given - 1, 1)[:, None, None]
    return cluster_sums(pairs.reshape(len(units), -1), clusters)


def alpha_figure(size: int, *, level: Level, points: Sequence[float] | None = None) -> Figure:
    """Krippendorff's alpha, 1 - observed / expected disagreement (Krippendorff 2011).

    `points` are the labels as numbers for the interval and ratio levels (0, 1, 2, ... unless said). Its sums
    are counts of values, since alpha divides by n - 1. NaN where one label is all there is.
    """
    if points is not None and len(points) != size:
        raise ValueError(f"{size} labels but {len(points)} points")
    fixed = np.arange(size, dtype=float) if points is None else np.asarray(points, dtype=float)

    def value(sums: Array) -> Array:
        return alpha_of(sums.reshape(*sums.shape[:-1], size, size), level, fixed)

    return Figure(
        name=f"alpha, {level}",
        value=value,
        scale="arctanh",
        corners=_corners(size),
        mass=np.ones(size * size),
        off=(1 - np.eye(size)).ravel(),
    )


def _corners(size: int) -> Array:
    """The coincidences of one unit of two values, at each two labels; of a long scale at some labels only.

    Those are spread evenly and hold both ends, which lie farthest apart.
    """
    some = np.unique(np.linspace(0, size - 1, min(size, _MOST_AT_CORNERS)).round().astype(np.intp))
    one, other = (axis.ravel() for axis in np.meshgrid(some, some, indexing="ij"))
    corners = np.zeros((len(one), size * size))
    np.add.at(corners, (np.arange(len(one)), one * size + other), 0.5)
    np.add.at(corners, (np.arange(len(one)), other * size + one), 0.5)
    return corners


def alpha_of(tables: Array, level: Level, points: Array) -> Array:
    """Krippendorff's alpha of coincidences (..., K, K); `points` (K,) are the labels as numbers."""
    counts = tables.sum(axis=-1)
    n = counts.sum(axis=-1)
    if level == "nominal":
        observed = n - np.trace(tables, axis1=-2, axis2=-1)
        expected = n * n - (counts * counts).sum(axis=-1)
    else:
        gaps = _gaps(counts, level, points)
        observed = (tables * gaps).sum(axis=(-1, -2))
        expected = (counts[..., :, None] * counts[..., None, :] * gaps).sum(axis=(-1, -2))
    return np.asarray(1 - (n - 1) * observed / np.where(expected > 0, expected, np.nan))


def _gaps(counts: Array, level: Level, points: Array) -> Array:
    """The squared difference of each two labels (..., K, K)."""
    at = np.cumsum(counts, axis=-1) - counts / 2 if level == "ordinal" else points
    gaps = at[..., :, None] - at[..., None, :]
    if level != "ratio":
        return np.asarray(gaps**2)
    sums = at[:, None] + at[None, :]
    return np.divide(gaps, sums, out=np.zeros_like(gaps), where=sums != 0) ** 2
