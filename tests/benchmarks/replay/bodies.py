"""The requests of a made benchmark, and the openai SDK that sends them: to nobody, or to a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import httpx2
import openai

from pytest_mllm_judge.judging import chat
from pytest_mllm_judge.model import Item, Picture, Question
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.runs.session import Session
from tests.benchmarks.replay.made import JUDGE, number_of, reply_body, reply_text

Request = dict[str, Any]
"""The arguments of `chat.completions.create`."""


def opened(folder: Path, like: Session | None = None, **settings: Any) -> tuple[Session, Run]:
    """A new session and its run of the made judge; the benchmark itself is loaded once for all of them."""
    session = Session(root=folder, **settings)
    if like is not None:
        session.benchmarks.update(like.benchmarks)
    return session, session.run(JUDGE, folder / "bench")


@lru_cache(maxsize=256)
def _address(file: Path) -> str:
    return chat.data_uri(Picture(file.name, file))


def request_of(question: Question) -> Request:
    """The request that our judge sends of a question; the pictures' text is shared among requests."""
    messages = [chat.chat_message(message) for message in question.messages]
    pictures = [part for message in question.messages for part in message.parts if isinstance(part, Picture)]
    parts = [
        part
        for message in messages
        if isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "image_url"
    ]
    for picture, part in zip(pictures, parts, strict=True):
        assert picture.file is not None, picture
        part["image_url"]["url"] = _address(picture.file)
    return {"model": question.model, "messages": messages, "extra_body": dict(question.settings)}


def requests_of(folder: Path, number: int) -> list[Request]:
    """The requests of the first items."""
    session, run = opened(folder)
    made = [request_of(run.judge.question(item)) for item in run.items[:number]]
    session.close()
    return made


def client_of(transport: httpx2.BaseTransport, url: str = "http://127.0.0.1:9/v1") -> openai.OpenAI:
    """The SDK as our judge makes it, on a transport."""
    return openai.OpenAI(
        api_key="none",
        base_url=url,
        max_retries=0,
        http_client=openai.DefaultHttpxClient(transport=transport),
    )


def send(client: openai.OpenAI, request: Request, number: int) -> None:
    """Send a request. Exit if the answer is another one than item `number`'s."""
    completion = client.chat.completions.create(
        model=request["model"], messages=cast("Any", request["messages"]), extra_body=request["extra_body"]
    )
    if completion.choices[0].message.content != reply_text_kept(number):
        raise SystemExit(f"the reply to item {number} is another item's")


@lru_cache(maxsize=4096)
def reply_text_kept(number: int) -> str:
    """The item's reply, made once."""
    return reply_text(number)


class Floor:
    """The SDK on a transport in the process, which hands back answers that are ready."""

    def __init__(self) -> None:
        self._ready: Iterator[bytes] = iter(())
        self._client = client_of(httpx2.MockTransport(self._answer))

    def _answer(self, _: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=next(self._ready))

    def block(self, questions: Sequence[Question]) -> Callable[[], None]:
        """What sends these questions; their requests and answers are made before."""
        numbers = [number_of(question.item.id) for question in questions]
        requests = [request_of(question) for question in questions]
        ready = [reply_body(number) for number in numbers]
        for number in numbers:
            reply_text_kept(number)

        def call() -> None:
            self._ready = iter(ready)
            for number, request in zip(numbers, requests, strict=True):
                send(self._client, request, number)

        return call

    def making(self, run: Run, items: Sequence[Item]) -> Callable[[], None]:
        """What makes these items' requests as our judge does, each with its picture read, and sends them."""
        ready = [reply_body(number_of(item.id)) for item in items]

        def call() -> None:
            self._ready = iter(ready)
            for item in items:
                question = run.judge.question(item)
                messages = [chat.chat_message(message) for message in question.messages]
                request = {"model": question.model, "messages": messages}
                send(self._client, {**request, "extra_body": dict(question.settings)}, number_of(item.id))

        return call


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most so many of the items, evenly over all but the last, which is for warming up."""
    rest = items[:-1]
    step = max(1, len(rest) // most)
    return list(rest[::step][:most])
