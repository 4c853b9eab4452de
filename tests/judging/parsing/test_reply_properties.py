"""What holds for every reply, every task and every set of labels."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.judging.parsers import BUILT_IN
from pytest_mllm_judge.judging.parsing import parse
from pytest_mllm_judge.model import Item, Label, PairTask, Parsed, Reply, Response, ScoreTask, Tasks

PIECES = [
    *(
        "Judgement:",
        "Judgment",
        '"Judgement": ',
        "{",
        "}",
        "[[",
        "]]",
        "[",
        "]",
        "A",
        "B",
        "C",
        "D",
        "tie",
        "pass",
    ),
    *(
        "4",
        "5",
        "4.5",
        "1",
        "0",
        "/5",
        " out of 5",
        " or ",
        ", ",
        ">",
        "=",
        "A>B",
        "A=B",
        "\n",
        '"',
        "'",
        "\\",
    ),
    *(
        "\\ud800",
        "```json\n",
        "```",
        "</s>",
        "<think>",
        "</think>",
        "SC",
        "PQ",
        "score",
        ":",
        "NaN",
        "Infinity",
    ),
    *(
        "1e999",
        "null",
        "I cannot see the image.",
        "：",
        "［［",
        "\0",
        "\x1b",
        "判断",
        "Explanation",
        "**",
        "-",
        "²",
    ),
    *("①", "½", "ﷺ", "{'", "true", "[]", "Rank: "),
]
TEXTS = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
WORDS = st.text("abcdefgh ABC_-+é好", min_size=1, max_size=8).filter(
    lambda word: word[0].isalpha() and word[-1].isalpha()
)
NUMBERS = st.one_of(st.integers(-20, 200), st.floats(-5, 5, allow_nan=False).map(lambda x: round(x, 2) + 0.0))


@st.composite
def cases(draw: st.DrawFn) -> tuple[Item, Tasks]:
    task = draw(st.sampled_from(("score", "pair", "batch")))
    count = {"score": 1, "pair": 2}.get(task) or draw(st.integers(2, 8))
    numbers = st.lists(NUMBERS, min_size=2, max_size=6, unique=True).map(lambda points: tuple(sorted(points)))
    words = st.lists(WORDS, min_size=2, max_size=4, unique_by=str.casefold).map(tuple)
    more = st.lists(WORDS, max_size=3, unique_by=str.casefold).map(
        lambda found: ("A", "B", *(word for word in found if word.casefold() not in ("a", "b")))
    )
    criteria = draw(st.sampled_from([(), (), ("SC", "PQ")]))
    tasks = Tasks(
        score=ScoreTask(scale=draw(st.one_of(numbers, words)), criteria=criteria),
        pair=PairTask(labels=draw(more)),
    )
    return Item(id="one", task=task, responses=tuple(Response(text="x") for _ in range(count))), tasks


def verdicts(parsed: Parsed) -> list[Label]:
    if isinstance(parsed.verdict, dict):
        return list(parsed.verdict.values())
    return [] if parsed.verdict is None else [parsed.verdict]


@settings(deadline=None)
@given(cases(), TEXTS, st.sampled_from([None, "stop", "length"]))
def test_no_parser_raises_or_gives_a_verdict_outside_the_scale(
    case: tuple[Item, Tasks], text: str, finish: str | None
) -> None:
    item, tasks = case
    for parser in BUILT_IN.values():
        parsed = parser(item, Reply(text=text, finish_reason=finish), tasks)
        assert all(tasks.allows(item, label) for label in verdicts(parsed))
        assert parsed.problem is None or parsed.reason
        parsed.model_dump_json()


@settings(deadline=None)
@given(
    cases(),
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5),
)
def test_no_json_value_raises_or_gives_a_verdict_outside_the_scale(
    case: tuple[Item, Tasks], value: object
) -> None:
    item, tasks = case
    for key in ("Judgement", "SC", "score"):
        for parser in BUILT_IN.values():
            parsed = parser(item, Reply(text=json.dumps({key: value})), tasks)
            assert all(tasks.allows(item, label) for label in verdicts(parsed))


SHAPES = [
    "[[{}]]",
    "Judgement: {}",
    "Judgement: [[{}]]",
    "{{Judgement: {}}}",
    "Judgment: [[{}]]</s>",
    "**Judgement:** {}",
    "Judgements：［［{}］］",
    '{{"Analysis": "x", "Judgement": "[[{}]]"}}',
    '```json\n{{"Judgement": "{}"}}\n```',
]
AROUND = st.text("abcdefgh ijklmno.,\n好", max_size=40)


@st.composite
def stated(draw: st.DrawFn) -> tuple[Item, Tasks, Label, str]:
    item, tasks = draw(cases().filter(lambda case: not case[1].criteria(case[0])))
    if item.task == "batch":
        label: Label = "".join(draw(st.permutations(item.letters)))
    else:
        label = draw(st.sampled_from(tasks.pair.labels if item.task == "pair" else tasks.score.scale))
    return item, tasks, label, draw(st.sampled_from(SHAPES))


@settings(deadline=None)
@given(stated(), AROUND, AROUND)
def test_a_verdict_comes_back_in_every_shape_whatever_stands_around_it(
    case: tuple[Item, Tasks, Label, str], before: str, after: str
) -> None:
    item, tasks, label, shape = case
    between = "］］, ［［" if "［［" in shape else "]], [[" if "[[" in shape else ""
    written = between.join(str(label)) if item.task == "batch" else str(label)
    text = shape.format(written)
    assert parse(item, Reply(text=text), tasks).verdict == label
    surrounded = f"{before}\n{text}\n{after}"
    assert parse(item, Reply(text=surrounded), tasks).verdict == label


@settings(deadline=None)
@given(stated(), stated())
def test_two_verdicts_are_never_one(
    one: tuple[Item, Tasks, Label, str], other: tuple[Item, Tasks, Label, str]
) -> None:
    item, tasks, label, _ = one
    if item.task == "batch" or not tasks.allows(item, other[2]) or label == other[2]:
        return
    for text in (f"[[{label}]] [[{other[2]}]]", f"Judgement: {label}\nJudgement: {other[2]}"):
        assert parse(item, Reply(text=text), tasks).verdict is None
