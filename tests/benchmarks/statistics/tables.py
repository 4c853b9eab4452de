"""What each figure is in a whole population, from the exact table of human against judge labels.

Written apart from the package, as sums over the table, so that both can't be wrong in the same way. A table
holds probabilities (K, K), humans in rows; labels stand in the order of the scale, which has points 1 to K.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

Array = npt.NDArray[np.float64]
Shares = tuple[float, ...]
FAR = 9.0
"""As good as infinite for a standard normal: beyond it lies 1e-19."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(400)


def cuts(shares: Shares) -> Array:
    """Where a standard normal is cut so that each label has its share: (K - 1,)."""
    return np.asarray(ndtri(np.cumsum(shares)[:-1]))


def joint(human: Shares, judge: Shares, correlation: float) -> Array:
    """The table of a bivariate normal cut into labels: Gauss-Legendre over each human label's interval."""
    ends = np.concatenate([[-FAR], cuts(human), [FAR]])
    middle, half = (ends[1:] + ends[:-1]) / 2, (ends[1:] - ends[:-1]) / 2
    x = middle[:, None] + half[:, None] * _NODES
    weight = half[:, None] * _WEIGHTS * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    spread = np.sqrt(1 - correlation**2)
    below = ndtr((cuts(judge) - correlation * x[..., None]) / spread)
    upto = np.concatenate([np.zeros((*x.shape, 1)), below, np.ones((*x.shape, 1))], axis=-1)
    return np.asarray((weight[..., None] * np.diff(upto, axis=-1)).sum(axis=1))


def of_codes(human: npt.NDArray[np.intp], judge: npt.NDArray[np.intp], size: int) -> Array:
    """The table of labels that were drawn."""
    counts = np.bincount(human * size + judge, minlength=size * size)
    return counts.reshape(size, size) / len(human)


def _gaps(table: Array) -> Array:
    """Verdict less human label, in points: (K, K)."""
    points = np.arange(len(table))
    return np.asarray(points[None, :] - points[:, None], dtype=float)


def accuracy(table: Array) -> float:
    """The share on the diagonal."""
    return float(np.trace(table))


def accuracy_of(table: Array, rows: tuple[int, ...]) -> float:
    """The share on the diagonal of some human labels."""
    kept = list(rows)
    return float(table[kept, kept].sum() / table[kept].sum())


def within_one(table: Array) -> float:
    """The share at most one point off."""
    return float(table[np.abs(_gaps(table)) <= 1].sum())


def mae(table: Array) -> float:
    """The mean distance in points."""
    return float((table * np.abs(_gaps(table))).sum())


def leniency(table: Array) -> float:
    """The mean of verdict less human label."""
    return float((table * _gaps(table)).sum())


def _correlation(table: Array, x: Array, y: Array) -> float:
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    x, y = x - rows @ x, y - columns @ y
    return float(x @ table @ y / np.sqrt((rows @ x**2) * (columns @ y**2)))


def pearson(table: Array) -> float:
    """The correlation of the points."""
    points = np.arange(len(table), dtype=float)
    return _correlation(table, points, points)


def spearman(table: Array) -> float:
    """The correlation of mid-ranks, as shares of the population."""
    rows, columns = table.sum(axis=1), table.sum(axis=0)
    return _correlation(table, np.cumsum(rows) - rows / 2, np.cumsum(columns) - columns / 2)


def tau_b(table: Array) -> float:
    """Concordant less discordant pairs of items, by the root of the pairs untied on either side."""
    size = len(table)
    agree = sum(table[i, j] * table[i + 1 :, j + 1 :].sum() for i in range(size) for j in range(size))
    cross = sum(table[i, j] * table[i + 1 :, :j].sum() for i in range(size) for j in range(size))
    untied = [1 - float((margin**2).sum()) for margin in (table.sum(axis=1), table.sum(axis=0))]
    return float(2 * (agree - cross) / np.sqrt(untied[0] * untied[1]))


def kappa(table: Array, power: Literal[0, 1, 2] = 0) -> float:
    """1 - observed by expected disagreement: unweighted (0), linear (1), quadratic (2)."""
    weights = np.abs(_gaps(table)) ** power if power else (_gaps(table) != 0).astype(float)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0))
    return float(1 - (weights * table).sum() / (weights * expected).sum())


def alpha(table: Array, level: str) -> float:
    """Krippendorff's alpha of two who label every item, as the number of items grows."""
    both = (table.sum(axis=1) + table.sum(axis=0)) / 2
    size = len(table)
    if level == "nominal":
        apart = (_gaps(table) != 0).astype(float)
    elif level == "interval":
        apart = _gaps(table) ** 2
    else:
        upto = np.cumsum(both) - both / 2  # so that |upto_k - upto_c| is Krippendorff's ordinal distance
        apart = (upto[None, :] - upto[:, None]) ** 2
    assert apart.shape == (size, size)
    return float(1 - (apart * table).sum() / (both @ apart @ both))


def ac1(table: Array) -> float:
    """Gwet's AC1."""
    both = (table.sum(axis=1) + table.sum(axis=0)) / 2
    chance = float((both * (1 - both)).sum()) / (len(table) - 1)
    return (accuracy(table) - chance) / (1 - chance)


def recalls(table: Array) -> Array:
    """Of each human label the share that the judge gave too: (K,)."""
    return np.asarray(np.diag(table) / table.sum(axis=1))


def precisions(table: Array) -> Array:
    """Of each verdict the share that humans gave too: (K,)."""
    return np.asarray(np.diag(table) / table.sum(axis=0))


def f1(table: Array) -> float:
    """The mean over labels of the harmonic mean of precision and recall."""
    return float(np.mean(2 * np.diag(table) / (table.sum(axis=1) + table.sum(axis=0))))


def scale_use(table: Array) -> float:
    """The effective number of points that the judge uses: 1 / the sum of their squared shares."""
    return float(1 / (table.sum(axis=0) ** 2).sum())
