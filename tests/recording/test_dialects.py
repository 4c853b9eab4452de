"""Other servers' dialects of the chat API, recorded and replayed by both ways to the same judgements.

What differs was read in vLLM's documentation ("OpenAI-Compatible Server", "Reasoning Outputs") and its
module `vllm/entrypoints/openai/protocol.py` (ChatCompletionResponse, ErrorResponse), and in Ollama's
documentation ("OpenAI compatibility") and its file `openai/openai.go` (ToChatCompletion, NewError,
FromChatRequest).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pytest_mllm_judge.errors import JudgeError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Judgement, Reply, Response, Usage
from pytest_mllm_judge.recording.answers import Answer, pack, read_chat, unpack

from .bench import WAYS, item, running, written
from .loopback import Server

Fields = Mapping[str, Any]
SAID = '{"Analysis": "Größer.", "Judgement": "[[B]]"}'
QWEN = "/models/Qwen2.5-VL-7B-Instruct"
"""vLLM names a model by the path that it was loaded from, unless --served-model-name says another."""


def vllm(
    *, message: Fields | None = None, choice: Fields | None = None, usage: Any = None, **top: Any
) -> dict[str, Any]:
    """A completion as vLLM sends it, every field that it has spelled out."""
    said: Fields = {
        "role": "assistant", "content": SAID, "refusal": None, "annotations": None, "audio": None,
        "function_call": None, "tool_calls": [], "reasoning": None,
    }  # fmt: skip
    chosen = {
        "index": 0, "message": {**said, **(message or {})}, "logprobs": None, "finish_reason": "stop",
        "stop_reason": None, "token_ids": None,
    }  # fmt: skip
    counted = {
        "prompt_tokens": 1400, "total_tokens": 1431, "completion_tokens": 31, "prompt_tokens_details": None,
    }  # fmt: skip
    return {
        "id": "chatcmpl-f04fb20e79bb40b39b8ed7fdf5bd613a", "object": "chat.completion", "created": 1741749149,
        "model": QWEN, "choices": [{**chosen, **(choice or {})}], "service_tier": None,
        "system_fingerprint": None, "usage": counted if usage is None else usage, "prompt_logprobs": None,
        "prompt_token_ids": None, "kv_transfer_params": None, **top,
    }  # fmt: skip


def ollama(*, message: Fields | None = None, finish: str | None = "stop", **top: Any) -> dict[str, Any]:
    """A completion as Ollama sends it."""
    return {
        "id": "chatcmpl-915", "object": "chat.completion", "created": 1764405566, "model": "qwen3-vl:8b",
        "system_fingerprint": "fp_ollama",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": SAID, **(message or {})},
             "finish_reason": finish}
        ],
        "usage": {"prompt_tokens": 1400, "completion_tokens": 31, "total_tokens": 1431}, **top,
    }  # fmt: skip


def without(answer: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key not in keys}


CALL = {"id": "call_1", "index": 0, "type": "function", "function": {"name": "zoom", "arguments": "{}"}}
COUNTED = Usage(input_tokens=1400, output_tokens=31)
READ: Fields = {"verdict": "B", "reply": SAID, "usage": COUNTED, "finish_reason": "stop"}

DIALECTS: dict[str, tuple[Any, Fields]] = {
    "vllm": (vllm(), READ),
    "vllm that thinks": (vllm(message={"reasoning": "Let me [[A]] see."}), READ),
    "vllm that thinks, as it was spelled before": (
        vllm(message={"reasoning_content": "Let me [[A]] see."}), READ
    ),
    "vllm that thinks until its tokens are used up": (
        vllm(message={"content": None, "reasoning": "Let me"}, choice={"finish_reason": "length"}),
        {"problem": "truncated", "reply": None, "finish_reason": "length"},
    ),
    "vllm stopped by a token": (vllm(choice={"stop_reason": 151645}), READ),
    "vllm stopped by a word": (vllm(choice={"stop_reason": "END"}), READ),
    "vllm stopped by its owner": (
        vllm(message={"content": ""}, choice={"finish_reason": "abort"}),
        {"reply": "", "finish_reason": "abort"},
    ),
    "vllm with the logprobs of the prompt and a cache elsewhere": (
        vllm(
            prompt_logprobs=[None, {"9707": {"logprob": -0.5, "rank": 1, "decoded_token": "Größer"}}],
            kv_transfer_params={"do_remote_prefill": True, "remote_block_ids": [1, 2], "remote_host": None},
            prompt_token_ids=[151644, 8948],
        ),
        READ,
    ),
    "vllm with cached tokens": (
        vllm(usage={
            "prompt_tokens": 1400, "completion_tokens": 31, "total_tokens": 1431,
            "prompt_tokens_details": {"cached_tokens": 1024},
        }),
        READ,
    ),
    "vllm that did not count the answer": (
        vllm(usage={"prompt_tokens": 1400, "total_tokens": 1400, "completion_tokens": None}),
        {**READ, "usage": None},
    ),
    "vllm with usage null": ({**vllm(), "usage": None}, {**READ, "usage": None}),
    "vllm that calls a tool": (
        vllm(message={"content": None, "tool_calls": [CALL]}, choice={"finish_reason": "tool_calls"}),
        {"problem": "malformed", "reply": None, "finish_reason": "tool_calls"},
    ),
    "vllm under another name": (vllm(model="judge"), {**READ, "model": "judge"}),
    "ollama": (ollama(), READ),
    "ollama that thinks": (ollama(message={"reasoning": "Okay, [[A]]"}), READ),
    "ollama out of tokens before a word": (
        ollama(message={"content": "", "reasoning": "Okay"}, finish="length"),
        {"problem": "truncated", "reply": "", "finish_reason": "length"},
    ),
    "ollama with white space around the words": (
        ollama(message={"content": f"\n\n \t{SAID}\n "}), {**READ, "reply": f"\n\n \t{SAID}\n "}
    ),
    "ollama without usage": (without(ollama(), "usage"), {**READ, "usage": None}),
    "ollama whose prompt was cached": (
        ollama(usage={"prompt_tokens": 0, "completion_tokens": 31, "total_tokens": 31}),
        {**READ, "usage": Usage(input_tokens=0, output_tokens=31)},
    ),
    "ollama that only loaded the model": (ollama(message={"content": ""}, finish="load"), {"reply": ""}),
    "ollama that gave up without saying so": (
        ollama(
            message={"role": "", "content": ""}, finish=None, model="", created=-62135596800,
            usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
        ),
        {"problem": "malformed", "reply": "", "finish_reason": None, "model": None},
    ),
    "ollama that calls a tool": (
        ollama(message={"content": "", "tool_calls": [CALL]}, finish="tool_calls"),
        {"problem": "malformed", "reply": "", "finish_reason": "tool_calls"},
    ),
    "ollama with its renderer's notes": (ollama(_debug_info={"rendered_template": "<|im_start|>"}), READ),
    "a server that answers in parts": (
        ollama(message={"content": [{"type": "text", "text": SAID[:9]}, {"type": "text", "text": SAID[9:]}]}),
        READ,
    ),
    "a server with the fewest fields": (
        {"choices": [{"message": {"content": SAID}}]}, {**READ, "usage": None, "finish_reason": None}
    ),
}  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    return written(tmp_path / "few", item(0))


def asked(bench: Path, server: Server, mode: Any, way: Any = "fast", **table: Any) -> Judgement:
    """The judgement of the benchmark's one item, without its latency."""
    table = {"model": QWEN, "base_url": server.url, "api_key_env": "", **table}
    with running(bench, mode, way=way, **table) as run:
        return run.ask(run.items[0]).model_copy(update={"latency": None})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_is_recorded_and_replayed_to_the_same_judgement(
    dialect: str, bench: Path, server: Server
) -> None:
    sent, wanted = DIALECTS[dialect]
    answer = json.dumps(sent, ensure_ascii=False).encode()
    server.answer = lambda body, count: (200, {"content-type": "application/json; charset=utf-8"}, answer)
    recorded = asked(bench, server, "new_episodes")
    assert {key: getattr(recorded, key) for key in wanted} == wanted, recorded.reason
    server.stop()
    assert {way: asked(bench, server, "none", way) for way in WAYS} == dict.fromkeys(WAYS, recorded)
    assert server.total == 1


