"""Means of how far verdicts are from the human labels."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.agreement.core import PAPER, READING, mean, number, numeric_scale
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.rows import Reading, Row, rows_of
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.statistics import farthest, kendall, levenshtein


@declare("batch.distance", task="batch", source=PAPER, options=READING)
def distance(judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]) -> Estimate:
    """Mean normalised Levenshtein distance of rankings, in [0, 1]; lower is better.

    A random ranking of 4 scores .65625, of 3 .5556: read it against those. A problem counts as the ranking
    farthest from the humans'.
    """
    rows = rows_of(judgements, combine="majority", **reading)

    def far(row: Row) -> float:
        if row.verdict is None:
            return farthest(len(str(row.human)))
        return levenshtein(str(row.verdict), str(row.human))

    return mean("batch.distance", rows, far, confidence=confidence, better="lower")


@declare("batch.tau", task="batch", source="Kendall 1938", options=READING)
def tau(judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]) -> Estimate:
    """Mean Kendall tau of rankings with the humans', in [-1, 1]. A problem counts as the reverse ranking."""
    rows = rows_of(judgements, combine="majority", **reading)

    def worth(row: Row) -> float:
        return -1.0 if row.verdict is None else kendall(str(row.verdict), str(row.human))

    return mean("batch.tau", rows, worth, confidence=confidence, bounds=(-1.0, 1.0))


@declare("score.mae", task="score", source="this project", options=READING, combine="mean")
def mae(judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]) -> Estimate:
    """Mean distance of scores from the humans' mean, in points; lower is better.

    A problem counts as the end of the scale that is farther from the human label.
    """
    low, *_, high = numeric_scale(judgements)
    rows = rows_of(judgements, combine="mean", **reading)
    metric = "score.mae"

    def far(row: Row) -> float:
        human = number(row.human, metric)
        if row.verdict is None:
            return max(human - low, high - human)
        return abs(number(row.verdict, metric) - human)

    return mean(metric, rows, far, confidence=confidence, better="lower", bounds=(0.0, high - low))


@declare("score.leniency", task="score", source="this project", options=READING, combine="mean")
def leniency(judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]) -> Estimate:
    """Mean of score less the humans' mean, in points: above 0 the judge is lenient.

    Claim it `within` a margin. A problem counts as the lowest point of the scale where the figure must not
    be low, and as the highest where it must not be high.
    """
    low, *_, high = numeric_scale(judgements)
    rows = rows_of(judgements, combine="mean", **reading)
    metric = "score.leniency"

    def more_than_human(missing: float) -> Estimate:
        def worth(row: Row) -> float:
            verdict = missing if row.verdict is None else number(row.verdict, metric)
            return verdict - number(row.human, metric)

        return mean(
            metric, rows, worth, confidence=confidence, better="lower", bounds=(low - high, high - low)
        )

    lower, upper = more_than_human(low), more_than_human(high)
    return replace(lower, better="neither", upper=upper.counted)
