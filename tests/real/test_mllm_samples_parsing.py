"""MLLM-as-a-Judge's recorded replies: each that states a verdict is read as upstream recorded it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.judging.parsing import parse
from pytest_mllm_judge.model import Item, Label, Parsed, Reply, Response, Task, Tasks

WITHOUT_A_VERDICT = {
    "hq_pair.jsonl": "upstream cut the verdict off the analysis; only `judge` holds it",
    "hard_pair.jsonl": "upstream cut the verdict off, once behind `Judgement:`; only `judge` holds it",
}
WITHOUT_A_RECORD = {"hard_score.jsonl": "batch replies with no `judge` beside them"}

Recorded = tuple[str, Item, str, str | None]


def item_of(name: str, record: dict[str, Any]) -> Item:
    answers = len(record.get("answers", ())) or sum(f"answer{place}" in record for place in range(4))
    task: Task = (
        "pair" if "answer1" in record and "answer0" not in record else "batch" if answers else "score"
    )
    count = {"score": 1, "pair": 2}.get(task, answers)
    return Item(id=name, task=task, responses=tuple(Response(text="x") for _ in range(count)))


def replies(record: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """Each recorded reply with its recorded verdict, from wherever the file's shape has it."""
    evaluator = record.get("evaluator", {})
    if "judge" in evaluator:
        yield evaluator["judge"], evaluator["judge_evaluator"]
    for key in ("result", "result1", "result2"):
        if result := record.get(key):
            judge = result.get("judge")
            yield result.get("oral") or result["analysis"], None if judge is None else str(judge)


@pytest.fixture(scope="module")
def recorded(shared: Path) -> list[Recorded]:
    found = []
    for file in sorted((shared / "mllm_judge_samples").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            item = item_of(f"{file.name} {record.get('id')}", record)
            found += [(file.name, item, text, verdict) for text, verdict in replies(record)]
    return found


def read(item: Item, text: str) -> Parsed:
    return parse(item, Reply(text=text), Tasks())


def said(verdict: object) -> str | None:
    return None if verdict is None else str(verdict)


def test_every_reply_that_states_a_verdict_is_read_as_it_was_recorded(recorded: list[Recorded]) -> None:
    left_out = WITHOUT_A_VERDICT | WITHOUT_A_RECORD
    stating = [each for each in recorded if each[0] not in left_out]
    assert len(stating) == 78
    differing = [(item.id, verdict, read(item, text)) for _, item, text, verdict in stating
                 if said(read(item, text).verdict) != verdict]  # fmt: skip
    assert differing == []


def test_replies_without_a_record_state_the_ranking_that_a_reader_sees(recorded: list[Recorded]) -> None:
    rankings: list[Label | dict[str, Label] | None] = [
        read(item, text).verdict for name, item, text, _ in recorded if name in WITHOUT_A_RECORD
    ]
    assert rankings == ["CBAD", "CBAD", "BAC", "CADB", "CDAB", "CDBA", "CABD"]


def test_the_exceptions_state_no_verdict_and_none_is_guessed(recorded: list[Recorded]) -> None:
    exceptions = [(item, text) for name, item, text, _ in recorded if name in WITHOUT_A_VERDICT]
    assert len(exceptions) == 22
    for item, text in exceptions:
        assert "[[" not in text
        assert read(item, text).verdict is None
        assert read(item, text).problem in ("malformed", "truncated")


def test_a_field_of_analysis_is_kept_wherever_one_is_named(recorded: list[Recorded]) -> None:
    for _, item, text, _ in recorded:
        if "Analysis:" in text:
            assert read(item, text).fields["Analysis"], text
