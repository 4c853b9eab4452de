"""Reference data of what analyses state of pictures."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

from pytest_mllm_judge import Item, Judgement, Judgements, load
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.reference.scene import scene
from tests.docs.reviewed import HALLUCINATES

SHAPES = Path(__file__).parents[2] / "fixtures" / "shapes"


def _analysis(item: Item, *, more: int) -> str:
    """What was drawn into the item's picture, with so many more of its first kind of mark."""
    source, number = Path(item.images[0]).stem.split("-")
    counts = Counter(mark.noun for mark in scene(source, int(number)).marks)
    counts[min(counts)] += more
    return "I see " + ", ".join(f"{n} {noun}{'s' * (n != 1)}" for noun, n in sorted(counts.items())) + "."


@cache
def stated() -> Judgements:
    """100 replies about the bundled pictures, one mark too many in some."""
    items = load(SHAPES).items[: len(HALLUCINATES)]
    found = [
        Judgement(item=item, judge="reference", verdict=1, reply=_analysis(item, more=int(untrue)))
        for item, untrue in zip(items, HALLUCINATES, strict=True)
    ]
    return Judgements(found, cluster_of=lambda item: item.id, tasks=Tasks())


def stated_by_another(judgements: Judgements) -> Judgements:
    """A judge that sees what was drawn in every other picture, and one mark too many in the rest."""
    return judgements.like_these(
        each.model_copy(update={"reply": _analysis(each.item, more=place % 2)})
        for place, each in enumerate(judgements)
    )
