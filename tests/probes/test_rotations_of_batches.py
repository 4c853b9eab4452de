"""A batch with its answers moved round, and its ranking told in the batch's own letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.rotations import rotated, turns, unrotated, vary

from .altered import AROUND, altered, item, items


def test_every_answer_stands_in_every_place_once() -> None:
    batch = item("batch")
    shown = [batch, *altered(vary, batch).values()]
    for slot in range(4):
        assert {one.responses[slot].author for one in shown} == {"m0", "m1", "m2", "m3"}
    assert list(vary(batch, AROUND)) == ["rotated-1", "rotated-2", "rotated-3"]


def test_the_first_answers_move_to_the_end_and_the_labels_follow_them() -> None:
    batch = item("batch", human=["CABD", None, "odd"])
    one = rotated(batch, 1)
    assert [response.author for response in one.responses] == ["m1", "m2", "m3", "m0"]
    assert one.human == ("BDAC", None, "odd")


def test_a_ranking_in_shown_letters_becomes_one_of_the_item() -> None:
    assert unrotated("ABCD", 1) == "BCDA"
    assert unrotated("DABC", 1) == "ABCD"
    assert unrotated("CAB", 2) == "BCA"


@given(st.integers(2, 8).flatmap(lambda k: st.tuples(st.permutations("ABCDEFGH"[:k]), st.integers(0, 9))))
def test_a_ranking_names_the_same_answers_shown_and_told_back(drawn: tuple[list[str], int]) -> None:
    ranking, by = "".join(drawn[0]), drawn[1] % len(drawn[0])
    answers = [{"text": f"answer {n}"} for n in range(len(ranking))]
    batch = Item.model_validate({"id": "b", "task": "batch", "responses": answers, "human": ranking})
    shown = rotated(batch, by)
    told = unrotated(ranking, by)
    in_shown = [shown.responses[shown.letters.index(letter)] for letter in ranking]
    assert in_shown == [batch.responses[batch.letters.index(letter)] for letter in told]
    assert unrotated(str(shown.human[0]), by) == ranking  # type: ignore[index]
    assert rotated(shown, len(ranking) - by) == batch


@given(items())
def test_whatever_the_item_it_stays_as_it_is(given_item: Item) -> None:
    made = altered(vary, _apart(given_item))
    assert len(made) == (len(given_item.responses) - 1 if given_item.task == "batch" else 0)
    assert [turns(name) for name in made] == list(range(1, len(made) + 1))


def _apart(one: Item) -> Item:
    """The item with no two answers alike, so that a rotation is seen."""
    responses = [
        response.model_copy(update={"text": f"{n} {response.text}"})
        for n, response in enumerate(one.responses)
    ]
    return one.model_copy(update={"responses": tuple(responses)})


@pytest.mark.parametrize("variant", ["", "swapped", "rotated-", "rotated-0", "rotated-x", "rotated-1x"])
def test_what_is_no_rotation_has_no_turns(variant: str) -> None:
    assert turns("rotated-12") == 12
    with pytest.raises(ValueError) as told:
        turns(variant)
    assert (
        str(told.value) == f"the variant {variant!r} is no rotation; those are 'rotated-1', 'rotated-2', ..."
    )


def test_only_batches_without_criteria_can_be_rotated() -> None:
    with pytest.raises(ValueError) as told:
        rotated(item("pair"), 1)
    assert str(told.value) == "only batches without criteria can be rotated, 'pair' is a pair item"
    with pytest.raises(ValueError) as told:
        rotated(item("batch", human={"looks": ["ABCD"]}), 1)
    assert str(told.value) == "only batches without criteria can be rotated, 'batch' is one with criteria"
