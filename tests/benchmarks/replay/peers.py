"""What others take for the same requests: vcrpy, pytest-recording and cassetter, as each is meant to be used.

Each public function that gives `Told` is one cell, run in a process of its own. Told are `ms`, the
milliseconds of the processor for a call, `floor`, those of the SDK alone in the same process by block,
`bytes` that a call takes on disk, and `how` calls were timed; and, where fewer calls were played than asked
for, their `number` and the `fault`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx2
import openai

from tests.benchmarks.replay.bodies import (
    Floor,
    Request,
    client_of,
    opened,
    reply_text_kept,
    requests_of,
    send,
)
from tests.benchmarks.replay.cells import BLOCK, processor
from tests.benchmarks.replay.fresh import PROJECT, clean
from tests.benchmarks.replay.server import served

Told = dict[str, Any]
Open = Callable[[], AbstractContextManager[Any]]
EVERY = 100
"""Up to so many calls vcrpy plays them all; of more, those at `PLACES` stand for the rest."""
PLACES = (1 / 6, 1 / 2, 5 / 6)
BODY = ("method", "scheme", "host", "port", "path", "query", "body")
"""vcrpy's own default, and the body."""
BLOCKED = ("cassetter", "randomly", "mllm_judge", "hypothesispytest", "cacheprovider")
ROUNDS = 3
FLOOR = 250
"""Calls of the SDK alone, beside a peer's."""
FEWER = 0.8
"""What cassetter can't load is recorded anew with this share of the calls, until it can."""

CONFTEST = """
import time
from pathlib import Path

import pytest
import pytest_recording._vcr  # what the first marked test would import


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session):
    start = time.process_time()
    done = yield
    Path("spent").write_text(str(time.process_time() - start))
    return done
"""
TESTS = """
from pathlib import Path

import httpx2
import pytest

from tests.benchmarks.replay.bodies import client_of, requests_of, send
from tests.benchmarks.replay.peers import warmed

URL, FOLDER, NUMBER = {url!r}, {folder!r}, {number}
REQUESTS = warmed(requests_of(Path(FOLDER), NUMBER))
CLIENT = client_of(httpx2.HTTPTransport(), URL)


@pytest.mark.vcr
@pytest.mark.parametrize("number", range(NUMBER))
def test_call(number):
    send(CLIENT, REQUESTS[number], number)
"""
EMPTY = """
import pytest


@pytest.mark.parametrize("number", range({number}))
def test_call(number):
    pass
"""


def warmed(requests: Sequence[Request]) -> Sequence[Request]:
    """The requests, with the replies to compare made as well."""
    for number in range(len(requests)):
        reply_text_kept(number)
    return requests


def each(client: openai.OpenAI, requests: Sequence[Request], numbers: Sequence[int]) -> list[float]:
    """Milliseconds of the processor for each of these calls."""
    return [processor(lambda n=number: send(client, requests[n], n), 1) for number in numbers]  # type: ignore[misc]


def floor(folder: str, number: int) -> list[float]:
    """Milliseconds of the processor for a call of the SDK alone, in this process, by block."""
    session, run = opened(Path(folder))
    questions = [run.judge.question(item) for item in run.items[:number]]
    session.close()
    sender, blocks = Floor(), [questions[start : start + BLOCK] for start in range(0, number, BLOCK)]
    return [processor(sender.block(block), len(block)) for block in blocks]


def _play(opening: Open, folder: str, requests: Sequence[Request], url: str, numbers: Sequence[int]) -> Told:
    with client_of(httpx2.HTTPTransport(), url) as client, opening() as cassette:
        if len(numbers) == len(requests):
            spent = statistics.median(each(client, requests, numbers))
        else:
            # It grows with the place, so places that stand for all others give a mean.
            calls = (_played_from(cassette, client, requests, number) for number in numbers)
            spent = statistics.fmean(calls)
    return {"ms": spent, "floor": floor(folder, min(len(requests), FLOOR))}


def _played_from(cassette: Any, client: openai.OpenAI, requests: Sequence[Request], number: int) -> float:
    """One call after those before it, which are marked as played."""
    cassette.play_counts = Counter(dict.fromkeys(range(number), 1))
    return each(client, requests, [number])[0]


