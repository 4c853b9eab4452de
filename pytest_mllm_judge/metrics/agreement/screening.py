"""Judges that pass or fail: scales of two points, the upper one being the pass."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import NO_LABEL, READING, estimate, is_wrong
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, Measure, share_of, with_worst
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.statistics import Sample, pass_rate_figure
from pytest_mllm_judge.statistics.figure import Figure

SCREENING = "Yerushalmy 1947"


@declare("score.sensitivity", task="score", source=SCREENING, options=READING, scale="two points")
def sensitivity(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Share of the items that humans pass which the judge passes too, in [0, 1]; for scales of two points.

    The upper point of the scale is the pass. A problem is wrong. Wilson interval.
    """
    return _screening("score.sensitivity", judgements, 1, options)


@declare("score.specificity", task="score", source=SCREENING, options=READING, scale="two points")
def specificity(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Share of the items that humans fail which the judge fails too, in [0, 1]; for scales of two points.

    The upper point of the scale is the pass. A problem is wrong. Wilson interval.
    """
    return _screening("score.specificity", judgements, 0, options)


def two_points(judgements: Judgements, metric: str) -> tuple[Label, Label]:
    """The fail and the pass of a scale of two points. Raise SettingsError for a longer one."""
    scale = judgements.tasks.score.scale
    if len(scale) != 2:
        points = ", ".join(map(str, scale))
        raise SettingsError(f"{metric} is about scales of two points, fail and pass; this one has {points}")
    return scale[0], scale[1]


def _screening(
    metric: str,
    judgements: Judgements,
    point: int,
    options: Options,
) -> Estimate:
    wanted = two_points(judgements, metric)[point]
    rows = rows_of(judgements, options)
    some = rows.keep(np.array([human == wanted for human in rows.human], dtype=bool))
    measure = share_of(Rows.is_right)
    why = f"humans gave {wanted} to none of these items" if len(rows) else NO_LABEL
    return estimate(metric, some, measure, why_none=why)


@declare(
    "score.pass_rate",
    task="score",
    source="Angelopoulos, Duchi & Zrnic 2023 (arXiv 2311.01453)",
    options=READING,
    scale="two points",
)
def pass_rate(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Share of all items that humans would pass, in [0, 1]: the judge's, set right by the items with labels.

    For scales of two points, on items with and without a human label (PPI++). A problem counts as the
    verdict that makes it smallest where it must not be small, and largest where it must not be large.
    """
    metric = "score.pass_rate"
    points = two_points(judgements, metric)
    rows = rows_of(judgements, options, unlabelled=True)
    figure = pass_rate_figure()

    def build(some: Rows, end: End) -> tuple[Figure, Sample]:
        human, judge = some.places(points, metric)
        human = np.where(human < 0, 2, human)
        judge = with_worst(figure, human, judge, some.slices, shape=(3, 2), end=end)
        return figure, some.sample(cells=2 * human + judge, width=6)

    measure = Measure(build=build, name=metric)
    return estimate(metric, rows, measure, better="neither", wrong=_wrong_labelled)


def _wrong_labelled(rows: Rows) -> Truths:
    labelled = np.array([human is not None for human in rows.human], dtype=bool)
    return np.asarray(is_wrong(rows) & labelled)
