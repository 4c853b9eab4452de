"""The counts of all cells, as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy.special import ndtr, ndtri

from pytest_mllm_judge.metrics.upgrade import compare
from tests.benchmarks.gates.beside import PEERS
from tests.benchmarks.gates.cells import CLUSTER, Cell, drawn
from tests.benchmarks.gates.made import Made
from tests.benchmarks.gates.peers import TOOLS
from tests.benchmarks.gates.populations import OLD
from tests.benchmarks.gates.worlds import CONFIDENCE, MARGIN, SIZES, Trial, World, worlds
from tests.benchmarks.kept import Counts
from tests.benchmarks.statistics.populations import layout

Results = Mapping[tuple[Cell, str], Counts]
"""The counts of each trial in each cell, by the trial's words."""

AIMS = {"pair.accuracy": 0.055, "batch.distance": 0.06}
"""The most that a gate may err in a check; OTHERS in any other."""
OTHERS, TWICE, FLAGGED = 0.065, 0.005, 0.055
"""And the most that an accuracy loss of twice the margin may pass, and any of many slices be flagged."""
COLUMNS = ("check", "n", "true loss", "holds", "undecided", "fails", "regressed", "best possible", "misses")


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of data sets, and the most that it may be."""

    what: str
    count: int
    of: int
    most: float

    @property
    def misses(self) -> bool:
        """Whether it is more, as it is, without allowance for simulation error."""
        return self.count / self.of > self.most

    @property
    def beyond(self) -> float:
        """By how many simulation errors of the most allowed."""
        return (self.count / self.of - self.most) / math.sqrt(self.most * (1 - self.most) / self.of)

    def __str__(self) -> str:
        far = " (by more than two simulation errors)" if self.beyond > 2 else ""
        return f"{self.what} in {self.count / self.of:.4f}, at most {self.most:g}{far}"


def tables(results: Results) -> Iterator[str]:
    """Every table, then what misses its aim."""
    missed: list[str] = []
    aimed = 0
    for world in worlds().values():
        found = {cell: world for cell, _ in results if cell.world == world.name}
        if not found or not world.many:
            continue
        yield from (f"### {world.name[0].upper()}{world.name[1:]}", "", _about(world), "")
        yield f"| {' | '.join(COLUMNS)} |"
        yield "|---|" + "--:|" * (len(COLUMNS) - 2) + "---|"
        for cell, trial, counts in _rows(world, results):
            rates = list(_rates(world, trial, counts))
            aimed += len(rates)
            missed += [
                f"- {world.name}, {trial.check}, n = {cell.n}: {rate}" for rate in rates if rate.misses
            ]
            yield _row(cell, trial, counts, rates)
        yield ""
        if world.slices:
            yield from (*_sliced(world, results), "")
    yield f"{len(missed)} of {aimed} aims are missed."
    yield from ("", *missed) if missed else ()


def least_margin(n: int) -> float:
    """The smallest margin that a judge shows against itself, on so many pairs."""
    world = worlds()["pairs"]
    made = Made(world.population, layout(n, size=CLUSTER))
    judgements = made.judgements(drawn(Cell(world.name, n), 0), OLD, asks=1)
    claim = compare([world.trials[0].comparison], judgements, judgements).compared[0].claim
    shown = None if claim is None else claim.would_hold()
    assert shown is not None
    return abs(shown)


def itself() -> str:
    """What the same verdicts twice show, by size."""
    shown = ", ".join(f"{least_margin(n):.4f} (n = {n})" for n in SIZES)
    return f"The smallest margin that the same verdicts, twice, show: {shown}."


def _about(world: World) -> str:
    asked = "once" if max(trial.asks for trial in world.trials) == 1 else f"{world.asks} times"
    words = world.population.about()
    return f"{words[0].upper()}{words[1:]}. Each judge is asked {asked}."


def _rows(world: World, results: Results) -> Iterator[tuple[Cell, Trial, Counts]]:
    for check in dict.fromkeys(trial.check for trial in world.trials):
        for n in world.sizes:
            for trial in world.trials:
                counts = results.get((Cell(world.name, n), str(trial)))
                if trial.check == check and counts:
                    yield Cell(world.name, n), trial, counts


def _rates(world: World, trial: Trial, counts: Counts) -> Iterator[Rate]:
    """What is held against an aim."""
    of, most = counts["sets"], AIMS.get(trial.check, OTHERS)
    if trial.loss == MARGIN:
        yield Rate(what="a loss of the margin holds", count=counts["holds"], of=of, most=most)
    elif trial.loss == 2 * MARGIN and trial.check == "pair.accuracy":
        yield Rate(what="a loss of twice the margin holds", count=counts["holds"], of=of, most=TWICE)
    elif not trial.loss:
        yield Rate(what="an equal judge fails", count=counts["fails"], of=of, most=most)
        if world.slices:
            yield Rate(what="anything is flagged", count=counts["flagged"], of=of, most=FLAGGED)
        else:
            yield Rate(what="an equal judge regressed", count=counts["regressed"], of=of, most=most)


def _row(cell: Cell, trial: Trial, counts: Counts, rates: list[Rate]) -> str:
    of = counts["sets"]
    shown = [
        f"`{trial.check}`",
        str(cell.n),
        f"{trial.loss:.2f}" if trial.loss else "0",
        *(_with_error(counts[name], of) for name in ("holds", "undecided", "fails", "regressed")),
        "" if trial.loss else f"{best_possible(counts):.3f}",
        ", ".join(f"**{rate.what}**" for rate in rates if rate.misses),
    ]
    return f"| {' | '.join(shown)} |"


def best_possible(counts: Counts) -> float:
    """How often an equal judge would pass a 5 % test that knows the standard error of the difference.

    That is taken for the standard deviation of the difference over all data sets of the cell.
    """
    of = counts["sets"]
    mean = counts["value"] / of
    error = math.sqrt((counts["square"] / of - mean**2) * of / (of - 1))
    return float(ndtr(MARGIN / error - ndtri(CONFIDENCE)))


def _sliced(world: World, results: Results) -> Iterator[str]:
    """How often any of many slices, or the whole, is flagged where none regressed."""
    yield "| n | slices | anything flagged | the same without correction, were all independent |"
    yield "|--:|--:|--:|--:|"
    for cell, _, counts in _rows(world, results):
        of = counts["sets"]
        slices = round(counts["slices"] / of)
        uncorrected = 1 - CONFIDENCE ** (slices + 1)
        yield f"| {cell.n} | {slices} | {_with_error(counts['flagged'], of)} | {uncorrected:.3f} |"


def _with_error(count: float, of: float) -> str:
    share = count / of
    return f"{share:.4f} ± {math.sqrt(share * (1 - share) / of):.4f}"


def peers_table(results: Results) -> Iterator[str]:
    """Ours and others' gates on the same data sets."""
    world = next(world for world in worlds().values() if not world.many)
    asked = {cell.n: counts for (cell, name), counts in results.items() if name == PEERS}
    sizes = [n for n in world.sizes if n in asked]
    if not sizes:
        return
    yield from ("### Others' gates", "", _about_peers(world, asked[sizes[0]]), "")
    yield "| gate | n | same judge again: alarm | equal judge: alarm | loss .05: passes | loss .10: passes |"
    yield "|---|--:|--:|--:|--:|--:|"
    for n in sizes:
        for asks in sorted({trial.asks for trial in world.trials}):
            yield _ours(world, n, asks, results)
    for tool in TOOLS:
        for n in sizes:
            yield _theirs(world, n, tool, asked[n])
    yield ""


