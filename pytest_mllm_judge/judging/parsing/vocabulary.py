"""How verdicts are spelled: labels and words, points of a scale, rankings.

A vocabulary reads a text that ought to be a verdict: what stands at its start, up to a full stop, a line's
end or the like, and what stands in double brackets anywhere in it. Nothing is rounded, completed or chosen.
"""

from __future__ import annotations

import re
import unicodedata
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from pydantic import JsonValue

from pytest_mllm_judge.judging.parsing.readings import Reading, agreed, quoted
from pytest_mllm_judge.model import Item, Label, Tasks

HEAD = 400
"""A verdict at the start of a text is looked for in so many characters (beside its own length)."""

# Quantifiers that could meet the same run of characters twice are possessive or bounded: time is linear.
_DECORATION = r"[\s\"'*_`{(\[:]*+"
_LEAD_IN = re.compile(
    rf"{_DECORATION}(?:(?:rank(?:ing)?|score|rating|verdict|answer)\s*+[:=]{_DECORATION})?", re.I
)
_END = re.compile(
    r"\s*+(?:$|</?\w|<\||[.,](?!\d)|'(?!\w)|[;!})\]\"*`(。、\0]|[-–—:]\s|Explanation\b)|[ \t]*+[\r\n]"
)
_CLOSED = re.compile(r"[\s\]})\"'*_`.!。]*+$")
_OR = re.compile(r"\s*+(?:[,/|&~–—-]|or\b|and\b|to\b|或|和|与)\s*+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4}(?![0-9]))?")
_OUT_OF = re.compile(r"\s*+(?:/|out of)\s*+", re.I)
_IN_BRACKETS = re.compile(r"\[\[([^\[\]]{1,200})\]\]")
_L = r"[\"']?([A-Z])[\"']?"
_LISTED = re.compile(rf"\[\s*+{_L}(?:\s*+[,;>]\s*+{_L})++\s*+\]")
_EACH = re.compile(rf"\[{{1,2}}\s*+{_L}\s*+\]{{1,2}}(?:\s*+(?:[,;>]\s*+)?\[{{1,2}}\s*+{_L}\s*+\]{{1,2}})++")
_BARE = re.compile(rf"{_L}(?:\s*+[,;>]\s*+{_L})++")
_COMPACT = re.compile(r"[A-Z]++")


class Vocabulary(ABC):
    """The verdicts of one item. `expected` names them, for a message."""

    def __init__(self, expected: str) -> None:
        self.expected = expected
        # Most replies of a benchmark state one of few values.
        self._read_text = lru_cache(maxsize=512)(self._one)

    @abstractmethod
    def _at_start(self, text: str, end: re.Pattern[str] = _END) -> Reading | None:
        """What stands at the start of a normalised text without decoration, if `end` follows."""

    @abstractmethod
    def _in_brackets(self, text: str, *, alone: bool) -> Iterator[Reading]:
        """Every verdict in double brackets of a normalised text; not `alone` after the word `Judgement`."""

    def _as_a_whole(self, text: str) -> Reading | None:
        """What a normalised text is, if it is a verdict and nothing else."""
        del text
        return None

    def read(self, text: str) -> Reading | None:
        """What a text states that follows the word `Judgement`."""
        text = unicodedata.normalize("NFKC", text)
        whole = self._as_a_whole(text)
        return whole or agreed((self._at_start(undecorated(text)), *self._in_brackets(text, alone=False)))

    def anywhere(self, text: str) -> Reading | None:
        """What stands in double brackets of a text that never says `Judgement`."""
        return agreed(self._in_brackets(unicodedata.normalize("NFKC", text), alone=True))

    def bare(self, text: str) -> Reading | None:
        """What a text states that is a verdict and its decoration, and nothing else."""
        text = unicodedata.normalize("NFKC", text)
        return self._as_a_whole(text) or self._at_start(undecorated(text), _CLOSED)

    def may_go_on(self, text: str) -> bool:
        """Whether a text that stops here may be the beginning of another verdict, as 1 is of 10."""
        begun = undecorated(text)
        return any(other.startswith(begun) and other != begun for other in self._written())

    def _written(self) -> Iterable[str]:
        """Every verdict as it is written, where one can be the beginning of another."""
        return ()

    def read_value(self, value: JsonValue) -> Reading:
        """What a JSON value states. Whatever is not a verdict is unclear."""
        if isinstance(value, list):
            return self._read_list(value)
        if isinstance(value, str):
            return self._read_text(value) if len(value) <= HEAD else self._one(value)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        reading = self.read(repr(value)) if is_number else None
        return reading or self._unclear(value)

    def _one(self, text: str) -> Reading:
        return self.read(text) or self._unclear(text)

    def _unclear(self, value: JsonValue) -> Reading:
        return Reading(unclear=f"it states {quoted(str(value))}, which is not {self.expected}")

    def _read_list(self, values: list[JsonValue]) -> Reading:
        flat = list(_flat(values))[:HEAD]
        return agreed(map(self.read_value, flat)) or Reading(unclear="it states an empty list")


