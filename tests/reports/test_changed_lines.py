"""An upgrade's own lines on the terminal."""

from __future__ import annotations

from typing import Any

from pytest_mllm_judge.reports.changed import lines
from pytest_mllm_judge.reports.document import Upgrade
from pytest_mllm_judge.reports.making import report
from pytest_mllm_judge.reports.terminal import lines as summary
from pytest_mllm_judge.runs.record import RunRecord
from tests.reports.records import case, member, upgrade_gate, upgraded


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
