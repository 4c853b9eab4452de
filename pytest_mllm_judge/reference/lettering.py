"""Reading text that was drawn into a picture: dark letters of the font that Pillow brings along.

Each line is read letter by letter, by laying the font's own letters over the pixels. Letters of 10 to 24
pixels are read where nothing else that is dark touches them; coloured marks may lie behind them. In a
picture that was made smaller or larger after the text was drawn, the letters are no longer the font's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

from pytest_mllm_judge.reference.look import opened

if TYPE_CHECKING:
    from PIL import Image, ImageFont

SIZES = range(10, 25)
"""The sizes of letters that are read, in pixels."""

LARGEST = 10**6
"""In a picture of more pixels no text is looked for."""

_SIGNS = "".join(map(chr, range(33, 127)))
_DARK = 132
"""What is below this in red, green and blue is dark; every colour of the world has 150 in one of them."""
_BLACK = 64
"""Likewise for black: letters differ in what is black and in what is but dark."""
_TOO_LONG = 40
"""So many dark pixels in a row, across or down, are an axis or a frame and no letter."""
_TOLERANCE = 0.25
"""The share of a line's pixels that may differ from the letters that fit best."""
_SURE = 2
"""The beginning of a line, in its heights, that shows which size and which start fit."""

_Rows = list[list[int]]
"""How dark each pixel is, row by row: 0 where it is not dark, 1 where it is, 3 where it is black."""
_Box = tuple[int, int, int, int]
"""Left, top, right and bottom; the last two outside."""


def written(data: bytes) -> str:
    """The text that stands in a picture file, its lines joined by spaces; '' if none can be read.

    In a picture of more than a million pixels none is looked for. ValueError if the bytes are no picture.
    """
    with opened(data) as picture:
        if picture.width * picture.height > LARGEST:
            return ""
        rows = _dark(picture)
    return " ".join(filter(None, (_line(rows, box) for box in _lines(rows))))


def _dark(picture: Image.Image) -> _Rows:
    """What is dark in a picture, without axes and frames."""
    from PIL import ImageChops

    red, green, blue = picture.split()
    rows = _levels(ImageChops.lighter(red, ImageChops.lighter(green, blue)))
    return _turned(_without_long(_turned(_without_long(rows))))


def _levels(grey: Image.Image) -> _Rows:
    levels = [3 if value < _BLACK else int(value < _DARK) for value in range(256)]
    data, width = grey.tobytes(), grey.width
    return [[levels[value] for value in data[at : at + width]] for at in range(0, len(data), width)]


def _turned(rows: _Rows) -> _Rows:
    return [list(column) for column in zip(*rows, strict=True)]


def _without_long(rows: _Rows) -> _Rows:
    kept = [list(row) for row in rows]
    for row in kept:
        for left, right in _runs(row):
            if right - left >= _TOO_LONG:
                row[left:right] = [0] * (right - left)
    return kept


def _runs(flags: Sequence[int], *, gap: int = 0) -> list[tuple[int, int]]:
    """Start and end of the stretches that are set, where at most `gap` places between are not."""
    found: list[tuple[int, int]] = []
    for place in (place for place, flag in enumerate(flags) if flag):
        if found and place - found[-1][1] <= gap:
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


def _lines(rows: _Rows) -> Iterator[_Box]:
    """The boxes around what could be lines of text, from the top."""
    for top, bottom in _runs([any(row) for row in rows]):
        columns = [any(column) for column in zip(*rows[top:bottom], strict=True)]
        for left, right in _runs(columns, gap=SIZES[-1]):
            if bottom - top >= SIZES[0] // 2:
                yield left, top, right, bottom


@dataclass(frozen=True, kw_only=True)
class _Letter:
    """A letter's pixels, up to where the next letter starts, as bits; `mask` has all of them set.

    `top` is the first row with ink, `advance` how many columns further the next letter starts.
    """

    sign: str
    bits: int
    mask: int
    top: int
    advance: int


@dataclass(frozen=True, kw_only=True)
class _Font:
    """The letters of one size, a space among them, each `height` high; a whole line has `usual`."""

    letters: list[_Letter]
    height: int
    usual: int


