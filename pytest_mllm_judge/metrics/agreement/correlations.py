"""Correlations of scores with human scores."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import PAPER, READING, estimate, number, numeric_scale, off
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.pairing import figures
from pytest_mllm_judge.metrics.rows import Reading, Rows, rows_of
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.statistics import Interval
from pytest_mllm_judge.statistics import pearson as pearson_interval
from pytest_mllm_judge.statistics.correlation import Average, r_of, worst_verdicts
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array

PEARSON = "score.pearson"
_R = Figure(name=PEARSON, value=r_of, scale="arctanh")


@declare(PEARSON, task="score", source=PAPER, options=(*READING, "average"), combine="mean")
def pearson(
    judgements: Judgements,
    /,
    *,
    average: Average | None = None,
    confidence: float = 0.95,
    **reading: Unpack[Reading],
) -> Estimate:
    """Pearson's r of scores with the humans' mean, in [-1, 1]; pooled, or with `by` averaged over slices.

    `average` is "mean" (as the paper over its data sets) or "fisher" (tanh of the mean arctanh). A problem
    counts as the point of the scale that makes the pooled r smallest.
    """
    rows = rows_of(judgements, combine="mean", **reading)
    if average is not None and not rows.grouped:
        raise SettingsError(f"average = {average!r} is about slices: say by = as well")
    points = numeric_scale(judgements)
    verdicts = _with_stand_ins(rows, points)

    def interval(some: Rows) -> Interval:
        return pearson_interval(
            [verdicts[id(row)] for row in some.rows],
            [number(row.human, PEARSON) for row in some.rows],
            some.clusters,
            groups=some.groups,
            average=average or "mean",
            scale=(points[0], points[-1]),
            confidence=confidence,
        )

    wrong = sorted((row for row in rows.rows if off(row, PEARSON) > 0), key=lambda row: -off(row, PEARSON))
    both = figures(_R, lambda some: _moments(some, points), average=average)
    return estimate(PEARSON, "higher", rows, interval, wrong=wrong, confidence=confidence, both=both)


def _moments(rows: Rows, points: tuple[float, ...]) -> Array:
    """Each row's 1, x, y, x^2, y^2, xy, centred at the middle of the scale."""
    verdicts, centre = _with_stand_ins(rows, points), sum(points) / len(points)
    x = np.array([number(row.human, PEARSON) for row in rows.rows]) - centre
    y = np.array([verdicts[id(row)] for row in rows.rows]) - centre
    return np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])


def _with_stand_ins(rows: Rows, points: tuple[float, ...]) -> dict[int, float]:
    """Every row's verdict as a number, by the row's id; where there is none, the worst point."""
    answered = rows.answered().rows
    unanswered = [row for row in rows.rows if row.verdict is None]
    worst = worst_verdicts(
        [number(row.verdict, PEARSON) for row in answered],
        [number(row.human, PEARSON) for row in answered],
        [number(row.human, PEARSON) for row in unanswered],
        points,
    )
    given = {id(row): number(row.verdict, PEARSON) for row in answered}
    return given | {id(row): point for row, point in zip(unanswered, worst, strict=True)}
