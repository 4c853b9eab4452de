"""Data sets of one world and size, drawn, judged, and compared by the function that the gate cases call."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pytest_mllm_judge import Judgements
from pytest_mllm_judge.metrics.upgrade import Upgrade, compare
from tests.benchmarks.gates.made import Made
from tests.benchmarks.gates.populations import OLD, Asked
from tests.benchmarks.gates.worlds import Trial, World, worlds
from tests.benchmarks.kept import Counts
from tests.benchmarks.statistics.populations import layout

SEED = 5
CLUSTER = 4
"""The mean size of clusters."""


@dataclass(frozen=True)
class Cell:
    """A world, by name, and the number of items of its data sets."""

    world: str
    n: int

    def __str__(self) -> str:
        return f"{self.world}, n = {self.n}"

    @property
    def of(self) -> World:
        """The world itself."""
        return worlds()[self.world]


@dataclass(frozen=True)
class Block:
    """Some data sets of a cell, and the trials that are wanted of them, in words."""

    cell: Cell
    start: int
    stop: int
    figures: tuple[str, ...]


def drawn(cell: Cell, number: int) -> Asked:
    """One data set of a cell in codes; its random numbers are its own."""
    world = cell.of
    rng = np.random.default_rng([SEED, zlib.crc32(str(cell).encode()), number])
    return world.population.draw(rng, layout(cell.n, size=CLUSTER), world.judges, world.asks)


def compared(cell: Cell, numbers: range, trials: tuple[Trial, ...]) -> Iterator[tuple[Trial, Upgrade]]:
    """What comes of each trial on each data set of those numbers."""
    world = cell.of
    made = Made(world.population, layout(cell.n, size=CLUSTER))
    for number in numbers:
        asked, judged = drawn(cell, number), dict[tuple[str, int], Judgements]()
        for trial in trials:
            for name in (OLD, trial.judge):
                if (name, trial.asks) not in judged:
                    judged[name, trial.asks] = made.judgements(asked, name, asks=trial.asks)
            both = (judged[name, trial.asks] for name in (trial.judge, OLD))
            yield trial, compare([trial.comparison], *both, slices=world.slices)


def count(block: Block) -> tuple[Block, dict[str, Counts]]:
    """The counts of a block's trials, by their words; in a process of its own."""
    trials = tuple(trial for trial in block.cell.of.trials if str(trial) in block.figures)
    counts: dict[str, Counts] = {str(trial): Counter() for trial in trials}
    try:
        for trial, upgrade in compared(block.cell, range(block.start, block.stop), trials):
            _count(counts[str(trial)], upgrade)
    except Exception as error:
        raise RuntimeError(f"{block.cell}, data sets {block.start} to {block.stop}: {error!r}") from error
    return block, counts


def _count(counts: Counts, upgrade: Upgrade) -> None:
    """The whole is the first of those compared, its slices follow."""
    whole = upgrade.compared[0]
    difference = whole.estimates.difference
    counts["sets"] += 1
    counts[str(whole.outcome)] += 1
    counts["regressed"] += whole.regressed
    counts["flagged"] += bool(upgrade.regressed)
    counts["slices"] += len(upgrade.compared) - 1
    if difference.value is not None:
        counts["value"] += float(difference.value)  # type: ignore[assignment]
        counts["square"] += float(difference.value) ** 2  # type: ignore[assignment]
    if difference.counted.reason:
        counts[f"reason: {difference.counted.reason}"] += 1
