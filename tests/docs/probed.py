"""Reference data of what probes do to verdicts: T's judge on the altered items."""

from __future__ import annotations

from functools import cache

from sklearn.metrics import accuracy_score

from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Item, Judgement, Judgements, PairTask, Tasks
from tests.docs.properties import PAIRS, THRICE
from tests.statistics.golden import HUMAN, JUDGE

ALWAYS_A = THRICE[2]
_VARIANTS = {
    "length.padding": "padded",
    "position.images": "images-reversed",
    "attack.picture": "asks-in-picture",
    "attack.answer": "asks-in-answer",
}


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