class Spellings(Vocabulary):
    """Labels and words, each with what it means; case does not matter unless two differ by it alone."""

    def __init__(self, meanings: Mapping[str, Label], *, expected: str, letters: bool = False) -> None:
        super().__init__(expected)
        self._fold = _folding(meanings)
        spelled = _spelled(meanings)
        self._spelled = dict(sorted(spelled.items(), key=lambda pair: -len(pair[0])))
        self._head = HEAD + max(map(len, self._spelled), default=0)
        self._letters = letters

    def _as_a_whole(self, text: str) -> Reading | None:
        # A label may begin with what else would be decoration, such as `(none)`.
        whole = self._fold(text.strip())
        matching = (label for spelling, label in self._spelled.items() if self._fold(spelling) == whole)
        return next(map(Reading, matching), None)

    def _written(self) -> Iterable[str]:
        return self._spelled

    def _at_start(self, text: str, end: re.Pattern[str] = _END) -> Reading | None:
        head = text[: self._head]
        for spelling, label in self._spelled.items():
            begun, rest = head[: len(spelling)], head[len(spelling) :]
            if self._fold(begun) == self._fold(spelling) and (reading := self._judged(label, rest, end)):
                return reading
        return None

    def _judged(self, label: Label, rest: str, end: re.Pattern[str]) -> Reading | None:
        if other := self._alternative(rest, label):
            return Reading(unclear=f"it states both {label!r} and {other!r}")
        return Reading(label) if end.match(rest) else None

    def _alternative(self, rest: str, label: Label) -> Label | None:
        between = _OR.match(rest)
        after = rest[between.end() :] if between else ""
        for spelling, other in self._spelled.items():
            if other != label and after.startswith(spelling) and not after[len(spelling) :][:1].isalnum():
                return other
        return None

    def _in_brackets(self, text: str, *, alone: bool) -> Iterator[Reading]:
        del alone
        for match in _IN_BRACKETS.finditer(text):
            inner = undecorated(match[1])
            if reading := self._as_a_whole(match[1]) or self._at_start(inner):
                yield reading
            elif self._letters and len(inner) == 1 and inner.isupper():
                yield Reading(unclear=f"it states {inner!r}, which is not {self.expected}")


class Points(Vocabulary):
    """The points of a numeric scale: the number itself, or out of the scale's top."""

    def __init__(self, points: Sequence[int | float], *, expected: str) -> None:
        super().__init__(expected)
        self._points = tuple(points)

    def _at_start(self, text: str, end: re.Pattern[str] = _END) -> Reading | None:
        head = text[:HEAD]
        number = _NUMBER.match(head)
        if number is None:
            return None
        rest = head[number.end() :]
        if out_of := _OUT_OF.match(rest):
            top = _NUMBER.match(rest, out_of.end())
            if top is None or _number(top[0]) != self._points[-1]:
                return Reading(
                    unclear=f"it states {quoted(head[:40])}, which is not out of {self._points[-1]}"
                )
            rest = rest[top.end() :]
        if (between := _OR.match(rest)) and _NUMBER.match(rest, between.end()):
            return Reading(unclear=f"it states more than one number, {quoted(head[:40])}")
        return self._point(number[0]) if end.match(rest) else None

    def _point(self, text: str) -> Reading:
        value = _number(text)
        for point in self._points:
            if point == value:
                return Reading(point)
        return Reading(unclear=f"it states {text[:40]}, which is not {self.expected}")

    def _in_brackets(self, text: str, *, alone: bool) -> Iterator[Reading]:
        del alone
        for match in _IN_BRACKETS.finditer(text):
            if reading := self._at_start(undecorated(match[1])):
                yield reading

    def _written(self) -> Iterable[str]:
        return map(str, self._points)


