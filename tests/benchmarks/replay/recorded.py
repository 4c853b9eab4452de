"""Recording from a server that takes its time, and fails: what it takes, and what stands in the cassette."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_mllm_judge.recording.format import from_line
from tests.benchmarks.replay import made
from tests.benchmarks.replay.bodies import Request, opened, requests_of
from tests.benchmarks.replay.cells import asked
from tests.benchmarks.replay.server import served, tally_of

Told = dict[str, Any]
TIMEOUT = 2.0
"""Seconds that the judge waits for an answer."""


def record(folder: str, seconds: float, concurrency: int, faulty: bool) -> Told:
    """Record a benchmark, then replay it. It is loaded before the clock starts; parts of the SDK are not."""
    place = Path(folder)
    with served(seconds, faulty=faulty) as url:
        made.write_settings(place, url=url, timeout=TIMEOUT)
        session, run = opened(place, mode="new_episodes", concurrency=concurrency)
        start = time.perf_counter()
        spent = time.process_time()
        run.expect(run.items)
        judgements = [run.ask(item) for item in run.items]
        session.close()
        told = {"seconds": time.perf_counter() - start, "processor": time.process_time() - spent}
        tally = tally_of(url)
    problems = [judgement for judgement in judgements if judgement.problem is not None]
    return {
        **told,
        "server": tally,
        "problems": len(problems),
        "reason": problems[0].reason if problems else "",
        **in_cassette(place),
    }


def in_cassette(place: Path) -> Told:
    """How many exchanges and questions it holds, and how many items replay right from it."""
    session, run = opened(place)
    lines = run.benchmark.cassette(made.JUDGE).read_bytes().splitlines()
    right = sum(run.ask(item).verdict == made.verdict(made.number_of(item.id)) for item in run.items)
    if right == len(run.items):
        asked(run, run.items)()
    session.close()
    questions = {from_line(line).question for line in lines}
    return {"exchanges": len(lines), "questions": len(questions), "right": right, "items": len(run.items)}


def bare(folder: str, seconds: float, concurrency: int) -> Told:
    """The same requests over plain sockets, that the server is seen not to be what one waits for."""
    place = Path(folder)
    with served(seconds) as url:
        requests = requests_of(place, len((place / "bench" / "items.jsonl").read_bytes().splitlines()))
        start = time.perf_counter()
        asyncio.run(_all(url, iter(requests), concurrency))
        wall = time.perf_counter() - start
        return {"seconds": wall, "server": tally_of(url)}


async def _all(url: str, requests: Iterator[Request], concurrency: int) -> None:
    await asyncio.gather(*(_some(url, requests) for _ in range(concurrency)))


async def _some(url: str, requests: Iterator[Request]) -> None:
    """Send whatever request is next over one connection, until there is none."""
    host, port = urlsplit(url).hostname, urlsplit(url).port
    reader, writer = await asyncio.open_connection(host, port)
    for request in requests:
        body = json.dumps({"model": request["model"], "messages": request["messages"]}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(answer.partition(b"content-length: ")[2].partition(b"\r")[0]))
    writer.close()
    await writer.wait_closed()
