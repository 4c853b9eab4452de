"""Scenes as PNG files, byte for byte the same under every version of Pillow and zlib."""

from __future__ import annotations

import struct
import zlib
from math import isqrt

from pytest_mllm_judge.reference.scene import COLOURS, HEIGHT, INK, PAPER, WIDTH, Mark, Scene

_PALETTE = (PAPER, INK, *COLOURS.values())
_INK = 1
_INDEX = {colour: index for index, colour in enumerate(COLOURS, start=2)}
_Canvas = list[bytearray]
_Box = tuple[int, int, int, int]


def png(scene: Scene) -> bytes:
    """The scene's picture: a palette PNG of 200 x 150 pixels.

    Nothing here depends on a library's version: shapes are rows of whole pixels, without smoothing, and
    the pixels are stored, not compressed, since zlib's output differs from build to build.
    """
    return encode(paint(scene))


def paint(scene: Scene) -> list[bytes]:
    """The scene's rows of pixels, each pixel an index of the palette."""
    canvas = [bytearray(WIDTH) for _ in range(HEIGHT)]
    for box in _frame(scene):
        _fill(canvas, box, _INK)
    for mark in scene.marks:
        _draw(canvas, mark)
    return [bytes(row) for row in canvas]


def _frame(scene: Scene) -> list[_Box]:
    if scene.frame == "none":
        return []
    right = max(mark.left + mark.width for mark in scene.marks) + 8
    bottom = max(mark.top + mark.height for mark in scene.marks)
    if scene.frame == "axis":
        return [(14, 10, 2, bottom - 8), (14, bottom, right - 14, 2)]
    left, top, bottom = 14, 4, bottom + 8
    across, down = right - left, bottom - top + 2
    return [
        (left, top, across, 2),
        (left, bottom, across, 2),
        (left, top, 2, down),
        (right - 2, top, 2, down),
    ]


def _draw(canvas: _Canvas, mark: Mark) -> None:
    for row in range(mark.height):
        inset = _inset(mark, row)
        _fill(canvas, (mark.left + inset, mark.top + row, mark.width - 2 * inset, 1), _INDEX[mark.colour])


def _inset(mark: Mark, row: int) -> int:
    """How many pixels of the mark's box are free, left and right, in one of its rows."""
    if mark.noun == "triangle":
        return (mark.height - 1 - row) * mark.width // (2 * mark.height)
    if mark.noun == "circle":
        diameter = mark.height
        return (diameter - isqrt(diameter**2 - (2 * row + 1 - diameter) ** 2)) // 2
    return 0


def _fill(canvas: _Canvas, box: _Box, index: int) -> None:
    left, top, width, height = box
    for row in canvas[top : top + height]:
        row[left : left + width] = bytes([index]) * width


def encode(rows: list[bytes]) -> bytes:
    """Rows of palette indices below 16 as a PNG of four bits a pixel."""
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 4, 3, 0, 0, 0)
    palette = bytes(part for colour in _PALETTE for part in colour)
    lines = b"".join(b"\0" + _pack(row) for row in rows)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", _stored(lines)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _pack(row: bytes) -> bytes:
    return bytes(high << 4 | low for high, low in zip(row[::2], row[1::2], strict=True))


def _stored(data: bytes) -> bytes:
    """A zlib stream of stored blocks (RFC 1950, RFC 1951 section 3.2.4)."""
    starts = range(0, len(data), 0xFFFF)
    blocks = [data[start : start + 0xFFFF] for start in starts]
    stored = b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ 0xFFFF) + block for block in blocks
    )
    return b"\x78\x01" + stored + struct.pack(">I", zlib.adler32(data))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
