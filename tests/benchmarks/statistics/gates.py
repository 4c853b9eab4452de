"""Upgrade gates: two judges of known figures, the paired claim, and the gates by points that others use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from pytest_mllm_judge.model import Label, Task
from tests.benchmarks.statistics import tables
from tests.benchmarks.statistics.estimands import (
    BATCH,
    PAIR,
    RANKING,
    SCORE,
    Estimand,
    pairs,
    scores,
    worths_of,
)
from tests.benchmarks.statistics.populations import (
    Drawn,
    Layout,
    Plain,
    Population,
    Random,
    normals,
)
from tests.benchmarks.statistics.rankings import Rankings, worths

MARGIN = 0.05
DISCORDANCES, CLUSTERED = (0.15, 0.06, 0.25), 0.15
"""How often just one of both judges is right, and where that is tried in clusters, too."""
FIGURES = (("kappa", 0.60), ("kappa_quadratic", 0.65), ("pearson", 0.685))
"""Figures with the old judge's own."""
SIZES = (50, 100, 200, 500, 1000)
_LABELS: tuple[Label, ...] = ("A", "tie", "B")
_SHARES = (0.40, 0.20, 0.40)


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcomes(Plain):
    """Pairs of which it is given how often each judge is right: the difference of accuracy is exact.

    `discordance` is the share of items on which just one of both judges is right. What an item does to the
    difference is a normal cut into old right only, both or neither, new right only: so a cluster that the new
    judge finds harder is harder in all its items.
    """

    name: str
    old: float
    discordance: float
    drop: float
    task: Task = "pair"

    def about(self) -> str:
        """The shares."""
        return f"pairs, old accuracy {self.old:g}, discordance {self.discordance:g}, drop {self.drop:g}"

    @cached_property
    def _lost(self) -> float:
        return (self.discordance + self.drop) / 2

    @cached_property
    def _won(self) -> float:
        return (self.discordance - self.drop) / 2

    def draw(self, rng: Random, at: Layout) -> Drawn:
        """Who is right on each item, and wrong verdicts that are the next label."""
        found = normals(rng, at, np.eye(3))[:, 0, :]
        change = np.searchsorted(tables.cuts((self._lost, 1 - self.discordance, self._won)), found[:, 0])
        both = (self.old - self._lost) / (1 - self.discordance)
        same = found[:, 1] < tables.cuts((both, 1 - both))[0]
        human = np.searchsorted(tables.cuts(_SHARES), found[:, 2])
        old, new = ((change == only) | ((change == 1) & same) for only in (0, 2))
        wrong = (human + 1) % len(_LABELS)
        return Drawn(human, {"old": np.where(old, human, wrong), "new": np.where(new, human, wrong)})

    def label(self, place: int, code: int) -> Label | None:
        """The label of that code."""
        return _LABELS[code]

    verdict = label


@dataclass(frozen=True, kw_only=True, eq=False)
class Gate:
    """A claim `new - old >= -MARGIN` (`<= MARGIN` where lower is better), and what is true of the two.

    `old` is the old judge's true figure, `loss` how much worse the new one truly is, `clusters` the mean
    sizes of clusters that are tried.
    """

    title: str
    loss: float
    old: float
    population: Population
    estimand: Estimand
    lower_is_better: bool = False
    margin: float = MARGIN
    clusters: tuple[int, ...] = (1, 4)

    def by_points(self, new: float | None, old: float | None) -> dict[str, bool]:
        """Whether each gate by points alone would pass."""
        assert new is not None
        assert old is not None
        sign = -1 if self.lower_is_better else 1
        gain, slack = sign * (new - old), 1e-12
        return {
            "threshold": sign * (new - self.old) >= -self.margin - slack,
            "no worse": gain >= -slack,
            "margin": gain >= -self.margin - slack,
        }


def _accuracy(discordance: float, loss: float) -> Gate:
    title, old = f"accuracy, discordance {discordance:g}", 0.80
    name = f"{title}, loss {loss:g}"
    population = Outcomes(name=name, old=old, discordance=discordance, drop=loss)
    clusters = (1, 4) if discordance == CLUSTERED else (1,)
    return Gate(title=title, loss=loss, old=old, population=population, estimand=PAIR[0], clusters=clusters)


def _figure(name: str, old: float, loss: float) -> Gate:
    """A gate of a figure that is so much for the old judge."""
    estimand = next(each for each in (*PAIR, *SCORE) if each.name == name)
    assert estimand.of is not None
    make = pairs if name == "kappa" else scores
    population = make(f"{name}, loss {loss:g}", estimand.of, old, old - loss)
    return Gate(title=name, loss=loss, old=old, population=population, estimand=estimand)


def _distance(loss: float) -> Gate:
    """A gate of rankings. The loss comes of guesses, so that it is known as well as the old distance."""
    (old, _), _ = worths_of(RANKING, 0.78)["distance"]
    guesses = loss / (float(worths()["distance"].mean()) - old)
    name = f"distance, loss {loss:g}"
    population = Rankings(name=name, old=RANKING, new=RANKING, guesses=guesses)
    return Gate(
        title="distance", loss=loss, old=old, population=population, estimand=BATCH[0], lower_is_better=True
    )


@cache
def gates() -> dict[str, Gate]:
    """Every gate, by the name of its population."""
    made = [
        *(_accuracy(d, loss) for d in DISCORDANCES for loss in (0.0, 0.05, 0.10) if loss <= d),
        *(_figure(name, old, loss) for name, old in FIGURES for loss in (0.0, 0.05)),
        *(_distance(loss) for loss in (0.0, 0.05)),
    ]
    return {gate.population.name: gate for gate in made}
