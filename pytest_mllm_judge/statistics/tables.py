"""Figures of confusion tables: rows are the humans' labels, columns the judge's; flat, (..., K * K)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from pytest_mllm_judge.statistics.coincidence import Level, alpha_of
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.interval import rare_class
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.macro import Kind, macro_bounds
from pytest_mllm_judge.statistics.sample import Part

Weights = Literal["unweighted", "linear", "quadratic"]
Label = str | float


def table_sums(
    judge: Sequence[Label],
    human: Sequence[Label],
    clusters: Sequence[str],
    *,
    labels: Sequence[Label],
    human_labels: Sequence[Label] | None = None,
) -> Array:
    """Each cluster's table of counts: (G, rows * columns), clusters in the order they first appear.

    `labels` names the columns, and the rows unless `human_labels` does. Raise ValueError for another label.
    """
    rows = list(human_labels if human_labels is not None else labels)
    index: dict[str, int] = {}
    cluster = np.fromiter((index.setdefault(name, len(index)) for name in clusters), dtype=np.intp)
    row, column = _places(human, rows, "human"), _places(judge, labels, "judge")
    if not len(row) == len(column) == len(cluster):
        raise ValueError(
            f"{len(column)} verdicts, {len(row)} human labels, {len(cluster)} clusters: not paired"
        )
    cells = len(rows) * len(labels)
    flat = (cluster * len(rows) + row) * len(labels) + column
    return np.bincount(flat, minlength=len(index) * cells).reshape(len(index), cells).astype(float)


def _places(
    given: Sequence[Label], labels: Sequence[Label], whose: str
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    order = {label: place for place, label in enumerate(labels)}
    if len(order) != len(labels):
        raise ValueError(f"a label is named twice: {', '.join(map(str, labels))}")
    for place, label in enumerate(given):
        if label not in order:
            raise ValueError(
                f"{whose}[{place}] is {label!r}, which is none of: {', '.join(map(str, labels))}"
            )
    return np.fromiter((order[label] for label in given), dtype=np.intp, count=len(given))


def _table_figure(
    name: str,
    size: int,
    value: Callable[[Array], Array],
    *,
    coefficient: bool = False,
    rule: Callable[[Array], str] | None = None,
) -> Figure:
    if size < 2:
        raise ValueError(f"{name} needs at least 2 labels, got {size}")
    return Figure(
        name=name,
        value=value,
        scale="arctanh" if coefficient else "plain",
        bounds=(-1.0, 1.0) if coefficient else (0.0, 1.0),
        corners=np.eye(size * size),
        mass=np.ones(size * size),
        off=(1 - np.eye(size)).ravel(),
        rule=rule,
    )


def margins(sums: Array, size: int) -> tuple[Array, Array]:
    """How often humans gave each label and how often the judge did: (..., K) each."""
    tables = sums.reshape(*sums.shape[:-1], size, size)
    return tables.sum(axis=-1), tables.sum(axis=-2)


def _hits(sums: Array, size: int) -> Array:
    """The diagonal: (..., K)."""
    return sums[..., :: size + 1]


def apart(size: int, weights: Weights, points: Sequence[float] | None = None) -> Array:
    """How far labels lie apart: (K, K), 0 on the diagonal; whole numbers unless the points are not."""
    at = np.arange(size, dtype=float) if points is None else np.asarray(points, dtype=float)
    if len(at) != size:
        raise ValueError(f"{size} labels but {len(at)} points")
    gaps = np.abs(at[:, None] - at[None, :])
    if weights == "unweighted":
        return (gaps > 0).astype(float)
    return gaps if weights == "linear" else gaps**2


def accuracy_figure(size: int) -> Figure:
    """Share on the diagonal. For one judge Wilson's interval (`wilson`) covers better near 0 and 1."""

    def value(sums: Array) -> Array:
        return np.asarray(_hits(sums, size).sum(axis=-1) / sums.sum(axis=-1))

    return _table_figure("accuracy", size, value)


def kappa_figure(
    size: int, *, weights: Weights = "unweighted", points: Sequence[float] | None = None
) -> Figure:
    """Cohen's kappa, 1 - observed / expected disagreement (Cohen 1960; weighted: Cohen 1968).

    `points` are the labels as numbers, for scales whose steps differ. NaN where one label is all there is.
    """
    gaps = apart(size, weights, points)

    def value(sums: Array) -> Array:
        human, judge = margins(sums, size)
        expected = ((human @ gaps) * judge).sum(axis=-1)
        observed = (sums @ gaps.ravel()) * sums.sum(axis=-1)
        return np.asarray(1 - observed / np.where(expected > 0, expected, np.nan))

    return _table_figure(f"kappa, {weights}", size, value, coefficient=True)


