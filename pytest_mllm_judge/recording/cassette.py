"""vcrpy's cassette, found by the question's digest. The only file that imports vcr.

What it relies on in vcrpy 9.4, and tests/recording/test_vcrpy_contract.py holds:

- `vcr.stubs.httpx_stubs.vcr_handle_request(cassette, send, httpx2)` and its async twin make a function
  `(transport, request) -> response` that patches nothing, buffers both streams, plays where
  `can_play_response_for(request)` is true, raises where `write_protected` and `filter_request(request)`
  are, and else sends, closes the stream, and calls `append(request, response)`.
- A response is `{"status": {"code", "message"}, "headers": {name: [values]}, "body": {"string": bytes}}`,
  and the body is still encoded as its `content-encoding` says.
- `Cassette(path=, record_mode=)` reads and writes no file.
- `Cassette.use(path=)` gives a context that opens what `load(path=)` of its class gives, and patches every
  HTTP library that vcrpy knows, for the whole process; a request that can't be played and is not
  write-protected is sent, then appended.

And for cassettes that plain vcrpy wrote, tests/recording/test_vcrpy_import.py holds:

- `FilesystemPersister.load_cassette(path, serializer)` gives the requests and the responses, in order; a
  request has `body_bytes` and `headers`, a name's values as one text or a list.
- `vcr.serializers` has `jsonserializer` and `yamlserializer`, which makes no objects out of tags.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
from vcr.cassette import Cassette  # type: ignore[import-untyped]
from vcr.persisters.filesystem import (  # type: ignore[import-untyped]
    CassetteNotFoundError,
    FilesystemPersister,
)
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]
from vcr.serializers import jsonserializer, yamlserializer  # type: ignore[import-untyped]
from vcr.stubs import httpx_stubs  # type: ignore[import-untyped]

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.recording.answers import Answer, pack, unpack
from pytest_mllm_judge.recording.asking import asked_now, opened, question_of
from pytest_mllm_judge.recording.imported import Interaction
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


class PatchedCassette(JudgeCassette):
    """The same for a client that sends past our transport. Requests outside of a question go their way."""

    def can_play_response_for(self, request: Any) -> bool:
        """Whether the request belongs to a question that is settled."""
        asking = question_of(self.store.path)
        if asking is None:
            return False
        self.store.guard.see((name, str(value)) for name, value in request.headers.items())
        self.store.guard.see(request.query, kind="parameter")
        opened(asking)
        return super().can_play_response_for(request)

    @property
    def write_protected(self) -> bool:
        """Whether a request that can't be played must not be sent."""
        return question_of(self.store.path) is not None and super().write_protected

    def append(self, request: Any, response: dict[str, Any]) -> None:
        """Keep the response to a question."""
        asking = question_of(self.store.path)
        if asking is not None:
            super().append(request, response)
            asking.answered = asking.packed is not None


def patched(cassette: PatchedCassette) -> AbstractContextManager[Any]:
    """A context in which vcrpy patches the process's HTTP libraries to play from and record into this."""

    class Opened(PatchedCassette):
        @classmethod
        def load(cls, **_: Any) -> PatchedCassette:
            return cassette

    context: AbstractContextManager[Any] = Opened.use(path=str(cassette.store.path))
    return context


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


def load_vcrpy(path: Path) -> list[Interaction]:
    """The interactions of a plain vcrpy cassette, JSON if its name ends so and else YAML, in its order.

    Bodies are decoded. Raise CassetteError if the file can't be read as one.
    """
    serializer = jsonserializer if path.suffix == ".json" else yamlserializer
    try:
        requests, responses, *_ = FilesystemPersister.load_cassette(path, serializer)
        pairs = enumerate(zip(requests, responses, strict=True), start=1)
        return [_interaction(f"{path}, interaction {number}", *pair) for number, pair in pairs]
    except CassetteNotFoundError as error:
        why = "it is empty" if path.is_file() else "there is no such file"
        raise _no_vcrpy(path, why) from error
    except Exception as error:  # the parsers, and what reads their tables, raise all sorts
        why = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise _no_vcrpy(path, why) from error


def _no_vcrpy(path: Path, why: str) -> CassetteError:
    return CassetteError(
        f"{path}: can't be read as a vcrpy cassette ({why})\n"
        "  What can be imported is what vcrpy wrote, as YAML, or as JSON in a file named .json."
    )


def _interaction(where: str, request: Any, response: dict[str, Any]) -> Interaction:
    if "status_code" in response:  # as vcrpy before 6 wrote down what came over httpx
        content = str(response["content"]).encode()
        response = {**response, "status": {"code": response["status_code"]}, "body": {"string": content}}
    sent = [(name, one) for name, values in request.headers.items() for one in _listed(values)]
    headers = {name: _listed(values) for name, values in (response["headers"] or {}).items()}
    body = {
        "status": {"code": 200},
        "headers": _encoding(sent),
        "body": {"string": request.body_bytes or b""},
    }
    answer = {**response, "headers": headers, "body": {"string": response["body"].get("string") or b""}}
    return Interaction(
        where, str(request.uri), _undone(body).content, sent, _undone(answer), _headers(answer)
    )


def _listed(values: Any) -> list[str]:
    return [str(one) for one in values] if isinstance(values, list | tuple) else [str(values)]


def _encoding(headers: list[tuple[str, str]]) -> dict[str, list[str]]:
    return {name: [value] for name, value in headers if name.lower() == "content-encoding"}


def _undone(response: dict[str, Any]) -> Answer:
    """The answer, decoded; as it stands where somebody decoded it and left the header that says otherwise."""
    try:
        return _answer(response)
    except CassetteError:
        kept = {
            name: values for name, values in response["headers"].items() if name.lower() != "content-encoding"
        }
        return _answer({**response, "headers": kept})
