from __future__ import annotations

import base64
import errno
import io
import json
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from pytest_mllm_judge.errors import CassetteMiss, JudgeError, SettingsError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.openai import OpenAIJudge
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Reply, Usage

from .loopback import Endpoint

WHERE = "[tool.pytest-mllm-judge.judges.mine]"
KEY = "sk-test-0123456789abcdef"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "MINE_KEY", "TEAM"):
        monkeypatch.delenv(name, raising=False)


def judge(
    endpoint: Endpoint | str, root: Path, *, wrap: Any = lambda transport: transport, **table: Any
) -> OpenAIJudge:
    url = endpoint if isinstance(endpoint, str) else endpoint.url
    settings = {"kind": "openai", "model": "gpt-test", "base_url": url, **table}
    made = build("mine", {"mine": settings}, Context(root=root, wrap=wrap))
    assert isinstance(made, OpenAIJudge)
    return made


def asked(endpoint: Endpoint, item: Item, *, repeat: int = 0, **table: Any) -> Reply:
    assert item.folder is not None
    made = judge(endpoint, item.folder, **table)
    try:
        return made.ask(made.question(item, repeat=repeat))
    finally:
        made.close()


def failure(endpoint: Endpoint | str, item: Item, **table: Any) -> JudgeError:
    assert item.folder is not None
    made = judge(endpoint, item.folder, **table)
    try:
        with pytest.raises(JudgeError) as caught:
            made.ask(made.question(item))
    finally:
        made.close()
    return caught.value


def images(body: dict[str, Any]) -> list[dict[str, Any]]:
    parts = [part for message in body["messages"] for part in message["content"] if isinstance(part, dict)]
    return [part["image_url"] for part in parts if part["type"] == "image_url"]


def opened(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


# What is sent


def test_a_question_reaches_the_endpoint_with_its_picture_and_nothing_besides(
    endpoint: Endpoint, pair: Item
) -> None:
    asked(endpoint, pair)
    (arrived,) = endpoint.arrived
    assert arrived.path == "/v1/chat/completions"
    assert arrived.body.keys() == {"model", "messages"}
    assert arrived.body["model"] == "gpt-test"
    (image,) = images(arrived.body)
    assert pair.folder is not None
    own = base64.b64encode((pair.folder / "red.png").read_bytes()).decode()
    assert image == {"url": f"data:image/png;base64,{own}"}
    texts = json.dumps(arrived.body["messages"])
    assert all(text in texts for text in ("How many circles?", "Three.", "Five."))


def test_settings_that_are_set_are_sent(endpoint: Endpoint, pair: Item) -> None:
    table: dict[str, Any] = {
        "temperature": 0.5,
        "max_completion_tokens": 300,
        "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "stop": ["END"],
        "extra_body": {"top_k": 5, "chat_template_kwargs": {"enable_thinking": False}},
    }
    asked(endpoint, pair, **table)
    body = endpoint.arrived[0].body
    extra = table.pop("extra_body")
    assert {key: body[key] for key in body if key not in ("model", "messages")} == {**table, **extra}


def test_a_question_holds_its_settings_as_they_are_sent(endpoint: Endpoint, pair: Item) -> None:
    made = judge(endpoint, Path(), temperature=0.5, extra_body={"top_k": 5}, detail="low", max_side=4)
    question = made.question(pair, variant="swap", repeat=2)
    assert question.settings == {"temperature": 0.5, "top_k": 5}
    assert (question.model, question.variant, question.repeat) == ("gpt-test", "swap", 2)
    identities = [part.identity() for message in question.messages for part in message.parts]
    assert [text.split(";", 1)[1] for text in identities if text.startswith("image:")] == ["max_side 4;low"]


def test_each_repeat_has_a_seed_of_its_own(endpoint: Endpoint, pair: Item) -> None:
    asked(endpoint, pair, seed=40)
    asked(endpoint, pair, seed=40, repeat=2)
    asked(endpoint, pair, repeat=2)
    assert [arrived.body.get("seed") for arrived in endpoint.arrived] == [40, 42, None]


def test_detail_goes_with_every_picture(endpoint: Endpoint, pair: Item) -> None:
    asked(endpoint, pair, detail="high")
    assert [image["detail"] for image in images(endpoint.arrived[0].body)] == ["high"]


def test_a_large_picture_is_shrunk_before_sending(endpoint: Endpoint, pair: Item) -> None:
    asked(endpoint, pair, max_side=4, encode="jpeg", quality=80)
    (image,) = images(endpoint.arrived[0].body)
    assert image["url"].startswith("data:image/jpeg;base64,")
    assert opened(image["url"]).size == (4, 3)


def test_an_address_is_passed_on_as_it_is(endpoint: Endpoint, pair: Item) -> None:
    item = pair.model_copy(update={"images": ("https://example.org/a.png",)})
    asked(endpoint, item, max_side=4)
    assert images(endpoint.arrived[0].body) == [{"url": "https://example.org/a.png"}]


def test_a_prompt_without_pictures_opens_none(endpoint: Endpoint, pair: Item, tmp_path: Path) -> None:
    item = pair.model_copy(update={"images": ("nowhere.png",)})
    made = judge(endpoint, tmp_path, prompt="no-figure")
    made.ask(made.question(item))
    made.close()
    assert made.sends_images is False
    assert all(isinstance(message["content"], str) for message in endpoint.arrived[0].body["messages"])


# Keys and headers


def test_the_key_and_the_headers_are_read_from_the_environment(
    endpoint: Endpoint, pair: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE_KEY", KEY)
    monkeypatch.setenv("TEAM", "vision")
    asked(endpoint, pair, api_key_env="MINE_KEY", headers={"X-Team": "env:TEAM", "X-Plain": "yes"})
    headers = endpoint.arrived[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (headers["x-team"], headers["x-plain"]) == ("vision", "yes")


def test_a_key_meant_for_openai_is_not_sent_to_another_server(
    endpoint: Endpoint, pair: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    asked(endpoint, pair)
    assert KEY not in str(endpoint.arrived[0].headers)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"api_key_env": "MINE_KEY"},
            "judge 'mine' needs an API key: the environment variable MINE_KEY is not set",
        ),
        (
            {"headers": {"X-Team": "env:TEAM"}},
            "judge 'mine' sends the header X-Team from the environment variable TEAM, which is not set",
        ),
    ],
)
def test_nothing_is_sent_without_its_key(
    endpoint: Endpoint, pair: Item, table: dict[str, Any], message: str
) -> None:
    made = judge(endpoint, Path(), **table)
    assert made.missing_key() == message
    with pytest.raises(SettingsError) as caught:
        made.ask(made.question(pair))
    assert str(caught.value) == f"{message}\n  Set it, or replay a cassette, which needs none."
    assert endpoint.arrived == []


