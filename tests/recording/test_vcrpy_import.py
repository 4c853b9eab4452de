"""Cassettes that plain vcrpy wrote: what is read of them, and which of their requests say the same."""

from __future__ import annotations

import ast
import base64
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
import vcr  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_mllm_judge import Session
from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.recording import cassette
from pytest_mllm_judge.recording.cassette import load_vcrpy
from pytest_mllm_judge.recording.saying import Saying, saying
from pytest_mllm_judge.runs.imported import import_vcrpy

from .loopback import KEY, Server, completion

Write = Callable[..., Path]
ASKED = {"model": "judge-1", "messages": [{"role": "user", "content": "Which?"}]}


def ask(server: Server, **more: Any) -> str | None:
    messages: Any = ASKED["messages"]
    with openai.OpenAI(api_key=KEY, base_url=server.url, max_retries=0) as client:
        done = client.chat.completions.create(model="judge-1", messages=messages, **more)
        return str(done.choices[0].message.content)


@pytest.fixture
def zipped(server: Server) -> Server:
    """A server whose answers are compressed."""

    def answer(body: dict[str, Any], _: int) -> tuple[int, dict[str, str], bytes]:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        return 200, headers, gzip.compress(json.dumps(completion(body)).encode())

    server.answer = answer
    return server


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_what_vcrpy_records_of_the_sdk_is_read(server: Server, tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"plain.{ending}"
    with vcr.VCR(serializer=ending).use_cassette(str(file)):
        replies = [ask(server, temperature=0), ask(server, temperature=1)]
    first, second = load_vcrpy(file)
    assert first.where == f"{file}, interaction 1"
    assert json.loads(first.sent) == {**ASKED, "temperature": 0}
    assert ("authorization", f"Bearer {KEY}") in [(name.lower(), value) for name, value in first.headers]
    assert (first.answer.status, first.answer.content_type) == (200, "application/json")
    said = [json.loads(one.answer.content)["choices"][0]["message"]["content"] for one in (first, second)]
    assert said == replies
    assert "openai-organization" in {name for name, _ in second.answer_headers}


@pytest.mark.parametrize("decode", [False, True])
def test_compressed_bodies_are_read(zipped: Server, tmp_path: Path, decode: bool) -> None:
    file = tmp_path / "plain.yaml"
    with vcr.VCR(decode_compressed_response=decode).use_cassette(str(file)):
        reply = ask(zipped)
    (one,) = load_vcrpy(file)
    assert json.loads(one.answer.content)["choices"][0]["message"]["content"] == reply


def test_compressed_requests_are_read(tmp_path: Path) -> None:
    file = tmp_path / "plain.yaml"
    body, headers = gzip.compress(json.dumps(ASKED).encode()), {"content-encoding": "gzip"}
    with vcr.VCR().use_cassette(str(file)) as played:
        played.append(vcr.request.Request("POST", "http://a/v1", body, headers), response_of("{}"))
    (one,) = load_vcrpy(file)
    assert json.loads(one.sent) == ASKED


def response_of(text: str, **more: Any) -> dict[str, Any]:
    return {
        "status": {"code": 200, "message": "OK"},
        "headers": {"content-type": ["application/json"]},
        "body": {"string": text},
        **more,
    }


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a cassette of requests and responses in vcrpy's JSON."""

    def make(*responses: dict[str, Any]) -> Path:
        file = tmp_path / "plain.json"
        request = {
            "method": "POST",
            "uri": "http://a/v1",
            "body": json.dumps(ASKED),
            "headers": {"A": ["1", "2"]},
        }
        told = [{"request": request, "response": response} for response in responses]
        file.write_text(json.dumps({"version": 1, "interactions": told}))
        return file

    return make


def test_what_older_versions_wrote_of_httpx_is_read(write: Write) -> None:
    headers = {"content-type": ["application/json"], "content-encoding": ["gzip"]}
    old = {"http_version": "HTTP/1.1", "status_code": 429, "headers": headers, "content": "{}"}
    (one,) = load_vcrpy(write(old))
    assert one.answer == (429, "application/json", b"{}")


def test_a_header_that_lies_of_the_encoding_is_not_believed(write: Write) -> None:
    lies = response_of("{}", headers={"Content-Type": "application/json", "Content-Encoding": ["gzip"]})
    (one,) = load_vcrpy(write(lies))
    assert one.answer == (200, "application/json", b"{}")


def test_an_answer_without_a_body_or_headers_is_read(write: Write) -> None:
    (one,) = load_vcrpy(
        write({"status": {"code": 204, "message": ""}, "headers": None, "body": {"string": None}})
    )
    assert one.answer == (204, "", b"")


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("gone.yaml", None, "there is no such file"),
        ("empty.yaml", " \n", "it is empty"),
        ("list.json", "[1, 2]", "TypeError: argument of type 'int' is not iterable"),
        ("cut.json", '{"version": 1', "JSONDecodeError: Expecting ',' delimiter: line 1 column 14 (char 13)"),
        ("other.yaml", "a: 1\n", "KeyError: 'interactions'"),
        ("text.yaml", "[1, 2\n", "ParserError: while parsing a flow sequence"),
    ],
)
def test_a_file_that_is_no_cassette_is_refused(tmp_path: Path, name: str, text: str | None, why: str) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    with pytest.raises(CassetteError) as caught:
        load_vcrpy(file)
    assert str(caught.value) == (
        f"{file}: can't be read as a vcrpy cassette ({why})\n"
        "  What can be imported is what vcrpy wrote, as YAML, or as JSON in a file named .json."
    )


