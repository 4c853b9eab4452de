"""Coverage of every figure's interval, and error rates of upgrade gates, on data sets whose truth is known.

    python -m tests.benchmarks.statistics.run [--data-sets N] [--only NAME] [--jobs K] [--write]

Draws data sets from populations (`populations`), makes judgements of them, and asks the public functions for
estimates and claims. Prints Markdown tables; `--write` puts them into docs/statistics-simulation.md. Every
block of data sets is kept in a folder (`--cache`), so that an interrupted run goes on where it was; `--kept`
prints what is there so far.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pytest_mllm_judge
from tests.benchmarks.kept import Counts, Kept, digest_of, run
from tests.benchmarks.pages import write_between
from tests.benchmarks.statistics import estimands, gates, report
from tests.benchmarks.statistics.cells import (
    SEED,
    Cell,
    count_coverage,
    count_gate,
    missing,
)

PROJECT = Path(__file__).resolve().parents[3]
PAGE = PROJECT / "docs" / "statistics-simulation.md"
CACHE = PROJECT / "build" / "simulation"
BEGIN, END = "<!-- simulation: begin -->\n", "<!-- simulation: end -->\n"
COUNTED = ("claims", "metrics", "model", "statistics")
"""The parts of the package that results depend on."""
BLOCK = 500
SIZES = (50, 100, 200, 500)
CLUSTERS = (1, 4)
GATE = "gate"


@dataclass(frozen=True)
class Block:
    """Some data sets of a cell, and the figures that are wanted of them, by name."""

    cell: Cell
    start: int
    stop: int
    figures: tuple[str, ...]


def count(block: Block) -> tuple[Block, dict[str, Counts]]:
    """The counts of a block's figures; in a process of its own."""
    cell, numbers = block.cell, range(block.start, block.stop)
    try:
        if cell.table == "gates":
            return block, {GATE: count_gate(cell, numbers)}
        _, known = estimands.coverage()[cell.population]
        wanted = [estimand for estimand in known if estimand.name in block.figures]
        return block, count_coverage(cell, wanted, numbers)
    except Exception as error:
        raise RuntimeError(f"{cell}, data sets {block.start} to {block.stop}: {error!r}") from error


def cells(only: Sequence[str]) -> dict[Cell, tuple[str, ...]]:
    """Every cell with the figures wanted of it: those that one of the names occurs in, or all."""
    found: dict[Cell, list[str]] = {}
    for population, (_, known) in estimands.coverage().items():
        for estimand in known:
            if _asked(f"coverage, {population}, {estimand.name}", only):
                for size in CLUSTERS:
                    for n in SIZES:
                        found.setdefault(Cell("coverage", population, n, size), []).append(estimand.name)
    for name, gate in gates.gates().items():
        if _asked(f"gates, {name}", only):
            for size in gate.clusters:
                for n in gates.SIZES:
                    found.setdefault(Cell("gates", name, n, size), []).append(GATE)
    return {cell: tuple(names) for cell, names in found.items()}


def _asked(name: str, only: Sequence[str]) -> bool:
    return not only or any(each in name for each in only)


def check(wanted: dict[Cell, tuple[str, ...]]) -> None:
    """See that every public function that is asked for is there."""
    asked = []
    for cell, names in wanted.items():
        if cell.table == "gates":
            asked.append(gates.gates()[cell.population].estimand)
        else:
            asked += [each for each in estimands.coverage()[cell.population][1] if each.name in names]
    if absent := missing(asked):
        raise SystemExit(f"the package has no {', '.join(absent)}; say with --only what else to do")


def code() -> str:
    """A digest of the code that results come from, so that none is taken for another's."""
    here = Path(__file__).parent
    package = Path(str(pytest_mllm_judge.__file__)).parent
    files = [file for part in COUNTED for file in (package / part).rglob("*.py")]
    files += [file for file in here.glob("*.py") if file.stem not in ("report", "run", "test_populations")]
    return digest_of(files)


def blocks(wanted: dict[Cell, tuple[str, ...]], data_sets: int) -> Iterator[Block]:
    """Every cell's data sets, block by block, the quickest first."""
    for cell, figures in sorted(wanted.items(), key=lambda each: each[0].n):
        for start in range(0, data_sets, BLOCK):
            yield Block(cell, start, min(start + BLOCK, data_sets), figures)


def lacking(kept: Kept, some: Sequence[Block]) -> list[Block]:
    """The blocks that have to be counted, with the figures that are not kept."""
    return [
        Block(block.cell, block.start, block.stop, figures)
        for block in some
        if (figures := kept.lacks(block))
    ]


def gathered(kept: Kept, some: Sequence[Block]) -> report.Results:
    """The counts of all blocks, by cell and figure, cells of fewer items first."""
    results: dict[tuple[Cell, str], Counts] = {}
    for block in some:
        for name, counts in kept.read(block).items():
            results.setdefault((block.cell, name), Counter()).update(counts)
    return results


def page(results: report.Results, *, data_sets: int, codes: int) -> list[str]:
    """What is printed and written."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("pytest-mllm-judge", "numpy", "scipy"))
    mixed = f" They come from {codes} versions of the code." if codes > 1 else ""
    fewest = min((counts["sets"] for counts in results.values()), default=0)
    sets = f"{data_sets:,}" if fewest == data_sets else f"{fewest:,} to {data_sets:,}"
    return [
        f"{sets} data sets a cell, seed {SEED}, {versions}.{mixed}",
        "",
        "## Coverage",
        "",
        *report.coverage(results),
        "## Gates",
        "",
        *report.gate_tables(results),
    ]


def main() -> None:
    """Count what is not kept, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-sets", type=int, default=10_000, metavar="N", help="of each cell")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help='"pearson", "gates, kappa"'
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="K", help="processes (default: 2)")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR")
    parser.add_argument(
        "--any-code", action="store_true", help="take what other versions of the code found, too"
    )
    parser.add_argument("--kept", action="store_true", help="count no more, print what is kept so far")
    parser.add_argument("--write", action="store_true", help="put the tables into docs")
    options = parser.parse_args()
    wanted = cells(options.only)
    check(wanted)
    for cell, names in wanted.items():  # before processes are made, which inherit what is computed once
        for estimand in estimands.coverage().get(cell.population, (None, ()))[1]:
            if cell.table == "coverage" and estimand.name in names:
                estimands.truth(cell.population, estimand)
    kept = Kept(options.cache, code=code(), any_code=options.any_code)
    every = list(blocks(wanted, options.data_sets))
    if not options.kept:
        run(kept, lacking(kept, every), count, jobs=options.jobs)
    lines = page(gathered(kept, every), data_sets=options.data_sets, codes=kept.codes(every))
    print("\n".join(lines))
    if options.write:
        write_between(PAGE, BEGIN, END, lines)


if __name__ == "__main__":
    main()
