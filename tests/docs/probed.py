"""Reference data of what probes do to verdicts: T's judge on the altered items."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import permutations

import numpy as np
from scipy import stats
from sklearn.metrics import accuracy_score

from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Item, Judgement, Judgements, PairTask, Tasks
from tests.docs.properties import PAIRS, THRICE
from tests.statistics.golden import HUMAN, JUDGE

ALWAYS_A = THRICE[2]
_RANKINGS = ["".join(order) for order in permutations("ABCD")]
_A_ON_TOP = _RANKINGS[:6]
_VARIANTS = {
    "length.padding": "padded",
    "position.images": "images-reversed",
    "attack.picture": "asks-in-picture",
    "attack.answer": "asks-in-answer",
}


def _rotated(said: Callable[[int, int], str]) -> Judgements:
    """24 batches of four in all rotations."""
    answers = [{"text": letter} for letter in "abcd"]
    found = [
        Judgement(
            item=Item.model_validate({"id": f"{place:03}", "task": "batch", "responses": answers}),
            judge="reference",
            variant=f"rotated-{turn}" if turn else "",
            verdict=said(place, turn),
        )
        for place in range(24)
        for turn in range(4)
    ]
    return Judgements(found, cluster_of=lambda item: item.id, tasks=Tasks())


def _by_six(place: int, turn: int) -> str:
    return _A_ON_TOP[place * (turn + 1) % len(_A_ON_TOP)]


def _at_times(place: int, turn: int) -> str:
    """The place-th ranking of the answers, in the letters that they are shown by; else the order shown."""
    shown = "".join("ABCD"[("ABCD".index(letter) - turn) % 4] for letter in _RANKINGS[place])
    return shown if place % (turn + 1) == 0 else "ABCD"


@cache
def by_six() -> Judgements:
    """The n-th batch is ranked in the rotation by r as the n (r + 1)-th of the rankings with A on top."""
    return _rotated(_by_six)


@cache
def at_times() -> Judgements:
    """The n-th batch has the n-th ranking in every rotation by r with r + 1 a divisor of n, else ABCD."""
    return _rotated(_at_times)


def rotated_by_another(judgements: Judgements) -> Judgements:
    """A judge that repeats the order shown of every rotated batch."""
    return judgements.like_these(
        each.model_copy(update={"verdict": "ABCD"}) if each.variant else each for each in judgements
    )


def first_over_last() -> float:
    """The mean rank correlation of slot and place."""
    rankings = [_by_six(place, turn) for place in range(24) for turn in range(4)]
    each = [stats.spearmanr(range(4), [one.index(x) for x in "ABCD"]).statistic for one in rankings]
    return float(np.mean(each))


def echoes() -> float:
    """How often a ranking is ABCD, less how often it is each of the three that the other rotations show."""
    said = [_by_six(place, turn) for place in range(24) for turn in range(4)]
    others = sum(said.count(order) for order in ("BCDA", "CDAB", "DABC"))
    return (said.count("ABCD") - others / 3) / len(said)


def same_when_rotated() -> float:
    """How often the answers stand as in the plain ask."""
    same = 0
    for place in range(24):
        first, *others = (
            [("ABCD".index(letter) + turn) % 4 for letter in _at_times(place, turn)] for turn in range(4)
        )
        same += others.count(first)
    return same / 3 / 24


@cache
def _item(place: int) -> Item:
    return Item.model_validate(
        {"id": f"{place:03}", "task": "pair", "responses": [{"text": "a"}, {"text": "b"}], "human": "A"}
    )


@cache
def altered(check: str) -> Judgements:
    """100 pairs, asked as T's humans say, once more with always A, and altered as T's judge says.

    Humans prefer A, so that it is B that a probe speaks for.
    """
    variant = _VARIANTS.get(check, check.partition(".")[2])
    found = [
        Judgement(item=_item(place), judge="reference", variant=name, repeat=repeat, verdict=PAIRS[label])
        for name, repeat, labels in (("", 0, HUMAN), ("again", 1, ALWAYS_A), (variant, 0, JUDGE))
        for place, label in enumerate(labels)
    ]
    tasks = Tasks(pair=PairTask(labels=PAIRS))
    return Judgements(found, cluster_of=lambda item: item.id, tasks=tasks)


def altered_by_another(judgements: Judgements) -> Judgements:
    """A judge that says A of every altered pair."""
    return judgements.like_these(
        each if each.variant in ("", "again") else each.model_copy(update={"verdict": "A"})
        for each in judgements
    )


def moved() -> float:
    """How often the judge differs from both asks of the humans, less how often these differ."""
    apart = [1 - accuracy_score(JUDGE, HUMAN), 1 - accuracy_score(JUDGE, ALWAYS_A)]
    return float(sum(apart) / 2 - (1 - accuracy_score(HUMAN, ALWAYS_A)))


def favoured() -> float:
    """How much nearer to B the judge is than both asks of the humans: labels are 0 for A, 2 for B."""
    return (sum(JUDGE) - (sum(HUMAN) + sum(ALWAYS_A)) / 2) / 2 / len(JUDGE)


OF_MOVES = [name for name in CHECKS if name.startswith(("grounding.", "robustness.", "position."))]
OF_FAVOUR = [name for name in CHECKS if name.startswith(("attack.", "length."))]
