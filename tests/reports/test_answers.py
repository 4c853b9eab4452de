"""May the candidate replace the baseline: the answer and its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mllm_judge.reports.making import report
from pytest_mllm_judge.runs.record import RunRecord
from tests.reports.records import BENCH, case, member, upgrade_gate, upgraded

SEEN = "differs by -0.020 (-0.037 to -0.003, margin 0.05)"


def told(record: RunRecord) -> tuple[str, str]:
    (upgrade,) = report(record).upgrades
    return upgrade.answer, upgrade.reason


def of(*family: dict[str, Any]) -> tuple[str, str]:
    return told(upgraded(gates=[upgrade_gate(*family)]))


def test_yes_if_everything_that_decides_holds() -> None:
    assert of(member()) == (
        "yes",
        "It is not worse than old by more than the margin on pair.accuracy, which decides.",
    )


def test_yes_names_a_few_checks_and_counts_many() -> None:
    few = [member("pair.accuracy"), member("score.pearson")]
    assert of(*few)[1].endswith("on pair.accuracy and score.pearson, which decide.")
    many = [member(f"check.{number}") for number in range(4)]
    assert of(*many)[1].endswith("on any of the 4 checks that decide.")


def test_no_if_one_fails_whatever_the_others_do() -> None:
    found = of(member("score.pearson", "undecided"), member(outcome="fails"))
    assert found == ("no", f"It is worse than old by more than the margin: pair.accuracy {SEEN}.")


@pytest.mark.parametrize(
    ("claim", "ending"),
    [
        ({"settled_by": 1412}, "; about 1,412 items like these would settle it."),
        ({"repeats_to_settle": 3}, "; about 3 repeats of each would settle it."),
        ({}, "."),
    ],
)
def test_an_undecided_one_says_what_would_settle_it(claim: dict[str, Any], ending: str) -> None:
    found = of(member(outcome="undecided", claim=claim), member("score.pearson"))
    assert found == ("not enough data", f"The data can't tell yet: pair.accuracy {SEEN}{ending}")


def test_a_difference_without_an_interval_says_why() -> None:
    bare = {"value": None, "low": None, "high": None, "n": 3, "clusters": 3, "reason": "3 clusters"}
    found = of(member(outcome="undecided", claim={"estimate": bare}))
    assert found[1] == "The data can't tell yet: pair.accuracy (3 clusters)."


def test_what_only_is_shown_decides_nothing() -> None:
    found = of(
        member(), member("cost.mean", "fails", decides=False), member("score.leniency", None, decides=False)
    )
    assert found[0] == "yes"


def test_what_regressed_is_told_beside_the_answer() -> None:
    slices = [
        member(
            "pair.accuracy [source charts]",
            "fails",
            slice={"field": "source", "value": "charts"},
            decides=False,
        )
        | {"regressed": True, "p_holm": 0.004},
        member("problems.rate", decides=False, regressed=True),
    ]
    assert of(member(), *slices)[1] == (
        "It is not worse than old by more than the margin on pair.accuracy, which decides. Worse for certain "
        "(a flag, which decides nothing): pair.accuracy [source charts] and problems.rate."
    )


def test_what_fails_is_not_told_twice() -> None:
    assert "Worse for certain" not in of(member(outcome="fails", regressed=True))[1]


def test_questions_that_were_not_asked_leave_it_open() -> None:
    gate = upgrade_gate(outcome="fails", line="not asked: 20 of 40 questions of this gate; the first:")
    del gate["family"]
    assert told(upgraded(gates=[gate])) == (
        "not enough data",
        "Not every question was asked (not asked: 20 of 40 questions of this gate; the first:).",
    )


@pytest.mark.parametrize(
    ("outcome", "answer", "reason"),
    [
        (
            "fails",
            "no",
            "It is not worse than old, but what must hold and does not: the gate 'few' (0.2).",
        ),
        (
            "undecided",
            "not enough data",
            "The data can't tell yet whether this holds: the gate 'few' (0.2).",
        ),
        ("holds", "yes", "It is not worse than old by more than the margin on pair.accuracy, which decides."),
    ],
)
def test_the_judges_own_gates_must_hold_too(outcome: str, answer: str, reason: str) -> None:
    record = upgraded()
    line = "0.2"
    record.benchmarks[BENCH]["gates"] = ["few"]
    record.gates["g"] = {"benchmark": BENCH, "judge": "new", "name": "few", "outcome": outcome, "line": line}
    assert told(record) == (answer, reason)


def test_an_anchor_may_not_be_got_wrong() -> None:
    record = upgraded()
    for number in range(4):
        record.cases[f"c{number}"] = case(f"i-{number}", must=True, agreed=number == 3)
    assert told(record) == (
        "no",
        "It is not worse than old, but what must hold and does not: 3 anchors (i-0, i-1, i-2).",
    )


def test_the_smallest_margin_is_never_below_zero_nor_rounded_down() -> None:
    family = [
        member("a", claim={"would_hold": -0.0371}),
        member("b", claim={"would_hold": 0.02}),
        member("c", claim={"side": "at most", "would_hold": 0.0041}),
        member("d", claim={"would_hold": None}),
    ]
    (upgrade,) = report(upgraded(gates=[upgrade_gate(*family)])).upgrades
    assert [one.smallest_margin for one in upgrade.comparisons] == [0.0371, 0.0, 0.0041, None]


def test_every_baseline_has_its_own_answer() -> None:
    record = upgraded(gates=[upgrade_gate(), upgrade_gate(member(outcome="fails"), baseline="older")])
    assert [(one.baseline, one.answer) for one in report(record).upgrades] == [
        ("old", "yes"),
        ("older", "no"),
    ]
