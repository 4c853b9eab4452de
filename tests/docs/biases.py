"""Reference data of biases: place, length, own family, constant verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module

import numpy as np

from pytest_mllm_judge.model import Item, Judgement, Judgements, Label, PairTask, ScoreTask, Tasks
from tests.statistics.golden import HUMAN, JUDGE

PAIRS = ("A", "tie", "B")
POINTS = (1, 2, 3)
LENGTHS = [(10, 20, 40, 80)[place % 4] + place for place in range(len(HUMAN))]
"""Characters of 100 answers."""
OWN = [place % 3 == 0 for place in range(len(HUMAN))]
"""Which of 100 answers are the judge's own family's."""


def _item(place: int, task: str, answers: Sequence[tuple[int, bool]], human: Label) -> Item:
    texts = [{"text": "x" * length, "author": "gpt-4" if own else "llava"} for length, own in answers]
    return Item.model_validate({"id": f"{place:03}", "task": task, "responses": texts, "human": human})


def _judged(items: Sequence[Item], verdicts: Sequence[Label]) -> Judgements:
    found = [
        Judgement(item=item, judge="gpt-4v", verdict=verdict)
        for item, verdict in zip(items, verdicts, strict=True)
    ]
    tasks = Tasks(pair=PairTask(labels=PAIRS), score=ScoreTask(scale=POINTS))
    return Judgements(found, cluster_of=lambda item: item.id, tasks=tasks)


def _own_longest_first(place: int) -> bool:
    return place % 5 < 3


@cache
def pairs() -> Judgements:
    """T as pairs whose longer answer is the judge's own family's, and stands first in three of five."""
    answers = [(40, True), (20, False)]
    items = [
        _item(place, "pair", answers if _own_longest_first(place) else answers[::-1], PAIRS[label])
        for place, label in enumerate(HUMAN)
    ]
    return _judged(items, [PAIRS[label] for label in JUDGE])


@cache
def scores() -> Judgements:
    """T as scores of answers of several lengths, a third of them by the judge's own family."""
    items = [
        _item(place, "score", [(LENGTHS[place], OWN[place])], POINTS[label])
        for place, label in enumerate(HUMAN)
    ]
    return _judged(items, [POINTS[label] for label in JUDGE])


def to_the_first_slot() -> float:
    """T's humans as the verdicts in one order, always A in the other: 1 is the first slot in one."""
    return sum(label < 2 for label in HUMAN) / len(HUMAN)


def more_often() -> float:
    """The mean over slots of how much more the judge prefers the answer there that is longer, and its own."""
    means = []
    for first in (True, False):
        some = [
            (h - j) / 2 if first else (j - h) / 2
            for place, (h, j) in enumerate(zip(HUMAN, JUDGE, strict=True))
            if _own_longest_first(place) == first
        ]
        means.append(sum(some) / len(some))
    return sum(means) / 2


def matched(besides: Sequence[float]) -> Callable[[], float]:
    """The slope on what is besides over that on the human score, of the judge's scores regressed on both."""

    def ratio() -> float:
        columns = np.column_stack([np.ones(len(HUMAN)), np.array(HUMAN) + 1, np.array(besides)])
        slopes = import_module("statsmodels.api").OLS(np.array(JUDGE) + 1, columns).fit().params
        return float(slopes[2] / slopes[1])

    return ratio


def commonest() -> float:
    """The judge's commonest point less the humans'."""
    return float((np.bincount(JUDGE).max() - np.bincount(HUMAN).max()) / len(HUMAN))
