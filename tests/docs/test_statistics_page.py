"""docs/statistics.md has a section for every check, with all its parts; its values are those of others."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from scipy import stats

from pytest_mllm_judge.metrics import CHECKS, problems
from pytest_mllm_judge.statistics import paired_shares
from tests.docs.references import PROBLEMS, REFERENCES, found, judged
from tests.docs.sheets import PARTS, Row, anchor, coverage, rows
from tests.docs.sheets import sheet as sheet_of

PAGE = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text(encoding="utf-8")
FIGURES = PAGE.partition("\n## The figures\n")[2].partition("\n## ")[0]
SECTIONS = {
    tuple(re.findall(r"`([^`]+)`", heading)): body
    for heading, body in re.findall(r"^### (.+)\n((?:(?!### ).*\n)*)", FIGURES, re.MULTILINE)
}
"""The text of each section by the checks that its heading names."""


def prose(body: str) -> str:
    """A section's first paragraph."""
    return " ".join(body.strip().partition("\n\n")[0].split())


def test_every_check_has_one_section_and_no_section_is_of_an_unknown_check() -> None:
    named = [name for names in SECTIONS for name in names]
    assert sorted(named) == sorted(CHECKS)


def test_checks_of_one_function_share_a_section() -> None:
    section = {name: names for names in SECTIONS for name in names}
    for one in CHECKS.values():
        for other in CHECKS.values():
            if one.metric is other.metric:
                assert section[one.name] == section[other.name]


@pytest.mark.parametrize("names", SECTIONS, ids=lambda names: names[0])
def test_a_section_has_three_sentences_and_all_its_parts(names: tuple[str, ...]) -> None:
    body = SECTIONS[names]
    assert len(re.findall(r"[.!?](?= |$)", prose(body))) == 3, prose(body)
    assert "blind to" in prose(body)
    assert tuple(re.findall(r"^- \*\*(.+?)\*\*: .", body, re.MULTILINE)) == PARTS
    assert f"<!-- sheet: {', '.join(names)} -->\n{sheet_of(names)}\n" in body


@pytest.mark.parametrize("check", CHECKS)
def test_a_section_says_the_source_that_the_check_declares(check: str) -> None:
    body = next(body for names, body in SECTIONS.items() if check in names)
    assert CHECKS[check].source in re.search(r"^- \*\*Source\*\*: (.+)$", body, re.MULTILINE)[1]  # type: ignore[index]


@pytest.mark.parametrize("check", CHECKS)
def test_a_declared_source_stands_among_the_sources(check: str) -> None:
    listed = [" ".join(line.split()) for line in PAGE.partition("\n## Sources\n")[2].split("\n- ")]
    name = re.split(r", MLLM| \(", CHECKS[check].source)[0]
    assert name == "this project" or any(line.startswith(f"{name}:") for line in listed), name


@pytest.mark.parametrize("check", CHECKS)
def test_the_reference_value_is_the_one_that_others_have(check: str) -> None:
    assert found(check).value == pytest.approx(REFERENCES[check].expected(), abs=1e-9)


def test_every_reference_is_of_a_check() -> None:
    assert REFERENCES.keys() == CHECKS.keys()


@pytest.mark.parametrize("kind", [*PROBLEMS, "not_asked", "rate"])
def test_the_bounds_of_problems_are_scipy_s_exact_ones(kind: str) -> None:
    count = sum(PROBLEMS.values()) if kind == "rate" else PROBLEMS.get(kind, 0)  # type: ignore[call-overload]
    exact = stats.binomtest(count, 100).proportion_ci(0.95, method="exact")
    estimate = found(f"problems.{kind}")
    assert (estimate.low, estimate.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


@pytest.mark.parametrize(("items", "share"), [(59, 0.05), (149, 0.02)])
def test_so_many_items_without_a_problem_show_at_most_such_a_share(items: int, share: float) -> None:
    assert f"none in {items} " in prose(
        SECTIONS[next(names for names in SECTIONS if "problems.rate" in names)]
    )
    answered = judged("score", [(3, 3)] * items, next(iter(REFERENCES.values())).data().tasks, responses=1)
    assert problems.rate(answered).high <= share < problems.rate(answered[1:]).high  # type: ignore[operator]


def test_two_alike_judges_are_not_worse_by_a_twentieth_from_so_many_items_on() -> None:
    items = int(re.search(r'"not worse by 0.05" from (\d+) items', " ".join(PAGE.split()))[1])  # type: ignore[index]
    right = [1.0] * items
    names = [str(place) for place in range(items)]
    enough, short = paired_shares(right, right, names), paired_shares(right[1:], right[1:], names[1:])
    assert short.low < -0.05 <= enough.low  # type: ignore[operator]
    z = stats.norm.ppf(0.95)
    assert items == math.ceil(z * z * 0.95 / 0.05)


SIMULATED = """
### pair

| figure | truth | n | clusters of | coverage | ± |
|---|--:|--:|--:|--:|--:|
| kappa | 0.6 | 50 | 1 | 0.9512 | 0.002 |
| kappa, difference | -0.05 | 50 | 1 | 0.9433 | 0.002 |
| f1, macro | 0.6 | 50 | 1 | - | - |

### pair, few ties

| kappa | 0.6 | 50 | 4 | 0.9388 | 0.002 |
"""


def test_the_simulation_s_rows_are_read() -> None:
    found = list(rows(SIMULATED))
    assert found == [
        Row("pair", "kappa", 0.9512),
        Row("pair", "kappa, difference", 0.9433),
        Row("pair, few ties", "kappa", 0.9388),
    ]
    assert coverage("pair.kappa", found) == (
        "0.939 to 0.951 in 2 cells ([pair](statistics-simulation.md#pair), "
        "[pair, few ties](statistics-simulation.md#pair-few-ties)), of differences 0.943 to 0.943 in 1 cell"
    )
    assert coverage("pair.f1", found) == "not counted in [the simulation](statistics-simulation.md)"


def test_headings_are_linked_by_their_letters() -> None:
    assert anchor("problems, 2 %") == "problems-2-"