class Replay(httpx2.BaseTransport):
    """Stands for a cassette: answers by itself, or misses."""

    def __init__(self, *, miss: bool = False) -> None:
        self.miss = miss
        self.closed = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        if self.miss:
            raise CassetteMiss("never recorded")
        message = {"role": "assistant", "content": "[[A]]"}
        return httpx2.Response(
            200, json={"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        )

    def close(self) -> None:
        self.closed += 1


def test_a_replay_needs_neither_key_nor_header_nor_server(pair: Item) -> None:
    table = {"api_key_env": "MINE_KEY", "headers": {"X-Team": "env:TEAM"}}
    made = judge("http://127.0.0.1:9/v1", Path(), wrap=lambda transport: Replay(), **table)
    assert made.ask(made.question(pair)).text == "[[A]]"


def test_a_cassette_miss_comes_through_as_it_is(pair: Item) -> None:
    made = judge("http://127.0.0.1:9/v1", Path(), wrap=lambda transport: Replay(miss=True))
    with pytest.raises(CassetteMiss, match=r"^never recorded$"):
        made.ask(made.question(pair))


def test_a_judge_makes_one_client_however_many_threads_ask(endpoint: Endpoint, pair: Item) -> None:
    made_transports: list[Any] = []

    def wrap(transport: Any) -> Any:
        made_transports.append(transport)
        return transport

    made = judge(endpoint, Path(), wrap=wrap)
    barrier = threading.Barrier(4)

    def ask(_: int) -> Reply:
        barrier.wait()
        return made.ask(made.question(pair))

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(ask, range(4)))) == 4
    made.close()
    made.close()
    assert len(made_transports) == 1


