"""The claims on data sets of one size, drawn, judged and decided by the public checks."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_mllm_judge.claims.deciding import Outcome
from tests.benchmarks.kept import Counts
from tests.benchmarks.probes.asked import FAIR, DataSet
from tests.benchmarks.probes.claimed import claims
from tests.benchmarks.probes.faults import Judge, remembering
from tests.benchmarks.probes.sizes import Truth

Truths = Mapping[str, Truth]
"""By check."""
ALIKE = "alike"
"""Counted where all that a check reads is as the fair judge has it."""


@dataclass(frozen=True, order=True)
class Trial:
    """A check's claim about a judge."""

    check: str
    fault: str = ""
    size: float = 0.0

    @property
    def judge(self) -> Judge:
        """Who is asked."""
        return Judge(self.fault, self.size)

    def __str__(self) -> str:
        return f"{self.check}, {self.fault or 'no fault'} {self.size:.6f}"


@dataclass(frozen=True)
class Cell:
    """So many items in a data set."""

    n: int

    def __str__(self) -> str:
        return f"n = {self.n}"


@dataclass(frozen=True)
class Block:
    """Some data sets of a cell, and what is claimed of them; `figures` are the trials in words."""

    cell: Cell
    start: int
    stop: int
    trials: tuple[Trial, ...]

    @property
    def figures(self) -> tuple[str, ...]:
        """The trials in words."""
        return tuple(map(str, self.trials))


def count(block: Block, *, truths: Truths) -> tuple[Block, dict[str, Counts]]:
    """The counts of a block's trials, by their words; in a process of its own."""
    counts: dict[str, Counts] = {name: Counter() for name in block.figures}
    gc.disable()  # a fourth of the time: a data set is many objects, and none goes before it is done
    for number in range(block.start, block.stop):
        try:
            for trial, outcome, alike in decided(number, block, truths):
                counts[str(trial)].update([outcome, "sets", *([ALIKE] if alike else [])])
        except Exception as error:
            raise RuntimeError(f"{block.cell}, data set {number}: {error!r}") from error
        gc.collect()
    return block, counts


def decided(number: int, block: Block, truths: Truths) -> Iterator[tuple[Trial, Outcome, bool]]:
    """The outcome of each trial on one data set, and whether the check reads the same as of a fair judge."""
    data, known, n = DataSet(number), claims(), block.cell.n
    of_fair: dict[str, Outcome] = {}
    with remembering():
        for trial in sorted(block.trials, key=lambda trial: (trial.fault, trial.size)):
            claimed = known[trial.check]
            judgements = data.judgements(trial.judge, claimed.asks, n)
            fair = data.judgements(FAIR, claimed.asks, n)
            alike = trial.judge != FAIR and judgements is fair
            if alike and trial.check in of_fair:
                yield trial, of_fair[trial.check], True
                continue
            outcome = claimed.claim(claimed.estimate(judgements), truths[trial.check].fair).outcome
            if trial.judge == FAIR:
                of_fair[trial.check] = outcome
            yield trial, outcome, alike
