"""What is asked again and what is not, how long that takes, and what ends the asking."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.errors import JudgeError
from pytest_mllm_judge.model import Reply
from pytest_mllm_judge.runs.patience import TRIES, patiently
from pytest_mllm_judge.runs.run import Run

from .crowd import JUDGE, Act, Crowd, names, serving, session, write_bench

FIRST = names(1)[0]


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with serving() as made:
        yield made


@pytest.fixture
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for but what the server asks for."""
    monkeypatch.setattr("pytest_mllm_judge.runs.patience._BACK_OFF", lambda state: 0.0)


def cassette_of(run: Run) -> Path:
    assert run.recorder is not None
    return run.recorder.path


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize(
    "fault",
    [
        Act(status=408),
        Act(status=409),
        Act(status=429),
        Act(status=500),
        Act(status=503),
        Act(status=529),
        Act(cut=True),
        Act(gone=True),
        Act(silent=True),
        Act(body=b"<html>busy</html>"),
        Act(body=b'{"choices": []}'),
        Act(body=b'{"error": {"message": "overloaded"}}'),
        Act(body=b'{"id": "c", "choices": [{"mess'),
    ],
    ids=str,
)
def test_what_may_pass_is_asked_again_and_never_stands_in_the_cassette(
    crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Act
) -> None:
    crowd.behave = lambda item, time: fault if (item, time) in ((FIRST, 1), (FIRST, 2)) else Act()
    asking = session(tmp_path, crowd, judge={"timeout": 0.3})
    run = asking.run(JUDGE, write_bench(tmp_path, 3))
    assert [judgement.verdict for judgement in run.judgements()] == ["A"] * 3
    asking.close()
    assert crowd.asked == {item: 1 + 2 * (item == FIRST) for item in names(3)}
    lines = cassette_of(run).read_bytes().splitlines()
    assert [json.loads(line)["reply"] for line in lines] == ["[[A]]"] * 3
    assert not any(word in cassette_of(run).read_bytes() for word in (b"said", b"busy", b"overloaded"))

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a replay slept")

    crowd.arrivals.clear()
    replaying = session(tmp_path, crowd, mode="none", replay="wire", tables=asking.tables)
    with monkeypatch.context() as patch:
        patch.setattr(time, "sleep", refuse)
        patch.setattr(asyncio, "sleep", refuse)
        replayed = replaying.run(JUDGE, tmp_path).judgements()
    replaying.close()
    assert [judgement.verdict for judgement in replayed] == ["A"] * 3
    assert crowd.order == []


@pytest.mark.usefixtures("no_waits")
@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_what_will_not_pass_is_asked_once(crowd: Crowd, tmp_path: Path, status: int) -> None:
    crowd.behave = lambda item, time: Act(status=status) if item == FIRST else Act()
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, write_bench(tmp_path, 2))
    refused, fine = run.judgements()
    asking.close()
    assert crowd.asked == dict.fromkeys(names(2), 1)
    assert fine.verdict == "A"
    assert (refused.problem, refused.reason) == (
        "error",
        f"judge '{JUDGE}', item '{FIRST}': 127.0.0.1 answered HTTP {status}: said {status}",
    )


@pytest.mark.usefixtures("no_waits")
def test_a_question_that_never_gets_through_is_asked_eight_times_and_the_last_failure_told(
    crowd: Crowd, tmp_path: Path
) -> None:
    crowd.behave = lambda item, time: Act(status=503) if item == FIRST else Act()
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, write_bench(tmp_path, 2))
    lost, fine = run.judgements()
    asking.close()
    assert TRIES == 8
    assert crowd.asked == {FIRST: 8, names(2)[1]: 1}
    assert fine.verdict == "A"
    assert lost.reason == f"judge '{JUDGE}', item '{FIRST}': 127.0.0.1 answered HTTP 503: said 503"


def test_a_wait_is_as_long_as_the_server_asks(crowd: Crowd, tmp_path: Path) -> None:
    busy = Act(status=429, headers={"retry-after": "1"})
    crowd.behave = lambda item, time: busy if time == 1 else Act()
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, write_bench(tmp_path, 1))
    assert run.ask(run.items[0]).verdict == "A"
    asking.close()
    first, second = crowd.times_of(FIRST)
    assert second - first >= 1.0


