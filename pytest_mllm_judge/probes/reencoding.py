"""Pictures encoded anew, made smaller, tilted: so little that a sound judge does not mind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from pydantic import JsonValue

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.pictures import changeable, changed
from pytest_mllm_judge.probes.probe import Around

JPEG, RESIZED, TILTED = VARIANTS = ("jpeg", "resized", "tilted")


class _Setting(NamedTuple):
    """A setting: the variant it is for, the word of the change, its default, and what it may be."""

    variant: str
    word: str
    default: float
    low: float
    high: float
    kind: type[int] | type[float] = float


SETTINGS = {
    "quality": _Setting(JPEG, "as-jpeg", 85, 1, 100, int),
    "scale": _Setting(RESIZED, "scaled", 0.75, 0.1, 1),
    "degrees": _Setting(TILTED, "tilted", 2, -45, 45),
}
"""JPEG quality; the share of each side that is left; degrees, counterclockwise.

With these defaults the world's own judge changes no verdict."""


def vary(item: Item, around: Around) -> Mapping[str, Item]:
    """`jpeg`, `resized` and `tilted`, of every picture; nothing unless all of them are files.

    Raise SettingsError for a quality, scale or number of degrees that makes no sense.
    """
    if not changeable(item):
        return {}
    words = {one.variant: f"{one.word} {_value(name, around.settings)}" for name, one in SETTINGS.items()}
    return {variant: changed(item, said) for variant, said in words.items()}


def _value(name: str, settings: Mapping[str, JsonValue]) -> str:
    """A setting's value, or its default, as the words of a change have it."""
    one = SETTINGS[name]
    value = settings.get(name, one.default)
    kinds = (int,) if one.kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not one.low <= value <= one.high:
        kind = "a whole number" if one.kind is int else "a number"
        raise SettingsError(f"{name} is {value!r}; it must be {kind} from {one.low:g} to {one.high:g}")
    return f"{value:g}"
