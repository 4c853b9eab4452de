"""Pictures that are shown changed: the probes say how in words, judges do it."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_mllm_judge.model import Item


def on_the_web(address: str) -> bool:
    """Whether a picture is sent as an address, so that it can't be changed."""
    return address.lower().startswith(("http://", "https://"))


def changeable(item: Item) -> bool:
    """Whether the item has pictures and every one of them is a file."""
    return bool(item.every_image) and not any(map(on_the_web, item.every_image))


def changed(item: Item, words: str, addresses: Sequence[str] | None = None) -> Item:
    """The item with these pictures (by default all, its responses' too) changed as `words` say.

    What was to be changed before comes first.
    """
    changes = dict(item.picture_changes)
    for address in dict.fromkeys(item.every_image if addresses is None else addresses):
        before = changes.get(address)
        changes[address] = f"{before};{words}" if before else words
    return item.model_copy(update={"picture_changes": changes})
