"""From rows to estimates: what every agreement figure shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Better, Ends
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.measure import End, Measure
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.statistics import Interval
from pytest_mllm_judge.statistics.interval import no_figure
from pytest_mllm_judge.statistics.jackknife import Array

PAPER = "Chen et al. 2024, MLLM-as-a-Judge (arXiv 2402.04788)"
READING = ("annotators", "average", "by", "criterion")
NO_LABEL = "none of these judgements has a human label to agree with"

HowWrong = Callable[[Rows], Array | Truths]


def numeric_scale(judgements: Judgements) -> tuple[float, ...]:
    """The scale's points as numbers, lowest first. Raise SettingsError for a scale of words."""
    scale = judgements.tasks.score.scale
    if any(isinstance(point, str) for point in scale):
        raise SettingsError(f"the scale {', '.join(map(str, scale))} is made of words, use score.accuracy")
    return tuple(float(point) for point in scale)


def points_of(judgements: Judgements, rows: Rows, metric: str) -> tuple[float, ...]:
    """The points that a score may take, lowest first: the scale's, or those that extractors gave."""
    if not {"judge", "human"} & rows.reading.keys():
        return numeric_scale(judgements)
    given = np.concatenate(rows.numbers(metric))
    return tuple(np.unique(given[~np.isnan(given)]).tolist()) or (0.0,)


def one_of(value: object, kind: object, name: str) -> None:
    """Raise SettingsError unless the value is one that the literal type `kind` names."""
    if value not in get_args(kind):
        raise SettingsError(f"{name} = {value!r}: say one of {', '.join(map(repr, get_args(kind)))}")


def named(judgements: Judgements, figure: str) -> str:
    """The metric's name with its task before it, where all judgements are of one: `pair.kappa`."""
    tasks = judgements.once("tasks", lambda: sorted({judgement.item.task for judgement in judgements}))
    return f"{tasks[0]}.{figure}" if len(tasks) == 1 else figure


def undefined(metric: str, better: Better, rows: Rows, *, reason: str) -> Estimate:
    """The estimate of nothing: no value, no interval, and the reason."""
    nothing = no_figure(reason, confidence=rows.confidence)
    return Estimate(metric=metric, better=better, counted=nothing, unlabelled=rows.unlabelled)


def is_wrong(rows: Rows) -> Truths:
    """Where the verdict is not the human label."""
    return ~rows.is_right()


def estimate(
    metric: str,
    rows: Rows,
    measure: Measure,
    *,
    better: Better = "higher",
    wrong: HowWrong = is_wrong,
    why_none: str = NO_LABEL,
) -> Estimate:
    """The estimate on all rows, and on those without problems beside it.

    `wrong` says how wrong each row is (0: not at all); the most wrong are the examples. `why_none` is the
    reason where there is no row.
    """
    if not len(rows):
        return undefined(metric, better, rows, reason=why_none)
    worst: End = "high" if better == "lower" else "low"
    problems = rows.problems()
    answered = rows.answered() if problems else rows
    examples, count = rows.examples(wrong(rows))
    two_ended = bool(problems) and better == "neither"

    def again(confidence: float, upper: Ends) -> Interval:
        end: End = "high" if upper == "upper" and better == "neither" else worst
        return measure.interval(replace(rows, confidence=confidence), end=end)

    return Estimate(
        metric=metric,
        better=better,
        counted=measure.interval(rows, end=worst),
        upper=measure.interval(rows, end="high") if two_ended else None,
        without=measure.interval(answered, end=worst) if problems and len(answered) else None,
        problems=problems,
        unlabelled=rows.unlabelled,
        examples=examples,
        wrong=count,
        noise=measure.noise(rows, end=worst),
        repeats=rows.repeats,
        items=rows.items,
        population=rows.population,
        again=again,
        pairing=Pairing(metric=metric, better=better, rows=rows, measure=measure),
    )


def filled(values: Array, missing: Array | float) -> Array:
    """The values (n,), with what problems count as where they are NaN."""
    return np.where(np.isnan(values), missing, values)