@pytest.mark.parametrize(
    "spelled",
    [
        lambda sent: b"\n\n  " + json.dumps(sent, indent=4).encode() + b"\r\n\r\n",
        lambda sent: json.dumps(sent, ensure_ascii=True).encode(),
        lambda sent: json.dumps(sent, sort_keys=True).encode(),
        lambda sent: b"\xef\xbb\xbf" + json.dumps(sent).encode(),
    ],
    ids=["indented", "escaped", "sorted", "with a byte order mark"],
)
def test_how_the_json_is_spelled_changes_neither_judgement_nor_cassette(
    spelled: Any, bench: Path, server: Server
) -> None:
    sent, _ = DIALECTS["vllm with cached tokens"]
    cassette = bench / "cassettes" / "mine.jsonl"
    told = []
    for answer in (json.dumps(sent, ensure_ascii=False).encode(), spelled(sent)):
        server.answer = lambda body, count, answer=answer: (200, {"content-type": "application/json"}, answer)
        told.append((asked(bench, server, "new_episodes"), cassette.read_bytes()))
        cassette.unlink()
    assert told[0] == told[1]


def test_every_field_that_a_server_adds_is_played_by_the_wire(bench: Path, server: Server) -> None:
    """All but ids, times and what is null or usual: a custom parser may read the completion itself."""
    sent, _ = DIALECTS["vllm with the logprobs of the prompt and a cache elsewhere"]
    server.answer = lambda body, count: (200, {"content-type": "application/json"}, json.dumps(sent).encode())
    asked(bench, server, "new_episodes")
    with running(bench, "none", way="wire", model=QWEN, base_url=server.url, api_key_env="") as run:
        assert run.recorder is not None
        question = run.judge.question(run.items[0])
        with run.recorder.asking(question):
            completion = run.judge.client.chat.completions.create(model=QWEN, messages=[])
    kept = ("prompt_logprobs", "kv_transfer_params", "prompt_token_ids", "model")
    assert {key: getattr(completion, key) for key in kept} == {key: sent[key] for key in kept}
    assert completion.choices[0].message.content == SAID


