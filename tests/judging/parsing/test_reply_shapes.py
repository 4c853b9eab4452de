"""Every shape in which a reply states its verdict."""

from __future__ import annotations

import json

import pytest

from pytest_mllm_judge.judging.parsing import parse
from pytest_mllm_judge.model import Item, PairTask, Parsed, Reply, Response, ScoreTask, Task, Tasks

_COUNT: dict[Task, int] = {"score": 1, "pair": 2, "batch": 4}


def read(text: str, task: Task, *, tasks: Tasks | None = None, responses: int = 0) -> Parsed:
    given = tuple(Response(text="an answer") for _ in range(responses or _COUNT[task]))
    return parse(Item(id="one", task=task, responses=given), Reply(text=text), tasks or Tasks())


SCORES = {
    "[[4]]": 4,
    "Judgement: 4": 4,
    "{Judgement: 4}": 4,
    "1</s>": 1,
    "\nJudgement: 4</s>": 4,
    "Judgement: 4\nExplanation: well-aligned with the instruction.</s>": 4,
    "Judgement: 4Explanation: well-aligned": 4,
    "{ Analysis: It is fine., Judgement: [[4]]": 4,
    "  Analysis: It deserves a score of 5., Judgement: 5": 5,
    "**Judgement:** [[3]]": 3,
    "**Judgement**: **3**": 3,
    "JUDGMENT: 2": 2,
    "Judgements: 2": 2,
    "It is good.Judgement:[[4]]": 4,
    "analysis of itJudgement: 4": 4,
    "Judgement：［［４］］": 4,
    "判断如下。Judgement：4。谢谢": 4,
    '{"Analysis": "fine", "Judgement": "[[4]]"}': 4,
    '{"Analysis": "fine", "judgment": 4}': 4,
    '{"Analysis": "fine", "Judgement": 4.0}': 4,
    '{"Analysis": "fine", "Judgement": [[4]]}': 4,
    '{"Analysis": "fine", "**Judgement**": "4/5"}': 4,
    '```json\n{"Analysis": "fine", "Judgement": "[[4]]"}\n```': 4,
    'Here it is:\n{"Analysis": "a\x07b\nc", "Judgement": "[[4]]"}\nThank you.': 4,
    "{'Analysis': 'it's fine', 'Judgement': '[[4]]'}": 4,
    '{Analysis: "say "hi"", Judgement: 4}': 4,
    '{"result": {"Judgement": "4"}}': 4,
    '{"Analysis": NaN, "x": -Infinity, "y": 1e999, "Judgement": 4}': 4,
    "4/5": 4,
    "Judgement: 4 out of 5.": 4,
    "Judgement: Score: 4": 4,
    "I think so.\n[[4]]\nGood night.": 4,
    "[[4]] and again [[4]]": 4,
    "<think>Judgement: 2, or [[3]]?</think>Judgement: 4": 4,
}


@pytest.mark.parametrize(("text", "verdict"), SCORES.items())
def test_a_score_is_read_from(text: str, verdict: int) -> None:
    parsed = read(text, "score")
    assert (parsed.verdict, parsed.problem, parsed.reason) == (verdict, None, "")


PAIRS = {
    "A": "A",
    "A</s>": "A",
    "[[tie]]": "tie",
    "[[TIE]]": "tie",
    "[[C]]": "tie",
    "Judgement: C": "tie",
    "{Judgement: B": "B",
    "Judgement: [[A]]</s>": "A",
    "Based on the image, the answer is:Judgment: [[A]]</s>": "A",
    'Judgement: "B"': "B",
    "Judgement: A. It is better.": "A",
    "Judgement: A (not B)": "A",
    "Judgement: A\nAssistant B's answer is worse.": "A",
    '{"Analysis": "B says [[x]], A says [[A]]", "Judgement": "[[B]]"}': "B",
    '{"Analysis": "Judgement: A was my first thought", "Judgement": "[[B]]"}': "B",
    "I considered [[A]] at first. Judgement: [[B]]": "B",
}


@pytest.mark.parametrize(("text", "verdict"), PAIRS.items())
def test_a_pair_verdict_is_read_from(text: str, verdict: str) -> None:
    parsed = read(text, "pair")
    assert (parsed.verdict, parsed.problem, parsed.reason) == (verdict, None, "")


RANKINGS = {
    "[[C]], [[A]], [[B]], [[D]] because C is best and [[D]] is poor": "CABD",
    "Judgement: Rank: [[C], [B], [A], [D]] }}": "CBAD",
    "Judgement: Ranking: [[C], [B], [A], [D]] }}Explanation of Judgement:- D provided": "CBAD",
    "Judgement: Rank: [C, B, A, D] }}": "CBAD",
    "{Judgement: [D,C,B,A]}": "DCBA",
    "{Judgement: ABCD": "ABCD",
    "{Judgement: ABCDExplanation: all are alike": "ABCD",
    "{Judgement: ABDCExplanation: all are alike": "ABDC",
    "Judgement: C > A > B > D": "CABD",
    "Judgement: C, A, B, D": "CABD",
    "**Judgement:**Based on the analysis:[[C]], [[D]], [[B]], [[A]]Assistant C is best": "CDBA",
    "Judgements:ranked as follows:[[D]], [[C]], [[B]], [[A]]助理A的回答": "DCBA",
    '{"Judgement": ["C", "A", "B", "D"]}': "CABD",
    '{"Judgement": [["C"], ["A"], ["B"], ["D"]]}': "CABD",
    '{"Judgement": "[[C]], [[A]], [[B]], [[D]]"}': "CABD",
    '{"Judgement": "CABD"}': "CABD",
    "[[C]]\n[[A]]\n[[B]]\n[[D]]": "CABD",
    '["C", "A", "B", "D"]': "CABD",
    "BDAC": "BDAC",
}


