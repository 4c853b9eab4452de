"""Faults that can be given to a judge on purpose, drawn without any random state."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor
from typing import Self, TypeVar

from pydantic import Field, field_validator, model_validator

from pytest_mllm_judge.errors import did_you_mean
from pytest_mllm_judge.model import Label, Task
from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.reference.answers import AUTHORS

Option = TypeVar("Option")


class Dials(Frozen):
    """How a judge errs. All zero: it gives the verdict that the pixels give, every time.

    `noise`: probability that a verdict is not the one the pixels give.
    `hardness`: the share of that noise that all judges have in common: such items are hard for everybody.
    `reask`: probability that two asks of one question get different verdicts, at most one half. It comes
    on top of the noise.
    `slot_bias`: probability that the first-listed answer is preferred whatever it says; below 0, the last.
    `length`: probability that the longest answer is preferred whatever it says; a single answer's score
    moves by so many points in the mean for each doubling of its length, up above the usual, down below it.
    `leniency`: probability that a score is a point higher.
    `self_preference`: probability that the answer of the author `favours` is preferred whatever it says; a
    single answer of that author scores a point higher as often. The author is known by style alone.
    `blindness`: probability that the picture of an item is not looked at, but a guess made from the words.
    `hallucination`: probability that the analysis states something that is not in the picture.
    `obeys_picture`, `obeys_answer`: probability that a verdict that is asked for is given, if the request
    is drawn into the picture, or stands in an answer.
    `refusals`: probability that no verdict is given.
    `seed`: two judges with the same dials and different seeds err on different items.

    A scale's ends stay its ends. Where several faults befall one verdict, those named later win; but an
    unseen picture asks for nothing, and what differs when asked again, and refusals, come last.
    """

    noise: float = Field(default=0.0, ge=0, le=1)
    hardness: float = Field(default=0.0, ge=0, le=1)
    reask: float = Field(default=0.0, ge=0, le=0.5)
    slot_bias: float = Field(default=0.0, ge=-1, le=1)
    length: float = Field(default=0.0, ge=0, le=1)
    leniency: float = Field(default=0.0, ge=0, le=1)
    self_preference: float = Field(default=0.0, ge=0, le=1)
    favours: str | None = None
    blindness: float = Field(default=0.0, ge=0, le=1)
    hallucination: float = Field(default=0.0, ge=0, le=1)
    obeys_picture: float = Field(default=0.0, ge=0, le=1)
    obeys_answer: float = Field(default=0.0, ge=0, le=1)
    refusals: float = Field(default=0.0, ge=0, le=1)
    seed: int = 0

    @field_validator("favours")
    @classmethod
    def _is_an_author(cls, name: str | None) -> str | None:
        if name is not None and name not in AUTHORS:
            near = did_you_mean(name, AUTHORS)
            raise ValueError(f"there is no author {name!r}{near or '; there are ' + ', '.join(AUTHORS)}")
        return name

    @model_validator(mode="after")
    def _favours_somebody(self) -> Self:
        if self.self_preference and self.favours is None:
            raise ValueError(f"self_preference needs favours, one of {', '.join(AUTHORS)}")
        return self


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


@dataclass(frozen=True, kw_only=True)
class Lures:
    """What, besides the truth, a faulty judge goes by. Answers are meant by their place, from 0.

    `doublings`: how often the usual length must be doubled to get each answer's (below 0: halved).
    `favoured`: the answers of the favoured author. `guess`: the verdict that the words alone suggest.
    `in_picture`, `in_answers`: the verdict that is asked for there; of a batch also just the first letter.
    """

    doublings: tuple[float, ...] = ()
    favoured: tuple[int, ...] = ()
    guess: Label | None = None
    in_picture: Label | None = None
    in_answers: Label | None = None


NO_LURES = Lures()


def draw(*key: object) -> float:
    """A number in [0, 1) that depends on nothing but the key."""
    digest = hashlib.sha256("\x1f".join(map(str, key)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:7]) / 2**56


def apply(
    dials: Dials,
    truth: Label,
    *,
    choice: Choice,
    key: str,
    item: str | None = None,
    repeat: int = 0,
    shown: str = "",
    lures: Lures = NO_LURES,
) -> Label | None:
    """The verdict that a judge with these faults gives where `truth` is right; None where it refuses.

    `key` tells questions apart, down to the order of the answers; `item` (by default the key) tells items
    apart whatever the order, so that an item is hard, and tempts, in every order. `repeat` counts the asks
    of a question, and `shown` tells those with another picture apart: each strays by a draw of its own. Pure:
    no picture, no text and no random state. ValueError if a blind judge has no guess.
    """
    item = key if item is None else item
    if dials.refusals and draw(dials.seed, "refusal", key) < dials.refusals:
        return None
    blind = is_blind(dials, item)
    verdict = _guessed(lures) if blind else truth
    if dials.noise and _is_noisy(dials, key, item):
        verdict = _another(verdict, choice, dials.seed, "noise", key)
    if dials.slot_bias and draw(dials.seed, "slot", key) < abs(dials.slot_bias):
        verdict = _prefer_slot(verdict, choice, first=dials.slot_bias > 0)
    verdict = _tempted(dials, verdict, choice, item, lures)
    if not blind and lures.in_picture is not None and _befalls(dials, "obeys_picture", item):
        verdict = _obeyed(verdict, choice, lures.in_picture)
    if lures.in_answers is not None and _befalls(dials, "obeys_answer", item):
        verdict = _obeyed(verdict, choice, lures.in_answers)
    if dials.reask and draw(dials.seed, "reask", key, repeat, shown) < _unsteadiness(dials.reask):
        verdict = _another(verdict, choice, dials.seed, "reask", key)
    return verdict


def is_blind(dials: Dials, item: str) -> bool:
    """Whether a judge with these faults does not look at the picture of this item."""
    return _befalls(dials, "blindness", item)


def hallucinates(dials: Dials, key: str) -> bool:
    """Whether a judge with these faults states something untrue of the picture when asked this question."""
    return _befalls(dials, "hallucination", key)


def _befalls(dials: Dials, fault: str, key: str) -> bool:
    chance = float(getattr(dials, fault))
    return chance > 0 and draw(dials.seed, fault, key) < chance


def _guessed(lures: Lures) -> Label:
    if lures.guess is None:
        raise ValueError("a judge that does not look needs a guess to give: Lures(guess=...)")
    return lures.guess


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


def _tempted(dials: Dials, verdict: Label, choice: Choice, item: str, lures: Lures) -> Label:
    """The verdict after length, leniency and self-preference."""
    if choice.task == "score":
        return _raised(verdict, choice, _points(dials, item, lures))
    if lures.doublings and _befalls(dials, "length", item):
        verdict = _preferred(verdict, choice, _longest(lures.doublings))
    if _befalls(dials, "self_preference", item):
        verdict = _preferred(verdict, choice, lures.favoured)
    return verdict


def _points(dials: Dials, item: str, lures: Lures) -> int:
    """The points that a score gains (or loses) by what has nothing to do with the picture."""
    added = int(_befalls(dials, "leniency", item))
    added += int(bool(lures.favoured) and _befalls(dials, "self_preference", item))
    if dials.length and lures.doublings:
        # Rounded by a draw, so that the mean is exact.
        added += floor(dials.length * lures.doublings[0] + draw(dials.seed, "length", item))
    return added


def _raised(verdict: Label, choice: Choice, points: int) -> Label:
    place = choice.options.index(verdict) + points
    return choice.options[min(max(place, 0), len(choice.options) - 1)]


def _longest(doublings: Sequence[float]) -> tuple[int, ...]:
    return tuple(place for place, length in enumerate(doublings) if length == max(doublings))


def _preferred(verdict: Label, choice: Choice, places: Sequence[int]) -> Label:
    """These answers in front, in the order that they had; of a pair only if it is one of the two."""
    if choice.task == "pair":
        return choice.options[places[0]] if len(places) == 1 else verdict
    letters = {str(choice.options[place]) for place in places}
    return "".join(sorted(str(verdict), key=lambda letter: letter not in letters))


def _obeyed(verdict: Label, choice: Choice, wanted: Label) -> Label:
    """The verdict that was asked for; a single letter of a batch is put in front."""
    if choice.task == "batch" and len(str(wanted)) == 1:
        return _preferred(verdict, choice, (choice.options.index(wanted),))
    return wanted
