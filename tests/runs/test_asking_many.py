"""Many questions at a time: how many, in which order, who waits, what is asked twice, and how it stops."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest

from pytest_mllm_judge import Session
from pytest_mllm_judge.runs.run import Run

from .crowd import (
    JUDGE,
    LONG,
    Act,
    Crowd,
    files_beside,
    items_in,
    names,
    serving,
    session,
    table,
    write_bench,
)


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with serving() as made:
        yield made


@contextmanager
def in_a_thread(work: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Work that goes on beside the test; what is given waits for what it gives."""
    given: Future[Any] = Future()

    def run() -> None:
        try:
            given.set_result(work())
        except BaseException as error:
            given.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    yield lambda: given.result(LONG)


def wait_for(true: Callable[[], bool]) -> None:
    end = time.monotonic() + LONG
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def cassette_of(run: Run) -> Path:
    assert run.recorder is not None
    return run.recorder.path


@pytest.mark.parametrize("most", [1, 3])
def test_so_many_questions_are_asked_at_once_and_no_more(crowd: Crowd, tmp_path: Path, most: int) -> None:
    crowd.behave = lambda item, time: Act(held=True, delay=0.01)
    asking = session(tmp_path, crowd, concurrency=most)
    run = asking.run(JUDGE, write_bench(tmp_path, 10))
    with in_a_thread(run.judgements) as given:
        crowd.wait_until(lambda: crowd.now == most)
        crowd.let_go()
        assert [judgement.verdict for judgement in given()] == ["A"] * 10
    asking.close()
    assert crowd.most == most
    assert set(crowd.asked.values()) == {1}
    assert items_in(cassette_of(run)) == names(10)
    assert files_beside(cassette_of(run)) == [f"{JUDGE}.jsonl", f"{JUDGE}.jsonl.times"]


def test_eight_are_asked_at_once_unless_told_otherwise(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(held=True, delay=0.01)
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, write_bench(tmp_path, 20))
    with in_a_thread(run.judgements) as given:
        crowd.wait_until(lambda: crowd.now == 8)
        crowd.let_go()
        given()
    asking.close()
    assert crowd.most == 8


def test_a_case_waits_for_its_own_reply_only(crowd: Crowd, tmp_path: Path) -> None:
    first, *others = names(8)
    crowd.behave = lambda item, time: Act(held=item != first)
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, write_bench(tmp_path, 8))
    run.expect(run.items)
    assert run.ask(run.items[0]).verdict == "A"
    crowd.wait_until(lambda: crowd.now == len(others))
    assert crowd.answered == [first]
    crowd.let_go()
    asking.close()
    assert items_in(cassette_of(run)) == names(8)


def test_questions_are_asked_in_the_order_in_which_they_are_expected(crowd: Crowd, tmp_path: Path) -> None:
    asking = session(tmp_path, crowd, concurrency=1)
    run = asking.run(JUDGE, write_bench(tmp_path, 9))
    order = [*run.items[4:], *run.items[:4]]
    run.expect(order)
    run.ask(order[0])
    crowd.wait_until(lambda: len(crowd.arrivals) == 9)
    asking.close()
    assert crowd.order == [item.id for item in order]


def test_what_somebody_waits_for_is_asked_before_what_is_only_expected(crowd: Crowd, tmp_path: Path) -> None:
    asking = session(tmp_path, crowd, concurrency=1)
    run = asking.run(JUDGE, write_bench(tmp_path, 9))
    crowd.behave = lambda item, time: Act(held=item == names(9)[0])
    run.expect(run.items)
    with in_a_thread(lambda: run.ask(run.items[8])) as given:
        given()
        crowd.let_go()
    asking.close()
    assert crowd.order[0] == names(9)[8]


