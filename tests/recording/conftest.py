"""A judge on loopback, questions for it, and recorders on the test's own cassette."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from pytest_mllm_judge.model import Item, Message, Picture, Question, Reply, Response, Text
from pytest_mllm_judge.recording import Mode, Recorder

from .loopback import KEY, RERECORD, AskedFor, Plain, Record, Sdk, Server, handler, messages_of, reply_of


class _Listening(ThreadingHTTPServer):
    request_queue_size = 128  # gathered tasks connect at once


@pytest.fixture
def server() -> Iterator[Server]:
    made: list[Server] = []
    http = _Listening(("127.0.0.1", 0), handler(lambda: made[0]))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})

    def stop() -> None:
        http.shutdown()
        http.server_close()
        thread.join()

    made.append(Server(f"http://127.0.0.1:{http.server_port}/v1", stop))
    thread.start()
    yield made[0]
    if thread.is_alive():
        stop()


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    first.write_bytes(b"the first picture")
    second.write_bytes(b"the second picture")
    return first, second


@pytest.fixture
def question(pictures: tuple[Path, Path]) -> AskedFor:
    """Makes a question; every part that a digest covers can be given."""

    def make(
        number: int = 1,
        *,
        text: str = "Which answer is better?",
        picture: int = 0,
        detail: str | None = None,
        change: str = "",
        model: str = "shapes-old",
        variant: str = "",
        repeat: int = 0,
        settings: dict[str, Any] | None = None,
        asks: str | None = None,
    ) -> Question:
        item = Item(id=f"pair-{number}", task="pair", responses=(Response(text="a"), Response(text="b")))
        file = pictures[picture]
        return Question(
            item=item,
            judge="shapes-old",
            model=model,
            messages=(
                Message("system", (Text("You compare two answers."),)),
                Message(
                    "user",
                    (
                        Text(text),
                        Picture(f"images/{file.name}", file, change=change, detail=detail),
                        Text(f"Item {number}" if asks is None else asks),
                    ),
                ),
            ),
            settings={"temperature": 0} if settings is None else settings,
            variant=variant,
            repeat=repeat,
        )

    return make


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Makes a recorder on the test's cassette."""

    def make(mode: Mode = "none", *, name: str = "shapes-old", run: str = "") -> Recorder:
        path = tmp_path / "cassettes" / f"{name}.jsonl"
        return Recorder(path, mode, judge="shapes-old", rerecord=RERECORD, run=run)

    return make


@pytest.fixture
def plain() -> Iterator[Plain]:
    """An httpx2 client on a recorder's transport."""
    with ExitStack() as open_clients:

        def connect(recorder: Recorder) -> httpx2.Client:
            transport = recorder.wrap(httpx2.HTTPTransport())
            return open_clients.enter_context(httpx2.Client(transport=transport))

        yield connect


@pytest.fixture
def sdk(server: Server) -> Iterator[Sdk]:
    """The openai SDK on a recorder's transport, asking by `exchange`."""
    clients: list[openai.OpenAI] = []

    def connect(recorder: Recorder) -> Callable[[Question], Reply]:
        client = openai.OpenAI(
            api_key=KEY,
            organization="org-acme0123456789abcdefgh",
            base_url=server.url,
            max_retries=0,
            http_client=httpx2.Client(transport=recorder.wrap(httpx2.HTTPTransport())),
        )
        clients.append(client)

        def ask(question: Question) -> Reply:
            return reply_of(
                client.chat.completions.create(
                    model=question.model,
                    messages=messages_of(question),
                    extra_body=dict(question.settings),
                )
            )

        return lambda question: recorder.exchange(question, lambda: ask(question), over_http=True)

    yield connect
    for client in clients:
        client.close()
