from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.errors import JudgeError, SettingsError
from pytest_mllm_judge.judging.callable import CallableJudge
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Reply, Usage

FUNCTIONS = """
from helper_of_mine import A
from pytest_mllm_judge.errors import JudgeError
from pytest_mllm_judge.model import Reply

def text(question):
    return f"[[{A}]]"

def of_the_question(question):
    return question.item.id + str(question.repeat) + str(len(question.messages))

def reply(question):
    return Reply(text="[[B]]", latency=3.0, model="mine-2")

def fields(question):
    return {"verdict": "tie", "usage": {"input_tokens": 3, "output_tokens": 4}}

def typo(question):
    return {"txet": "[[A]]"}

def nan(question):
    return {"text": "[[A]]", "latency": float("nan")}

def nothing(question):
    return None

def broken(question):
    raise ValueError("out of memory")

def busy(question):
    raise JudgeError("too many calls", passing=True)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(FUNCTIONS)
    (tmp_path / "helper_of_mine.py").write_text("A = 'A'\n")
    (tmp_path / "fails.py").write_text("raise RuntimeError('no GPU')\n")
    return tmp_path


def judge(root: Path, function: str, **table: Any) -> CallableJudge:
    settings = {"kind": "callable", "function": function, **table}
    made = build("mine", {"mine": settings}, Context(root=root))
    assert isinstance(made, CallableJudge)
    return made


def test_a_text_is_a_reply(root: Path, pair: Item) -> None:
    made = judge(root, "mine.py:text")
    question = made.question(pair)
    judgement = made.read(question, made.ask(question))
    assert (judgement.verdict, judgement.reply) == ("A", "[[A]]")
    assert judgement.latency is not None


def test_a_module_on_the_roots_path_is_found(root: Path, pair: Item) -> None:
    (root / "pack_of_mine").mkdir()
    (root / "pack_of_mine" / "own.py").write_text("def text(question):\n    return '[[B]]'\n")
    made = judge(root, "pack_of_mine.own:text")
    assert made.ask(made.question(pair)).text == "[[B]]"


def test_the_function_is_given_the_question(root: Path, pair: Item) -> None:
    made = judge(root, "mine.py:of_the_question")
    question = made.question(pair, repeat=2)
    assert made.ask(question).text == f"circles-0072{len(question.messages)}"
    assert len(question.messages) >= 1


def test_a_reply_is_taken_as_it_is(root: Path, pair: Item) -> None:
    made = judge(root, "mine.py:reply")
    assert made.ask(made.question(pair)) == Reply(text="[[B]]", latency=3.0, model="mine-2")


def test_a_dict_holds_a_replys_fields(root: Path, pair: Item) -> None:
    made = judge(root, "mine.py:fields")
    reply = made.ask(made.question(pair))
    assert (reply.verdict, reply.usage) == ("tie", Usage(input_tokens=3, output_tokens=4))


def test_its_replies_stand_in_a_cassette_under_the_functions_name(root: Path, pair: Item) -> None:
    made = judge(root, "mine.py:text")
    assert (made.is_recorded, made.speaks_http) == (True, False)
    assert made.question(pair).model == "mine.py:text"
    assert judge(root, "mine.py:text", model="mine-3").question(pair).model == "mine-3"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("broken", "mine.py:broken raised ValueError: out of memory"),
        (
            "nothing",
            "mine.py:nothing returned NoneType; "
            "return the reply's text, a Reply, or a dict of a Reply's fields",
        ),
        (
            "typo",
            "mine.py:typo returned a dict that is no reply: unknown field 'txet'; did you mean 'text'?",
        ),
        (
            "nan",
            "mine.py:nan returned a dict that is no reply: "
            "latency: nan is wrong: input should be a finite number",
        ),
    ],
)
def test_a_function_that_gives_no_reply_is_named(root: Path, pair: Item, function: str, message: str) -> None:
    made = judge(root, f"mine.py:{function}")
    with pytest.raises(JudgeError) as caught:
        made.ask(made.question(pair))
    assert str(caught.value) == f"judge 'mine', item 'circles-007': {message}"


def test_a_judge_error_of_the_functions_own_comes_through(root: Path, pair: Item) -> None:
    made = judge(root, "mine.py:busy")
    with pytest.raises(JudgeError, match=r"^too many calls$") as caught:
        made.ask(made.question(pair))
    assert caught.value.passing


WHERE = "[tool.pytest-mllm-judge.judges.mine] function: "


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("mine.py", "'mine.py' names no function; write 'module:function' or 'file.py:function'"),
        ("mine.py:", "'mine.py:' names no function; write 'module:function' or 'file.py:function'"),
        ("absent.py:text", "there is no file absent.py in {root}"),
        ("mine.py:tetx", "mine.py has no function 'tetx'; did you mean 'text'?"),
        ("helper_of_mine:A", "helper_of_mine has no function 'A'"),
        (
            "absent_module:f",
            "importing absent_module raised ModuleNotFoundError: No module named 'absent_module'",
        ),
        ("fails.py:f", "importing fails.py raised RuntimeError: no GPU"),
    ],
)
def test_a_function_that_is_not_there_is_named(root: Path, function: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        judge(root, function)
    assert str(caught.value) == WHERE + message.format(root=root)


def test_the_root_stands_on_the_import_path_for_the_import_only(root: Path) -> None:
    before = list(sys.path)
    judge(root, "mine.py:text")
    with pytest.raises(SettingsError):
        judge(root, "fails.py:f")
    assert sys.path == before
