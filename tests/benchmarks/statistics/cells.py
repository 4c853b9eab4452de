"""One cell of a table: many data sets of one population and one size, made into judgements and estimated."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements, Response, agreement, problems
from pytest_mllm_judge.model import Label
from tests.benchmarks.kept import Counts
from tests.benchmarks.statistics import estimands, gates
from tests.benchmarks.statistics.estimands import Estimand, Truth
from tests.benchmarks.statistics.populations import Drawn, Layout, Name, Population, layout
from tests.benchmarks.statistics.rankings import ANSWERS

SEED = 3
TWO_SIDED, ONE_SIDED = 0.975, 0.95
"""The confidence, one-sided, of the intervals whose coverage and whose error on either side are counted."""
MODULES: Mapping[str, ModuleType] = {"agreement": agreement, "problems": problems}

_RESPONSES = tuple(Response.model_construct(text=f"answer {place}") for place in range(ANSWERS))


@dataclass(frozen=True)
class Cell:
    """A population of a table (`coverage` or `gates`), so many items with a label, clusters of 1 or 4."""

    table: str
    population: str
    n: int
    size: int

    def __str__(self) -> str:
        return f"{self.table}, {self.population}, n = {self.n}, clusters of {self.size}"

    @property
    def number(self) -> int:
        """What sets its random numbers apart from those of other cells."""
        return zlib.crc32(str(self).encode())


class Judges:
    """Makes data sets of a cell. A judgement of one place with the same codes is made once and used again."""

    def __init__(self, population: Population, at: Layout) -> None:
        self.population, self.at = population, at
        self._made: dict[Name, list[dict[int, Judgement]]] = {
            name: [{} for _ in at.clusters] for name in ("old", "new")
        }

    def judgements(self, drawn: Drawn) -> dict[Name, Judgements]:
        """The data set as each judge's judgements."""
        return {name: self._of(name, drawn) for name in drawn.verdicts}

    def _of(self, name: Name, drawn: Drawn) -> Judgements:
        codes = (drawn.human * 1000 + drawn.verdicts[name]).tolist()
        made = self._made[name]
        some = [made[place].get(code) or self._make(name, place, code) for place, code in enumerate(codes)]
        return Judgements(some, cluster_of=_cluster_of, tasks=self.population.tasks)

    def _make(self, name: Name, place: int, code: int) -> Judgement:
        human, said = divmod(code, 1000)
        labelled = place < self.at.labelled
        verdict = self.population.verdict(place, said)
        judgement = Judgement.model_construct(
            item=self._item(place, self.population.label(place, human) if labelled else None),
            judge=name,
            verdict=verdict,
            problem="malformed" if verdict is None else None,
        )
        self._made[name][place][code] = judgement
        return judgement

    def _item(self, place: int, label: Label | None) -> Item:
        cluster, task = int(self.at.clusters[place]), self.population.task
        return Item.model_construct(
            id=f"{place:05d}",
            task=task,
            responses=_RESPONSES[: {"score": 1, "pair": 2, "batch": ANSWERS}[task]],
            human=() if label is None else (label,),
            source=self.population.source(cluster),
            cluster=f"cluster {cluster:05d}",
        )


def _cluster_of(item: Item) -> str:
    return str(item.cluster)


def missing(wanted: Sequence[Estimand]) -> list[str]:
    """The public functions that are asked for and are not there."""
    names = {(estimand.module, estimand.function) for estimand in wanted}
    return sorted(f"{module}.{name}" for module, name in names if not hasattr(MODULES[module], name))


def estimate(estimand: Estimand, judgements: Judgements, confidence: float) -> Estimate:
    """The figure through the public function."""
    function = getattr(MODULES[estimand.module], estimand.function)
    found: Estimate = function(judgements, confidence=confidence, **estimand.options)
    return found


