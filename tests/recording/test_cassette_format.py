"""Lines and packed replies: what goes in comes out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.model import Reply, Usage
from pytest_mllm_judge.recording.answers import Answer, of_reply, pack, to_reply, unpack
from pytest_mllm_judge.recording.format import DIGEST, Exchange, FormatError, digest_of, from_line, to_line
from pytest_mllm_judge.recording.guard import Guard

texts = st.text(st.characters(codec=None), max_size=20)  # lone surrogates too
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
plain = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
)
tables = st.dictionaries(texts, plain, max_size=3)
exchanges = st.builds(
    Exchange,
    question=st.text("0123456789abcdef", min_size=DIGEST, max_size=DIGEST),
    item=texts,
    variant=texts,
    repeat=st.integers(min_value=0),
    model=texts,
    prompt=st.lists(st.lists(texts, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple),
    settings=tables,
    reply=tables.map(lambda table: {f"of the reply: {key}": value for key, value in table.items()}),
)


@given(exchanges)
def test_an_exchange_is_read_back_as_it_was_written(exchange: Exchange) -> None:
    line = to_line(exchange)
    assert b"\n" not in line
    assert digest_of(line) == exchange.question
    assert from_line(line) == exchange
    assert to_line(from_line(line)) == line


@given(exchanges, st.data())
def test_a_damaged_line_is_never_read(exchange: Exchange, data: st.DataObject) -> None:
    line = bytearray(to_line(exchange))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(FormatError):
        from_line(bytes(line))


def chat(**changes: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "[[A]]"}}
    return {"object": "chat.completion", "model": "m", "choices": [choice], **changes}


def packed(body: Any, *, asked: str = "m") -> dict[str, Any]:
    reply = pack(Answer(200, "application/json", json.dumps(body).encode()), asked=asked)
    assert reply is not None
    return reply


def unpacked(reply: dict[str, Any], *, asked: str = "m") -> Any:
    return json.loads(unpack(reply, asked=asked).content)


def test_a_common_answer_packs_to_its_text_and_tokens() -> None:
    details = {
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
    usage = {"prompt_tokens": 800, "completion_tokens": 12, "total_tokens": 812, **details}
    body = chat(id="x", created=1, usage=usage, service_tier="default", system_fingerprint="fp_1")
    body["choices"][0]["message"] |= {"refusal": None, "annotations": [], "tool_calls": None}
    body["choices"][0]["logprobs"] = None
    assert packed(body) == {"reply": "[[A]]", "usage": [800, 12]}


def test_every_further_field_is_kept_as_it_came() -> None:
    usage = {
        "prompt_tokens": 1,
        "completion_tokens": 2,
        "total_tokens": 9,
        "completion_tokens_details": {"reasoning_tokens": 5, "audio_tokens": 0},
    }
    body = chat(model="m-2026-01-01", usage=usage, provider="P", service_tier="flex")
    choice = body["choices"][0]
    choice |= {"finish_reason": "tool_calls", "logprobs": {"content": [{"token": "A", "logprob": -0.1}]}}
    choice["message"] |= {"reasoning_content": "Hm.", "tool_calls": [{"id": "call_1", "type": "function"}]}
    reply = packed(body)
    assert reply == {
        "reply": "[[A]]",
        "finish_reason": "tool_calls",
        "by": "m-2026-01-01",
        "usage": [1, 2, {"total_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 5}}],
        "message": {"reasoning_content": "Hm.", "tool_calls": [{"id": "call_1", "type": "function"}]},
        "choice": {"logprobs": {"content": [{"token": "A", "logprob": -0.1}]}},
        "body": {"provider": "P", "service_tier": "flex"},
    }
    usage["completion_tokens_details"] = {"reasoning_tokens": 5}
    assert unpacked(reply) == {"id": "recorded", "created": 0, **body}


@given(plain)
def test_any_json_answer_survives_packing(body: Any) -> None:
    reply = pack(Answer(200, "application/json", json.dumps(body).encode()), asked="m")
    assert reply is not None
    assert json.loads(unpack(reply, asked="m").content) == body


@given(tables, tables, tables, plain)
def test_packing_what_was_unpacked_changes_nothing(
    message: dict[str, Any], choice: dict[str, Any], body: dict[str, Any], usage: Any
) -> None:
    whole = chat(**{**body, "usage": usage})
    whole["choices"] = [{**choice, "message": message}]
    whole["object"] = "chat.completion"
    reply = packed(whole)
    assert packed(unpacked(reply)) == reply


@given(
    st.binary(), st.sampled_from(["", "text/plain", "application/octet-stream"]), st.sampled_from([200, 201])
)
def test_an_answer_that_is_no_json_is_kept_whole(content: bytes, content_type: str, status: int) -> None:
    answer = Answer(status, content_type, content)
    reply = pack(answer, asked="m")
    assert reply is not None
    assert unpack(reply, asked="m") == answer


replies = st.builds(
    Reply,
    text=st.none() | texts,
    verdict=st.none() | st.integers() | texts | st.dictionaries(texts, st.integers() | texts, max_size=2),
    refusal=st.none() | texts,
    finish_reason=st.none() | st.sampled_from(["stop", "length"]),
    model=st.none() | st.sampled_from(["m", "m-2"]),
    usage=st.none() | st.builds(Usage, input_tokens=st.integers(0), output_tokens=st.integers(0)),
)


@given(replies)
def test_a_reply_survives_packing(reply: Reply) -> None:
    assert to_reply(json.loads(json.dumps(of_reply(reply, asked="m"))), asked="m") == reply


KINDS = {
    "sk-proj-abcdefghij0123456789": "an API key (sk-...)",
    "AIzaSyA0123456789abcdefghijklmnopqrstuv": "an API key (AIza...)",
    "authorization: Bearer abcdef0123456789abcdef": "a bearer token",
    "org-0123456789abcdefghijABCD": "an organisation's id (org-...)",
    "Set-Cookie: sid=31d4d96e407aad42": "a cookie",
    "key-of-this-run": "the value of the header 'x-api-key'",
    'pass"word\\1': "the value of the header 'proxy-authorization'",
    "cookie-of-this-run": "the value of the header 'cookie'",
    "answered-cookie": "the value of the header 'set-cookie'",
}


def watchful() -> Guard:
    guard = Guard()
    guard.see(
        [
            ("X-Api-Key", "key-of-this-run"),
            ("Proxy-Authorization", 'Basic pass"word\\1'),
            ("Cookie", "a=1; b=cookie-of-this-run"),
            ("Authorization", "Bearer none"),
        ]
    )
    guard.see_answer(
        [("set-cookie", "s=answered-cookie; Path=/everywhere"), ("x-ratelimit-tokens", "30000000")]
    )
    return guard


@pytest.mark.parametrize("secret", KINDS)
def test_what_looks_like_a_secret_is_named_and_not_shown(secret: str) -> None:
    line = to_line(
        Exchange(question="0" * DIGEST, item="pair-1", model="m", reply={"reply": f"see {secret}."})
    )
    with pytest.raises(CassetteError) as caught:
        watchful().check(line.decode(), item="pair-1", path="c.jsonl")
    assert str(caught.value) == (
        f"c.jsonl: the exchange for pair-1 was not written: it holds {KINDS[secret]}\n"
        "  Take it out of the prompt, the settings or the image addresses; if the judge said it, "
        "change that key first, for it has leaked."
    )


@pytest.mark.parametrize(
    "text",
    [
        "This is a task-oriented-description-of-things and a risk-assessment-for-everyone.",
        "The standard bearer carries flags; bearer of good news everywhere indeed.",
        "30000000 tokens, none of them at Path=/everywhere",
        "A cookie: the left plate holds more of them.",
    ],
)
def test_plain_words_are_no_secret(text: str) -> None:
    watchful().check(json.dumps(text), item="pair-1", path="c.jsonl")
