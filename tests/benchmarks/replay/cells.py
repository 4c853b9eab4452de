"""What is measured of our own cassettes. Each function is one cell, run in a process of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pytest_mllm_judge.model import Item
from pytest_mllm_judge.recording.answers import Answer, pack
from pytest_mllm_judge.recording.facts import exchange_of
from pytest_mllm_judge.recording.format import from_line, to_line
from pytest_mllm_judge.runs.run import Run
from tests.benchmarks.replay import made
from tests.benchmarks.replay.bodies import Floor, opened, spread
from tests.benchmarks.replay.server import served

Told = dict[str, Any]
BLOCK = 25
"""Calls of one kind in a row, before the next kind's turn."""
COLD_ROUNDS = 3


def pictures(folder: str, size: int) -> Told:
    """The pool of pictures; gives the mean of their bytes."""
    made.write_pictures(Path(folder), size)
    sizes = [file.stat().st_size for file in Path(folder).iterdir()]
    return {"mean": sum(sizes) / len(sizes)}


def build(folder: str, number: int, images: int, pool: str, recorded: bool = True) -> Told:
    """A benchmark and, if asked for, its cassette, line by line as recording would write it."""
    place = Path(folder)
    bench = made.write_benchmark(place, number, images=images, pictures=Path(pool))
    if recorded:
        session, run = opened(place)
        cassette = run.benchmark.cassette(made.JUDGE)
        cassette.parent.mkdir()
        with cassette.open("wb") as file:
            for item in run.items:
                file.write(_line(run, item) + b"\n")
        session.close()
    return {"bench": str(bench)}


def _line(run: Run, item: Item) -> bytes:
    question = run.judge.question(item)
    answer = Answer(200, "application/json", made.reply_body(made.number_of(item.id)))
    packed = pack(answer, asked=question.model)
    assert packed is not None, item.id
    return to_line(exchange_of(question, packed))


def compare(made_in: str, recorded_in: str) -> Told:
    """Record a benchmark of the same items through a server; whether it has the made cassette's lines."""
    with served() as url:
        made.write_settings(Path(recorded_in), url=url)
        session, run = opened(Path(recorded_in), mode="new_episodes")
        for item in run.items:
            run.ask(item)
        session.close()
    kept = [
        (Path(folder) / "bench" / "cassettes" / f"{made.JUDGE}.jsonl").read_bytes().splitlines()
        for folder in (made_in, recorded_in)
    ]
    return {"same": kept[0][: len(kept[1])] == kept[1], "lines": len(kept[1])}


def processor(call: Callable[[], object], calls: int) -> float:
    """Milliseconds of the processor for each of the calls that `call` makes."""
    start = time.process_time()
    call()
    return (time.process_time() - start) / calls * 1000


def asked(run: Run, items: Sequence[Item]) -> Callable[[], None]:
    """What asks for these items' judgements, and exits if one is not the recorded one."""

    def call() -> None:
        for item in items:
            judgement, right = run.ask(item), made.verdict(made.number_of(item.id))
            if judgement.verdict != right:
                why = f" ({judgement.reason})" if judgement.reason else ""
                raise SystemExit(f"{item.id}: the verdict is {judgement.verdict}, not {right}{why}")

    return call


def replay(folder: str, calls: int) -> Told:
    """Milliseconds per call of the floor and of both paths, by block; with pictures not yet read, by round.

    `making` is the floor where its requests are made as well. Blocks of all kinds take turns on the same
    items. The first call of a session, which loads the cassette, is another item's and is not counted.
    """
    place = Path(folder)
    first, run = opened(place)
    sample = spread(run.items, calls)
    floor = Floor()
    found: dict[str, list[float]] = {"floor": [], "making": [], "wire": [], "fast": []}
    for _ in range(-(-calls // len(sample))):
        runs = {kind: opened(place, first, replay=kind) for kind in ("wire", "fast")}
        for _, warmed in runs.values():
            warmed.ask(run.items[-1])
        for start in range(0, len(sample), BLOCK):
            block = sample[start : start + BLOCK]
            floored = floor.block([run.judge.question(item) for item in block])
            found["floor"].append(processor(floored, len(block)))
            found["making"].append(processor(floor.making(run, block), len(block)))
            for kind, (_, warmed) in runs.items():
                found[kind].append(processor(asked(warmed, block), len(block)))
        for session, _ in runs.values():
            session.close()
    found["cold"] = [_cold(place, first, run.items) for _ in range(COLD_ROUNDS)]
    first.close()
    return {**found, "sampled": len(sample)}


def _cold(place: Path, like: Any, items: Sequence[Item]) -> float:
    """The fast path where every call meets a picture whose digest is not known, as its file has changed."""
    for file in (place / "bench" / "images").iterdir():
        os.utime(file)
    session, run = opened(place, like)
    run.ask(items[-1])
    each_once = list({item.images: item for item in items[:-1] if item.images != items[-1].images}.values())
    spent = processor(asked(run, each_once), len(each_once))
    session.close()
    return spent


def load(folder: str, rounds: int) -> Told:
    """Milliseconds by the clock from making the recorder to the first judgement, of both paths, by round.

    The benchmark is loaded and all modules are imported before: by another round, which is not counted.
    """
    place = Path(folder)
    first, run = opened(place)
    item = run.items[len(run.items) // 2]
    found: dict[str, list[float]] = {"wire": [], "fast": []}
    for turn in range(rounds + 1):
        for kind, times in found.items():
            start = time.perf_counter()
            session, new = opened(place, first, replay=kind)
            asked(new, [item])()
            times.extend([(time.perf_counter() - start) * 1000] if turn else [])
            session.close()
    first.close()
    return dict(found)


def weigh(folder: str) -> Told:
    """The cassette's bytes per call, and those beyond the replies' own text."""
    cassette = Path(folder) / "bench" / "cassettes" / f"{made.JUDGE}.jsonl"
    lines = cassette.read_bytes().splitlines(keepends=True)
    text = sum(len(str(from_line(line.rstrip()).reply["reply"]).encode()) for line in lines)
    whole = cassette.stat().st_size
    return {"bytes": whole / len(lines), "beyond": (whole - text) / len(lines)}
