"""Shares of verdicts that are right."""

from __future__ import annotations

from typing import Literal, Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import (
    NO_LABEL,
    PAPER,
    READING,
    estimate,
    named,
    numeric_scale,
)
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import mean_of, share_of
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.statistics.jackknife import Array


@declare("score.accuracy", task="score", source="this project", options=READING)
@declare("pair.accuracy", task="pair", source=PAPER, options=READING)
@declare("batch.exact", task="batch", source="this project", options=READING)
def accuracy(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Share of judgements whose verdict is the humans' majority label, in [0, 1].

    With `by` it is the unweighted mean of the slices' shares. A problem is wrong. Wilson interval.
    """
    rows = rows_of(judgements, options)
    measure = share_of(Rows.is_right)
    metric = named(judgements, "accuracy").replace("batch.accuracy", "batch.exact")
    return estimate(metric, rows, measure)


@declare("pair.accuracy_decided", task="pair", source=PAPER, options=(*READING, "ties"))
def accuracy_decided(
    judgements: Judgements,
    /,
    *,
    ties: Literal["wrong", "half"] = "wrong",
    **options: Unpack[Options],
) -> Estimate:
    """Share right of the pairs whose human label is A or B, in [0, 1].

    Pairs are dropped by the human label only. A verdict that prefers neither is wrong (as the paper counts),
    or with `ties = "half"` half right. A problem is wrong.
    """
    rows = rows_of(judgements, options)
    decided = rows.keep(np.array([human in ("A", "B") for human in rows.human], dtype=bool))
    measure = share_of(Rows.is_right)
    if ties == "half":
        measure = mean_of(lambda some, _: _half_for_ties(some), bounds=(0.0, 1.0))
    elif ties != "wrong":
        raise SettingsError(f"ties = {ties!r}: a verdict that prefers neither is 'wrong' or 'half' right")
    why = "humans prefer neither response in any of these pairs" if len(rows) else NO_LABEL
    metric = "pair.accuracy_decided" + (", ties half" if ties == "half" else "")
    return estimate(metric, decided, measure, why_none=why)


def _half_for_ties(rows: Rows) -> Array:
    prefers = np.array([verdict in ("A", "B", None) for verdict in rows.verdict], dtype=bool)
    return np.where(rows.is_right(), 1.0, np.where(prefers, 0.0, 0.5))


@declare(
    "score.within_one", task="score", source="this project", options=READING, combine="mean", scale="numbers"
)
def within_one(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Share of scores at most one point from the humans' mean, in [0, 1]. A problem is not."""
    numeric_scale(judgements)
    metric = "score.within_one"

    def near(rows: Rows) -> Truths:
        human, judge = rows.numbers(metric)
        with np.errstate(invalid="ignore"):
            return np.asarray(np.abs(judge - human) <= 1)

    rows = rows_of(judgements, options, combine="mean")
    measure = share_of(near)
    return estimate(metric, rows, measure, wrong=lambda some: ~near(some))


@declare("batch.top", task="batch", source="this project", options=READING)
def top(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Share of rankings with the humans' best answer on top, in [0, 1]. A problem is wrong."""

    def right(rows: Rows) -> Truths:
        pairs = zip(rows.verdict, rows.human, strict=True)
        return np.array([v is not None and str(v)[:1] == str(h)[:1] for v, h in pairs], dtype=bool)

    rows = rows_of(judgements, options)
    measure = share_of(right)
    return estimate("batch.top", rows, measure, wrong=lambda some: ~right(some))
