"""`reviews/<judge>.jsonl`: what a line may say, and what is told of one that can't be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.benchmarks.reviews import MEND, path_of, read, recorded
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Item, Review
from pytest_mllm_judge.model.review import digest_of

REPLY, QUESTION = digest_of("a reply"), digest_of("a question")
WHOLE = {
    "item": "circles-007",
    "question": QUESTION,
    "reply": REPLY,
    "agrees": True,
    "analysis": 4,
    "hallucination": False,
    "reviewer": "ann",
}


def write(folder: Path, *lines: Any, judge: str = "gpt") -> Path:
    path = path_of(folder, judge)
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path


def fault(folder: Path, *lines: Any, judge: str = "gpt") -> str:
    """What is told of a file that can't be used."""
    path = write(folder, *lines, judge=judge)
    with pytest.raises(BenchmarkError) as told:
        read(path, judge)
    return str(told.value).replace(f"{path}", "gpt.jsonl")


def test_without_a_file_there_are_no_reviews(tmp_path: Path) -> None:
    assert read(path_of(tmp_path, "gpt"), "gpt") == ()


def test_a_judge_s_file_is_named_as_its_cassette_is(tmp_path: Path) -> None:
    assert path_of(tmp_path, "openai/gpt 4").name == "openai%2Fgpt 4.jsonl"


def test_a_line_says_what_a_reviewer_thinks_of_which_reply(tmp_path: Path) -> None:
    (placed,) = read(write(tmp_path, WHOLE), "gpt")
    assert placed.line.review == Review(agrees=True, analysis=4, hallucination=False, reviewer="ann")
    assert placed.where.endswith("gpt.jsonl:1")
    assert placed.line.name == ("circles-007", "", 0)
    assert placed.line.fits(QUESTION, REPLY)
    assert not placed.line.fits(QUESTION, digest_of("another"))
    assert not placed.line.fits(digest_of("another"), REPLY)


def test_item_and_judge_stand_for_the_question_where_there_is_none(tmp_path: Path) -> None:
    (placed,) = read(write(tmp_path, {"item": "a", "judge": "gpt", "hallucination": True}), "gpt")
    assert placed.line.fits(QUESTION, REPLY)


@pytest.mark.parametrize(("said", "read_as"), [(1, True), (0, False), ("yes", True), ("no", False)])
def test_yes_and_no_may_be_written_as_people_do(said: object, read_as: bool, tmp_path: Path) -> None:
    (placed,) = read(write(tmp_path, {**WHOLE, "agrees": said}), "gpt")
    assert placed.line.agrees is read_as


def test_a_line_that_says_nothing_yet_is_open(tmp_path: Path) -> None:
    nothing = {"agrees": None, "analysis": None, "hallucination": None, "reviewer": ""}
    whole, empty = read(write(tmp_path, WHOLE, {**WHOLE, **nothing}), "gpt")
    assert not whole.line.is_open
    assert empty.line.is_open


def test_whole_digests_are_as_good_as_their_first_digits(tmp_path: Path) -> None:
    line = {**WHOLE, "reply": REPLY + "0" * 40, "question": QUESTION + "f" * 40}
    (placed,) = read(write(tmp_path, line), "gpt")
    assert placed.line.fits(QUESTION, REPLY)


HEX = "must be a sha256 in hex, its first 24 digits or more"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"analysis": 6}, "analysis: must be a whole number from 1 to 5, got 6"),
        ({"analysis": 4.5}, "analysis: must be a whole number from 1 to 5, got 4.5"),
        ({"agrees": "maybe"}, "agrees: must be true or false, got 'maybe'"),
        ({"hallucination": 2}, "hallucination: must be true or false, got 2"),
        ({"reply": "abc"}, f"reply: {HEX}, got 'abc'"),
        ({"question": "ABC"}, f"question: {HEX}, got 'ABC'"),
        ({"repeat": -1}, "repeat: must be 0 or more, got -1"),
        ({"reviwer": "ann"}, "reviwer: is not a known key; did you mean 'reviewer'?"),
        ({"question": None}, "needs the question's digest, or an item and a judge"),
        ({"reply": None}, "needs the reply's digest: without it nobody can tell whether the reply changed"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_a_bad_value_is_told_with_file_and_line(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    assert fault(tmp_path, WHOLE, {**WHOLE, "reviewer": "bob", **change}) == (
        f"gpt.jsonl:2: this review can't be used: {told}\n  {MEND}"
    )


def test_a_line_that_is_no_json_is_told_with_file_and_line(tmp_path: Path) -> None:
    assert fault(tmp_path, WHOLE, "{") == (
        "gpt.jsonl:2: this line is not JSON: Expecting property name enclosed in double quotes at column 2\n"
        f"  {MEND}"
    )


def test_another_judge_s_review_is_told(tmp_path: Path) -> None:
    assert fault(tmp_path, {**WHOLE, "judge": "gemini"}) == (
        "gpt.jsonl:1: this is a review of judge 'gemini' in the file of 'gpt'\n"
        "  Move it to that judge's file."
    )


def test_nobody_has_two_votes_on_one_reply(tmp_path: Path) -> None:
    assert fault(tmp_path, WHOLE, {**WHOLE, "reviewer": "bob"}, WHOLE) == (
        "gpt.jsonl:3: reviewer 'ann' has reviewed this reply on line 1 already\n  Keep one of the two."
    )


def test_reviewers_without_a_name_are_several(tmp_path: Path) -> None:
    assert len(read(write(tmp_path, *[{**WHOLE, "reviewer": ""}] * 2), "gpt")) == 2


def released(evaluator: object, result: object = None) -> Item:
    found = {"evaluator": evaluator, "result": result}
    responses = [{"text": "a"}]
    return Item.model_validate({"id": "a", "task": "score", "responses": responses, "recorded": found})


SAID = {"judge_human": 1, "analysis": 5, "hallucination": 0}


def test_a_released_record_s_evaluator_is_a_review_of_its_reply() -> None:
    review = Review(agrees=True, analysis=5, hallucination=False)
    assert recorded(released(SAID, {"analysis": "It is."})) == (digest_of("It is."), review)
    assert recorded(released({**SAID, "judge": "Ranked."})) == (digest_of("Ranked."), review)


@pytest.mark.parametrize(
    "evaluator",
    [None, "good", {}, {"judge": "x"}, {**SAID, "analysis": "fine"}, SAID, {**SAID, "analysis": 9}],
)
def test_what_is_no_review_of_a_reply_is_none(evaluator: object) -> None:
    assert recorded(released(evaluator)) is None
