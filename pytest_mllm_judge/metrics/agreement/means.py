"""Means of how far verdicts are from the human labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.agreement.core import (
    PAPER,
    READING,
    estimate,
    filled,
    points_of,
)
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, mean_of
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.statistics import farthest, kendall, levenshtein
from pytest_mllm_judge.statistics.jackknife import Array


@declare("batch.distance", task="batch", source=PAPER, options=READING)
def distance(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Mean normalised Levenshtein distance of rankings, in [0, 1]; lower is better.

    A random ranking of 4 scores .65625, of 3 .5556: read it against those. A problem counts as the ranking
    farthest from the humans'. Rankings of several lengths are shown apart; `by = "answers"` weighs each
    length alike.
    """
    rows = rows_of(judgements, options)

    def far(some: Rows, _: End = "high") -> Array:
        return _each(some, levenshtein, lambda human: farthest(len(human)))

    measure = mean_of(far, bounds=(0.0, 1.0), name="batch.distance")
    return estimate("batch.distance", rows, measure, better="lower", wrong=far)


@declare("batch.tau", task="batch", source="Kendall 1938", options=READING)
def tau(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Mean Kendall tau of rankings with the humans', in [-1, 1]. A problem counts as the reverse ranking."""
    rows = rows_of(judgements, options)

    def worth(some: Rows, _: End = "low") -> Array:
        return _each(some, kendall, lambda human: -1.0)

    measure = mean_of(worth, bounds=(-1.0, 1.0), name="batch.tau")
    return estimate("batch.tau", rows, measure, wrong=lambda some: 1 - worth(some))


def _each(rows: Rows, worth: Callable[[str, str], float], problem: Callable[[str], float]) -> Array:
    """What each ranking is worth against the humans' (n,); few pairs of rankings occur, so each once."""
    known: dict[tuple[Label | None, Label | None], float] = {}
    values = []
    for pair in zip(rows.verdict, rows.human, strict=True):
        if pair not in known:
            verdict, human = pair
            known[pair] = problem(str(human)) if verdict is None else worth(str(verdict), str(human))
        values.append(known[pair])
    return np.array(values)


@declare("score.mae", task="score", source="this project", options=READING, combine="mean", scale="numbers")
def mae(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Mean distance of scores from the humans' mean, in points; lower is better.

    A problem counts as the end of the scale that is farther from the human label.
    """
    rows = rows_of(judgements, options, combine="mean")
    low, high = _ends(judgements, rows, "score.mae")

    def far(some: Rows, _: End = "high") -> Array:
        human, judge = some.numbers("score.mae")
        return np.abs(filled(judge - human, np.maximum(human - low, high - human)))

    measure = mean_of(far, bounds=(0.0, high - low), name="score.mae")
    return estimate("score.mae", rows, measure, better="lower", wrong=far)


@declare(
    "score.leniency",
    task="score",
    source="this project",
    options=READING,
    combine="mean",
    scale="numbers",
    margin=0.25,
    worse="away from zero",
)
def leniency(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Mean of score less the humans' mean, in points: above 0 the judge is lenient.

    Claim it `within` a margin. A problem counts as the lowest point of the scale where the figure must not
    be low, and as the highest where it must not be high.
    """
    rows = rows_of(judgements, options, combine="mean")
    low, high = _ends(judgements, rows, "score.leniency")

    def more(some: Rows, end: End) -> Array:
        human, judge = some.numbers("score.leniency")
        return filled(judge, low if end == "low" else high) - human

    measure = mean_of(more, bounds=(low - high, high - low), name="score.leniency")
    return estimate(
        "score.leniency",
        rows,
        measure,
        better="neither",
        wrong=lambda some: np.abs(more(some, "low")),
    )


def _ends(judgements: Judgements, rows: Rows, metric: str) -> tuple[float, float]:
    """The lowest and the highest score there may be."""
    points = points_of(judgements, rows, metric)
    return points[0], points[-1]
