"""Whether where an answer of a batch stands decides, and whether the order shown is simply repeated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.consistency.told import NOTHING, telling
from pytest_mllm_judge.metrics.probed.asks import Asks, Note, notes_of, noting, worth
from pytest_mllm_judge.metrics.probed.items import mean_of_items
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.metrics.rotated import Frames, rotated
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.probes.rotations import unrotated
from pytest_mllm_judge.statistics.jackknife import Array

_NOTHING = 1e-9
_LACKING = "an ask in every rotation"


@declare(
    "batch.position",
    task="batch",
    source="Spearman 1904",
    options=("average", "by"),
    margin=0.05,
    worse="away from zero",
    probe="rotations",
)
def batch_position(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """How much higher what stands first of a batch is ranked than what stands last, in [-1, 1].

    Each batch is asked in every rotation, so that every answer stands in every place once and how good they
    are cancels out; the difference is that of a straight line through the standings, 1 for the top and 0 for
    the bottom. A judge that is only noisy comes to 0, whatever it thinks of the answers. A missing ranking is
    the one that puts what stands first at the bottom where the figure must not be low, and on top where it
    must not be high. Batches that were not asked in every rotation are left out. Raise SettingsError if none
    was rotated.
    """
    rows, frames = rotated("batch.position", judgements, options, complete=True)
    asks: list[Asks | None] = [_asks(some) for some in frames]
    made = replace(noting(rows, asks, _note), unlabelled=rows.unlabelled)
    measure = mean_of_items("batch.position", lambda _: True)
    found = estimate("batch.position", made, measure, better="neither", wrong=_led, why_none=_why_none(made))
    told = telling(found, found.examples, found.wrong, _more_led)
    return replace(told, lacking=_LACKING, beside=Lazily(lambda: list(_by_slot(made))))


def _asks(some: Sequence[Frames]) -> Asks:
    """Those of every rotation, the items as they are first."""
    plain = [frames[0] for frames in some]
    altered = [one for frames in some for turn, one in sorted(frames.items()) if turn]
    return Asks(item=plain[0].item, plain=plain, altered=altered)


def _note(asks: Asks) -> Note:
    plain, altered = ([one.answer() for one in some] for some in (asks.plain, asks.altered))
    every = [*plain, *altered]
    low, high = (math.fsum(_first_over_last(each, end) for each in every) / len(every) for end in (-1.0, 1.0))
    return Note(asks=asks, plain=plain, altered=altered, low=low, high=high, says=_as_shown(every))


def _as_shown(every: Sequence[Label | None]) -> str | None:
    return None if None in every else f"{', then '.join(map(str, every))}, as shown"


def _why_none(rows: Rows) -> str:
    """Why there is no figure, where there is none."""
    return "no batch was asked in every rotation" if rows.unlabelled else NOTHING


def _first_over_last(ranking: Label | None, lacking: float) -> float:
    """The line's fall from the first slot to the last: Spearman's rho of slot and place."""
    if ranking is None:
        return lacking
    places, middle = _places(str(ranking)), (len(str(ranking)) - 1) / 2
    slots = [slot - middle for slot in range(len(places))]
    together = math.fsum(slot * (place - middle) for slot, place in zip(slots, places, strict=True))
    return together / math.fsum(slot * slot for slot in slots)


def _places(ranking: str) -> list[int]:
    """The place, from 0, of what stands in each slot."""
    return [ranking.index(letter) for letter in sorted(ranking)]


def _led(rows: Rows) -> Array:
    """How far the slot leads each item's rankings, to either side (n,)."""
    return np.maximum(np.abs(worth(rows, "low")), np.abs(worth(rows, "high")))


def _more_led(first: Rows, second: Rows) -> list[str]:
    places = np.flatnonzero(_led(first) - _led(second) > _NOTHING)
    return [_beside_the_other(first, second, place) for place in places.tolist()]


def _beside_the_other(first: Rows, second: Rows, place: int) -> str:
    return f"{first.says(place)}, where the other chose {second.verdict[place] or second.problem(place)}"


