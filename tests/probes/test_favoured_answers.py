"""Which answer a probe speaks for."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.favoured import favoured, lot, saying, text_of

from .altered import item


@pytest.mark.parametrize(
    ("task", "human", "place"),
    [
        ("score", 5, 0),
        ("score", None, 0),
        ("pair", "A", 1),
        ("pair", "B", 0),
        ("pair", ["B", "B", "A", None], 0),
        ("batch", "DCAB", 1),
        ("batch", ["ABCD", "BADC", "BADC"], 2),
    ],
)
def test_it_is_the_one_that_humans_like_less(task: str, human: object, place: int) -> None:
    assert favoured(item(task, human=human)) == place


@pytest.mark.parametrize("human", [None, "tie", ["A", "B"], ["A", "B", "tie"], {"looks": ["A"]}])
def test_where_humans_do_not_say_it_is_drawn_by_lot_of_the_id_alone(human: object) -> None:
    drawn = [favoured(item("pair", id=f"pair-{n}", human=human)) for n in range(400)]
    assert drawn == [favoured(item("pair", id=f"pair-{n}")) for n in range(400)]
    assert abs(Counter(drawn)[0] - 200) < 40


def test_a_ranking_of_letters_that_are_not_there_says_nothing() -> None:
    assert favoured(item("batch", human="ABCE")) == favoured(item("batch"))


@given(st.text(), st.integers(1, 26))
def test_a_lot_is_one_of_so_many_for_every_name(name: str, many: int) -> None:
    assert 0 <= lot(name, many) < many


def test_only_the_favoured_answer_says_something_else() -> None:
    pair = item("pair", human="A")
    said = saying(pair, "new")
    assert text_of(said) == "new"
    assert said.responses == (pair.responses[0], pair.responses[1].model_copy(update={"text": "new"}))
    assert said.model_dump(exclude={"responses"}) == pair.model_dump(exclude={"responses"})


def test_an_answer_that_is_a_picture_says_nothing() -> None:
    drawn = Item.model_validate({"id": "d", "task": "score", "responses": [{"images": ["d.png"]}]})
    assert text_of(drawn) == ""
