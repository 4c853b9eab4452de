"""Several images of an item, in other orders."""

from __future__ import annotations

import pytest
from hypothesis import given

from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.images import VARIANTS, vary

from .altered import altered, item, items


@pytest.mark.parametrize(
    ("images", "orders"),
    [
        ("", {}),
        ("a", {}),
        ("ab", {"images-reversed": "ba"}),
        ("abc", {"images-reversed": "cba", "images-rotated": "bca"}),
        ("aba", {"images-rotated": "baa"}),
        ("aa", {}),
        ("aaa", {}),
    ],
)
def test_two_images_change_places_and_of_more_the_first_goes_last_too(
    images: str, orders: dict[str, str]
) -> None:
    made = altered(vary, item("score", images=list(images)))
    assert {name: "".join(one.images) for name, one in made.items()} == orders


@given(items())
def test_the_same_images_are_shown(given_item: Item) -> None:
    for name, one in altered(vary, given_item).items():
        assert name in VARIANTS
        assert sorted(one.images) == sorted(given_item.images)
        assert one.model_dump(exclude={"images"}) == given_item.model_dump(exclude={"images"})
