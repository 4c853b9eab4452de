"""Shares of verdicts that are right."""

from __future__ import annotations

from typing import Literal, Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.agreement.core import (
    PAPER,
    READING,
    mean,
    numeric_scale,
    off,
    share,
    undefined,
)
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.rows import Reading, Row, rows_of
from pytest_mllm_judge.model import Judgement, Judgements


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


@declare("score.accuracy", task="score", source="this project", options=READING)
@declare("pair.accuracy", task="pair", source=PAPER, options=READING)
@declare("batch.exact", task="batch", source="this project", options=READING)
def accuracy(judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]) -> Estimate:
    """Share of judgements whose verdict is the humans' majority label, in [0, 1].

    With `by` it is the unweighted mean of the slices' shares. A problem is wrong. Wilson interval.
    """
    rows = rows_of(judgements, combine="majority", **reading)
    tasks = sorted({judgement.item.task for judgement in judgements})
    figure = "exact" if tasks == ["batch"] else "accuracy"
    return share(f"{tasks[0]}.{figure}" if len(tasks) == 1 else figure, rows, confidence=confidence)


@declare("pair.accuracy_decided", task="pair", source=PAPER, options=READING)
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
    metric = "pair.accuracy_decided"
    rows = rows_of(judgements, combine="majority", **reading)
    decided = rows.keep(lambda row: row.human in ("A", "B"))
    if len(rows) and not len(decided):
        reason = "humans prefer neither response in any of these pairs"
        return undefined(metric, "higher", rows, confidence=confidence, reason=reason)
    if ties == "wrong":
        return share(metric, decided, confidence=confidence)

    def worth(row: Row) -> float:
        if row.verdict is None or row.verdict == row.human:
            return float(row.verdict is not None)
        return 0.0 if row.verdict in ("A", "B") else 0.5

    return mean(metric, decided, worth, confidence=confidence)


@declare("score.within_one", task="score", source="this project", options=READING, combine="mean")
def within_one(
    judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]
) -> Estimate:
    """Share of scores at most one point from the humans' mean, in [0, 1]. A problem is not."""
    numeric_scale(judgements)
    rows = rows_of(judgements, combine="mean", **reading)
    metric = "score.within_one"
    return share(metric, rows, confidence=confidence, right=lambda row: off(row, metric) <= 1)


@declare("batch.top", task="batch", source="this project", options=READING)
def top(judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]) -> Estimate:
    """Share of rankings with the humans' best answer on top, in [0, 1]. A problem is wrong."""
    rows = rows_of(judgements, combine="majority", **reading)

    def right(row: Row) -> bool:
        return row.verdict is not None and str(row.verdict)[:1] == str(row.human)[:1]

    return share("batch.top", rows, confidence=confidence, right=right)
