"""Replies that come from no HTTP: a callable's, a model's in this process."""

from __future__ import annotations

import json

import pytest

from pytest_mllm_judge.errors import CassetteMiss, JudgeError, SettingsError
from pytest_mllm_judge.model import Reply, Usage
from pytest_mllm_judge.recording import Recorder
from pytest_mllm_judge.recording.format import DIGEST, PART

from .loopback import RERECORD, AskedFor, Record


def never() -> Reply:
    raise AssertionError("it was asked")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(text="[[A]]"),
        Reply(),
        Reply(verdict="A"),
        Reply(verdict=3),
        Reply(verdict={"SC": 0.5, "PQ": 1.0}, text=""),
        Reply(refusal="I can't.", finish_reason="content_filter", model="shapes-old-2"),
        Reply(text="判断：[[B]]\n\x00\u2028", finish_reason="stop", model="shapes-old"),
        Reply(text="\ud800", usage=Usage(input_tokens=3, output_tokens=0)),
    ],
)
def test_a_reply_is_played_as_it_was_with_its_latency_as_long_as_the_side_file_is_there(
    reply: Reply, question: AskedFor, record: Record
) -> None:
    timed = reply.model_copy(update={"latency": 1.5})
    with record("new_episodes") as recorder:
        assert recorder.exchange(question(), lambda: timed, over_http=False) == timed
        assert recorder.exchange(question(), never, over_http=False) == timed
    assert b"1.5" not in recorder.path.read_bytes()
    with record("none") as player:
        assert player.exchange(question(), never, over_http=False) == timed
    assert (recorder.recorded, recorder.played, player.played) == (1, 1, 1)
    recorder.path.with_name("shapes-old.jsonl.times").unlink()
    with record("none") as player:
        assert player.exchange(question(), never, over_http=False) == reply


def test_a_judge_that_raises_leaves_nothing_behind(question: AskedFor, record: Record) -> None:
    def fail() -> Reply:
        raise JudgeError("out of memory")

    with record("new_episodes") as recorder, pytest.raises(JudgeError):
        recorder.exchange(question(), fail, over_http=False)
    assert not recorder.has(question())
    assert list(recorder.path.parent.iterdir()) == []


def test_the_line_is_readable(question: AskedFor, record: Record) -> None:
    asked = question(7, variant="swap", repeat=2, change="max_side 1024;jpeg 90", detail="low")
    with record("new_episodes") as recorder:
        recorder.exchange(
            asked, lambda: Reply(text='Größer: "A"\n[[A]]', model="shapes-old"), over_http=False
        )
    line = json.loads(recorder.path.read_text(encoding="utf-8"))
    digests = [part.partition(":")[2][:PART] or part for part in line["prompt"][1][1:]]
    assert "Größer" in recorder.path.read_text(encoding="utf-8")
    assert line == {
        "question": asked.digest[:DIGEST],
        "item": "pair-7",
        "variant": "swap",
        "repeat": 2,
        "model": "shapes-old",
        "prompt": [
            ["system", line["prompt"][0][1]],
            ["user", digests[0], f"image:{digests[1]};max_side 1024;jpeg 90;low", digests[2]],
        ],
        "settings": {"temperature": 0},
        "reply": 'Größer: "A"\n[[A]]',
        "finish_reason": None,
        "sum": line["sum"],
    }


def test_long_settings_are_kept_as_digests(question: AskedFor, record: Record) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "verdict", "schema": {"type": "object"}}}
    asked = question(settings={"top_p": 0.5, "stop": ["\n"], "response_format": schema})
    with record("new_episodes") as recorder:
        recorder.exchange(asked, Reply, over_http=False)
    kept = json.loads(recorder.path.read_text())["settings"]
    assert kept.pop("response_format").startswith("json:")
    assert kept == {"stop": ["\n"], "top_p": 0.5}
    schema["json_schema"] = {"name": "another"}
    assert not record().has(question(settings={"top_p": 0.5, "stop": ["\n"], "response_format": schema}))


def test_an_unknown_mode_is_named(record: Record, tmp_path: object) -> None:
    with pytest.raises(SettingsError) as caught:
        record("new_episode")
    assert str(caught.value) == (
        "record mode 'new_episode' is none of none, new_episodes, all; did you mean 'new_episodes'?"
    )


def test_another_image_with_the_same_name_is_another_question(question: AskedFor, record: Record) -> None:
    asked = question()
    with record("new_episodes") as recorder:
        recorder.exchange(asked, Reply, over_http=False)
    picture = asked.messages[1].parts[1]
    picture.file.write_bytes(b"repainted over the first")  # type: ignore[union-attr]
    player: Recorder = record()
    with pytest.raises(CassetteMiss, match=RERECORD):
        player.exchange(question(), never, over_http=False)
