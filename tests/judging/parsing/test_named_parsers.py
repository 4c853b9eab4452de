"""Parsers by name, those of published protocols, and one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.parsers import parser_named
from pytest_mllm_judge.judging.parsing import parse
from pytest_mllm_judge.model import Item, PairTask, Parsed, Reply, Response, ScoreTask, Tasks

FOUR = Tasks(pair=PairTask(labels=("A", "B", "tie", "both_bad")))
CHOICES = "one of the choices [[A>B]], [[A>>B]], [[B>A]], [[B>>A]], [[A=B=Good]], [[A=B=Bad]]"


def pair(human: str = "A") -> Item:
    pictures = (Response(images=("left.png",)), Response(images=("right.png",)))
    return Item(id="p", task="pair", responses=pictures, human=(human,))


def choice(parser: str, text: str, *, human: str = "A", tasks: Tasks = FOUR) -> Parsed:
    return parser_named(parser, Path())(pair(human), Reply(text=text), tasks)


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("so [[A>B]]", "A"),
        ("[[A>>B]]", "A"),
        ("[[B>A]]", "B"),
        ("[[B>>A]]", "B"),
        ("[[A=B=Good]]", "tie"),
        ("[[A=B=Bad]]", "both_bad"),
        ("[[A>B]] was my first\n[[B>A]]", "A"),
        ("[[A>B]], [[B>A]]", None),
        ("[[ A>B ]]", None),
        ("[[A>\nB]] then [[B>A]]", "B"),
        ("A>B", None),
        ("]] [[", None),
        ("", None),
    ],
)
def test_genai_bench_reads_as_upstream_did(text: str, verdict: str | None) -> None:
    assert choice("genai-bench", text).verdict == verdict


@pytest.mark.parametrize(
    ("human", "verdict"), [("tie", "tie"), ("both_bad", "both_bad"), ("A", "tie"), ("B", "tie")]
)
def test_genai_bench_counts_an_open_tie_for_either_kind(human: str, verdict: str) -> None:
    parsed = choice("genai-bench", "[[A=B]]", human=human)
    assert (parsed.verdict, parsed.fields) == (verdict, {"choice": "[[A=B]]"})


def test_genai_bench_says_what_it_did_not_find() -> None:
    assert choice("genai-bench", "A>B").reason == "the reply has no [[choice]] on one line"
    assert choice("genai-bench", "[[A]]").reason == f"the reply states '[[A]]', which is not {CHOICES}"


@pytest.mark.parametrize(
    ("text", "verdict", "reason"),
    [
        ("so [[A>B]]", "A", ""),
        ("[[ A = B = Bad ]]", "both_bad", ""),
        ("[[A>B]], [[A>B]]", "A", ""),
        ("A>B", "A", ""),
        ("[[Ａ＞Ｂ]]", "A", ""),
        ("[[A>B]], [[B>A]]", None, "the reply states no single verdict: it states both 'A' and 'B'"),
        (
            "[[A=B]]",
            None,
            "the reply states no single verdict: [[A=B]] leaves open whether both are good or both are bad",
        ),
        ("[[A]]", None, f"the reply states no verdict; expected {CHOICES}"),
        ("A>B, as it is better", None, f"the reply states no verdict; expected {CHOICES}"),
        ("You did not provide images.", None, "the judge declined: 'You did not provide images'"),
    ],
)
def test_genai_bench_strict_takes_only_one_choice(text: str, verdict: str | None, reason: str) -> None:
    parsed = choice("genai-bench-strict", text)
    assert (parsed.verdict, parsed.reason) == (verdict, reason)


@pytest.mark.parametrize("parser", ["genai-bench", "genai-bench-strict"])
def test_a_choice_that_the_benchmark_has_no_label_for_is_no_verdict(parser: str) -> None:
    assert choice(parser, "[[A=B=Bad]]", tasks=Tasks()).verdict is None


VIE = Tasks(score=ScoreTask(scale=tuple(point / 10 for point in range(11)), criteria=("SC", "PQ")))
ONE = Tasks(score=VIE.score.model_copy(update={"criteria": ()}))


def vie(text: str, tasks: Tasks = VIE) -> Parsed:
    item = Item(id="v", task="score", responses=(Response(images=("made.png",)),))
    return parser_named("viescore", Path())(item, Reply(text=text), tasks)


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        ("[8, 3]", 0.3),
        ("[10]", 1.0),
        ("[80]", 1.0),
        ("[-2, 4]", 0.0),
        ("[8.5, 9]", 0.8),
        ('["10", 7]', 0.7),
        ("8", 0.8),
    ],
)
def test_viescore_takes_the_least_sub_score(score: str, verdict: float) -> None:
    assert vie(f'{{"score": {score}, "reasoning": "so"}}', ONE).verdict == verdict


def test_viescore_reads_a_score_for_each_criterion_and_keeps_the_sub_scores() -> None:
    text = '{"SC": {"score": [8, 3], "reasoning": "a"}, "PQ": {"score": [7, 9], "reasoning": "b"}}'
    parsed = vie(text)
    assert parsed.verdict == {"SC": 0.3, "PQ": 0.7}
    assert parsed.fields == {
        "SC": {"score": [8, 3], "reasoning": "a"},
        "PQ": {"score": [7, 9], "reasoning": "b"},
    }


def test_viescore_without_a_number_is_malformed() -> None:
    parsed = vie('{"SC": {"score": [], "reasoning": "a"}, "PQ": {"score": [7]}}')
    assert (parsed.verdict, parsed.problem) == ({"PQ": 0.7}, "malformed")
    assert parsed.reason == "SC: its score [] holds no number"
    assert vie('{"score": ["x", 4]}', ONE).reason == "its score ['x', 4] holds no number"
    assert vie('{"score": 8.5}', ONE).reason.startswith(
        "its score comes to 0.85, which is not a point of the scale"
    )
    assert vie("Nice.", ONE).reason == 'the reply states no verdict; expected JSON with a "score" of numbers'


def test_the_default_parser_has_a_name() -> None:
    assert parser_named("strict", Path()) is parse


def test_an_unknown_parser_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(SettingsError) as error:
        parser_named("genai-bensh", Path())
    assert str(error.value) == (
        "no parser is called 'genai-bensh'; did you mean 'genai-bench' or 'genai-bench-strict'?\n"
        "  choose one of: genai-bench, genai-bench-strict, strict, viescore; "
        "or write your own as module:function or file.py:function"
    )


OWN = """
from pytest_mllm_judge.model import Parsed