# Errors

ERRORS: dict[str, tuple[int, Any, str]] = {
    "vllm without the model": (
        404,
        {
            "object": "error", "message": "The model `judge` does not exist.", "type": "NotFoundError",
            "param": None, "code": 404,
        },
        "The model `judge` does not exist.",
    ),
    "vllm without the model, as it is spelled now": (
        404,
        {"error": {"message": "The model `judge` does not exist.", "type": "NotFoundError",
                   "param": "model", "code": 404}},
        "The model `judge` does not exist.",
    ),
    "vllm with too long a prompt": (
        400,
        {"object": "error", "message": "The decoder prompt (length 9000) is longer than\n the maximum model "
         "length of 4096.", "type": "BadRequestError", "param": None, "code": 400},
        "The decoder prompt (length 9000) is longer than the maximum model length of 4096.",
    ),
    "vllm with another key": (401, {"error": "Unauthorized"}, '{"error": "Unauthorized"}'),
    "vllm at another path": (404, {"detail": "Not Found"}, "Not Found"),
    "ollama without the model": (
        404,
        {"error": {"message": 'model "qwen3-vl:8b" not found, try pulling it first', "type": "api_error",
                   "param": None, "code": None}},
        'model "qwen3-vl:8b" not found, try pulling it first',
    ),
    "ollama at another path": (404, b"404 page not found", "404 page not found"),
}  # fmt: skip


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_told_in_the_servers_own_words_and_never_recorded(
    error: str, bench: Path, server: Server
) -> None:
    status, sent, words = ERRORS[error]
    content = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    kind = "text/plain" if isinstance(sent, bytes) else "application/json"
    server.answer = lambda body, count: (status, {"content-type": kind}, content)
    judgement = asked(bench, server, "new_episodes")
    assert (judgement.problem, judgement.reason) == (
        "error",
        f"judge 'mine', item 'pair-0': 127.0.0.1 answered HTTP {status}: {words}",
    )
    assert server.total == 1
    assert not (bench / "cassettes" / "mine.jsonl").exists()


