"""Items whose truth is known: answers with so many errors, of some length, by some author, beside a picture.

As in the bundled benchmark: an answer makes four claims, none to all of them wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import log2

import numpy as np

from pytest_mllm_judge import Item, Response
from pytest_mllm_judge.model import Label, Task
from pytest_mllm_judge.probes.favoured import favoured
from pytest_mllm_judge.reference.opinion import USUAL_LENGTH, truth

OWN, OTHER = "model-b", "model-a"
"""The author whose answers a judge may prefer, and another one."""
CLAIMS = 4
"""How many claims an answer makes: what a judge finds wrong that is shown no picture."""
LENGTHS = (100, 200, 400, 800)
"""Characters of an answer, at random."""
ANNOTATORS = 3
SLIP = 0.2
"""How often one annotator's score is a point off, half of them up; at the end of the scale it stays."""
LONGER_IS_BETTER = 0.55
"""How often the longer answer of a pair is the better one, of the pairs with a better one."""
TREND = 0.05
"""By how much longer, and own, scored answers are likelier for each error less than two."""
ANSWERS: dict[Task, int] = {"score": 1, "pair": 2, "batch": 4}

Floats = Sequence[float]
Order = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """An item, and what a judge could go by: about the answers in their order, places from 0.

    `truth` is what the picture gives, `elsewhere` what another item's picture gives, `blind` what no picture
    gives, `guess` what the words suggest. `disliked` is the answer that probes favour.
    """

    item: Item
    truth: Label
    elsewhere: Label
    blind: Label
    guess: Label
    doublings: tuple[float, ...]
    own: tuple[int, ...]
    disliked: int


@cache
def response(length: int, author: str) -> Response:
    """An answer of that length."""
    return Response.model_construct(text="x" * length, images=(), author=author)


class Population:
    """Draws the cases of one data set; `number` decides all of them."""

    def __init__(self, number: int, *, seed: int) -> None:
        self.number, self.seed = number, seed

    def cases(self, task: Task, n: int) -> list[Case]:
        """So many items of a task; the first of them are the same whatever n."""
        rng = np.random.default_rng([self.seed, self.number, list(ANSWERS).index(task)])
        return [_MAKE[task](f"{self.number}-{task}-{place}", rng.random(32).tolist()) for place in range(n)]


def _score(name: str, u: Floats) -> Case:
    errors = int(u[0] * (CLAIMS + 1))
    likely = 0.5 + TREND * (2 - errors)
    length = LENGTHS[sum(chance < likely for chance in u[1:4])]
    own = u[4] < likely
    right = truth([errors])
    return _case(
        "score",
        name,
        errors=[[errors], [int(u[5] * (CLAIMS + 1))], [CLAIMS], [int(u[6] * (CLAIMS + 1))]],
        lengths=[length],
        own=0 if own else None,
        human=tuple(_annotated(int(right), chance) for chance in u[7 : 7 + ANNOTATORS]),
    )


def _annotated(point: int, chance: float) -> int:
    """What one annotator says."""
    off = 0 if chance >= SLIP else 1 if chance < SLIP / 2 else -1
    return min(max(point + off, 1), CLAIMS + 1)


def _pair(name: str, u: Floats) -> Case:
    errors, others, guesses = ([int(c * (CLAIMS + 1)) for c in u[k : k + 2]] for k in (0, 2, 4))
    first = int(u[6] * len(LENGTHS))
    second = (first + 1 + int(u[7] * (len(LENGTHS) - 1))) % len(LENGTHS)
    long, short = sorted((LENGTHS[first], LENGTHS[second]), reverse=True)
    better = 0 if errors[0] < errors[1] else 1
    longer = better if u[8] < (LONGER_IS_BETTER if errors[0] != errors[1] else 0.5) else 1 - better
    right = truth(list(map(float, errors)))
    return _case(
        "pair",
        name,
        errors=[errors, others, [CLAIMS] * 2, guesses],
        lengths=[long, short] if longer == 0 else [short, long],
        own=int(u[9] * 2),
        human=(right,),
    )


def _batch(name: str, u: Floats) -> Case:
    """Answers that differ in their errors, so that no two are equals."""
    errors, others, guesses = (np.argsort(u[k : k + 4]).tolist() for k in (0, 4, 8))
    right = truth(list(map(float, errors)))
    return _case(
        "batch",
        name,
        errors=[errors, others, [CLAIMS] * 4, guesses],
        lengths=[LENGTHS[place] for place in np.argsort(u[12:16]).tolist()],
        own=int(u[16] * 4),
        human=(right,),
    )


def _case(
    task: Task,
    name: str,
    *,
    errors: Sequence[Sequence[float]],
    lengths: Sequence[int],
    own: int | None,
    human: tuple[Label, ...],
) -> Case:
    right, elsewhere, blind, guess = (truth(list(some)) for some in errors)
    authors = [OWN if place == own else OTHER for place in range(len(lengths))]
    responses = tuple(map(response, lengths, authors))
    item = _LIKE.model_copy(update={"id": name, "task": task, "responses": responses, "human": human})
    return Case(
        item=item,
        truth=right,
        elsewhere=elsewhere,
        blind=blind,
        guess=guess,
        doublings=tuple(log2(length / USUAL_LENGTH) for length in lengths),
        own=() if own is None else (own,),
        disliked=favoured(item),
    )


_LIKE = Item.model_construct(id="", task="score", responses=(), images=("picture.png",))
_MAKE = {"score": _score, "pair": _pair, "batch": _batch}
