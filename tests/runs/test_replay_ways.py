"""A replay reads the cassette directly, or goes all the way through the SDK: the same judgements."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge import Session
from pytest_mllm_judge.judging.chat import said, usage
from pytest_mllm_judge.model import Judgement, Reply
from pytest_mllm_judge.recording.answers import Answer, pack, read_chat, unpack

ROOT = Path(__file__).parents[2]
BENCHMARKS = sorted(path.parent for path in (ROOT / "fixtures").rglob("benchmark.toml"))
RECORDED = [
    (cassette.stem, folder) for folder in BENCHMARKS for cassette in sorted(folder.glob("cassettes/*.jsonl"))
]


def judged(judge: str, folder: Path, replay: Any) -> list[Judgement]:
    session = Session(root=ROOT, replay=replay)
    try:
        return list(session.run(judge, folder).judgements())
    finally:
        session.close()


def test_there_are_recorded_fixtures() -> None:
    assert len(RECORDED) >= 3


@pytest.mark.parametrize(("judge", "folder"), RECORDED, ids=lambda value: getattr(value, "name", value))
def test_both_ways_give_the_same_judgements_on_every_fixture(judge: str, folder: Path) -> None:
    assert judged(judge, folder, "fast") == judged(judge, folder, "wire")


def test_the_wire_sends_every_reply_through_the_client_and_the_fast_way_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge, folder = RECORDED[0]
    sent: list[str] = []
    send = httpx2.Client.send

    def counted(self: httpx2.Client, request: httpx2.Request, **more: Any) -> httpx2.Response:
        sent.append(str(request.url))
        return send(self, request, **more)

    monkeypatch.setattr(httpx2.Client, "send", counted)
    for replay, times in (("fast", 0), ("wire", 5)):
        session = Session(root=ROOT, replay=replay, limit=5)  # type: ignore[arg-type]
        run = session.run(judge, folder)
        assert all(run.ask(item).problem is None for item in run.items if item.task == "pair")
        session.close()
        assert len(sent) == times


LOADED = """
import sys
from pathlib import Path
from pytest_mllm_judge import Session
session = Session(root=Path(sys.argv[1]), limit=3)
assert len(session.run(sys.argv[2], Path(sys.argv[3])).judgements()) == 9
session.close()
print(sorted({"openai", "vcr", "httpx2", "scipy", "PIL"} & sys.modules.keys()))
"""


def test_the_fast_way_loads_no_sdk_and_no_vcrpy() -> None:
    judge, folder = RECORDED[0]
    command = [sys.executable, "-c", LOADED, str(ROOT), judge, str(folder)]
    out = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert out.strip() == "[]"


TEXTS = st.text(max_size=20)
ODD = st.one_of(st.none(), TEXTS, st.integers(-3, 3), st.booleans(), st.lists(TEXTS, max_size=2))
PARTS = st.lists(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
    | st.fixed_dictionaries({"type": st.just("refusal"), "refusal": TEXTS}),
    max_size=3,
)
USAGES = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"prompt_tokens": ODD, "completion_tokens": st.integers(0, 9)},
        optional={"total_tokens": st.integers(0, 20), "prompt_tokens_details": st.none()},
    ),
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.just("assistant")},
    optional={"content": ODD | PARTS, "refusal": ODD, "reasoning": TEXTS, "tool_calls": st.just([])},
)
BODIES = st.fixed_dictionaries(
    {
        "object": st.just("chat.completion"),
        "choices": st.lists(
            st.fixed_dictionaries({"message": MESSAGES}, optional={"finish_reason": ODD, "index": ODD}),
            min_size=1,
            max_size=2,
        ),
    },
    optional={"model": ODD, "usage": USAGES, "id": TEXTS, "service_tier": TEXTS},
)


def read_by_the_sdk(answer: Answer) -> Reply | None:
    """What the openai SDK reads of an answer, as our judge reads that; None if no reply comes of it."""

    def send(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": answer.content_type}, content=answer.content)

    http = httpx2.Client(transport=httpx2.MockTransport(send))
    client = openai.OpenAI(api_key="x", base_url="http://x.invalid", http_client=http, max_retries=0)
    completion = client.chat.completions.create(model="m", messages=[])
    message = completion.choices[0].message
    text, refusal = said(message.content)
    try:
        return Reply(
            text=text,
            refusal=message.refusal or refusal,
            finish_reason=completion.choices[0].finish_reason,
            model=completion.model or None,
            usage=usage(completion.usage),
        )
    except ValueError:
        return None


@settings(max_examples=300, deadline=None)
@given(BODIES)
def test_what_is_read_directly_is_what_the_sdk_reads(body: dict[str, Any]) -> None:
    packed = pack(Answer(200, "application/json", json.dumps(body).encode()), asked="m")
    assert packed is not None
    directly = read_chat(packed, asked="m")
    if directly is not None:
        assert directly == read_by_the_sdk(unpack(packed, asked="m"))


def test_usual_answers_are_read_directly() -> None:
    message = {"role": "assistant", "content": "[[A]]", "refusal": None}
    body = {
        "object": "chat.completion",
        "model": "m-2",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    packed = pack(Answer(200, "application/json", json.dumps(body).encode()), asked="m")
    assert packed is not None
    assert read_chat(packed, asked="m") is not None
