"""Several judges in one run: who is best, and who can't be told from whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.show import show, show_figure
from pytest_mllm_judge.metrics.standings import Difference, Standing, Standings, standings
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.reports.changed import was_asked
from pytest_mllm_judge.runs.record import Plain, RunRecord, judgements_of

CONFIDENCE = 0.95
MOST_LINES = 8
"""How long a table on the terminal may be, its heading included."""
_PAIRS = ("better", "other", "better less other", "items", "p", "p, adjusted", "told apart")


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A table in words: its title, its heading, a row of cells for each judge or pair, and notes below."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Two judges or more that were under test on one benchmark, and the baseline where there is one.

    `folder` is the benchmark's, as in the run record; `baselines` the judges that others are compared with.
    """

    benchmark: str
    folder: str
    tables: tuple[Standings, ...]
    baselines: frozenset[str]

    @property
    def pairs(self) -> int:
        """How many pairs of judges the correction is for: those of all tables."""
        return sum(len(table.differences) for table in self.tables)

    @property
    def legend(self) -> str:
        """What the letters mean, and at which level."""
        how = f"{100 * (1 - CONFIDENCE):.3g} %, two-sided, Holm over {_count(self.pairs, 'pair')}"
        return f"judges that share a letter can't be told apart ({how})"

    def plain(self) -> dict[str, Any]:
        """All tables in builtin types."""
        return {
            "benchmark": self.benchmark,
            "confidence": CONFIDENCE,
            "pairs": self.pairs,
            "baselines": sorted(self.baselines),
            "checks": [table.plain() for table in self.tables],
        }

    def lines(self) -> Iterator[str]:
        """The tables for the terminal, each of `MOST_LINES` lines at most, and the legend."""
        for table in self.tables:
            yield from _short(self.judges(table))
        yield self.legend

    def sheets(self) -> Iterator[Sheet]:
        """Two tables for each check in full: its judges, and all pairs of them."""
        for table in self.tables:
            yield self.judges(table)
            yield _of_pairs(table)

    def judges(self, table: Standings) -> Sheet:
        """One row for each judge, best first; empty columns are left out."""
        heading = (table.name, "items", "figure", "alike", "best less it", "problems", "cost", "latency")
        rows = [self._row(standing, table) for standing in table.judges]
        used = [place for place in range(len(heading)) if any(row[place] for row in rows)]
        return Sheet(
            title=table.name,
            heading=tuple(heading[place] for place in used),
            rows=tuple(tuple(row[place] for place in used) for row in rows),
            notes=tuple(_notes(table)),
        )

    def _row(self, standing: Standing, table: Standings) -> tuple[str, ...]:
        best = table.judges[0].judge
        behind = "" if standing.judge == best else _difference(table.between(best, standing.judge))
        return (
            standing.judge + (" (baseline)" if standing.judge in self.baselines else ""),
            str(standing.estimate.items or 0),
            _interval(standing.estimate),
            standing.letters,
            behind,
            show(standing.problems.value),
            "" if standing.cost is None else f"{standing.cost:.4g}",
            "" if standing.latency is None else f"{standing.latency:.2f} s",
        )


def candidates(record: RunRecord) -> list[Candidates]:
    """The judges of each benchmark on which two or more were under test, in the order of its folders."""
    found = (_of(record, folder, facts) for folder, facts in sorted(record.benchmarks.items()))
    return [one for one in found if one is not None and one.tables]


def _of(record: RunRecord, folder: str, facts: Plain) -> Candidates | None:
    runs = {run["judge"]: run for run in record.runs.values() if run["benchmark"] == folder}
    cases = [case for case in record.judged.values() if case["benchmark"] == folder]
    cases = [case for case in cases if case["judge"] in runs and was_asked(case, runs[case["judge"]])]
    judges = sorted({case["judge"] for case in cases})
    if sum(runs[judge].get("under_test", True) for judge in judges) < 2:
        return None
    parts = {judge: _judgements(cases, judge, facts) for judge in judges}
    tables = standings(parts, confidence=CONFIDENCE)
    baselines = frozenset(judge for judge in judges if runs[judge].get("baseline", False))
    return Candidates(benchmark=facts["name"], folder=folder, tables=tables, baselines=baselines)


def _judgements(cases: Sequence[Plain], judge: str, facts: Plain) -> Judgements:
    own = [case for case in cases if case["judge"] == judge]
    return judgements_of(own, facts, population="fixed" if facts["fixed"] else "sampled")


def _of_pairs(table: Standings) -> Sheet:
    rows = tuple(
        (
            each.first,
            each.second,
            _difference(each),
            "" if each.estimate is None else str(each.estimate.items),
            "" if each.p is None else _p(each.p),
            _p(each.p_holm),
            "yes" if each.apart else f"no: {each.reason}" if each.reason else "no",
        )
        for each in table.differences
    )
    return Sheet(title=f"{table.name}, pair by pair", heading=_PAIRS, rows=rows)


def _notes(table: Standings) -> Iterator[str]:
    """Why pairs can't be decided, and on how many items they rest where not on all."""
    reasons = Counter(each.reason for each in table.differences if each.reason)
    if reasons:
        told = "; ".join(f"{reason} ({_count(n, 'pair')})" for reason, n in _commonest(reasons)[:2])
        yield f"can't be decided: {told}"
    items = [each.estimate.items or 0 for each in table.differences if each.estimate is not None]
    if items and min(items) < max(standing.estimate.items or 0 for standing in table.judges):
        fewest, most = min(items), max(items)
        told = f"{fewest}" if fewest == most else f"{fewest} to {most}"
        yield f"pairs of judges rest on the {told} items that both were asked about"


def _commonest(reasons: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(reasons.items(), key=lambda one: (-one[1], one[0]))


def _short(sheet: Sheet) -> Iterator[str]:
    """A sheet as aligned lines; where it is too long, the last judges are counted."""
    room = MOST_LINES - 1 - len(sheet.notes)
    shown = sheet.rows if len(sheet.rows) <= room else sheet.rows[: room - 1]
    first, *rest = zip(sheet.heading, *((f"  {name}", *cells) for name, *cells in shown), strict=True)
    widths = [max(map(len, column)) for column in (first, *rest)]
    for row in zip(first, *rest, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if len(shown) < len(sheet.rows):
        yield f"  and {_count(len(sheet.rows) - len(shown), 'judge')} more, further down"
    yield from (f"  {note}" for note in sheet.notes)


def _difference(difference: Difference) -> str:
    return difference.reason if difference.estimate is None else _interval(difference.estimate)


def _interval(estimate: Estimate) -> str:
    return show_figure(estimate.value, estimate.low, estimate.high, reason=estimate.counted.reason)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
