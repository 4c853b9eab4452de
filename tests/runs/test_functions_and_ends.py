"""What a function may look at is part of its question; and what the end of one judge does to others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pytest_mllm_judge import Session
from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.model import Question, Reply
from pytest_mllm_judge.recording.format import Failure
from pytest_mllm_judge.recording.recorder import merge
from pytest_mllm_judge.recording.store import Store

OWN = """
from pathlib import Path
def by_field(question):
    return f"Judgement: [[{question.item.fields['expected']}]]"
def by_picture(question):
    item = question.item
    return "Judgement: [[A]]" if (item.folder / item.images[0]).stat().st_size < 300 else "Judgement: [[B]]"
"""


def item(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "task": "pair", "responses": [{"text": "a"}, {"text": "b"}], **more}


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """Two pairs that differ in a field alone, with one picture."""
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "benchmark.toml").write_text('format = "mllm-judge/1"\nitems = "items.jsonl"\n')
    items = [item("x1", expected="A", images=["one.png"]), item("x2", expected="B", images=["one.png"])]
    (folder / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    Image.new("RGB", (4, 4)).save(folder / "one.png")
    (tmp_path / "own.py").write_text(OWN)
    return folder


def opened(bench: Path, function: str, **more: Any) -> Session:
    table = {"kind": "callable", "function": f"own.py:{function}", "prompt": "no-figure"}
    return Session(root=bench.parent, tables={function: table}, **more)


def verdicts(session: Session, function: str, bench: Path) -> list[Any]:
    return [judgement.verdict or judgement.problem for judgement in session.run(function, bench).pair]


@pytest.mark.parametrize("replayed", [False, True])
def test_items_that_a_function_can_tell_apart_have_replies_of_their_own(bench: Path, replayed: bool) -> None:
    for mode in ("new_episodes", "none")[: 1 + replayed]:
        session = opened(bench, "by_field", mode=mode)
        assert verdicts(session, "by_field", bench) == ["A", "B"]
        session.close()


def test_another_picture_is_a_miss_though_the_prompt_shows_none(bench: Path) -> None:
    session = opened(bench, "by_picture", mode="new_episodes")
    assert verdicts(session, "by_picture", bench) == ["A", "A"]
    session.close()
    Image.effect_noise((64, 64), 50).save(bench / "one.png")
    session = opened(bench, "by_picture")
    assert verdicts(session, "by_picture", bench) == ["not_asked", "not_asked"]
    assert "  differs   item, image 1: asked " in session.run("by_picture", bench).pair[0].reason


def test_what_humans_said_is_no_part_of_the_question(bench: Path) -> None:
    session = opened(bench, "by_field", mode="new_episodes")
    verdicts(session, "by_field", bench)
    session.close()
    items = [json.loads(line) for line in (bench / "items.jsonl").read_text().splitlines()]
    relabelled = [json.dumps({**each, "human": "A", "must": True, "cluster": "c"}) for each in items]
    (bench / "items.jsonl").write_text("\n".join(relabelled))
    assert verdicts(opened(bench, "by_field"), "by_field", bench) == ["A", "B"]


def test_a_judge_that_fails_to_close_costs_no_cassette(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {name: {"kind": "callable", "function": f"own.py:{name}"} for name in ("by_field", "by_picture")}
    session = Session(root=bench.parent, tables=tables, mode="new_episodes")
    for name in tables:
        verdicts(session, name, bench)

    async def fail() -> None:
        raise RuntimeError("can't let go")

    monkeypatch.setattr(session.run("by_field", bench).judge, "aclose", fail)
    with pytest.raises(RuntimeError, match="can't let go"):
        session.close()
    assert sorted(path.name for path in (bench / "cassettes").glob("*.jsonl*")) == [
        "by_field.jsonl",
        "by_field.jsonl.times",
        "by_picture.jsonl",
        "by_picture.jsonl.times",
    ]
    session.close()


def exchange(number: int) -> Any:
    from pytest_mllm_judge.recording.format import DIGEST, Exchange

    digest = f"{number:0{DIGEST}x}"
    return Exchange(question=digest, item=f"pair-{number}", model="m", reply={"reply": "[[A]]"})


def test_a_new_journal_is_not_read_from_where_the_old_one_ended(tmp_path: Path) -> None:
    path = tmp_path / "cassettes" / "j.jsonl"
    reader, second, third = (Store(path, run=name) for name in ("a", "b", "c"))
    failed = exchange(9).question
    second.fail(Failure(question=failed, reason="down " * 200))
    reader.refresh()
    second.merge()
    for number in range(20):
        third.append(exchange(number))
        reader.refresh()
    assert all(reader.settled(exchange(number).question) for number in range(20))
    assert len(reader) == 20


@pytest.mark.parametrize("name", ["j.jsonl.journal", "j.jsonl.times", "j.jsonl"])
def test_no_file_of_a_cassette_is_written_through_a_link_out_of_the_benchmark(
    tmp_path: Path, name: str
) -> None:
    path = tmp_path / "bench" / "cassettes" / "j.jsonl"
    path.parent.mkdir(parents=True)
    outside = tmp_path / "outside"
    outside.write_bytes(b"")
    (path.parent / name).symlink_to(outside)
    with pytest.raises(CassetteError, match=r"a link leads to .*, outside of .*; nothing was written"):
        Store(path).append(exchange(1))
    assert outside.read_bytes() == b""


def test_a_linked_folder_is_not_merged_into(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    Store(elsewhere / "cassettes" / "j.jsonl").append(exchange(1))
    (tmp_path / "bench").mkdir()
    (tmp_path / "bench" / "cassettes").symlink_to(elsewhere / "cassettes")
    with pytest.raises(CassetteError, match="a link leads to"):
        merge(tmp_path / "bench" / "cassettes" / "j.jsonl")
    assert not (elsewhere / "cassettes" / "j.jsonl").exists()


def test_a_dead_judge_is_given_up_by_the_next_process_at_once(bench: Path) -> None:
    asked: list[str] = []

    async def ask(question: Question) -> Reply:
        asked.append(question.item.id)
        raise AssertionError("it was asked")

    path = bench / "cassettes" / "by_field.jsonl"
    store = Store(path, run="one")
    for number in range(5):
        store.fail(Failure(question=exchange(number).question, reason="no connection", passing=True))
    session = opened(bench, "by_field", mode="new_episodes", run="one")
    run = session.run("by_field", bench)
    run.judge.ask_async = ask  # type: ignore[method-assign]
    first = run.pair[0]
    assert (first.problem, asked) == ("not_asked", [])
    assert first.reason == "not asked: 5 questions in a row got no reply, the last one: no connection"
    session.close()
