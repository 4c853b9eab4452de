"""The shapes world over HTTP, asked through the openai SDK and by hand."""

from __future__ import annotations

import base64
import http.client
import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from PIL import Image

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.judge import Context, Judge
from pytest_mllm_judge.judging.openai import OpenAIJudge
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.reference import generate
from pytest_mllm_judge.reference.dials import MODELS
from pytest_mllm_judge.reference.judge import ReferenceJudge, ReferenceSettings
from pytest_mllm_judge.reference.sections import Sections, write
from pytest_mllm_judge.reference.server import Failures, Server, running, serve

SdkJudge: TypeAlias = Callable[..., Judge]
PNG = dict(generate.pictures())["images/circles-001.png"]
TEXT = write(Sections("How many?", ("There are 3 bars.",)))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(key="secret") as server:
        yield server


def data_uri(data: bytes = PNG, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def text_part(text: str = TEXT) -> dict[str, Any]:
    return {"type": "text", "text": text}


def image_part(url: str | None = None) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url or data_uri()}}


def body(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": list(parts or (text_part(), image_part()))}]
    return {"model": "reference", "messages": messages, **more}


def send(
    server: Server,
    said: Any,
    *,
    key: str | None = "secret",
    path: str = "/v1/chat/completions",
    method: str = "POST",
) -> tuple[int, dict[str, Any], dict[str, str]]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    connection.request(method, path, data, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer, dict(response.getheaders())


@pytest.fixture
def sdk_judge(monkeypatch: pytest.MonkeyPatch) -> Iterator[SdkJudge]:
    """A judge of kind `openai` that asks a server through the SDK; closed at the end."""
    monkeypatch.setenv("SHAPES_KEY", "secret")
    with ExitStack() as open_judges:

        def make(server: Server, **settings: Any) -> Judge:
            table = {"kind": "openai", "model": "reference", "api_key_env": "SHAPES_KEY", **settings}
            judge = build("mine", {"mine": {**table, "base_url": server.url}}, Context())
            assert isinstance(judge, OpenAIJudge)
            open_judges.callback(judge.close)
            return judge

        yield make


def verdict(judge: Judge, item: Item) -> Any:
    question = judge.question(item)
    return judge.read(question, judge.ask(question)).verdict


@pytest.mark.parametrize(
    "settings", [{}, {"prompt": "cot-figure-instruction"}, {"encode": "jpeg", "quality": 90}]
)
def test_through_the_openai_sdk_every_verdict_is_the_label(
    server: Server, items: list[Item], sdk_judge: SdkJudge, settings: dict[str, Any]
) -> None:
    judge = sdk_judge(server, **settings)
    some = items[::13]
    assert [verdict(judge, item) for item in some] == [item.human[0] for item in some]  # type: ignore[index]


def test_a_models_verdicts_are_those_of_an_embedded_judge_with_its_dials(
    server: Server, items: list[Item], sdk_judge: SdkJudge
) -> None:
    over_http = sdk_judge(server, model="shapes-worse")
    embedded = ReferenceJudge("mine", ReferenceSettings(dials=MODELS["shapes-worse"]), Context())
    some = items[::9]
    assert [verdict(over_http, item) for item in some] == [verdict(embedded, item) for item in some]


def test_the_order_of_parts_and_messages_does_not_matter(server: Server) -> None:
    texts = [text_part(part) for part in TEXT.split("\n", 2)]
    bodies = [
        body(text_part(), image_part()),
        body(image_part(), text_part()),
        body(texts[0], image_part(), *texts[1:]),
        {"model": "reference", "messages": [{"role": "system", "content": "Be fair."}, *body()["messages"]]},
    ]
    contents = {send(server, one)[1]["choices"][0]["message"]["content"] for one in bodies}
    assert len(contents) == 1


def test_the_same_question_gets_the_same_body(server: Server) -> None:
    with running(key="secret") as other:
        first, second = send(server, body(user="x"))[1], send(other, body(user="x"))[1]
    assert first == second
    assert first["created"] == 0
    assert first["id"].startswith("chatcmpl-")
    spent = first["usage"]
    assert spent["total_tokens"] == spent["prompt_tokens"] + spent["completion_tokens"]


def test_a_jpeg_is_read_too(server: Server) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(PNG)).convert("RGB").save(file, "JPEG", quality=90)
    jpeg = body(text_part(), image_part(data_uri(file.getvalue(), "jpeg")))
    contents = [send(server, one)[1]["choices"][0]["message"]["content"] for one in (jpeg, body())]
    assert contents[0] == contents[1]


def test_without_a_picture_every_claim_is_contradicted(server: Server) -> None:
    status, answer, _ = send(server, body(text_part()))
    assert status == 200
    assert answer["choices"][0]["message"]["content"] == json.dumps(
        {
            "Analysis": "I see nothing that the answers could be about. "
            "The answer: the picture contradicts 1 of 1 claims: “There are 3 bars”.",
            "Judgement": "[[4]]",
        },
        ensure_ascii=False,
    )


def test_a_reply_longer_than_asked_for_is_cut(server: Server) -> None:
    choice = send(server, body(max_tokens=5))[1]["choices"][0]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"] == '{"Analysis":'


def test_the_models_are_listed(server: Server) -> None:
    status, answer, _ = send(server, b"", path="/v1/models", method="GET")
    assert status == 200
    assert [model["id"] for model in answer["data"]] == list(MODELS)


@pytest.mark.parametrize(
    ("key", "message", "code"),
    [
        (None, "no key was sent; send 'Authorization: Bearer KEY'", "missing_api_key"),
        ("wrong", "the key that was sent is not this server's", "invalid_api_key"),
    ],
)
def test_a_bad_key_is_refused(server: Server, key: str | None, message: str, code: str) -> None:
    for path, method in (("/v1/chat/completions", "POST"), ("/v1/models", "GET")):
        status, answer, _ = send(server, body(), key=key, path=path, method=method)
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        assert (status, answer) == (401, {"error": error})


def bad_content(part: Any) -> dict[str, Any]:
    return {"model": "reference", "messages": [{"role": "user", "content": [part]}]}


NO_PART = "messages[0].content[0] is neither a text part nor an image_url part with a url"
BAD: list[tuple[Any, int, str]] = [
    (
        b"{",
        400,
        "the body is no JSON (Expecting property name enclosed in double quotes: line 1 column 2 (char 1))",
    ),
    ([1], 400, "the body is no JSON object"),
    ({}, 400, "'model' is missing, or no text"),
    (
        body() | {"model": "refrence"},
        404,
        "there is no model 'refrence'; did you mean 'reference'? "
        "The models are: reference, shapes-old, shapes-new, shapes-worse.",
    ),
    (
        body() | {"model": "gpt-4v"},
        404,
        "there is no model 'gpt-4v'; the models are: reference, shapes-old, shapes-new, shapes-worse.",
    ),
    ({"model": "reference"}, 400, "'messages' is missing, or no list with messages in it"),
    (
        {"model": "reference", "messages": [{"role": "judge"}]},
        400,
        "messages[0] is no message with one of the roles system, developer, user, assistant",
    ),
    (
        {"model": "reference", "messages": [{"role": "user", "content": 3}]},
        400,
        "messages[0].content is neither a text nor a list of parts",
    ),
    (bad_content({"type": "audio"}), 400, NO_PART),
    (bad_content({"type": "image_url", "image_url": "x"}), 400, NO_PART),
    (bad_content("x"), 400, NO_PART),
    (
        body(image_part("https://example.org/a.png")),
        400,
        "an image's url is no data: URI of a PNG, JPEG, GIF or WebP in base64",
    ),
    (
        body(image_part("data:image/png;base64,???")),
        400,
        "an image's base64 can't be decoded (Only base64 data is allowed)",
    ),
    (
        body(text_part(), image_part(), image_part()),
        400,
        "the shapes world has one picture a question, got 2",
    ),
    (body(text_part("Hello")), 400, "the prompt has no line '[End of the input]'"),
    (body(stream=True), 400, "'stream' is not served here; leave it out"),
    (body(n=2), 400, "'n' is not served here; ask once for each reply"),
    (body(max_tokens="x"), 400, "'max_tokens' is no whole number"),
]


@pytest.mark.parametrize(("said", "status", "message"), BAD)
def test_what_it_cannot_understand_is_an_error_that_says_so(
    server: Server, said: Any, status: int, message: str
) -> None:
    found, answer, _ = send(server, said)
    assert (found, answer["error"]["message"]) == (status, message)


def test_bytes_that_are_no_picture_are_a_bad_request(server: Server) -> None:
    status, answer, _ = send(server, body(text_part(), image_part(data_uri(b"no picture"))))
    assert status == 400
    assert answer["error"]["message"].startswith("the bytes are no picture that can be read (cannot identify")


def test_another_path_is_not_found(server: Server) -> None:
    status, answer, _ = send(server, body(), path="/v1/embeddings")
    assert status == 404
    assert answer["error"]["message"] == ("POST /v1/embeddings is not served here; /v1/chat/completions is")


def test_the_asks_of_each_question_are_counted() -> None:
    with running(key="secret") as server:
        for one in (body(), body(), body(user="x")):
            send(server, one)
        assert sorted(server.asked.values()) == [1, 2]


def test_failures_come_as_told_and_differ_from_try_to_try() -> None:
    failures = Failures(status_500=0.3, status_429=0.3)
    runs = []
    for _ in range(2):
        with running(key="secret", failures=failures) as server:
            runs.append([send(server, body())[0] for _ in range(40)])
    assert runs[0] == runs[1]
    assert set(runs[0]) == {200, 429, 500}


def test_each_failure_has_its_form() -> None:
    with running(key="secret") as server:
        server.failures = Failures(status_500=1)
        status, answer, _ = send(server, body())
        assert (status, answer["error"]["type"]) == (500, "server_error")
        server.failures = Failures(status_429=1)
        status, answer, headers = send(server, body())
        assert (status, headers["Retry-After"]) == (429, "1")
        assert answer["error"]["code"] == "rate_limit_exceeded"
        server.failures = Failures(refusal=1)
        message = send(server, body())[1]["choices"][0]["message"]
        assert (message["content"], message["refusal"]) == (
            None,
            "I'm sorry, but I can't judge these answers.",
        )
        server.failures = Failures(malformed=1)
        message = send(server, body())[1]["choices"][0]["message"]
        assert message["content"] == "Both have their strengths; it is hard to say."
        server.failures = Failures(truncated=1)
        assert send(server, body())[1]["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize("failure", ["refusal", "malformed", "truncated"])
def test_a_told_failure_is_read_as_that_problem(failure: str, items: list[Item], sdk_judge: SdkJudge) -> None:
    with running(key="secret", failures=Failures.model_validate({failure: 1})) as server:
        judge = sdk_judge(server)
        question = judge.question(items[0])
        assert judge.read(question, judge.ask(question)).problem == {"refusal": "refused"}.get(
            failure, failure
        )


def test_many_are_answered_at_once() -> None:
    with running(key="secret", failures=Failures(delay=0.2)) as server, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: send(server, body(user=str(n)))[0], range(16)))
    assert answers == [200] * 16


def test_a_host_that_others_can_reach_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        serve("0.0.0.0", 0, key="secret")
    assert str(caught.value) == (
        "host '0.0.0.0' is not on loopback: this server is for tests on one machine"
        "\n  Use 127.0.0.1 or localhost."
    )


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(SettingsError) as caught:
        Server(key="")
    assert str(caught.value) == "the server needs a key that its clients must send; the one given is empty"


def test_a_taken_port_is_named(server: Server) -> None:
    port = urlsplit(server.url).port or 0
    with pytest.raises(SettingsError) as caught:
        serve(port=port, key="secret")
    assert str(caught.value) == (
        f"can't serve on 127.0.0.1, port {port}: Address already in use\n  Name another port."
    )


def test_serving_says_where_until_it_is_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(server: Server) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "run", interrupted)
    said: list[str] = []
    serve(port=0, key="secret", say=said.append)
    assert said[0].startswith("serving reference, shapes-old, shapes-new, shapes-worse at http://127.0.0.1:")
    assert said[0].endswith("/v1; stop with Ctrl-C")
    assert said[1:] == ["stopped"]
