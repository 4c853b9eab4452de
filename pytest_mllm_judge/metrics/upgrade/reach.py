"""What `[upgrade]` says, checked before anything is asked: are its names known, its margins in reach?"""

from __future__ import annotations

from collections.abc import Iterator

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.claims import Claim
from pytest_mllm_judge.errors import BenchmarkError, SettingsError
from pytest_mllm_judge.metrics.checks import check_named
from pytest_mllm_judge.metrics.reach import judges
from pytest_mllm_judge.metrics.upgrade.comparison import Comparison
from pytest_mllm_judge.metrics.upgrade.declared import MAIN, comparisons
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.model.judgements import known_field

_NOT_MADE_UP = ("consistency.", "cost.", "latency.")
"""What made-up verdicts say nothing about."""


def check_upgrade(benchmark: Benchmark) -> None:
    """Raise BenchmarkError for a name that `[upgrade]` gives and nobody knows, and for a margin out of reach.

    Out of reach is what not even a judge compared with itself could hold on the whole benchmark.
    """
    where = shown(benchmark.file)
    try:
        _check_names(benchmark)
        found = comparisons(benchmark)
    except SettingsError as error:
        raise BenchmarkError(where, f"[upgrade]: {error}") from error
    for comparison in found:
        best = _best(comparison, benchmark)
        if best is not None:
            shows = best.would_hold()
            hint = f"The smallest margin that they could show is {abs(shows):.3f}." if shows else ""
            what = (
                f"[upgrade]: no judge could be called not worse by {comparison.name} with a margin of "
                f"{comparison.margin:g} on these {best.estimate.n} items, not even the baseline itself"
            )
            raise BenchmarkError(where, what, hint)


def _check_names(benchmark: Benchmark) -> None:
    table = benchmark.manifest.upgrade
    for name in table.margin if isinstance(table.margin, dict) else ():
        if name in MAIN:
            continue
        check = check_named(name)
        if not check.suits(benchmark.tasks):
            raise SettingsError(f"{name} makes no sense on this benchmark's scale")
        if check.task and not any(item.task == check.task for item in benchmark.items):
            raise SettingsError(f"{name} is about {check.task} items, and this benchmark has none")
    for name in table.slices:
        known_field(name, benchmark.items)


def _best(comparison: Comparison, benchmark: Benchmark) -> Claim | None:
    """The claim about a made-up judge and itself; None as soon as one holds, or where it can't be made up."""
    if not comparison.decides or comparison.check.name.startswith(_NOT_MADE_UP):
        return None
    best: Claim | None = None
    for judgements in _made_up(comparison, benchmark):
        claim = comparison.claim(judgements, judgements)
        if claim.outcome == "holds":
            return None
        best = best if best is not None and best.would_hold() is not None else claim
    return best


def _made_up(comparison: Comparison, benchmark: Benchmark) -> Iterator[Judgements]:
    options = comparison.options
    for verdicts in judges(
        comparison.items(benchmark.items),
        benchmark.tasks,
        combine=options.get("annotators") or comparison.check.combine,
        criterion=options.get("criterion"),
    ):
        yield Judgements(verdicts, cluster_of=benchmark.cluster, tasks=benchmark.tasks)
