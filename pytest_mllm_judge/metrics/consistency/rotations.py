"""Whether a batch is ranked the same when its answers stand in other places."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.consistency.items import per_item
from pytest_mllm_judge.metrics.consistency.told import NOTHING, telling
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.metrics.rotated import Frames, rotated, worth, worth_of_each
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Item, Judgement, Judgements
from pytest_mllm_judge.probes.rotations import unrotated

_NOTHING = 1e-9


@declare(
    "consistency.rotations",
    task="batch",
    source="this project",
    options=("average", "by"),
    margin=0.05,
    probe="rotations",
)
def rotations(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of rotated asks that rank the answers of a batch as the ask of it as it is does, in [0, 1].

    The mean over batches of the share of their rotated asks, each beside the ask as it is of the same repeat.
    A missing ranking on either side is not the same. Raise SettingsError if no batch was rotated.
    """
    rows, frames = rotated("consistency.rotations", judgements, options, complete=False)
    made = worth_of_each(rows, frames, _alike)
    measure = per_item("consistency.rotations", worth, least=1)
    found = estimate(
        "consistency.rotations", made, measure, wrong=lambda some: 1 - worth(some), why_none=NOTHING
    )
    told = telling(found, found.examples, found.wrong, _less_alike)
    asks = [[some[0] for some in every] for every in frames]
    return replace(told, lacking="a rotated ask", beside=Lazily(lambda: list(_again(asks))))


def _alike(item: Item, some: Sequence[Frames]) -> float:
    """The share of rotated asks that say the same of the answers as the ask as it is."""
    same = [
        _turned_back(one, turn) == frames[0].answer() is not None
        for frames in some
        for turn, one in frames.items()
        if turn
    ]
    return sum(same) / len(same)


def _turned_back(one: Judgement, turn: int) -> str | None:
    ranking = one.answer()
    return None if ranking is None else unrotated(str(ranking), turn)


def _less_alike(first: Rows, second: Rows) -> list[str]:
    places = np.flatnonzero(worth(second) - worth(first) > _NOTHING)
    return [
        f"{first.says(place)}, where the other chose {second.verdict[place] or second.problem(place)}"
        for place in places.tolist()
    ]


def _again(asks: Sequence[Sequence[Judgement]]) -> Iterator[Beside]:
    """How often two asks of the same order agree, which is the most that noise leaves."""
    each = [
        [one.answer() == other.answer() is not None for one, other in combinations(some, 2)]
        for some in asks
        if len(some) > 1
    ]
    if each:
        value = math.fsum(sum(some) / len(some) for some in each) / len(each)
        yield Beside(name="again", value=value, about="how often two asks in the same order agree")
