"""Reading a picture: pixels to marks, by colour, by what hangs together, and by shape."""

from __future__ import annotations

import io
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_mllm_judge.reference.scene import COLOURS, INK, PAPER, WIDTH, Frame, Mark, Marks

if TYPE_CHECKING:
    from PIL import Image

Thing = TypeVar("Thing")

LARGEST = 4096 * 4096
"""A picture of more pixels is not opened."""

_SAME = re.compile(rb"(.)\1*", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What was read from a picture: its marks, left to right, and its size in pixels."""

    marks: Marks = ()
    width: int = 0
    height: int = 0


NOTHING = Sight()
"""What is seen where there is no picture."""


class Memory(Generic[Thing]):
    """Keeps what was made of pictures, by the digest of their bytes; safe for threads."""

    def __init__(self, *, remember: int = 4096) -> None:
        self._known: OrderedDict[str, Thing] = OrderedDict()
        self._remember = remember
        self._lock = Lock()

    def recall(self, digest: str, make: Callable[[], Thing]) -> Thing:
        """What was made of the picture with this digest; `make` makes it if that was not done yet."""
        with self._lock:
            if digest in self._known:
                self._known.move_to_end(digest)
                return self._known[digest]
        made = make()
        with self._lock:
            self._known[digest] = made
            if len(self._known) > self._remember:
                self._known.popitem(last=False)
        return made


class Eyes:
    """Reads pictures, and remembers what it saw by the digest of their bytes; safe for threads."""

    def __init__(self, *, remember: int = 4096) -> None:
        self._seen: Memory[Sight] = Memory(remember=remember)
        self._written: Memory[str] = Memory(remember=remember)

    def see(self, digest: str, load: Callable[[], bytes]) -> Sight:
        """What stands in the picture with this digest; `load` gives its bytes if it was not read yet."""
        return self._seen.recall(digest, lambda: look(load()))

    def read(self, digest: str, load: Callable[[], bytes]) -> str:
        """The text in the picture with this digest; `load` gives its bytes if it was not read yet."""
        from pytest_mllm_judge.reference.lettering import written

        return self._written.recall(digest, lambda: written(load()))


def look(data: bytes) -> Sight:
    """What stands in a picture file's pixels. ValueError if the bytes are no picture, or too large a one."""
    with opened(data) as picture:
        return _read(picture)


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """A picture file in red, green and blue. ValueError if the bytes are no picture, or too large a one."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.width * picture.height > LARGEST:
                raise ValueError(f"the picture has more than {LARGEST} pixels")
            yield picture.convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the bytes are no picture that can be read ({error})") from error


def _read(picture: Image.Image) -> Sight:
    from PIL import Image

    width, height = picture.size
    unit = width / WIDTH
    # The nearest of the world's colours, so that the traces of JPEG change little.
    indices = picture.quantize(palette=_palette(), dither=Image.Dither.NONE).tobytes()
    blobs = _blobs([indices[start : start + width] for start in range(0, len(indices), width)])
    frame = _frame(blobs, width)
    shown = [blob for blob in blobs if blob.index >= 2 and blob.is_solid(unit)]
    marks = _numbered([_mark(blob, frame, unit) for blob in shown], frame, unit)
    return Sight(marks=tuple(sorted(marks, key=lambda mark: (mark.x, mark.y))), width=width, height=height)


@cache
def _palette() -> Image.Image:
    from PIL import Image

    pale = [_pale(colour) for colour in COLOURS.values()]
    shown = [PAPER, INK, *COLOURS.values(), *pale]
    palette = Image.new("P", (1, 1))
    # All 256 places are filled, or Pillow would take the free ones for black.
    palette.putpalette([part for colour in shown + [PAPER] * (256 - len(shown)) for part in colour])
    return palette


def _pale(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Half way to the paper: what the rim of a shape turns to where a picture was smoothed."""
    red, green, blue = ((part + 255) // 2 for part in colour)
    return red, green, blue


@dataclass(frozen=True)
class _Run:
    """Neighbouring pixels of one colour in one row: columns `left` to `right`, the latter outside."""

    index: int
    y: int
    left: int
    right: int

    @property
    def length(self) -> int:
        return self.right - self.left


@dataclass(frozen=True)
class _Blob:
    """Pixels of one colour that hang together."""

    index: int
    runs: list[_Run]

    @cached_property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width, height."""
        left, right = min(run.left for run in self.runs), max(run.right for run in self.runs)
        top, bottom = self.runs[0].y, self.runs[-1].y + 1
        return left, top, right - left, bottom - top

    @cached_property
    def area(self) -> int:
        return sum(run.length for run in self.runs)

    def is_solid(self, unit: float) -> bool:
        """Whether it is a mark, and no speck or rim that a lossy encoding left."""
        _, _, width, height = self.box
        return self.area >= 60 * unit * unit and self.area / max(width, height) >= 2.5 * unit

    def is_closed_above(self) -> bool:
        """Whether its upper third spans most of its width; a line that is a little tilted does, too."""
        _, top, width, height = self.box
        upper = (range(run.left, run.right) for run in self.runs if 3 * (run.y - top) < height)
        return len(set().union(*upper)) >= 0.8 * width


def _blobs(rows: list[bytes]) -> list[_Blob]:
    """Everything that is not paper, by colour, joined from row to row where it touches; top first."""
    runs: list[_Run] = []
    leader: list[int] = []
    above = range(0)
    for y, row in enumerate(rows):
        start = len(runs)
        runs.extend(_runs(row, y))
        here = range(start, len(runs))
        leader.extend(here)
        _join(runs, leader, above, here)
        above = here
    members: dict[int, list[_Run]] = {}
    for place, run in enumerate(runs):
        members.setdefault(_first(leader, place), []).append(run)
    return [_Blob(group[0].index, group) for group in members.values()]


def _runs(row: bytes, y: int) -> list[_Run]:
    known = len(COLOURS) + 2
    return [
        _Run(row[run.start()], y, run.start(), run.end())
        for run in _SAME.finditer(row)
        if 0 < row[run.start()] < known
    ]


def _join(runs: list[_Run], leader: list[int], above: range, here: range) -> None:
    for place in here:
        run = runs[place]
        for other in above:
            touches = runs[other].left < run.right and run.left < runs[other].right
            if touches and runs[other].index == run.index:
                first, second = sorted((_first(leader, other), _first(leader, place)))
                leader[second] = first


def _first(leader: list[int], place: int) -> int:
    while leader[place] != place:
        leader[place] = leader[leader[place]]
        place = leader[place]
    return place


def _frame(blobs: list[_Blob], width: int) -> Frame:
    """What the ink draws: a box is a grid's, anything else that is wide enough an axis."""
    for blob in blobs:
        if blob.index == 1 and blob.box[2] >= 0.4 * width:
            return "grid" if blob.is_closed_above() else "axis"
    return "none"


def _mark(blob: _Blob, frame: Frame, unit: float) -> Mark:
    left, top, width, height = blob.box
    colour = tuple(COLOURS)[blob.index - 2]
    noun = _noun(blob, frame, unit)
    return Mark(noun=noun, colour=colour, left=left, top=top, width=width, height=height)


def _noun(blob: _Blob, frame: Frame, unit: float) -> str:
    _, _, width, height = blob.box
    if frame != "none":
        return "bar" if frame == "axis" else "cell"
    if min(width, height) <= 10 * unit and max(width, height) >= 2 * min(width, height):
        return "horizontal line" if width > height else "vertical line"
    share = blob.area / (width * height)
    return "square" if share >= 0.86 else "circle" if share >= 0.66 else "triangle"


def _numbered(marks: list[Mark], frame: Frame, unit: float) -> list[Mark]:
    """Cells with their row and column; other marks as they are."""
    if frame != "grid":
        return marks
    rows = _lanes([mark.y for mark in marks], unit)
    columns = _lanes([mark.x for mark in marks], unit)
    return [replace(mark, row=rows[mark.y], column=columns[mark.x]) for mark in marks]


def _lanes(centres: list[float], unit: float) -> dict[float, int]:
    """The number, from 1, of the row or column that each centre lies in."""
    lanes: dict[float, int] = {}
    lane, last = 0, float("-inf")
    for centre in sorted(set(centres)):
        lane += centre - last > 12 * unit
        lanes[centre] = lane
        last = centre
    return lanes