def _by_slot(rows: Rows) -> Iterator[Beside]:
    """The mean standing by slot, for each number of answers."""
    by_size: dict[int, list[list[int]]] = {}
    for note in notes_of(rows):
        for ranking in (*note.plain, *note.altered):
            if ranking is not None:
                by_size.setdefault(len(str(ranking)), []).append(_places(str(ranking)))
    for size, places in sorted(by_size.items()):
        standing = 1 - np.array(places, dtype=float).mean(axis=0) / (size - 1)
        of = f" of {size}" if len(by_size) > 1 else ""
        for slot, value in enumerate(standing.tolist(), 1):
            about = f"mean standing of what stands there, of {size} answers; 1 is the top"
            yield Beside(name=f"slot {slot}{of}", value=value, about=about)


@declare(
    "batch.echo",
    task="batch",
    source="this project",
    options=("average", "by"),
    margin=0.05,
    probe="rotations",
)
def echo(
    judgements: Judgements, /, *, example: str | None = None, **options: Unpack[BareOptions]
) -> Estimate:
    """How much more often a ranking is the order shown (ABCD) than the order shown of another rotation.

    In [-1 / (k - 1), 1] for k answers. Lower is better: a judge that repeats the order shown in a share of
    its asks comes to that share, and one that ranks the answers, however noisy, to 0, since it says each
    order of the answers as often wherever they stand. With `example`, the ranking that the prompt shows,
    repeating that one counts in its place, of batches of as many answers. A missing ranking counts as the
    order shown. Batches that were not asked in every rotation are left out. Raise SettingsError if none was
    rotated.
    """
    if example is not None:
        judgements = judgements.filter(lambda one: sorted(one.item.letters) == sorted(example))
    rows, frames = rotated("batch.echo", judgements, options, complete=True)
    asks: list[Asks | None] = [_asks(some) for some in frames]
    noted = noting(rows, asks, lambda each: _echo_note(each, example or each.item.letters))
    made = replace(noted, unlabelled=rows.unlabelled)
    measure = mean_of_items("batch.echo", lambda _: False, own=example)
    found = estimate("batch.echo", made, measure, better="lower", wrong=_echoed, why_none=_why_none(made))
    told = telling(found, found.examples, found.wrong, _more_echoed)
    return replace(told, lacking=_LACKING, beside=Lazily(lambda: list(_echoes(made, example))))


def _echo_note(asks: Asks, echoed: str) -> Note:
    plain, altered = ([one.answer() for one in some] for some in (asks.plain, asks.altered))
    every = [*plain, *altered]
    echoes, elsewhere = _counts(every, echoed)
    lost, others = every.count(None), len(echoed) - 1
    low, high = echoes * others - elsewhere - lost, (echoes + lost) * others - elsewhere
    return Note(
        asks=asks,
        plain=plain,
        altered=altered,
        low=low / (others * len(every)),
        high=high / (others * len(every)),
        says=_as_shown(every),
    )


def _counts(every: Sequence[Label | None], echoed: str) -> tuple[int, int]:
    """How many rankings are the order that may be echoed, and how many are that of another rotation."""
    elsewhere = {unrotated(echoed, by) for by in range(1, len(echoed))}
    return every.count(echoed), sum(ranking in elsewhere for ranking in every)


def _echoed(rows: Rows) -> Array:
    """How far each batch is echoed at most (n,)."""
    return np.maximum(worth(rows, "high"), 0.0)


def _more_echoed(first: Rows, second: Rows) -> list[str]:
    places = np.flatnonzero(worth(first, "high") - worth(second, "high") > _NOTHING)
    return [_beside_the_other(first, second, place) for place in places.tolist()]


def _echoes(rows: Rows, example: str | None) -> Iterator[Beside]:
    """Both shares that the figure is the difference of."""
    known = [(note, example or note.asks.item.letters) for note in notes_of(rows) if note.says is not None]
    if not known:
        return
    each = [_shares_of([*note.plain, *note.altered], echoed) for note, echoed in known]
    echoes, elsewhere = (math.fsum(some) / len(known) for some in zip(*each, strict=True))
    what = "the order shown" if example is None else f"the example's, {example}"
    yield Beside(name="echoes", value=echoes, about=f"how often the ranking is {what}")
    about = "how often it is that of one other rotation, which is chance"
    yield Beside(name="elsewhere", value=elsewhere, about=about)


def _shares_of(every: Sequence[Label | None], echoed: str) -> tuple[float, float]:
    echoes, elsewhere = _counts(every, echoed)
    return echoes / len(every), elsewhere / len(every) / (len(echoed) - 1)
