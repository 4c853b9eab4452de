"""A judge on loopback that many ask at once: it counts by item, and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_mllm_judge import Session

JUDGE = "mine"
USAGE = {"prompt_tokens": 100, "completion_tokens": 0, "total_tokens": 100}
PRICES = {"input": 10_000.0, "output": 0.0}
"""With these, a reply costs 1."""
LONG = 20.0
"""Seconds that no test gets to unless something hangs."""
_ITEM = re.compile(rb"<<([\w-]+)>>")


@dataclass(frozen=True, kw_only=True)
class Act:
    """What the server does with a request: answers, after a delay or when it is let go, unless it can't."""

    says: str = "[[A]]"
    delay: float = 0.0
    held: bool = False
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    silent: bool = False
    gone: bool = False
    cut: bool = False
    usage: bool = True


@dataclass(frozen=True)
class Arrival:
    """A request as it came: its item, which time it was asked, the moment, the body and the headers."""

    item: str
    time: int
    at: float
    body: dict[str, Any]
    head: bytes


class Crowd:
    """The server. `behave` says what becomes of an item's n-th request (from 1)."""

    def __init__(self) -> None:
        self.behave: Callable[[str, int], Act] = lambda item, time: Act()
        self.arrivals: list[Arrival] = []
        self.answered: list[str] = []
        self.now = 0
        self.most = 0
        self.loop = asyncio.new_event_loop()
        self._changed = threading.Condition()
        self._free = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def asked(self) -> Counter[str]:
        """How often each item was asked about."""
        return Counter(arrival.item for arrival in list(self.arrivals))

    @property
    def order(self) -> list[str]:
        """The items in the order of their requests."""
        return [arrival.item for arrival in list(self.arrivals)]

    def times_of(self, item: str) -> list[float]:
        """The moments of an item's requests."""
        return [arrival.at for arrival in list(self.arrivals) if arrival.item == item]

    def let_go(self) -> None:
        """Answer everything that is held."""
        self.loop.call_soon_threadsafe(self._free.set)

    def wait_until(self, true: Callable[[], bool], *, seconds: float = LONG) -> None:
        """Wait until something about the requests is true; fail if that takes too long."""
        with self._changed:
            assert self._changed.wait_for(true, timeout=seconds), (self.order, self.now)

    def _note(self, change: int) -> None:
        with self._changed:
            self.now += change
            self.most = max(self.most, self.now)
            self._changed.notify_all()

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._respond(*await _request(reader), reader, writer):
                    pass
        finally:
            writer.close()

    async def _respond(
        self, head: bytes, body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        found = _ITEM.search(body)
        assert found is not None, body
        item = found[1].decode()
        number = self.asked[item] + 1
        self.arrivals.append(Arrival(item, number, time.monotonic(), json.loads(body), head))
        act = self.behave(item, number)
        self._note(1)
        done = asyncio.ensure_future(self._send(act, writer, json.loads(body)))
        try:
            while not done.done() and not reader.at_eof():
                await asyncio.wait({done}, timeout=0.02)
            goes_on = done.done() and done.result()
            if goes_on:
                self.answered.append(item)
        finally:
            done.cancel()
            self._note(-1)
        return goes_on

    async def _send(self, act: Act, writer: asyncio.StreamWriter, body: dict[str, Any]) -> bool:
        if act.silent:
            await asyncio.sleep(3600)
        if act.held:
            await self._free.wait()
        await asyncio.sleep(act.delay)
        if act.gone:
            return False
        content = completion(act, body) if act.body is None else act.body
        lines = [f"HTTP/1.1 {act.status} Said", "content-type: application/json"]
        lines += [f"{name}: {value}" for name, value in act.headers.items()]
        lines += [f"content-length: {len(content)}", "", ""]
        writer.write("\r\n".join(lines).encode() + (content[: len(content) // 2] if act.cut else content))
        await writer.drain()
        return not act.cut


async def _request(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of the next request."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length is not None
    return head, await reader.readexactly(int(length[1]))


def completion(act: Act, body: dict[str, Any]) -> bytes:
    """A chat completion, or what an error looks like."""
    if act.status != 200:
        return json.dumps({"error": {"message": f"said {act.status}"}}).encode()
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": act.says}}
    reply = {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [choice],
    }
    return json.dumps({**reply, "usage": USAGE} if act.usage else reply).encode()


@contextmanager
def serving() -> Iterator[Crowd]:
    """A server in a thread of its own."""
    crowd = Crowd()
    listening = threading.Event()

    def work() -> None:
        asyncio.set_event_loop(crowd.loop)
        server = crowd.loop.run_until_complete(
            asyncio.start_server(crowd.connected, "127.0.0.1", 0, backlog=256)
        )
        crowd.port = server.sockets[0].getsockname()[1]
        listening.set()
        crowd.loop.run_forever()
        server.close()
        while tasks := asyncio.all_tasks(crowd.loop):
            for task in tasks:
                task.cancel()
            crowd.loop.run_until_complete(asyncio.wait(tasks))
        crowd.loop.run_until_complete(asyncio.sleep(0))  # what was closed is closed in the next round
        crowd.loop.close()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert listening.wait(LONG)
    yield crowd
    crowd.loop.call_soon_threadsafe(crowd.loop.stop)
    thread.join(LONG)


def pair(number: int, **more: Any) -> dict[str, Any]:
    """A pair item that the server knows by its text."""
    return {
        "id": name(number),
        "task": "pair",
        "instruction": f"Which? <<{name(number)}>>",
        "responses": [{"text": "Red."}, {"text": "Green."}],
        "human": "A",
        **more,
    }


def name(number: int) -> str:
    """The id of an item."""
    return f"pair-{number:03}"


def names(count: int) -> list[str]:
    """The ids of the first items."""
    return [name(number) for number in range(count)]


def write_bench(folder: Path, count: int, *, top: str = "", **more: Any) -> Path:
    """A benchmark of pairs without images."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f'format = "mllm-judge/1"\nname = "crowd"\nitems = "items.jsonl"\n{top}'
    (folder / "benchmark.toml").write_text(text, encoding="utf-8")
    lines = [json.dumps(pair(number, **more)) for number in range(count)]
    (folder / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def table(crowd: Crowd, **more: Any) -> dict[str, Any]:
    """A judge that asks this server."""
    return {"kind": "openai", "model": "gpt-4o", "base_url": crowd.url, "api_key_env": "", **more}


def session(root: Path, crowd: Crowd, *, mode: Any = "new_episodes", **more: Any) -> Session:
    """A session with one judge; settings of its table as `judge`."""
    tables = more.pop("tables", None) or {JUDGE: table(crowd, **more.pop("judge", {}))}
    return Session(root=root, mode=mode, tables=tables, **more)


def items_in(cassette: Path) -> list[str]:
    """The items of a cassette's lines, in their order."""
    return [json.loads(line)["item"] for line in cassette.read_bytes().splitlines()]


def files_beside(cassette: Path) -> list[str]:
    """What stands in the cassettes' folder."""
    return sorted(path.name for path in cassette.parent.iterdir())
