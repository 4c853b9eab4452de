"""Items to alter, and what holds of every altered item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.probe import Around, Vary

AROUND = Around()
_ANSWERS = {"score": 1, "pair": 2, "batch": 4}
_TEXTS = ("There are 3 bars.", "There are four. I see a red bar.", "Two.", "None at all, I think.")


def item(task: str, **more: Any) -> Item:
    """An item of a task, with one picture and texts as answers unless said otherwise."""
    responses = [{"text": text, "author": f"m{n}"} for n, text in enumerate(_TEXTS[: _ANSWERS[task]])]
    said = {"id": task, "task": task, "instruction": "How many?", "images": ["a.png"], "responses": responses}
    return Item.model_validate({**said, **more})


def altered(vary: Vary, given: Item, around: Around = AROUND) -> Mapping[str, Item]:
    """What a probe makes of an item, after a look at what always holds.

    The item itself is as before, every altered one is a valid item and another, with the same id, author
    and further fields, and asking a second time gives the same.
    """
    before = given.model_copy(deep=True)
    made = vary(given, around)
    assert given == before
    for name, one in made.items():
        assert name == name.strip().lower() != ""
        assert Item.model_validate(one.model_dump()).model_dump() == one.model_dump()
        for kept in ("id", "task", "fields", "cluster", "source", "must", "skip", "folder"):
            assert getattr(one, kept) == getattr(given, kept)
        assert sorted(str(r.author) for r in one.responses) == sorted(str(r.author) for r in given.responses)
        assert one != given
    again = vary(given, around)
    assert list(again) == list(made)
    assert again == made
    return made


_addresses = st.sampled_from(["a.png", "b.png", "c.jpg", "https://example.org/d.png"])
_images = st.lists(_addresses, max_size=4).map(tuple)
_words = st.text(st.sampled_from("ab3 .,!?*-\n#é。"), max_size=60) | st.text(max_size=20)
_responses = st.fixed_dictionaries(
    {"text": _words | st.none(), "images": _images, "author": st.sampled_from(["m1", "m2", None])}
).filter(lambda response: response["text"] is not None or response["images"])


@st.composite
def items(draw: st.DrawFn) -> Item:
    """Items of every task, with and without pictures, texts and labels."""
    task = draw(st.sampled_from(["score", "pair", "batch"]))
    low, high = {"score": (1, 1), "pair": (2, 2), "batch": (2, 6)}[task]
    responses = draw(st.lists(_responses, min_size=low, max_size=high))
    labels = {
        "score": st.integers(1, 5),
        "pair": st.sampled_from(["A", "B", "tie"]),
        "batch": st.permutations("ABCDEF"[: len(responses)]).map("".join),
    }
    return Item.model_validate(
        {
            "id": draw(st.text(min_size=1, max_size=5)),
            "task": task,
            "instruction": draw(st.sampled_from(["", "How many bars?"])),
            "responses": responses,
            "images": draw(_images),
            "human": draw(st.lists(labels[task] | st.none(), max_size=3)),
            "source": draw(st.sampled_from([None, "maps"])),
            "cluster": draw(st.sampled_from([None, "one", "two"])),
            "level": 3,
        }
    )
