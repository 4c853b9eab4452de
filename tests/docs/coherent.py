"""Reference data of coherence: the golden table as what a judge says of the same answers in two tasks."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from pytest_mllm_judge.model import Judgements
from tests.metrics.judged_in_tasks import asked, questions, together
from tests.statistics.golden import HUMAN, JUDGE

PAIRS = ("A", "tie", "B")
SCORES = ((2, 1), (1, 1), (1, 2))
TEXTS = ("one", "two", "three")


@cache
def in_three_tasks() -> Judgements:
    """T's humans as pairs, and as rankings (A as AB, else BA); its judge as scores of the two answers."""
    found = []
    for question, human, judge in zip(questions(len(HUMAN)), HUMAN, JUDGE, strict=True):
        found.append(asked("pair", question, TEXTS[:2], PAIRS[human]))
        found += [asked("score", question, [text], SCORES[judge][n]) for n, text in enumerate(TEXTS[:2])]
        found.append(asked("batch", question, TEXTS[:2], "BA" if human else "AB"))
    return together(found)


@cache
def ranked() -> Judgements:
    """T's humans as pairs, its judge as rankings: A as AB, anything else as BA."""
    found = []
    for question, human, judge in zip(questions(len(HUMAN)), HUMAN, JUDGE, strict=True):
        found.append(asked("pair", question, TEXTS[:2], PAIRS[human]))
        found.append(asked("batch", question, TEXTS[:2], "BA" if judge else "AB"))
    return together(found)


@cache
def in_circles() -> Judgements:
    """T's humans on answers 1 and 2 of three, its judge on 2 and 3, always A on 3 and 1."""
    ways = (TEXTS[:2], TEXTS[1:], (TEXTS[2], TEXTS[0]))
    return together(
        asked("pair", question, two, PAIRS[label])
        for question, *labels in zip(questions(len(HUMAN)), HUMAN, JUDGE, [0] * len(HUMAN), strict=True)
        for two, label in zip(ways, labels, strict=True)
    )


def by_another(judgements: Judgements) -> Judgements:
    """A judge that says A of every third pair."""
    return judgements.like_these(
        each.model_copy(update={"verdict": "A"}) if each.item.task == "pair" and place % 3 == 0 else each
        for place, each in enumerate(judgements)
    )


def share(hit: Callable[[int, int], bool], among: Callable[[int, int], bool]) -> Callable[[], float]:
    """The share of T's items that are a hit, among some."""

    def found() -> float:
        cells = [(human, judge) for human, judge in zip(HUMAN, JUDGE, strict=True) if among(human, judge)]
        return sum(hit(*cell) for cell in cells) / len(cells)

    return found
