"""Agreement of verdicts with human labels. A problem counts as the answer that makes the figure worst."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.errors import NothingToMeasure, SettingsError
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.rows import Reading, Row, Rows, rows_of
from pytest_mllm_judge.model import Judgement, Judgements, Label
from pytest_mllm_judge.statistics import Interval, farthest, levenshtein, mean_interval, wilson
from pytest_mllm_judge.statistics import pearson as pearson_interval
from pytest_mllm_judge.statistics.correlation import Average, worst_verdicts

_PAPER = "Chen et al. 2024, MLLM-as-a-Judge (arXiv 2402.04788)"
READING = ("criterion", "by")


def agrees(judgement: Judgement) -> bool | None:
    """Whether the verdict is a label that most annotators gave; for criteria, every one. None: no label."""
    item = judgement.item
    criteria = item.criteria or (None,)
    answers = []
    for criterion in criteria:
        labels = item.labels(criterion)
        if labels:
            most = max(labels.count(label) for label in labels)
            modes = [label for label in labels if labels.count(label) == most]
            answers.append(judgement.answer(criterion) in modes)
    return all(answers) if answers else None


@declare("score.accuracy", task="score", source="design", options=READING)
@declare("pair.accuracy", task="pair", source=_PAPER, options=READING)
def accuracy(
    judgements: Judgements,
    /,
    *,
    confidence: float = 0.95,
    **reading: Unpack[Reading],
) -> Estimate:
    """Share of judgements whose verdict is the humans' majority label, in [0, 1].

    With `by` it is the unweighted mean of the slices' shares. A problem is wrong. Wilson interval.
    """
    rows = rows_of(judgements, combine="majority", **reading)
    return _share(_name(judgements, "accuracy"), rows, confidence)


@declare("pair.accuracy_decided", task="pair", source=_PAPER, options=READING)
def accuracy_decided(
    judgements: Judgements,
    /,
    *,
    ties: Literal["wrong", "half"] = "wrong",
    confidence: float = 0.95,
    **reading: Unpack[Reading],
) -> Estimate:
    """Share right of the pairs whose human label is A or B, in [0, 1].

    Pairs are dropped by the human label only. A verdict that prefers neither is wrong (as the paper counts),
    or half right. A problem is wrong.
    """
    rows = rows_of(judgements, combine="majority", **reading)
    decided = rows.keep(lambda row: row.human in ("A", "B"))
    if len(rows) and not len(decided):
        raise NothingToMeasure(
            "pair.accuracy_decided: humans preferred neither response in any of these pairs"
        )
    if ties == "wrong":
        return _share("pair.accuracy_decided", decided, confidence)

    def worth(row: Row) -> float:
        if row.verdict is None or row.verdict == row.human:
            return float(row.verdict is not None)
        return 0.0 if row.verdict in ("A", "B") else 0.5

    return _mean("pair.accuracy_decided", "higher", decided, worth, confidence)


@declare("batch.distance", task="batch", source=_PAPER, options=READING)
def distance(
    judgements: Judgements,
    /,
    *,
    confidence: float = 0.95,
    **reading: Unpack[Reading],
) -> Estimate:
    """Mean normalised Levenshtein distance of rankings, in [0, 1]; lower is better.

    A random ranking of 4 scores .65625, of 3 .5556: read it against those. A problem counts as the ranking
    farthest from the humans'.
    """
    rows = rows_of(judgements, combine="majority", **reading)

    def far(row: Row) -> float:
        if row.verdict is None:
            return farthest(len(str(row.human)))
        return levenshtein(str(row.verdict), str(row.human))

    return _mean("batch.distance", "lower", rows, far, confidence)


@declare("score.pearson", task="score", source=_PAPER, options=(*READING, "average"), combine="mean")
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
    points = [float(point) for point in _numeric_scale(judgements)]
    answered = rows.answered()
    unanswered = [row for row in rows.rows if row.verdict is None]
    worst = worst_verdicts(
        [_number(row.verdict) for row in answered.rows],
        [_number(row.human) for row in answered.rows],
        [_number(row.human) for row in unanswered],
        points,
    )
    stand_ins = {id(row): point for row, point in zip(unanswered, worst, strict=True)}

    def interval(some: Rows) -> Interval:
        return pearson_interval(
            [stand_ins[id(row)] if row.verdict is None else _number(row.verdict) for row in some.rows],
            [_number(row.human) for row in some.rows],
            some.clusters,
            groups=some.groups,
            average=average or "mean",
            scale=(min(points), max(points)),
            confidence=confidence,
        )

    wrong = sorted(rows.rows, key=lambda row: -_off(row))
    return _estimate("score.pearson", "higher", rows, interval, [row for row in wrong if _off(row) > 0])


def _number(label: Label | None) -> float:
    """A label of a numeric scale as a number. Raise SettingsError for words, where an extractor gave them."""
    if label is None or isinstance(label, str):
        raise SettingsError(f"score.pearson needs numbers, got {label!r}")
    return float(label)


def _off(row: Row) -> float:
    return math.inf if row.verdict is None else abs(_number(row.verdict) - _number(row.human))


def _is_right(row: Row) -> bool:
    return row.verdict == row.human


def _name(judgements: Judgements, figure: str) -> str:
    tasks = sorted({judgement.item.task for judgement in judgements})
    return f"{tasks[0]}.{figure}" if len(tasks) == 1 else figure


def _numeric_scale(judgements: Judgements) -> Sequence[float]:
    scale = judgements.tasks.score.scale
    if any(isinstance(point, str) for point in scale):
        raise SettingsError(f"the scale {', '.join(map(str, scale))} is made of words, use score.accuracy")
    return [float(point) for point in scale]


def _share(metric: str, rows: Rows, confidence: float) -> Estimate:
    if rows.grouped:
        return _mean(metric, "higher", rows, lambda row: float(_is_right(row)), confidence)

    def interval(some: Rows) -> Interval:
        return wilson([_is_right(row) for row in some.rows], some.clusters, confidence=confidence)

    return _estimate(metric, "higher", rows, interval, [row for row in rows.rows if not _is_right(row)])


def _mean(
    metric: str, better: Better, rows: Rows, worth: Callable[[Row], float], confidence: float
) -> Estimate:
    def interval(some: Rows) -> Interval:
        return mean_interval(
            [worth(row) for row in some.rows],
            some.clusters,
            bounds=(0, 1),
            groups=some.groups,
            confidence=confidence,
        )

    best = 1.0 if better == "higher" else 0.0
    return _estimate(metric, better, rows, interval, [row for row in rows.rows if worth(row) != best])


def _estimate(
    metric: str, better: Better, rows: Rows, interval: Callable[[Rows], Interval], wrong: Sequence[Row]
) -> Estimate:
    """The estimate on all rows, and on those without problems beside it."""
    if not len(rows):
        raise NothingToMeasure(f"{metric}: none of these judgements has a human label to agree with")
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
    )
