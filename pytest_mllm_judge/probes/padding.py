"""The favoured answer made longer without content."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle, islice

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.probes.favoured import lot, saying, text_of
from pytest_mllm_judge.probes.probe import Around

(PADDED,) = VARIANTS = ("padded",)

SENTENCES = (
    "This was said in reply to what was asked.",
    "The words above are meant as they stand.",
    "They came to mind in the order in which they are put.",
    "It could have been said in other words as well.",
    "Other words would have come to the same.",
    "A reader may take it as it is written.",
    "So much for what was asked.",
    "What follows from it is left to the reader.",
    "The question was read before it was answered.",
    "That is how it is put here.",
    "Whoever reads this has now read it.",
    "It ends when it has been said.",
)
"""What the padder adds: nothing about a picture, no number, no praise of the answer, no request."""


def vary(item: Item, around: Around) -> Mapping[str, Item]:
    """`padded`; nothing if the favoured answer has no text, or the padder leaves it as it is.

    The setting `padder` names a function of the user's own; see `pad` for what it is given. Raise
    SettingsError if what it returns is no text.
    """
    text = text_of(item)
    if not text.strip():
        return {}
    longer = _padded(text, item, around)
    return {PADDED: saying(item, longer)} if longer != text else {}


def pad(text: str, item: Item) -> str:
    """An answer's text with sentences added: at least twice as long, and longer than the item's others.

    Which sentence comes first is drawn by lot for each item.
    """
    needed = max(2 * len(text), *(len(response.text or "") + 1 for response in item.responses))
    pieces, length = [text], len(text)
    for sentence in islice(cycle(SENTENCES), lot(item.id, len(SENTENCES)), None):
        if length >= needed:
            break
        pieces.append(sentence)
        length += 1 + len(sentence)
    return " ".join(pieces)


def _padded(text: str, item: Item, around: Around) -> str:
    name = around.settings.get("padder")
    if name is None:
        return pad(text, item)
    if not isinstance(name, str):
        raise SettingsError(f"padder is {name!r}; name a function: 'module:function' or 'file.py:function'")
    padder = around.kept.get(f"padder {name}")
    if padder is None:
        padder = around.kept[f"padder {name}"] = around.load(name)
    longer = padder(text, item)
    if not isinstance(longer, str):
        kind = type(longer).__name__
        raise SettingsError(f"padder {name!r} must return a text, and returned a {kind} for item {item.id!r}")
    return longer
