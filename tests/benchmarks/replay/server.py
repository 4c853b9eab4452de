"""A judge on loopback, in a process of its own: it answers late, and fails as often as it is told to.

    python -m tests.benchmarks.replay.server SECONDS {sound,faulty}

Prints its port. A request's fate is drawn from the item's number and how often the item was asked before, so
every run meets the same faults. `GET /tally` says what was asked and answered.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
import urllib.request
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.replay.made import MARK, reply_body

PROJECT = Path(__file__).resolve().parents[3]
FAULTS = {"429": 0.05, "500": 0.03, "cut": 0.01, "closed": 0.01, "silent": 0.01}
"""The share of requests that come to no answer: refused for now, failed, JSON cut in the middle, the
connection closed in the middle, no answer ever."""
WAIT = 1
"""Seconds that a 429 asks to wait."""


def fate(number: int, attempt: int, *, faulty: bool) -> str:
    """What becomes of a request: `ok`, or one of the faults."""
    if faulty:
        lot = zlib.crc32(b"%d, attempt %d" % (number, attempt)) / 2**32
        for what, share in FAULTS.items():
            if lot < share:
                return what
            lot -= share
    return "ok"


class Tally:
    """What the server was asked and what it did."""

    def __init__(self) -> None:
        self.asked: Counter[int] = Counter()
        self.answered: Counter[int] = Counter()
        self.fates: Counter[str] = Counter()
        self.now = self.most = 0
        self.late = 0.0

    def begin(self, number: int) -> int:
        """Count a request; gives how often its item was asked before."""
        self.now += 1
        self.most = max(self.most, self.now)
        self.asked[number] += 1
        return self.asked[number] - 1

    def to_json(self) -> dict[str, Any]:
        """Plain data; `late` is the longest that an answer was sent after its time, in seconds."""
        return {
            "requests": self.asked.total(),
            "answered": len(self.answered),
            "twice": sum(times > 1 for times in self.answered.values()),
            "fates": self.fates,
            "most": self.most,
            "late": self.late,
            "processor": time.process_time(),
        }


class Connection(asyncio.Protocol):
    """One connection that is kept open; a request at a time."""

    def __init__(self, tally: Tally, seconds: float, *, faulty: bool) -> None:
        self._tally = tally
        self._seconds = seconds
        self._faulty = faulty
        self._data = bytearray()
        self._head = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._head:
            head, end, _ = self._data.partition(b"\r\n\r\n")
            if not end:
                return
            self._head = bytes(head).lower()
            length = self._head.partition(b"content-length:")[2].partition(b"\r")[0]
            self._missing = len(head) + len(end) + int(length or 0)
        if len(self._data) >= self._missing:
            body, self._data = bytes(self._data), bytearray()
            start, self._head = self._head, b""
            self._asked(start, body)

    def _asked(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /tally"):
            self._send(b"200 OK", json.dumps(self._tally.to_json()).encode())
            return
        place = body.find(MARK) + len(MARK)
        number = int(body[place : body.find(b"]]", place)])
        attempt = self._tally.begin(number)
        what = fate(number, attempt, faulty=self._faulty)
        self._tally.fates[what] += 1
        loop = asyncio.get_running_loop()
        due = loop.time() + (0 if what == "429" else self._seconds)
        if what == "silent":
            self._tally.now -= 1
        else:
            loop.call_at(due, self._answer, number, what, due)

    def _answer(self, number: int, what: str, due: float) -> None:
        tally = self._tally
        tally.now -= 1
        tally.late = max(tally.late, asyncio.get_running_loop().time() - due)
        if self._transport.is_closing():
            return
        whole = reply_body(number)
        half = whole[: len(whole) // 2]
        if what == "429":
            self._send(b"429 Too Many Requests", b'{"error":{"message":"slow down"}}', retry=True)
        elif what == "500":
            self._send(b"500 Internal Server Error", b'{"error":{"message":"it broke"}}')
        elif what == "cut":
            self._send(b"200 OK", half)
        elif what == "closed":
            self._send(b"200 OK", half, length=len(whole))
            self._transport.close()
        else:
            tally.answered[number] += 1
            self._send(b"200 OK", whole)

    def _send(self, status: bytes, body: bytes, *, length: int | None = None, retry: bool = False) -> None:
        lines = [b"HTTP/1.1 " + status, b"content-type: application/json"]
        lines.append(b"content-length: %d" % (len(body) if length is None else length))
        if retry:
            lines.append(b"retry-after: %d" % WAIT)
        self._transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)


async def serve(seconds: float, *, faulty: bool) -> None:
    """Serve until killed."""
    tally = Tally()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(tally, seconds, faulty=faulty), "127.0.0.1", 0, backlog=256
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def served(seconds: float = 0.0, *, faulty: bool = False) -> Iterator[str]:
    """The base address of a server in a process of its own."""
    kind = "faulty" if faulty else "sound"
    command = [sys.executable, "-m", "tests.benchmarks.replay.server", str(seconds), kind]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.kill()


def tally_of(url: str) -> dict[str, Any]:
    """What the server at that address has done so far."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/tally") as answer:
        told: dict[str, Any] = json.load(answer)
    return told


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), faulty=sys.argv[2] == "faulty"))