def shouted(item, reply, tasks):
    return Parsed(verdict=reply.text.upper())

def wrong(item, reply, tasks):
    return reply.text

number = 4
"""


def test_a_parser_of_ones_own_comes_from_a_file_or_a_module(tmp_path: Path) -> None:
    (tmp_path / "own_reply_parser.py").write_text(OWN)
    for name in ("own_reply_parser.py:shouted", "own_reply_parser:shouted"):
        assert parser_named(name, tmp_path)(pair(), Reply(text="b"), FOUR).verdict == "B"


def test_a_parser_of_ones_own_never_stops_a_run(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN)
    shouted = parser_named("own.py:shouted", tmp_path)
    assert shouted(pair(), Reply(), FOUR) == Parsed(
        problem="error",
        reason="parser 'own.py:shouted' raised AttributeError: 'NoneType' object has no attribute 'upper'",
    )
    assert shouted(pair(), Reply(text="d"), FOUR) == Parsed(
        problem="error",
        reason="parser 'own.py:shouted' gave 'D', which is not one of the labels 'A', 'B', 'tie', 'both_bad'",
    )
    assert parser_named("own.py:wrong", tmp_path)(pair(), Reply(text="A"), FOUR) == Parsed(
        problem="error", reason="parser 'own.py:wrong' gave 'A', not a Parsed"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own.py:shuted", "parser 'own.py:shuted': own.py has no 'shuted'; did you mean 'shouted'?"),
        ("own.py:number", "parser 'own.py:number' is 4, which can't be called"),
        ("none.py:it", "parser 'none.py:it' can't be loaded: FileNotFoundError: no file {folder}/none.py"),
        ("broken.py:it", "parser 'broken.py:it' can't be loaded: ZeroDivisionError: division by zero"),
        ("nowhere:it", "parser 'nowhere:it' can't be loaded: ModuleNotFoundError: No module named 'nowhere'"),
    ],
)
def test_a_parser_that_can_not_be_had_says_why(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "own.py").write_text(OWN)
    (tmp_path / "broken.py").write_text("1 / 0")
    with pytest.raises(SettingsError) as error:
        parser_named(name, tmp_path)
    assert str(error.value) == message.format(folder=tmp_path)
