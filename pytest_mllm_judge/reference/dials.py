"""Faults that can be given to a judge on purpose, drawn without any random state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import Field

from pytest_mllm_judge.model import Label, Task
from pytest_mllm_judge.model.frozen import Frozen

Option = TypeVar("Option")


class Dials(Frozen):
    """How a judge errs. All zero: it gives the verdict that the pixels give, every time.

    `noise`: probability that a verdict is not the one the pixels give.
    `hardness`: the share of that noise that all judges have in common: such items are hard for everybody.
    `reask`: probability that two asks of one question get different verdicts, at most one half. It comes
    on top of the noise.
    `slot_bias`: probability that the first-listed answer is preferred whatever it says; below 0, the last.
    `refusals`: probability that no verdict is given.
    `seed`: two judges with the same dials and different seeds err on different items.
    """

    noise: float = Field(default=0.0, ge=0, le=1)
    hardness: float = Field(default=0.0, ge=0, le=1)
    reask: float = Field(default=0.0, ge=0, le=0.5)
    slot_bias: float = Field(default=0.0, ge=-1, le=1)
    refusals: float = Field(default=0.0, ge=0, le=1)
    seed: int = 0


MODELS: dict[str, Dials] = {
    "reference": Dials(),
    "shapes-old": Dials(noise=0.15, hardness=0.6, seed=1),
    "shapes-new": Dials(noise=0.15, hardness=0.6, seed=2),
    "shapes-worse": Dials(noise=0.28, hardness=0.4, slot_bias=0.1, refusals=0.01, seed=3),
}
"""The server's models: no faults, about 85 % right, as good with other errors, about 70 % right."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What is to be decided: the task, and every verdict that could be given.

    `options` are the points of the scale in order (score), the labels (pair), or the letters (batch).
    """

    task: Task
    options: tuple[Label, ...]


SCORE = Choice(task="score", options=(1, 2, 3, 4, 5))
PAIR = Choice(task="pair", options=("A", "B", "tie"))


def batch(letters: str) -> Choice:
    """The choice among the rankings of these letters."""
    return Choice(task="batch", options=tuple(letters))


def draw(*key: object) -> float:
    """A number in [0, 1) that depends on nothing but the key."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7]) / 2**56


def apply(
    dials: Dials, truth: Label, *, choice: Choice, key: str, item: str | None = None, repeat: int = 0
) -> Label | None:
    """The verdict that a judge with these faults gives where `truth` is right; None where it refuses.

    `key` tells questions apart, down to the order of the answers; `item` (by default the key) tells items
    apart whatever the order, so that an item is hard in every order. `repeat` counts the asks of a question.
    """
    if draw(dials.seed, "refusal", key) < dials.refusals:
        return None
    verdict = truth
    if _is_noisy(dials, key, key if item is None else item):
        verdict = _another(verdict, choice, dials.seed, "noise", key)
    if draw(dials.seed, "slot", key) < abs(dials.slot_bias):
        verdict = _prefer_slot(verdict, choice, first=dials.slot_bias > 0)
    if draw(dials.seed, "reask", key, repeat) < _unsteadiness(dials.reask):
        verdict = _another(verdict, choice, dials.seed, "reask", key)
    return verdict


def _is_noisy(dials: Dials, key: str, item: str) -> bool:
    """Hard for all with probability noise x hardness, else by the judge's own draw; `noise` in all."""
    common = dials.noise * dials.hardness
    if draw("hard", item) < common:
        return True
    return draw(dials.seed, "noisy", key) * (1 - common) < dials.noise - common


def _unsteadiness(reask: float) -> float:
    """How often an ask strays to a question's second verdict, so that two asks differ with chance `reask`.

    Solves 2 p (1 - p) = reask.
    """
    return float((1 - (1 - 2 * reask) ** 0.5) / 2)


def _another(verdict: Label, choice: Choice, *key: object) -> Label:
    """A verdict other than this one: a near point, another label, or a ranking with letters swapped."""
    if choice.task == "batch":
        return _swapped(str(verdict), *key)
    others = [option for option in choice.options if option != verdict]
    if choice.task == "score":
        place = choice.options.index(verdict)
        reach = 1 if draw("reach", *key) < 2 / 3 else 2
        others = [o for o in others if abs(choice.options.index(o) - place) <= reach]
        others = [o for o in others if abs(choice.options.index(o) - place) == reach] or others
    return _pick(others, "other", *key)


def _swapped(ranking: str, *key: object) -> str:
    """Two neighbours changed, or, one time in three, any two others."""
    pairs = [(first, second) for second in range(len(ranking)) for first in range(second)]
    near = [pair for pair in pairs if pair[1] - pair[0] == 1]
    wide = [pair for pair in pairs if pair not in near] or near
    first, second = _pick(near if draw("wide", *key) < 2 / 3 else wide, "swap", *key)
    letters = list(ranking)
    letters[first], letters[second] = letters[second], letters[first]
    return "".join(letters)


def _pick(options: Sequence[Option], *key: object) -> Option:
    return options[int(draw(*key) * len(options))]


def _prefer_slot(verdict: Label, choice: Choice, *, first: bool) -> Label:
    """The first- or last-listed answer in front; a single answer's score has no slot."""
    if choice.task == "pair":
        return "A" if first else "B"
    if choice.task == "batch":
        letter = str(choice.options[0 if first else -1])
        return letter + str(verdict).replace(letter, "")
    return verdict