def test_every_repeat_is_asked_ahead_and_once(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(held=True)
    asking = session(tmp_path, crowd, judge={"seed": 7})
    run = asking.run(JUDGE, write_bench(tmp_path, 2, top="[probes]\nrepeat = 3\n"))
    with in_a_thread(run.judgements) as given:
        crowd.wait_until(lambda: crowd.now == 6)
        crowd.let_go()
        assert len(given()) == 6
    asking.close()
    seeds = [(arrival.item, arrival.body["seed"]) for arrival in crowd.arrivals]
    assert sorted(seeds) == [(item, seed) for item in names(2) for seed in (7, 8, 9)]
    assert items_in(cassette_of(run)) == [item for item in names(2) for _ in range(3)]


WAITING = """
import asyncio
from pathlib import Path
here = Path(__file__).parent
async def ask(question):
    with (here / "asked").open("a") as file:
        file.write(question.item.id + " ")
    while not (here / "go").exists():
        await asyncio.sleep(0.01)
    return "[[A]]"
"""


def test_threads_that_want_one_reply_ask_once(tmp_path: Path) -> None:
    asking = own(tmp_path, WAITING, concurrency=1)
    run = asking.run(JUDGE, tmp_path)
    assert run.asker is not None
    asker = run.asker
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(run.ask, run.items[0])
        wait_for(lambda: asker.in_flight == 1)
        others = [pool.submit(run.ask, run.items[1]) for _ in range(3)]
        wait_for(lambda: asker.left == 3)
        (tmp_path / "go").touch()
        assert {each.result(LONG).verdict for each in (first, *others)} == {"A"}
    asking.close()
    assert (tmp_path / "asked").read_text().split() == names(2)


COUNTING = """
import asyncio, threading, time
from pathlib import Path
now = most = 0
lock = threading.Lock()
def count(change):
    global now, most
    with lock:
        now += change
        most = max(most, now)
        Path(__file__).with_name("most").write_text(str(most))
"""
PLAIN = """
def ask(question):
    count(1)
    time.sleep(0.05)
    count(-1)
    return "[[A]]"
"""
TOGETHER = """
met = threading.Barrier(4)
def ask(question):
    count(1)
    met.wait(15)
    count(-1)
    return "[[A]]"
"""
ASYNC = """
async def ask(question):
    count(1)
    while most < 4:
        await asyncio.sleep(0.01)
    count(-1)
    return "[[A]]"
"""


def own(root: Path, source: str, **more: Any) -> Session:
    """A session with a judge that is a function."""
    write_bench(root, 8)
    (root / "own.py").write_text(COUNTING + source)
    tables = {JUDGE: {"kind": "callable", "function": "own.py:ask", **more.pop("judge", {})}}
    return Session(root=root, tables=tables, mode="new_episodes", **more)


def most_at_once(root: Path) -> int:
    return int((root / "most").read_text())


def test_a_plain_function_is_called_once_at_a_time(tmp_path: Path) -> None:
    asking = own(tmp_path, PLAIN)
    assert [judgement.verdict for judgement in asking.run(JUDGE, tmp_path).pair] == ["A"] * 8
    asking.close()
    assert most_at_once(tmp_path) == 1


def test_a_concurrent_function_is_called_from_several_threads(tmp_path: Path) -> None:
    asking = own(tmp_path, TOGETHER, judge={"concurrent": True}, concurrency=4)
    assert [judgement.verdict for judgement in asking.run(JUDGE, tmp_path).pair] == ["A"] * 8
    asking.close()
    assert most_at_once(tmp_path) == 4


def test_an_async_function_is_awaited_many_times_at_once(tmp_path: Path) -> None:
    asking = own(tmp_path, ASYNC, concurrency=4)
    assert [judgement.verdict for judgement in asking.run(JUDGE, tmp_path).pair] == ["A"] * 8
    asking.close()
    assert most_at_once(tmp_path) == 4


def test_judges_that_share_a_plain_function_take_turns(tmp_path: Path) -> None:
    write_bench(tmp_path, 8)
    (tmp_path / "own.py").write_text(COUNTING + PLAIN)
    one = {"kind": "callable", "function": "own.py:ask"}
    asking = Session(root=tmp_path, tables={"one": one, "two": one}, mode="new_episodes")
    for run in (asking.run("one", tmp_path), asking.run("two", tmp_path)):
        run.expect(run.items)
        run.ask(run.items[0])
    asking.close()
    assert most_at_once(tmp_path) == 1


SLOW_ONCE = """
calls = 0
def ask(question):
    global calls
    calls += 1
    count(1)
    time.sleep(0.6 if calls == 1 else 0)
    count(-1)
    return "[[A]]"
"""


def test_a_plain_function_that_overran_its_limit_is_not_called_beside_itself(tmp_path: Path) -> None:
    asking = own(tmp_path, SLOW_ONCE, judge={"time_limit": 0.4})
    first, *others = asking.run(JUDGE, tmp_path).judgements()
    asking.close()
    assert first.problem == "error"
    assert first.reason == f"judge '{JUDGE}', item 'pair-000': no reply within 0.4 s, retries included"
    assert [judgement.verdict for judgement in others] == ["A"] * 7
    assert most_at_once(tmp_path) == 1


@pytest.mark.parametrize("kind", ["def", "async def"])
@pytest.mark.parametrize("what", ["SystemExit(3)", "KeyboardInterrupt()", "pytest.skip.Exception('no')"])
def test_a_function_that_would_end_the_process_is_an_error_of_its_question(
    tmp_path: Path, kind: str, what: str
) -> None:
    source = f"import pytest\n{kind} ask(question):\n"
    source += f"    if question.item.id == 'pair-001': raise {what}\n    return '[[A]]'\n"
    asking = own(tmp_path, source)
    run = asking.run(JUDGE, tmp_path)
    with in_a_thread(run.judgements) as given:
        judgements = list(given())
    asking.close()
    assert [judgement.problem for judgement in judgements] == [None, "error", *[None] * 6]
    raised = {"S": "SystemExit: 3", "K": "KeyboardInterrupt: ", "p": "Skipped: no"}[what[0]]
    assert judgements[1].reason == f"judge '{JUDGE}', item 'pair-001': it raised {raised}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices": "abc", "model": "m"}',
        b'{"choices": [1], "model": "m"}',
        b'{"choices": [{"message": "hello"}]}',
        b'{"choices": [{"message": {"content": 7}}], "model": 5}',
        b'{"choices": [{"message": {"content": "[[A]]"}}], "usage": "much"}',
        b'{"choices": [{"message": {"content": "[[A]]"}}], "usage": {"prompt_tokens": "x"}}',
        b'{"choices": {"a": 1}}',
        b"[]",
        b"null",
        b"7",
    ],
)
def test_an_answer_of_a_wrong_shape_is_a_problem_and_nothing_worse(
    crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr("pytest_mllm_judge.runs.patience.TRIES", 2)
    monkeypatch.setattr("pytest_mllm_judge.runs.patience._BACK_OFF", lambda state: 0.0)
    crowd.behave = lambda item, time: Act(body=body) if item == "pair-001" else Act()
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, write_bench(tmp_path, 3))
    judgements = run.judgements()
    asking.close()
    assert [judgements[0].verdict, judgements[2].verdict] == ["A", "A"]
    assert judgements[1].problem in ("error", None)
    assert crowd.asked["pair-001"] <= 2
    again = session(tmp_path, crowd, mode="none").run(JUDGE, tmp_path)
    replayed = again.judgements()
    expected = "not_asked" if judgements[1].problem == "error" else judgements[1].problem
    assert replayed[1].problem == expected


