"""Items and judges of whom everything is known, and who do not say the same when they are asked again.

A judge's view of an item is a standard normal, as in `tests.benchmarks.statistics`: it correlates with the
humans', with the old judge's, and with its views of the other items of a cluster. Each time a judge is asked,
its view is disturbed, so that two asks about one item differ with probability NOISE; what it says is the
disturbed view, cut into labels. What a judge's figures are, they are of what it says.

All judges of a population see the same items of a data set. New judges differ from each other in how much
they heed the humans, not in their luck: so one draw serves every one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq

from pytest_mllm_judge.model import Label, Task
from tests.benchmarks.statistics import tables
from tests.benchmarks.statistics.populations import Codes, Layout, Random, mixed, normals
from tests.benchmarks.statistics.rankings import ANSWERS, LETTERS, ORDERS, relative, worths
from tests.benchmarks.statistics.tables import Array, Shares

NOISE = 0.10
"""The probability that two asks of the same judge about the same item differ."""
OLD, AGAIN = "old", "again"
"""The judge in use, and the same judge asked anew, as a candidate."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One data set in codes: the humans' labels (n,), and the verdicts of each judge (asks, n)."""

    human: Codes
    verdicts: Mapping[str, Codes]


class Population(Protocol):
    """What a data set is drawn from, and how its codes read."""

    @property
    def task(self) -> Task: ...
    def about(self) -> str:
        """What it is, in a sentence without its full stop."""

    def draw(self, rng: Random, at: Layout, judges: Sequence[str], asks: int) -> Asked:
        """A data set of these judges; the verdicts of one do not depend on which others are asked."""

    def label(self, place: int, code: int) -> Label: ...
    def verdict(self, place: int, code: int) -> Label: ...


def steadiness(judge: Shares) -> float:
    """How two asks of one judge must correlate for its labels, in these shares, to differ by NOISE."""

    def beyond(correlation: float) -> float:
        return 1 - float(np.trace(tables.joint(judge, judge, correlation))) - NOISE

    return float(brentq(beyond, 0.5, 1 - 1e-9, xtol=1e-13))


@dataclass(frozen=True, kw_only=True, eq=False)
class Labelled:
    """Labels of a scale or of pairs, in these shares with the humans and with every judge.

    `correlations` are those of what each judge says, before it is cut, with the humans; OLD among them.
    """

    task: Task
    labels: tuple[Label, ...]
    human: Shares
    judge: Shares
    correlations: Mapping[str, float]

    def about(self) -> str:
        """The labels and their shares."""
        shares = (", ".join(f"{each:g}" for each in some) for some in (self.human, self.judge))
        return (
            f"labels {', '.join(map(str, self.labels))}; humans give them in shares of {next(shares)}, "
            f"judges of {next(shares)}"
        )

    @cached_property
    def steady(self) -> float:
        """How two asks of one judge correlate."""
        return steadiness(self.judge)

    def _mix(self, judge: str) -> Array:
        """A judge's view, in terms of the humans', the old judge's own part and one of its own: (3,)."""
        old, new = (self.correlations[name] / np.sqrt(self.steady) for name in (OLD, judge))
        return np.asarray(mixed(old, new)[2 if judge != OLD else 1])

    def draw(self, rng: Random, at: Layout, judges: Sequence[str], asks: int) -> Asked:
        """The views, disturbed for each ask, and cut."""
        found = normals(rng, at, np.eye(3))[:, 0, :]
        luck = {name: rng.standard_normal((asks, len(found))) for name in (OLD, AGAIN)}
        cuts, verdicts = tables.cuts(self.judge), {}
        for name in judges:
            view = found @ self._mix(OLD if name == AGAIN else name)
            own = luck[OLD if name == OLD else AGAIN]
            said = np.sqrt(self.steady) * view + np.sqrt(1 - self.steady) * own
            verdicts[name] = np.searchsorted(cuts, said)
        return Asked(np.searchsorted(tables.cuts(self.human), found[:, 0]), verdicts)

    def table(self, judge: str) -> Array:
        """The exact table of human labels against a judge's."""
        return tables.joint(self.human, self.judge, self.correlations[OLD if judge == AGAIN else judge])

    def label(self, place: int, code: int) -> Label:
        """The label of that code."""
        return self.labels[code]

    verdict = label


SWAPS = np.array(
    [
        [ORDERS.index(order[:at] + order[at + 1] + order[at] + order[at + 2 :]) for at in range(ANSWERS - 1)]
        for order in ORDERS
    ],
    dtype=np.intp,
)
"""The code of each order after its neighbours at a place are swapped: (24, 3)."""


def swapping() -> float:
    """How often an ask must swap two neighbours, at one of three places, for two asks to differ by NOISE.

    Two asks agree if neither swaps, or if both swap the same: (1 - q)^2 + q^2 / 3.
    """
    places = ANSWERS - 1
    return float(brentq(lambda q: 1 - (1 - q) ** 2 - q * q / places - NOISE, 0, 0.5, xtol=1e-14))


def said_distance() -> Array:
    """What each view's order is worth in distance, on average over what is said of it: (24,)."""
    worth, q = worths()["distance"], swapping()
    return np.asarray((1 - q) * worth + q * worth[SWAPS].mean(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class Ranked:
    """Rankings of four answers by quality. Codes are orders in terms of the humans' ranking.

    All judges see quality equally well, but for `guesses`: the share of items of which a judge has a random
    order for its view, which it keeps when asked again. Each ask swaps two neighbours now and then.
    """

    quality: float
    guesses: Mapping[str, float]
    task: Task = "batch"

    def about(self) -> str:
        """The correlation."""
        return f"rankings of four answers; latent correlation of quality with humans {self.quality:g}"

    @cached_property
    def _mix(self) -> Array:
        return mixed(self.quality, self.quality)

    def draw(self, rng: Random, at: Layout, judges: Sequence[str], asks: int) -> Asked:
        """The normals of four answers, ranked; guesses; and swaps for each ask."""
        found = normals(rng, at, self._mix, each=ANSWERS)
        human = (-found[:, :, 0]).argsort(axis=1).argsort(axis=1)
        old, new = (relative(human, found[:, :, judge]) for judge in (1, 2))
        luck, guess = normals(rng, at, np.eye(1))[:, 0, 0], rng.integers(len(ORDERS), size=len(found))
        swaps = {name: _swaps(rng, (asks, len(found))) for name in (OLD, AGAIN)}
        verdicts = {}
        for name in judges:
            view = old if name in (OLD, AGAIN) else new
            if share := self.guesses[OLD if name == AGAIN else name]:
                view = np.where(luck < tables.cuts((share, 1 - share))[0], guess, view)
            swap, place = swaps[OLD if name == OLD else AGAIN]
            verdicts[name] = np.where(swap, SWAPS[view, place], view)
        return Asked(np.zeros(len(found), dtype=np.intp), verdicts)

    def label(self, place: int, code: int) -> Label:
        """The place's ranking: no figure changes when answers are renamed, so each has one of its own."""
        return ORDERS[place % len(ORDERS)]

    def verdict(self, place: int, code: int) -> Label:
        """The order of that code, in terms of the place's ranking."""
        human = ORDERS[place % len(ORDERS)]
        return "".join(human[LETTERS.index(letter)] for letter in ORDERS[code])


def _swaps(rng: Random, shape: tuple[int, int]) -> tuple[npt.NDArray[np.bool_], Codes]:
    """Whether each ask swaps, and where."""
    return rng.random(shape) < swapping(), rng.integers(ANSWERS - 1, size=shape)
