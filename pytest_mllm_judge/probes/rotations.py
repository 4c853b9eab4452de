"""A batch with its answers moved round, so that every answer stands in every place once."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_mllm_judge.model import Item, Label
from pytest_mllm_judge.probes.probe import Around

_NAME = "rotated-"


def vary(item: Item, around: Around) -> Mapping[str, Item]:
    """`rotated-1` to `rotated-(k-1)` of a batch of k answers."""
    del around
    if item.task != "batch":
        return {}
    return {f"{_NAME}{by}": rotated(item, by) for by in range(1, len(item.responses))}


def rotated(item: Item, by: int) -> Item:
    """A batch whose first `by` answers moved to the end; what humans said of them is in the new letters.

    Raise ValueError for an item of another task, or with criteria.
    """
    if item.task != "batch" or isinstance(item.human, dict):
        what = "one with criteria" if item.task == "batch" else f"a {item.task} item"
        raise ValueError(f"only batches without criteria can be rotated, {item.id!r} is {what}")
    human = tuple(_turned(label, -by, item.letters) for label in item.human)
    return item.model_copy(update={"responses": item.responses[by:] + item.responses[:by], "human": human})


def turns(variant: str) -> int:
    """By how many places a variant is rotated. Raise ValueError for one that is not."""
    by = variant.removeprefix(_NAME)
    if by == variant or not by.isdecimal() or by.startswith("0"):
        raise ValueError(f"the variant {variant!r} is no rotation; those are '{_NAME}1', '{_NAME}2', ...")
    return int(by)


def unrotated(ranking: str, by: int) -> str:
    """What a ranking of the batch rotated by so many places says of the batch as it is, best first."""
    letters = "".join(sorted(ranking))
    return "".join(letters[(letters.index(letter) + by) % len(letters)] for letter in ranking)


def _turned(label: Label | None, by: int, letters: str) -> Label | None:
    """A ranking with every letter moved on; what is no ranking of these letters stays."""
    if not isinstance(label, str) or sorted(label) != sorted(letters):
        return label
    return unrotated(label, by)
