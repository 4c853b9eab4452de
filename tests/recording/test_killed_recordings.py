"""kill -9 at 200 random moments of a recording: nothing handed on is lost, nothing in peace asked twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked from a warm one")

KILLS = 200
CONCURRENCY = 4

DRIVER = r"""
import json, os, random, select, signal, sys, time, traceback, warnings
from collections import Counter
from pathlib import Path
import pytest_mllm_judge.judging.callable, pytest_mllm_judge.runs.asker  # warm
from pytest_mllm_judge import Session
from pytest_mllm_judge.benchmarks import load

root, kills, concurrency, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
draw = random.Random(seed)
tables = {"own": {"kind": "callable", "function": "own.py:ask"}}
begun, handed = os.pipe(), os.pipe()
os.environ["BEGUN"] = str(begun[1])
warm = Session(root=root, tables=tables).run("own", root)
assert len(warm.benchmark.items)


def record():
    '''The child: one run of the recording, telling what is handed on.'''
    warnings.simplefilter("always")
    warnings.showwarning = lambda message, *rest: os.write(handed[1], f"! {message}\n".encode())
    session = Session(root=root, tables=tables, mode="new_episodes", concurrency=concurrency)
    session.benchmarks[root.resolve()] = warm.benchmark
    run = session.run("own", root)
    run.expect(run.items)
    for item in run.items:
        judgement = run.ask(item)
        assert judgement.reply == f"[[A]] {item.id}", judgement
        os.write(handed[1], f"{item.id}\n".encode())
    session.close()


def drained(pipe):
    '''What stands in a pipe now, as lines.'''
    data = b""
    while select.select([pipe], [], [], 0)[0]:
        data += os.read(pipe, 65536)
    return data.decode().split("\n")[:-1]


def lines_of(file):
    return file.read_bytes().splitlines() if file.exists() else []


def kept():
    '''The items that the files hold in whole lines.'''
    cassette = root / "cassettes" / "own.jsonl"
    journal = cassette.with_name(cassette.name + ".journal")
    data = journal.read_bytes() if journal.exists() else b""
    whole = data[: data.rfind(b"\n") + 1].splitlines()
    return {json.loads(line)["item"] for line in lines_of(cassette)} | {
        json.loads(line.split(b" ", 1)[1])["item"] for line in whole
    }, bool(data) and not data.endswith(b"\n")


def leave_a_cut_line():
    '''What a kill in the middle of a write leaves, too short a moment to be met by chance.'''
    journal = root / "cassettes" / "own.jsonl.journal"
    data = journal.read_bytes() if journal.exists() else b""
    if data.endswith(b"\n"):
        with journal.open("ab") as file:
            file.write(data.splitlines()[-1][: draw.randrange(1, 60)])
    return bool(data)


found = {"killed": 0, "lost": [], "cut": 0, "mended": 0, "most_in_flight": 0, "cycles": []}
asked, in_flight = Counter(), Counter()
while True:
    child = os.fork()
    if child == 0:
        try:
            record()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    if found["killed"] < kills:
        time.sleep(draw.uniform(0, 0.06))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status) and os.waitstatus_to_exitcode(status):
        sys.exit("a child failed")
    begun_now, told = drained(begun[0]), drained(handed[0])
    have, is_cut = kept()
    flying = Counter(begun_now) - Counter(have)
    asked.update(begun_now)
    in_flight.update(flying)
    found["most_in_flight"] = max(found["most_in_flight"], len(flying))
    found["mended"] += sum("the last line is cut" in line for line in told)
    found["lost"] += [line for line in told if line[0] != "!" and line not in have]
    if os.WIFSIGNALED(status):
        found["killed"] += 1
        found["cut"] += is_cut or (draw.random() < 0.15 and leave_a_cut_line())
        continue
    found["cycles"].append([asked, in_flight])
    if found["killed"] >= kills:
        break
    (root / "cassettes" / "own.jsonl").unlink()  # begin anew, so that there is something to kill
    asked, in_flight = Counter(), Counter()
print(json.dumps(found))
"""
JUDGE = """
import asyncio, os, random
async def ask(question):
    os.write(int(os.environ["BEGUN"]), f"{question.item.id}\\n".encode())
    await asyncio.sleep(random.uniform(0, 0.004))
    return f"[[A]] {question.item.id}"
"""
ITEMS = 60


def write_project(root: Path) -> list[str]:
    ids = [f"pair-{number:03}" for number in range(ITEMS)]
    (root / "benchmark.toml").write_text('format = "mllm-judge/1"\nitems = "items.jsonl"\n')
    responses = [{"text": "Red."}, {"text": "Green."}]
    items = [
        {"id": name, "task": "pair", "instruction": f"Which? {name}", "responses": responses, "human": "A"}
        for name in ids
    ]
    (root / "items.jsonl").write_text("\n".join(map(json.dumps, items)))
    (root / "own.py").write_text(JUDGE)
    return ids


def test_kill_9_at_any_moment_loses_nothing_and_asks_again_only_what_was_in_flight(tmp_path: Path) -> None:
    ids = write_project(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path), str(KILLS), str(CONCURRENCY), "20"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["killed"] == KILLS
    assert found["lost"] == []
    assert found["most_in_flight"] <= CONCURRENCY
    assert found["mended"] >= 1
    for asked, in_flight in found["cycles"]:
        assert asked == {name: 1 + in_flight.get(name, 0) for name in ids}
    cassette = tmp_path / "cassettes" / "own.jsonl"
    exchanges = [json.loads(line) for line in cassette.read_bytes().splitlines()]
    assert [(each["item"], each["reply"]) for each in exchanges] == [(name, f"[[A]] {name}") for name in ids]
    assert sorted(path.name for path in cassette.parent.iterdir()) == [
        cassette.name,
        cassette.name + ".times",
    ]
