"""How many items, clusters and repeats a margin needs, and what a benchmark at hand can show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.reports.plan import at_hand
from pytest_mllm_judge.reports.plan.asked import Plan
from pytest_mllm_judge.reports.plan.figures import differences_of, seen_of
from pytest_mllm_judge.reports.plan.general import for_benchmark, for_margin
from pytest_mllm_judge.reports.plan.hand import Hand, hand_of
from pytest_mllm_judge.runs.session import Session

__all__ = ["Plan", "answer"]


def answer(
    plan: Plan,
    *,
    root: Path,
    benchmark: Path | None = None,
    judge: str | None = None,
    baseline: str | None = None,
    gates: Sequence[str] = (),
) -> Iterator[str]:
    """The answer as lines: from the table of real judges, or from the judgements at hand of one or two.

    Nobody is asked: a judge whose answers are recorded must have a cassette. `gates` are the gates to
    look at, by default all. Raise SettingsError for what does not go together or is not there, ValueError
    for a margin or chance that makes no sense.
    """
    if (baseline or gates) and judge is None:
        raise SettingsError(f"{'--baseline' if baseline else '--gate'} goes with --judge: name the judge too")
    if judge is not None and benchmark is None:
        raise SettingsError("--judge needs a benchmark: name its folder")
    if judge is not None and judge == baseline:
        raise SettingsError(f"--judge and --baseline are both {judge!r}: name two judges")
    if judge is None:
        yield from for_margin(plan)
    if benchmark is None:
        return
    session = Session(root=root)
    try:
        loaded = session.benchmark(benchmark)
        upgrade = loaded.manifest.upgrade
        asked = replace(plan, upgrade=upgrade, confidence=upgrade.confidence)
        if judge is None:
            yield ""
            yield from for_benchmark(loaded, asked)
            return
        hands = [hand_of(session.run(name, benchmark)) for name in (judge, baseline) if name is not None]
        yield from _from_hands(asked, loaded, hands, _named(gates, loaded))
    finally:
        session.close()


def _from_hands(
    plan: Plan, benchmark: Benchmark, hands: Sequence[Hand], gates: Sequence[str]
) -> Iterator[str]:
    judge = hands[0]
    yield from for_benchmark(benchmark, plan, effects=judge.effects())
    yield (
        f"  design effect: as measured on whether the verdicts of {judge.judge} are right; with hardly any "
        "wrong each cluster counts once"
    )
    if benchmark.manifest.population == "fixed":
        yield (
            '  population = "fixed": items are counted as if more like these were drawn; on exactly these '
            "only repeats show more"
        )
    for hand in hands:
        if hand.absent:
            total = len(hand.run.items)
            yield f"  {hand.judge}: {hand.absent:,} of {total:,} items are not in its cassette and left out"
    for lines in _sections(plan, hands, gates):
        block = list(lines)
        if block:
            yield from ("", *block)


def _sections(plan: Plan, hands: Sequence[Hand], gates: Sequence[str]) -> Iterator[Iterator[str]]:
    judge = hands[0]
    if len(hands) == 1:
        figures, senseless = seen_of(judge, confidence=plan.confidence)
        yield _titled(judge.judge, at_hand.for_figures(figures, plan), senseless)
    else:
        figures = differences_of(*hands, confidence=plan.confidence)
        yield _titled(f"{judge.judge} less {hands[1].judge}", at_hand.for_differences(figures, plan))
        yield at_hand.for_discordance(*hands)
    if gates:
        yield at_hand.for_gates(judge, gates)
    yield (line for hand in hands for line in at_hand.for_changes(hand))
    yield at_hand.for_repeats(figures, plan, judges=len(hands))
    if len(hands) == 1:
        yield at_hand.for_itself(judge, plan)


def _titled(title: str, lines: Iterator[str], senseless: Sequence[str] = ()) -> Iterator[str]:
    yield f"{title}: {next(lines)}"
    yield from lines
    if senseless:
        yield f"  not for these items: {', '.join(senseless)}"


def _named(names: Sequence[str], benchmark: Benchmark) -> Sequence[str]:
    """The gates of these names, by default all. Raise SettingsError for one that there is not."""
    known = benchmark.manifest.gates
    for name in names:
        if name not in known:
            raise SettingsError(
                f"{benchmark.name} has no gate {name!r}{did_you_mean(name, known)} "
                f"(known: {', '.join(known) or 'none'})"
            )
    return names or list(known)
