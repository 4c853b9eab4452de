"""What can be said of a scene: every topic with one true claim and some false ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from pytest_mllm_judge.reference.scene import COLOURS, Mark, Marks, Scene
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
    extremes,
    is_less,
    named,
    only,
)

_CLEAR = 12
"""Centres nearer to each other than this, in pixels, are not said to lie left, right, above or below."""


@dataclass(frozen=True)
class Topic:
    """One thing to say of a picture: rightly (`true`), or wrongly (any of `false`)."""

    true: Statement
    false: tuple[Statement, ...]


def topics(scene: Scene) -> list[Topic]:
    """Everything that can be said of a scene without a doubt, no two topics about the same thing."""
    return list(_SAYABLE[scene.source](scene.marks))


def colours(marks: Marks) -> list[str]:
    """The colours in a picture, in the world's order."""
    return [colour for colour in COLOURS if any(mark.colour == colour for mark in marks)]


def _circles(marks: Marks) -> Iterator[Topic]:
    yield from _counts(marks, "circle")
    yield from _more(marks, "circle")
    yield from _most(marks, "circle", "largest", "smallest")
    yield from _than(marks, "circle", "larger", "smaller")
    yield from _beside(marks)


def _blocks(marks: Marks) -> Iterator[Topic]:
    for noun in ("circle", "square", "triangle"):
        yield from _counts(marks, noun)
    yield _count(marks, "shape", None)
    yield from _beside(marks)


def _charts(marks: Marks) -> Iterator[Topic]:
    yield _count(marks, "bar", None)
    yield from _most(marks, "bar", "tallest", "shortest")
    yield from _than(marks, "bar", "taller", "shorter")
    numbers = range(1, len(marks) + 1)
    for number, bar in zip(numbers, sorted(marks, key=lambda mark: mark.x), strict=True):
        others = tuple(Place(bar.colour, other) for other in numbers if other != number)
        yield Topic(Place(bar.colour, number), others)


def _grids(marks: Marks) -> Iterator[Topic]:
    yield from _counts(marks, "cell")
    yield from _more(marks, "cell")
    for mark in marks:
        others = tuple(Cell(mark.row, mark.column, c) for c in colours(marks) if c != mark.colour)
        yield Topic(Cell(mark.row, mark.column, mark.colour), others)
    for row in sorted({mark.row for mark in marks}):
        for colour in colours(marks):
            number = sum(mark.row == row and mark.colour == colour for mark in marks)
            yield Topic(Row(row, colour, number), tuple(Row(row, colour, near) for near in _near(number)))


def _lines(marks: Marks) -> Iterator[Topic]:
    yield from _counts(marks, "line")
    yield _count(marks, "horizontal line", None)
    yield _count(marks, "vertical line", None)
    yield from _more(marks, "line")
    yield from _most(marks, "line", "longest", "shortest")
    yield from _than(marks, "line", "longer", "shorter")


_SAYABLE: dict[str, Callable[[Marks], Iterator[Topic]]] = {
    "circles": _circles,
    "blocks": _blocks,
    "charts": _charts,
    "grids": _grids,
    "lines": _lines,
}


def _counts(marks: Marks, noun: str) -> Iterator[Topic]:
    """The marks of a noun in all, by each colour in the picture, and by one that none of them has."""
    yield _count(marks, noun, None)
    for colour in colours(marks):
        yield _count(marks, noun, colour)
    yield from (_count(marks, noun, colour) for colour in COLOURS if colour not in colours(marks))


def _count(marks: Marks, noun: str, colour: str | None) -> Topic:
    number = len(named(marks, noun, colour))
    return Topic(Count(noun, colour, number), tuple(Count(noun, colour, near) for near in _near(number)))


def _near(number: int) -> list[int]:
    return [near for near in (number - 2, number - 1, number + 1, number + 2) if near >= 0]


def _more(marks: Marks, noun: str) -> Iterator[Topic]:
    for first, second in combinations(colours(marks), 2):
        claim, reverse = More(noun, first, second), More(noun, second, first)
        if claim.holds(marks) or reverse.holds(marks):
            yield Topic(claim, (reverse,)) if claim.holds(marks) else Topic(reverse, (claim,))


def _most(marks: Marks, noun: str, *words: str) -> Iterator[Topic]:
    for word in words:
        top = {mark.colour for mark in extremes(marks, noun, word)}
        if len(top) == 1:
            others = tuple(Extreme(noun, word, c) for c in colours(marks) if c not in top)
            yield Topic(Extreme(noun, word, top.pop()), others)


def _than(marks: Marks, noun: str, more: str, less: str) -> Iterator[Topic]:
    single = [colour for colour in colours(marks) if only(marks, noun, colour)]
    for place, (first, second) in enumerate(combinations(single, 2)):
        here, there = named(marks, noun, first)[0], named(marks, noun, second)[0]
        if is_less(here.size, there.size) or is_less(there.size, here.size):
            word, other = (more, less) if place % 2 else (less, more)
            claim = Compare(noun, first, word, second)
            reverse = Compare(noun, first, other, second)
            yield Topic(claim, (reverse,)) if claim.holds(marks) else Topic(reverse, (claim,))


def _beside(marks: Marks) -> Iterator[Topic]:
    single = [mark for mark in marks if only(marks, mark.noun, mark.colour)]
    for place, (first, second) in enumerate(combinations(single, 2)):
        ways = ("to the left of", "to the right of") if place % 2 else ("above", "below")
        if _is_clear(first, second, across=place % 2 == 1):
            here, there = (Beside(first.noun, first.colour, way, second.noun, second.colour) for way in ways)
            yield Topic(here, (there,)) if here.holds(marks) else Topic(there, (here,))


def _is_clear(first: Mark, second: Mark, *, across: bool) -> bool:
    return abs(first.x - second.x if across else first.y - second.y) >= _CLEAR
