"""The counts of all trials, as Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from tests.benchmarks.kept import Counts
from tests.benchmarks.probes.cells import ALIKE, Trial, Truths
from tests.benchmarks.probes.claimed import TIMES, claims
from tests.benchmarks.probes.expected import moved_by, was_foreseen
from tests.benchmarks.probes.faults import FAULTS, HARDNESS, NOISE, REASK, SEED
from tests.benchmarks.probes.sizes import FAIR_SETS, ITEMS, SETS

Results = Mapping[str, Counts]
"""The counts of each trial, by its words."""
Sizes = Mapping[str, Mapping[int, float]]
"""By check and number of items how often a fair judge's claim holds."""
MOST, ENOUGH, OFTEN = 0.055, 0.9, 0.8
"""The most that may fail without a fault, or hold at the margin; the least to be found, and to hold."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    """A share of data sets, and the bound that it is held against; `least` if it must not be lower."""

    what: str
    count: int
    of: int
    bound: float
    least: bool = False

    @property
    def share(self) -> float:
        """The share itself."""
        return self.count / self.of

    @property
    def misses(self) -> bool:
        """Whether it is beyond the bound, as it is, without allowance for simulation error."""
        return self.share < self.bound if self.least else self.share > self.bound

    def __str__(self) -> str:
        error = math.sqrt(self.bound * (1 - self.bound) / self.of)
        far = " (by more than two simulation errors)" if abs(self.share - self.bound) > 2 * error else ""
        return f"{self.what} in {self.share:.4f}, at {'least' if self.least else 'most'} {self.bound:g}{far}"


def next_size(found: Mapping[int, float], grid: Sequence[int]) -> int | None:
    """The size of the grid to be tried next; None where the first at which it holds often is known.

    Also None where that is beyond the grid.
    """
    often = [n for n, share in found.items() if share >= OFTEN]
    seldom = [n for n, share in found.items() if share < OFTEN]
    place = grid.index(min(often)) - 1 if often else grid.index(max(seldom)) + 1
    if not 0 <= place < len(grid) or grid[place] in found:
        return None
    return grid[place]


def share(counts: Counts, name: str) -> float:
    """Of how many of the data sets that was counted."""
    return counts[name] / counts["sets"]


def page(results: Results, known: Truths, by_size: Sizes, *, codes: int) -> list[str]:
    """What is printed and written."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("pytest-mllm-judge", "numpy", "scipy"))
    mixed = f" They come from {codes} versions of the code." if codes > 1 else ""
    sets = {results[str(Trial(check))]["sets"] for check in known if str(Trial(check)) in results} or {0}
    shown = f"{min(sets):,}" if len(sets) == 1 else f"{min(sets):,} to {max(sets):,}"
    table, rates = list(zip(*(_row(check, results, known, by_size) for check in known), strict=True))
    lines = [
        f"{shown} data sets of 500 items a cell, seed {SEED}; two asks differ with probability {REASK:g}, a "
        f"verdict is off with probability {NOISE:g}, {HARDNESS:g} of that on items that are hard for all; "
        f"{versions}.{mixed} True figures are measured on {SETS * ITEMS:,} items, a fair judge's, where it "
        f"does not follow from how it is drawn, on {FAIR_SETS * ITEMS:,}.",
        "",
        "### What each check finds of its own fault",
        "",
        *_HEAD,
        *table,
        "",
        *_matrix(results, known),
    ]
    missed = [f"- {rate}" for some in rates for rate in some if rate.misses]
    alarms = list(_alarms(results, known))
    missed += [f"- {rate}" for rate in alarms if rate.misses]
    aims = sum(map(len, rates)) + len(alarms)
    return [*lines, "", f"{len(missed)} of {aims} aims are missed.", *([""] if missed else []), *missed]


_COLUMNS = (
    "check",
    "claim",
    "fair judge",
    "fails",
    "holds",
    "n for 80 %",
    "fault",
    "size at margin",
    "holds",
    "fails",
    f"size at {TIMES} ×",
    "figure",
    "fails",
    "holds",
)
_HEAD = (f"| {' | '.join(_COLUMNS)} |", "|---|---|--:|--:|--:|--:|---|" + "--:|" * 7)


