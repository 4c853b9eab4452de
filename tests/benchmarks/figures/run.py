"""What the figures with their intervals cost, and what a bootstrap would.

    python -m tests.benchmarks.figures.run [--items N ...] [--runs K] [--write]

Calls every built-in check on made-up judgements of its task, from judgements that nothing was read of yet to
the interval: with every item a cluster of its own, with clusters of 4, and with problems among the verdicts.
Then Pearson's interval beside that of scipy.stats.bootstrap on the same scores. Imports are made before.
Prints medians as Markdown; `--write` puts them into docs/speed.md.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from pytest_mllm_judge.metrics import CHECKS, Check, agreement
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.statistics import pearson
from pytest_mllm_judge.statistics.jackknife import Array
from tests.benchmarks.collection.run import machine
from tests.benchmarks.figures.made import WORLDS, World, clustered, made
from tests.benchmarks.pages import write_between

PAGE = Path(__file__).resolve().parents[3] / "docs" / "speed.md"
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"
PROBLEMS = 0.02
NOT_MEASURED = (
    *("coherence.", "consistency.", "cost.", "hallucination.", "latency.", "reviews."),
    *("score.advantage", "pair.advantage", "batch.advantage"),
    *("pair.position", "pair.length", "pair.self_", "score.length", "score.self_"),
    *("attack.", "grounding.", "length.", "position.", "robustness.", "batch.position", "batch.echo"),
)
"""Figures of more than a verdict and a label: repeats, variants, prices and times, several annotators."""
BUSY = 1.2
"""Above this ratio of the clock to the processor the machine had other work."""
RESAMPLES, BATCH, CONFIDENCE = 10_000, 200, 0.95


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How items are gathered, and the share of verdicts that are problems."""

    title: str
    cluster: int
    problems: float = 0.0


KINDS = (
    Kind(title="each its own cluster", cluster=1),
    Kind(title="clusters of 4", cluster=4),
    Kind(title=f"clusters of 4, {PROBLEMS:.0%} problems", cluster=4, problems=PROBLEMS),
)
Times = dict[str, float]
"""Seconds by the check's name; those of the processor, for all checks, by `CPU`."""
CPU = "processor"
Found = dict[tuple[str, str], list[Times]]
"""By world and kind, one for each run."""


def checks_of(world: World) -> list[Check]:
    """The checks that are measured on this world, each in one world only."""
    every = [check for check in CHECKS.values() if not check.name.startswith(NOT_MEASURED)]
    suited = [check for check in every if check.task == world.task and check.suits(world.tasks)]
    if len(world.labels) == 2:
        return [check for check in suited if check.scale == "two points"]
    any_task = [check for check in every if check.task is None] if world is WORLDS[0] else []
    return suited + any_task


def timed(world: World, judgements: Judgements) -> Times:
    """Every check once, on judgements that they share as a benchmark's gates do."""
    times: Times = {}
    began = time.process_time()
    for check in checks_of(world):
        start = time.perf_counter()
        found = check(judgements)
        times[check.name] = time.perf_counter() - start
        if found.counted.reason or found.low is None:
            raise SystemExit(f"{check.name} has no interval: {found.counted.reason}")
    return times | {CPU: time.process_time() - began}


def measure(items: int, runs: int) -> Found:
    """The times of all checks; kinds take turns."""
    found: Found = {}
    for world in WORLDS:
        by_share = {kind.problems: made(world, items, problems=kind.problems) for kind in KINDS}
        for _ in range(runs):
            for kind in KINDS:
                fresh = clustered(by_share[kind.problems], world, size=kind.cluster)
                found.setdefault((world.title, kind.title), []).append(timed(world, fresh))
    return found


def wall(times: Times) -> float:
    """All checks' seconds by the clock."""
    return sum(spent for name, spent in times.items() if name != CPU)


def processor(times: Times) -> float:
    """All checks' seconds of the processor."""
    return times[CPU]


def table(by_items: dict[int, Found]) -> Iterator[str]:
    """Seconds of all checks of each world, and of all worlds."""
    columns = [(items, kind) for items in by_items for kind in KINDS]
    titles = [f"{items:,} items, {kind.title}" for items, kind in columns]
    yield f"| checks | how many | {' | '.join(titles)} |"
    yield "|---|--:|" + "--:|" * len(columns)
    for world in WORLDS:
        runs = [by_items[items][world.title, kind.title] for items, kind in columns]
        cells = [f"{statistics.median(map(wall, times)):.3f}" for times in runs]
        yield f"| {world.title} | {len(checks_of(world))} | {' | '.join(cells)} |"
    number = sum(len(checks_of(world)) for world in WORLDS)
    for what, seconds in (("together", wall), ("seconds of the processor", processor)):
        cells = [f"**{together(by_items[items], kind, seconds):.2f}**" for items, kind in columns]
        yield f"| {what} | {number} | {' | '.join(cells)} |"


def together(found: Found, kind: Kind, seconds: Callable[[Times], float]) -> float:
    """The median over runs of the seconds of every check."""
    runs = zip(*(found[world.title, kind.title] for world in WORLDS), strict=True)
    return statistics.median(sum(map(seconds, run)) for run in runs)