def _record(opening: Open, requests: Sequence[Request], url: str) -> None:
    with client_of(httpx2.HTTPTransport(), url) as client, opening():
        for number, request in enumerate(requests):
            send(client, request, number)


def vcrpy(folder: str, number: int) -> Told:
    """One cassette, JSON, matched on the body. Recorded in mode `all` by the default match: quick."""
    import vcr  # type: ignore[import-untyped]

    path, requests = Path(folder) / "vcrpy.json", warmed(requests_of(Path(folder), number))

    def opening(mode: str, match: Sequence[str]) -> Open:
        player = vcr.VCR(serializer="json", record_mode=mode, match_on=match)
        return lambda: player.use_cassette(str(path))

    with served() as url:
        _record(opening("all", BODY[:-1]), requests, url)
        numbers = range(number) if number <= EVERY else [round(place * number) for place in PLACES]
        told = _play(opening("none", BODY), folder, requests, url, numbers)
    places = ", ".join(f"{place:.0%}" for place in PLACES)
    how = "every call" if number <= EVERY else f"mean of the calls at {places} of the cassette: an estimate"
    size = path.stat().st_size / number
    path.unlink()
    return {**told, "bytes": size, "how": how}


def cassetter(folder: str, number: int) -> Told:
    """One YAML cassette, matched on the body too; of fewer calls if it can't load again what it recorded."""
    requests = warmed(requests_of(Path(folder), number))
    told = _cassetter(folder, requests)
    fault = told.get("fault", "")
    while "fault" in told and len(requests) > 1:
        requests = requests[: int(len(requests) * FEWER)]
        told = _cassetter(folder, requests)
    return {**told, "fault": fault}


def _cassetter(folder: str, requests: Sequence[Request]) -> Told:
    cassetter: Any = import_module("cassetter")
    path, number = Path(folder) / "cassetter.yaml", len(requests)

    def opening(mode: str) -> Open:
        return lambda: cassetter.use_cassette(path, record_mode=mode, match_on=["method", "uri", "body"])

    with served() as url:
        _record(opening("all"), requests, url)
        told: Told = {"number": number, "bytes": path.stat().st_size / number, "how": "every call"}
        try:
            told |= _play(opening("none"), folder, requests, url, range(number))
        except cassetter.CassetteLoadError as error:
            told["fault"] = " ".join(str(error).replace(str(path), path.name).partition("{")[0].split())
    path.unlink()
    return told


def recording(folder: str, number: int) -> Told:
    """pytest-recording's defaults, a YAML cassette for each test: a replayed test less an empty one."""
    place = Path(folder) / "recording"
    place.mkdir()
    (place / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (place / "test_empty.py").write_text(EMPTY.format(number=number), encoding="utf-8")
    with served() as url:
        tests = TESTS.format(url=url, folder=folder, number=number)
        (place / "test_calls.py").write_text(tests, encoding="utf-8")
        _pytest(place, "test_calls.py", number, "--record-mode=once")
        rounds = [
            (_pytest(place, "test_calls.py", number) - _pytest(place, "test_empty.py", number)) / number
            for _ in range(ROUNDS)
        ]
    sizes = list(_sizes(place / "cassettes"))
    return {
        "ms": statistics.median(rounds) * 1000,
        "floor": floor(folder, min(number, FLOOR)),
        "bytes": sum(sizes) / number,
        "how": f"median of {ROUNDS} whole runs",
    }


def _sizes(folder: Path) -> Iterator[int]:
    return (file.stat().st_size for file in folder.rglob("*.yaml"))


def _pytest(place: Path, tests: str, number: int, *more: str) -> float:
    """Seconds of the processor that the tests took, without collecting them."""
    command = [sys.executable, "-m", "pytest", "-q", "--rootdir=.", *(f"-pno:{name}" for name in BLOCKED)]
    process = subprocess.run(
        [*command, *more, tests],
        cwd=place,
        env={**clean(), "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if process.returncode or f"{number} passed" not in process.stdout:
        raise SystemExit(f"{tests}: exit status {process.returncode}\n{process.stdout[-3000:]}")
    return float((place / "spent").read_text(encoding="utf-8"))
