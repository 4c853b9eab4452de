"""What becomes of a cassette when something breaks, and when several record into it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.model import Item, Message, Question, Reply, Response, Text
from pytest_mllm_judge.recording import Recorder, merge
from pytest_mllm_judge.recording.format import DIGEST
from pytest_mllm_judge.recording.store import Store

from .loopback import RERECORD, AskedFor, Record, Server


def journal_of(recorder: Recorder) -> Path:
    return recorder.path.with_name(recorder.path.name + ".journal")


def ask(recorder: Recorder, question: Question, text: str = "[[A]]") -> Reply:
    return recorder.exchange(question, lambda: Reply(text=text), over_http=False)


def test_a_reply_is_on_disk_before_it_is_handed_on_and_is_read_without_a_merge(
    question: AskedFor, record: Record
) -> None:
    killed = record("new_episodes")
    ask(killed, question(1))
    assert not killed.path.exists()
    assert record("none").has(question(1))
    with record("new_episodes") as next_run:
        ask(next_run, question(2))
    assert [path.name for path in next_run.path.parent.iterdir()] == ["shapes-old.jsonl"]
    assert len(next_run.path.read_bytes().splitlines()) == 2


def test_a_cut_last_line_of_the_journal_is_dropped_with_a_warning(question: AskedFor, record: Record) -> None:
    killed = record("new_episodes")
    for number in (1, 2):
        ask(killed, question(number))
    journal = journal_of(killed)
    journal.write_bytes(journal.read_bytes()[:-20])
    cut = journal.read_bytes()
    said = (
        f"{journal}: the last line is cut, as a killed run leaves it; it was dropped, "
        "and its question counts as not asked"
    )

    player = record("none")
    with pytest.warns(UserWarning, match="is cut") as caught:
        assert player.has(question(1))
    assert [str(warning.message) for warning in caught] == [said]
    assert not player.has(question(2))
    assert journal.read_bytes() == cut

    mended = record("new_episodes")
    with pytest.warns(UserWarning, match="is cut"):
        ask(mended, question(2), "[[B]]")
    for _ in ("from the journal", "from the cassette"):
        player = record("none")
        assert ask(player, question(1)).text == "[[A]]"
        assert ask(player, question(2)).text == "[[B]]"
        mended.close()


DAMAGES = {
    "a flipped letter": (b"[[A]]", b"[[B]]", "its checksum does not match"),
    "a merge conflict": (b'{"question"', b'<<<<<<< HEAD\n{"question"', "it is not an exchange"),
    "a cut line": (b'"}\n', b"\n", "it is not an exchange"),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("merged", [True, False])
def test_any_other_damage_is_an_error_with_its_line(
    damage: str, merged: bool, question: AskedFor, record: Record
) -> None:
    recorder = record("new_episodes")
    for number in (1, 2, 3):
        ask(recorder, question(number))
    recorder.close(merge=merged)
    file = recorder.path if merged else journal_of(recorder)
    before, after, why = DAMAGES[damage]
    first, second = file.read_bytes().split(b"\n", 1)
    file.write_bytes(first + b"\n" + second.replace(before, after, 1))
    with pytest.raises(CassetteError) as caught:
        record("none").has(question(1))
    assert str(caught.value) == (
        f"{file}:2: this line can't be used: {why}\n"
        "  Restore the file from version control, or delete the line and record it again: " + RERECORD
    )


def test_a_doubled_line_is_harmless_and_two_replies_to_one_question_are_not(
    question: AskedFor, record: Record
) -> None:
    with record("new_episodes") as one, record("new_episodes", name="other") as two:
        ask(one, question(1))
        ask(two, question(1), "[[B]]")
    line, other = one.path.read_bytes(), two.path.read_bytes()
    one.path.write_bytes(line + line.replace(b"\n", b"\r\n") + b"\n")
    assert record().has(question(1))
    one.path.write_bytes(line + other)
    with pytest.raises(CassetteError) as caught:
        record().has(question(1))
    assert str(caught.value) == (
        f"{one.path}:2: this line can't be used: line 1 has another reply to the same question\n"
        "  Restore the file from version control, or delete the line and record it again: " + RERECORD
    )


def test_replay_writes_nothing_and_needs_no_writable_folder(question: AskedFor, record: Record) -> None:
    killed = record("new_episodes")
    ask(killed, question(1))
    folder = killed.path.parent

    def state() -> list[object]:
        files = [(path, path.read_bytes(), path.stat().st_mtime_ns) for path in sorted(folder.iterdir())]
        return [folder.stat().st_mtime_ns, *files]

    before = state()
    folder.chmod(0o555)
    try:
        with record("none") as player:
            ask(player, question(1))
    finally:
        folder.chmod(0o755)
    assert state() == before


def test_a_cassette_that_cannot_be_written_is_an_error(
    question: AskedFor, record: Record, tmp_path: Path
) -> None:
    (tmp_path / "cassettes").touch()
    recorder = record("new_episodes")
    with pytest.raises(CassetteError) as caught:
        ask(recorder, question(1))
    assert str(caught.value) == (
        f"{journal_of(recorder)}: can't be read (Not a directory)\n"
        "  See that it is a file, and that you may read it."
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits no file's size")
def test_a_full_disk_leaves_no_half_line(
    question: AskedFor, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource  # here, since Windows has none

    recorder = record("new_episodes")
    ask(recorder, question(1))
    journal = journal_of(recorder)
    before = journal.read_bytes()
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 40, limits[1]))
    try:
        with pytest.raises(CassetteError) as caught:
            ask(recorder, question(2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert str(caught.value) == (
        f"{recorder.path}: can't be written (File too large)\n"
        "  Make its folder writable and see that the disk has room, or replay only, with --judge-record=none."
    )
    assert journal.read_bytes() == before
    assert ask(recorder, question(2)).text == "[[A]]"


def test_a_merge_that_fails_keeps_both_files(
    question: AskedFor, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    with record("new_episodes") as first:
        ask(first, question(1))
    before = first.path.read_bytes()
    second = record("new_episodes")
    ask(second, question(2))

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(CassetteError, match="No space left on device"):
            second.close()
    assert first.path.read_bytes() == before
    assert sorted(path.name for path in first.path.parent.iterdir() if path.suffix != ".lock") == [
        "shapes-old.jsonl",
        "shapes-old.jsonl.journal",
    ]
    merge(second.path)
    assert len(first.path.read_bytes().splitlines()) == 2


def test_a_recorder_reads_along_what_others_wrote_and_merged(question: AskedFor, record: Record) -> None:
    mine, theirs = record("new_episodes"), record("new_episodes")
    ask(mine, question(1))
    ask(theirs, question(2), "[[B]]")
    theirs.close()
    assert ask(mine, question(2)).text == "[[B]]"
    ask(mine, question(3))
    late = record("new_episodes")
    assert ask(late, question(3), "[[B]]").text == "[[A]]"
    mine.close()
    late.close()
    assert (mine.recorded, mine.played, late.recorded, late.played) == (2, 1, 0, 1)
    assert len(mine.path.read_bytes().splitlines()) == 3


def test_threads_ask_each_question_once(question: AskedFor, record: Record) -> None:
    asked: list[str] = []

    def work(recorder: Recorder) -> None:
        for number in range(10):
            q = question(number)

            def reply(digest: str = q.digest) -> Reply:
                asked.append(digest)
                return Reply(text=digest)

            assert recorder.exchange(q, reply, over_http=False).text == q.digest

    with record("new_episodes") as recorder:
        threads = [threading.Thread(target=work, args=(recorder,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(asked) == len(set(asked)) == 10
    assert (recorder.recorded, recorder.played) == (10, 30)


def text_question(number: int) -> Question:
    item = Item(id=f"score-{number:02}", task="score", responses=(Response(text="a"),))
    return Question(item, "j", "m", (Message("user", (Text(f"Item {number}"),)),))


WORKER = """
import random, sys
from pathlib import Path
import httpx2
from pytest_mllm_judge.model import Item, Message, Question, Reply, Response, Text
from pytest_mllm_judge.recording import Recorder
path, url, seed = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
numbers = list(range(40))
random.Random(seed).shuffle(numbers)
with Recorder(path, "new_episodes", judge="j", rerecord="") as recorder:
    client = httpx2.Client(transport=recorder.wrap(httpx2.HTTPTransport()))
    for number in numbers:
        item = Item(id=f"score-{number:02}", task="score", responses=(Response(text="a"),))
        question = Question(item, "j", "m", (Message("user", (Text(f"Item {number}"),)),))
        def ask():
            body = {"model": "m", "messages": [{"role": "user", "content": f"Item {number}"}]}
            answer = client.post(url, json=body).json()
            return Reply(text=answer["choices"][0]["message"]["content"])
        recorder.exchange(question, ask, over_http=True)
