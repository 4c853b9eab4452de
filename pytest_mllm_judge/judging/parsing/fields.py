"""The named parts of a reply: its JSON objects, and the `Key:` markers of a text that is not quite JSON."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

DEPTH = 6
"""A field's lists and tables are kept so many levels deep; what lies deeper is kept as text."""

_BRACES = re.compile(r"\\.|[\"{}]", re.S)
_VERDICT_KEY = re.compile(r"judge?ments?", re.I)
_MARKER = re.compile(r"(?:(?<![A-Za-z])j|(?-i:(?<=[a-z])J))udge?ments?[\"'*_`\s]{0,8}+:", re.I)
_NAMED = re.compile(
    r"(?:^|[\s{,.}\"'*_`:;)])"
    r"(?:(Figure Analysis|Analysis|Response|Explanation|Reasoning|Rationale|Judge?ments?)[\"'*_`\s]{0,8}+:"
    r"|[\"']([A-Za-z][\w ]{0,40})[\"']\s{0,8}+:)",
    re.I,
)
_OPENS = re.compile(r"\s*+(?:```\w*+\s*+)?\{")
# One character for one: what is found in a folded text stands at the same place in the reply's own.
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


@dataclass
class JsonObject:
    """A JSON object inside a reply: where it stands, its keys, and every `Judgement` at any depth."""

    start: int
    end: int
    data: dict[str, JsonValue] = field(default_factory=dict)
    verdicts: list[JsonValue] = field(default_factory=list)


def folded(text: str) -> str:
    """A text with full-width ASCII made plain; as long as it was."""
    return text.translate(_FULL_WIDTH)


def json_objects(text: str) -> list[JsonObject]:
    """The outermost objects in a text that are valid JSON, control characters in strings aside."""
    return [found for start, end in _spans(text) if (found := _object(text, start, end)) is not None]


def _spans(text: str) -> Iterator[tuple[int, int]]:
    depth, start, in_string = 0, 0, False
    for match in _BRACES.finditer(text):
        mark = match[0]
        if mark == '"' and depth:
            in_string = not in_string
        elif mark == "{" and not in_string:
            start = start if depth else match.start()
            depth += 1
        elif mark == "}" and depth and not in_string:
            depth -= 1
            if not depth:
                yield start, match.end()


def _object(text: str, start: int, end: int) -> JsonObject | None:
    found = JsonObject(start, end)

    def note(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
        found.verdicts += [value for key, value in pairs if is_verdict_key(key)]
        return dict(pairs)

    try:
        data = json.loads(
            text[start:end],
            strict=False,
            object_pairs_hook=note,
            parse_constant=str,
            parse_float=_finite,
            parse_int=_countable,
        )
    except (ValueError, RecursionError):
        return None
    # Ten thousand replies have the same few keys.
    found.data = {sys.intern(plain_text(key)): plain(value) for key, value in data.items()}
    return found


def is_verdict_key(key: str) -> bool:
    """Whether a key is `Judgement`, however it is spelled and decorated."""
    return _VERDICT_KEY.fullmatch(folded(key).strip(" \t\n*_:\"'")) is not None


def _finite(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _countable(text: str) -> int | str:
    return int(text) if len(text) <= 30 else text


def plain(value: Any, *, depth: int = DEPTH) -> JsonValue:
    """A JSON value that can be kept: text without lone surrogates, not too deep."""
    if isinstance(value, str):
        return plain_text(value)
    if not isinstance(value, dict | list):
        return value  # type: ignore[no-any-return]
    if not depth:
        return "…"
    if isinstance(value, list):
        return [plain(each, depth=depth - 1) for each in value]
    return {plain_text(key): plain(each, depth=depth - 1) for key, each in value.items()}


def plain_text(text: str) -> str:
    """A text that UTF-8 can hold: a lone surrogate, which JSON can spell, is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def outside(text: str, objects: list[JsonObject]) -> str:
    """A folded text whose objects with a verdict are blanked by a character that ends any reading."""
    pieces, place = [], 0
    for each in objects:
        if each.verdicts:
            pieces += [text[place : each.start], "\0" * (each.end - each.start)]
            place = each.end
    return folded("".join([*pieces, text[place:]]))


def after_each(pattern: re.Pattern[str], text: str) -> list[tuple[re.Match[str], str]]:
    """Every match, with the text from its end to the next match or the text's end."""
    matches = list(pattern.finditer(text))
    stops = [match.start() for match in matches[1:]] + [len(text)]
    return [(match, text[match.end() : stop]) for match, stop in zip(matches, stops, strict=False)]


def after_verdict_markers(text: str) -> list[str]:
    """What follows each `Judgement:` of a folded text, up to the next one."""
    if "udg" not in text.lower():  # quicker than to look for the whole word
        return []
    return [after for _, after in after_each(_MARKER, text)]


def named_parts(text: str, objects: list[JsonObject]) -> dict[str, JsonValue]:
    """Every field of a reply: its objects' keys, or without any object its text's `Key:` parts."""
    fields: dict[str, JsonValue] = {}
    for each in objects:
        fields.update(each.data)
    return fields or _text_parts(text)


def _text_parts(text: str) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {}
    for match, after in after_each(_NAMED, folded(text)):
        name = " ".join((match[1] or match[2]).split())
        name = "Judgement" if is_verdict_key(name) else name[:1].upper() + name[1:]
        own = text[match.end() : match.end() + len(after)]
        fields.setdefault(name, plain_text(own).strip(" \t\r\n{},\"'*`"))
    return fields


def opens_without_closing(text: str) -> bool:
    """Whether a reply begins a JSON object, maybe in a code fence, and never closes it."""
    begun = _OPENS.match(text)
    if begun is None or text.rstrip("` \t\r\n").endswith("}"):
        return False
    return all(start != begun.end() - 1 for start, _ in _spans(text))