def _row(check: str, results: Results, known: Truths, by_size: Sizes) -> tuple[str, list[Rate]]:
    claimed, truth = claims()[check], known[check]
    fault = claimed.fault
    none, one, three = (
        results.get(str(trial), Counts())
        for trial in (
            Trial(check),
            Trial(check, fault, truth.margin.size),
            Trial(check, fault, truth.three.size),
        )
    )
    rates = [
        _rate(f"`{check}`: no fault fails", none, "fails", MOST),
        _rate(f"`{check}`: a fault at the margin holds", one, "holds", MOST),
        _rate(f"`{check}`: a fault of {TIMES} margins fails", three, "fails", ENOUGH, least=True),
        _rate(f"`{check}`: a fault of {TIMES} margins holds", three, "holds", 0.0),
    ]
    cells = [
        f"`{check}`",
        claim_in_words(check, truth.fair),
        f"{truth.fair:.4f}",
        _share(none, "fails"),
        _share(none, "holds"),
        _enough(by_size.get(check, {})),
        fault,
        f"{truth.margin.size:.4f}",
        _share(one, "holds"),
        _share(one, "fails"),
        f"{truth.three.size:.4f}{'' if truth.three.reached else ' (largest)'}",
        f"{truth.three.figure:.3f}",
        _share(three, "fails"),
        _share(three, "holds"),
    ]
    return f"| {' | '.join(cells)} |", [rate for rate in rates if rate.of]


def claim_in_words(check: str, fair: float) -> str:
    """`within 0.05`, `at most 0.05` or `at least 0.8`."""
    claimed = claims()[check]
    better = _better(check)
    if better == "neither":
        return f"within {claimed.margin:g}"
    if better == "lower":
        return f"at most {claimed.margin:g}"
    return f"at least {claimed.aim(fair, 1):.4g}"


def _better(check: str) -> str:
    from tests.benchmarks.probes.asked import FAIR, DataSet

    claimed = claims()[check]
    return claimed.estimate(DataSet(0).judgements(FAIR, claimed.asks, 30)).better


def _rate(what: str, counts: Mapping[str, int], name: str, bound: float, *, least: bool = False) -> Rate:
    return Rate(what=what, count=counts.get(name, 0), of=counts.get("sets", 0), bound=bound, least=least)


def _share(counts: Counts, name: str) -> str:
    return f"{share(counts, name):.4f}" if counts["sets"] else ""


def _enough(found: Mapping[int, float]) -> str:
    often = [n for n, share in found.items() if share >= OFTEN]
    if often:
        n = min(often)
        return f"{n} ({found[n]:.2f})"
    return f"more than {max(found)} ({found[max(found)]:.2f})" if found else ""


def _matrix(results: Results, known: Truths) -> Iterator[str]:
    """The share of alarms of every check on every fault at three times its own margin."""
    numbers = {check: number for number, check in enumerate(known, start=1)}
    yield from (
        "### Every check on every fault",
        "",
        f"How often a check `fails` on a judge with the fault of a row, at {TIMES} margins of the check that "
        f"the row names; {_fewest(results, known)} data sets. `·`: all that the check reads is as the fair "
        "judge has it, data set by data set. Parentheses: listed with its reason below, "
        "beforehand unless it says otherwise.",
        "",
        "| fault, sized for | " + " | ".join(map(str, numbers.values())) + " |",
        "|---|" + "--:|" * len(numbers),
    )
    for of, number in numbers.items():
        cells = [_cell(of, check, results, known) for check in known]
        yield f"| {claims()[of].fault}, {number} `{of}` | {' | '.join(cells)} |"
    yield ""
    for fault in FAULTS.values():
        for check in known:
            reason = moved_by(fault.name, check)
            if reason and any(claims()[of].fault == fault.name for of in known):
                late = "" if was_foreseen(fault.name, check) else " (listed after the first data sets)"
                yield f"- {fault.name}, `{check}`: {reason}{late}"


def _fewest(results: Results, known: Truths) -> str:
    """How many data sets the pairs have, at least."""
    pairs = (results.get(_across(of, check, known)) for of in known for check in known)
    return f"{min((counts['sets'] for counts in pairs if counts), default=0):,}"


def _cell(of: str, check: str, results: Results, known: Truths) -> str:
    counts = results.get(_across(of, check, known))
    if not counts:
        return ""
    if counts[ALIKE] == counts["sets"]:
        return "·"
    shown = f"{share(counts, 'fails'):.3f}"
    if of == check:
        return f"**{shown}**"
    return f"({shown})" if moved_by(claims()[of].fault, check) else shown


def _across(of: str, check: str, known: Truths) -> str:
    return str(Trial(check, claims()[of].fault, known[of].three.size))


def _alarms(results: Results, known: Truths) -> Iterator[Rate]:
    """The pairs of a fault and a check that it does not move."""
    for of in known:
        fault = claims()[of].fault
        for check in known:
            counts = results.get(_across(of, check, known))
            if counts and claims()[check].fault != fault and not moved_by(fault, check):
                what = f"`{check}` fails on {fault}, sized for `{of}`,"
                yield _rate(what, counts, "fails", MOST)
