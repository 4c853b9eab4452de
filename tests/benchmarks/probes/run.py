"""Error rates of the checks that probes are read by: what they find of faults of known size, and of none.

    python -m tests.benchmarks.probes.run [--data-sets N] [--only CHECK] [--jobs K] [--write]

Solves for the size of each fault (`sizes`), draws data sets, has each judge asked (`asked`), and decides each
check's claim (`claimed`). Prints Markdown tables; `--write` puts them into docs/probes-simulation.md. All is
kept in a folder (`--cache`), so that an interrupted run goes on where it was; `--kept` prints what is there.
`--peers` names the Python of an environment with others' checks (`peers`).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest_mllm_judge
from tests.benchmarks.kept import Counts, Kept, digest_of, run
from tests.benchmarks.pages import write_between
from tests.benchmarks.probes import beside, report
from tests.benchmarks.probes.cells import Block, Cell, Trial, Truths, count
from tests.benchmarks.probes.claimed import claims
from tests.benchmarks.probes.sizes import Truth, truth_of

PROJECT = Path(__file__).resolve().parents[3]
PAGE = PROJECT / "docs" / "probes-simulation.md"
CACHE = PROJECT / "build" / "probes"
BEGIN, END = "<!-- simulation: begin -->\n", "<!-- simulation: end -->\n"
COUNTED = ("claims", "metrics", "model", "statistics", "probes", "reference")
"""The parts of the package that results depend on."""
BLOCK, ITEMS = 50, 500
GRID = (50, 100, 150, 200, 300, 400, 500, 700, 1000, 1400, 2000, 3000)
"""The sizes of data sets at which a fair judge is tried until its claim holds often enough."""
FEWER = 400
"""Of how many data sets, in blocks of fewer."""
PRINTING = ("report", "run", "peers", "beside")


def code() -> str:
    """A digest of the code that results come from."""
    package, here = Path(str(pytest_mllm_judge.__file__)).parent, Path(__file__).parent
    files = [file for part in COUNTED for file in (package / part).rglob("*.py")]
    ours = [file for file in here.glob("*.py") if file.stem not in PRINTING and "test" not in file.stem]
    return digest_of([*files, *ours])


def truths(cache: Path, *, code: str, any_code: bool, only: Sequence[str], jobs: int, kept: bool) -> Truths:
    """The truth of every check, solved for where it is not kept."""
    cache.mkdir(parents=True, exist_ok=True)
    file = cache / f"truths-{code}.json"
    others = cache.glob("truths-*.json") if any_code else [file] if file.exists() else []
    known: dict[str, dict[str, object]] = {}
    for other in sorted(others, key=lambda each: (each == file, each.stat().st_mtime)):
        known |= json.loads(other.read_text(encoding="utf-8"))
    wanted = [one for one in claims().values() if chosen(one.check, only)]
    todo = [] if kept else [one for one in wanted if one.check not in known]
    with multiprocessing.Pool(jobs) as pool:
        for one, found in zip(todo, pool.imap(truth_of, todo), strict=True):
            known[one.check] = found.plain()
            file.write_text(json.dumps(known, indent=1), encoding="utf-8")
            print(f"{one.check}: {found}", file=sys.stderr)
    return {one.check: Truth.of(known[one.check]) for one in wanted if one.check in known}


def chosen(check: str, only: Sequence[str]) -> bool:
    """Whether the check was asked for."""
    return not only or any(name in check for name in only)


def own(known: Truths) -> tuple[Trial, ...]:
    """Every check without a fault, and of its own fault at the margin and at three times the margin."""
    return tuple(
        Trial(check, *fault)
        for check, truth in known.items()
        for name in [claims()[check].fault]
        for fault in ((), (name, truth.margin.size), (name, truth.three.size))
    )


def crossed(known: Truths) -> tuple[Trial, ...]:
    """Every check beside every fault at three times the margin that it was sized for."""
    return tuple(
        Trial(check, claims()[of].fault, truth.three.size) for of, truth in known.items() for check in known
    )


def blocks(some: Iterable[Trial], cell: Cell, data_sets: int, each: int = BLOCK) -> Iterator[Block]:
    """The data sets in blocks."""
    trials = tuple(sorted(set(some)))
    for start in range(0, data_sets, each):
        yield Block(cell, start, min(start + each, data_sets), trials)


def whole(known: Truths, data_sets: int, fewer: int) -> Iterator[Block]:
    """All that is counted of 500 items: each check's own fault, and of fewer data sets every check's."""
    yield from blocks((*own(known), *crossed(known)), Cell(ITEMS), fewer)
    for block in blocks(own(known), Cell(ITEMS), data_sets):
        if block.start >= fewer:
            yield block


def counted(kept: Kept, every: Sequence[Block], known: Truths, *, jobs: int) -> None:
    """Count what is not kept."""
    todo = []
    for block in every:
        if lacks := set(kept.lacks(block)):
            some = tuple(trial for trial in block.trials if str(trial) in lacks)
            todo.append(Block(block.cell, block.start, block.stop, some))
    if todo:
        run(kept, todo, partial(count, truths=known), jobs=jobs)


def gathered(kept: Kept, every: Sequence[Block]) -> dict[str, Counts]:
    """The counts of all blocks, by trial."""
    found: dict[str, Counts] = {}
    for block in every:
        for name, counts in kept.read(block).items():
            found.setdefault(name, Counter()).update(counts)
    return found


def sizes(kept: Kept, known: Truths, results: report.Results, *, jobs: int, count_more: bool) -> report.Sizes:
    """For each check how often a fair judge's claim holds, by n; up to the first n at which it does so often.

    Every check goes up the grid from what is known of it already, or down.
    """
    found: dict[str, dict[int, float]] = {
        check: {ITEMS: report.share(counts, "holds")}
        for check in known
        if (counts := results.get(str(Trial(check))))
    }
    todo = _next(found)
    while todo:
        for n in sorted(set(todo.values())):
            some = [Trial(check) for check, size in todo.items() if size == n]
            every = list(blocks(some, Cell(n), FEWER, each=FEWER // 4))
            if count_more:
                counted(kept, every, known, jobs=jobs)
            for name, counts in gathered(kept, every).items():
                found[name.partition(",")[0]][n] = report.share(counts, "holds")
        before, todo = todo, _next(found)
        if todo == before:  # nothing more is kept
            break
    return found


def _next(found: Mapping[str, Mapping[int, float]]) -> dict[str, int]:
    """At how many items each check is to be tried next, as far as any is."""
    sizes = {check: report.next_size(some, GRID) for check, some in found.items()}
    return {check: n for check, n in sizes.items() if n is not None}


def others(file: Path, *, python: str | None) -> list[str]:
    """Others' checks beside ours: asked if a Python is named, else what is kept."""
    if python is not None:
        file.write_text("\n".join(["", *beside.table(python)]), encoding="utf-8")
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def main() -> None:
    """Count what is not kept, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data-sets", type=int, default=4_000, metavar="N", help="of each cell")
    parser.add_argument(
        "--only", action="append", default=[], metavar="CHECK", help="score.length, grounding"
    )
    parser.add_argument(
        "--crossed", type=int, default=4_000, metavar="N", help="of each check beside others' faults"
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="K", help="processes (default: 1)")
    parser.add_argument("--cache", type=Path, default=CACHE, metavar="DIR")
    parser.add_argument("--any-code", action="store_true", help="take what other versions of the code found")
    parser.add_argument("--kept", action="store_true", help="count no more, print what is kept so far")
    parser.add_argument("--peers", metavar="PYTHON", help="the Python that others' checks are installed for")
    parser.add_argument("--write", action="store_true", help="put the tables into docs")
    options = parser.parse_args()
    known = truths(
        options.cache,
        code=code(),
        any_code=options.any_code,
        only=options.only,
        jobs=options.jobs,
        kept=options.kept,
    )
    kept = Kept(options.cache, code=code(), any_code=options.any_code)
    every = list(whole(known, options.data_sets, min(options.crossed, options.data_sets)))
    if not options.kept:
        counted(kept, every, known, jobs=options.jobs)
    results = gathered(kept, every)
    by_size = sizes(kept, known, results, jobs=options.jobs, count_more=not options.kept)
    peers = others(options.cache / "peers.md", python=None if options.kept else options.peers)
    lines = report.page(results, known, by_size, codes=kept.codes(every))
    lines += peers
    print("\n".join(lines))
    if options.write:
        write_between(PAGE, BEGIN, END, lines)


if __name__ == "__main__":
    main()
