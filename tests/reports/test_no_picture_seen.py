"""Replies that say that no picture was seen are told in a run's summary and its reports."""

from __future__ import annotations

from typing import Any

from pytest_mllm_judge.reports.making import report
from pytest_mllm_judge.reports.oddities import no_picture_seen
from tests.reports.records import case, record_of_cases

BLIND = "Please provide the image."


def cases(count: int, **more: Any) -> list[dict[str, Any]]:
    return [case(f"p{place}", **more) for place in range(count)]


def test_how_many_say_so_and_how_many_judge_still_is_told_with_the_first_of_each() -> None:
    refused = {"verdict": None, "problem": "refused"}
    some = [case("p0"), case("p1", analysis=BLIND, **refused), case("p2", analysis=f"{BLIND} It is A.")]
    assert list(no_picture_seen(some)) == [
        "no picture seen: 2 of 3 replies say so, the first on p1: 'Please provide the image'",
        "no picture seen, and a verdict all the same: 1, the first on p2: 'Please provide the image'",
    ]


def test_a_judge_that_never_says_so_is_not_spoken_of() -> None:
    assert list(no_picture_seen(cases(30))) == []


def test_questions_without_a_reply_are_no_replies() -> None:
    silent = cases(5, analysis=None, verdict=None, problem="not_asked")
    assert list(no_picture_seen([*silent, case("p9", analysis=BLIND, verdict=None, problem="refused")])) == [
        "no picture seen: 1 of 1 replies say so, the first on p9: 'Please provide the image'"
    ]


def test_of_a_picture_that_a_probe_took_away_it_is_no_news() -> None:
    assert list(no_picture_seen(cases(5, analysis=BLIND, variant="blank"))) == []
    again = cases(1, analysis=BLIND, repeat=1)
    assert len(list(no_picture_seen(again))) == 2


def test_a_report_notes_it_beside_the_judge_and_one_verdict_for_all_too() -> None:
    some = [*cases(39, human=["B"]), case("p99", human=["B"], analysis=BLIND)]
    (judge,) = report(record_of_cases(some)).judges
    assert judge.notes == (
        "nearly constant: 40 of 40 pair verdicts are A; humans said so in 0 of 40 labels",
        "no picture seen: 1 of 40 replies say so, the first on p99: 'Please provide the image'",
        "no picture seen, and a verdict all the same: 1, the first on p99: 'Please provide the image'",
    )