def _about_peers(world: World, counts: Counts) -> str:
    names = sorted(key.removeprefix("version: ") for key in counts if key.startswith("version: "))
    words = world.population.about()
    return (
        f"{words[0].upper()}{words[1:]}. {counts['sets']:,} data sets a cell, the same for every gate. "
        f"Versions: {', '.join(names)}. An alarm of ours is `fails`; how often it is undecided stands behind "
        "the stroke."
    )


def _candidates(world: World, asks: int) -> list[Trial]:
    """The judge again, then by loss."""
    some = [trial for trial in world.trials if trial.asks == asks]
    return sorted(some, key=lambda trial: (not trial.again, trial.loss))


def _ours(world: World, n: int, asks: int, results: Results) -> str:
    cells = []
    for trial in _candidates(world, asks):
        counts = results[Cell(world.name, n), str(trial)]
        of = counts["sets"]
        shown = counts["holds"] if trial.loss else counts["fails"]
        cells.append(f"{shown / of:.3f} / {counts['undecided'] / of:.3f}")
    return f"| **ours**, each judge asked {asks} × | {n} | {' | '.join(cells)} |"


def _theirs(world: World, n: int, tool: str, counts: Counts) -> str:
    of, asks = counts["sets"], TOOLS[tool]
    cells = []
    for trial in _candidates(world, 1):
        alarms = counts[f"{trial.judge}: {tool}"]
        cells.append(f"{(of - alarms if trial.loss else alarms) / of:.3f}")
    return f"| {tool}, asked {asks} × | {n} | {' | '.join(cells)} |"