print(recorder.recorded, recorder.played)
"""


def test_two_processes_ask_each_question_once(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(path), server.url, seed], stdout=subprocess.PIPE, text=True
        )
        for seed in "12"
    ]
    counts = [tuple(map(int, worker.communicate(timeout=60)[0].split())) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert set(server.asked.values()) == {1}
    assert (server.total, sum(recorded for recorded, _ in counts)) == (40, 40)
    assert sum(played for _, played in counts) == 40
    store = Store(path)
    assert [exchange.item for exchange in store.exchanges()] == [f"score-{n:02}" for n in range(40)]
    assert [file.name for file in tmp_path.iterdir()] == ["j.jsonl"]
    assert all(store.find(text_question(n).digest[:DIGEST]) for n in range(40))


KILLED = """
import os, signal, sys
from pathlib import Path
from pytest_mllm_judge.model import Item, Message, Question, Reply, Response, Text
from pytest_mllm_judge.recording import Recorder
recorder = Recorder(Path(sys.argv[1]), "new_episodes", judge="j", rerecord="")
for number in range(5):
    item = Item(id=f"score-{number:02}", task="score", responses=(Response(text="a"),))
    question = Question(item, "j", "m", (Message("user", (Text(f"Item {number}"),)),))
    def ask():
        if number == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return Reply(text=str(number))
    recorder.exchange(question, ask, over_http=False)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_process_loses_only_the_question_in_flight_and_frees_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, timeout=60)
    with Recorder(path, "new_episodes", judge="j", rerecord="") as recorder:
        assert [recorder.has(text_question(number)) for number in range(5)] == [True] * 4 + [False]
        ask(recorder, text_question(4))
    assert len(path.read_bytes().splitlines()) == 5
