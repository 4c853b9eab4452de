"""Pictures taken away: a judge that looks at them changes its mind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from pytest_mllm_judge.model import Item, file_digest
from pytest_mllm_judge.probes.favoured import lot
from pytest_mllm_judge.probes.pictures import changeable, changed, on_the_web
from pytest_mllm_judge.probes.probe import Around

BLANK, ANOTHER, BLURRED, CROPPED = VARIANTS = ("blank", "another", "blurred", "cropped")

_WORDS = {BLANK: "blank", BLURRED: "blurred 20", CROPPED: "cropped 4"}
"""Blurred by a 20th of the longer side; cropped to the top left quarter of each side, a 16th of the whole."""
_KEPT = "pictures of other items"
_TRIES = 64
"""How many strangers are looked at before an item is left without: the whole takes time linear in items."""


def vary(item: Item, around: Around) -> Mapping[str, Item]:
    """`blank`, `another`, `blurred` and `cropped`.

    `another` shows the images of another item in place of the item's own, and is left out where the item
    has none or no other item has other ones. The rest change every picture, those of the answers as well,
    and are left out unless all of them are files.
    """
    can_change = changeable(item)
    images = _of_another(item, around)
    made = {}
    for name in VARIANTS:
        if name == ANOTHER and images:
            made[name] = item.model_copy(update={"images": images})
        elif name in _WORDS and can_change:
            made[name] = changed(item, _WORDS[name])
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """An item's images; `keys` tell its pictures apart by their bytes, `group` whose pictures they are."""

    images: tuple[str, ...]
    keys: frozenset[str]
    group: str


_Groups = list[list[_Shown]]
"""The images of items, those of one group together."""


def _of_another(item: Item, around: Around) -> tuple[str, ...]:
    """The images of another item, drawn by lot: as many as this item has if there are such; () if none do."""
    own = _shown(item, item.every_image, around.cluster_of)
    if own is None or not item.images:
        return ()
    for groups in _strangers(item, around):
        for one in _drawn(groups, item.id):
            if one.group != own.group and own.keys.isdisjoint(one.keys):
                return one.images[: len(item.images)]
    return ()


def _drawn(groups: _Groups, name: str) -> Iterator[_Shown]:
    """One of each group, from a group drawn by lot on."""
    start = lot(name, len(groups)) if groups else 0
    for place in islice(range(start, start + len(groups)), _TRIES):
        group = groups[place % len(groups)]
        yield group[lot(name, len(group))]


def _strangers(item: Item, around: Around) -> tuple[_Groups, _Groups]:
    """The images of the items from the same folder: of those with as many, and of all."""
    if _KEPT not in around.kept:
        around.kept[_KEPT] = _gathered(around)
    found: Mapping[tuple[Path | None, int], _Groups] = around.kept[_KEPT]
    return found.get((item.folder, len(item.images)), []), found.get((item.folder, 0), [])


def _gathered(around: Around) -> dict[tuple[Path | None, int], _Groups]:
    """The images of all items by folder and number, under 0 of any number; each set of images once."""
    gathered: dict[tuple[Path | None, int], dict[str, dict[tuple[str, ...], _Shown]]] = {}
    for item in around.items:
        one = _shown(item, item.images, around.cluster_of) if item.images and item.skip is None else None
        if one is not None:
            for many in (0, len(item.images)):
                gathered.setdefault((item.folder, many), {}).setdefault(one.group, {})[one.images] = one
    return {key: [list(sets.values()) for sets in groups.values()] for key, groups in gathered.items()}


def _shown(item: Item, pictures: Sequence[str], cluster_of: Callable[[Item], str] | None) -> _Shown | None:
    """An item's images, known by these pictures of it; None if one of their files can't be read."""
    try:
        keys = [_key(item.folder, address) for address in pictures]
    except OSError:
        return None
    if cluster_of is not None:
        group = cluster_of(item)
    else:
        group = keys[0] if item.cluster is None and keys else f"cluster {item.cluster}"
    return _Shown(images=item.images, keys=frozenset(keys), group=group)


def _key(folder: Path | None, address: str) -> str:
    """What tells a picture's bytes apart: the file's digest, or the address where there is no file."""
    return address if folder is None or on_the_web(address) else file_digest(folder / address)
