"""A judge that says nearly the same of everything is told in a run's summary."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mllm_judge.reports.oddities import nearly_constant
from tests.reports.records import case


def cases(verdicts: list[Any], humans: list[Any]) -> list[dict[str, Any]]:
    pairs = zip(verdicts, humans, strict=True)
    return [case(f"p{place}", verdict=said, human=human) for place, (said, human) in enumerate(pairs)]


def test_the_verdict_and_what_humans_said_are_told() -> None:
    some = cases(["A"] * 39 + ["B"], [["A", "B"]] * 40)
    assert list(nearly_constant(some)) == [
        "nearly constant: 39 of 40 pair verdicts are A; humans said so in 40 of 80 labels"
    ]


def test_without_labels_the_verdict_alone_is_told() -> None:
    assert list(nearly_constant(cases(["B"] * 20, [[]] * 20))) == [
        "nearly constant: 20 of 20 pair verdicts are B"
    ]


def test_problems_are_no_verdicts() -> None:
    assert list(nearly_constant(cases(["A"] * 30 + [None] * 30, [["B"]] * 60))) == [
        "nearly constant: 30 of 30 pair verdicts are A; humans said so in 0 of 60 labels"
    ]


@pytest.mark.parametrize(
    ("verdicts", "humans"),
    [
        (["A"] * 37 + ["B"] * 3, [["B"]] * 40),
        (["A"] * 19, [["B"]] * 19),
        (["A"] * 40, [["A"]] * 39 + [["B"]]),
        ([None] * 40, [["A"]] * 40),
        ([{"looks": 2}] * 40, [{"looks": [1]}] * 40),
        ([], []),
    ],
    ids=["93 %", "too few", "as humans say", "no verdict", "criteria", "nothing"],
)
def test_other_judges_are_not_spoken_of(verdicts: list[Any], humans: list[Any]) -> None:
    assert list(nearly_constant(cases(verdicts, humans))) == []
