"""The populations that data sets are drawn from, and the figures estimated of each, with their truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Literal

from scipy.optimize import brentq

from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.model.tasks import ScoreTask
from tests.benchmarks.statistics import tables
from tests.benchmarks.statistics.populations import (
    Labels,
    Name,
    Population,
    Problems,
    Sources,
)
from tests.benchmarks.statistics.rankings import Rankings, drawn_worths
from tests.benchmarks.statistics.tables import Array, Shares

OfTable = Callable[[Array], float]
TRUTH_ITEMS, TRUTH_SEED = 4_000_000, 20_240_101
"""For rankings, whose truth is no sum over a table."""
NO_OPTIONS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimand:
    """A figure that is estimated: the public function with its options, of the old judge or new less old.

    `of` says what it is in the population's table; None for populations without one. `least` is the coverage
    aimed at; `always` means that from 100 items on there is an interval; `exact` that it may cover more, and
    `tango` that it may while fewer than five items are discordant.
    """

    name: str
    function: str
    options: Mapping[str, Any] = field(default_factory=dict)
    of: OfTable | None = None
    paired: bool = False
    module: Literal["agreement", "problems"] = "agreement"
    least: float = 0.93
    always: bool = False
    exact: bool = False
    tango: bool = False

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What tells one call from another."""
        return self.function, tuple((name, str(value)) for name, value in self.options.items())


def _one(
    function: str, of: OfTable | None = None, *, name: str = "", always: bool = False, **options: Any
) -> Estimand:
    least = 0.92 if function == "f1" else 0.93
    return Estimand(
        name=name or function, function=function, options=options, of=of, least=least, always=always
    )


def _difference(function: str, of: OfTable | None = None) -> Estimand:
    return Estimand(
        name=f"{function}, difference",
        function=function,
        of=of,
        paired=True,
        least=0.92 if function == "f1" else 0.93,
        tango=function == "accuracy",
    )


_KAPPAS: dict[str, OfTable] = {
    "kappa": tables.kappa,
    "kappa_linear": partial(tables.kappa, power=1),
    "kappa_quadratic": partial(tables.kappa, power=2),
}


def _alpha(level: str) -> Estimand:
    return _one("alpha", partial(tables.alpha, level=level), name=f"alpha, {level}", level=level)


def _mean_recall(table: Array) -> float:
    return float(tables.recalls(table).mean())


def _mean_precision(table: Array) -> float:
    return float(tables.precisions(table).mean())


SCORE = (
    _one("accuracy", tables.accuracy, always=True),
    _one("within_one", tables.within_one),
    _one("mae", tables.mae, always=True),
    _one("leniency", tables.leniency),
    _one("pearson", tables.pearson, always=True),
    _one("spearman", tables.spearman, always=True),
    _one("tau_b", tables.tau_b, always=True),
    _one("kappa", _KAPPAS["kappa"], always=True),
    _one("kappa_linear", _KAPPAS["kappa_linear"]),
    _one("kappa_quadratic", _KAPPAS["kappa_quadratic"], always=True),
    _alpha("nominal"),
    _alpha("ordinal"),
    _alpha("interval"),
    _one("ac1", tables.ac1),
    _one("scale_use", tables.scale_use),
    _one("f1", tables.f1, name="f1, macro"),
    _difference("accuracy", tables.accuracy),
    _difference("kappa", _KAPPAS["kappa"]),
    _difference("kappa_quadratic", _KAPPAS["kappa_quadratic"]),
    _difference("pearson", tables.pearson),
    _difference("spearman", tables.spearman),
    _difference("tau_b", tables.tau_b),
    _difference("mae", tables.mae),
)
PAIR = (
    _one("accuracy", tables.accuracy, always=True),
    _one("accuracy_decided", lambda table: tables.accuracy_of(table, (0, 2))),
    _one("kappa", _KAPPAS["kappa"], always=True),
    _one("ac1", tables.ac1),
    _alpha("nominal"),
    _one("f1", tables.f1, name="f1, macro"),
    _one("precision", _mean_precision, name="precision, macro"),
    _one("recall", _mean_recall, name="recall, macro"),
    _one("recall", lambda table: float(tables.recalls(table)[0]), name="recall of A", label="A"),
    _difference("accuracy", tables.accuracy),
    _difference("kappa", _KAPPAS["kappa"]),
    _difference("f1", tables.f1),
)
BINARY = (
    _one("sensitivity", lambda table: float(tables.recalls(table)[1])),
    _one("specificity", lambda table: float(tables.recalls(table)[0])),
    _one("kappa", _KAPPAS["kappa"], always=True),
    _one("accuracy", tables.accuracy, always=True),
    _one("pass_rate", lambda table: float(table[1].sum())),
)
BATCH = (
    _one("distance", always=True),
    _one("tau"),
    _one("top"),
    _one("accuracy", name="exact"),
    _difference("distance"),
)
PROBLEMS = (Estimand(name="problems.rate", function="rate", module="problems", exact=True),)
SOURCES = (_one("pearson", always=True, name="pearson, mean of 4 sources", by="source"),)

