"""The whole message of every kind of miss."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_mllm_judge.errors import CassetteError, CassetteMiss
from pytest_mllm_judge.model import Question, Reply, file_digest
from pytest_mllm_judge.model.question import text_digest
from pytest_mllm_judge.recording import Recorder
from pytest_mllm_judge.recording.format import PART

from .loopback import RERECORD, AskedFor, Record

Missed = Callable[[Question], list[str]]


def short(text: str) -> str:
    return text_digest(text)[:PART]


@pytest.fixture
def missed(record: Record, question: AskedFor) -> Missed:
    """The lines of the miss of a question, on a cassette that holds `pair-1` and another item."""
    with record("new_episodes") as recorder:
        for number in (1, 3):
            recorder.exchange(question(number), Reply, over_http=False)

    def miss(asked: Question) -> list[str]:
        return message(record(), asked).splitlines()

    return miss


def message(player: Recorder, asked: Question) -> str:
    with pytest.raises(CassetteMiss) as caught:
        player.exchange(asked, Reply, over_http=False)
    return str(caught.value)


@pytest.fixture
def around(record: Record) -> Callable[..., list[str]]:
    """A whole message around the parts that differ."""

    def build(*parts: str, asked: str = "pair-1", nearest: str = "pair-1") -> list[str]:
        path = record().path
        return [
            f"judge 'shapes-old' has no recorded reply for {asked}",
            f"  cassette  {path} (2 exchanges)",
            f"  nearest   {nearest}",
            f"  differs   {parts[0]}",
            *(f"            {part}" for part in parts[1:]),
            f"  record    {RERECORD}",
        ]

    return build


Around = Callable[..., list[str]]


def test_one_changed_letter_in_the_prompt(missed: Missed, around: Around, question: AskedFor) -> None:
    text = "Which answer is bettar?"
    assert missed(question(text=text)) == around(
        f"user message, text 1: asked {short(text)} ('{text}'), recorded {short('Which answer is better?')}"
    )


def test_another_image(missed: Missed, around: Around, question: AskedFor) -> None:
    asked = question(picture=1)
    first, second = (file_digest(q.messages[1].parts[1].file)[:PART] for q in (question(), asked))  # type: ignore[union-attr, arg-type]
    assert missed(asked) == around(
        f"user message, image 1: asked {second} ('images/second.png'), recorded {first}"
    )


def test_another_detail(missed: Missed, around: Around, question: AskedFor) -> None:
    assert missed(question(detail="low")) == around(
        "user message, image 1, detail: asked 'low', recorded nothing"
    )


def test_another_change(missed: Missed, around: Around, question: AskedFor) -> None:
    assert missed(question(change="max_side 512;jpeg 90")) == around(
        "user message, image 1, change: asked 'max_side 512;jpeg 90', recorded nothing"
    )


def test_another_model(missed: Missed, around: Around, question: AskedFor) -> None:
    assert missed(question(model="shapes-new")) == around("model: asked 'shapes-new', recorded 'shapes-old'")


def test_another_temperature(missed: Missed, around: Around, question: AskedFor) -> None:
    assert missed(question(settings={"temperature": 0.7, "seed": 1})) == around(
        "setting seed: asked 1, recorded nothing", "setting temperature: asked 0.7, recorded 0"
    )


def test_another_repeat(missed: Missed, around: Around, question: AskedFor) -> None:
    assert missed(question(repeat=2)) == around("repeat: asked 2, recorded 0", asked="pair-1 (repeat 2)")


def test_a_variant_that_was_not_recorded(missed: Missed, around: Around, question: AskedFor) -> None:
    text = "Which answer is better? " * 3
    assert missed(question(variant="pad", text=text)) == around(
        f"user message, text 1: asked {short(text)} ('Which answer is better? Which answer is …'), "
        f"recorded {short('Which answer is better?')}",
        asked="pair-1 (variant 'pad')",
    )


def test_an_item_that_was_not_recorded_is_compared_with_the_others(
    missed: Missed, around: Around, question: AskedFor
) -> None:
    assert missed(question(2)) == around(
        f"user message, text 2: asked {short('Item 2')} ('Item 2'), recorded {short('Item 1')}",
        asked="pair-2",
    )


def test_the_same_item_is_nearer_than_another_that_differs_less(missed: Missed, question: AskedFor) -> None:
    assert missed(question(1, text="Which?", asks="Item 3"))[2] == "  nearest   pair-1"


def test_no_cassette_at_all(record: Record, question: AskedFor) -> None:
    player = record()
    assert message(player, question()).splitlines() == [
        "judge 'shapes-old' has no recorded reply for pair-1",
        f"  cassette  {player.path} (does not exist)",
        f"  record    {RERECORD}",
    ]
    assert not player.path.parent.exists()


def test_an_empty_cassette(record: Record, question: AskedFor) -> None:
    player = record()
    player.path.parent.mkdir()
    player.path.touch()
    assert message(player, question()).splitlines() == [
        "judge 'shapes-old' has no recorded reply for pair-1",
        f"  cassette  {player.path} (holds no exchange)",
        f"  record    {RERECORD}",
    ]


def test_an_image_that_is_gone_is_named(record: Record, question: AskedFor) -> None:
    asked = question()
    file = asked.messages[1].parts[1].file  # type: ignore[union-attr]
    assert file is not None
    file.unlink()
    with pytest.raises(CassetteError) as caught:
        record().has(asked)
    assert str(caught.value) == (
        f"pair-1: the image {file} can't be read (No such file or directory)\n"
        "  A question is known by its images' content, also on replay: put the file back."
    )
