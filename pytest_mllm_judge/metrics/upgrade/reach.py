"""What `[upgrade]` says, checked before anything is asked: are its names known, its margins in reach?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.claims import Claim
from pytest_mllm_judge.errors import BenchmarkError, SettingsError
from pytest_mllm_judge.metrics.as_asked import as_asked, asks_of
from pytest_mllm_judge.metrics.checks import check_named
from pytest_mllm_judge.metrics.reach import judges, rivals
from pytest_mllm_judge.metrics.suiting import unsuited
from pytest_mllm_judge.metrics.upgrade.comparison import Comparison
from pytest_mllm_judge.metrics.upgrade.declared import MAIN, comparisons, is_asked
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.model.judgements import known_field

_NOT_MADE_UP = ("coherence.", "consistency.", "cost.", "hallucination.", "latency.", "reviews.")
"""What made-up verdicts say nothing about."""
_OFTEN = "repeat = 2 or more"


def check_upgrade(benchmark: Benchmark) -> None:
    """Raise BenchmarkError for what `[upgrade]` names and nobody knows, and for a margin that can't be.

    One is out of reach if no judge could hold it on the whole benchmark, compared with itself or with one
    that errs as often; one is too wide if a judge that answers nothing would hold it.
    """
    check_names(benchmark)
    try:
        for comparison in comparisons(benchmark):
            if comparison.decides and not comparison.check.name.startswith(_NOT_MADE_UP):
                _check_margin(comparison, benchmark)
    except SettingsError as error:
        raise BenchmarkError(shown(benchmark.file), f"[upgrade]: {error}") from error


def _check_margin(comparison: Comparison, benchmark: Benchmark) -> None:
    by = f"by {comparison.name} with a margin of {comparison.margin:g}"
    best = _best(comparison, benchmark)
    if best is not None:
        shows = _shows(best)
        hint = f"The smallest margin that they could show is {shows:.3f}." if math.isfinite(shows) else ""
        what = (
            f"[upgrade]: no judge could be called not worse {by} on these {best.estimate.n} items, not even "
            "the baseline itself"
        )
        raise BenchmarkError(shown(benchmark.file), what, hint)
    right, *_, silent = (both for both, _ in _made_up(comparison, benchmark, apart=False))
    if comparison.claim(silent, right).outcome == "holds":
        what = f"[upgrade]: every judge would be called not worse {by}, even one that answers nothing"
        raise BenchmarkError(shown(benchmark.file), what, "Say a smaller margin.")


def check_names(benchmark: Benchmark) -> None:
    """Raise BenchmarkError for a check, a field or a probe that `[upgrade]` counts on and nobody has.

    And where nothing decides, since no item has a human label and no other check is named.
    """
    try:
        _check_names(benchmark)
        if not any(comparison.decides for comparison in comparisons(benchmark)):
            raise SettingsError(
                "no item has a human label, so nothing here says which judge is better; name what decides, "
                'as in margin = { "consistency.orders" = 0.05 }'
            )
    except SettingsError as error:
        raise BenchmarkError(shown(benchmark.file), f"[upgrade]: {error}") from error


def _check_names(benchmark: Benchmark) -> None:
    table = benchmark.manifest.upgrade
    for name in table.margin if isinstance(table.margin, dict) else ():
        if name in MAIN:
            continue
        check = check_named(name)
        if not check.suits(benchmark.tasks):
            raise SettingsError(f"{name} makes no sense on this benchmark's scale")
        if not is_asked(name, benchmark.manifest.probes):
            wanted = f"{check.probe} = true" if check.probe else _OFTEN
            raise SettingsError(f"{name} needs [probes] {wanted}")
        if reason := unsuited(name, benchmark.items):
            raise SettingsError(f"{name}: {reason}")
        if check.task and not any(item.task == check.task for item in benchmark.items):
            raise SettingsError(f"{name} is about {check.task} items, and this benchmark has none")
    for name in table.slices:
        known_field(name, benchmark.items)


def _best(comparison: Comparison, benchmark: Benchmark) -> Claim | None:
    """The claim about made-up judges that shows most; None if one holds."""
    best: Claim | None = None
    for candidate, baseline in _made_up(comparison, benchmark):
        claim = comparison.claim(candidate, baseline)
        if claim.outcome == "holds":
            return None
        best = claim if best is None or _shows(claim) < _shows(best) else best
    return best


def _shows(claim: Claim) -> float:
    """The smallest margin that the claim would hold with; infinite where nothing may be decided."""
    shown = claim.would_hold()
    return math.inf if shown is None else abs(shown)


def _made_up(
    comparison: Comparison, benchmark: Benchmark, *, apart: bool = True
) -> Iterator[tuple[Judgements, Judgements]]:
    """Judges compared with themselves, and with others that err as often if they are to stand `apart`."""
    options, items, tasks = comparison.options, comparison.items(benchmark.items), benchmark.tasks
    combine, criterion = options.get("annotators") or comparison.check.combine, options.get("criterion")

    asks = asks_of(comparison.check.probe or comparison.check.besides, items, benchmark)

    def of(verdicts: Sequence[Judgement]) -> Judgements:
        return Judgements(
            as_asked(verdicts, benchmark, asks),
            cluster_of=benchmark.cluster,
            tasks=tasks,
            population=benchmark.manifest.population,
        )

    for verdicts in judges(items, tasks, combine=combine, criterion=criterion):
        yield (both := of(verdicts)), both
    for ours, theirs in rivals(items, tasks, combine=combine, criterion=criterion) if apart else ():
        yield of(ours), of(theirs)
        yield of(theirs), of(ours)
