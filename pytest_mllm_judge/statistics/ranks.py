"""Rank correlations: from tables of counts where scores lie on a scale, pair by pair where they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from pytest_mllm_judge.statistics.correlation import r_of
from pytest_mllm_judge.statistics.figure import Figure, interval_of
from pytest_mllm_judge.statistics.interval import Interval
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Places, Sample, numbered
from pytest_mllm_judge.statistics.tables import table_sums

_MOST_CELLS = 40_000
_BLOCK = 512

OfScores = Callable[[Array, Places], tuple[float, Array]]


def spearman_figure(rows: int, columns: int) -> Figure:
    """Spearman's rho: Pearson's r of mid-ranks (Spearman 1904), from tables (..., rows * columns)."""

    def value(sums: Array) -> Array:
        tables = sums.reshape(*sums.shape[:-1], rows, columns)
        human, judge = tables.sum(axis=-1), tables.sum(axis=-2)
        n = sums.sum(axis=-1)
        x, y = _centred_ranks(human, n), _centred_ranks(judge, n)
        xy = (x[..., None, :] @ tables @ y[..., :, None])[..., 0, 0]
        xx, yy = (human * x * x).sum(axis=-1), (judge * y * y).sum(axis=-1)
        zero = np.zeros_like(n)
        return r_of(np.stack([n, zero, zero, xx, yy, xy], axis=-1))

    return _rank_figure("spearman", value, rows, columns, _rhos)


def _centred_ranks(counts: Array, n: Array) -> Array:
    """The mid-rank of each point less the mean rank: (..., K); whole and half numbers, so exact."""
    return np.asarray(np.cumsum(counts, axis=-1) - counts / 2 - n[..., None] / 2)


def tau_b_figure(rows: int, columns: int) -> Figure:
    """Kendall's tau-b, (C - D) / sqrt of untied pairs on either side (Kendall 1945), from tables."""

    def value(sums: Array) -> Array:
        tables = sums.reshape(*sums.shape[:-1], rows, columns)
        above = np.cumsum(tables, axis=-2) - tables
        upto = np.cumsum(above, axis=-1)
        ordered = (tables * (upto - above - (upto[..., -1:] - upto))).sum(axis=(-1, -2))
        free = [_untied(tables.sum(axis=axis)) for axis in (-1, -2)]
        both = free[0] * free[1]
        return np.asarray(ordered / np.sqrt(np.where(both > 0, both, np.nan)))

    return _rank_figure("tau-b", value, rows, columns, _taus)


def _untied(counts: Array) -> Array:
    """How many pairs differ in a variable with these counts."""
    n = counts.sum(axis=-1)
    return np.asarray((n * n - (counts * counts).sum(axis=-1)) / 2)


def _rank_figure(
    name: str, value: Callable[[Array], Array], rows: int, columns: int, of_scores: OfScores
) -> Figure:
    square = rows == columns
    return Figure(
        name=name,
        value=value,
        scale="arctanh",
        corners=np.eye(rows * columns),
        mass=np.ones(rows * columns),
        off=(1 - np.eye(rows)).ravel() if square else None,
        undefined=lambda total: _why_undefined(total.reshape(rows, columns)),
        of_scores=of_scores,
    )


def _why_undefined(table: Array) -> str:
    for who, counts in (("the judge", table.sum(axis=0)), ("humans", table.sum(axis=1))):
        if (counts > 0).sum() < 2:
            return f"{who} gave one score to all {counts.sum():g} items: no correlation"
    return ""


def fits_table(rows: int, columns: int) -> bool:
    """Whether scores of so many distinct values go by their table, or else by each pair of items."""
    return rows * columns <= _MOST_CELLS


def spearman(
    judge: Sequence[float], human: Sequence[float], clusters: Sequence[str], *, confidence: float = 0.95
) -> Interval:
    """Spearman's rho of scores with its jackknife-t interval on the arctanh scale.

    Scores of few distinct values go by their table; else the ranks are taken anew without each cluster,
    which takes time with the square of n.
    """
    return _interval(spearman_figure, judge, human, clusters, confidence)


