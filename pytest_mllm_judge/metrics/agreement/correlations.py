"""Correlations of scores with human scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.agreement.core import (
    PAPER,
    READING,
    estimate,
    points_of,
)
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import Build, End, Measure, with_worst
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.statistics import (
    Sample,
    moments_of,
    pearson_figure,
    spearman_figure,
    tau_b_figure,
    worst_verdicts,
)
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.ranks import figure_of_scores, fits_table

Points = Sequence[float]


@declare("score.pearson", task="score", source=PAPER, options=READING, combine="mean", scale="numbers")
def pearson(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Pearson's r of scores with the humans' mean, in [-1, 1]; pooled, or with `by` averaged over slices.

    `average` is "mean" (as the paper over its data sets), "fisher" (tanh of the mean arctanh) or a function
    of the slices' r. A problem counts as the point of the scale that makes its slice's r smallest.
    """
    return _correlation("score.pearson", _pearson, judgements, options)


@declare(
    "score.spearman", task="score", source="Spearman 1904", options=READING, combine="mean", scale="numbers"
)
def spearman(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Spearman's rank correlation of scores with the humans' mean, in [-1, 1]; ties share their mean rank.

    `average` is as in Pearson's. A problem counts as the point that makes its slice's figure smallest.
    """
    ranks = _ranks("score.spearman", spearman_figure)
    return _correlation("score.spearman", ranks, judgements, options)


@declare("score.tau_b", task="score", source="Kendall 1945", options=READING, combine="mean", scale="numbers")
def tau_b(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Kendall's tau-b of scores with the humans' mean, in [-1, 1]: pairs in order less those out of it.

    Pairs tied on one side are corrected for. A problem counts as the point that makes its slice's figure
    smallest.
    """
    ranks = _ranks("score.tau_b", tau_b_figure)
    return _correlation("score.tau_b", ranks, judgements, options)


def _correlation(
    metric: str,
    build: Callable[[Points], Build],
    judgements: Judgements,
    options: Options,
) -> Estimate:
    rows = rows_of(judgements, options, combine="mean")
    points = points_of(judgements, rows, metric)

    def off(some: Rows) -> Array:
        human, judge = some.numbers(metric)
        return np.nan_to_num(np.abs(judge - human), nan=np.inf)

    measure = Measure(build=build(points), name=metric)
    return estimate(metric, rows, measure, wrong=off)


def _pearson(points: Points) -> Build:
    centre = float(round(sum(points) / len(points)))

    def build(rows: Rows, _: End) -> tuple[Figure, Sample]:
        human, judge = rows.numbers("score.pearson")
        if rows.missing.any():
            judge = _with_worst_line(rows, human, judge, points)
        ends = (float(human.min()), float(human.max()))
        figure = pearson_figure(human=ends, judge=(points[0], points[-1]), centre=centre)
        return figure, rows.sample(moments=moments_of(judge, human, centre=centre))

    return build


def _with_worst_line(rows: Rows, human: Array, judge: Array, points: Points) -> Array:
    """The verdicts, the missing ones being those that make their slice's r smallest."""
    filled = judge.copy()
    for number in np.unique(rows.slices[rows.missing]).tolist():
        inside = rows.slices == number
        known, lost = inside & ~rows.missing, inside & rows.missing
        filled[lost] = worst_verdicts(
            judge[known].tolist(), human[known].tolist(), human[lost].tolist(), points
        )
    return filled


def _ranks(metric: str, make: Callable[[int, int], Figure]) -> Callable[[Points], Build]:
    def of(points: Points) -> Build:
        def build(rows: Rows, end: End) -> tuple[Figure, Sample]:
            human, judge = rows.numbers(metric)
            given, row = np.unique(human, return_inverse=True)
            columns = np.unique([*points, *judge[~rows.missing].tolist()])
            if not fits_table(len(given), len(columns)):
                return figure_of_scores(make), _scores(rows, human, judge)
            column = np.where(rows.missing, -1, np.searchsorted(columns, np.nan_to_num(judge)))
            shape = (len(given), len(columns))
            off = (given[:, None] != columns[None, :]).ravel().astype(float)
            figure = replace(make(*shape), off=off)
            column = with_worst(figure, row, column, rows.slices, shape=shape, end=end)
            return figure, rows.sample(cells=row * shape[1] + column, width=shape[0] * shape[1])

        return build

    return of


def _scores(rows: Rows, human: Array, judge: Array) -> Sample:
    """Scores that no table holds; a problem stands at the end of the scores that is against its label."""
    known = ~rows.missing
    low, high = (float(judge[known].min()), float(judge[known].max())) if known.any() else (0.0, 1.0)
    against = np.where(human > np.median(human), low, high)
    return rows.sample(scores=np.column_stack([human, np.where(known, judge, against)]))
