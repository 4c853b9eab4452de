"""A slice of the simulation of probes: each check finds its own fault, and calls no fair judge faulty.

The faults are as large as docs/probes-simulation.md says makes three times the documented margin.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from tests.benchmarks.probes.asked import FAIR, DataSet
from tests.benchmarks.probes.claimed import Claimed, claims
from tests.benchmarks.probes.faults import Judge, remembering

PAGE = Path(__file__).parents[2] / "docs" / "probes-simulation.md"
CHECK, FAIR_FIGURE, THREE = "check", "fair judge", "size at 3 ×"
ITEMS, SETS, FIRST = 500, 4, 10_000
"""Data sets of so many items; the page's own have smaller numbers."""


@cache
def rows() -> dict[str, dict[str, str]]:
    """The rows of the page's first table, by check."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    head = next(place for place, line in enumerate(lines) if line.startswith(f"| {CHECK} | claim"))
    names, *others = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[head:]]
    return {row[0].strip("`"): dict(zip(names, row, strict=True)) for row in others if len(row) == len(names)}


def number(text: str) -> float:
    """The number that a cell begins with."""
    found = re.match(r"-?[\d.]+", text)
    assert found is not None, text
    return float(found[0])


def outcomes(claimed: Claimed, judge: Judge) -> Counter[str]:
    """How often the claim holds, fails and is undecided."""
    fair = number(rows()[claimed.check][FAIR_FIGURE])
    found: Counter[str] = Counter()
    for each in range(FIRST, FIRST + SETS):
        with remembering():
            judgements = DataSet(each).judgements(judge, claimed.asks, ITEMS)
        found[claimed.claim(claimed.estimate(judgements), fair).outcome] += 1
    return found


def test_the_page_has_a_row_for_every_claim() -> None:
    assert list(rows()) == list(claims())


@pytest.mark.parametrize("check", claims())
def test_a_fault_of_three_margins_fails_in_four_of_four_data_sets_and_no_fault_in_none(check: str) -> None:
    claimed = claims()[check]
    assert outcomes(claimed, Judge(claimed.fault, number(rows()[check][THREE]))) == {"fails": SETS}
    assert outcomes(claimed, FAIR)["fails"] == 0