def test_the_environments_proxy_is_used(
    endpoint: Endpoint, pair: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", endpoint.url.removesuffix("/v1"))
    monkeypatch.setenv("no_proxy", "")
    made = judge("http://judge.invalid/v1", Path())
    made.ask(made.question(pair))
    made.close()
    assert [arrived.path for arrived in endpoint.arrived] == ["http://judge.invalid/v1/chat/completions"]


def test_ones_own_machine_is_never_behind_a_proxy(
    endpoint: Endpoint, pair: Item, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    assert asked(endpoint, pair).text == '{"Judgement": "[[B]]"}'


# A client of one's own

OWN_CLIENT = """
import httpx2, openai

def through_a_proxy(*, wrap):
    transport = wrap(httpx2.HTTPTransport())
    return openai.OpenAI(
        api_key="own", base_url="{url}", http_client=openai.DefaultHttpxClient(transport=transport))

def azure(*, wrap):
    transport = wrap(httpx2.HTTPTransport())
    return openai.AzureOpenAI(
        azure_endpoint="{url}", api_key="own", api_version="2024-10-21",
        http_client=openai.DefaultHttpxClient(transport=transport))

def unwrapped(*, wrap):
    return openai.OpenAI(api_key="own")

def nothing(*, wrap):
    return None

def broken(*, wrap):
    return openai.OpenAI(api_key=None, nonsense=1)
"""


@pytest.fixture
def own_client(endpoint: Endpoint, tmp_path: Path) -> str:
    (tmp_path / "own.py").write_text(OWN_CLIENT.format(url=endpoint.url))
    return "own.py"


def test_a_client_of_ones_own_sends_through_the_cassette(
    endpoint: Endpoint, pair: Item, own_client: str
) -> None:
    wrapped: list[Any] = []

    def wrap(transport: Any) -> Any:
        wrapped.append(transport)
        return transport

    endpoint.fails(500, "once")
    failure("http://unused/v1", pair, client=f"{own_client}:through_a_proxy", wrap=wrap)
    assert len(wrapped) == 1
    assert len(endpoint.arrived) == 1, "the client's own retries are off"
    assert endpoint.arrived[0].headers["authorization"] == "Bearer own"


def test_an_azure_client_can_be_used(endpoint: Endpoint, pair: Item, own_client: str) -> None:
    asked(endpoint, pair, client=f"{own_client}:azure")
    assert (
        endpoint.arrived[0].path == "/v1/openai/deployments/gpt-test/chat/completions?api-version=2024-10-21"
    )
    assert endpoint.arrived[0].headers["api-key"] == "own"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "unwrapped",
            f"{WHERE} client: own.py:unwrapped did not send through `wrap`, so nothing would be recorded"
            "\n  Build the client on http_client=openai.DefaultHttpxClient(transport=wrap(...)), or, if that "
            "can't be, set patch = true.",
        ),
        (
            "nothing",
            f"{WHERE} client: own.py:nothing returned NoneType, not an openai.OpenAI client",
        ),
        (
            "broken",
            f"{WHERE} client: own.py:broken raised TypeError: "
            "OpenAI.__init__() got an unexpected keyword argument 'nonsense'",
        ),
        (
            "azrue",
            f"{WHERE} client: own.py has no function 'azrue'; did you mean 'azure'?",
        ),
    ],
)
def test_a_client_that_would_not_be_recorded_is_refused(
    endpoint: Endpoint, pair: Item, own_client: str, function: str, message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        asked(endpoint, pair, client=f"{own_client}:{function}")
    assert str(caught.value) == message


# What comes back


def test_a_reply_is_read_whole(endpoint: Endpoint, pair: Item) -> None:
    reply = asked(endpoint, pair)
    assert reply.latency is not None
    assert reply.latency > 0
    assert reply.model_copy(update={"latency": None}) == Reply(
        text='{"Judgement": "[[B]]"}',
        finish_reason="stop",
        model="model-2026-11-01",
        usage=Usage(input_tokens=1200, output_tokens=30),
    )


def test_a_reply_becomes_a_judgement_with_its_cost(endpoint: Endpoint, pair: Item) -> None:
    made = judge(endpoint, Path(), prices={"input": 2.5, "output": 10})
    question = made.question(pair)
    judgement = made.read(question, made.ask(question))
    made.close()
    assert (judgement.verdict, judgement.problem) == ("B", None)
    assert judgement.cost == pytest.approx((1200 * 2.5 + 30 * 10) / 1e6)


def test_without_prices_the_cost_is_unknown(endpoint: Endpoint) -> None:
    assert judge(endpoint, Path()).cost(Reply(usage=Usage(input_tokens=1, output_tokens=1))) is None


def test_content_in_parts_is_joined(endpoint: Endpoint, pair: Item) -> None:
    endpoint.says([{"type": "text", "text": "[["}, {"type": "other"}, {"type": "text", "text": "A]]"}])
    assert asked(endpoint, pair).text == "[[A]]"


def test_a_refusal_is_kept(endpoint: Endpoint, pair: Item) -> None:
    endpoint.says(None, refusal="I can't judge this.")
    reply = asked(endpoint, pair)
    assert (reply.text, reply.refusal) == (None, "I can't judge this.")
    made = judge(endpoint, Path())
    judgement = made.read(made.question(pair), reply)
    assert (judgement.problem, judgement.reply) == ("refused", "I can't judge this.")


def test_a_refusal_in_parts_is_kept(endpoint: Endpoint, pair: Item) -> None:
    endpoint.says([{"type": "refusal", "refusal": "No."}])
    reply = asked(endpoint, pair)
    assert (reply.text, reply.refusal) == (None, "No.")


def test_a_cut_reply_is_truncated(endpoint: Endpoint, pair: Item) -> None:
    endpoint.completes(message={"role": "assistant", "content": '{"Analysis": "The'}, finish_reason="length")
    made = judge(endpoint, Path())
    assert made.read(made.question(pair), asked(endpoint, pair)).problem == "truncated"


def test_a_reply_without_usage_or_model_is_read(endpoint: Endpoint, pair: Item) -> None:
    endpoint.completes(message={"content": "[[A]]"}, usage=None, model="")
    reply = asked(endpoint, pair)
    assert (reply.text, reply.usage, reply.model) == ("[[A]]", None, None)


@pytest.mark.parametrize(
    ("status", "passing"),
    [(400, False), (401, False), (404, False), (408, True), (409, True), (429, True), (500, True)],
)
def test_an_error_status_is_named_with_what_the_server_said(
    endpoint: Endpoint, pair: Item, status: int, passing: bool
) -> None:
    endpoint.fails(status, "the\nreason", retry_after="7")
    error = failure(endpoint, pair)
    assert str(error) == f"judge 'mine', item 'circles-007': 127.0.0.1 answered HTTP {status}: the reason"
    assert (error.status, error.passing, error.retry_after) == (status, passing, 7.0)
    assert len(endpoint.arrived) == 1


def test_an_error_that_is_no_json_is_quoted_in_short(endpoint: Endpoint, pair: Item) -> None:
    endpoint.sends(b"<html>" + b"x" * 1000, status=502, content_type="text/html")
    text = "<html>" + "x" * 394 + " ..."
    assert (
        str(failure(endpoint, pair))
        == f"judge 'mine', item 'circles-007': 127.0.0.1 answered HTTP 502: {text}"
    )


def test_an_error_never_holds_a_key(endpoint: Endpoint, pair: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE_KEY", "plain-secret")
    monkeypatch.setenv("TEAM", "team-secret")
    endpoint.fails(401, "Incorrect key plain-secret for team-secret (or sk-abcd****wxyz)")
    error = failure(endpoint, pair, api_key_env="MINE_KEY", headers={"X-Team": "env:TEAM"})
    assert str(error) == (
        "judge 'mine', item 'circles-007': 127.0.0.1 answered HTTP 401: Incorrect key *** for *** (or ***)"
    )


def test_a_refused_connection_is_named(pair: Item) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    error = failure(f"http://127.0.0.1:{port}/v1", pair)
    assert str(error) == (
        "judge 'mine', item 'circles-007': no connection to 127.0.0.1: "
        f"[Errno {errno.ECONNREFUSED}] {os.strerror(errno.ECONNREFUSED)}"
    )
    assert (error.status, error.passing) == (None, True)


def test_a_server_that_takes_too_long_is_left(endpoint: Endpoint, pair: Item) -> None:
    endpoint.delay = 0.5
    error = failure(endpoint, pair, timeout=0.1)
    assert str(error) == "judge 'mine', item 'circles-007': no answer from 127.0.0.1 within 0.1 s"
    assert error.passing


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (
            b"",
            "no chat completion from 127.0.0.1: JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        ),
        (
            b'{"choices": [',
            "no chat completion from 127.0.0.1: JSONDecodeError: Expecting value: line 1 column 14 (char 13)",
        ),
        ({"choices": []}, "the answer holds no choices"),
        ({"choices": None}, "the answer holds no choices"),
        ({"error": {"message": "upstream is down", "code": 502}}, "the answer is an error: upstream is down"),
        ({"choices": [{"index": 0, "message": None}]}, "the answer holds no choices"),
    ],
)
def test_an_answer_that_is_no_completion_is_an_error(
    endpoint: Endpoint, pair: Item, body: Any, what: str
) -> None:
    endpoint.sends(body)
    assert str(failure(endpoint, pair)) == f"judge 'mine', item 'circles-007': {what}"


def test_a_page_instead_of_a_completion_is_an_error(endpoint: Endpoint, pair: Item) -> None:
    endpoint.sends(b"<html>Welcome</html>", content_type="text/html")
    assert str(failure(endpoint, pair)) == (
        "judge 'mine', item 'circles-007': the answer is no chat completion: <html>Welcome</html>"
    )
