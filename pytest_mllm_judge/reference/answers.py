"""What the world's four answer models say of a scene, with as many errors as they are told to make."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from pytest_mllm_judge.reference.grammar import OPENERS, say
from pytest_mllm_judge.reference.statements import (
    Beside,
    Cell,
    Compare,
    Count,
    Extreme,
    More,
    Place,
    Row,
    Statement,
)
from pytest_mllm_judge.reference.topics import Topic

CLAIMS = (4, 7)
"""The fewest and the most claims in an answer; an answer can't have more errors than claims."""


@dataclass(frozen=True, kw_only=True)
class Author:
    """How an answer model writes: digits or words, which phrasings, how sentences start and hang together.

    No author makes more errors than another: style says nothing of quality.
    """

    digits: bool
    phrasings: int
    opens: float = 0.0
    joins: float = 0.0
    chats: float = 0.0


AUTHORS = {
    "model-a": Author(digits=True, phrasings=1),
    "model-b": Author(digits=False, phrasings=4, opens=0.15, chats=0.5),
    "model-c": Author(digits=True, phrasings=4, opens=0.35, chats=0.3),
    "model-d": Author(digits=False, phrasings=2, joins=0.5),
}

CHAT = (
    "I went over the picture twice.",
    "The drawing is plain and easy to read.",
    "Everything is drawn on a white ground.",
    "I hope this helps.",
)
"""Sentences that claim nothing."""


def instruction(topic: Topic, rng: Random) -> str:
    """A question about the topic, and a request to say more."""
    more = ("Describe the picture as well.", "Say what else you see.", "Then describe the picture briefly.")
    return f"{_question(topic.true)} {rng.choice(more)}"


def _question(claim: Statement) -> str:  # noqa: PLR0911 - one for each kind of claim
    """The question to which the claim could be an answer."""
    match claim:
        case Count(noun, colour, _):
            return f"How many {colour + ' ' if colour else ''}{noun}s are there?"
        case More(noun, colour, other):
            first, second = sorted((colour, other))
            return f"Are there more {first} {noun}s or more {second} ones?"
        case Beside(noun, colour, _, other_noun, other):
            return f"Where is the {colour} {noun}, seen from the {other} {other_noun}?"
        case Extreme(noun, most, _):
            return f"Which {noun} is the {most}?"
        case Compare(noun, colour, _, other):
            return f"How does the size of the {colour} {noun} compare with that of the {other} one?"
        case Cell(row, column, _):
            return f"What colour is the cell in row {row}, column {column}?"
        case Row(row, colour, _):
            return f"How many cells of row {row} are {colour}?"
        case Place(colour, _):
            return f"Where does the {colour} bar stand, counted from the left?"


def answer(asked: Topic, topics: list[Topic], *, author: str, errors: int, rng: Random) -> str:
    """An answer that claims something about `asked` and other topics, exactly `errors` of it wrongly.

    The number of claims is drawn without a look at the errors, so length says nothing of quality.
    """
    others = [topic for topic in topics if topic is not asked]
    said = [asked, *rng.sample(others, rng.randint(*CLAIMS) - 1)]
    wrong = set(rng.sample(range(len(said)), errors))
    claims = [rng.choice(topic.false) if place in wrong else topic.true for place, topic in enumerate(said)]
    return _text(claims, AUTHORS[author], rng)


def _text(claims: list[Statement], style: Author, rng: Random) -> str:
    text = ""
    for place, claim in enumerate(claims):
        said = say(claim, phrasing=rng.randrange(style.phrasings), digits=style.digits)
        # Every author takes the same number of draws, so that a change of one's style moves no other's.
        opens, joins = rng.random() < style.opens, rng.random() < style.joins
        opener = rng.choice(OPENERS)
        if place and joins and text.endswith("."):
            text = f"{text[:-1]}, and {_plain(said)}."
        else:
            text += (" " if text else "") + _sentence(opener + _plain(said) if opens else said)
    return f"{text} {rng.choice(CHAT)}" if rng.random() < style.chats else text


def _sentence(said: str) -> str:
    return said[0].upper() + _plain(said)[1:] + "."


def _plain(said: str) -> str:
    return re.sub(r"\bi\b", "I", said)
