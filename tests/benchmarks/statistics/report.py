"""The counts of all cells, as Markdown."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.benchmarks.kept import Counts
from tests.benchmarks.statistics import estimands, gates
from tests.benchmarks.statistics.cells import Cell
from tests.benchmarks.statistics.estimands import Estimand
from tests.benchmarks.statistics.gates import Gate

Results = Mapping[tuple[Cell, str], Counts]
"""The counts of each figure in each cell, by the figure's name."""

MOST, ONE_SIDE, FALSE_PASS = 0.98, 0.075, 0.055
"""The most that a 95 % interval may cover, the most that one side of 5 % may miss, the most false passes."""
ALWAYS_FROM = 100
COLUMNS = (
    "figure",
    "truth",
    "n",
    "clusters of",
    "coverage",
    "±",
    "lower error",
    "upper error",
    "without",
    "width",
    "misses",
)
FEW_DISCORDANT = 5
JUDGED_FROM = 0.01
"""The share of data sets that must have an interval for their coverage to be held against an aim: fewer are
those few that chance brought over a rule, and too few to count."""


@dataclass(frozen=True, kw_only=True)
class Miss:
    """A cell that misses an aim: what of it, and by how many simulation errors."""

    cell: Cell
    figure: str
    what: str
    beyond: float

    def __str__(self) -> str:
        cell = self.cell
        return f"{cell.population}, {self.figure}, n = {cell.n}, clusters of {cell.size}: {self.what}"


def coverage(results: Results) -> Iterator[str]:
    """A table for each population, what misses, and why there was no interval."""
    found: list[Miss] = []
    for name, (population, wanted) in estimands.coverage().items():
        cells = [
            (cell, figure) for cell, figure in results if (cell.table, cell.population) == ("coverage", name)
        ]
        if not cells:
            continue
        yield from (f"### {name}", "", f"{_sentence(population.about())}.", "")
        yield f"| {' | '.join(COLUMNS)} |"
        yield "|---" + "|--:" * (len(COLUMNS) - 2) + "|---|"
        for estimand in wanted:
            for cell, figure in sorted(cells, key=lambda each: (each[0].size, each[0].n)):
                if figure == estimand.name:
                    counts = results[cell, figure]
                    misses = list(_misses(cell, estimand, counts))
                    found += misses
                    yield _row(cell, estimand, counts, misses)
        yield ""
    yield from _ending(found, sum(cell.table == "coverage" for cell, _ in results))
    yield from _reasons(results)


def _row(cell: Cell, estimand: Estimand, counts: Counts, misses: list[Miss]) -> str:
    truth, n = estimands.truth(cell.population, estimand), counts["decided"]
    shown = [
        estimand.name,
        f"{truth.value:.4f}" + (f" ± {truth.error:.4f}" if truth.error else ""),
        str(cell.n),
        str(cell.size),
        _share(counts["covered"], n),
        f"{_error(counts['covered'], n):.4f}" if n else "-",
        _share(counts["below"], counts["decided, one-sided"]),
        _share(counts["above"], counts["decided, one-sided"]),
        f"{1 - n / counts['sets']:.4f}",
        f"{counts['width'] / n:.3f}" if n else "-",
        ", ".join(f"**{miss.what.partition(' ')[0]}**" for miss in misses),
    ]
    return f"| {' | '.join(shown)} |"


def _misses(cell: Cell, estimand: Estimand, counts: Counts) -> Iterator[Miss]:
    """The aims that a cell misses, compared as they are, without allowance for simulation error."""
    decided, sided = counts["decided"], counts["decided, one-sided"]
    few = estimand.tango and counts["discordant"] / counts["sets"] < FEW_DISCORDANT
    aims = [("coverage", counts["covered"], decided, estimand.least, -1)]
    if not (estimand.exact or few):
        aims.append(("coverage", counts["covered"], decided, MOST, 1))
    aims.append(("lower error", counts["below"], sided, ONE_SIDE, 1))
    aims.append(("upper error", counts["above"], sided, ONE_SIDE, 1))
    for what, count, of, limit, side in aims:
        beyond = side * (count / of - limit) if of >= JUDGED_FROM * counts["sets"] else 0.0
        if beyond > 0:
            error = math.sqrt(limit * (1 - limit) / of)
            yield Miss(
                cell=cell, figure=estimand.name, what=f"{what} {count / of:.4f}", beyond=beyond / error
            )
    without = counts["sets"] - decided
    if estimand.always and cell.n >= ALWAYS_FROM and without:
        what = f"without interval {without} of {counts['sets']}"
        yield Miss(cell=cell, figure=estimand.name, what=what, beyond=math.inf)


def _ending(found: list[Miss], cells: int) -> Iterator[str]:
    missed = {(miss.cell, miss.figure) for miss in found}
    surely = {(miss.cell, miss.figure) for miss in found if miss.beyond > 2}
    by = "by more than two simulation errors"
    yield f"{len(missed)} of {cells} cells miss an aim, {len(surely)} of them {by}."
    yield ""
    for miss in sorted(found, key=lambda miss: -miss.beyond):
        yield f"- {miss}{' (beyond two simulation errors)' if miss.beyond > 2 else ''}"
    if found:
        yield ""


