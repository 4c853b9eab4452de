"""From rows to estimates: what every agreement figure shares."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.pairing import Both, Pairing, means, shares
from pytest_mllm_judge.metrics.rows import Row, Rows
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.statistics import Interval, mean_interval, wilson

PAPER = "Chen et al. 2024, MLLM-as-a-Judge (arXiv 2402.04788)"
READING = ("criterion", "by")
NO_LABEL = "none of these judgements has a human label to agree with"


def is_right(row: Row) -> bool:
    """Whether the verdict is the human label; a problem is not."""
    return row.verdict == row.human


def number(label: Label | None, metric: str) -> float:
    """A label of a numeric scale as a number. Raise SettingsError for words, where an extractor gave them."""
    if label is None or isinstance(label, str):
        raise SettingsError(f"{metric} needs numbers, got {label!r}")
    return float(label)


def off(row: Row, metric: str) -> float:
    """How far a score is from the human label, in points; infinite for a problem."""
    return math.inf if row.verdict is None else abs(number(row.verdict, metric) - number(row.human, metric))


def numeric_scale(judgements: Judgements) -> tuple[float, ...]:
    """The scale's points as numbers, lowest first. Raise SettingsError for a scale of words."""
    scale = judgements.tasks.score.scale
    if any(isinstance(point, str) for point in scale):
        raise SettingsError(f"the scale {', '.join(map(str, scale))} is made of words, use score.accuracy")
    return tuple(float(point) for point in scale)


def undefined(metric: str, better: Better, rows: Rows, *, confidence: float, reason: str) -> Estimate:
    """The estimate of nothing: no value, no interval, and the reason."""
    nothing = Interval(
        value=None, low=None, high=None, n=0, clusters=0, method="none", confidence=confidence, reason=reason
    )
    return Estimate(metric=metric, better=better, counted=nothing, unlabelled=rows.unlabelled)


def share(metric: str, rows: Rows, *, confidence: float, right: Callable[[Row], bool] = is_right) -> Estimate:
    """The share of rows that are right, with its Wilson interval; of slices, the mean of their shares."""
    if rows.grouped:
        return mean(metric, rows, lambda row: float(right(row)), confidence=confidence)

    def interval(some: Rows) -> Interval:
        return wilson([right(row) for row in some.rows], some.clusters, confidence=confidence)

    wrong = [row for row in rows.rows if not right(row)]
    both = shares(right)
    return estimate(metric, "higher", rows, interval, wrong=wrong, confidence=confidence, both=both)


def mean(
    metric: str,
    rows: Rows,
    worth: Callable[[Row], float],
    *,
    confidence: float,
    better: Better = "higher",
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Estimate:
    """The mean of what each row is worth, which lies in `bounds`, with its jackknife interval."""

    def interval(some: Rows) -> Interval:
        values = [worth(row) for row in some.rows]
        return mean_interval(values, some.clusters, bounds=bounds, groups=some.groups, confidence=confidence)

    best = bounds[1] if better == "higher" else bounds[0]
    wrong = sorted((row for row in rows.rows if worth(row) != best), key=lambda row: -abs(worth(row) - best))
    both = means(worth, bounds=bounds)
    return estimate(metric, better, rows, interval, wrong=wrong, confidence=confidence, both=both)


def estimate(
    metric: str,
    better: Better,
    rows: Rows,
    interval: Callable[[Rows], Interval],
    *,
    wrong: Sequence[Row],
    confidence: float,
    both: Both,
) -> Estimate:
    """The estimate on all rows, and on those without problems beside it; `both` is its paired difference."""
    if not len(rows):
        return undefined(metric, better, rows, confidence=confidence, reason=NO_LABEL)
    problems = rows.problems()
    answered = rows.answered()
    examples, count = rows.examples(wrong)
    return Estimate(
        metric=metric,
        better=better,
        counted=interval(rows),
        without=interval(answered) if problems and len(answered) else None,
        problems=problems,
        unlabelled=rows.unlabelled,
        examples=examples,
        wrong=count,
        pairing=Pairing(metric=metric, better=better, rows=rows, both=both),
    )
