"""Several verdicts in one reply, each at the name of its criterion."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from pydantic import JsonValue

from pytest_mllm_judge.judging.parsing import fields as parts
from pytest_mllm_judge.judging.parsing.readings import Reading, agreed
from pytest_mllm_judge.judging.parsing.vocabulary import Vocabulary

_SCORE_KEYS = ("score", "rating", "verdict")


def read_criteria(
    words: Vocabulary, criteria: tuple[str, ...], text: str, objects: list[parts.JsonObject]
) -> dict[str, Reading | None]:
    """What a reply states of each criterion: in its JSON, else after the criterion's name and a colon."""
    readings: dict[str, list[Reading | None]] = {name: [] for name in criteria}
    for each in objects:
        for name, value in _values(each.data, criteria):
            readings[name].append(_reading(words, value))
    if not any(readings.values()):
        for name, after in _after_names(text, criteria):
            readings[name].append(words.read(after))
    return {name: agreed(found) for name, found in readings.items()}


def _values(data: Mapping[str, JsonValue], criteria: tuple[str, ...]) -> Iterator[tuple[str, JsonValue]]:
    """The values of an object's keys that name a criterion, also inside its `Judgement`."""
    for key, value in data.items():
        if parts.is_verdict_key(key) and isinstance(value, dict):
            yield from _values(value, criteria)
        elif match := _names(criteria).fullmatch(parts.folded(key).strip(" \t\n*_:\"'")):
            yield _named(match, criteria), value


def _reading(words: Vocabulary, value: JsonValue) -> Reading | None:
    if not isinstance(value, dict):
        return words.read_value(value)
    inner = [
        each
        for key, each in value.items()
        if parts.is_verdict_key(key) or key.strip().casefold() in _SCORE_KEYS
    ]
    return agreed(words.read_value(each) for each in inner)


def _after_names(text: str, criteria: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The text after each criterion's name and a colon, up to the next name."""
    for match, after in parts.after_each(_markers(criteria), parts.folded(text)):
        if match.lastgroup != "other":
            yield _named(match, criteria), after


@lru_cache(maxsize=64)
def _names(criteria: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(_name_pattern(criteria), re.I)


@lru_cache(maxsize=64)
def _markers(criteria: tuple[str, ...]) -> re.Pattern[str]:
    """A criterion's name, maybe with the word `Judgement`, and a colon; or another field's (`other`)."""
    own = rf"(?<!\w){_name_pattern(criteria)}[\"'*_`\s)]{{0,8}}+:"
    return re.compile(rf"{own}|(?<!\w)(?P<other>judge?ments?|analysis)[\"'*_`\s]{{0,8}}+:", re.I)


def _name_pattern(criteria: tuple[str, ...]) -> str:
    longest_first = sorted(range(len(criteria)), key=lambda place: -len(criteria[place]))
    names = "|".join(f"(?P<c{place}>{re.escape(parts.folded(criteria[place]))})" for place in longest_first)
    return rf"(?:judge?ments?\s{{0,4}}(?:of|for)?[\s(]{{1,4}})?(?:{names})(?:\s{{1,4}}judge?ments?)?"


def _named(match: re.Match[str], criteria: tuple[str, ...]) -> str:
    return next(name for place, name in enumerate(criteria) if match[f"c{place}"] is not None)