RANKING = 0.85
"""The latent correlation of the old judge's qualities."""
SCORE_SHARES: tuple[Shares, Shares] = ((0.10, 0.20, 0.30, 0.25, 0.15), (0.06, 0.14, 0.25, 0.32, 0.23))
PAIR_SHARES: tuple[Shares, Shares] = ((0.40, 0.20, 0.40), (0.46, 0.12, 0.42))
RARE_TIES: tuple[Shares, Shares] = ((0.46, 0.14, 0.40), (0.48, 0.10, 0.42))


def correlation_for(of: OfTable, target: float, shares: tuple[Shares, Shares]) -> float:
    """The latent correlation at which a figure of the table is the target."""
    return float(brentq(lambda r: of(tables.joint(*shares, r)) - target, 0.01, 0.9995, xtol=1e-12))


def scores(name: str, of: OfTable, old: float, new: float) -> Labels:
    """Scores of five points whose figure is so much for each judge."""
    human, judge = SCORE_SHARES
    return Labels(
        name=name,
        task="score",
        labels=(1, 2, 3, 4, 5),
        human=human,
        judge=judge,
        old=correlation_for(of, old, SCORE_SHARES),
        new=correlation_for(of, new, SCORE_SHARES),
    )


def pairs(
    name: str, of: OfTable, old: float, new: float, *, shares: tuple[Shares, Shares] = PAIR_SHARES
) -> Labels:
    """Pairs, ties among them, whose figure is so much for each judge."""
    return Labels(
        name=name,
        task="pair",
        labels=("A", "tie", "B"),
        human=shares[0],
        judge=shares[1],
        old=correlation_for(of, old, shares),
        new=correlation_for(of, new, shares),
    )


def binary(name: str, shares: tuple[Shares, Shares], old: float) -> Labels:
    """fail or pass, kappa so much; as many items without a label stand beside those with one."""
    correlation = correlation_for(tables.kappa, old, shares)
    return Labels(
        name=name,
        task="score",
        labels=("fail", "pass"),
        human=shares[0],
        judge=shares[1],
        old=correlation,
        new=correlation,
        tasks=Tasks(score=ScoreTask(scale=("fail", "pass"))),
        unlabelled=True,
    )


@cache
def coverage() -> dict[str, tuple[Population, tuple[Estimand, ...]]]:
    """The populations whose intervals are tried, by name, and what is estimated of each."""
    human, judge = SCORE_SHARES
    made: list[tuple[Population, tuple[Estimand, ...]]] = [
        (scores("score", tables.pearson, 0.685, 0.635), SCORE),
        (pairs("pair", tables.accuracy, 0.78, 0.73), PAIR),
        (pairs("pair, few ties", tables.accuracy, 0.93, 0.88, shares=RARE_TIES), PAIR),
        (binary("binary", ((0.4, 0.6), (0.35, 0.65)), 0.6), BINARY),
        (binary("binary, few pass", ((0.9, 0.1), (0.87, 0.13)), 0.6), BINARY),
        (Rankings(name="batch", old=RANKING, new=0.78), BATCH),
        (Problems(name="problems, 2 %", rate=0.02), PROBLEMS),
        (Problems(name="problems, 10 %", rate=0.10), PROBLEMS),
        (Sources(name="sources", human=human, judge=judge, correlations=(0.5, 0.6, 0.7, 0.8)), SOURCES),
    ]
    return {population.name: (population, estimands) for population, estimands in made}


@dataclass(frozen=True)
class Truth:
    """What a figure is in the population, and the standard error of that where it was drawn."""

    value: float
    error: float = 0.0


@cache
def truth(population: str, estimand: Estimand) -> Truth:
    """The figure that intervals of this population should cover."""
    found = {name: of_judge(coverage()[population][0], estimand, name) for name in ("old", "new")}
    if not estimand.paired:
        return found["old"]
    error = (found["old"].error ** 2 + found["new"].error ** 2) ** 0.5
    return Truth(found["new"].value - found["old"].value, error)


def of_judge(population: Population, estimand: Estimand, judge: Name) -> Truth:
    """The figure of one judge in the population."""
    if isinstance(population, Problems):
        return Truth(population.rate)
    if isinstance(population, Sources):
        each = [tables.pearson(table) for table in population.tables()]
        return Truth(sum(each) / len(each))
    if isinstance(population, Rankings):
        means, errors = worths_of(population.old, population.new)[_figure_of_rankings(estimand)]
        which = 0 if judge == "old" else 1
        return Truth(float(means[which]), float(errors[which]))
    assert isinstance(population, Labels)
    assert estimand.of is not None
    return Truth(estimand.of(population.table(judge)))


def _figure_of_rankings(estimand: Estimand) -> str:
    return "exact" if estimand.function == "accuracy" else estimand.function


@cache
def worths_of(old: float, new: float) -> dict[str, tuple[Array, Array]]:
    """Means and errors of the figures of rankings, from the draw that truth is taken of."""
    return drawn_worths(old, new, items=TRUTH_ITEMS, seed=TRUTH_SEED)
