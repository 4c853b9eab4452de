"""Reference data of figures that are not agreement: repeats, both orders, costs and times."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from itertools import combinations

import numpy as np

from pytest_mllm_judge.model import Item, Judgement, Judgements, PairTask, Tasks
from pytest_mllm_judge.probes import SWAPPED, turned
from tests.statistics.golden import HUMAN, JUDGE

PAIRS = ("A", "tie", "B")
THRICE: tuple[Sequence[int], ...] = (HUMAN, JUDGE, [0] * len(HUMAN))
"""Three asks of 100 items: as T's humans, as its judge, and always A."""
SPENT = [(place + 1) / 100 for place in JUDGE]
"""What a question cost, and a hundredth of the seconds that it took."""


def _judged(found: Sequence[Judgement]) -> Judgements:
    return Judgements(found, cluster_of=lambda item: item.id, tasks=Tasks(pair=PairTask(labels=PAIRS)))


@cache
def _item(place: int) -> Item:
    return Item.model_validate(
        {"id": f"{place:03}", "task": "pair", "responses": [{"text": "one"}, {"text": "other"}]}
    )


@cache
def thrice() -> Judgements:
    """The three asks."""
    return _judged(
        [
            Judgement(item=_item(place), judge="reference", repeat=repeat, verdict=PAIRS[label])
            for repeat, labels in enumerate(THRICE)
            for place, label in enumerate(labels)
        ]
    )


def thrice_by_another(judgements: Judgements) -> Judgements:
    """A judge that always says A the second time, too."""
    return judgements.like_these(
        each.model_copy(update={"verdict": "A"}) if each.repeat else each for each in judgements
    )


def share_alike() -> float:
    """The mean over the three pairs of asks of the share of items on which both say the same."""
    accuracy = import_module("sklearn.metrics").accuracy_score
    return float(np.mean([accuracy(one, other) for one, other in combinations(THRICE, 2)]))


def _modal_counts() -> list[int]:
    """How often the commonest of each item's three verdicts was given."""
    return [max(map(said.count, said)) for said in zip(*THRICE, strict=True)]


def share_of_majorities() -> float:
    """The share of items with a verdict given twice or three times."""
    return float(np.mean([count > len(THRICE) / 2 for count in _modal_counts()]))


def mean_modal_share() -> float:
    """The mean over items of how often the commonest verdict was given, of three times."""
    return float(np.mean(_modal_counts())) / len(THRICE)


def alpha_of_three() -> float:
    """The three asks as three raters, nominal, by another package."""
    package = import_module("krippendorff")
    return float(package.alpha(reliability_data=list(THRICE), level_of_measurement="nominal"))


@cache
def both_orders() -> Judgements:
    """T's humans as the verdicts on pairs as they are, and its judge's as those on the swapped ones."""
    found = []
    for place, (plain, other) in enumerate(zip(HUMAN, JUDGE, strict=True)):
        said = {"": PAIRS[plain], SWAPPED: turned(PAIRS[other])}
        found += [
            Judgement(item=_item(place), judge="reference", variant=variant, verdict=verdict)
            for variant, verdict in said.items()
        ]
    return _judged(found)


def both_orders_by_another(judgements: Judgements) -> Judgements:
    """A judge that always says A of swapped pairs."""
    return judgements.like_these(
        each.model_copy(update={"verdict": "A"}) if each.variant else each for each in judgements
    )


@cache
def spent() -> Judgements:
    """100 questions with their costs and times."""
    return _judged(
        [
            Judgement(item=_item(place), judge="reference", verdict="A", cost=value, latency=100 * value)
            for place, value in enumerate(SPENT)
        ]
    )


def spent_by_another(judgements: Judgements) -> Judgements:
    """A judge that costs and takes half as much again."""
    return judgements.like_these(
        each.model_copy(update={"cost": (each.cost or 0) * 1.5, "latency": (each.latency or 0) * 1.5})
        for each in judgements
    )
