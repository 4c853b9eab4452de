"""Pictures encoded anew, made smaller, tilted a little."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes import attack, grounding, images, padding
from pytest_mllm_judge.probes.pictures import on_the_web
from pytest_mllm_judge.probes.probe import Around
from pytest_mllm_judge.probes.reencoding import SETTINGS, VARIANTS, vary
from tests.conftest import PROJECT

from .altered import altered, item, items


def words(**settings: object) -> list[str]:
    made = altered(vary, item("score"), Around(settings=settings))  # type: ignore[arg-type]
    assert list(made) == list(VARIANTS)
    return [one.picture_changes["a.png"] for one in made.values()]


def test_quality_scale_and_degrees_are_what_the_settings_say() -> None:
    defaults = [f"{one.default:g}" for one in SETTINGS.values()]
    assert words() == [f"as-jpeg {defaults[0]}", f"scaled {defaults[1]}", f"tilted {defaults[2]}"]
    assert words(quality=30, scale=0.5, degrees=-1.5) == ["as-jpeg 30", "scaled 0.5", "tilted -1.5"]
    assert words(scale=1) == [f"as-jpeg {defaults[0]}", "scaled 1", f"tilted {defaults[2]}"]


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("quality", 0, "a whole number from 1 to 100"),
        ("quality", 101, "a whole number from 1 to 100"),
        ("quality", 85.0, "a whole number from 1 to 100"),
        ("scale", 0.05, "a number from 0.1 to 1"),
        ("scale", True, "a number from 0.1 to 1"),
        ("scale", "half", "a number from 0.1 to 1"),
        ("degrees", 90, "a number from -45 to 45"),
        ("degrees", None, "a number from -45 to 45"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: object, what: str) -> None:
    with pytest.raises(SettingsError) as told:
        words(**{name: value})
    assert str(told.value) == f"{name} is {value!r}; it must be {what}"


@given(items())
def test_every_picture_is_changed_and_the_item_is_the_same(given_item: Item) -> None:
    made = altered(vary, given_item)
    pictures = given_item.every_image
    assert bool(made) == (bool(pictures) and not any(map(on_the_web, pictures)))
    for one in made.values():
        assert one.model_dump() == given_item.model_dump()
        assert set(one.picture_changes) == set(pictures)


def test_the_page_tells_the_defaults_and_names_every_variant_of_every_probe() -> None:
    page = (PROJECT / "docs" / "probes.md").read_text(encoding="utf-8")
    for name, setting in SETTINGS.items():
        assert f"`{name}` {setting.default:g}" in page
        assert f"`{name}` ({setting.low:g} to {setting.high:g})" in page
    for variant in (*VARIANTS, *attack.VARIANTS, *grounding.VARIANTS, *images.VARIANTS, *padding.VARIANTS):
        assert f"| `{variant}` |" in page
    for sentence in (padding.SENTENCES[6], attack.vary(item("pair", human="A"), Around())["asks-in-picture"]):
        text = sentence if isinstance(sentence, str) else unquote(sentence.picture_changes["a.png"][8:])
        assert text in page.replace("\n", " ")
