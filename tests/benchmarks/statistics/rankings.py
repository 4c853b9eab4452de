"""The population of rankings, and what they are worth."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rapidfuzz.distance import Levenshtein

from pytest_mllm_judge.model import Label, Task
from tests.benchmarks.statistics import tables
from tests.benchmarks.statistics.populations import Codes, Drawn, Layout, Plain, Random, mixed, normals
from tests.benchmarks.statistics.tables import Array

ANSWERS = 4
LETTERS = "ABCD"
ORDERS = tuple("".join(order) for order in itertools.permutations(LETTERS))
_CODE_OF = np.full(ANSWERS**ANSWERS, -1, dtype=np.intp)
for _code, _order in enumerate(ORDERS):
    _CODE_OF[sum(LETTERS.index(letter) * ANSWERS**place for place, letter in enumerate(_order))] = _code


@dataclass(frozen=True, kw_only=True, eq=False)
class Rankings(Plain):
    """Rankings of four answers by quality. A verdict's code is its order in terms of the humans' ranking.

    A share of the new judge's verdicts may be guesses, at random. No figure of rankings changes when answers
    are renamed, so each place has one human ranking of its own.
    """

    name: str
    old: float
    new: float
    guesses: float = 0.0
    task: Task = "batch"

    def about(self) -> str:
        """The correlations."""
        guesses = f"; {self.guesses:.1%} of the new judge's verdicts are guesses" if self.guesses else ""
        return (
            f"rankings of four answers; latent correlation of quality with humans {self.old:g} (old judge) "
            f"and {self.new:g} (new){guesses}"
        )

    @cached_property
    def _mix(self) -> Array:
        return mixed(self.old, self.new)

    def draw(self, rng: Random, at: Layout) -> Drawn:
        """The normals of four answers, ranked."""
        found = normals(rng, at, self._mix, each=ANSWERS)
        human = (-found[:, :, 0]).argsort(axis=1).argsort(axis=1)
        old, new = (relative(human, found[:, :, judge]) for judge in (1, 2))
        if self.guesses:
            guessed = normals(rng, at, np.eye(1))[:, 0, 0] < tables.cuts((self.guesses, 1 - self.guesses))[0]
            new = np.where(guessed, rng.integers(len(ORDERS), size=len(new)), new)
        return Drawn(np.zeros(len(found), dtype=np.intp), {"old": old, "new": new})

    def label(self, place: int, code: int) -> Label | None:
        """The place's ranking."""
        return ORDERS[place % len(ORDERS)]

    def verdict(self, place: int, code: int) -> Label | None:
        """The order of that code, in terms of the place's ranking."""
        human = ORDERS[place % len(ORDERS)]
        return "".join(human[LETTERS.index(letter)] for letter in ORDERS[code])


def relative(human_ranks: Codes, quality: Array) -> Codes:
    """The code of the judge's order, each answer named by its rank with the humans."""
    order = (-quality).argsort(axis=1)
    ranks = np.take_along_axis(human_ranks, order, axis=1)
    return np.asarray(_CODE_OF[ranks @ ANSWERS ** np.arange(ANSWERS)])


def worths() -> dict[str, Array]:
    """What each code is worth in each figure of rankings: (24,)."""
    distance = [Levenshtein.distance(order, LETTERS) / ANSWERS for order in ORDERS]
    pairs = list(itertools.combinations(range(ANSWERS), 2))
    tau = [sum(1 if order[i] < order[j] else -1 for i, j in pairs) / len(pairs) for order in ORDERS]
    return {
        "distance": np.array(distance),
        "tau": np.array(tau),
        "top": np.array([float(order[0] == LETTERS[0]) for order in ORDERS]),
        "exact": np.array([float(order == LETTERS) for order in ORDERS]),
    }


def drawn_shares(old: float, new: float, *, items: int, seed: int) -> Array:
    """How often each order is given, over many items: (2, 24), old judge and new."""
    rng, mix, block = np.random.default_rng(seed), mixed(old, new), 250_000
    counts = np.zeros((2, len(ORDERS)))
    for _ in range(items // block):
        found = normals(rng, Layout(block, np.arange(block)), mix, each=ANSWERS)
        human = (-found[:, :, 0]).argsort(axis=1).argsort(axis=1)
        counts += [np.bincount(relative(human, found[:, :, j]), minlength=len(ORDERS)) for j in (1, 2)]
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def drawn_worths(old: float, new: float, *, items: int, seed: int) -> dict[str, tuple[Array, Array]]:
    """Means of each figure of rankings over many items, and their errors: (2,) each, old judge and new."""
    shares, worth = drawn_shares(old, new, items=items, seed=seed), worths()
    means = {name: shares @ value for name, value in worth.items()}
    errors = {name: np.sqrt((shares @ value**2 - means[name] ** 2) / items) for name, value in worth.items()}
    return {name: (means[name], errors[name]) for name in worth}
