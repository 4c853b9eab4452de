"""Pictures blanked, exchanged, blurred, cropped away."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.grounding import VARIANTS, vary
from pytest_mllm_judge.probes.pictures import changed
from pytest_mllm_judge.probes.probe import Around
from pytest_mllm_judge.reference import generate
from tests.conftest import PROJECT

from .altered import altered, item, items


def one(name: str, *images: str, **more: object) -> Item:
    return item("score", id=name, images=images or [f"{name}.png"], **more)


def another(given_item: Item, *others: Item) -> tuple[str, ...] | None:
    """The images that are shown in place of the item's; None if there is no such variant."""
    made = altered(vary, given_item, Around(items=[given_item, *others])).get("another")
    return None if made is None else made.images


def test_every_picture_is_changed_those_of_the_answers_as_well() -> None:
    drawn = item(
        "pair", images=["in.png"], responses=[{"images": ["a.png"]}, {"text": "no", "images": ["b.png"]}]
    )
    made = altered(vary, drawn)
    words = {name: set(variant.picture_changes.values()) for name, variant in made.items()}
    assert words == {"blank": {"blank"}, "blurred": {"blurred 20"}, "cropped": {"cropped 4"}}
    for variant in made.values():
        assert list(variant.picture_changes) == ["in.png", "a.png", "b.png"]
        assert variant.model_dump() == drawn.model_dump()


def test_what_was_to_be_changed_before_comes_first() -> None:
    before = changed(item("score", images=["a.png", "b.png"]), "tilted 2", ["a.png"])
    made = altered(vary, before)
    assert made["blank"].picture_changes == {"a.png": "tilted 2;blank", "b.png": "blank"}


def test_nothing_else_of_an_item_differs_where_another_ones_pictures_are_shown() -> None:
    given_item = one("x", "x.png", responses=[{"text": "made", "images": ["made.png"]}])
    made = altered(vary, given_item, Around(items=[given_item, one("y")]))["another"]
    assert made == given_item.model_copy(update={"images": ("y.png",)})
    assert made.picture_changes == {}


def test_items_without_pictures_have_none_to_take_away() -> None:
    assert altered(vary, item("pair", images=[]), Around(items=[one("x")])) == {}


def test_a_picture_on_the_web_can_be_exchanged_but_not_changed() -> None:
    web = one("w", "https://example.org/w.png")
    assert list(altered(vary, web, Around(items=[web, one("x")]))) == ["another"]
    assert another(one("x"), web) == web.images


@pytest.mark.parametrize("images", [("a.png",), ("a.png", "b.png"), ("a.png", "b.png", "c.png")])
def test_as_many_pictures_are_shown_as_the_item_has_where_there_are_such(images: tuple[str, ...]) -> None:
    others = [one("1", "d.png"), one("2", "e.png", "f.png"), one("3", "g.png", "h.png", "i.png")]
    assert another(one("x", *images), *others) == others[len(images) - 1].images


def test_with_no_others_of_as_many_there_are_fewer_or_the_first_of_more() -> None:
    assert another(one("x", "a.png", "b.png"), one("1", "d.png")) == ("d.png",)
    assert another(one("x", "a.png"), one("2", "e.png", "f.png")) == ("e.png",)


@pytest.mark.parametrize(
    "other",
    [
        one("y", "x.png"),
        one("y", "z.png", "x.png"),
        one("y", "answer.png"),
        one("y", "y.png", cluster="scene"),
        one("y", skip="the picture is broken"),
        item("pair", id="y", images=[]),
    ],
    ids=["same", "one the same", "an answer's", "cluster", "skipped", "none"],
)
def test_there_is_no_other_item_with_other_pictures(other: Item) -> None:
    given_item = one("x", responses=[{"text": "made", "images": ["answer.png"]}], cluster="scene")
    assert another(given_item, other) is None


def test_pictures_are_the_same_by_their_bytes(tmp_path: Path) -> None:
    for name in ("x", "copy", "other"):
        (tmp_path / f"{name}.png").write_bytes(b"other" if name == "other" else b"x")
    here = {"folder": tmp_path}
    assert another(one("x", **here), one("copy", **here)) is None
    assert another(one("x", **here), one("copy", **here), one("other", **here)) == ("other.png",)


def test_a_picture_that_is_missing_stands_in_for_no_other_and_nothing_for_it(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"x")
    here = {"folder": tmp_path}
    assert another(one("x", **here), one("missing", **here)) is None
    assert another(one("missing", **here), one("x", **here)) is None


def test_pictures_of_another_folder_are_not_found_from_this_one(tmp_path: Path) -> None:
    assert another(one("x"), one("y", folder=tmp_path)) is None


def test_pictures_are_drawn_by_lot_and_nobodys_is_shown_for_all(tmp_path: Path) -> None:
    many = [one(f"i{n}") for n in range(300)]
    around = Around(items=many)
    shown = Counter(vary(each, around)["another"].images for each in many)
    assert max(shown.values()) < 8
    assert len(shown) > 150
    again = Around(items=many)
    assert all(vary(each, around)["another"] == vary(each, again)["another"] for each in many)


def test_every_item_of_the_world_is_shown_another_picture() -> None:
    folder = PROJECT / "fixtures" / "shapes"
    world = [each.model_copy(update={"folder": folder}) for each in generate.items()]
    around = Around(items=world)
    for each in world:
        made = vary(each, around)
        assert list(made) == list(VARIANTS)
        (mine,), (others,) = each.images, made["another"].images
        assert (folder / mine).read_bytes() != (folder / others).read_bytes()


def test_ten_thousand_items_take_seconds_whatever_their_clusters() -> None:
    crowd = [one(f"i{n}", "shared.png", f"i{n}.png", cluster=f"c{n}") for n in range(10_000)]
    around, start = Around(items=crowd), process_time()
    assert not any("another" in vary(each, around) for each in crowd)
    assert process_time() - start < 10


@given(items(), st.lists(items(), max_size=6))
def test_whatever_the_items_the_pictures_of_another_are_none_of_its_own(
    given_item: Item, others: list[Item]
) -> None:
    made = altered(vary, given_item, Around(items=[given_item, *others]))
    assert list(made) == [name for name in VARIANTS if name in made]
    if (shown := made.get("another")) is not None:
        assert 0 < len(shown.images) <= len(given_item.images)
        assert not set(shown.images) & set(given_item.every_image)