def _by_reason(counts: Counts) -> Counts:
    """How many data sets had no interval for each reason, whatever numbers it names."""
    found: Counts = Counter()
    for key, number in counts.items():
        if key.startswith("reason: "):
            found[re.sub(r"\d+(\.\d+)?", "#", key.removeprefix("reason: "))] += number
    return found


def _reasons(results: Results) -> Iterator[str]:
    """Why there was no interval, of which figures, in what share of a cell's data sets at most."""
    most: dict[str, float] = defaultdict(float)
    figures: dict[str, set[str]] = defaultdict(set)
    for (cell, figure), counts in results.items():
        if cell.table == "coverage":
            for reason, number in _by_reason(counts).items():
                most[reason] = max(most[reason], number / counts["sets"])
                figures[reason].add(f"{figure} ({cell.population})")
    yield from (
        "### Why there was no interval",
        "",
        "| reason | largest share of a cell | figures |",
        "|---|--:|---|",
    )
    for reason in sorted(most):
        names = ", ".join(sorted(figures[reason]))
        yield f"| {reason or '(none given)'} | {most[reason]:.4f} | {names} |"
    yield ""


POINTS = {
    "threshold": "by points: new ≥ {threshold:.3g}",
    "no worse": "by points: new ≥ old",
    "margin": "by points: new ≥ old − {margin:g}",
}


def gate_tables(results: Results) -> Iterator[str]:
    """A table for each figure, and the cells where a loss equal to the margin passes too often."""
    by_title: dict[str, list[Gate]] = defaultdict(list)
    for gate in gates.gates().values():
        by_title[gate.title].append(gate)
    found: list[str] = []
    aimed = 0
    for title, some in by_title.items():
        names = {gate.population.name for gate in some}
        cells = {
            (cell.population, cell.n, cell.size): counts
            for (cell, _), counts in results.items()
            if cell.table == "gates" and cell.population in names
        }
        if not cells:
            continue
        yield from (
            f"### {title}",
            "",
            *(f"- loss {gate.loss:g}: {gate.population.about()}" for gate in some),
        )
        yield from ("", *_gate_table(some, cells), "")
        at_margin = {gate.population.name for gate in some if gate.loss == gate.margin}
        aimed += sum(name in at_margin for name, _, _ in cells)
        found += _false_passes(title, {key: cells[key] for key in cells if key[0] in at_margin})
    yield f"In {len(found)} of {aimed} cells a loss equal to the margin holds in more than {FALSE_PASS:.1%}."
    yield ""
    yield from (*found, "") if found else ()


def _false_passes(title: str, cells: Mapping[tuple[str, int, int], Counts]) -> Iterator[str]:
    for (_, n, size), counts in cells.items():
        holds, sets = counts["holds"], counts["sets"]
        if holds / sets > FALSE_PASS:
            shown = f"{holds / sets:.4f} ± {_error(holds, sets):.4f}"
            yield f"- {title}, n = {n}, clusters of {size}: {shown}"


def _gate_table(some: list[Gate], cells: Mapping[tuple[str, int, int], Counts]) -> Iterator[str]:
    sizes = sorted({n for _, n, _ in cells})
    yield "| decision | loss | clusters of | " + " | ".join(f"n = {n}" for n in sizes) + " |"
    yield "|---|--:|--:|" + "--:|" * len(sizes)
    for size in sorted({size for _, _, size in cells}):
        for gate in some:
            across = [cells.get((gate.population.name, n, size)) for n in sizes]
            if not any(across):
                continue
            yield _gate_row("paired claim: holds / undecided / fails", gate, size, map(_outcomes, across))
            for key, words in POINTS.items():
                shown = words.format(threshold=gate.old - gate.margin, margin=gate.margin)
                if gate.lower_is_better:
                    shown = words.replace("≥", "≤").replace("−", "+")
                    shown = shown.format(threshold=gate.old + gate.margin, margin=gate.margin)
                shares = (_share(counts[key], counts["sets"]) if counts else "" for counts in across)
                yield _gate_row(shown, gate, size, shares)


def _gate_row(decision: str, gate: Gate, size: int, shown: Iterator[str]) -> str:
    return f"| {decision} | {gate.loss:g} | {size} | {' | '.join(shown)} |"


def _outcomes(counts: Counts | None) -> str:
    if not counts:
        return ""
    return " / ".join(f"{counts[name] / counts['sets']:.3f}" for name in ("holds", "undecided", "fails"))


def _share(count: float, of: float) -> str:
    return f"{count / of:.4f}" if of else "-"


def _error(count: float, of: float) -> float:
    """The standard error of a share of data sets."""
    share = count / of
    return math.sqrt(share * (1 - share) / of)


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
