"""Recording under pytest: many processes, -x, Ctrl-C, a killed worker, the budget, disks, the live line."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Iterator

import pytest

from tests.runs.crowd import (
    JUDGE,
    LONG,
    PRICES,
    Act,
    Crowd,
    files_beside,
    name,
    names,
    serving,
    session,
    table,
)

from .recording_project import ANSI, Recording, ended, summary

SPREADS = pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["plain", "n2"])
LISTED = "cancelled in flight, to be asked by the next run: "


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with serving() as made:
        yield made


@pytest.fixture
def project(crowd: Crowd, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("PY_COLORS", "0")
    return Recording(pytester, crowd)


def ask_the_rest(project: Recording, count: int) -> None:
    """What the next run does: it asks what is missing."""
    project.crowd.behave = lambda item, time: Act()
    rest = session(project.root, project.crowd)
    assert len(rest.run(JUDGE, project.root / "bench").judgements()) == count
    rest.close()
    assert project.recorded() == names(count)


GATED = '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.3\n[probes]\nrepeat = 2\n'


def test_four_workers_ask_each_question_once_and_tell_what_one_process_tells(project: Recording) -> None:
    def behave(item: str, time: int) -> Act:
        return Act(says="[[B]]" if item == name(3) else "[[A]]", delay=0.02)

    project.crowd.behave = behave
    project.write(16, top=GATED, tables={JUDGE: table(project.crowd, seed=1)})
    told = []
    for args, record in (((), "new_episodes"), (("-n", "4", "--color=yes"), "all")):
        project.crowd.arrivals.clear()
        status, out = project.run(*args, record=record)
        assert (status, project.crowd.asked) == (0, dict.fromkeys(names(16), 2)), out
        assert files_beside(project.cassette()) == [f"{JUDGE}.jsonl", f"{JUDGE}.jsonl.times"]
        assert "asking:" not in out  # the live line is for terminals
        told.append((summary(out), project.cassette().read_bytes()))
    assert "asked: 32 replies recorded" in told[0][0]
    assert told[1] == told[0]


def test_workers_whose_tests_come_by_file_ask_each_question_once(project: Recording) -> None:
    project.crowd.behave = lambda item, time: Act(delay=0.01)
    project.write(16)
    for module in ("one", "two"):
        (project.root / f"test_{module}.py").write_text(OWN_TESTS)
    status, out = project.run("-n", "2", "--dist", "loadfile")
    assert (status, project.crowd.asked) == (0, dict.fromkeys(names(16), 1)), out
    assert "48 passed" in out
    assert project.recorded() == names(16)


OWN_TESTS = """
import pytest
pytestmark = pytest.mark.judge_benchmark("bench")
def test_it(judgement):
    assert judgement.verdict == "A"
"""
WITH_PID = """
import os
def pytest_configure():
    os.environ["ASKED_BY"] = f"worker-{os.getpid()}"
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_another_worker_takes_over_when_the_one_that_asks_is_killed(project: Recording) -> None:
    crowd = project.crowd
    crowd.behave = lambda item, time: Act(delay=0.05)
    project.write(40, tables={JUDGE: table(crowd, headers={"x-by": "env:ASKED_BY"})})
    (project.root / "conftest.py").write_text(WITH_PID)
    process = project.start("-n", "2", "--judge-concurrency=4")
    crowd.wait_until(lambda: len(crowd.arrivals) >= 14)
    os.kill(asked_by(crowd)[-1], signal.SIGKILL)
    status, out = ended(process)
    assert status == 1
    assert len(re.findall(r"^FAILED", out, re.MULTILINE)) == 1, out
    assert "crashed while running" in out
    assert len(set(asked_by(crowd))) >= 2
    assert sorted(crowd.asked) == names(40)
    assert max(crowd.asked.values()) <= 2
    assert len(crowd.arrivals) <= 40 + 4
    assert project.recorded() == names(40)
    assert files_beside(project.cassette()) == [f"{JUDGE}.jsonl", f"{JUDGE}.jsonl.times"]


