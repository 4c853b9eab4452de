"""What a reply without a verdict is called, and why."""

from __future__ import annotations

import time

import pytest

from pytest_mllm_judge.judging.parsers import BUILT_IN
from pytest_mllm_judge.judging.parsing import parse
from pytest_mllm_judge.model import Item, Parsed, Reply, Response, ScoreTask, Task, Tasks

_COUNT: dict[Task, int] = {"score": 1, "pair": 2, "batch": 4}


def item(task: Task) -> Item:
    return Item(id="one", task=task, responses=tuple(Response(text="x") for _ in range(_COUNT[task])))


def read(text: str | None, task: Task = "score", *, tasks: Tasks | None = None) -> Parsed:
    return parse(item(task), Reply(text=text), tasks or Tasks())


UNCLEAR: list[tuple[Task, str, str]] = [
    ("score", "[[4]] or [[5]]", "it states both 4 and 5"),
    ("score", "Judgement: [[4]] or [[5]]", "it states both 4 and 5"),
    ("score", "Judgement: 4.5", "it states 4.5, which is not a point of the scale 1, 2, 3, 4, 5"),
    ("score", "Judgement: 4,5", "it states more than one number, '4,5'"),
    ("score", "4-5", "it states more than one number, '4-5'"),
    ("score", "Judgement: 4/10", "it states '4/10', which is not out of 5"),
    ("score", "Judgement: 7", "it states 7, which is not a point of the scale 1, 2, 3, 4, 5"),
    ("score", "Judgement: -4", "it states -4, which is not a point of the scale 1, 2, 3, 4, 5"),
    ("score", "[[11]]", "it states 11, which is not a point of the scale 1, 2, 3, 4, 5"),
    ("score", '{"Judgement": true}', "it states 'True', which is not a point of the scale 1, 2, 3, 4, 5"),
    ("score", '{"Judgement": null}', "it states 'None', which is not a point of the scale 1, 2, 3, 4, 5"),
    ("score", '{"Judgement": NaN}', "it states 'NaN', which is not a point of the scale 1, 2, 3, 4, 5"),
    (
        "score",
        '{"Judgement": Infinity}',
        "it states 'Infinity', which is not a point of the scale 1, 2, 3, 4, 5",
    ),
    ("score", '{"Judgement": 1e999}', "it states 1e999, which is not a point of the scale 1, 2, 3, 4, 5"),
    ("score", '{"Judgement": []}', "it states an empty list"),
    ("score", '{"Judgement": 4, "Judgement": 5}', "it states both 4 and 5"),
    ("score", 'Judgement: 3 {"Judgement": 4}', "it states both 4 and 3"),
    ("score", "Judgement: 3 Judgement: 4", "it states both 3 and 4"),
    ("pair", "Judgement: A or B", "it states both 'A' and 'B'"),
    ("pair", "[[A]] ... [[B]]", "it states both 'A' and 'B'"),
    ("pair", "[[D]]", "it states 'D', which is not one of the labels 'A', 'B', 'tie'"),
    (
        "pair",
        '{"Judgement": {"A": 4}}',
        "it states \"{'A': 4}\", which is not one of the labels 'A', 'B', 'tie'",
    ),
    ("batch", "Judgement: CABDE", "it states 'CABDE', which is not a ranking of the letters ABCD"),
    (
        "batch",
        "Judgement: [[A]], [[A]], [[B]], [[C]]",
        "it states 'AABC', which is not a ranking of the letters ABCD",
    ),
    ("batch", "[[A]], [[B]], [[C]], [[D]] or [[D]], [[C]], [[B]], [[A]]", "it states both 'ABCD' and 'DCBA'"),
]


@pytest.mark.parametrize(("task", "text", "reason"), UNCLEAR)
def test_what_is_not_one_verdict_is_malformed(task: Task, text: str, reason: str) -> None:
    parsed = read(text, task)
    assert (parsed.verdict, parsed.problem) == (None, "malformed")
    assert parsed.reason == f"the reply states no single verdict: {reason}"


NOTHING: list[tuple[Task, str]] = [
    ("score", "A fine answer."),
    ("score", "Analysis: fine. Judgement:"),
    ("score", "Judgement: I would give it 4"),
    ("score", "Judgement: 4th place"),
    ("score", "Judgement: 4 of the 6 claims are right"),
    ("pair", "Assistant A is better."),
    ("pair", "Judgement: A is worse than B"),
    ("pair", "Judgement: A's answer is worse"),
    ("pair", "Judgement: neither"),
    ("batch", "The answers of A, B, C, D are alike"),
    ("batch", "the answers [A, B, C, D] are alike"),
    ("batch", "Judgement: CAB"),
]


@pytest.mark.parametrize(("task", "text"), NOTHING)
def test_a_verdict_is_never_guessed_from_prose(task: Task, text: str) -> None:
    parsed = read(text, task)
    assert (parsed.verdict, parsed.problem) == (None, "malformed")
    assert parsed.reason == f"the reply states no verdict; expected {Tasks().describe(item(task))}"


@pytest.mark.parametrize("text", [None, "", " \n\t"])
def test_an_empty_reply_is_malformed(text: str | None) -> None:
    assert (read(text).problem, read(text).reason) == ("malformed", "the reply is empty")


