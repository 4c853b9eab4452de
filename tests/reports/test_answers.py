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


UNASKED: dict[str, Any] = {"verdict": None, "problem": "not_asked", "reason": "not recorded", "agreed": False}


def recorded(record: RunRecord) -> RunRecord:
    """The same, of judges who are replayed from cassettes."""
    for run in record.runs.values():
        run["cassette"] = f"{run['judge']}.jsonl"
    return record


@pytest.mark.parametrize("outcome", ["holds", "fails"])
@pytest.mark.parametrize("judge", ["old", "new"])
def test_questions_that_were_not_asked_leave_it_open_whatever_is_seen(outcome: str, judge: str) -> None:
    cases = [case(item, judge=who) for item in ("i-1", "i-2") for who in ("old", "new")]
    cases.append(case("i-2", judge=judge, repeat=1, **UNASKED))
    record = recorded(upgraded(*cases, gates=[upgrade_gate(member(outcome=outcome))]))
    assert told(record) == ("not enough data", "Not every question was asked: 1 of 5 were not.")


def test_a_case_that_could_not_compare_leaves_it_open() -> None:
    gate = upgrade_gate(outcome="fails", line="not asked: 20 of 40 questions of this gate; the first:")
    del gate["family"]
    assert told(upgraded(gates=[gate])) == (
        "not enough data",
        "Not every question was asked: a comparison has none of its answers.",
    )


HOLDS = "It is not worse than old by more than the margin on pair.accuracy, which decides"


@pytest.mark.parametrize(
    ("cases", "lacking"),
    [
        (["i-1"], "1 item has no answer (i-1)"),
        (["i-1", "i-2", "i-3", "i-4"], "4 items have no answer (i-1, i-2, i-3, ...)"),
    ],
)
@pytest.mark.parametrize("problem", ["not_asked", "error"])
def test_items_without_an_answer_can_not_make_a_yes(cases: list[str], lacking: str, problem: str) -> None:
    silent = {**UNASKED, "problem": problem}
    made = [case(item, judge="old") for item in cases] + [case(item, **silent) for item in cases]
    assert told(upgraded(*made)) == ("not enough data", f"{HOLDS}, but {lacking}.")


def test_what_the_baseline_has_no_answer_to_is_its_own_problem() -> None:
    silent = {**UNASKED, "problem": "error"}
    assert told(upgraded(case("i-1", judge="old", **silent), case("i-1")))[0] == "yes"


def test_a_gate_that_was_not_among_the_tests_leaves_it_open() -> None:
    record = upgraded()
    record.benchmarks[BENCH]["gates"] = ["few", "more", "most"]
    more = {"benchmark": BENCH, "judge": "new", "name": "more", "outcome": "holds", "line": "0.2"}
    record.gates["g"] = more
    assert told(record) == (
        "not enough data",
        f"{HOLDS}, but 2 gates of benchmark.toml were not run ('few', 'most').",
    )


def test_a_part_of_the_benchmark_can_not_make_a_yes() -> None:
    record = upgraded()
    record.runs[f"new {BENCH}"]["limit"] = 2
    assert told(record) == ("not enough data", f"{HOLDS}. Only 2 of 4 items were asked about.")
    record = upgraded(gates=[upgrade_gate(member(outcome="fails"))])
    record.runs[f"new {BENCH}"]["limit"] = 2
    assert told(record) == (
        "no",
        f"It is worse than old by more than the margin: pair.accuracy {SEEN}. "
        "Only 2 of 4 items were asked about.",
    )


@pytest.mark.parametrize(
    ("about", "answer"),
    [
        ({"judge": "new", "benchmark": BENCH}, "no"),
        ({"judge": None, "benchmark": BENCH}, "no"),
        ({"judge": None, "benchmark": None}, "no"),
        ({"judge": "other", "benchmark": BENCH}, "yes"),
        ({"judge": "new", "benchmark": "/project/else"}, "yes"),
    ],
)
def test_a_red_test_of_the_judge_can_not_make_a_yes(about: dict[str, Any], answer: str) -> None:
    record = upgraded()
    record.tests["test_own.py::test_x"] = {**about, "outcome": "fails"}
    assert told(record)[0] == answer
    if answer == "no":
        assert told(record)[1] == (
            "It is not worse than old, but what must hold and does not: the test test_own.py::test_x."
        )


def test_an_undecided_test_leaves_it_open() -> None:
    record = upgraded()
    for number in range(5):
        about = {"judge": "new", "benchmark": BENCH, "outcome": "undecided"}
        record.tests[f"t.py::test_{number}"] = about
    assert told(record) == (
        "not enough data",
        "The data can't tell yet whether this holds: "
        "the test t.py::test_0, the test t.py::test_1, the test t.py::test_2 and 2 more.",
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
    old = [case(f"i-{number}", judge="old", must=True) for number in range(4)]
    new = [case(f"i-{number}", must=True, agreed=number == 3) for number in range(4)]
    assert told(upgraded(*old, *new)) == (
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
