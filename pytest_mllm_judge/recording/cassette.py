"""vcrpy's cassette, found by the question's digest. The only file that imports vcr.

What it relies on in vcrpy 9.4, and tests/recording/test_vcrpy_contract.py holds:

- `vcr.stubs.httpx_stubs.vcr_handle_request(cassette, send, httpx2)` and its async twin make a function
  `(transport, request) -> response` that patches nothing, buffers both streams, plays where
  `can_play_response_for(request)` is true, raises where `write_protected` and `filter_request(request)`
  are, and else sends, closes the stream, and calls `append(request, response)`.
- A response is `{"status": {"code", "message"}, "headers": {name: [values]}, "body": {"string": bytes}}`,
  and the body is still encoded as its `content-encoding` says.
- `Cassette(path=, record_mode=)` reads and writes no file.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx2
from vcr.cassette import Cassette  # type: ignore[import-untyped]
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]
from vcr.stubs import httpx_stubs  # type: ignore[import-untyped]

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.recording.answers import Answer, pack, unpack
from pytest_mllm_judge.recording.asking import asked_now
from pytest_mllm_judge.recording.store import Store

Send = Callable[[Any, httpx2.Request], httpx2.Response]
SendAsync = Callable[[Any, httpx2.Request], Awaitable[httpx2.Response]]


class JudgeCassette(Cassette):  # type: ignore[misc]
    """One judge's exchanges as vcrpy sees them: whatever the request, the question asked now decides."""

    def __init__(self, store: Store, *, mode: str) -> None:
        super().__init__(path=str(store.path), record_mode=RecordMode(mode))
        self.store = store

    @property
    def write_protected(self) -> bool:
        """Whether an unknown question must not be sent."""
        return bool(self.record_mode == RecordMode.NONE)

    def can_play_response_for(self, request: Any) -> bool:
        """Whether the question asked now is settled, or has just been answered."""
        asking = asked_now(self.store.path)
        return asking.packed is not None or self.store.settled(asking.digest)

    def play_response(self, request: Any) -> dict[str, Any]:
        """The recorded response to the question asked now."""
        return self.responses_of(request)[0]

    def responses_of(self, request: Any) -> list[dict[str, Any]]:
        """All recorded responses to the question asked now: one, or none."""
        asking = asked_now(self.store.path)
        if asking.packed is not None:
            return [_response(asking.packed, asking.question.model)]
        exchange = self.store.find(asking.digest)
        return [] if exchange is None else [_response(exchange.reply, exchange.model)]

    def append(self, request: Any, response: dict[str, Any]) -> None:
        """Keep the response, unless it is a failure, for the recorder to write."""
        asking = asked_now(self.store.path)
        self.store.guard.see_answer((name, value) for name, value in _headers(response))
        asking.packed = pack(_answer(response), asked=asking.question.model)

    def find_requests_with_most_matches(self, request: Any) -> list[Any]:
        """None: a miss is explained before the request is made."""
        return []

    def __contains__(self, request: Any) -> bool:
        return self.can_play_response_for(request)

    def __len__(self) -> int:
        return len(self.store)


def through(
    cassette: JudgeCassette, transport: httpx2.BaseTransport
) -> Callable[[httpx2.Request], httpx2.Response]:
    """A function that sends a request by the transport, or plays its answer from the cassette."""

    def send(_: Any, request: httpx2.Request) -> httpx2.Response:
        return transport.handle_request(request)

    handle: Send = httpx_stubs.vcr_handle_request(cassette, send, httpx2)
    return lambda request: handle(transport, request)


def through_async(
    cassette: JudgeCassette, transport: httpx2.AsyncBaseTransport
) -> Callable[[httpx2.Request], Awaitable[httpx2.Response]]:
    """The same for an async transport."""

    async def send(_: Any, request: httpx2.Request) -> httpx2.Response:
        return await transport.handle_async_request(request)

    handle: SendAsync = httpx_stubs.vcr_handle_async_request(cassette, send, httpx2)
    return lambda request: handle(transport, request)


def _response(reply: Mapping[str, Any], asked: str) -> dict[str, Any]:
    answer = unpack(reply, asked=asked)
    headers = {"content-type": [answer.content_type]} if answer.content_type else {}
    status = {"code": answer.status, "message": ""}
    return {"status": status, "headers": headers, "body": {"string": answer.content}}


def _headers(response: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, value) for name, values in response["headers"].items() for value in values]


def _answer(response: dict[str, Any]) -> Answer:
    """The response without its content encoding. Raise CassetteError if that can't be undone."""
    headers = _headers(response)
    try:
        decoded = httpx2.Response(
            response["status"]["code"], headers=headers, content=response["body"]["string"]
        )
    except httpx2.DecodingError as error:
        raise CassetteError(f"the answer can't be decoded: {error}") from error
    return Answer(decoded.status_code, decoded.headers.get("content-type", ""), decoded.content)
