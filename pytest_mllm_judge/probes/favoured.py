"""The answer of an item that a probe speaks for, and a copy of the item in which it says something else."""

from __future__ import annotations

import hashlib

from pytest_mllm_judge.model import Item


def favoured(item: Item) -> int:
    """The place, from 0, of the answer that humans like less: a judge has no reason to prefer it.

    The only answer of a score item; of a pair the one that most annotators did not prefer; of a batch the
    last of the ranking that most annotators gave. By lot where they say nothing of it: no label, a tie, no
    single label that most gave, criteria.
    """
    label = item.majority()
    if item.task == "pair" and label in ("A", "B"):
        return "BA".index(label)
    if item.task == "batch" and isinstance(label, str) and label[-1:] in set(item.letters):
        return item.letters.index(label[-1])
    return lot(item.id, len(item.responses))


def lot(name: str, many: int) -> int:
    """A number from 0 to `many` - 1 that depends on nothing but the name."""
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()) % many


def text_of(item: Item) -> str:
    """The favoured answer's text; '' if it has none."""
    return item.responses[favoured(item)].text or ""


def saying(item: Item, text: str) -> Item:
    """The item with another text in its favoured answer."""
    place = favoured(item)
    responses = list(item.responses)
    responses[place] = responses[place].model_copy(update={"text": text})
    return item.model_copy(update={"responses": tuple(responses)})
