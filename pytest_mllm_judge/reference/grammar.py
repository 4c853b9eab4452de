"""Claims as English sentences, and back: one table of phrasings serves both ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache

from pytest_mllm_judge.reference.scene import COLOURS
from pytest_mllm_judge.reference.statements import (
    MOST,
    THAN,
    WAYS,
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

NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_NOUNS = ("circle", "square", "triangle", "shape", "bar", "cell", "horizontal line", "vertical line", "line")

PHRASES: dict[type[Statement], tuple[str, ...]] = {
    Count: (
        "there {are} {number} {things}",
        "i count {number} {things}",
        "the picture shows {number} {things}",
        "i can see {number} {things}",
    ),
    More: (
        "there are more {colour} {plural} than {other} ones",
        "the {colour} {plural} outnumber the {other} ones",
        "i see more {colour} than {other} {plural}",
    ),
    Beside: (
        "the {colour} {noun} is {way} the {other} {other_noun}",
        "the {colour} {noun} lies {way} the {other} {other_noun}",
        "i find the {colour} {noun} {way} the {other} {other_noun}",
    ),
    Extreme: (
        "the {most} {noun} is {colour}",
        "of all the {plural} the {most} is {colour}",
        "{colour} is the colour of the {most} {noun}",
    ),
    Compare: (
        "the {colour} {noun} is {than} than the {other} one",
        "the {colour} {noun} is {than} than the {other} {noun_again}",
        "compared with the {other} {noun} the {colour} one is {than}",
    ),
    Cell: (
        "the cell in row {row}, column {column} is {colour}",
        "in row {row}, column {column}, the cell is {colour}",
        "{colour} is the colour of the cell in row {row}, column {column}",
    ),
    Row: (
        "row {row} has {number} {things}",
        "in row {row} there {are} {number} {things}",
        "i count {number} {things} in row {row}",
    ),
    Place: (
        "the {ordinal} bar from the left is {colour}",
        "the {colour} bar is the {ordinal} from the left",
        "counted from the left, the {colour} bar is number {number}",
    ),
}
"""How each kind of claim can be said; every phrasing of a kind says the same."""

OPENERS = ("looking closely, ", "as far as i can see, ", "in this picture, ", "to begin with, ")
"""What may stand before a claim without changing it."""


def _either(words: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    return "(?:" + "|".join(sorted(map(re.escape, words), key=len, reverse=True)) + ")"


_NUMBER = _either([*NUMBERS, "zero"])[:-1] + r"|\d{1,3})"
_SLOTS = {
    "are": "(?:is|are)",
    "number": _NUMBER,
    "row": _NUMBER,
    "column": _NUMBER,
    "colour": _either(list(COLOURS)),
    "other": _either(list(COLOURS)),
    "noun": _either(_NOUNS),
    "noun_again": _either(_NOUNS),
    "other_noun": _either(_NOUNS),
    "plural": _either([noun + "s" for noun in _NOUNS]),
    "things": f"(?:{_either(list(COLOURS))} )?{_either(_NOUNS)}s?",
    "most": _either(list(MOST)),
    "than": _either(list(THAN)),
    "way": _either(WAYS),
    "ordinal": _either(_ORDINALS),
}


@dataclass(frozen=True)
class Sentence:
    """A piece of an answer as it was written, and the claim it makes."""

    text: str
    claim: Statement


def say(claim: Statement, *, phrasing: int, digits: bool) -> str:
    """The claim in words, in lower case and without a full stop. `phrasing` is taken modulo their number."""
    phrases = PHRASES[type(claim)]
    return phrases[phrasing % len(phrases)].format_map(_words(claim, digits=digits))


def _words(claim: Statement, *, digits: bool) -> dict[str, str]:
    values = {field.name: getattr(claim, field.name) for field in fields(claim)}
    number, noun = values.get("number"), values.get("noun", "cell")
    words = {name: _number(value, digits) for name, value in values.items() if isinstance(value, int)}
    words |= {name: value for name, value in values.items() if isinstance(value, str)}
    things = noun if number == 1 else noun + "s"
    words["things"] = f"{values['colour']} {things}" if values["colour"] else things
    words |= {"are": "is" if number == 1 else "are", "noun": noun, "noun_again": noun, "plural": noun + "s"}
    if isinstance(claim, Place):
        words["ordinal"] = _ORDINALS[claim.number - 1]
    return words


def _number(number: int, digits: bool) -> str:
    return NUMBERS[number] if not number or (not digits and number < len(NUMBERS)) else str(number)


def claims(text: str) -> list[Sentence]:
    """The different claims that a text makes, in order; what makes none, or says one again, is left out."""
    found: dict[Statement, Sentence] = {}
    for piece in re.split(r"[.!?;\n]+|, and ", text):
        claim = read(piece)
        if claim is not None:
            found.setdefault(claim, Sentence(piece.strip(), claim))
    return list(found.values())


def read(piece: str) -> Statement | None:
    """The claim that one piece of a text makes, or None."""
    plain = re.sub(r"\s+", " ", piece).strip(" *-\"'").lower()
    for opener in OPENERS:
        plain = plain.removeprefix(opener)
    for kind, patterns in _patterns().items():
        for pattern in patterns:
            if (match := pattern.fullmatch(plain)) is not None:
                return _claim(kind, match.groupdict())
    return None


@cache
def _patterns() -> dict[type[Statement], tuple[re.Pattern[str], ...]]:
    return {kind: tuple(_pattern(phrase) for phrase in phrases) for kind, phrases in PHRASES.items()}


def _pattern(phrase: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", phrase)
    odd = (
        f"(?P<{part}>{_SLOTS[part]})" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )
    return re.compile("".join(odd))


def _claim(kind: type[Statement], words: dict[str, str]) -> Statement | None:
    """The claim of a kind with these words; None where they make no sense, such as bars in a row of cells."""
    values: dict[str, object] = {**words}
    if (things := words.get("things")) is not None:
        values |= _things(things)
    if (plural := words.get("plural")) is not None:
        values["noun"] = plural.removesuffix("s")
    if (ordinal := words.get("ordinal")) is not None:
        values["number"] = str(_ORDINALS.index(ordinal) + 1)
    for name in ("number", "row", "column"):
        if isinstance(said := values.get(name), str):
            values[name] = _value(said)
    if words.get("noun_again", values.get("noun")) != values.get("noun"):
        return None
    if kind is Row and (values["noun"] != "cell" or values["colour"] is None):
        return None
    return kind(**{field.name: values[field.name] for field in fields(kind)})  # type: ignore[arg-type]


def _things(things: str) -> dict[str, str | None]:
    first, _, rest = things.partition(" ")
    colour, noun = (first, rest) if first in COLOURS else (None, things)
    return {"colour": colour, "noun": noun.removesuffix("s")}


def _value(said: str) -> int:
    if said.isdigit():
        return int(said)
    return 0 if said == "zero" else NUMBERS.index(said)