@pytest.mark.parametrize(("text", "verdict"), RANKINGS.items())
def test_a_ranking_is_read_from(text: str, verdict: str) -> None:
    parsed = read(text, "batch")
    assert (parsed.verdict, parsed.problem, parsed.reason) == (verdict, None, "")


def test_a_ranking_of_three_holds_three_letters() -> None:
    assert read("Judgement: Rank: [[B]], [[A]], [[C]] }}", "batch", responses=3).verdict == "BAC"
    assert read("Judgement: [[B]], [[A]], [[C]], [[D]]", "batch", responses=3).verdict is None


WORDS = Tasks(score=ScoreTask(scale=("fail", "pass")))


@pytest.mark.parametrize("text", ["[[pass]]", "PASS", "Judgement: Pass.", '{"Judgement": "pass"}'])
def test_a_word_of_the_scale_is_read_whatever_its_case(text: str) -> None:
    assert read(text, "score", tasks=WORDS).verdict == "pass"


@pytest.mark.parametrize(
    "text", ["Judgement: passable", "[[passed]]", "It may pass or fail.", "Judgement: pass or fail"]
)
def test_a_word_is_not_read_from_another(text: str) -> None:
    assert read(text, "score", tasks=WORDS).verdict is None


def test_c_is_a_tie_only_where_the_labels_are_a_b_and_tie() -> None:
    four = Tasks(pair=PairTask(labels=("A", "B", "tie", "both_bad")))
    assert read("[[C]]", "pair", tasks=four).reason == (
        "the reply states no single verdict: it states 'C', which is not one of the labels "
        "'A', 'B', 'tie', 'both_bad'"
    )
    assert read("[[both_bad]]", "pair", tasks=four).verdict == "both_bad"
    own = Tasks(pair=PairTask(labels=("A", "B", "C")))
    assert read("[[C]]", "pair", tasks=own).verdict == "C"


def test_a_verdict_has_the_type_of_its_point() -> None:
    tasks = Tasks(score=ScoreTask(scale=(0.0, 0.5, 1.0)))
    assert repr(read("[[1]]", "score", tasks=tasks).verdict) == "1.0"
    assert repr(read("[[1.0]]", "score").verdict) == "1"


def test_every_named_field_is_kept() -> None:
    data = {
        "Figure Analysis": "一只猫",
        "Response": "A cat.",
        "Analysis": "fine",
        "Judgement": "[[A]]",
        "extra": [1],
    }
    assert read(json.dumps(data), "pair").fields == data
    assert read("{ Analysis: Assistant A：好。 }, Judgement: [[A]]", "pair").fields == {
        "Analysis": "Assistant A：好。",
        "Judgement": "[[A]]",
    }
    assert read("<think>hm</think>Response: Two.\n**Analysis:** right\nJudgement: [[B]]", "pair").fields == {
        "Thinking": "hm",
        "Response": "Two.",
        "Analysis": "right",
        "Judgement": "[[B]]",
    }


CRITERIA = Tasks(score=ScoreTask(criteria=("SC", "PQ")))


@pytest.mark.parametrize(
    "text",
    [
        '{"Analysis": "x", "SC Judgement": "[[3]]", "PQ Judgement": "[[4]]"}',
        '{"Analysis": "x", "SC": 3, "PQ": "4/5"}',
        '{"Analysis": "x", "Judgement": {"sc": "[[3]]", "pq": 4}}',
        '{"SC": {"score": 3, "reasoning": "y"}, "PQ": {"Judgement": "[[4]]"}}',
        "Analysis: SC: the prompt is followed.\nSC: [[3]]\nPQ: [[4]]",
        "**SC Judgement:** 3\n**PQ Judgement:** 4\nAnalysis: 2 flaws",
        "Judgement of SC: [[3]], Judgement of PQ: [[4]]",
        "{'SC': '[[3]]', 'PQ': '[[4]]'}",
    ],
)
def test_each_criterion_has_its_verdict(text: str) -> None:
    parsed = read(text, "score", tasks=CRITERIA)
    assert (parsed.verdict, parsed.problem) == ({"SC": 3, "PQ": 4}, None)


def test_a_criterion_without_a_verdict_is_a_problem_and_the_others_stay() -> None:
    parsed = read('{"SC": "[[3]]", "PQ": "[[9]]"}', "score", tasks=CRITERIA)
    assert parsed.verdict == {"SC": 3}
    assert parsed.problem == "malformed"
    assert parsed.reason == "PQ: it states 9, which is not a point of the scale 1, 2, 3, 4, 5"
    assert read("SC: [[3]]", "score", tasks=CRITERIA).reason == "PQ: no verdict is stated"


def test_a_verdict_stated_beside_the_text_goes_before_it() -> None:
    item = Item(id="one", task="pair", responses=(Response(text="x"), Response(text="y")))
    assert parse(item, Reply(text="[[A]]", verdict="B"), Tasks()).verdict == "B"
    wrong = parse(item, Reply(text="[[A]]", verdict="D"), Tasks())
    assert (wrong.verdict, wrong.problem) == (None, "malformed")
    assert wrong.reason == "the verdict: it states 'D', which is not one of the labels 'A', 'B', 'tie'"
    scored = Item(id="two", task="score", responses=(Response(text="x"),))
    assert parse(scored, Reply(verdict={"SC": 3, "PQ": 4}), CRITERIA).verdict == {"SC": 3, "PQ": 4}
