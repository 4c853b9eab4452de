"""Scenes of the shapes world: what stands where, before anything is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

WIDTH, HEIGHT = 200, 150
"""Every picture's size, in pixels."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (220, 30, 30),
    "green": (20, 150, 60),
    "blue": (30, 70, 220),
    "orange": (250, 150, 20),
    "purple": (140, 40, 170),
    "yellow": (245, 225, 40),
}
PAPER = (255, 255, 255)
INK = (0, 0, 0)

Frame = Literal["none", "axis", "grid"]
"""The ink around the marks: nothing, the two axes of a bar chart, or a box around a grid of cells."""

SAME = 0.93
"""Two sizes whose ratio is above this are called equal."""

_GAP = 8


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One thing in a picture: its noun, its colour, and the box around it in pixels.

    `row` and `column` count from 1, top left; 0 where the mark is no cell of a grid.
    """

    noun: str
    colour: str
    left: int
    top: int
    width: int
    height: int
    row: int = 0
    column: int = 0

    @property
    def x(self) -> float:
        """The centre, in pixels from the left."""
        return self.left + self.width / 2

    @property
    def y(self) -> float:
        """The centre, in pixels from the top."""
        return self.top + self.height / 2

    @property
    def size(self) -> int:
        """What makes it large, tall or long, in pixels: a bar's height, else the longer side."""
        return self.height if self.noun == "bar" else max(self.width, self.height)


Marks = tuple[Mark, ...]


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A picture's content: the source it belongs to, its marks, its frame."""

    source: str
    marks: Marks
    frame: Frame = "none"


def scene(source: str, number: int) -> Scene:
    """The scene `number` (from 1) of a source: always the same one."""
    return SOURCES[source](Random(f"shapes/1 scene {source} {number}"))


def _circles(rng: Random) -> Scene:
    colours = rng.sample(list(COLOURS), rng.randint(3, 4))
    diameters = [rng.choice((17, 21, 26, 32)) for _ in range(rng.randint(5, 9))]
    boxes = _scatter(rng, [(side, side) for side in diameters])
    return Scene(source="circles", marks=tuple(_mark("circle", rng.choice(colours), box) for box in boxes))


def _blocks(rng: Random) -> Scene:
    colours = rng.sample(list(COLOURS), 4)
    boxes = _scatter(rng, [(side, side) for side in rng.choices((20, 24, 28), k=rng.randint(5, 8))])
    nouns = ("circle", "square", "triangle")
    marks = tuple(_mark(rng.choice(nouns), rng.choice(colours), box) for box in boxes)
    return Scene(source="blocks", marks=marks)


def _charts(rng: Random) -> Scene:
    colours = rng.sample(list(COLOURS), rng.randint(4, 6))
    levels = rng.sample(range(1, 8), len(colours))
    marks = tuple(
        _mark("bar", colour, (24 + 28 * place, HEIGHT - 18 - 15 * level, 18, 15 * level))
        for place, (colour, level) in enumerate(zip(colours, levels, strict=True))
    )
    return Scene(source="charts", marks=marks, frame="axis")


def _grids(rng: Random) -> Scene:
    rows, columns = rng.randint(3, 4), rng.randint(4, 5)
    colours = rng.sample(list(COLOURS), rng.randint(3, 4))
    marks = tuple(
        _mark("cell", rng.choice(colours), (24 + 32 * column, 14 + 32 * row, 22, 22), row + 1, column + 1)
        for row in range(rows)
        for column in range(columns)
    )
    return Scene(source="grids", marks=marks, frame="grid")


def _lines(rng: Random) -> Scene:
    colours = rng.sample(list(COLOURS), rng.randint(4, 5))
    lengths = rng.choices((24, 32, 42, 55, 72), k=rng.randint(5, 8))
    boxes = _scatter(rng, [(length, 6) if rng.random() < 0.5 else (6, length) for length in lengths])
    marks = tuple(
        _mark("horizontal line" if box[2] > box[3] else "vertical line", rng.choice(colours), box)
        for box in boxes
    )
    return Scene(source="lines", marks=marks)


SOURCES: dict[str, Callable[[Random], Scene]] = {
    "circles": _circles,
    "blocks": _blocks,
    "charts": _charts,
    "grids": _grids,
    "lines": _lines,
}

_Box = tuple[int, int, int, int]


def _mark(noun: str, colour: str, box: _Box, row: int = 0, column: int = 0) -> Mark:
    left, top, width, height = box
    return Mark(
        noun=noun, colour=colour, left=left, top=top, width=width, height=height, row=row, column=column
    )


def _scatter(rng: Random, sizes: list[tuple[int, int]]) -> list[_Box]:
    """Boxes of these sizes at random places, none nearer to another or to the edge than the gap."""
    boxes: list[_Box] = []
    while len(boxes) < len(sizes):
        box = next((box for box in _tries(rng, sizes[len(boxes)]) if _is_free(box, boxes)), None)
        # A crowded picture has no room left: begin again.
        boxes = [] if box is None else [*boxes, box]
    return boxes


def _tries(rng: Random, size: tuple[int, int]) -> list[_Box]:
    width, height = size
    return [
        (rng.randint(_GAP, WIDTH - _GAP - width), rng.randint(_GAP, HEIGHT - _GAP - height), width, height)
        for _ in range(50)
    ]


def _is_free(box: _Box, others: list[_Box]) -> bool:
    left, top, width, height = box
    return all(
        left + width + _GAP <= x or x + w + _GAP <= left or top + height + _GAP <= y or y + h + _GAP <= top
        for x, y, w, h in others
    )
