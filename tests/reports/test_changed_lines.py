"""An upgrade's own lines on the terminal."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from pytest_mllm_judge.reports.changed import changed, lines
from pytest_mllm_judge.reports.document import Upgrade
from pytest_mllm_judge.reports.making import report
from pytest_mllm_judge.reports.markdown import markdown
from pytest_mllm_judge.reports.terminal import lines as summary
from pytest_mllm_judge.runs.record import RunRecord
from tests.reports.records import case, member, record_of_cases, upgrade_gate, upgraded


def told(record: RunRecord) -> list[str]:
    (upgrade,) = report(record).upgrades
    return lines(upgrade)


def flipped(count: int, *, name: str = "i", **more: Any) -> list[dict[str, Any]]:
    names = [f"{name}-{number}" for number in range(count)]
    old = [case(name, judge="old", **more) for name in names]
    return [*old, *(case(name, verdict="B", **more) for name in names)]


def test_flips_are_counted_and_the_first_named() -> None:
    cases = [*flipped(3), case("j", judge="old", verdict="tie"), case("j"), case("k"), case("k", judge="old")]
    assert told(upgraded(*cases)) == [
        "changed: pair 3 right to wrong, 1 wrong to right (of 5)",
        "noise: not known; ask each item twice to tell noise: [probes] repeat = 2",
        "first: i-0 B, was A, expected A · i-1 B, was A, expected A · 1 more in the report",
    ]


def test_nothing_changed_is_told_in_one_line() -> None:
    assert told(upgraded(case("i"), case("i", judge="old"))) == [
        "changed: pair 0 right to wrong, 0 wrong to right (of 1)"
    ]


def test_noise_is_counted_and_what_is_no_noise_named_first() -> None:
    again = [case("i-0", repeat=1), case("i-1", verdict="B", repeat=1)]
    old = [case(name, judge="old", repeat=1) for name in ("i-0", "i-1")]
    assert told(upgraded(*flipped(2), *again, *old))[1:] == [
        "noise: 1 of these flips also by asking again",
        "first: i-1 B, was A, expected A · i-0 B, was A, expected A",
    ]


def test_a_source_that_fares_worse_is_told_in_a_line_of_its_own() -> None:
    calm = [
        case(f"c-{number}", judge=judge, source="charts") for number in range(20) for judge in ("old", "new")
    ]
    found = told(upgraded(*flipped(10, source="maps"), *calm))
    assert [line for line in found if line.startswith("by source")] == [
        "by source: pair maps fares worse (10 right to wrong, 0 wrong to right, of 10)"
    ]


SCORE: dict[str, Any] = {"task": "score", "human": [3], "authors": ["m"]}


@pytest.mark.parametrize(
    ("bad", "calm", "line"),
    [
        (
            {"human": ["B"], "verdict": "B"},
            {},
            "by slot: pairs whose second answer humans prefer fare worse",
        ),
        (
            {"human": ["tie"], "verdict": "tie"},
            {},
            "by slot: pairs of which humans prefer neither answer fare worse",
        ),
        ({"human": ["A", "B"]}, {}, "by slot: pairs without a majority of humans fare worse"),
        ({"lengths": [9, 1]}, {}, "by length: pairs whose longer answer humans prefer fare worse"),
        ({"lengths": [1, 1]}, {}, "by length: pairs with answers alike or not known in length fare worse"),
        (
            {**SCORE, "verdict": 3, "lengths": [9]},
            {**SCORE, "verdict": 3, "lengths": [1]},
            "by length: score responses of more than 1 characters fare worse",
        ),
        (
            {**SCORE, "verdict": 3, "lengths": [None]},
            {**SCORE, "verdict": 3},
            "by length: score responses without text fare worse",
        ),
    ],
)
def test_where_items_fare_worse_is_told_in_words(
    bad: dict[str, Any], calm: dict[str, Any], line: str
) -> None:
    wrong = {"A": "B", "B": "A", "tie": "A"}.get(bad.get("human", ["A"])[0], 1)
    wrong = "tie" if bad.get("human") == ["A", "B"] else wrong
    cases = [
        *(case(f"i-{number}", judge="old", **bad) for number in range(10)),
        *(case(f"i-{number}", **{**bad, "verdict": wrong}) for number in range(10)),
    ]
    for number in range(20):
        more = {"lengths": [1 + number % 2]} if calm and "lengths" not in calm else {}
        cases += [case(f"c-{number}", judge=judge, **calm, **more) for judge in ("old", "new")]
    flips = "(10 right to wrong, 0 wrong to right, of 10)"
    assert f"{line} {flips}" in [found.partition(" · ")[0] for found in told(upgraded(*cases))]


def test_what_was_not_asked_is_no_evidence_and_counted() -> None:
    none: dict[str, Any] = {"verdict": None, "problem": "not_asked", "agreed": False}
    cases = [
        *flipped(3),
        case("n", judge="old"),
        case("n", **none),
        case("m", judge="old", **none),
        case("m"),
    ]
    record = upgraded(*cases)
    for run in record.runs.values():
        run["cassette"] = "x.jsonl"
    assert told(record)[:2] == [
        "not asked: 2 questions, left out of what changed, with the other judge's answer to them",
        "changed: pair 3 right to wrong, 0 wrong to right (of 3)",
    ]
    (upgrade,) = report(record).upgrades
    assert upgrade.downstream is not None
    assert upgrade.downstream_lines[0].startswith("pair: win rate on 3 items: ")
    assert "not asked: 2 questions, left out of what changed" in markdown(report(record))


def test_what_a_log_lacks_is_its_problem() -> None:
    none: dict[str, Any] = {"verdict": None, "problem": "not_asked", "agreed": False}
    record = upgraded(case("n", judge="old"), case("n", **none))
    assert told(record)[0] == "changed: pair 1 right to wrong, 0 wrong to right (of 1)"


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        ("holds", "properties: score.leniency 0.800 (was 0.820)"),
        ("fails", "properties: score.leniency 0.800 (was 0.820), fails at 0.25"),
        ("undecided", "properties: score.leniency 0.800 (was 0.820), undecided at 0.25"),
        (None, "properties: score.leniency 0.800 (was 0.820)"),
    ],
)
def test_a_property_tells_its_outcome_where_it_does_not_hold(outcome: str | None, line: str) -> None:
    one = member("score.leniency", outcome, decides=False, margin=None if outcome is None else 0.25)
    assert told(upgraded(gates=[upgrade_gate(member(), one)]))[-1] == line


def test_problems_of_variants_and_repeats_are_told_beside_those_of_the_items() -> None:
    refused: dict[str, Any] = {"verdict": None, "problem": "refused", "agreed": False}
    items = [case("i-0"), case("i-1")]
    record = record_of_cases(
        [
            *items,
            case("i-0", variant="swapped", **refused),
            case("i-1", variant="swapped", repeat=1, **refused),
            case("i-0", repeat=1, **{**refused, "problem": "malformed"}),
        ]
    )
    record.cases = {item["item"]: item for item in items}
    ((_, body),) = summary(record)
    assert body[2:4] == ["problems of variants: 2 refused", "problems of repeats: 1 malformed"]


def test_the_summary_and_the_report_read_the_changes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: Counter[str] = Counter()

    def counted(*given: Any) -> Any:
        read["changed"] += 1
        return changed(*given)

    monkeypatch.setattr("pytest_mllm_judge.reports.upgrading.changed", counted)
    record = upgraded()
    report(record)
    list(summary(record))
    assert read == {"changed": 1}


def test_what_regressed_and_the_properties_are_told() -> None:
    family = [
        member(regressed=True, p_holm=0.0002),
        member("problems.rate", decides=False, regressed=True, p_holm=0.02),
    ]
    assert told(upgraded(gates=[upgrade_gate(*family)]))[-2:] == [
        "regressed: pair.accuracy -0.020 (-0.037 to -0.003; p < 0.001) · "
        "problems.rate -0.020 (-0.037 to -0.003; p 0.020)",
        "properties: problems.rate 0.800 (was 0.820)",
    ]


def test_no_upgrade_ever_takes_more_than_ten_lines() -> None:
    sources = [f"s{number}" for number in range(6)]
    cases = [one for s in sources for one in flipped(6, name=s, source=s)]
    family = [member(f"check.{number}", regressed=True, decides=number < 2) for number in range(30)]
    found = told(upgraded(*cases, gates=[upgrade_gate(*family)]))
    assert len(found) <= 10
    assert found[-3].startswith("regressed: ")
    assert found[-3].endswith(" · 25 more")
    assert found[-2] == "change places for certain: m1 and m2 (pair)"
    assert found[-1].endswith(" · 22 more")


def test_an_approved_baseline_without_judgements_has_no_flips() -> None:
    record = upgraded(case("i-1"))
    (upgrade,) = report(record).upgrades
    assert isinstance(upgrade, Upgrade)
    assert (upgrade.changed, upgrade.downstream, lines(upgrade)) == ((), None, [])


def test_an_approval_is_told_with_what_changed_since() -> None:
    approval = {
        "reason": "in use",
        "file": "/project/bench/baselines/old.json",
        "lines": ["the prompt changed"],
    }
    (upgrade,) = report(upgraded(gates=[upgrade_gate(approval=approval)])).upgrades
    assert upgrade.notes == ("approved: in use (bench/baselines/old.json)", "the prompt changed")


def test_the_lines_stand_below_the_comparisons_in_the_summary() -> None:
    ((title, body),) = summary(upgraded())
    assert title == "judge new on bench"
    assert body == [
        "not worse than old: 1 held",
        "  holds      pair.accuracy  pair.accuracy, difference at least -0.05: -0.020 (-0.037 to -0.003)",
        "changed: pair 1 right to wrong, 0 wrong to right (of 1)",
        "noise: not known; ask each item twice to tell noise: [probes] repeat = 2",
        "first: i-1 B, was A, expected A",
    ]
