"""Batches asked in every rotation, by judges of known faults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np

from pytest_mllm_judge import Estimate, Judgements
from tests.metrics.probed_worlds import Said, asked

LOST = None
RANKINGS = ["".join(order) for order in permutations("ABCD")]


def row(said: list[str | None]) -> Said:
    """What is said as the batch is, and in the rotations by one to three."""
    return {f"rotated-{turn}" if turn else "": [ranking] for turn, ranking in enumerate(said)}


def batches(rows: list[list[str | None]]) -> Judgements:
    return asked([row(said) for said in rows], task="batch", human="ABCD")


def shown(ranking: str, turn: int, letters: str = "ABCD") -> str:
    """A ranking of the answers in the letters that a rotation shows them by."""
    return "".join(letters[(letters.index(letter) - turn) % len(letters)] for letter in ranking)


def steady(ranking: str) -> list[str | None]:
    """A judge that always ranks the answers so."""
    return [shown(ranking, turn) for turn in range(4)]


ECHO: list[str | None] = ["ABCD"] * 4


def of(answers: int, rows: Sequence[Sequence[str]]) -> Judgements:
    """Batches of fewer answers."""
    found = []
    for one in batches([[*said, *[LOST] * (4 - answers)] for said in rows]):
        if one.verdict is not None:
            three = one.item.model_copy(update={"responses": one.item.responses[:answers]})
            found.append(one.model_copy(update={"item": three}))
    return batches([]).like_these(found)


def noisy(rng: np.random.Generator, n: int, *, echo: float = 0.0) -> list[list[str | None]]:
    """n batches of a judge that swaps two neighbours in a third of its asks, and echoes some of them."""
    found: list[list[str | None]] = []
    for number in rng.integers(0, 24, n).tolist():
        said: list[str | None] = []
        for turn in range(4):
            ranking = list(shown(RANKINGS[number], turn))
            if rng.random() < 1 / 3:
                place = int(rng.integers(0, 3))
                ranking[place : place + 2] = ranking[place : place + 2][::-1]
            said.append("ABCD" if rng.random() < echo else "".join(ranking))
        found.append(said)
    return found


SETS = 80
ERROR = 2 * (0.05 * 0.95 / SETS) ** 0.5
"""Two standard errors of a share of 5 % in so many sets: .049."""


def outcomes(claim: Callable[[Judgements], Estimate], echo: float, margin: float) -> dict[str, float]:
    """80 sets of 60 batches."""
    rng = np.random.default_rng(11)
    found = [claim(batches(noisy(rng, 60, echo=echo))).within(margin).outcome for _ in range(SETS)]
    return {outcome: found.count(outcome) / SETS for outcome in ("holds", "fails")}
