"""The interval of a mean over labels of shares: recall, precision and F1 of each label, and their average."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import ndtri, stdtrit

from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Part

Kind = Literal["recall", "precision", "F1"]
FEW = 5
"""With fewer clusters that hold a label's rarer outcome, their spread says next to nothing of it."""


@dataclass(frozen=True)
class _Shares:
    """Each label's share and bounds (K,), and how the labels' errors go together (K, K)."""

    share: Array
    low: Array
    high: Array
    together: Array


def macro_bounds(
    part: Part, size: int, *, kind: Kind, label: int | None, confidence: float
) -> tuple[float, float] | None:
    """Bounds of the mean over labels that occur, or of one; None where a label has no denominator.

    Each label's share has Wilson's bounds (1927) on its effective n; F1 is 2 s / (1 + s) of the share s of
    hits among all items that either gave the label. Distances to the bounds add up as standard errors do,
    with the correlation of the clusters' residuals (MOVER: Zou & Donner 2008).
    """
    hits, of = _counts(part, size, kind)
    total = of.sum(axis=0)
    tables = np.asarray(part.total.reshape(size, size))
    seen = np.flatnonzero(tables.sum(axis=0) + tables.sum(axis=1) > 0) if label is None else np.array([label])
    if not len(seen) or (total[seen] == 0).any():
        return None
    shares = _shares(hits[:, seen], of[:, seen], confidence)
    value, low, high = (_mean(each, kind) for each in (shares.share, shares.low, shares.high))
    below, above = value - low, high - value
    middle = float(value.mean())
    reach = [math.sqrt(max(0.0, float(side @ shares.together @ side))) / len(seen) for side in (below, above)]
    return middle - reach[0], middle + reach[1]


def _mean(share: Array, kind: Kind) -> Array:
    return np.asarray(2 * share / (1 + share)) if kind == "F1" else share


def _counts(part: Part, size: int, kind: Kind) -> tuple[Array, Array]:
    """Each cluster's hits of each label, and the items that its share is of: (G, K) each.

    Sorted, so that no sum over them depends on the clusters' order.
    """
    distinct = np.concatenate(list(part.sums())).reshape(-1, size, size)
    tables = distinct[part.alike[1]]
    tables = tables[np.lexsort(tables.reshape(len(tables), -1).T)]
    hits = np.einsum("gkk->gk", tables)
    human, judge = tables.sum(axis=2), tables.sum(axis=1)
    return hits, {"recall": human, "precision": judge, "F1": human + judge - hits}[kind]


def _shares(hits: Array, of: Array, confidence: float) -> _Shares:
    total = of.sum(axis=0)
    share = hits.sum(axis=0) / total
    residuals = (hits - share * of) / total
    inside = of > 0
    groups = inside.sum(axis=0)
    variance = groups / np.maximum(groups - 1, 1) * (residuals**2).sum(axis=0)
    rare = np.where(share <= 0.5, (hits > 0).sum(axis=0), (of - hits > 0).sum(axis=0))
    most = np.where((rare >= FEW) | (groups == total), total, groups)
    with np.errstate(all="ignore"):
        robust = share * (1 - share) / variance
    size = np.where(groups == total, total, np.where(variance > 0, np.minimum(most, robust), most))
    known = (size == total) | (size == groups)
    z = np.where(known, ndtri(confidence), stdtrit(np.maximum(groups - 1, 1), confidence))
    centre = (share + z * z / (2 * size)) / (1 + z * z / size)
    half = z / (1 + z * z / size) * np.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    low = np.where(share == 0, 0.0, np.minimum(share, centre - half))
    high = np.where(share == 1, 1.0, np.maximum(share, centre + half))
    return _Shares(share, np.maximum(low, 0.0), np.minimum(high, 1.0), _together(residuals))


def _together(residuals: Array) -> Array:
    """The correlation of the labels' residuals over clusters (K, K); 0 with a label that has none."""
    products = residuals.T @ residuals
    scale = np.sqrt(np.diag(products))
    both = np.outer(scale, scale)
    found = np.divide(products, both, out=np.zeros_like(products), where=both > 0)
    np.fill_diagonal(found, 1.0)
    return np.asarray(found)