class Rankings(Vocabulary):
    """The permutations of an item's letters, best first."""

    def __init__(self, letters: str, *, expected: str) -> None:
        super().__init__(expected)
        self._letters = letters

    def _at_start(self, text: str, end: re.Pattern[str] = _END) -> Reading | None:
        head = text[:HEAD]
        for match in (_BARE.match(head), _COMPACT.match(head)):
            if match and (reading := self._whole(match, head, end)):
                return reading
        return None

    def _whole(self, match: re.Match[str], head: str, end: re.Pattern[str]) -> Reading | None:
        letters = "".join(re.findall("[A-Z]", match[0]))
        if end.match(head, match.end()):
            return self._ranking(letters)
        # `ABCDExplanation: ...`: the E belongs to the next word.
        if letters.endswith("E") and head.startswith("Explanation", match.end() - 1):
            return self._ranking(letters[:-1])
        return None

    def _ranking(self, letters: str) -> Reading | None:
        if sorted(letters) == sorted(self._letters):
            return Reading(letters)
        if len(letters) < len(self._letters):
            return None
        return Reading(unclear=f"it states {quoted(letters)}, which is not {self.expected}")

    def _in_brackets(self, text: str, *, alone: bool) -> Iterator[Reading]:
        for shape in (_LISTED, _EACH):
            for match in shape.finditer(text):
                # In prose a single bracket, as in `[A, B, C, D] are alike`, is no verdict.
                if alone and "[[" not in text[max(match.start() - 1, 0) : match.start() + 2]:
                    continue
                if reading := self._ranking("".join(re.findall("[A-Z]", match[0]))):
                    yield reading

    def _read_list(self, values: list[JsonValue]) -> Reading:
        letters = [str(value).strip() for value in _flat(values)][:HEAD]
        joined = "".join(letters)
        if all(len(letter) == 1 for letter in letters) and sorted(joined) == sorted(self._letters):
            return Reading(joined)
        if len(letters) == 1:
            return self.read_value(letters[0])
        return Reading(unclear=f"it states {quoted(', '.join(letters))}, which is not {self.expected}")


def vocabulary(item: Item, tasks: Tasks) -> Vocabulary:
    """The vocabulary of an item's verdicts."""
    expected = tasks.describe(item)
    if item.task == "batch":
        return _rankings(item.letters, expected)
    if item.task == "pair":
        return _labels(tasks.pair.labels, expected)
    # 1 and 1.0 are one key of a cache: the points' own spelling keeps them apart.
    return _scale(tasks.score.scale, repr(tasks.score.scale), expected)


def undecorated(text: str) -> str:
    """A text without the brackets, quotes, emphasis and lead-in (`Rank:`) before its first word."""
    lead_in = _LEAD_IN.match(text)
    return text[lead_in.end() :].rstrip() if lead_in else text


@lru_cache(maxsize=256)
def _rankings(letters: str, expected: str) -> Vocabulary:
    return Rankings(letters, expected=expected)


@lru_cache(maxsize=256)
def _labels(labels: tuple[str, ...], expected: str) -> Vocabulary:
    meanings: dict[str, Label] = {label: label for label in labels}
    # The paper's convention: C is a tie, where there is nothing else that C could be.
    if set(labels) == {"A", "B", "tie"}:
        meanings["C"] = "tie"
    return Spellings(meanings, expected=expected, letters=True)


@lru_cache(maxsize=256)
def _scale(points: tuple[Label, ...], spelled: str, expected: str) -> Vocabulary:
    del spelled
    numbers = [point for point in points if not isinstance(point, str)]
    if numbers:
        return Points(numbers, expected=expected)
    return Spellings({str(point): point for point in points}, expected=expected)


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def _nfkc(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _spelled(meanings: Mapping[str, Label]) -> dict[str, Label]:
    """The normalised spellings; two that become the same are both left out, as neither could be told."""
    times = Counter(map(_nfkc, meanings))
    return {_nfkc(text): label for text, label in meanings.items() if _nfkc(text) and times[_nfkc(text)] == 1}


def _folding(meanings: Iterable[str]) -> Callable[[str], str]:
    """Case-folding if that keeps the spellings apart, else nothing."""
    spelled = list(meanings)
    apart = len({_nfkc(text).casefold() for text in spelled}) == len(spelled)
    return str.casefold if apart else str


def _flat(values: list[JsonValue]) -> Iterator[JsonValue]:
    """The values of nested lists in order; without recursion, as depth is the judge's choice."""
    waiting = list(reversed(values))
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        else:
            yield value
