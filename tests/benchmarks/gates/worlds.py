"""What is tried: populations, judges that lose exactly so much in a figure, and the sizes of data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.metrics.upgrade import Comparison
from tests.benchmarks.gates.populations import AGAIN, OLD, Labelled, Population, Ranked, said_distance
from tests.benchmarks.statistics import tables
from tests.benchmarks.statistics.estimands import PAIR_SHARES, SCORE_SHARES, correlation_for
from tests.benchmarks.statistics.rankings import drawn_shares
from tests.benchmarks.statistics.tables import Array, Shares

MARGIN, CONFIDENCE = 0.05, 0.95
LOSSES = (0.0, MARGIN, 2 * MARGIN)
SIZES = (200, 500, 1000)
QUALITY = 0.85
TRUTH_ITEMS, TRUTH_SEED = 4_000_000, 20_240_101
"""Of rankings: how many are drawn to know the old judge's distance."""
EQUAL = "equal"
REPEATS = 3
BINARY: tuple[Shares, Shares] = ((0.5, 0.5), (0.52, 0.48))
OLD_ACCURACY, OLD_BINARY, OLD_PEARSON = 0.80, 0.85, 0.685


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A candidate that loses so much in a check, compared with the old judge by it, each asked so often."""

    check: str
    loss: float
    asks: int = 1
    again: bool = False

    @property
    def judge(self) -> str:
        """The candidate's name in its population."""
        if self.again:
            return AGAIN
        return f"{self.check} {self.loss:g}" if self.loss else EQUAL

    def __str__(self) -> str:
        return f"{self.check}, {self.judge if self.again else f'loss {self.loss:g}'}, {self.asks} asked"

    @property
    def comparison(self) -> Comparison:
        """What the plugin would compare the two by."""
        return Comparison(check=CHECKS[self.check], margin=MARGIN, confidence=CONFIDENCE)


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """A population, what is tried on each of its data sets, of which sizes, and within which slices.

    `asks` is how often each judge is asked about an item of a data set; a trial may use fewer.
    """

    name: str
    population: Population
    trials: tuple[Trial, ...]
    sizes: tuple[int, ...] = SIZES
    slices: tuple[str, ...] = ()
    asks: int = 1
    many: bool = True

    @property
    def judges(self) -> tuple[str, ...]:
        """Every judge that is needed, the old one first."""
        return tuple(dict.fromkeys([OLD, *(trial.judge for trial in self.trials)]))


OfTable = Callable[[Array], float]
PAIR_FIGURES: Mapping[str, OfTable] = {"pair.accuracy": tables.accuracy, "pair.kappa": tables.kappa}
SCORE_FIGURES: Mapping[str, OfTable] = {
    "score.kappa_quadratic": partial(tables.kappa, power=2),
    "score.pearson": tables.pearson,
    "score.spearman": tables.spearman,
}


def _correlations(
    figures: Mapping[str, OfTable], shares: tuple[Shares, Shares], first: OfTable, old: float
) -> dict[str, float]:
    """Each judge's correlation: the old one's first figure is given, a new one loses just so much in its."""
    found = {OLD: correlation_for(first, old, shares)}
    found[EQUAL] = found[OLD]
    table = tables.joint(*shares, found[OLD])
    for check, of in figures.items():
        for loss in LOSSES[1:]:
            judge = Trial(check=check, loss=loss).judge
            found[judge] = correlation_for(of, of(table) - loss, shares)
    return found


def _pairs(shares: tuple[Shares, Shares], labels: tuple[str, ...], old: float) -> Labelled:
    return Labelled(
        task="pair",
        labels=labels,
        human=shares[0],
        judge=shares[1],
        correlations=_correlations(PAIR_FIGURES, shares, tables.accuracy, old),
    )


def _scores() -> Labelled:
    return Labelled(
        task="score",
        labels=(1, 2, 3, 4, 5),
        human=SCORE_SHARES[0],
        judge=SCORE_SHARES[1],
        correlations=_correlations(SCORE_FIGURES, SCORE_SHARES, tables.pearson, OLD_PEARSON),
    )


@cache
def old_distance() -> tuple[float, float]:
    """The old judge's mean distance, and the standard error of that, since it is drawn."""
    shares, worth = drawn_shares(QUALITY, QUALITY, items=TRUTH_ITEMS, seed=TRUTH_SEED)[0], said_distance()
    mean = float(shares @ worth)
    return mean, float((shares @ worth**2 - mean**2) / TRUTH_ITEMS) ** 0.5


def guesses_for(loss: float) -> float:
    """The share of guesses that makes the distance so much worse: each is worth the mean of all orders."""
    return loss / (float(said_distance().mean()) - old_distance()[0])


def _rankings() -> Ranked:
    guesses = {OLD: 0.0}
    for loss in LOSSES:
        guesses[Trial(check="batch.distance", loss=loss).judge] = guesses_for(loss)
    return Ranked(quality=QUALITY, guesses=guesses)


def _tried(checks: Sequence[str], *, asks: int = 1) -> tuple[Trial, ...]:
    return tuple(Trial(check=check, loss=loss, asks=asks) for check in checks for loss in LOSSES)


def _beside_peers() -> tuple[Trial, ...]:
    asked = (1, REPEATS)
    again = [Trial(check="pair.accuracy", loss=0.0, asks=asks, again=True) for asks in asked]
    return tuple(again) + tuple(trial for asks in asked for trial in _tried(["pair.accuracy"], asks=asks))


@cache
def worlds() -> dict[str, World]:
    """All that is tried, by name."""
    pairs = _pairs(PAIR_SHARES, ("A", "tie", "B"), OLD_ACCURACY)
    repeated = _tried(["pair.accuracy"], asks=REPEATS)
    equal = (Trial(check="pair.accuracy", loss=0.0),)
    made = [
        World(name="pairs", population=pairs, trials=_tried(list(PAIR_FIGURES))),
        World(name="scores", population=_scores(), trials=_tried(list(SCORE_FIGURES))),
        World(name="rankings", population=_rankings(), trials=_tried(["batch.distance"])),
        World(name="pairs, repeated", population=pairs, trials=repeated, sizes=SIZES[:1], asks=REPEATS),
        World(name="pairs, sliced", population=pairs, trials=equal, sizes=SIZES[1:], slices=("source",)),
        World(
            name="pairs without ties",
            population=_pairs(BINARY, ("A", "B"), OLD_BINARY),
            trials=_beside_peers(),
            asks=REPEATS,
            many=False,
        ),
    ]
    return {world.name: world for world in made}