def tau_b(
    judge: Sequence[float], human: Sequence[float], clusters: Sequence[str], *, confidence: float = 0.95
) -> Interval:
    """Kendall's tau-b of scores with its jackknife-t interval on the arctanh scale.

    Scores of few distinct values go by their table; else every pair is looked at once, which takes time with
    the square of n.
    """
    return _interval(tau_b_figure, judge, human, clusters, confidence)


def _interval(
    figure: Callable[[int, int], Figure],
    judge: Sequence[float],
    human: Sequence[float],
    clusters: Sequence[str],
    confidence: float,
) -> Interval:
    sums = _table(judge, human, clusters)
    if sums is not None:
        rows, columns, table = sums
        return interval_of(figure(rows, columns), table, n=len(judge), confidence=confidence)
    scores = np.column_stack([np.asarray(human, dtype=float), np.asarray(judge, dtype=float)])
    where = numbered(clusters)
    sample = Sample(clusters=where, slices=np.zeros(len(where), dtype=np.intp), scores=scores)
    return interval_of(figure_of_scores(figure), sample, confidence=confidence)


def figure_of_scores(figure: Callable[[int, int], Figure]) -> Figure:
    """The rank figure of scores that no table holds: without corners, so a perfect judge has no interval."""
    return replace(figure(2, 2), corners=None, off=None, undefined=None)


def _rhos(scores: Array, clusters: Places) -> tuple[float, Array]:
    """Spearman's rho of scores (n, 2), and without each cluster."""
    x, y = scores[:, 0], scores[:, 1]
    kept = (clusters != each for each in range(int(clusters.max()) + 1))
    return _rho(x, y), np.array([_rho(x[keep], y[keep]) for keep in kept])


def _taus(scores: Array, clusters: Places) -> tuple[float, Array]:
    """Kendall's tau-b of scores (n, 2), and without each cluster."""
    total, without = _pairs(scores[:, 0], scores[:, 1], clusters)
    return float(_tau(total)), _tau(without)


def _table(
    judge: Sequence[float], human: Sequence[float], clusters: Sequence[str]
) -> tuple[int, int, Array] | None:
    """Rows, columns and the table's sums; None where distinct values are too many for one.

    Values that both use make rows and columns the same, so that the diagonal means agreement.
    """
    if not len(judge):
        raise ValueError("a correlation of nothing is undefined: need at least one item")
    rows, columns = sorted(set(human)), sorted(set(judge))
    both = sorted({*rows, *columns})
    if len(both) ** 2 <= _MOST_CELLS:
        rows = columns = both
    if len(rows) * len(columns) > _MOST_CELLS:
        return None
    sums = table_sums(judge, human, clusters, labels=columns, human_labels=rows)
    return len(rows), len(columns), sums


def _rho(x: Array, y: Array) -> float:
    if len(x) < 2:
        return float("nan")
    a, b = _ranks(x), _ranks(y)
    zero = 0.0
    return float(r_of(np.array([float(len(x)), zero, zero, a @ a, b @ b, a @ b])))


def _ranks(values: Array) -> Array:
    """The mid-rank of each value less the mean rank: (n,)."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = _centred_ranks(counts.astype(float), np.asarray(float(len(values))))[place]
    return ranks


def _pairs(x: Array, y: Array, where: Places) -> tuple[Array, Array]:
    """(C - D, pairs untied in x, in y), each pair counted twice: of all (3,), without each cluster (G, 3)."""
    groups = int(where.max()) + 1
    touching, inside = np.zeros((groups, 3)), np.zeros((groups, 3))
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        dx, dy = np.sign(x[rows, None] - x[None, :]), np.sign(y[rows, None] - y[None, :])
        same = where[rows, None] == where[None, :]
        for column, signs in enumerate((dx * dy, np.abs(dx), np.abs(dy))):
            np.add.at(touching[:, column], where[rows], signs.sum(axis=1))
            np.add.at(inside[:, column], where[rows], (signs * same).sum(axis=1))
    total = touching.sum(axis=0)
    return total, total - 2 * touching + inside


def _tau(pairs: Array) -> Array:
    ordered, free_x, free_y = np.moveaxis(pairs, -1, 0)
    both = free_x * free_y
    return np.asarray(ordered / np.sqrt(np.where(both > 0, both, np.nan)))
