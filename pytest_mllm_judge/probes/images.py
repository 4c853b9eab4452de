"""An item's images in another order."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.probe import Around

REVERSED, ROTATED = VARIANTS = ("images-reversed", "images-rotated")


def vary(item: Item, around: Around) -> Mapping[str, Item]:
    """The images the other way round, and, of three or more, the first of them last.

    An order that is the item's own, since images are the same, is left out.
    """
    del around
    images = item.images
    orders = {REVERSED: images[::-1]}
    if len(images) > 2:
        orders[ROTATED] = images[1:] + images[:1]
    return {
        name: item.model_copy(update={"images": order}) for name, order in orders.items() if order != images
    }