@lru_cache(maxsize=2)
def _judges(cell: Cell) -> Judges:
    population = (
        estimands.coverage()[cell.population][0]
        if cell.table == "coverage"
        else gates.gates()[cell.population].population
    )
    at = layout(cell.n, size=cell.size, unlabelled=cell.n if population.unlabelled else 0)
    return Judges(population, at)


def data_sets(cell: Cell, numbers: range) -> Iterator[tuple[Drawn, dict[Name, Judgements]]]:
    """Each data set of those numbers, in codes and as judgements."""
    judges = _judges(cell)
    for number in numbers:
        drawn = judges.population.draw(np.random.default_rng([SEED, cell.number, number]), judges.at)
        yield drawn, judges.judgements(drawn)


def count_coverage(cell: Cell, wanted: Sequence[Estimand], numbers: range) -> dict[str, Counts]:
    """Counts of each figure wanted, by its name."""
    truths = {estimand.name: estimands.truth(cell.population, estimand) for estimand in wanted}
    counts: dict[str, Counts] = {estimand.name: Counter() for estimand in wanted}
    for drawn, judged in data_sets(cell, numbers):
        for level in (TWO_SIDED, ONE_SIDED):
            done: dict[Any, Estimate] = {}
            for estimand in wanted:
                found = _measured(estimand, judged, level, done)
                count = _two_sided if level == TWO_SIDED else _one_sided
                count(counts[estimand.name], found, truths[estimand.name])
        for estimand in wanted:
            if estimand.tango:
                counts[estimand.name]["discordant"] += _discordant(drawn)
    return counts


def _measured(
    estimand: Estimand, judged: Mapping[Name, Judgements], level: float, done: dict[Any, Estimate]
) -> Estimate:
    names: tuple[Name, ...] = ("new", "old") if estimand.paired else ("old",)
    for name in names:
        if (name, estimand.key) not in done:
            done[name, estimand.key] = estimate(estimand, judged[name], level)
    found = [done[name, estimand.key] for name in names]
    result = found[0] - found[1] if estimand.paired else found[0]
    if result.counted.confidence != level:
        raise ValueError(f"{estimand.name}: asked for {level}, got {result.counted.confidence}")
    return result


def decides(found: Estimate) -> bool:
    """Whether there is an interval that a claim may be decided by."""
    return found.counted.reason == "" and found.low is not None and found.high is not None


def _two_sided(counts: Counts, found: Estimate, truth: Truth) -> None:
    counts["sets"] += 1
    counts[f"method: {found.counted.method}"] += 1
    if not decides(found):
        counts[f"reason: {found.counted.reason}"] += 1
        return
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    counts["decided"] += 1
    counts["covered"] += int(found.low <= truth.value <= found.high)
    counts["width"] += float(found.high - found.low)  # type: ignore[assignment]
    counts["value"] += float(found.value)  # type: ignore[assignment]


def _one_sided(counts: Counts, found: Estimate, truth: Truth) -> None:
    if decides(found):
        assert found.low is not None
        assert found.high is not None
        counts["decided, one-sided"] += 1
        counts["below"] += int(truth.value < found.low)
        counts["above"] += int(truth.value > found.high)


def _discordant(drawn: Drawn) -> int:
    """On how many items just one of both judges is right."""
    right = [drawn.verdicts[name] == drawn.human for name in ("old", "new")]
    return int((right[0] != right[1]).sum())


def count_gate(cell: Cell, numbers: range) -> Counts:
    """The outcomes of the paired claim, and how often the gates by points alone would pass."""
    gate, counts = gates.gates()[cell.population], Counter[str]()
    for _, judged in data_sets(cell, numbers):
        new, old = (estimate(gate.estimand, judged[name], ONE_SIDED) for name in ("new", "old"))
        difference = new - old
        claim = difference <= gate.margin if gate.lower_is_better else difference >= -gate.margin
        counts["sets"] += 1
        counts[claim.outcome] += 1
        if difference.counted.reason:
            counts[f"reason: {difference.counted.reason}"] += 1
        counts.update(name for name, passes in gate.by_points(new.value, old.value).items() if passes)
    return counts