def asked_by(crowd: Crowd) -> list[int]:
    found = [re.search(rb"x-by: worker-(\d+)", arrival.head) for arrival in list(crowd.arrivals)]
    return [int(each[1]) for each in found if each is not None]


@SPREADS
def test_the_first_failure_ends_the_asking_and_nothing_answered_is_lost(
    project: Recording, spread: tuple[str, ...]
) -> None:
    crowd = project.crowd
    wrong, hanging = name(2), (name(5), name(6))

    def behave(item: str, time: int) -> Act:
        if item == wrong:
            crowd.wait_until(lambda: len(crowd.arrivals) >= 8)
            return Act(says="[[B]]")
        return Act(silent=item in hanging, delay=0.01)

    crowd.behave = lambda item, time: Act(says="[[B]]", delay=0.5) if item == wrong else behave(item, time)
    project.write(30, must=True)
    status, out = project.run("-x", *spread)
    assert status == 1
    assert f"anchor: {wrong} may not be got wrong, but the judge chose B, expected A" in out
    assert LISTED + ", ".join(hanging) in out
    answered = sorted(set(crowd.answered))
    assert project.recorded() == answered
    assert not set(hanging) & set(answered)
    before = crowd.asked
    ask_the_rest(project, 30)
    for item in names(30):
        assert crowd.asked[item] == before[item] + (item not in answered), item


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups to interrupt")
@SPREADS
def test_ctrl_c_ends_the_asking_at_once_and_nothing_answered_is_lost(
    project: Recording, spread: tuple[str, ...]
) -> None:
    crowd = project.crowd
    crowd.behave = lambda item, time: Act(silent=int(item[-3:]) >= 12)
    project.write(30)
    log = project.root / "log"
    with log.open("w") as file:
        process = project.start("--judge-concurrency=3", *spread, stdout=file)
    crowd.wait_until(lambda: crowd.now == 3 and len(crowd.arrivals) == 15)
    end = time.monotonic() + LONG
    while "..." not in log.read_text() and time.monotonic() < end:  # all is imported, cases are green
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    start = time.monotonic()
    crowd.wait_until(lambda: crowd.now == 0)
    assert time.monotonic() - start < 8
    status, out = process.wait(LONG), log.read_text()
    assert status == 2
    assert LISTED + ", ".join(names(15)[12:]) in out, out
    assert len(crowd.arrivals) == 15
    assert project.recorded() == names(12)
    assert files_beside(project.cassette()) == [f"{JUDGE}.jsonl", f"{JUDGE}.jsonl.times"]
    ask_the_rest(project, 30)
    assert crowd.asked == {item: 2 if item in names(15)[12:] else 1 for item in names(30)}


@SPREADS
def test_a_refused_key_ends_the_asking_of_all_workers(project: Recording, spread: tuple[str, ...]) -> None:
    project.crowd.behave = lambda item, time: Act(status=401)
    project.write(20)
    status, out = project.run("--judge-concurrency=2", *spread)
    assert status == 1
    assert "127.0.0.1 answered HTTP 401: said 401" in out
    assert "20 failed" in out
    assert len(project.crowd.arrivals) <= 2


@SPREADS
def test_the_budget_holds_over_judges_and_workers(project: Recording, spread: tuple[str, ...]) -> None:
    crowd = project.crowd
    crowd.behave = lambda item, time: Act(delay=0.02)
    project.write(20, tables={model: table(crowd, model=model, prices=PRICES) for model in ("one", "two")})
    args = ("--judge=one", "--judge=two", "--judge-max-cost=10", "--judge-concurrency=2")
    status, out = project.run(*args, *spread)
    spent = len(crowd.arrivals)
    assert 10 <= spent < 10 + 4
    assert status == 1
    assert f"{40 - spent} failed, {spent} passed" in out
    assert re.search(r"not asked: 1\d\.0000 of --judge-max-cost=10 is spent", out)
    assert "one, two (record=new_episodes, concurrency=2, max_cost=10.0, undecided=fail)" in out
    assert len(project.recorded("one")) + len(project.recorded("two")) == spent


