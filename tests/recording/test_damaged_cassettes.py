"""A thousand damaged cassettes: every question plays its own reply or fails with a word on where and why."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.errors import CassetteError, CassetteMiss
from pytest_mllm_judge.model import Item, Message, Question, Reply, Response, Text, Usage
from pytest_mllm_judge.recording import Mode, Recorder
from pytest_mllm_judge.recording.format import DIGEST

RECORD = "pytest --judge=j --judge-record=new_episodes"
TEXTS = (
    "Judgement: [[A]]",
    "Judgement: [[B]]",
    "[[C]]\n\u2028\x00",
    "判断：[[A]]",
    "",
    '{"sum":"00000000"}\n',
)
Damage = Callable[[bytes], bytes]


def attack(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.large_base_example,
        ],
    )


def question_of(number: int) -> Question:
    """Two items, asked three times each: their lines have much in common."""
    item = Item(id=f"pair-{number % 2}", task="pair", responses=(Response(text="a"), Response(text="b")))
    prompt = Message("user", (Text(f"Which is better, a or b? ({number % 2})"),))
    return Question(item, "j", "model", (prompt,), {"temperature": 0}, repeat=number // 2)


QUESTIONS = [question_of(number) for number in range(len(TEXTS))]
REPLIES = {
    question.digest: Reply(text=text, finish_reason="stop", usage=Usage(input_tokens=90, output_tokens=9))
    for question, text in zip(QUESTIONS, TEXTS, strict=True)
}


def recorder(path: Path, mode: Mode) -> Recorder:
    return Recorder(path, mode, judge="j", rerecord=RECORD, run="r")


def recorded(path: Path, *, merge: bool, texts: tuple[str, ...] = TEXTS) -> bytes:
    """The bytes of a sound cassette, or of a journal, with a reply to each question."""
    sound = recorder(path, "new_episodes")
    for question, text in zip(QUESTIONS, texts, strict=True):
        reply = REPLIES[question.digest].model_copy(update={"text": text})
        sound.exchange(question, lambda reply=reply: reply, over_http=False)  # type: ignore[misc]
    sound.close(merge=merge)
    return (path if merge else journal_of(path)).read_bytes()


def journal_of(path: Path) -> Path:
    return path.with_name(path.name + ".journal")


# Damages


def places(data: bytes, *, most: int = 80) -> st.SearchStrategy[tuple[int, int]]:
    """Where a stretch of bytes begins and ends."""
    starts = st.integers(0, len(data))
    return st.tuples(starts, st.integers(0, most)).map(lambda at: (at[0], min(len(data), at[0] + at[1])))


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True) or [b""]


@st.composite
def in_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes cut, beheaded, flipped, deleted, inserted, doubled, moved, swapped, or lost to NULs."""
    start, end = draw(places(data))
    piece, rest = data[start:end], data[:start] + data[end:]
    at = draw(st.integers(0, len(rest)))
    mask = draw(st.integers(1, 255))
    new = draw(st.binary(min_size=1, max_size=6) | st.sampled_from([b"\n", b"\r", b'"', b",", b"\n\n", b"!"]))
    return draw(
        st.sampled_from(
            [
                data[:start],
                data[start:],
                data[:start] + bytes(byte ^ mask for byte in piece[:1]) + data[start + 1 :],
                rest,
                data[:start] + new + data[start:],
                data[:end] + piece + data[end:],
                rest[:at] + piece + rest[at:],
                rest[:at] + piece[::-1] + rest[at:],
                data[:start] + b"\0" * len(piece) + data[end:],
                data[: len(data) // 512 * 512] + b"\0" * (len(data) % 512),
                data[:start] + piece.swapcase() + data[end:],
            ]
        )
    )


@st.composite
def in_lines(draw: st.DrawFn, data: bytes) -> bytes:
    """Lines deleted, doubled, swapped, shuffled, joined, split, indented, or ended otherwise."""
    lines = _lines(data)
    number = draw(st.integers(0, len(lines) - 1))
    other = draw(st.integers(0, len(lines) - 1))
    before, line, after = lines[:number], lines[number], lines[number + 1 :]
    half = draw(st.integers(0, len(line)))
    swapped = list(lines)
    swapped[number], swapped[other] = lines[other], lines[number]
    damaged = draw(
        st.sampled_from(
            [
                before + after,
                [*before, line, line, *after],
                [*lines, line],
                swapped,
                [*before, line.rstrip(b"\n"), *after],
                [*before, line[:half], b"\n", line[half:], *after],
                [*before, b" ", line, *after],
                [*before, line.rstrip(b"\n"), b" \n", *after],
                [*before, b"\n", line, *after],
                [each.replace(b"\n", b"\r\n") for each in lines],
                [*before, line.replace(b"\n", b"\r\n"), *after],
                [*before, line[:half], lines[other][half:], *after],
                [b"\xef\xbb\xbf", *lines],
                [each.decode("utf-8", "replace").encode("utf-16") for each in lines],
            ]
        )
    )
    return b"".join(damaged)


@st.composite
def in_fields(draw: st.DrawFn, data: bytes) -> bytes:
    """The digests, replies or checksums of two lines swapped, as a bad merge or an edit by hand would."""
    field = draw(
        st.sampled_from(
            [rb'"question":"(\w+)"', rb'"reply":"(.*?)","usage', rb'"sum":"(\w+)"\}', rb'"item":"(.*?)"']
        )
    )
    found = [match.span(1) for match in re.finditer(field, data)]
    if len(found) < 2:
        return data
    first, second = sorted(draw(st.permutations(range(len(found))))[:2])
    (a, b), (c, d) = found[first], found[second]
    return data[:a] + data[c:d] + data[b:c] + data[a:b] + data[d:]


@st.composite
def by_a_merge(draw: st.DrawFn, data: bytes, theirs: bytes) -> bytes:
    """A merge conflict, with the other side's replies to the same questions, all markers in place."""
    ours, other = _lines(data), _lines(theirs)
    first = draw(st.integers(0, len(ours) - 1))
    last = draw(st.integers(first, len(ours)))
    conflict = [
        b"<<<<<<< HEAD\n",
        *ours[first:last],
        b"=======\n",
        *other[first:last],
        b">>>>>>> theirs\n",
    ]
    return b"".join([*ours[:first], *conflict, *ours[last:]])


@st.composite
def damaged(draw: st.DrawFn, sound: bytes, theirs: bytes) -> bytes:
    """One damage, or two."""
    data = sound
    for _ in range(draw(st.integers(1, 2))):
        kinds = [in_bytes(data), in_bytes(data), in_lines(data), in_fields(data)]
        if b"<<<<<<<" not in data:
            kinds.append(by_a_merge(data, theirs))
        data = draw(st.one_of(kinds))
    return data


# What must hold


def exchanges(data: bytes) -> set[bytes]:
    """The lines that may be exchanges, without a run before them, their first brace and their ending."""
    return {line.partition(b"{")[2].rstrip(b"\r") for line in data.split(b"\n")} - {b""}


def ended(data: bytes, kind: str) -> bytes:
    """The data, of a journal without what follows its last line feed: a killed run leaves that."""
    return data if kind == "cassette" else data[: data.rfind(b"\n") + 1]


def names_a_damaged_line(message: str, file: Path, sound: bytes, data: bytes) -> bool:
    """Whether the message begins with the file and the number of a line that is not as it was."""
    told = re.match(re.escape(str(file)) + r":(\d+): this line can't be used: ", message)
    if told is None or not message.endswith(RECORD):
        return False
    number, lines = int(told[1]), data.split(b"\n")
    return 1 <= number <= len(lines) and lines[number - 1] not in sound.rstrip(b"\n").split(b"\n")


def played(player: Recorder, question: Question) -> Reply | CassetteError:
    """What the player makes of a question; its only warning is of a cut last line."""

    def never() -> Reply:
        raise AssertionError("it was asked")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result: Reply | CassetteError = player.exchange(question, never, over_http=False)
        except CassetteError as error:
            result = error
    assert all("the last line is cut" in str(warning.message) for warning in caught)
    return result


def right_or_told(player: Recorder, file: Path, sound: bytes, data: bytes) -> None:
    """Each question gets its own reply, or is told to be missing, or where the damage is."""
    kind = "cassette" if file == player.path else "journal"
    left = b"\n".join(exchanges(ended(data, kind)) & exchanges(sound))
    for question in QUESTIONS:
        outcome = played(player, question)
        if isinstance(outcome, CassetteMiss):
            assert str(player.path) in str(outcome)
            assert question.digest[:DIGEST].encode() not in left, f"it stands there undamaged: {outcome}"
        elif isinstance(outcome, CassetteError):
            assert names_a_damaged_line(str(outcome), file, sound, data), str(outcome)
        else:
            assert outcome == REPLIES[question.digest]


@pytest.mark.parametrize("kind", ["cassette", "journal"])
def test_a_damaged_file_plays_the_right_replies_or_says_where_it_is_damaged(
    kind: str, tmp_path: Path
) -> None:
    merge = kind == "cassette"
    sound = recorded(tmp_path / "sound.jsonl", merge=merge)
    theirs = recorded(tmp_path / "theirs.jsonl", merge=merge, texts=TEXTS[1:] + TEXTS[:1])
    numbers = count()

    @attack(1000)
    @given(damaged(sound, theirs))
    def damage(data: bytes) -> None:
        path = tmp_path / f"{next(numbers)}.jsonl"
        file = path if merge else journal_of(path)
        file.write_bytes(data)
        right_or_told(recorder(path, "none"), file, sound, data)
        assert file.read_bytes() == data
        file.unlink()

    damage()


@pytest.mark.parametrize("kind", ["cassette", "journal"])
def test_recording_onto_a_damaged_file_loses_no_sound_line_and_records_no_wrong_one(
    kind: str, tmp_path: Path
) -> None:
    merge = kind == "cassette"
    sound = recorded(tmp_path / "sound.jsonl", merge=merge)
    theirs = recorded(tmp_path / "theirs.jsonl", merge=merge, texts=TEXTS[1:] + TEXTS[:1])
    numbers = count()

    @attack(300)
    @given(damaged(sound, theirs))
    def damage(data: bytes) -> None:
        path = tmp_path / f"{next(numbers)}.jsonl"
        (path if merge else journal_of(path)).write_bytes(data)
        is_whole = recorded_in_spite_of_it(path)
        left = exchanges(b"\n".join(file.read_bytes() for file in tmp_path.glob(path.name + "*")))
        assert exchanges(ended(data, kind)) & exchanges(sound) <= left
        assert not is_whole or (left == exchanges(sound) and not journal_of(path).exists())
        for file in tmp_path.glob(path.name + "*"):
            file.unlink()

    damage()


def recorded_in_spite_of_it(path: Path) -> bool:
    """Ask every question of a recorder that may ask; whether all was recorded and merged."""
    again = recorder(path, "new_episodes")
    is_whole = True
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*the last line is cut")
        for question in QUESTIONS:
            reply = REPLIES[question.digest]
            try:
                assert again.exchange(question, lambda reply=reply: reply, over_http=False) == reply  # type: ignore[misc]
            except CassetteError:
                is_whole = False
        try:
            again.close()
        except CassetteError:
            return False
    return is_whole


@pytest.mark.parametrize("kind", ["cassette", "journal"])
def test_damage_is_told_to_every_question_in_the_same_words(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    sound = recorded(path, merge=kind == "cassette")
    file = path if kind == "cassette" else journal_of(path)
    file.write_bytes(sound.replace(b"[[B]]", b"[[A]]", 1))
    number = 1 + sound.partition(b"[[B]]")[0].count(b"\n")
    for mode in ("none", "new_episodes"):
        player = recorder(path, mode)
        told = {str(played(player, question)) for question in QUESTIONS}
        assert told == {
            f"{file}:{number}: this line can't be used: its checksum does not match\n"
            f"  Restore the file from version control, or delete the line and record it again: {RECORD}"
        }


def test_damage_that_another_process_does_meanwhile_is_told_to_every_question(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    sound = recorded(path, merge=False)
    again = recorder(path, "new_episodes")
    assert again.has(QUESTIONS[0])
    with journal_of(path).open("ab") as journal:
        journal.write(sound.replace(b"[[B]]", b"[[A]]", 1))
    number = 2 + sound.count(b"\n")
    for _ in range(3):
        with pytest.raises(CassetteError) as caught:
            again.exchange(question_of(99), Reply, over_http=False)
        assert str(caught.value) == (
            f"{journal_of(path)}:{number}: this line can't be used: its checksum does not match\n"
            f"  Restore the file from version control, or delete the line and record it again: {RECORD}"
        )