DECLINES = [
    "I'm sorry, but I can't assist with that request.",
    "I cannot see the images you are asking me to compare.",
    "You did not provide the edited images from Model A and Model B. Please provide the images.",
    "Please provide me with the generated images so I can evaluate them.",
    "No image was provided, so there is nothing to judge.",
    "The image was not attached.",
    "As an AI language model, I do not have the ability to evaluate images.",
    "抱歉，我无法看到图片。",
    '{"Analysis": "I can’t see any image.", "Judgement": "N/A"}',
]


@pytest.mark.parametrize("text", DECLINES)
def test_a_judge_that_declines_or_sees_no_image_refused(text: str) -> None:
    parsed = read(text)
    assert (parsed.verdict, parsed.problem) == (None, "refused")
    assert parsed.reason.startswith("the judge declined: ")


def test_a_refusal_of_the_assistant_does_not_hide_the_judges_verdict() -> None:
    assert read('The assistant says "I cannot see the image". Judgement: [[1]]').verdict == 1


def test_a_refusal_is_quoted() -> None:
    assert read("Hm. I'm unable to view the image! Ask again.").reason == (
        'the judge declined: "I\'m unable to view the image"'
    )


def test_what_the_provider_says_goes_before_the_text() -> None:
    one = item("score")
    assert parse(one, Reply(text="[[4]]", refusal="not this"), Tasks()) == Parsed(
        problem="refused", reason="the provider refused: 'not this'"
    )
    assert parse(one, Reply(text="[[4]]", finish_reason="content_filter"), Tasks()) == Parsed(
        problem="refused", reason="the provider's content filter stopped the reply"
    )
    assert parse(one, Reply(text="[[4]]", finish_reason="length"), Tasks()) == Parsed(
        problem="truncated", reason="the reply was cut off at the token limit (finish reason 'length')"
    )
    assert parse(one, Reply(text="[[4]]", finish_reason="stop"), Tasks()).verdict == 4


@pytest.mark.parametrize(
    "text",
    [
        '{"Analysis": "The answer',
        '```json\n{"Analysis": "A is [[4]] at best, but',
        '{"Analysis": "fine", "Judgement": "[[',
        "{ Analysis: fine, Judgement:",
    ],
)
def test_an_object_that_never_closes_without_a_verdict_is_truncated(text: str) -> None:
    parsed = read(text)
    assert (parsed.verdict, parsed.problem) == (None, "truncated")
    assert parsed.reason == "the reply begins what it never ends, and states no verdict"


def test_half_a_number_is_truncated() -> None:
    tasks = Tasks(score=ScoreTask(scale=tuple(range(1, 11))))
    assert read('{"Judgement": "1', tasks=tasks).problem == "truncated"
    assert read('{"Judgement": "10', tasks=tasks).verdict == 10
    assert read("{Judgement: 2", tasks=tasks).verdict == 2


def test_thoughts_that_never_end_are_truncated() -> None:
    parsed = read("<think>[[4]] seems fair, but")
    assert parsed == Parsed(
        problem="truncated",
        reason="the reply's thoughts never end",
        fields={"Thinking": "[[4]] seems fair, but"},
    )


HUGE = [
    "{" * 200_000,
    '{"a":' * 40_000,
    '{"a":' * 40_000 + "1" + "}" * 40_000,
    "[" * 200_000,
    "[[" + "A" * 200_000,
    "[A]" + " " * 200_000,
    "[[A]], " * 30_000,
    "A, " * 70_000,
    "Judgement: " * 20_000,
    "Judgement" + " " * 200_000,
    '{"Judgement": 4} ' * 12_000,
    "</s>" * 50_000,
    " " * 200_000,
    "9" * 200_000,
    'Judgement: "' + "9" * 200_000,
    '{"Judgement": ' + "9" * 200_000 + "}",
    '{"Judgement": ' + "[" * 100_000 + "4" + "]" * 100_000 + "}",
    "I " * 100_000,
    "image " * 33_000,
    '"' * 200_000,
    "`" * 200_000,
    "a 'b" * 50_000,
    "好" * 200_000,
    "ﷺ" * 100_000,
    "\0\x1b\x7f" * 60_000,
    "SC: " * 50_000,
]


CRITERIA = Tasks(score=ScoreTask(criteria=("SC", "PQ")))
READERS: list[tuple[str, Task, Tasks]] = [
    ("strict", "score", Tasks()),
    ("strict", "score", CRITERIA),
    ("strict", "pair", Tasks()),
    ("strict", "batch", Tasks()),
    ("genai-bench", "pair", Tasks()),
    ("genai-bench-strict", "pair", Tasks()),
    ("viescore", "score", CRITERIA),
]


@pytest.mark.parametrize("place", range(len(HUGE)))
def test_a_huge_reply_is_read_in_time(place: int) -> None:
    for parser, task, tasks in READERS:
        began = time.process_time()
        BUILT_IN[parser](item(task), Reply(text=HUGE[place]), tasks)
        assert time.process_time() - began < 1, parser


def test_a_long_reply_in_chinese_is_read_to_its_end() -> None:
    text = "这个回答很好。\n" * 2_500
    began = time.process_time()
    assert read(text + "Judgement：【结论】[[4]]").verdict == 4
    assert time.process_time() - began < 0.1
