"""A client that can't send through the cassette's transport: vcrpy's patch, for who asks for it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pytest_mllm_judge import Session
from pytest_mllm_judge.errors import SettingsError

from .loopback import KEY, Server

OWN = """
import httpx2, openai
def client(*, wrap):
    return openai.OpenAI(base_url={url!r}, api_key={key!r}, http_client=httpx2.Client())
"""


@pytest.fixture
def folder(tmp_path: Path, server: Server) -> Path:
    """Six pairs, and a client that knows nothing of cassettes."""
    (tmp_path / "benchmark.toml").write_text('format = "mllm-judge/1"\nitems = "items.jsonl"\n')
    responses = [{"text": "a"}, {"text": "b"}]
    items = [
        {"id": f"p{n}", "task": "pair", "instruction": f"q{n}", "responses": responses} for n in range(6)
    ]
    (tmp_path / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    (tmp_path / "own.py").write_text(OWN.format(url=server.url, key=KEY))
    return tmp_path


@pytest.fixture
def judged(folder: Path) -> Iterator[Callable[..., tuple[list[Any], Session]]]:
    sessions: list[Session] = []

    def judge(mode: Any, **more: Any) -> tuple[list[Any], Session]:
        table = {"kind": "openai", "model": "m", "client": "own.py:client", "patch": True}
        session = Session(root=folder, mode=mode, tables={"own": table}, **more)
        sessions.append(session)
        return [j.verdict for j in session.run("own", folder).pair], session

    yield judge
    for session in sessions:
        session.close()


def untouched() -> bool:
    """Whether the HTTP libraries are as they were."""
    return not hasattr(httpx2.HTTPTransport.handle_request, "__wrapped__")


def test_it_is_recorded_and_replayed_and_nothing_stays_patched(
    judged: Callable[..., tuple[list[Any], Session]],
    server: Server,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verdicts, session = judged("new_episodes")
    assert verdicts == ["A"] * 6
    session.close()
    assert untouched()
    assert (server.total, set(server.asked.values())) == (6, {1})
    assert KEY not in (folder / "cassettes" / "own.jsonl").read_text()

    def refuse(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for replay in ("fast", "wire"):
        verdicts, session = judged("none", replay=replay)
        assert verdicts == ["A"] * 6
        session.close()
        assert untouched()


def test_requests_outside_of_a_question_go_their_way_unrecorded(
    judged: Callable[..., tuple[list[Any], Session]], server: Server, folder: Path
) -> None:
    _, session = judged("new_episodes")
    assert not untouched()
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "mine"}]})
    for _ in range(2):
        assert httpx2.post(f"{server.url}/chat/completions", content=body).status_code == 200
        connection = HTTPConnection(server.url.split("/")[2])
        connection.request("POST", "/v1/chat/completions", body)
        assert connection.getresponse().status == 200
        connection.close()
    session.close()
    assert server.total == 6 + 4
    assert len((folder / "cassettes" / "own.jsonl").read_text().splitlines()) == 6


def test_a_failure_is_not_recorded(
    judged: Callable[..., tuple[list[Any], Session]], server: Server, folder: Path
) -> None:
    server.answer = lambda body, count: (400, {"content-type": "application/json"}, b'{"error":{}}')
    verdicts, session = judged("new_episodes")
    assert verdicts == [None] * 6
    session.close()
    assert not (folder / "cassettes" / "own.jsonl").exists()


def test_patch_is_for_clients_of_ones_own(folder: Path) -> None:
    table = {"kind": "openai", "model": "m", "patch": True}
    with pytest.raises(SettingsError) as told:
        Session(root=folder, tables={"own": table}).run("own", folder)
    assert str(told.value) == (
        "[tool.pytest-mllm-judge.judges.own] patch is for a client of your own (client = ...) only"
    )
