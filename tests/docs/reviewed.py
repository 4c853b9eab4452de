"""Reference data of what humans said of replies."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from pytest_mllm_judge.model import Item, Judgement, Judgements, Review, Tasks
from tests.statistics.golden import HUMAN, JUDGE

HALLUCINATES = [judge == 2 for judge in JUDGE]
AGREES = [human == judge for human, judge in zip(HUMAN, JUDGE, strict=True)]
GRADES = [2 * judge + 1 for judge in JUDGE]


def _judged(review: Callable[[int], Review]) -> Judgements:
    responses = [{"text": "one"}, {"text": "other"}]
    found = [
        Judgement(
            item=Item.model_validate({"id": f"{place:03}", "task": "pair", "responses": responses}),
            judge="reference",
            verdict="A",
            reviews=(review(place),),
        )
        for place in range(len(JUDGE))
    ]
    return Judgements(found, cluster_of=lambda item: item.id, tasks=Tasks())


@cache
def reviewed() -> Judgements:
    """100 replies, each reviewed once."""
    return _judged(
        lambda place: Review(hallucination=HALLUCINATES[place], agrees=AGREES[place], analysis=GRADES[place])
    )


def reviewed_by_another(judgements: Judgements) -> Judgements:
    """A judge of whose replies the same is said, one item on."""
    said = [judgement.reviews for judgement in judgements]
    pairs = zip(judgements, [*said[1:], said[0]], strict=True)
    return judgements.like_these(each.model_copy(update={"reviews": some}) for each, some in pairs)


def share(said: list[bool]) -> Callable[[], float]:
    """How many of them are true."""
    return lambda: sum(said) / len(said)


def mean_grade() -> float:
    """The mean of the grades."""
    return float(np.mean(GRADES))