def test_a_wait_past_the_time_limit_is_not_begun(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(status=429, headers={"retry-after": "3600"})
    asking = session(tmp_path, crowd, judge={"time_limit": 60})
    run = asking.run(JUDGE, write_bench(tmp_path, 1))
    start = time.monotonic()
    judgement = run.ask(run.items[0])
    assert time.monotonic() - start < 10
    asking.close()
    assert crowd.order == [FIRST]
    assert judgement.reason == f"judge '{JUDGE}', item '{FIRST}': 127.0.0.1 answered HTTP 429: said 429"


@pytest.mark.parametrize("asked", ["nan", "inf", "-5", "soon", "1e400"])
def test_a_wait_that_makes_no_sense_ends_nothing_but_its_question(
    crowd: Crowd, tmp_path: Path, asked: str
) -> None:
    busy = Act(status=429, headers={"retry-after": asked})
    crowd.behave = lambda item, time: busy if (item, time) == (FIRST, 1) else Act()
    asking = session(tmp_path, crowd, judge={"time_limit": 30})
    run = asking.run(JUDGE, write_bench(tmp_path, 2))
    first, second = run.judgements()
    asking.close()
    assert second.verdict == "A"
    endless = asked in ("inf", "1e400")
    assert (first.problem, crowd.asked[FIRST]) == (("error", 1) if endless else (None, 2))


def test_a_server_that_never_answers_is_given_up_after_the_time_limit(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(silent=True)
    asking = session(tmp_path, crowd, judge={"time_limit": 0.5})
    run = asking.run(JUDGE, write_bench(tmp_path, 1))
    start = time.monotonic()
    judgement = run.ask(run.items[0])
    assert 0.5 <= time.monotonic() - start < 10
    asking.close()
    assert judgement.reason == f"judge '{JUDGE}', item '{FIRST}': no reply within 0.5 s, retries included"
    crowd.wait_until(lambda: crowd.now == 0)


def test_the_waits_double_up_to_half_a_minute_and_are_drawn_below_that() -> None:
    from tenacity import RetryCallState  # here, beside the one test that looks inside

    from pytest_mllm_judge.runs.patience import _BACK_OFF, _wait

    def waits(tries: int, asked: float | None = None) -> list[float]:
        state: Any = RetryCallState(None, None, (), {})  # type: ignore[arg-type]
        state.attempt_number = tries
        error = JudgeError("busy", passing=True, retry_after=asked)
        state.set_exception((JudgeError, error, None))
        return [_wait(state) for _ in range(300)]

    assert _BACK_OFF is not None
    for tries, most in ((1, 0.5), (2, 1.0), (3, 2.0), (7, 30.0)):
        drawn = waits(tries)
        assert 0 <= min(drawn) < most / 4
        assert most * 3 / 4 < max(drawn) <= most
    assert min(waits(1, asked=2.5)) == 2.5


def test_only_failures_that_may_pass_are_tried_again() -> None:
    tried: list[int] = []

    async def fail() -> Reply:
        tried.append(1)
        raise JudgeError("no")

    with pytest.raises(JudgeError, match="no"):
        asyncio.run(patiently(fail, limit=5, who="x"))
    assert len(tried) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_ends_the_asking(crowd: Crowd, tmp_path: Path, status: int) -> None:
    crowd.behave = lambda item, time: Act(status=status)
    asking = session(tmp_path, crowd, concurrency=2)
    run = asking.run(JUDGE, write_bench(tmp_path, 20))
    judgements = run.judgements()
    asking.close()
    assert {judgement.problem for judgement in judgements} == {"error"}
    assert all(f"HTTP {status}" in str(judgement.reason) for judgement in judgements)
    assert len(crowd.arrivals) <= 2


@pytest.mark.usefixtures("no_waits")
def test_five_questions_in_a_row_without_a_reply_end_the_asking(
    crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_mllm_judge.runs.patience.TRIES", 2)
    crowd.behave = lambda item, time: Act(status=503)
    asking = session(tmp_path, crowd, concurrency=1)
    run = asking.run(JUDGE, write_bench(tmp_path, 20))
    judgements = list(run.judgements())
    asking.close()
    assert crowd.asked == dict.fromkeys(names(5), 2)
    assert [judgement.problem for judgement in judgements] == ["error"] * 5 + ["not_asked"] * 15
    assert judgements[5].reason == (
        "not asked: 5 questions in a row got no reply, the last one: "
        f"judge '{JUDGE}', item 'pair-004': 127.0.0.1 answered HTTP 503: said 503"
    )


@pytest.mark.usefixtures("no_waits")
def test_one_answer_in_between_begins_the_count_anew(
    crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_mllm_judge.runs.patience.TRIES", 1)
    fine = {names(5)[4], names(10)[9], names(15)[14]}
    crowd.behave = lambda item, time: Act() if item in fine else Act(status=503)
    asking = session(tmp_path, crowd, concurrency=1)
    run = asking.run(JUDGE, write_bench(tmp_path, 17))
    judgements = list(run.judgements())
    asking.close()
    assert crowd.asked == dict.fromkeys(names(17), 1)
    assert {judgement.item.id for judgement in judgements if judgement.verdict} == fine
    assert not any(judgement.problem == "not_asked" for judgement in judgements)


@pytest.mark.usefixtures("no_waits")
def test_items_that_a_judge_refuses_do_not_count_as_a_dead_server(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(status=400)
    asking = session(tmp_path, crowd, concurrency=1)
    run = asking.run(JUDGE, write_bench(tmp_path, 12))
    assert [judgement.problem for judgement in run.judgements()] == ["error"] * 12
    asking.close()
    assert crowd.asked == dict.fromkeys(names(12), 1)


@pytest.mark.usefixtures("no_waits")
def test_a_refused_item_is_an_answer_of_a_server_that_lives(
    crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_mllm_judge.runs.patience.TRIES", 1)
    crowd.behave = lambda item, time: Act(status=503 if int(item[-3:]) % 4 == 3 else 400)
    asking = session(tmp_path, crowd, concurrency=1)
    run = asking.run(JUDGE, write_bench(tmp_path, 24))
    assert [judgement.problem for judgement in run.judgements()] == ["error"] * 24
    asking.close()


def test_a_faulty_server_is_survived_and_each_question_kept_once(
    crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_mllm_judge.runs.patience._BACK_OFF", lambda state: 0.01)
    faults = [Act(status=429), Act(status=500), Act(cut=True), Act(gone=True), Act(silent=True), Act()]

    def behave(item: str, time: int) -> Act:
        return faults[(int(item[-3:]) * 7) % len(faults)] if time == 1 else Act()

    crowd.behave = behave
    asking = session(tmp_path, crowd, judge={"timeout": 0.5}, concurrency=16)
    run = asking.run(JUDGE, write_bench(tmp_path, 120))
    assert [judgement.verdict for judgement in run.judgements()] == ["A"] * 120
    asking.close()
    answered = sorted(crowd.answered)
    assert sorted(set(answered)) == names(120)
    assert [json.loads(line)["item"] for line in cassette_of(run).read_bytes().splitlines()] == names(120)
    assert max(crowd.asked.values()) == 2