def test_a_cassette_can_run_nothing(tmp_path: Path) -> None:
    file, mark = tmp_path / "evil.yaml", tmp_path / "mark"
    file.write_text(f"interactions: !!python/object/apply:pathlib.Path.touch [{mark}]\n")
    with pytest.raises(CassetteError, match="can't be read as a vcrpy cassette"):
        load_vcrpy(file)
    assert not mark.exists()


def test_only_public_names_of_vcrpy_are_used() -> None:
    tree = ast.parse(Path(cassette.__file__).read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    names = [
        f"{node.module}.{name.name}" for node in froms for name in node.names if "vcr" in str(node.module)
    ]
    assert len(names) >= 6
    assert [name for name in names if "._" in name] == []


def user(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"model": "judge-1", "messages": [{"role": "user", "content": list(parts)}], **more}


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


def image(data: bytes, kind: str = "png", **more: Any) -> dict[str, Any]:
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url, **more}}


PLAIN = user(text("Which?"), image(b"a"), text("This?"), temperature=0)


@pytest.mark.parametrize(
    "same",
    [
        user(text("Wh"), text("ich?"), image(b"a"), text("This?"), text(""), temperature=0),
        user("Which?", image(b"a"), "This?", temperature=0),
        user(text("Which?"), image(b"a", "jpeg"), text("This?"), temperature=0.0),
        user(
            text("Which?"),
            {"type": "image_url", "image_url": "data:image/png,a"},
            text("This?"),
            temperature=0,
        ),
        {
            **PLAIN,
            "user": "me",
            "metadata": {"a": "b"},
            "store": True,
            "stream": False,
            "n": 1,
            "top_p": None,
        },
        {**PLAIN, "service_tier": "flex"},
        dict(reversed(PLAIN.items())),
    ],
)
def test_what_says_the_same_is_the_same(same: dict[str, Any]) -> None:
    assert saying(same) == saying(PLAIN)