def findings(by_items: dict[int, Found]) -> Iterator[str]:
    """What the table says of the aims, and of the machine."""
    plain = KINDS[0]
    spent = {items: together(found, plain, processor) for items, found in by_items.items()}
    clock = {items: together(found, plain, wall) for items, found in by_items.items()}
    said = (f"{seconds:.2f} s of the processor on {items:,} items" for items, seconds in spent.items())
    yield f"All checks together, each item its own cluster: {', '.join(said)}."
    busy = max(clock[items] / spent[items] for items in spent)
    if busy > BUSY:
        yield f"The machine had other work too: by the clock it took up to {busy:.1f} times as long."


def slowest(found: Found, kind: Kind, *, most: int = 3) -> str:
    """The checks that take longest; the first of a task reads what all of them share."""
    names: dict[str, float] = {}
    for world in WORLDS:
        runs = found[world.title, kind.title]
        names |= {name: statistics.median(times[name] for times in runs) for name in runs[0] if name != CPU}
    worst = sorted(names, key=names.__getitem__, reverse=True)[:most]
    return ", ".join(f"`{name}` {names[name]:.3f} s" for name in worst)


def median_of(runs: int, call: Callable[[], object]) -> float:
    """The median seconds of a call."""
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def pearson_of(x: Array, y: Array, axis: int = -1) -> Array:
    """Pearson's r along an axis: what scipy's bootstrap is given."""
    x, y = (some - some.mean(axis=axis, keepdims=True) for some in (x, y))
    products = (x * y).sum(axis=axis)
    return np.asarray(products / np.sqrt((x * x).sum(axis=axis) * (y * y).sum(axis=axis)))


def beside_bootstrap(items: int, runs: int) -> Iterator[str]:
    """Our Pearson interval beside scipy's, on the same scores."""
    judgements: list[Judgement] = made(WORLDS[0], items)
    human = [float(judgement.item.human[0]) for judgement in judgements]  # type: ignore[index, arg-type]
    judge = [float(judgement.verdict) for judgement in judgements]  # type: ignore[arg-type]
    names = [judgement.item.id for judgement in judgements]
    x, y = np.array(human), np.array(judge)

    def scipys() -> object:
        return stats.bootstrap(
            (x, y),
            pearson_of,
            paired=True,
            vectorized=True,
            method="BCa",
            n_resamples=RESAMPLES,
            batch=BATCH,
            confidence_level=2 * CONFIDENCE - 1,
            rng=np.random.default_rng(0),
        )

    ours = pearson(judge, human, names, confidence=CONFIDENCE)
    theirs = scipys().confidence_interval  # type: ignore[attr-defined]
    slow = median_of(runs, scipys)
    quick = median_of(runs, lambda: pearson(judge, human, names, confidence=CONFIDENCE))
    whole = median_of(runs, lambda: agreement.pearson(clustered(judgements, WORLDS[0], size=1)))
    read = clustered(judgements, WORLDS[0], size=1)
    agreement.accuracy(read)
    again = median_of(runs, lambda: agreement.pearson(read))
    yield "| Pearson's r with its 90 % interval | interval | seconds | × ours |"
    yield "|---|---|--:|--:|"
    yield f"| `statistics.pearson` on the scores | {ours.low:.4f} to {ours.high:.4f} | {quick:.4f} | 1 |"
    yield (
        f"| `agreement.pearson` on judgements read before | {ours.low:.4f} to {ours.high:.4f} "
        f"| {again:.4f} | {again / quick:.0f} |"
    )
    yield (
        f"| `agreement.pearson` on judgements nothing was read of | {ours.low:.4f} to {ours.high:.4f} "
        f"| {whole:.4f} | {whole / quick:.0f} |"
    )
    yield (
        f"| `scipy.stats.bootstrap`, BCa, {RESAMPLES:,} resamples, vectorized, batch = {BATCH} "
        f"| {theirs.low:.4f} to {theirs.high:.4f} | {slow:.2f} | {slow / quick:.0f} |"
    )


def report(sizes: Sequence[int], runs: int) -> Iterator[str]:
    """What is printed and written."""
    timed(WORLDS[0], clustered(made(WORLDS[0], 200), WORLDS[0], size=1))  # so that all is loaded
    by_items = {items: measure(items, runs) for items in sizes}
    yield f"Seconds by the clock, medians of {runs} runs on {machine()}."
    yield ""
    yield from table(by_items)
    yield ""
    yield from findings(by_items)
    yield ""
    for items, found in by_items.items():
        for kind in KINDS:
            yield f"Slowest of {items:,} items, {kind.title}: {slowest(found, kind)}."
            yield ""
    yield f"On {sizes[0]:,} items:"
    yield ""
    yield from beside_bootstrap(sizes[0], runs)


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, nargs="+", default=[10_000, 100_000], metavar="N")
    parser.add_argument("--runs", type=int, default=5, metavar="K", help="runs (default: 5)")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/speed.md")
    options = parser.parse_args()
    lines = list(report(options.items, options.runs))
    print("\n".join(lines))
    if options.write:
        write_between(PAGE, BEGIN, END, lines)


if __name__ == "__main__":
    main()