def of_ollama(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
    """What Ollama makes of a request: it takes pictures as data addresses of four kinds, and no others."""
    parts = [part for message in body["messages"] for part in message["content"] if isinstance(part, dict)]
    kinds = ("jpeg", "jpg", "png", "webp")
    fits = all(
        part["image_url"]["url"].startswith(tuple(f"data:image/{kind};base64," for kind in kinds))
        for part in parts
        if part["type"] == "image_url"
    )
    error = {"message": "invalid image input", "type": "invalid_request_error", "param": None, "code": None}
    status, answer = (200, ollama()) if fits else (400, {"error": error})
    return status, {"content-type": "application/json"}, json.dumps(answer).encode()


@pytest.mark.parametrize(
    ("image", "table", "reason"),
    [
        ("images/red.png", {}, ""),
        ("images/red.gif", {"encode": "png"}, ""),
        ("images/red.gif", {}, "invalid image input"),
        ("https://example.org/red.png", {}, "invalid image input"),
    ],
)
def test_ollama_takes_pictures_as_data_addresses_of_its_kinds_only(
    image: str, table: dict[str, Any], reason: str, server: Server, tmp_path: Path
) -> None:
    bench = written(tmp_path / "few", item(0, images=[image]))
    Image.new("P", (9, 9)).save(bench / "images" / "red.gif")
    server.answer = of_ollama
    judgement = asked(bench, server, "new_episodes", **table)
    told = f"judge 'mine', item 'pair-0': 127.0.0.1 answered HTTP 400: {reason}" if reason else ""
    assert (judgement.verdict, judgement.reason) == (None if reason else "B", told)


# Whatever a server may send

numbers = st.none() | st.booleans() | st.integers(-2, 2000) | st.floats(0, 9) | st.just("7")
odd: st.SearchStrategy[Any] = (
    st.none()
    | st.just("")
    | st.text(max_size=4)
    | st.integers(-1, 1)
    | st.booleans()
    | st.just({})
    | st.just([])
)
part = st.fixed_dictionaries({}, optional={"type": odd, "text": odd, "refusal": odd}) | odd
messages = st.fixed_dictionaries(
    {"role": st.just("assistant") | odd, "content": st.just(SAID) | odd | st.lists(part, max_size=2)},
    optional={"refusal": odd, "reasoning": odd, "tool_calls": odd, "annotations": odd, "audio": odd},
)
choices = st.fixed_dictionaries(
    {"message": messages},
    optional={
        "finish_reason": st.sampled_from(["stop", "length", "load"]) | odd,
        "index": odd,
        "logprobs": odd,
    },
)
counts = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": numbers,
        "completion_tokens": numbers,
        "total_tokens": numbers,
        "prompt_tokens_details": odd | st.just({"cached_tokens": 3}),
    },
)
completions = st.fixed_dictionaries(
    {"choices": st.lists(choices, min_size=1, max_size=2)},
    optional={
        "model": st.just(QWEN) | odd,
        "usage": counts | odd,
        "object": st.just("chat.completion") | odd,
        "service_tier": odd,
        "error": odd,
        "prompt_logprobs": odd,
    },
)


class Plays(httpx2.BaseTransport):
    """Answers what it is told to."""

    content = b""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=self.content)


def test_a_completion_that_is_read_without_the_sdk_is_read_as_the_sdk_reads_it() -> None:
    """What came, what is played by the wire, and what is read from the cassette directly are one reply."""
    server = Plays()
    table = {"kind": "openai", "model": QWEN, "base_url": "http://127.0.0.1:1/v1"}
    judge = build("mine", {"mine": table}, Context(wrap=lambda _: server))
    question = judge.question(Item(id="a", task="score", responses=(Response(text="a"),)))
    read: list[bool] = []

    def replied(content: bytes) -> Reply | None:
        server.content = content
        try:
            return judge.ask(question).model_copy(update={"latency": None})
        except JudgeError:
            return None

    @settings(max_examples=400, deadline=None, derandomize=True, database=None)
    @given(completions)
    def check(body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        packed = pack(Answer(200, "application/json", content), asked=QWEN)
        came = replied(content)
        if packed is None or came is None:
            return  # nothing is recorded
        packed = json.loads(json.dumps(packed))
        played = replied(unpack(packed, asked=QWEN).content)
        assert played == came
        direct = read_chat(packed, asked=QWEN)
        read.append(direct is not None)
        assert direct is None or direct == played

    check()
    judge.close()
    assert sum(read) > len(read) / 4
