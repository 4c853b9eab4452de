"""Claims hold or don't, and survive being said and read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.reference.grammar import OPENERS, PHRASES, claims, read, say
from pytest_mllm_judge.reference.scene import SOURCES, Mark, scene
from pytest_mllm_judge.reference.statements import (
    Beside,
    Compare,
    Count,
    Extreme,
    More,
    Place,
    Row,
    Statement,
)
from pytest_mllm_judge.reference.topics import Topic, topics

SCENES = [scene(source, number) for source in SOURCES for number in range(1, 26)]
TOPICS: list[Topic] = [topic for one in SCENES for topic in topics(one)]


def mark(noun: str, colour: str, left: int = 0, top: int = 0, size: int = 20) -> Mark:
    return Mark(noun=noun, colour=colour, left=left, top=top, width=size, height=size)


MARKS = (
    mark("circle", "red", left=0),
    mark("circle", "red", left=50),
    mark("circle", "blue", left=100, top=80, size=30),
    mark("square", "green", left=40, top=40),
)


@pytest.mark.parametrize(
    ("claim", "holds"),
    [
        (Count("circle", "red", 2), True),
        (Count("circle", "red", 3), False),
        (Count("circle", None, 3), True),
        (Count("shape", None, 4), True),
        (Count("triangle", None, 0), True),
        (More("circle", "red", "blue"), True),
        (More("circle", "blue", "red"), False),
        (Beside("circle", "blue", "to the right of", "square", "green"), True),
        (Beside("circle", "blue", "to the left of", "square", "green"), False),
        (Beside("circle", "blue", "below", "square", "green"), True),
        (Beside("circle", "blue", "above", "square", "green"), False),
        (Beside("circle", "red", "above", "square", "green"), False),  # two circles are red
        (Extreme("circle", "largest", "blue"), True),
        (Extreme("circle", "smallest", "red"), True),
        (Extreme("shape", "smallest", "red"), False),  # a green one is as small
        (Extreme("triangle", "largest", "red"), False),
        (Compare("shape", "blue", "larger", "green"), True),
        (Compare("shape", "green", "smaller", "blue"), True),
        (Compare("shape", "green", "larger", "blue"), False),
        (Place("red", 1), False),  # no bars
        (Row(1, "red", 0), False),  # no rows
    ],
)
def test_a_claim_holds_by_the_marks_alone(claim: Statement, holds: bool) -> None:
    assert claim.holds(MARKS) is holds


def test_every_topic_has_one_true_claim_and_only_false_others() -> None:
    for one in SCENES:
        for topic in topics(one):
            assert topic.true.holds(one.marks)
            assert topic.false
            assert not any(claim.holds(one.marks) for claim in topic.false)


def test_every_scene_has_enough_to_say_for_the_longest_answer() -> None:
    assert min(len(topics(one)) for one in SCENES) >= 7


def test_every_kind_of_claim_is_made() -> None:
    assert {type(topic.true) for topic in TOPICS} == set(PHRASES)


@given(topic=st.sampled_from(TOPICS), phrasing=st.integers(0, 11), digits=st.booleans(), data=st.data())
def test_what_is_said_is_read_back(topic: Topic, phrasing: int, digits: bool, data: st.DataObject) -> None:
    claim = data.draw(st.sampled_from([topic.true, *topic.false]))
    opener = data.draw(st.sampled_from(["", *OPENERS]))
    said = say(claim, phrasing=phrasing, digits=digits)
    assert read(opener + said) == claim
    assert [one.claim for one in claims((opener + said).capitalize() + ".")] == [claim]


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    claims(text)


@given(st.lists(st.sampled_from(TOPICS), max_size=5, unique_by=lambda topic: topic.true))
def test_chat_and_repetition_change_no_claim(chosen: list[Topic]) -> None:
    said = [say(topic.true, phrasing=0, digits=True) for topic in chosen]
    text = ". ".join([*said, "I like this picture", *said, "Thanks"])
    assert [one.claim for one in claims(text)] == [topic.true for topic in chosen]


def test_lists_joined_sentences_and_signs_of_emphasis_are_read() -> None:
    listed = "- There are 3 red circles\n- **The largest circle is blue**\n"
    text = listed + "I count one bar, and there are no cells!"
    assert [one.claim for one in claims(text)] == [
        Count("circle", "red", 3),
        Extreme("circle", "largest", "blue"),
        Count("bar", None, 1),
        Count("cell", None, 0),
    ]