@pytest.mark.parametrize(
    ("other", "parts"),
    [
        ({**PLAIN, "model": "judge-2"}, ["model"]),
        ({**PLAIN, "temperature": 1}, ["setting temperature"]),
        ({**PLAIN, "temperature": False}, ["setting temperature"]),
        ({**PLAIN, "n": 2}, ["setting n"]),
        (user(text("Which"), image(b"a"), text("This?"), temperature=0), ["user message, text 1"]),
        (user(text("Which?"), image(b"b"), text("This?"), temperature=0), ["user message, image 1"]),
        (
            user(text("Which?"), image(b"a", detail="low"), text("This?"), temperature=0),
            ["user message, image 1, detail"],
        ),
        (user(image(b"a"), text("Which?"), text("This?"), temperature=0),
         ["user message, parts", "user message, text 1", "user message, text 2"]),
        (user(text("Which?"), text("This?"), image(b"a"), temperature=0),
         ["user message, parts", "user message, text 1", "user message, text 2"]),
        ({**PLAIN, "messages": [{**PLAIN["messages"][0], "name": "x"}]}, ["user message, name"]),
    ],
)  # fmt: skip
def test_what_says_something_else_is_not(other: dict[str, Any], parts: list[str]) -> None:
    one, two = said(other), said(PLAIN)
    assert [part for part in sorted({**one, **two}) if one.get(part) != two.get(part)] == parts


def said(body: Any) -> Saying:
    found = saying(body)
    assert found is not None
    return found


def test_the_order_of_messages_is_part_of_what_is_said() -> None:
    first, second = {"role": "system", "content": "a"}, {"role": "user", "content": "b"}
    bodies = [{"model": "m", "messages": order} for order in ([first, second], [second, first])]
    assert said(bodies[0]) != said(bodies[1])


@pytest.mark.parametrize("body", [None, 1, [], {}, {"input": "x"}, {"messages": "x"}, {"messages": ["x"]}])
def test_another_body_is_no_chat_request(body: Any) -> None:
    assert saying(body) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(content=JSON, more=st.dictionaries(st.sampled_from(["stop", "n", "seed", "tools"]), JSON))
def test_any_messages_say_something(content: Any, more: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": content}], **more}
    assert said(body) == said(json.loads(json.dumps(body)))


@given(words=st.text(min_size=2), cut=st.data())
def test_where_a_text_is_cut_makes_no_difference(words: str, cut: st.DataObject) -> None:
    place = cut.draw(st.integers(0, len(words)))
    assert said(user(text(words[:place]), text(words[place:]))) == said(user(words))


PROJECT = """
[tool.pytest-mllm-judge.judges.ours]
kind = "openai"
model = "judge-1"
base_url = "{url}"
temperature = 0
seed = 3
max_side = 12
"""


@pytest.fixture
def bench(server: Server, tmp_path: Path) -> Path:
    """Five pairs with pictures, asked twice, and a judge on loopback."""
    items = []
    for number in range(5):
        Image.new("RGB", (16, 8 + number), (number, 0, 0)).save(tmp_path / f"{number}.png")
        responses = [{"text": f"answer {number}"}, {"text": "another"}]
        items.append(
            {"id": f"pair-{number}", "task": "pair", "responses": responses, "images": [f"{number}.png"]}
        )
    (tmp_path / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in items))
    (tmp_path / "benchmark.toml").write_text(
        'format = "mllm-judge/1"\nitems = "items.jsonl"\n[probes]\nrepeat = 2\n'
    )
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(url=server.url))
    return tmp_path


def recorded_here(bench: Path) -> bytes:
    session = Session(root=bench, mode="new_episodes")
    session.run("ours", bench).judgements()
    session.close()
    return (bench / "cassettes" / "ours.jsonl").read_bytes()


def recorded_by_vcrpy(bench: Path, file: Path) -> None:
    session = Session(root=bench)
    questions = list(session.run("ours", bench).wanted())
    judge = build("ours", session.tables, Context(tasks=session.benchmark(bench).tasks, root=bench))
    with vcr.VCR(match_on=["method", "uri", "body"]).use_cassette(str(file)):
        for question in reversed(questions):
            judge.ask(question)
    judge.close()


@pytest.mark.usefixtures("zipped")
def test_an_import_is_byte_for_byte_what_recording_here_gives(server: Server, bench: Path) -> None:
    file = bench / "plain.yaml"
    recorded_by_vcrpy(bench, file)
    brought, path = import_vcrpy([file], root=bench, benchmark=bench, judge="ours")
    assert (brought.imported, brought.unmatched, brought.unanswered) == (10, 0, [])
    imported = path.read_bytes()
    path.unlink()
    assert imported == recorded_here(bench)
    assert server.total == 20
