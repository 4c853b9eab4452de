"""What an answer can claim about a picture, and whether the picture bears it out."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_mllm_judge.reference.scene import SAME, Mark, Marks

KINDS: dict[str, tuple[str, ...]] = {
    "shape": ("circle", "square", "triangle"),
    "line": ("horizontal line", "vertical line"),
}
"""Nouns that stand for several others."""


def named(marks: Marks, noun: str, colour: str | None = None) -> list[Mark]:
    """The marks that a noun, or a colour and a noun, mean."""
    nouns = KINDS.get(noun, (noun,))
    return [mark for mark in marks if mark.noun in nouns and colour in (None, mark.colour)]


def only(marks: Marks, noun: str, colour: str) -> Mark | None:
    """The one mark that `the red circle` means; None if there is none, or several."""
    found = named(marks, noun, colour)
    return found[0] if len(found) == 1 else None


def is_less(first: float, second: float) -> bool:
    """Whether a size is clearly below another one."""
    return first <= SAME * second


@dataclass(frozen=True)
class Count:
    """There are `number` marks of that noun (and colour)."""

    noun: str
    colour: str | None
    number: int

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out."""
        return len(named(marks, self.noun, self.colour)) == self.number


@dataclass(frozen=True)
class More:
    """There are more marks of `colour` than of `other`."""

    noun: str
    colour: str
    other: str

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out."""
        return len(named(marks, self.noun, self.colour)) > len(named(marks, self.noun, self.other))


WAYS = ("to the left of", "to the right of", "above", "below")


@dataclass(frozen=True)
class Beside:
    """The one mark lies to the left of, to the right of, above or below the other one."""

    noun: str
    colour: str
    way: str
    other_noun: str
    other: str

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out, by the marks' centres."""
        first, second = only(marks, self.noun, self.colour), only(marks, self.other_noun, self.other)
        if first is None or second is None:
            return False
        across, down = second.x - first.x, second.y - first.y
        return dict(zip(WAYS, (across, -across, down, -down), strict=True))[self.way] > 0


MOST = {"largest": 1, "smallest": -1, "tallest": 1, "longest": 1, "shortest": -1}
"""Superlatives: 1 for the greatest size, -1 for the least."""
THAN = {"larger": 1, "smaller": -1, "taller": 1, "longer": 1, "shorter": -1}
"""Comparatives, likewise."""


@dataclass(frozen=True)
class Extreme:
    """The largest (tallest, shortest, ...) mark of that noun has this colour."""

    noun: str
    most: str
    colour: str

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out: every mark that shares the first place has the colour."""
        return {mark.colour for mark in extremes(marks, self.noun, self.most)} == {self.colour}


def extremes(marks: Marks, noun: str, most: str) -> list[Mark]:
    """The marks that share the first place by size."""
    meant = named(marks, noun)
    if MOST[most] > 0:
        return [mark for mark in meant if not any(is_less(mark.size, other.size) for other in meant)]
    return [mark for mark in meant if not any(is_less(other.size, mark.size) for other in meant)]


@dataclass(frozen=True)
class Compare:
    """The one mark of `colour` is larger (taller, shorter, ...) than the one of `other`."""

    noun: str
    colour: str
    than: str
    other: str

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out."""
        first, second = only(marks, self.noun, self.colour), only(marks, self.noun, self.other)
        if first is None or second is None:
            return False
        small, large = (second, first) if THAN[self.than] > 0 else (first, second)
        return is_less(small.size, large.size)


@dataclass(frozen=True)
class Cell:
    """The cell in that row and column, counted from 1 at the top left, has this colour."""

    row: int
    column: int
    colour: str

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out."""
        there = [mark.colour for mark in marks if (mark.row, mark.column) == (self.row, self.column)]
        return there == [self.colour]


@dataclass(frozen=True)
class Row:
    """That row of the grid has `number` cells of a colour."""

    row: int
    colour: str
    number: int

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out."""
        there = [mark for mark in marks if mark.row == self.row]
        return bool(there) and sum(mark.colour == self.colour for mark in there) == self.number


@dataclass(frozen=True)
class Place:
    """The bar of that colour is number `number` from the left."""

    colour: str
    number: int

    def holds(self, marks: Marks) -> bool:
        """Whether the picture bears it out."""
        bars = sorted(named(marks, "bar"), key=lambda mark: mark.x)
        return [bar.colour for bar in bars[self.number - 1 : self.number]] == [self.colour]


Statement = Count | More | Beside | Extreme | Compare | Cell | Row | Place