def gwet_figure(
    size: int, *, weights: Weights = "unweighted", points: Sequence[float] | None = None
) -> Figure:
    """Gwet's AC1, or AC2 with weights: chance from the mean of both margins (Gwet 2008).

    Stands beside kappa where one label is nearly all there is.
    """
    gaps = apart(size, weights, points)
    far = float(gaps.max())
    likeness = float((far - gaps).sum()) / far

    def value(sums: Array) -> Array:
        human, judge = margins(sums, size)
        n = sums.sum(axis=-1)
        share = (human + judge) / (2 * n[..., None])
        chance = likeness / (size * (size - 1)) * (share * (1 - share)).sum(axis=-1)
        agreed = 1 - (sums @ gaps.ravel()) / (far * n)
        return np.asarray((agreed - chance) / (1 - chance))

    name = "AC1" if weights == "unweighted" else f"AC2, {weights}"
    return _table_figure(name, size, value, coefficient=True)


def alpha_table_figure(size: int, *, level: Level, points: Sequence[float] | None = None) -> Figure:
    """Krippendorff's alpha of two who label (Krippendorff 2011): judge and humans, each item a unit.

    `points` are the labels as numbers for the interval level (0, 1, 2, ... unless said).
    """
    at = np.arange(size, dtype=float) if points is None else np.asarray(points, dtype=float)

    def value(sums: Array) -> Array:
        tables = sums.reshape(*sums.shape[:-1], size, size)
        return alpha_of(tables + np.swapaxes(tables, -1, -2), level, at)

    return _table_figure(f"alpha, {level}", size, value, coefficient=True)


def points_used_figure(size: int) -> Figure:
    """How many points the judge uses, in effect: 1 / the sum of squared shares, from 1 to K (Hill 1973).

    It is 1 for a judge with one verdict for all, and K for one that gives every point equally often.
    """

    def value(sums: Array) -> Array:
        _, judge = margins(sums, size)
        n = judge.sum(axis=-1)
        return np.asarray(n * n / (judge * judge).sum(axis=-1))

    figure = _table_figure("points used", size, value)
    return replace(figure, bounds=(1.0, float(size)), scale="log", shrinks=True)


def commonest_figure(size: int) -> Figure:
    """The share of the judge's commonest label less that of the humans' commonest, in [-1, 1]."""

    def value(sums: Array) -> Array:
        human, judge = margins(sums, size)
        return np.asarray((judge.max(axis=-1) - human.max(axis=-1)) / sums.sum(axis=-1))

    return replace(_table_figure("commonest", size, value), bounds=(-1.0, 1.0))


def recall_figure(size: int, *, label: int | None = None) -> Figure:
    """Share of the humans' label that the judge gave too; without `label` the mean over labels that occur.

    Sensitivity is the recall of the positive of two labels, specificity that of the negative one.
    """
    return _per_class("recall", size, label, lambda hits, human, _: (hits, human))


def precision_figure(size: int, *, label: int | None = None) -> Figure:
    """Share of the judge's label that humans gave too; without `label` the mean over labels that occur."""
    return _per_class("precision", size, label, lambda hits, _, judge: (hits, judge))


def f1_figure(size: int, *, label: int | None = None) -> Figure:
    """2 hits / (human + judge) of a label (van Rijsbergen 1979); without `label` the mean (macro-F1)."""
    return _per_class("F1", size, label, lambda hits, human, judge: (2 * hits, human + judge))


def sensitivity_figure(*, positive: int = 1) -> Figure:
    """Share of the humans' positives that the judge calls positive, of two labels (Yerushalmy 1947)."""
    return recall_figure(2, label=positive)


def specificity_figure(*, positive: int = 1) -> Figure:
    """Share of the humans' negatives that the judge calls negative, of two labels (Yerushalmy 1947)."""
    return recall_figure(2, label=1 - positive)


def _per_class(
    name: Kind, size: int, label: int | None, ratio: Callable[[Array, Array, Array], tuple[Array, Array]]
) -> Figure:
    """One label's ratio, NaN without a denominator; or their mean over labels that humans or judge gave.

    In the mean a label without a denominator counts 0, as scikit-learn's does.
    """

    def value(sums: Array) -> Array:
        human, judge = margins(sums, size)
        above, below = ratio(_hits(sums, size), human, judge)
        if label is not None:
            return np.asarray(above[..., label] / np.where(below[..., label] > 0, below[..., label], np.nan))
        each = np.where(below > 0, above / np.where(below > 0, below, 1), 0)
        seen = (human + judge) > 0
        return np.asarray((each * seen).sum(axis=-1) / np.where(seen.any(axis=-1), seen.sum(axis=-1), np.nan))

    def rule(total: Array) -> str:
        human, judge = margins(total, size)
        only = slice(None) if label is None else slice(label, label + 1)
        return rare_class(human[only], judge[only])

    def bounds(part: Part, confidence: float) -> tuple[float, float] | None:
        return macro_bounds(part, size, kind=name, label=label, confidence=confidence)

    of = f"macro-{name}" if label is None else f"{name} of label {label}"
    figure = _table_figure(of, size, value, rule=rule)
    return replace(figure, bounds_of=bounds, method="wilson of each label, mover")
