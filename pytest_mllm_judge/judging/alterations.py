"""Changes of pixels that an item asks for, and the words that say them.

An item's `picture_changes` gives, for each address, words that are separated by `;` and applied in order:

    blank           white, of the same size
    blurred 20      a Gaussian blur with a radius of a 20th of the longer side
    cropped 4       the top left corner alone, a quarter of each side
    as-jpeg 30      through JPEG of that quality, 1 to 100; what is transparent lies on white
    scaled 0.5      shrunk to that share of each side (Lanczos)
    tilted 2        turned anticlockwise by so many degrees, same size; the corners take the border's colour
    written %48i    black text, percent-encoded, on a white strip below the picture

All is done to the upright picture of 8 bits a channel, before the judge's own resizing and encoding. The
same file and the same words give the same pixels under one version of Pillow. The text is of Pillow's own
font, 12 pixels or a 32nd of the shorter side if that is more, broken into lines at spaces; a picture that is
narrower than the longest word gets white beside it.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from pytest_mllm_judge.errors import BenchmarkError, did_you_mean
from pytest_mllm_judge.model import Item, Picture

if TYPE_CHECKING:
    from PIL import ImageFont
    from PIL.Image import Image

LETTERS = 12
"""The least size of letters that are written below a picture, in pixels."""
SHARE = 32
"""Letters are this part of the picture's shorter side, if that is more."""
_WHITE: dict[str, int | tuple[int, ...]] = {"L": 255, "RGB": (255, 255, 255), "RGBA": (255, 255, 255, 255)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One change of a picture: its name, and the number or the text that the word gives it."""

    name: str
    number: float = 0.0
    text: str = ""


@lru_cache(maxsize=4096)
def alterations(words: str) -> tuple[Alteration, ...]:
    """The changes that `words` say, in order. ValueError names a word that can't be understood."""
    return tuple(map(_alteration, filter(None, words.split(";"))))


def picture_of(item: Item, address: str, *, change: str = "", detail: str | None = None) -> Picture:
    """An item's picture as a question shows it: the item's own changes, then what the judge asks for.

    Opens no file. ValueError for words that can't be understood, BenchmarkError if an http(s) address is to
    be changed: nobody here sees its pixels.
    """
    remote = address.lower().startswith(("http://", "https://"))
    if words := item.picture_changes.get(address, ""):
        alterations(words)
        if remote:
            raise unchangeable(item, address)
        change = f"{words};{change}" if change else words
    return Picture(address, None if remote else (item.folder or Path()) / address, change, detail)


def unchangeable(item: Item, address: str) -> BenchmarkError:
    """The error that a picture which is to be changed is no file here."""
    words = item.picture_changes[address]
    return BenchmarkError(
        f"item {item.id!r}",
        f"the picture {address} is no file here, so it can't be changed ({words!r} is asked for)",
        "Keep it as a file below the benchmark's folder, or leave out the probes that change pictures.",
    )


def alter(picture: Image, changes: tuple[Alteration, ...]) -> Image:
    """A picture of mode L, LA, RGB or RGBA after these changes, in one of these modes.

    Its colour profile stays, unless it went from grey to colour.
    """
    altered = picture.convert("RGBA") if picture.mode == "LA" else picture
    for change in changes:
        altered = _CHANGES[change.name].make(altered, change)
    if picture.mode == "LA" and altered.mode == "RGBA":
        altered = altered.convert("LA")
    same = picture.mode[0] == altered.mode[0]
    altered.info = {key: picture.info[key] for key in ("icc_profile",) if same and key in picture.info}
    return altered


def on_white(picture: Image) -> Image:
    """What is transparent lies on white, in red, green and blue."""
    from PIL import Image

    colour = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", colour.size, "white"), colour).convert("RGB")


def _alteration(word: str) -> Alteration:
    name, _, value = word.partition(" ")
    if name not in _CHANGES:
        near = did_you_mean(name, _CHANGES) or f" (known: {', '.join(_CHANGES)})"
        raise ValueError(f"there is no change of pictures called {name!r}{near}")
    takes = _CHANGES[name].takes
    if not isinstance(takes, tuple):
        if bool(value) != (takes is str):
            raise ValueError(f"picture change {word!r}: {name!r} takes {'a text' if takes else 'nothing'}")
        return Alteration(name=name, text=unquote(value, errors="replace"))
    number = _number(value)
    if number is None or not takes[0] <= number <= takes[1]:
        raise ValueError(f"picture change {word!r}: {name!r} takes a number from {takes[0]} to {takes[1]}")
    return Alteration(name=name, number=number)


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _blank(picture: Image, change: Alteration) -> Image:
    from PIL import Image

    del change
    return Image.new(picture.mode, picture.size, _WHITE[picture.mode])


def _blurred(picture: Image, change: Alteration) -> Image:
    from PIL import ImageFilter

    blur = ImageFilter.GaussianBlur(max(picture.size) / change.number)
    if picture.mode != "RGBA":
        return picture.filter(blur)
    # Weighted by opacity, or the colours that nobody sees would run into those that are seen.
    return picture.convert("RGBa").filter(blur).convert("RGBA")


def _cropped(picture: Image, change: Alteration) -> Image:
    width, height = (max(1, int(side / change.number)) for side in picture.size)
    return picture.crop((0, 0, width, height))


def _as_jpeg(picture: Image, change: Alteration) -> Image:
    from PIL import Image

    plain = on_white(picture) if picture.mode == "RGBA" else picture
    file = io.BytesIO()
    plain.save(file, "JPEG", quality=int(change.number))
    with Image.open(file) as again:
        return again.convert(plain.mode)


def _scaled(picture: Image, change: Alteration) -> Image:
    from PIL import Image

    width, height = (max(1, round(side * change.number)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _tilted(picture: Image, change: Alteration) -> Image:
    from PIL import Image

    solid = picture.convert("RGBa") if picture.mode == "RGBA" else picture
    corners = _border(solid)
    turned = solid.rotate(change.number, Image.Resampling.BICUBIC, fillcolor=corners)
    return turned.convert(picture.mode)


def _border(picture: Image) -> int | tuple[int, ...]:
    """The colour of the picture's border: the median of its outermost pixels, in each channel."""
    width, height = picture.size
    edges = (0, 0, width, 1), (0, height - 1, width, height), (0, 0, 1, height), (width - 1, 0, width, height)
    channels = zip(*(picture.crop(edge).split() for edge in edges), strict=True)
    medians = tuple(_median(Counter(b"".join(part.tobytes() for part in channel))) for channel in channels)
    return medians[0] if len(medians) == 1 else medians


def _median(counts: Counter[int]) -> int:
    """The lower of the two middle values, where there are two."""
    values = sorted(counts)
    reached = accumulate(counts[value] for value in values)
    return next(value for value, many in zip(values, reached, strict=True) if 2 * many >= counts.total())


def _written(picture: Image, change: Alteration) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    size = max(LETTERS, min(picture.size) // SHARE)
    font = ImageFont.load_default(size)
    edge = size // 3
    lines = _lines(change.text, font, picture.width - 2 * edge)
    width = max(picture.width, *(int(font.getlength(line)) + 1 + 2 * edge for line in lines))
    strip = Image.new("L", (width, 2 * size * len(lines)), 255)
    for place, line in enumerate(lines):
        ImageDraw.Draw(strip).text((edge, 2 * size * place + edge), line, fill=0, font=font)
    sheet = Image.new(picture.mode, (width, picture.height + strip.height), _WHITE[picture.mode])
    sheet.paste(picture, (0, 0))
    sheet.paste(strip.convert(picture.mode), (0, picture.height))
    return sheet


def _lines(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """The text in lines of at most `width` pixels, as far as its words are no longer."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


@dataclass(frozen=True, slots=True)
class _Change:
    """`takes`: the least and the most that its number may be, `str` for a text, None for nothing."""

    make: Callable[[Image, Alteration], Image]
    takes: tuple[float, float] | type[str] | None = None


_CHANGES = {
    "blank": _Change(_blank),
    "blurred": _Change(_blurred, (1, 1000)),
    "cropped": _Change(_cropped, (1, 1000)),
    "as-jpeg": _Change(_as_jpeg, (1, 100)),
    "scaled": _Change(_scaled, (0.01, 1)),
    "tilted": _Change(_tilted, (-45, 45)),
    "written": _Change(_written, str),
}
