"""Reviews in a session: gates on them, what is told of stale ones, and bad lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.model.review import digest_of

from .conftest import Project

GATE = '[gates."no hallucinations"]\ncheck = "reviews.hallucination"\nat_most = 0.1\n'


def reply(number: int) -> str:
    return f"Seen {number}. [[A]]"


@pytest.fixture
def reviewed(project: Project) -> Project:
    """Forty replies and a gate on their reviews."""
    project.write_manifest(GATE)
    project.write_log("good", {f"pair-{n:02}": {"reply": reply(n)} for n in range(40)})
    return project


def review(number: int, *, of: str | None = None, **more: Any) -> dict[str, Any]:
    digest = digest_of(reply(number) if of is None else of)
    return {"item": f"pair-{number:02}", "judge": "good", "reply": digest, "hallucination": False, **more}


def put(project: Project, lines: Iterable[Mapping[str, Any]], judge: str = "good") -> None:
    folder = project.root / "bench" / "reviews"
    folder.mkdir(exist_ok=True)
    (folder / f"{judge}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_a_gate_on_reviews_holds_where_they_show_it(reviewed: Project) -> None:
    put(reviewed, [review(number) for number in range(40)])
    result = reviewed.run("--judge=good", "bench")
    result.stdout.fnmatch_lines(["*holds*no hallucinations*reviews.hallucination at most 0.1: 0.000 (*"])
    result.stdout.no_fnmatch_line("*reviews: *")
    assert result.ret == 0


def test_without_reviews_it_is_undecided_and_says_so(reviewed: Project) -> None:
    result = reviewed.run("--judge=good", "bench")
    result.stdout.fnmatch_lines(["*undecided*no hallucinations*none of these judgements has a review*"])
    assert result.ret == 10


def test_stale_reviews_are_told_and_never_used(reviewed: Project, spread: tuple[str, ...]) -> None:
    stale = [review(number, of="It was otherwise.", hallucination=True) for number in range(4)]
    put(reviewed, [*stale, *(review(number) for number in range(4, 40))])
    result = reviewed.run("--judge=good", "bench", *spread)
    result.stdout.fnmatch_lines(
        [
            "*holds*no hallucinations*0.000 (*",
            "reviews: 4 left out, their replies have changed since; the first at bench/reviews/good.jsonl:1",
        ]
    )
    assert result.ret == 0


def test_a_report_is_made_again_with_what_was_told_of_them(
    reviewed: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(reviewed, [review(0, of="It was otherwise."), *(review(number) for number in range(1, 40))])
    monkeypatch.chdir(reviewed.root)
    reviewed.run("--judge=good", "bench", "--judge-report=run.json")
    capsys.readouterr()
    assert main(["report", "run.json"]) == 0
    assert "reviews: 1 left out, their replies have changed since" in capsys.readouterr().out


def test_a_bad_line_is_told_before_anything_is_asked(reviewed: Project) -> None:
    put(reviewed, [review(0), review(1, analysis=9)])
    result = reviewed.run("--judge=good", "bench")
    result.stderr.fnmatch_lines(
        [
            "*bench/reviews/good.jsonl:2: this review can't be used: analysis: must be a whole number from 1 "
            "to 5, got 9",
            "  Mend the line, or delete it: what is not reviewed is left out and counted.",
        ]
    )
    assert result.ret == 4


def test_a_margin_for_reviews_compares_two_judges_on_what_was_reviewed_of_both(reviewed: Project) -> None:
    reviewed.write_manifest('[upgrade]\nmargin = { "reviews.hallucination" = 0.1, pair = 0.3 }\n')
    reviewed.write_log("old", {f"pair-{n:02}": {"reply": reply(n)} for n in range(40)})
    put(reviewed, [review(number) for number in range(40)])
    put(reviewed, [review(number, judge="old", hallucination=number < 5) for number in range(40)], "old")
    result = reviewed.run("--judge=good", "--judge-baseline=old", "bench")
    result.stdout.fnmatch_lines(["*holds*reviews.hallucination, difference at most 0.1: -0.125 (*"])


def test_a_test_of_one_s_own_asks_for_them(reviewed: Project) -> None:
    put(reviewed, [review(number, agrees=True, reviewer="ann") for number in range(40)])
    reviewed.pytester.makepyfile(
        test_own="""
        import pytest
        from pytest_mllm_judge import reviews
        pytestmark = pytest.mark.judge_benchmark("bench")

        def test_people_agree(judge_run):
            assert reviews.agrees(judge_run.pair) >= 0.9

        def test_each_reply_was_reviewed(judgement):
            assert [review.reviewer for review in judgement.reviews] == ["ann"]
        """
    )
    reviewed.run("--judge=good", "test_own.py").assert_outcomes(passed=41)
