"""Batches that were asked with their answers in every place: the asks of one repeat together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from pytest_mllm_judge.metrics.checks import needs
from pytest_mllm_judge.metrics.noted import ByVariant, asked, heads, told, was_asked
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Item, Judgement, Judgements, Label
from pytest_mllm_judge.probes.rotations import turns
from pytest_mllm_judge.statistics.jackknife import Array

Frames = Mapping[int, Judgement]
"""The asks of one repeat by how many places the answers are moved on; 0 is the item as it is."""
Worth = Callable[[Item, Sequence[Frames]], float]
_ROTATED = "rotated-"


def rotated(
    metric: str, judgements: Judgements, options: BareOptions, *, complete: bool
) -> tuple[Rows, list[Sequence[Frames]]]:
    """The first ask of each batch, and its asks in several rotations, repeat by repeat.

    With `complete` only those repeats that were asked in every rotation. Raise SettingsError if no batch was
    rotated. Fixed items are taken as a sample.
    """
    rows = heads(judgements, options)
    by_item = asked(judgements)
    found = [_frames(by_item[one.item.id, one.item.task]) for one in rows.judgements]
    if found and not any(_was_rotated(frames) for every in found for frames in every):
        raise needs(metric)
    every = zip(rows.judgements, found, strict=True)
    least = [len(one.item.responses) if complete else 2 for one in rows.judgements]
    kept = [
        [frames for frames in some if len(frames) >= few] for (_, some), few in zip(every, least, strict=True)
    ]
    chosen = rows.keep(np.array([bool(some) for some in kept], dtype=bool))
    return replace(chosen, unlabelled=len(rows) - len(chosen)), [some for some in kept if some]


def _frames(by_variant: ByVariant) -> list[dict[int, Judgement]]:
    """Of each repeat in which the item was asked as it is."""
    found = {one.repeat: {0: one} for one in by_variant.get("", ())}
    for variant, every in by_variant.items():
        if variant.startswith(_ROTATED):
            for one in every:
                if one.repeat in found:
                    found[one.repeat][turns(variant)] = one
    return list(found.values())


def _was_rotated(frames: Frames) -> bool:
    return any(was_asked(one) for turn, one in frames.items() if turn)


def worth_of_each(rows: Rows, frames: Sequence[Sequence[Frames]], worth: Worth) -> Rows:
    """The rows, each noting what its item is worth and what was said of it, rotation by rotation."""
    each = list(zip(rows.judgements, frames, strict=True))
    judgements = [
        _first_problem(some).model_copy(
            update={"fields": {"worth": worth(one.item, some)}, "repeat": 0, "variant": ""}
        )
        for one, some in each
    ]
    return told(rows, judgements, [as_shown(some) for _, some in each])


def worth(rows: Rows) -> Array:
    """What each row's item is worth (n,)."""
    return np.array([one.fields["worth"] for one in rows.judgements], dtype=float)


def _first_problem(some: Sequence[Frames]) -> Judgement:
    every = [one for frames in some for one in frames.values()]
    return next((one for one in every if one.verdict is None), every[0])


def as_shown(some: Sequence[Frames]) -> Label | None:
    """`ABCD, then DABC, as shown`: in the letters of the order shown; None where a verdict lacks."""
    said = [one.answer() for frames in some for _, one in sorted(frames.items())]
    return None if None in said else f"{', then '.join(map(str, said))}, as shown"
