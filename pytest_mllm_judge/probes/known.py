"""Which probes there are: our own, those of installed packages, and those that users entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes import attack, grounding, images, padding, reencoding, rotations
from pytest_mllm_judge.probes.probe import OWN, Around, Probe, probe
from pytest_mllm_judge.probes.variants import SWAPPED, swapped

GROUP = "pytest_mllm_judge.probes"


def _swap(item: Item, around: Around) -> Mapping[str, Item]:
    del around
    return {SWAPPED: swapped(item)}


BUILT_IN: Mapping[str, Probe] = {
    one.name: one
    for one in (
        Probe(
            name="position",
            vary=_swap,
            tasks=frozenset({"pair"}),
            variants=(SWAPPED,),
            repeated=True,
            about="pairs with their answers in the other order",
        ),
        Probe(
            name="rotations",
            vary=rotations.vary,
            tasks=frozenset({"batch"}),
            repeated=True,
            about="batches with every answer in every place",
        ),
        Probe(
            name="images",
            vary=images.vary,
            variants=images.VARIANTS,
            repeated=True,
            against_asking_again=True,
            about="several images in other orders",
        ),
        Probe(
            name="padding",
            vary=padding.vary,
            variants=padding.VARIANTS,
            settings=frozenset({"padder"}),
            about="an answer made longer without content",
        ),
        Probe(
            name="grounding",
            vary=grounding.vary,
            variants=grounding.VARIANTS,
            against_asking_again=True,
            about="pictures blanked, exchanged, blurred, cropped away",
        ),
        Probe(
            name="attack",
            vary=attack.vary,
            variants=attack.VARIANTS,
            against_asking_again=True,
            about="requests for a verdict, markdown, a majority's opinion",
        ),
        Probe(
            name="reencoding",
            vary=reencoding.vary,
            variants=reencoding.VARIANTS,
            against_asking_again=True,
            settings=frozenset({"quality", "scale", "degrees"}),
            about="pictures encoded anew, scaled, tilted a little",
        ),
    )
}


def names() -> list[str]:
    """The names of all probes."""
    return [*BUILT_IN, *sorted({*OWN, *entry_points(group=GROUP).names} - BUILT_IN.keys())]


def probe_named(name: str) -> Probe:
    """The probe of this name. Raise SettingsError if there is none, or it can't be loaded."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name not in OWN and (points := entry_points(group=GROUP, name=name)):
        (point, *_) = points
        try:
            enter(name, point.load())
        except Exception as error:  # somebody else's code: name it, whatever it raised
            said = f"{type(error).__name__}: {error}"
            raise SettingsError(f"the probe {name!r} ({point.value}) can't be loaded: {said}") from error
    if name not in OWN:
        known = names()
        raise SettingsError(
            f"there is no probe {name!r}{did_you_mean(name, known)} (known: {', '.join(known)})"
            f'\n  One of your own: [probes.{name}] function = "file.py:function"'
        )
    return OWN[name]


def enter(name: str, given: Probe | Callable[..., Any]) -> Probe:
    """Enter a probe, or a function that alters items, under this name; what it was entered as stays, too."""
    if isinstance(given, Probe):
        OWN[name] = replace(given, name=name)
    elif (made := next((one for one in OWN.values() if one.function is given), None)) is not None:
        OWN[name] = replace(made, name=name)
    else:
        probe(name)(given)
    return OWN[name]
