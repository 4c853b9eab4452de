"""Can the judge replace an annotator: the alternative annotator test on items with several labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import NO_LABEL, estimate, named
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, Measure
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Item, Judgements, Label, Task
from pytest_mllm_judge.statistics import Places, Sample, levenshtein
from pytest_mllm_judge.statistics.advantage import MIN_ITEMS, advantage_figure, counting, winning_rate
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array

CALDERON = "Calderon, Reichart & Dror 2025"
TAKES = ("average", "by", "criterion", "epsilon")
MIN_ANNOTATORS = 3
"""Whoever is held against the others needs two of them, or the others are one person."""
TOO_FEW = (
    f"no item here has {MIN_ANNOTATORS} human labels, so no annotator can be held against the others "
    "(the alternative annotator test)"
)
_TIED = 1e-9

Apart = Callable[[Label, Label], float]


@declare("score.advantage", task="score", source=CALDERON, options=TAKES, combine="all")
@declare("pair.advantage", task="pair", source=CALDERON, options=TAKES, combine="all")
@declare("batch.advantage", task="batch", source=CALDERON, options=TAKES, combine="all")
def advantage(
    judgements: Judgements,
    /,
    *,
    epsilon: float = 0.15,
    **options: Unpack[Options],
) -> Estimate:
    """Probability that the judge is as near to the other annotators as any one of them is, in [0, 1].

    On every item with three labels or more each annotator is held against the judge, by the labels of the
    others: how often those are the same (pairs, scales of words), minus the root mean square distance
    (numbers), minus the mean Levenshtein distance (rankings). Annotators are the places in `human`; each
    weighs alike. With 30 items or more of some of them, those with fewer are left out. A problem loses.

    The winning rate stands beside it: on how many annotators the judge wins, `epsilon` being what its low
    price is worth (the authors': .2 against experts, .15 against skilled annotators, .1 against a crowd).
    """
    metric = named(judgements, "advantage")
    _check(metric, judgements, epsilon, options)
    read = rows_of(judgements, options, combine="all")
    rows = _with_others(read)
    measure = Measure(build=_build, name=metric)
    why = TOO_FEW if len(read) else NO_LABEL
    found = estimate(metric, rows, measure, wrong=lambda some: ~_beaten_by(some)[0], why_none=why)
    return replace(found, beside=Lazily(lambda: list(_winning(rows, epsilon))))


def _check(metric: str, judgements: Judgements, epsilon: float, options: Options) -> None:
    tasks = {judgement.item.task for judgement in judgements}
    if len(tasks) > 1:
        raise SettingsError(f"{metric} is about items of one task, not about {' and '.join(sorted(tasks))}")
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 <= epsilon < 1:
        raise SettingsError(f"epsilon = {epsilon!r}: a number from 0 to below 1, such as 0.15")
    for name in ("annotators", "human"):
        if options.get(name) is not None:
            raise SettingsError(f"{metric} holds each annotator against the others, so it takes no {name}")


def _with_others(rows: Rows) -> Rows:
    """The rows of items with labels enough, one for each annotator, numbered by their places in `human`."""
    given = Counter(_asked(rows))
    enough = np.array([given[ask] >= MIN_ANNOTATORS for ask in _asked(rows)], dtype=bool)
    few = sum(count < MIN_ANNOTATORS for count in given.values())
    places = [
        _places(judgement.item, rows)[number]
        for judgement, number in zip(rows.judgements, rows.annotators, strict=True)
    ]
    return replace(replace(rows, annotators=places, _made={}).keep(enough), unlabelled=rows.unlabelled + few)


def _asked(rows: Rows) -> Iterator[tuple[str, int]]:
    return ((judgement.item.id, judgement.repeat) for judgement in rows.judgements)


def _labels(item: Item, rows: Rows) -> Sequence[Label | None]:
    """The item's labels, each at its annotator's place."""
    if isinstance(item.human, dict):
        return item.human.get(rows.reading.get("criterion", ""), ())
    return item.human


def _places(item: Item, rows: Rows) -> list[int]:
    """The places of those who gave a label."""
    return [place for place, label in enumerate(_labels(item, rows)) if label is not None]


def _beaten_by(rows: Rows) -> tuple[Truths, Truths]:
    """Where the judge is as near to the others as the annotator or nearer (n,), and the other way round."""
    return rows.once("held against annotators", lambda: _held(rows))


def _held(rows: Rows) -> tuple[Truths, Truths]:
    judge, annotator = [], []
    for place, judgement in enumerate(rows.judgements):
        item, own = judgement.item, rows.annotators[place]
        others = [
            label for other, label in enumerate(_labels(item, rows)) if other != own and label is not None
        ]
        apart = _apart(item.task, others)
        judge.append(_distance(rows.verdict[place], others, apart))
        annotator.append(_distance(rows.human[place], others, apart))
    theirs, ours = np.array(annotator), np.array(judge)
    return ours <= theirs + _TIED, theirs <= ours + _TIED


def _apart(task: Task, others: Sequence[Label]) -> Apart:
    """How far two labels lie apart. Summed over the others it orders as the authors' measures do."""
    if task == "batch":
        return lambda one, other: levenshtein(str(one), str(other))
    if task == "pair" or any(isinstance(label, str) for label in others):
        return lambda one, other: float(one != other)
    return lambda one, other: (float(one) - float(other)) ** 2


def _distance(label: Label | None, others: Sequence[Label], apart: Apart) -> float:
    """How far a label is from the others; without end where there is none."""
    return np.inf if label is None else sum(apart(label, other) for other in others)


def _counted(rows: Rows) -> tuple[Places, list[int]]:
    """Each row's annotator, numbered from 0 (n,), and how many items each labelled."""
    _, numbers = np.unique(np.array(rows.annotators, dtype=np.intp), return_inverse=True)
    _, items = rows.asks()
    pairs = np.unique(np.column_stack([numbers, items]), axis=0)[:, 0]
    return numbers, np.bincount(pairs, minlength=int(numbers.max(initial=-1)) + 1).tolist()


def _build(rows: Rows, _: End) -> tuple[Figure, Sample]:
    """The figure, and what each row adds: the judge's win and 1, each in its annotator's column."""
    numbers, items = _counted(rows)
    chosen = counting(items)
    column = np.full(len(items), -1, dtype=np.intp)
    column[chosen] = np.arange(len(chosen))
    at = column[numbers]
    inside = np.flatnonzero(at >= 0)
    won, _annotator = _beaten_by(rows)
    moments = np.zeros((len(rows), 2 * len(chosen)))
    moments[inside, at[inside]] = won[inside]
    moments[inside, len(chosen) + at[inside]] = 1
    return advantage_figure(moments[:, len(chosen) :].sum(axis=0)), rows.sample(moments=moments)


def _winning(rows: Rows, epsilon: float) -> Iterator[Beside]:
    """The winning rate, and of whom."""
    if not len(rows):
        return
    numbers, items = _counted(rows)
    judge, annotator = _beaten_by(rows)
    lead: Array = annotator.astype(float) - judge.astype(float)
    found = winning_rate(lead, numbers, rows.clusters, items, epsilon=epsilon)
    few = len(items) - found.tested
    told = f"{few} of {len(items)} annotators have fewer than {MIN_ITEMS} items or 10 pictures"
    about = f"wins against {found.beaten} of {found.tested} annotators, epsilon {epsilon:g}"
    if found.value is None:
        yield Beside(name="winning", value=None, about=f"nobody is tested: {told}")
    else:
        yield Beside(name="winning", value=found.value, about=f"{about}; {told}" if few else about)