def test_a_run_that_is_over_asks_nothing_and_says_so(crowd: Crowd, tmp_path: Path) -> None:
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, write_bench(tmp_path, 2))
    run.ask(run.items[0])
    asking.close()
    late = run.ask(run.items[1])
    assert (late.problem, late.reason) == ("not_asked", "not asked: the run is over")
    assert crowd.order == ["pair-000"]


def test_a_stopped_run_gives_calls_in_flight_a_moment_and_names_those_it_cancels(
    crowd: Crowd, tmp_path: Path
) -> None:
    slow = ("pair-002", "pair-003")
    crowd.behave = lambda item, time: Act(silent=item in slow, delay=0.3 if item == "pair-001" else 0)
    asking = session(tmp_path, crowd, concurrency=4)
    run = asking.run(JUDGE, write_bench(tmp_path, 30))
    run.expect(run.items[:4])
    run.ask(run.items[0])
    crowd.wait_until(lambda: len(crowd.arrivals) == 4)
    start = time.monotonic()
    asking.close(hurry=lambda: True)
    took = time.monotonic() - start
    assert run.asker is not None
    assert sorted(run.asker.cancelled) == list(slow)
    assert 1.4 < took < 4
    assert items_in(cassette_of(run)) == names(2)
    crowd.wait_until(lambda: crowd.now == 0)
    crowd.behave = lambda item, time: Act()
    again = session(tmp_path, crowd)
    assert len(again.run(JUDGE, tmp_path).judgements()) == 30
    again.close()
    assert crowd.asked == {item: 1 + (item in slow) for item in names(30)}


