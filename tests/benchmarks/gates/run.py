"""Error rates of the upgrade gates, on data sets whose truth is known, beside others' gates.

    python -m tests.benchmarks.gates.run [--data-sets N] [--only NAME] [--jobs K] [--peers PYTHON] [--write]

Draws data sets (`worlds`), makes judgements of them, and compares the judges by the function that the
upgrade cases call. Prints Markdown tables; `--write` puts them into docs/gates-simulation.md. Every block of
data sets is kept in a folder (`--cache`), so that an interrupted run goes on where it was; `--kept` prints
what is there so far. `--peers` names the Python of an environment with others' gates (`peers`); without it
their table holds what is kept.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest_mllm_judge
from tests.benchmarks.gates import beside, cells, report
from tests.benchmarks.gates.beside import PEERS
from tests.benchmarks.gates.cells import CLUSTER, SEED, Block, Cell
from tests.benchmarks.gates.populations import NOISE
from tests.benchmarks.gates.worlds import LOSSES, guesses_for, old_distance, worlds
from tests.benchmarks.kept import Counts, Kept, digest_of, run
from tests.benchmarks.pages import write_between

PROJECT = Path(__file__).resolve().parents[3]
PAGE = PROJECT / "docs" / "gates-simulation.md"
CACHE = PROJECT / "build" / "gates"
BEGIN, END = "<!-- simulation: begin -->\n", "<!-- simulation: end -->\n"
COUNTED = ("claims", "metrics", "model", "statistics")
"""The parts of the package that results depend on."""
BLOCK, FEWER = 250, 500
"""How many data sets a block has, and how many of a cell others' gates are asked about."""
PRINTING = ("report", "run", "test_worlds")


def blocks(data_sets: int, only: Sequence[str]) -> Iterator[Block]:
    """Every cell's data sets in blocks, one of each cell in turn, so that all have about as many done."""
    for start in range(0, data_sets, BLOCK):
        for world in worlds().values():
            most = data_sets if world.many else min(FEWER, data_sets)
            for n in world.sizes if start < most else ():
                cell, stop = Cell(world.name, n), min(start + BLOCK, most)
                figures = tuple(str(trial) for trial in world.trials)
                if not only or any(name in str(cell) for name in only):
                    yield Block(cell, start, stop, figures)
                    if not world.many:
                        yield Block(cell, start, stop, (PEERS,))


def count(block: Block, *, python: str | None) -> tuple[Block, dict[str, Counts]]:
    """The counts of a block; in a process of its own."""
    if block.figures == (PEERS,):
        assert python is not None
        return block, {PEERS: beside.count(block, python)}
    return cells.count(block)


def lacking(kept: Kept, some: Sequence[Block], *, peers: bool) -> list[Block]:
    """The blocks that have to be counted, with the trials that are not kept."""
    return [
        Block(block.cell, block.start, block.stop, figures)
        for block in some
        if (figures := kept.lacks(block)) and (peers or block.figures != (PEERS,))
    ]


def code() -> str:
    """A digest of the code that results come from."""
    package, here = Path(str(pytest_mllm_judge.__file__)).parent, Path(__file__).parent
    files = [file for part in COUNTED for file in (package / part).rglob("*.py")]
    return digest_of([*files, *(file for file in here.glob("*.py") if file.stem not in PRINTING)])


def gathered(kept: Kept, some: Sequence[Block]) -> report.Results:
    """The counts of all blocks, by cell and trial."""
    results: dict[tuple[Cell, str], Counts] = {}
    for block in some:
        for name, counts in kept.read(block).items():
            results.setdefault((block.cell, name), Counter()).update(counts)
    return results


def page(results: report.Results, *, codes: int) -> list[str]:
    """What is printed and written."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("pytest-mllm-judge", "numpy", "scipy"))
    mixed = f" They come from {codes} versions of the code." if codes > 1 else ""
    many = [counts["sets"] for (cell, _), counts in results.items() if cell.of.many] or [0]
    sets = f"{min(many):,}" if min(many) == max(many) else f"{min(many):,} to {max(many):,}"
    distance, error = old_distance()
    return [
        f"{sets} data sets a cell, seed {SEED}, clusters of {CLUSTER} items on average, two asks of a judge "
        f"differ with probability {NOISE:g}, {versions}.{mixed}",
        "",
        f"The old judge's distance is {distance:.5f} ± {error:.5f}, so that its losses of "
        f"{' and '.join(f'{loss:g}' for loss in LOSSES[1:])} are known to within "
        f"{' and '.join(f'{guesses_for(loss) * error:.6f}' for loss in LOSSES[1:])}; all others are exact.",
        "",
        report.itself(),
        "",
        *report.tables(results),
        "",
        *report.peers_table(results),
    ]


def main() -> None:
    """Count what is not kept, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-sets", type=int, default=10_000, metavar="N", help="of each cell")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help='"pairs, sliced", "n = 200"'
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="K", help="processes (default: 1)")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR")
    parser.add_argument(
        "--any-code", action="store_true", help="take what other versions of the code found, too"
    )
    parser.add_argument("--kept", action="store_true", help="count no more, print what is kept so far")
    parser.add_argument("--peers", metavar="PYTHON", help="the Python that others' gates are installed for")
    parser.add_argument("--write", action="store_true", help="put the tables into docs")
    options = parser.parse_args()
    kept = Kept(options.cache, code=code(), any_code=options.any_code)
    every = list(blocks(options.data_sets, options.only))
    if not options.kept:
        todo = lacking(kept, every, peers=options.peers is not None)
        run(kept, todo, partial(count, python=options.peers), jobs=options.jobs)
    results = gathered(kept, every)
    if not results:
        raise SystemExit(f"nothing is kept in {options.cache}")
    lines = page(results, codes=kept.codes(every))
    print("\n".join(lines))
    if options.write:
        write_between(PAGE, BEGIN, END, lines)


if __name__ == "__main__":
    main()