@cache
def _font(size: int) -> _Font:
    from PIL import ImageFont

    font = ImageFont.load_default(size)
    height = round(max(font.getbbox(sign)[3] for sign in _SIGNS))
    letters = [_letter(font, sign, height) for sign in (*_SIGNS, " ")]
    _, top, _, bottom = font.getbbox("Ag")
    return _Font(letters=letters, height=height, usual=round(bottom - top))


def _letter(font: ImageFont.FreeTypeFont | ImageFont.ImageFont, sign: str, height: int) -> _Letter:
    from PIL import Image, ImageDraw

    _, top, _, _ = font.getbbox(sign)
    advance = round(font.getlength(sign))
    drawn = Image.new("L", (advance, height), 255)
    ImageDraw.Draw(drawn).text((0, 0), sign, fill=0, font=font)
    mask = (1 << 2 * advance * height) - 1
    return _Letter(sign=sign, bits=_bits(_levels(drawn)), mask=mask, top=round(top), advance=advance)


def _bits(rows: _Rows) -> int:
    """The pixels as one number, two bits each: the first column lowest, in it the first row."""
    return int("".join(f"{level:02b}" for column in zip(*rows, strict=True) for level in column)[::-1], 2)


@dataclass(frozen=True, kw_only=True)
class _Strip:
    """The rows that a line of a font takes, as bits: ink from `_MARGIN` to `end`, looked at up to `edge`."""

    font: _Font
    bits: int
    end: int
    edge: int

    def beginning(self) -> _Strip:
        """As much of the line as shows whether this font, and this start, fit."""
        end = min(self.end, _MARGIN + _SURE * self.font.usual)
        return replace(self, bits=self.bits & self._columns(end), end=end, edge=end)

    def read(self, shift: int, *, tolerance: float) -> tuple[str, float]:
        """The letters that fit best from `shift` before the ink on, and the share of it that misses.

        Nothing, with a share of 1, where more than `tolerance` misses.
        """
        ink = max(1, self.bits.bit_count())
        # The best way to every place that a letter can start at: what missed so far, and the text.
        ways = {_MARGIN - shift: (0, "")}
        while ways and (place := min(ways)) < self.end:
            misses, text = ways.pop(place)
            here, seen = self._ahead(place), self._columns(self.edge - place)
            for letter in self.font.letters:
                way = misses + ((here ^ letter.bits) & letter.mask & seen).bit_count(), text + letter.sign
                after = place + letter.advance
                if way[0] <= tolerance * ink and (after not in ways or way < ways[after]):
                    ways[after] = way
        misses, text = min(ways.values(), default=(ink, ""))
        return text.strip(), misses / ink

    def _ahead(self, place: int) -> int:
        """The bits from a place on, as far as a letter can reach."""
        return self.bits >> 2 * place * self.font.height & self._columns(2 * _MARGIN)

    def _columns(self, number: int) -> int:
        """All bits of so many columns."""
        return (1 << 2 * number * self.font.height) - 1


_MARGIN = SIZES[-1]
"""White columns that are thought before a line, for letters that begin left of their ink."""


def _line(rows: _Rows, box: _Box) -> str:
    """The text in a box; '' where the font's letters do not fit the pixels."""
    text, least = "", _TOLERANCE
    for strip, shift in _starts(rows, box):
        _, miss = strip.beginning().read(shift, tolerance=least)
        if miss < least:
            least, text = miss, strip.read(shift, tolerance=_TOLERANCE)[0]
        if not least:
            break
    return text


def _starts(rows: _Rows, box: _Box) -> Iterator[tuple[_Strip, int]]:
    """Where the text that fills a box could start: sizes, tops and shifts, the likeliest sizes first."""
    high = box[3] - box[1]
    for font in sorted(map(_font, SIZES), key=lambda font: abs(font.usual - high)):
        tops = sorted({letter.top for letter in font.letters if letter.sign.isalnum()})
        for top in tops if high <= font.height else ():
            strip = _strip(rows, box, font, box[1] - top)
            yield from product([strip], range(4))


def _strip(rows: _Rows, box: _Box, font: _Font, top: int) -> _Strip:
    left, _, right, bottom = box
    blank = [0] * (right - left)
    held = [rows[y][left:right] if box[1] <= y < bottom else blank for y in range(top, top + font.height)]
    margin = [0] * _MARGIN
    bits = _bits([[*margin, *row, *margin] for row in held])
    end = right - left + _MARGIN
    return _Strip(font=font, bits=bits, end=end, edge=end + _MARGIN)
