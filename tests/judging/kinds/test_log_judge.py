from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.log import LogJudge
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Judgement, Response, ScoreTask, Tasks, Usage

TASKS = Tasks(score=ScoreTask(criteria=("SC", "PQ")))


def pair(name: str = "a") -> Item:
    return Item(id=name, task="pair", responses=(Response(text="x"), Response(text="y")))


def log(
    root: Path, *rows: Any, name: str = "log.jsonl", tasks: Tasks | None = None, **table: Any
) -> LogJudge:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
    if name.endswith(".gz"):
        (root / name).write_bytes(gzip.compress(text.encode()))
    else:
        (root / name).write_text(text, encoding="utf-8")
    context = Context(root=root, tasks=tasks or Tasks())
    judge = build("old", {"old": {"kind": "log", "path": name, **table}}, context)
    assert isinstance(judge, LogJudge)
    return judge


def judged(judge: LogJudge, item: Item, **asked: Any) -> Judgement:
    question = judge.question(item, **asked)
    return judge.read(question, judge.ask(question))


def test_a_log_is_neither_recorded_nor_shown_any_picture(tmp_path: Path) -> None:
    judge = log(tmp_path)
    assert (judge.is_recorded, judge.sends_images, judge.speaks_http) == (False, False, False)


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz"])
def test_a_reply_is_found_by_item_variant_and_repeat(tmp_path: Path, name: str) -> None:
    rows = [
        {"item": "a", "reply": "[[A]]"},
        {"item": "a", "reply": "[[B]]", "variant": "swap"},
        {"item": "a", "reply": "[[tie]]", "repeat": 1},
        {"item": "b", "reply": "[[B]]"},
    ]
    judge = log(tmp_path, *rows, name=name)
    asks: list[tuple[str, dict[str, Any]]] = [
        ("a", {}),
        ("a", {"variant": "swap"}),
        ("a", {"repeat": 1}),
        ("b", {}),
    ]
    assert [judged(judge, pair(item), **asked).verdict for item, asked in asks] == ["A", "B", "tie", "B"]


def test_asking_again_is_the_next_repeat_of_the_item_as_it_is_unless_the_log_says_otherwise(
    tmp_path: Path,
) -> None:
    rows = [{"item": "a", "repeat": repeat, "verdict": verdict} for repeat, verdict in enumerate("AB")]
    judge = log(
        tmp_path,
        *rows,
        {"item": "b", "repeat": 1, "verdict": "A"},
        {"item": "b", "variant": "again", "repeat": 1, "verdict": "B"},
    )
    asks: list[tuple[str, str, int]] = [
        ("a", "again", 1),
        ("b", "again", 1),
        ("a", "blank", 1),
        ("a", "again", 2),
    ]
    said = [judged(judge, pair(item), variant=variant, repeat=repeat) for item, variant, repeat in asks]
    assert [(one.verdict, one.problem, one.variant) for one in said] == [
        ("B", None, "again"),
        ("B", None, "again"),
        (None, "not_asked", "blank"),
        (None, "not_asked", "again"),
    ]
    assert (
        said[3].reason
        == "log.jsonl has no row for item 'a', variant 'again', repeat 2; it holds 2 items, the first 'a'"
    )


def test_a_verdict_stands_without_any_reply(tmp_path: Path) -> None:
    judgement = judged(log(tmp_path, {"item": "a", "verdict": "B"}), pair())
    assert (judgement.verdict, judgement.reply) == ("B", None)


def test_what_else_a_row_knows_is_kept(tmp_path: Path) -> None:
    row = {
        "item": "a",
        "reply": "[[A]]",
        "model": "gpt-4-vision-preview",
        "latency": 2.5,
        "usage": {"prompt_tokens": 900, "completion_tokens": 20, "total_tokens": 920},
        "finish_reason": "stop",
        "anything": "else",
    }
    judgement = judged(log(tmp_path, row), pair())
    assert judgement.usage == Usage(input_tokens=900, output_tokens=20)
    assert (judgement.model, judgement.latency, judgement.finish_reason) == (
        "gpt-4-vision-preview",
        2.5,
        "stop",
    )


def test_an_item_that_the_log_lacks_was_not_asked(tmp_path: Path) -> None:
    judge = log(tmp_path, {"item": "a", "reply": "[[A]]"}, {"item": "b", "reply": "[[A]]"})
    judgement = judged(judge, pair("c"))
    assert (judgement.problem, judgement.verdict, judgement.finish_reason) == ("not_asked", None, None)
    assert judgement.reason == "log.jsonl has no row for item 'c'; it holds 2 items, the first 'a'"
    reason = judged(judge, pair("a"), variant="swap", repeat=2).reason
    assert (
        reason
        == "log.jsonl has no row for item 'a', variant 'swap', repeat 2; it holds 2 items, the first 'a'"
    )
    assert judged(log(tmp_path), pair()).reason == "log.jsonl has no row for item 'a'; it is empty"


def test_an_empty_reply_was_asked_and_is_malformed(tmp_path: Path) -> None:
    assert judged(log(tmp_path, {"item": "a", "reply": None}), pair()).problem == "malformed"


def test_rows_of_unknown_items_are_counted(tmp_path: Path) -> None:
    rows = [{"item": name, "repeat": repeat, "verdict": "A"} for name in "abc" for repeat in (0, 1)]
    judge = log(tmp_path, *rows)
    judge.check([pair("a")])
    assert judge.unknown_items == 4


def test_questions_of_two_items_differ_in_their_digest(tmp_path: Path) -> None:
    judge = log(tmp_path)
    questions = [
        judge.question(pair("a")),
        judge.question(pair("b")),
        judge.question(pair("a"), variant="swap"),
    ]
    assert len({question.digest for question in questions}) == 3
    assert questions[0].model == "log"


