"""Variants of items, and what a verdict on a variant says of the item."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_mllm_judge.model import Item, Label

SWAPPED = "swapped"
"""The variant of a pair with its responses in the other order."""
_OTHER_SIDE: Mapping[Label, Label] = {"A": "B", "B": "A"}


def swapped(item: Item) -> Item:
    """A pair with its responses, and what humans said of them, the other way round; its id stays.

    Swapped twice it is the item again. Raise ValueError for an item of another task.
    """
    if item.task != "pair":
        raise ValueError(f"only pairs can be swapped, {item.id!r} is a {item.task} item")
    if isinstance(item.human, dict):
        raise ValueError(f"{item.id!r}: a pair has no criteria, so it can't be swapped with some")
    human = tuple(None if label is None else turned(label) for label in item.human)
    return item.model_copy(update={"responses": item.responses[::-1], "human": human})


def turned(label: Label) -> Label:
    """What a label of the swapped pair says of the pair as it is: `A` and `B` change places, others stay."""
    return _OTHER_SIDE.get(label, label)
