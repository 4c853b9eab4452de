"""A pair swapped, and what a verdict on it says of the pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Item
from pytest_mllm_judge.model.judgement import Judgement, agrees
from pytest_mllm_judge.probes import SWAPPED, swapped, turned
from pytest_mllm_judge.probes.probing import Probing

PAIR = Item.model_validate(
    {
        "id": "p",
        "task": "pair",
        "images": ["both.png"],
        "responses": [
            {"text": "one", "images": ["a.png"], "author": "m1"},
            {"text": "other", "author": "m2"},
        ],
        "human": ["A", None, "tie", "B", "both bad"],
        "source": "maps",
        "world": "shapes",
    }
)


def test_a_swapped_pair_has_its_responses_and_labels_the_other_way_round_and_nothing_else() -> None:
    found = swapped(PAIR)
    assert found.responses == PAIR.responses[::-1]
    assert found.human == ("B", None, "tie", "A", "both bad")
    same = {"responses", "human"}
    assert found.model_dump(exclude=same) == PAIR.model_dump(exclude=same)
    assert found.folder == PAIR.folder


def test_the_folder_of_its_pictures_stays(tmp_path: object) -> None:
    assert swapped(PAIR.model_copy(update={"folder": tmp_path})).folder == tmp_path


@given(st.lists(st.sampled_from(["A", "B", "tie", "C", None]), max_size=5))
def test_swapped_twice_it_is_the_pair_again(human: list[str | None]) -> None:
    item = PAIR.model_copy(update={"human": tuple(human)})
    assert swapped(swapped(item)) == item


def test_letters_change_places_and_other_labels_stay() -> None:
    assert [turned(label) for label in ("A", "B", "tie", "C", 3)] == ["B", "A", "tie", "C", 3]


def test_variants_are_known_by_name() -> None:
    probing = Probing({"position": True})
    assert probing.altered(PAIR, "") is PAIR
    assert probing.altered(PAIR, SWAPPED) == swapped(PAIR)
    with pytest.raises(ValueError) as told:
        probing.altered(PAIR, "purple")
    assert str(told.value) == "item 'p' has no variant 'purple' (asked of it: swapped)"


def test_only_pairs_without_criteria_can_be_swapped() -> None:
    score = Item.model_validate({"id": "s", "task": "score", "responses": [{"text": "one"}]})
    with pytest.raises(ValueError) as told:
        swapped(score)
    assert str(told.value) == "only pairs can be swapped, 's' is a score item"
    with pytest.raises(ValueError) as told:
        swapped(PAIR.model_copy(update={"human": {"looks": ("A",)}}))
    assert str(told.value) == "'p': a pair has no criteria, so it can't be swapped with some"


def test_a_verdict_on_a_variant_neither_agrees_nor_disagrees() -> None:
    item = PAIR.model_copy(update={"human": ("A",)})
    assert agrees(Judgement(item=item, judge="j", verdict="A")) is True
    assert agrees(Judgement(item=item, judge="j", variant=SWAPPED, verdict="A")) is None