def test_a_run_that_nobody_stopped_waits_for_every_call_in_flight(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(delay=0 if item == "pair-000" else 1.8)
    asking = session(tmp_path, crowd, concurrency=4)
    run = asking.run(JUDGE, write_bench(tmp_path, 4))
    run.expect(run.items)
    run.ask(run.items[0])
    crowd.wait_until(lambda: len(crowd.arrivals) == 4)
    asking.close()
    assert items_in(cassette_of(run)) == names(4)


def test_stopping_stops_every_judge_at_once(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(silent=item == "pair-001", delay=0.05)
    tables = {"one": table(crowd, model="one"), "two": table(crowd, model="two")}
    asking = session(tmp_path, crowd, tables=tables, concurrency=2)
    write_bench(tmp_path, 200)
    one, two = (asking.run(judge, tmp_path) for judge in tables)
    for run in (one, two):
        run.expect(run.items)
        run.ask(run.items[0])
    start = time.monotonic()
    asking.close(hurry=lambda: True)
    took = time.monotonic() - start
    late = [arrival for arrival in crowd.arrivals if arrival.at > start + 0.5]
    assert not late, [(arrival.item, arrival.body["model"]) for arrival in late]
    assert took < 2.8


STUBBORN = """
async def ask(question):
    while True:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            pass
"""


def test_a_function_that_refuses_to_be_cancelled_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_mllm_judge.runs.asker.GRACE", 0.2)
    asking = own(tmp_path, STUBBORN)
    run = asking.run(JUDGE, tmp_path)
    with in_a_thread(lambda: run.ask(run.items[0])):
        assert run.asker is not None
        asker = run.asker
        wait_for(lambda: asker.in_flight == 1)
        with in_a_thread(lambda: asking.close(hurry=lambda: True)) as closed:
            closed()


def test_a_slow_judge_does_not_hold_up_a_fast_one(crowd: Crowd, tmp_path: Path) -> None:
    tables = {"slow": table(crowd, model="slow"), "fast": table(crowd, model="fast")}
    asking = session(tmp_path, crowd, tables=tables, concurrency=2)
    write_bench(tmp_path, 6)
    crowd.behave = lambda item, time: Act(held=crowd.arrivals[-1].body["model"] == "slow")
    slow, fast = (asking.run(judge, tmp_path) for judge in tables)
    with in_a_thread(slow.judgements) as given:
        crowd.wait_until(lambda: crowd.now == 2)
        assert [judgement.verdict for judgement in fast.judgements()] == ["A"] * 6
        assert [arrival.body["model"] for arrival in crowd.arrivals].count("slow") == 2
        crowd.let_go()
        given()
    asking.close()
    assert items_in(cassette_of(slow)) == items_in(cassette_of(fast)) == names(6)


def test_a_judge_with_a_client_of_ones_own_asks_ahead_through_it(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(held=True)
    asking = session(tmp_path, crowd, concurrency=4)
    run = asking.run(JUDGE, write_bench(tmp_path, 4))
    client: openai.OpenAI = run.judge.client
    mine = asking.with_client(run, client.with_options(default_headers={"x-mine": "yes"}))
    with in_a_thread(mine.judgements) as given:
        crowd.wait_until(lambda: crowd.now == 4)
        crowd.let_go()
        given()
    asking.close()
    assert all(b"x-mine: yes" in arrival.head for arrival in crowd.arrivals)
    assert set(crowd.asked.values()) == {1}
    assert items_in(cassette_of(run)) == names(4)


def test_the_asking_thread_ends_with_the_session(crowd: Crowd, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    asking = session(tmp_path, crowd)
    asking.run(JUDGE, write_bench(tmp_path, 4)).judgements()
    assert any(thread.name == "judges" for thread in set(threading.enumerate()) - before)
    asking.close()
    assert not any(thread.name == "judges" for thread in set(threading.enumerate()) - before)
