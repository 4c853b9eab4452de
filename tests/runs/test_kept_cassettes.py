"""`cassette check`, `stale`, `prune` and `stats`: what they find, say and leave alone."""

from __future__ import annotations

import json
import multiprocessing
import zlib
from collections.abc import Callable, Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Session
from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.recording.contents import leading, read, without
from pytest_mllm_judge.recording.format import Exchange, from_line, to_line

PROJECT = """
[tool.pytest-mllm-judge.judges.own]
kind = "callable"
function = "own.py:ask"
model = "own-1"

[tool.pytest-mllm-judge.judges.said]
kind = "log"
path = "said.jsonl"
"""
SAYS = """
from pytest_mllm_judge.model import Reply, Usage
def ask(question):
    usage = Usage(input_tokens=100, output_tokens=10)
    return Reply(text="Judgement: [[A]]", model="own-1-snapshot", usage=usage)
"""
Told = Callable[..., tuple[int, list[str]]]


def item(number: int, text: str = "") -> dict[str, Any]:
    responses = [{"text": text or f"answer {number}"}, {"text": "another"}]
    return {"id": f"pair-{number}", "task": "pair", "responses": responses, "human": "A"}


def write_items(*items: dict[str, Any], repeat: int = 1) -> None:
    Path("items.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items))
    manifest = f'format = "mllm-judge/1"\nitems = "items.jsonl"\n[probes]\nrepeat = {repeat}\n'
    Path("benchmark.toml").write_text(manifest)


def record() -> None:
    session = Session(root=Path.cwd(), mode="new_episodes")
    session.run("own", Path.cwd()).judgements()
    session.close()


@pytest.fixture
def cassette(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cassette of the judge `own` on three pairs in the current folder, recorded in full."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(PROJECT)
    Path("own.py").write_text(SAYS)
    Path("said.jsonl").write_text('{"item": "pair-1", "verdict": "A"}\n')
    write_items(item(1), item(2), item(3))
    record()
    return Path("cassettes/own.jsonl")


@pytest.fixture
def say(cassette: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """Runs a verb on the current folder: its exit status, and what it printed, line by line."""
    assert cassette.is_file()

    def run(verb: str, *options: str) -> tuple[int, list[str]]:
        capsys.readouterr()
        status = main(["cassette", verb, ".", *options])
        told = capsys.readouterr()
        return status, (told.out + told.err).splitlines()

    return run


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines()


def exchange(path: Path, number: int) -> Exchange:
    return from_line(lines(path)[number])


def test_a_whole_cassette_is_ok(say: Told) -> None:
    assert say("check") == (
        0,
        [
            "cassettes/own.jsonl: 3 exchanges, 3 of 3 questions answered: ok",
            "  answered  own-1-snapshot: 3, asked for own-1",
        ],
    )


def test_every_damaged_line_is_told_and_what_it_may_cost(say: Told, cassette: Path) -> None:
    first, second, third = lines(cassette)
    cassette.write_bytes(b"\n".join([first.replace(b"[[A]]", b"[[B]]"), second, b"{}" + third]) + b"\n")
    assert say("check") == (
        1,
        [
            "cassettes/own.jsonl: 1 exchange, 1 of 3 questions answered",
            "  answered  own-1-snapshot: 1, asked for own-1",
            "  damaged   own.jsonl:1: its checksum does not match",
            "            own.jsonl:3: it is not an exchange",
            "  missing   pair-1: never asked, or on a damaged line",
            "            pair-3: never asked, or on a damaged line",
            "  record    pytest --judge=own --judge-record=new_episodes .",
        ],
    )


def test_two_replies_to_one_question_are_damage(say: Told, cassette: Path) -> None:
    one = exchange(cassette, 0)
    with cassette.open("ab") as file:
        file.write(to_line(Exchange(**{**vars(one), "reply": {"reply": "[[B]]"}})) + b"\n")
    status, told = say("check")
    assert status == 1
    assert told[2] == "  damaged   own.jsonl:4: line 1 has another reply to the same question"


def test_lines_out_of_order_are_told_and_do_no_harm(say: Told, cassette: Path) -> None:
    cassette.write_bytes(b"\n".join(reversed(lines(cassette))) + b"\n")
    assert say("check") == (
        0,
        [
            "cassettes/own.jsonl: 3 exchanges, 3 of 3 questions answered: ok",
            "  answered  own-1-snapshot: 3, asked for own-1",
            "  unsorted  own.jsonl:2: pair-2 stands after pair-3",
        ],
    )


def test_what_is_missing_is_told_with_why(say: Told, cassette: Path) -> None:
    write_items(item(1), item(2, "Seven."), item(4), repeat=2)
    status, told = say("check")
    assert (status, told[0]) == (1, "cassettes/own.jsonl: 3 exchanges, 1 of 6 questions answered")
    (number,) = (n for n, line in enumerate(told) if line.startswith("  missing"))
    missing = [line.removeprefix("  missing ").strip() for line in told[number:-1]]
    assert missing[0] == "pair-1 (repeat 1): never asked"
    assert missing[1].startswith("pair-2: user message, text ")
    assert [line.partition(": ")[2] for line in missing[2:]] == ["never asked"] * 3
    assert told[-1] == "  record    pytest --judge=own --judge-record=new_episodes ."


def test_the_part_that_differs_is_the_one_of_a_miss(say: Told, cassette: Path) -> None:
    project = Path("pyproject.toml")
    project.write_text(project.read_text().replace("own-1", "own-2"))
    assert say("check")[1][2] == "  missing   pair-1: model: asked 'own-2', recorded 'own-1'"


def test_a_journal_is_told_and_read(say: Told, cassette: Path) -> None:
    first, second, third = lines(cassette)
    cassette.write_bytes(first + b"\n")
    journal = Path("cassettes/own.jsonl.journal")
    journal.write_bytes(b"run " + second + b"\nrun " + third + b"\nrun " + first[:40])
    assert say("check") == (
        0,
        [
            "cassettes/own.jsonl: 3 exchanges, 3 of 3 questions answered: ok",
            "  answered  own-1-snapshot: 3, asked for own-1",
            "  journal   a run was killed or is still recording: 2 exchanges, the last line cut; "
            "the next one that records sorts them in",
        ],
    )
    cassette.unlink()
    assert say("check")[1][0] == "cassettes/own.jsonl: 2 exchanges, 2 of 3 questions answered"


def test_a_picture_that_is_gone_leaves_its_questions_unanswered(say: Told, cassette: Path) -> None:
    write_items(item(1), {**item(2), "images": ["gone.png"]}, item(3))
    status, told = say("check")
    assert status == 1
    missing = next(line for line in told if "missing" in line)
    assert missing.startswith("  missing   pair-2: the image ")
    assert missing.endswith("gone.png can't be read (No such file or directory)")
    status, told = say("stale")
    assert status == 1
    assert told[0].startswith("error: cassettes/own.jsonl: what is stale can't be known: pair-2: the image ")


def test_every_kind_of_stale_exchange_is_told(say: Told, cassette: Path) -> None:
    write_items(item(1), item(2), item(3), item(5), repeat=2)
    record()
    one = exchange(cassette, 0)
    swapped = Exchange(**{**vars(one), "variant": "swap", "question": "0" * 32})
    with cassette.open("ab") as file:
        file.write(to_line(swapped) + b"\n")
    Path("cassettes/own.jsonl.journal").write_bytes(b"run " + lines(cassette)[0] + b"\n")
    changed = {**item(3), "instruction": "Look."}
    write_items(item(1), {**item(2), "skip": "blurred"}, changed)
    status, told = say("stale")
    assert status == 1
    where = told.index("  pair-3: " + next(line for line in told if "changed" in line).partition(": ")[2])
    assert told[where].startswith("  pair-3: its question changed: user message, text ")
    assert [line for number, line in enumerate(told) if number != where] == [
        "cassettes/own.jsonl: 9 stale exchanges of 10",
        "  pair-1 (repeat 1): repeat 1 is not declared",
        "  pair-1 (variant 'swap'): variant 'swap' is not declared",
        "  pair-2: the item is skipped: blurred",
        "  pair-2 (repeat 1): the item is skipped: blurred",
        "  pair-3 (repeat 1): repeat 1 is not declared",
        "  pair-5: the item is gone",
        "  pair-5 (repeat 1): the item is gone",
        "  pair-1: superseded: own.jsonl:1 by own.jsonl.journal:1",
    ]


def test_a_renamed_item_is_another_question_to_a_function_which_sees_its_name(
    say: Told, cassette: Path
) -> None:
    write_items({**item(1), "id": "renamed"}, item(2), item(3))
    assert say("stale") == (
        1,
        ["cassettes/own.jsonl: 1 stale exchange of 3", "  pair-1: the item is gone"],
    )
    assert say("check")[0] == 1


def test_prune_takes_the_stale_ones_out_and_nothing_else(say: Told, cassette: Path) -> None:
    before = lines(cassette)
    write_items(item(1), item(3))
    told = f"1 of 3 exchanges, {len(before[1]) + 1} bytes"
    expected = [f"cassettes/own.jsonl: would remove {told}", "  pair-2: the item is gone"]
    assert say("prune", "--dry-run") == (0, expected)
    assert lines(cassette) == before
    assert say("prune") == (0, [expected[0].replace("would remove", "removed"), expected[1]])
    assert cassette.read_bytes() == before[0] + b"\n" + before[2] + b"\n"
    assert say("prune") == (0, ["cassettes/own.jsonl: nothing to remove, all of 2 exchanges stay"])
    assert say("check")[0] == 0
    assert [file.name for file in cassette.parent.iterdir() if ".times" not in file.name] == ["own.jsonl"]


def test_prune_takes_a_journal_in(say: Told, cassette: Path) -> None:
    first, second, third = lines(cassette)
    cassette.write_bytes(third + b"\n")
    Path("cassettes/own.jsonl.journal").write_bytes(b"run " + second + b"\nrun " + first + b"\n")
    write_items(item(1), item(2))
    assert say("prune")[0] == 0
    assert cassette.read_bytes() == first + b"\n" + second + b"\n"
    assert not Path("cassettes/own.jsonl.journal").exists()


def test_a_damaged_cassette_is_not_pruned(say: Told, cassette: Path) -> None:
    write_items(item(1))
    cassette.write_bytes(cassette.read_bytes().replace(b"[[A]]", b"[[B]]", 1))
    before = cassette.read_bytes()
    assert say("prune") == (
        1,
        [
            f"error: {cassette}: can't be pruned while lines of it are damaged:",
            "  own.jsonl:1: its checksum does not match",
            "  Restore the file from version control, or delete these lines.",
        ],
    )
    assert cassette.read_bytes() == before


def test_what_is_no_exchange_is_not_pruned_though_its_checksum_holds(cassette: Path) -> None:
    body = b'{"question":"' + b"0" * 32 + b'","other":1'
    cassette.write_bytes(body + b',"sum":"%08x"}\n' % zlib.crc32(body))
    with pytest.raises(CassetteError) as caught:
        without(cassette, [])
    assert str(caught.value) == (
        f"{cassette}: can't be pruned while lines of it are damaged:\n"
        "  own.jsonl:1: it is not an exchange\n"
        "  Restore the file from version control, or delete these lines."
    )
    assert cassette.read_bytes().startswith(body)


def _hold(path: Path, held: Event, enough: Event) -> None:
    with leading(path):
        held.set()
        enough.wait(30)


@pytest.fixture
def recorded_into(cassette: Path) -> Iterator[None]:
    """While another process has the right to write."""
    spawned = multiprocessing.get_context("spawn")
    held, enough = spawned.Event(), spawned.Event()
    process = spawned.Process(target=_hold, args=(cassette.absolute(), held, enough))
    process.start()
    assert held.wait(30)
    yield
    enough.set()
    process.join(30)


@pytest.mark.usefixtures("recorded_into")
def test_a_cassette_that_is_being_recorded_is_not_pruned(say: Told, cassette: Path) -> None:
    write_items(item(1))
    before = cassette.read_bytes()
    assert say("prune") == (
        1,
        [
            f"error: {cassette}: another process is recording into this cassette",
            "  Wait until it has ended, or end it, and try again.",
        ],
    )
    assert cassette.read_bytes() == before
    assert say("stale")[0] == 1  # who only reads is not kept out


def test_a_judge_that_cannot_be_built_is_checked_as_far_as_that_goes(say: Told, cassette: Path) -> None:
    Path("cassettes/owm.jsonl").write_bytes(cassette.read_bytes())
    status, told = say("check")
    assert status == 1
    assert told[:4] == [
        "cassettes/owm.jsonl: 3 exchanges",
        "  answered  own-1-snapshot: 3, asked for own-1",
        "  judge     there is no judge 'owm'; did you mean 'own'?",
        "              Declare it in pyproject.toml under [tool.pytest-mllm-judge.judges.owm].",
    ]
    assert "cassettes/own.jsonl: 3 exchanges, 3 of 3 questions answered: ok" in told
    for verb in ("stale", "prune"):
        before = cassette.read_bytes()
        status, told = say(verb)
        assert (status, told[0]) == (1, "error: there is no judge 'owm'; did you mean 'own'?")
        assert cassette.read_bytes() == before
    status, told = say("stats")
    assert status == 0
    assert told[3] == "  problems  unknown, since the judge can't be built"


def test_stats_add_up_what_is_recorded(say: Told, cassette: Path) -> None:
    Path("cassettes/own.jsonl.times").unlink(missing_ok=True)
    reply = {"reply": "Hm.", "usage": [40, 5]}
    cut = {"reply": "Judgement: [[", "finish_reason": "length", "by": "own-1-snapshot"}
    first, *others = (exchange(cassette, number) for number in range(3))
    changed = [
        Exchange(**{**vars(one), "reply": said}) for one, said in zip(others, (reply, cut), strict=True)
    ]
    cassette.write_bytes(b"".join(to_line(one) + b"\n" for one in [first, *changed]))
    size, text = cassette.stat().st_size, len("Judgement: [[A]]Hm.Judgement: [[")
    assert say("stats") == (
        0,
        [
            "cassettes/own.jsonl: 3 exchanges of 3 items",
            f"  size      {size} bytes: {size / 3:.0f} an exchange, "
            f"{text / 3:.0f} of them the reply's own text",
            "  answered  own-1: 1",
            "            own-1-snapshot: 2, asked for own-1",
            "  problems  1 malformed, 1 truncated",
            "  tokens    140 in, 15 out (of 2 of 3 exchanges)",
            "  cost      unknown: the judge's settings have no prices, or no tokens were counted",
            "  asked     no dates kept",
            "  latency   none kept",
        ],
    )


def test_stats_read_the_side_file_as_far_as_it_goes(say: Told, cassette: Path) -> None:
    digests = [exchange(cassette, number).question for number in range(2)]
    times = [
        {"question": digest, "at": f"2026-11-2{n}T04:00:00Z", "seconds": 1 + n}
        for n, digest in enumerate(digests)
    ]
    told = "\n".join(["not json", *map(json.dumps, times), '{"question":"of another cassette"}'])
    Path("cassettes/own.jsonl.times").write_text(told + "\n")
    assert say("stats")[1][-2:] == [
        "  asked     2026-11-20 to 2026-11-21 (of 2 of 3 exchanges)",
        "  latency   median 1.50 s, 90 % within 1.90 s, longest 2.00 s (of 2 of 3 exchanges)",
    ]


def test_stats_cost_by_the_settings_prices(say: Told, cassette: Path) -> None:
    Path("pyproject.toml").write_text(
        '[tool.pytest-mllm-judge.judges.own]\nkind = "openai"\nmodel = "own-1"\n'
        "prices = { input = 2.5, output = 10.0 }\n"
    )
    # three times 100 tokens at 2.5 and 10 tokens at 10.0 a million
    assert "  cost      0.00105" in say("stats")[1]


def test_stats_of_items_that_are_gone_say_so(say: Told, cassette: Path) -> None:
    write_items(item(1))
    assert say("stats")[1][3] == (
        "  problems  none; 2 not read: their items are gone, or they are no chat completion"
    )


def test_what_is_not_there_is_said(say: Told, cassette: Path) -> None:
    assert say("check", "--judge", "onw") == (
        1,
        [
            "error: there is no judge 'onw'; did you mean 'own'?",
            "  Declare it in pyproject.toml under [tool.pytest-mllm-judge.judges.onw].",
            "  Declared judges: own, said.",
            *say("check", "--judge", "onw")[1][3:],
        ],
    )
    assert say("stats", "--judge", "said") == (
        1,
        ["error: judge 'said' is not recorded, so it has no cassette: its kind answers without being asked"],
    )
    cassette.rename("cassettes/own2.jsonl")
    assert say("check", "--judge", "own") == (
        1,
        [
            "error: cassettes/own.jsonl: there is no such cassette; did you mean 'own2'?",
            "  Recorded are: own2.",
            "  Record it: pytest --judge=own --judge-record=new_episodes .",
        ],
    )
    Path("cassettes/own2.jsonl").unlink()
    assert say("check") == (
        1,
        [
            "error: cassettes: there is no cassette",
            "  Record one: pytest --judge=NAME --judge-record=new_episodes .",
        ],
    )
    Path("benchmark.toml").unlink()
    assert say("stale") == (1, ["error: benchmark.toml: can't be read: No such file or directory"])


def test_a_judges_name_may_hold_what_a_file_name_cannot(say: Told, cassette: Path) -> None:
    project = Path("pyproject.toml")
    project.write_text(project.read_text().replace("judges.own]", 'judges."acme/own"]'))
    cassette.rename("cassettes/acme%2Fown.jsonl")
    assert say("check", "--judge", "acme/own") == say("check")
    assert say("check")[0] == 0


@given(place=st.integers(0, 2000), new=st.binary(min_size=1, max_size=3), length=st.integers(0, 300))
def test_a_damaged_line_never_hides_a_sound_one(
    whole: bytes, tmp_path_factory: pytest.TempPathFactory, place: int, new: bytes, length: int
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "own.jsonl"
    place %= len(whole)
    path.write_bytes(whole[:place] + new + whole[place + length :])
    contents = read(path)
    sound = set(whole.splitlines()) & set(path.read_bytes().split(b"\n"))
    assert {held.text for held in contents.held.values()} == sound
    lines = [line.rstrip(b"\r") for line in path.read_bytes().split(b"\n")]
    assert bool(contents.damaged) == any(line not in sound for line in lines if line)


@pytest.fixture(scope="module")
def whole() -> bytes:
    """A cassette of four sound lines."""
    exchanges = [
        Exchange(question=f"{n:032x}", item=f"pair-{n}", model="m", reply={"reply": "[[A]]"})
        for n in range(4)
    ]
    return b"".join(to_line(one) + b"\n" for one in exchanges)
