"""Whose answer it is, known by the style it is written in: no judge is told who wrote an answer."""

from __future__ import annotations

import re
from functools import lru_cache
from math import log

from pytest_mllm_judge.reference.answers import AUTHORS, CHAT, Author
from pytest_mllm_judge.reference.grammar import OPENERS, read, say

_FOREIGN = 0.001
"""The chance that an author breaks with a habit."""


@lru_cache(maxsize=4096)
def author_of(text: str) -> str:
    """The answer model whose habits fit a text best: its numbers, phrasings, openers, joined sentences."""
    return max(AUTHORS, key=lambda name: _likelihood(text, AUTHORS[name]))


def _likelihood(text: str, author: Author) -> float:
    """The log probability of a text's style, if this author wrote it."""
    chats = any(sentence in text for sentence in CHAT)
    sum_of_logs = _chance(author.chats, happened=chats)
    for sentence in re.split(r"[.!?;\n]+", text):
        for place, piece in enumerate(sentence.split(", and ")):
            sum_of_logs += _said(piece, author, joined=place > 0)
    return sum_of_logs


def _said(piece: str, author: Author, *, joined: bool) -> float:
    """The log probability of one claim's words; 0 for what claims nothing, since that can be added."""
    plain = re.sub(r"\s+", " ", piece).strip(" *-").lower()
    claimed = next((plain.removeprefix(one) for one in OPENERS if plain.startswith(one)), plain)
    if (claim := read(claimed)) is None:
        return 0.0
    sayings = [say(claim, phrasing=n, digits=author.digits) for n in range(author.phrasings)]
    share = sum(saying == claimed for saying in sayings) / len(sayings)
    habits = _chance(author.opens, happened=claimed != plain) + _chance(author.joins, happened=joined)
    return log(max(share, _FOREIGN)) + habits


def _chance(share: float, *, happened: bool) -> float:
    return log(max(share if happened else 1 - share, _FOREIGN))
