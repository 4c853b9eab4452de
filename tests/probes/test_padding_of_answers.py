"""An answer made longer without content."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.favoured import favoured
from pytest_mllm_judge.probes.padding import PADDED, SENTENCES, pad, vary
from pytest_mllm_judge.probes.probe import Around
from pytest_mllm_judge.reference import generate
from pytest_mllm_judge.reference.dials import PAIR, SCORE, batch
from pytest_mllm_judge.reference.grammar import NUMBERS, claims
from pytest_mllm_judge.reference.requests import requested
from pytest_mllm_judge.reference.style import author_of

from .altered import AROUND, altered, item, items


def test_only_the_favoured_answer_is_longer_than_all_and_twice_what_it_was() -> None:
    for one in generate.items():
        padded, place = vary(one, AROUND)[PADDED], favoured(one)
        before, after = str(one.responses[place].text), str(padded.responses[place].text)
        assert after.startswith(before + " ")
        assert len(after) >= 2 * len(before)
        others = [r for n, r in enumerate(padded.responses) if n != place]
        assert others == [r for n, r in enumerate(one.responses) if n != place]
        assert all(len(after) > len(str(other.text)) for other in others)


def test_the_padding_claims_nothing_of_a_picture_and_tells_nobody_another_author() -> None:
    for one in generate.items():
        before, after = str(one.responses[favoured(one)].text), pad(_text(one), one)
        assert claims(after) == claims(before)
        assert author_of(after) == author_of(before), before


def _text(one: Item) -> str:
    return str(one.responses[favoured(one)].text)


def test_the_padding_holds_no_number_no_praise_and_no_request() -> None:
    words = set(re.findall(r"[a-z]+", " ".join(SENTENCES).lower()))
    assert not words & {*NUMBERS, "zero", "first", "second", "third"}
    assert not words & {"good", "right", "correct", "best", "better", "clear", "true", "well-founded", "sure"}
    assert not re.search(r"\d", " ".join(SENTENCES))
    for choice in (SCORE, PAIR, batch("ABCD")):
        assert requested(" ".join(SENTENCES * 2), choice, own="A") is None


def test_each_item_begins_with_a_sentence_of_its_own_lot() -> None:
    begun = {pad("Two.", item("score", id=f"s{n}"))[5:].partition(".")[0] + "." for n in range(200)}
    assert begun == set(SENTENCES)


@given(items())
def test_whatever_the_item_the_padded_answer_still_says_what_it_said(given_item: Item) -> None:
    made = altered(vary, given_item)
    place = favoured(given_item)
    before = given_item.responses[place].text or ""
    assert list(made) == ([PADDED] if before.strip() else [])
    for one in made.values():
        after = str(one.responses[place].text)
        assert after.startswith(before)
        assert len(after) >= 2 * len(before)
        assert len(after) > max(len(response.text or "") for response in given_item.responses)
        assert one.responses[place].images == given_item.responses[place].images


def around(padder: Any, *, name: Any = "ours.py:padder") -> Around:
    return Around(settings={"padder": name}, load={"ours.py:padder": padder}.__getitem__)


def test_a_padder_of_the_users_own_is_given_the_text_and_the_item() -> None:
    ours = around(lambda text, one: f"{text} ({one.task}, {one.id})")
    made = altered(vary, item("pair", human="A"), ours)
    assert made[PADDED].responses[1].text == "There are four. I see a red bar. (pair, pair)"


def test_a_padder_that_leaves_a_text_as_it_is_makes_no_variant() -> None:
    assert altered(vary, item("pair"), around(lambda text, _: text)) == {}


def test_a_padder_is_loaded_once() -> None:
    loaded = []

    def load(name: str) -> Any:
        loaded.append(name)
        return pad

    ours = Around(settings={"padder": "m:pad"}, load=load)
    assert vary(item("score"), ours) == vary(item("score"), ours) == vary(item("score"), AROUND)
    assert loaded == ["m:pad"]


@pytest.mark.parametrize(
    ("padder", "name", "message"),
    [
        (
            lambda text, _: [text],
            "ours.py:padder",
            "padder 'ours.py:padder' must return a text, and returned a list for item 'score'",
        ),
        (pad, 3, "padder is 3; name a function: 'module:function' or 'file.py:function'"),
    ],
)
def test_a_padder_that_gives_no_text_is_named(padder: Any, name: Any, message: str) -> None:
    with pytest.raises(SettingsError) as told:
        vary(item("score"), around(padder, name=name))
    assert str(told.value) == message
