"""The replay benchmark still runs, and its tables have what docs/recording.md promises of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.replay import cells, made, table
from tests.benchmarks.replay.bench import Bench, Scale
from tests.benchmarks.replay.bodies import opened
from tests.benchmarks.replay.fresh import here
from tests.benchmarks.replay.run import BEGIN, END, PAGE, report
from tests.benchmarks.replay.server import FAULTS, fate

TINY = Scale(
    numbers=(20,),
    sizes=(2_000,),
    calls=19,
    peers=(20,),
    weighed=20,
    loaded=20,
    rounds=1,
    recorded=40,
    seconds=0.01,
    compared=5,
)
REQUESTS = 20_000


def rows(lines: list[str]) -> list[str]:
    """The first cells of all tables."""
    return [line.split("|")[1].strip() for line in lines if line.startswith("| ")]


def test_every_figure_and_every_cassette_has_its_row(tmp_path: Path) -> None:
    lines = list(report(Bench(tmp_path, TINY, here), peers=["vcrpy"]))
    assert rows(lines) == [
        "figure",
        "wire path per call, 2 KB, N = 20",
        "wire path, slowest N beside the quickest, 2 KB",
        "fast path, item to verdict, warm file digests, 2 KB, N = 20",
        "the same with cold digests: each call reads its picture's file",
        "cassette bytes per call beyond the reply's own text, a picture of 2 KB",
        "and for each further picture, of 3",
        "load of 20 exchanges until the first replay",
        "peak memory above 20 plain cases, 20 exchanges, fast path, no gates",
        "recording 40 calls, 2 KB, 10 ms each, concurrency 32",
        "the same with 5% 429 (Retry-After: 1), 3% 500, 2% cut replies, 1% time-outs",
        "N",
        "20",
        "cassette",
        "vcrpy, JSON, matched on the body",
        "ours, wire path",
        "ours, fast path",
    ]
    recorded = [line for line in lines if "40 exchanges of 40 questions, 40 replay right" in line]
    assert len(recorded) == 2
    assert all("0 answered twice" in line and "problems" not in line for line in recorded)


def test_a_made_cassette_that_recording_would_not_write_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = made.reply_body
    monkeypatch.setattr(made, "reply_body", lambda number: answers(number).replace(b"-2024-", b"-2025-"))
    with pytest.raises(SystemExit, match="a recorded cassette is not the made one"):
        Bench(tmp_path, TINY, here).compare()


def test_a_verdict_that_is_not_the_recorded_one_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, run = opened(Bench(tmp_path, TINY, here).made(3, 2_000))
    verdicts = made.verdict
    monkeypatch.setattr(made, "verdict", lambda number: verdicts(number + 1))
    with pytest.raises(SystemExit, match="score-000000: the verdict is 1, not 2"):
        cells.asked(run, run.items)()
    session.close()


def test_the_server_fails_as_often_as_it_says() -> None:
    fates = [fate(number, 0, faulty=True) for number in range(REQUESTS)]
    for what, share in FAULTS.items():
        assert fates.count(what) / REQUESTS == pytest.approx(share, rel=0.15)
    assert {fate(number, 0, faulty=False) for number in range(REQUESTS)} == {"ok"}


def test_a_lost_question_is_not_called_whole() -> None:
    sound = {"items": 3, "exchanges": 3, "questions": 3, "right": 3, "problems": 0}
    told = {**sound, "server": {"answered": 3, "twice": 0}}
    assert table.whole(told)
    for fault in ({"exchanges": 4}, {"questions": 2}, {"right": 2}, {"problems": 1}):
        assert not table.whole({**told, **fault})
    assert not table.whole({**sound, "server": {"answered": 3, "twice": 1}})


def test_the_page_has_a_place_for_the_tables() -> None:
    assert BEGIN in PAGE.read_text(encoding="utf-8").partition(END)[0]