def test_columns_and_parser_can_be_named(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from pytest_mllm_judge.model import Parsed\n"
        "def last(item, reply, tasks):\n    return Parsed(verdict=reply.text[-1])\n"
    )
    columns = {"item": "id", "reply": "response", "repeat": "run"}
    rows = [{"id": 7, "response": "I say A"}, {"id": 7, "response": "I say B", "run": 1}]
    judge = log(tmp_path, *rows, columns=columns, parser="own.py:last")
    assert [judged(judge, pair("7"), repeat=repeat).verdict for repeat in (0, 1)] == ["A", "B"]


def test_several_columns_are_one_reply(tmp_path: Path) -> None:
    columns = {"reply": ["score", "reasoning", "absent"]}
    judge = log(tmp_path, {"item": "a", "score": [3, 4], "reasoning": "Ähnlich"}, columns=columns)
    assert judge.ask(judge.question(pair())).text == '{"score": [3, 4], "reasoning": "Ähnlich"}'


def test_the_rows_of_several_criteria_are_one_reply(tmp_path: Path) -> None:
    columns = {"reply": ["score", "why"], "criterion": "metric"}
    rows = [
        {"item": "a", "metric": "SC", "score": [2], "why": "so"},
        {"item": "b", "metric": "SC", "score": [1]},
        {"item": "a", "metric": "PQ", "score": [5, 6]},
    ]
    judge = log(tmp_path, *rows, columns=columns)
    assert json.loads(judge.ask(judge.question(pair("a"))).text or "") == {
        "SC": {"score": [2], "why": "so"},
        "PQ": {"score": [5, 6]},
    }
    assert json.loads(judge.ask(judge.question(pair("b"))).text or "") == {"SC": {"score": [1]}}


def test_the_verdicts_of_several_criteria_are_one_table(tmp_path: Path) -> None:
    rows = [{"item": "s", "metric": "SC", "verdict": 2}, {"item": "s", "metric": "PQ", "verdict": 5}]
    judge = log(tmp_path, *rows, columns={"criterion": "metric"}, tasks=TASKS)
    item = Item(id="s", task="score", responses=(Response(text="x"),))
    assert judged(judge, item).verdict == {"SC": 2, "PQ": 5}


BROKEN: list[tuple[list[Any], dict[str, Any], str]] = [
    (['{"item": "a", "reply": "x"}', "{broken"], {}, ":2: this line is not JSON: Expecting property "
     "name enclosed in double quotes: line 1 column 2 (char 1)"),
    (['{"item": "a", "verdict": NaN}'], {}, ":1: this line is not JSON: NaN is no JSON"),
    (["[1, 2]"], {}, ":1: a row is a JSON object, this is [1, 2]"),
    ([{"itme": "a", "reply": "x"}], {}, ":1: a row needs a text under 'item'; did you mean 'itme'?; "
     "name the keys in `columns`"),
    ([{"item": "", "reply": "x"}], {}, ":1: a row needs a text under 'item'; name the keys in `columns`"),
    ([{"item": "a", "rely": "x"}], {}, ":1: a row needs 'reply' or 'verdict'; did you mean 'rely'?; "
     "name the keys in `columns`"),
    ([{"item": "a", "reply": "x", "repeat": -1}], {}, ":1: the repeat is -1; it counts from 0"),
    ([{"item": "a", "verdict": True}], {}, ":1: verdict is true, which can't be"),
    ([{"item": "a", "reply": "x", "latency": "fast"}], {}, ':1: latency is "fast", which can\'t be'),
    (
        ["", {"item": "a", "reply": "x"}, "", {"item": "a", "reply": "y"}],
        {},
        ":4: item 'a', repeat 0 stands on line 2 already; give repeats a `repeat`",
    ),
    (
        [{"item": "a", "m": "SC", "variant": "v", "reply": text} for text in "xy"],
        {"columns": {"criterion": "m"}},
        ":2: item 'a', variant 'v', repeat 0, criterion 'SC' stands on line 1 already; "
        "give repeats a `repeat`",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rows", "table", "message"), BROKEN)
def test_a_broken_line_is_named_before_the_first_question(
    tmp_path: Path, rows: list[Any], table: dict[str, Any], message: str
) -> None:
    judge = log(tmp_path, *rows, **table)
    with pytest.raises(SettingsError) as caught:
        judge.check([pair()])
    assert str(caught.value) == f"{tmp_path / 'log.jsonl'}{message}"


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        build("old", {"old": {"kind": "log", "path": "logs/x.jsonl"}}, Context(root=tmp_path))
    assert str(caught.value) == (
        f"[tool.pytest-mllm-judge.judges.old] path: there is no file logs/x.jsonl in {tmp_path}"
    )


def test_a_cut_archive_is_named(tmp_path: Path) -> None:
    judge = log(tmp_path, *({"item": str(n), "reply": "x" * 50} for n in range(99)), name="log.jsonl.gz")
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(SettingsError) as caught:
        judge.check([])
    ending = "Compressed file ended before the end-of-stream marker was reached"
    assert str(caught.value) == f"{path}: the log can't be read: {ending}"


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path: Path) -> None:
    judge = log(tmp_path)
    (tmp_path / "log.jsonl").write_bytes('\ufeff{"item": "a", "reply": "[[A]]"}\r\n\r\n'.encode())
    assert judged(judge, pair()).verdict == "A"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=30), max_size=6))
def test_every_reply_written_is_the_reply_read(tmp_path: Path, replies: dict[str, str]) -> None:
    judge = log(tmp_path, *({"item": item, "reply": reply} for item, reply in replies.items()))
    assert {item: judge.ask(judge.question(pair(item))).text for item in replies} == replies
