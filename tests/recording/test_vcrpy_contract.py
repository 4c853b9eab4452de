"""What recording relies on in vcrpy. If one of these goes red, read its changes before lifting the cap."""

from __future__ import annotations

import asyncio
import inspect
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx2
import pytest
from vcr.cassette import Cassette  # type: ignore[import-untyped]
from vcr.errors import CannotOverwriteExistingCassetteException  # type: ignore[import-untyped]
from vcr.record_mode import RecordMode  # type: ignore[import-untyped]
from vcr.stubs import httpx_stubs  # type: ignore[import-untyped]

from pytest_mllm_judge.recording.cassette import JudgeCassette
from pytest_mllm_judge.recording.recorder import MODES


class Spy:
    """The part of a cassette that vcrpy's httpx stub calls, and nothing else of it."""

    write_protected = False

    def __init__(self, played: dict[str, Any] | None = None) -> None:
        self.played = played
        self.calls: list[str] = []
        self.appended: Any = None

    def can_play_response_for(self, request: Any) -> bool:
        self.calls.append("can_play_response_for")
        return self.played is not None

    def play_response(self, request: Any) -> Any:
        self.calls.append("play_response")
        return self.played

    def filter_request(self, request: Any) -> Any:
        return request

    def append(self, request: Any, response: dict[str, Any]) -> None:
        self.calls.append("append")
        self.appended = response


def answer(request: httpx2.Request) -> httpx2.Response:
    stream = httpx2.ByteStream(b"body")
    return httpx2.Response(200, headers=[("A", "1"), ("A", "2")], stream=stream)


def request() -> httpx2.Request:
    return httpx2.Request("POST", "http://127.0.0.1/v1", json={})


RECORDED = {
    "status": {"code": 200, "message": "OK"},
    "headers": {"a": ["1", "2"]},
    "body": {"string": b"body"},
}


def test_the_version_is_one_that_was_tried() -> None:
    assert re.match(r"9\.4\.", version("vcrpy"))


def test_an_unknown_request_is_sent_and_appended() -> None:
    spy = Spy()
    handle = httpx_stubs.vcr_handle_request(spy, lambda _, sent: answer(sent), httpx2)
    assert handle(None, request()).read() == b"body"
    assert spy.calls == ["can_play_response_for", "append"]
    assert spy.appended == RECORDED


def test_an_unknown_request_is_sent_and_appended_by_async_clients_too() -> None:
    async def send(_: Any, sent: httpx2.Request) -> httpx2.Response:
        return answer(sent)

    spy = Spy()
    handle = httpx_stubs.vcr_handle_async_request(spy, send, httpx2)
    sent = request()
    assert asyncio.run(handle(None, sent)).status_code == 200
    assert spy.calls == ["can_play_response_for", "append"]
    assert spy.appended == RECORDED


def test_a_known_request_is_played_and_not_sent() -> None:
    spy = Spy(RECORDED)

    def refuse(_: Any, sent: httpx2.Request) -> httpx2.Response:
        raise AssertionError("it was sent")

    response = httpx_stubs.vcr_handle_request(spy, refuse, httpx2)(None, request())
    assert spy.calls == ["can_play_response_for", "play_response"]
    assert (response.status_code, response.read()) == (200, b"body")
    assert response.headers.get_list("a") == ["1", "2"]


def test_a_write_protected_cassette_never_sends(tmp_path: Path) -> None:
    cassette = Cassette(path=str(tmp_path / "none.yaml"), record_mode=RecordMode.NONE)
    handle = httpx_stubs.vcr_handle_request(cassette, lambda _, sent: answer(sent), httpx2)
    with pytest.raises(CannotOverwriteExistingCassetteException):
        handle(None, request())


def test_nothing_is_patched_by_our_way_in() -> None:
    before = httpx2.HTTPTransport.handle_request
    httpx_stubs.vcr_handle_request(Spy(), lambda _, sent: answer(sent), httpx2)
    assert httpx2.HTTPTransport.handle_request is before


def test_making_a_cassette_touches_no_file(tmp_path: Path) -> None:
    Cassette(path=str(tmp_path / "a.yaml"), record_mode=RecordMode.NEW_EPISODES)
    assert list(tmp_path.iterdir()) == []


def test_our_modes_are_words_of_vcrpy() -> None:
    assert [RecordMode(mode).value for mode in MODES] == list(MODES)


def test_only_public_names_of_the_cassette_are_overridden_and_all_of_them_exist() -> None:
    ours = [name for name in vars(JudgeCassette) if inspect.isroutine(vars(JudgeCassette)[name])]
    ours += [name for name, value in vars(JudgeCassette).items() if isinstance(value, property)]
    assert [name for name in ours if name.startswith("_") and not name.endswith("__")] == []
    assert [name for name in ours if not hasattr(Cassette, name)] == []
    for name in set(ours) - {"__init__", "write_protected"}:
        theirs = list(inspect.signature(getattr(Cassette, name)).parameters)
        assert list(inspect.signature(getattr(JudgeCassette, name)).parameters) == theirs, name