def test_the_questions_of_a_gate_are_asked_at_once(project: Recording) -> None:
    crowd = project.crowd
    project.write(10, top=GATED, tables={JUDGE: table(crowd, seed=1)})

    def behave(item: str, time: int) -> Act:
        if len(crowd.arrivals) == 20:
            crowd.let_go()
        return Act(held=True)

    crowd.behave = behave
    status, out = project.run("-k", "agrees", "--judge-concurrency=20")
    assert (status, crowd.most) == (0, 20), out


OWN_CLIENT = """
import pytest
pytestmark = pytest.mark.judge_benchmark("bench")
@pytest.fixture(scope="session")
def judge_client(judge_client):
    return judge_client.with_options(default_headers={"x-mine": "yes"})
def test_it(judgement):
    assert judgement.verdict == "A"
"""


@SPREADS
def test_a_client_of_ones_own_is_asked_through_alone(project: Recording, spread: tuple[str, ...]) -> None:
    crowd = project.crowd
    crowd.behave = lambda item, time: Act(delay=0.02)
    project.write(12)
    (project.root / "test_own.py").write_text(OWN_CLIENT)
    status, out = project.run("test_own.py", *spread)
    assert status == 0, out
    assert crowd.asked == dict.fromkeys(names(12), 1)
    assert [arrival.item for arrival in crowd.arrivals if b"x-mine: yes" not in arrival.head] == []
    assert project.recorded() == names(12)


WRONG = [
    ("concurrency", "0", "it takes a whole number from 1"),
    ("concurrency", "-3", "it takes a whole number from 1"),
    ("concurrency", "2.5", "it takes a whole number from 1"),
    ("concurrency", "x", "it takes a whole number from 1"),
    ("max-cost", "0", "it takes a number above 0"),
    ("max-cost", "-1", "it takes a number above 0"),
    ("max-cost", "nan", "it takes a number above 0"),
    ("max-cost", "inf", "it takes a number above 0"),
    ("max-cost", "x", "it takes a number above 0"),
]


@pytest.mark.parametrize("way", ["flag", "ini"])
@pytest.mark.parametrize(("option", "value", "why"), WRONG)
def test_a_setting_that_makes_no_sense_is_a_usage_error(
    pytester: pytest.Pytester, way: str, option: str, value: str, why: str
) -> None:
    flag, key = f"--judge-{option}", f"judge_{option}".replace("-", "_")
    if way == "ini":
        pytester.makeini(f"[pytest]\n{key} = {value}\n")
    result = pytester.runpytest_inprocess(*([f"{flag}={value}"] if way == "flag" else []))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {flag} is '{value}'; {why}"])


@pytest.mark.parametrize("way", ["flag", "ini"])
def test_an_unknown_way_of_replaying_is_a_usage_error(pytester: pytest.Pytester, way: str) -> None:
    if way == "ini":
        pytester.makeini("[pytest]\njudge_replay = foo\n")
    result = pytester.runpytest_inprocess(*(["--judge-replay=foo"] if way == "flag" else []))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --judge-replay is 'foo'; choose one of: fast, wire"])


def test_the_ini_file_says_how_to_ask_and_the_header_tells_it_while_recording(project: Recording) -> None:
    ini = 'judge_concurrency = "3"\njudge_max_cost = "7.5"\njudge_replay = "wire"\n'
    project.write(5, ini=ini, tables={JUDGE: table(project.crowd, prices=PRICES)})
    project.crowd.behave = lambda item, time: Act(delay=0.05)
    said = f"mllm-judge: {JUDGE} (record="
    status, out = project.run()
    assert (status, project.crowd.most) == (0, 3)
    assert f"{said}new_episodes, concurrency=3, max_cost=7.5, replay=wire, undecided=fail)" in out
    status, out = project.run(record="none")
    assert (status, len(project.crowd.arrivals)) == (0, 5)
    assert f"{said}none, replay=wire, undecided=fail)" in out


def test_a_budget_for_a_judge_without_prices_is_a_usage_error(project: Recording) -> None:
    project.write(2)
    status, out = project.run("--judge-max-cost=1")
    assert status == 4
    assert f"[tool.pytest-mllm-judge.judges.{JUDGE}] has no prices, so --judge-max-cost can't be kept" in out
    assert project.crowd.order == []


LIVE = re.compile(r"\x1b7 (asking: \d+ recorded, \d+ in flight, \d+ to go)\x1b\[K\x1b8")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pty")
def test_a_live_line_is_shown_on_a_terminal_and_taken_back(project: Recording) -> None:
    project.crowd.behave = lambda item, time: Act(delay=0.5 if item == name(4) else 0)
    project.write(6)
    written = on_a_terminal(project)
    assert LIVE.search(written), written
    last = [*LIVE.finditer(written)][-1]
    assert written[last.end() :].startswith("\x1b[K")
    plain = ANSI.sub("", LIVE.sub("", written))
    assert "asking:" not in plain
    (line,) = (each for each in plain.splitlines() if each.startswith("bench/benchmark.toml "))
    assert line == "bench/benchmark.toml ......".ljust(93) + "[100%]"


def color_by_terminal() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("PY_COLORS", "NO_COLOR")}


def on_a_terminal(project: Recording) -> str:
    """All that a run writes to a terminal of 100 columns."""
    import pty  # here, since Windows has none

    mine, theirs = pty.openpty()
    process = project.start(
        stdout=theirs, stderr=theirs, env={**color_by_terminal(), "COLUMNS": "100", "TERM": "xterm"}
    )
    os.close(theirs)
    written = b""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            piece = os.read(mine, 4096)
        except OSError:  # how Linux tells that nobody writes any more
            break
        if not piece:
            break
        written += piece
    os.close(mine)
    process.wait(LONG)
    return written.decode().replace("\r\n", "\n")


def test_a_file_where_the_cassettes_folder_should_be_is_told_before_the_first_question(
    project: Recording,
) -> None:
    project.write(3)
    (project.root / "bench" / "cassettes").write_text("not a folder")
    status, out = project.run()
    assert (status, project.crowd.order) == (1, []), out
    file = project.cassette().with_name(f"{JUDGE}.jsonl.journal")
    assert (
        f"{file}: can't be read (Not a directory)\n  See that it is a file, and that you may read it.\n"
        in out
    )
    assert (project.root / "bench" / "cassettes").read_text() == "not a folder"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right of their own on Windows")
@pytest.mark.parametrize("linked", ["folder", "cassette"])
def test_a_link_out_of_the_benchmark_is_refused_before_the_first_question(
    project: Recording, linked: str
) -> None:
    project.write(3)
    outside = project.root / "outside"
    outside.mkdir()
    folder = project.cassette().parent
    if linked == "folder":
        folder.symlink_to(outside, target_is_directory=True)
    else:
        folder.mkdir()
        project.cassette().symlink_to(outside / "elsewhere.jsonl")
    status, out = project.run()
    assert status != 0
    assert project.crowd.order == []
    assert "a link leads to" in out
    assert "Record into a folder of the benchmark's own, or replay only, with --judge-record=none." in out
    assert list(outside.iterdir()) == []


FULL = """
import resource, signal
def pytest_configure():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1200, 1200))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_full_disk_ends_the_asking_and_keeps_what_was_written(project: Recording) -> None:
    project.crowd.behave = lambda item, time: Act(delay=0.01)
    project.write(30)
    (project.root / "conftest.py").write_text(FULL)
    status, out = project.run("--judge-concurrency=2", apart=True)
    assert status != 0
    assert "can't be written (File too large)" in out
    assert "Make its folder writable and see that the disk has room" in out
    kept = [path for path in project.cassette().parent.iterdir() if path.suffix in (".jsonl", ".journal")]
    lines = kept[0].read_bytes()
    assert len(kept) == 1
    assert lines.endswith(b"\n")
    written = lines.count(b"\n")
    assert 1 <= written < 10
    assert len(project.crowd.arrivals) <= written + 2
    (project.root / "conftest.py").unlink()
    before = len(project.crowd.arrivals)
    ask_the_rest(project, 30)
    assert len(project.crowd.arrivals) - before == 30 - written
