"""Which bytes of a picture are sent.

A picture goes out as its file's own bytes, unless that can't be or is not asked for. These are converted:

- one that an item asks to be changed (see `alterations`), which comes before all resizing and encoding;
- a file that is turned by its EXIF orientation is turned upright, and the mark is dropped;
- CMYK and YCCK become RGB (by Pillow's plain formula, without colour profiles);
- 16 bits a channel become 8, by dividing the full range;
- of an animation (GIF, WebP, PNG, a phone's multi-picture JPEG) the first frame is sent;
- a format other than PNG, JPEG, GIF and WebP (TIFF, BMP, ...) becomes one of these;
- a picture whose longer side exceeds `max_side` is shrunk to it (Lanczos); smaller ones are never enlarged.

Asked for `as_is`, a converted JPEG is sent as JPEG of quality 95 and anything else as PNG, without loss.
Asked for `jpeg`, every picture is encoded anew at `quality`, so that all have had the same treatment, and
what is transparent lies on white. Asked for `png`, everything is sent as PNG. A colour profile goes along
with RGB and grey pictures; other metadata, such as where a photograph was taken, does not survive conversion.
"""

from __future__ import annotations

import io
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.judging.alterations import alter, alterations, on_white
from pytest_mllm_judge.judging.settings import OpenAISettings
from pytest_mllm_judge.model import Picture

if TYPE_CHECKING:
    from PIL.Image import Image

KEPT_QUALITY = 95
"""JPEG quality where a JPEG must be encoded anew and nobody asked for a quality."""
DEFAULT_QUALITY = 90
"""JPEG quality for `encode = "jpeg"`."""

_SENDABLE = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA"),
    "JPEG": ("L", "RGB"),
    "GIF": ("L", "P", "RGB", "RGBA"),
    "WEBP": ("RGB", "RGBA"),
}
"""Formats and Pillow modes whose files every endpoint takes as they are."""
_RGB_INSIDE = ("P", "PA", "RGBX", "RGBa")
"""Pillow's modes whose colour profile is one of RGB."""
_ORIENTATION = 0x0112
_AS_THEY_ARE: dict[tuple[str, int, int, str], str] = {}
"""The media types of files that go as they are, by path, size, time of change and change asked for: many
items share a picture, and Pillow takes longer to look at it than it takes to send."""
_ONE_AT_A_TIME = threading.Lock()
"""Judges ask from many threads; only one decoded picture is held at a time."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is asked to be done to a picture before sending.

    `altered` holds the words of the item's own changes; the rest is what the judge asks for.
    """

    altered: str = ""
    max_side: int | None = None
    encode: str = "as_is"
    quality: int = DEFAULT_QUALITY

    @property
    def words(self) -> str:
        """The words that stand in a question's identity, such as `max_side 1024;jpeg 90`."""
        side = f"max_side {self.max_side}" if self.max_side is not None else ""
        encoding = {"as_is": "", "jpeg": f"jpeg {self.quality}", "png": "png"}[self.encode]
        return ";".join(part for part in (self.altered, side, encoding) if part)

    @classmethod
    def of_words(cls, words: str) -> Self:
        """The change that `words` says. ValueError names a word that can't be understood."""
        parts = [part for part in words.split(";") if part]
        own = dict((part + " ").split(" ", 1) for part in parts if _is_own(part))
        altered = ";".join(part for part in parts if not _is_own(part))
        alterations(altered)
        encode = next((name for name in ("jpeg", "png") if name in own), "as_is")
        side = own.get("max_side")
        return cls(
            altered=altered,
            max_side=int(side) if side else None,
            encode=encode,
            quality=int(own["jpeg"]) if encode == "jpeg" else DEFAULT_QUALITY,
        )


def _is_own(word: str) -> bool:
    """Whether a word is the judge's own, not the item's."""
    return word.partition(" ")[0] in ("max_side", "jpeg", "png")


def change_of(settings: OpenAISettings) -> str:
    """The words of the change that a judge's settings ask for; '' for the files' own bytes."""
    quality = DEFAULT_QUALITY if settings.quality is None else settings.quality
    return Change(max_side=settings.max_side, encode=settings.encode, quality=quality).words


def encode(picture: Picture) -> tuple[str, bytes]:
    """The media type and the bytes to send for a picture with a file.

    ValueError names a word of its change that can't be understood. Raises BenchmarkError if the file is
    missing, is no picture, or holds more pixels than Pillow's limit against decompression bombs
    (`PIL.Image.MAX_IMAGE_PIXELS`).
    """
    assert picture.file is not None, picture.address
    data = _read(picture.file)
    seen = (str(picture.file), len(data), os.stat(picture.file).st_mtime_ns, picture.change)
    if seen in _AS_THEY_ARE:
        return _AS_THEY_ARE[seen], data
    change = Change.of_words(picture.change)
    with _ONE_AT_A_TIME, _opened(data, picture.file) as image:
        try:
            if _goes_as_it_is(image, data, change):
                _AS_THEY_ARE[seen] = f"image/{str(image.format).lower()}"
                return _AS_THEY_ARE[seen], data
            kind = _kind(image, change)
            return f"image/{kind.lower()}", _encoded(_prepared(image, change, kind), kind, change)
        except (OSError, ValueError, SyntaxError) as error:
            raise _unreadable(picture.file, error) from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BenchmarkError(file, f"the picture can't be read: {error.strerror}") from error


def _opened(data: bytes, file: Path) -> Image:
    from PIL import Image, UnidentifiedImageError

    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    try:
        image = Image.open(io.BytesIO(data))
    except bombs as error:
        raise _bomb(file, Image.MAX_IMAGE_PIXELS) from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise _unreadable(file, error) from error
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise _bomb(file, limit)
    return image


def _bomb(file: Path, limit: int | None) -> BenchmarkError:
    hint = "Shrink the file, or raise PIL.Image.MAX_IMAGE_PIXELS in a conftest.py if you trust it."
    return BenchmarkError(
        file, f"the picture has more than {limit} pixels, which may be a decompression bomb", hint
    )


def _unreadable(file: Path, error: Exception) -> BenchmarkError:
    # Pillow's own text names a buffer by its address here, so it would differ from run to run.
    why = "no picture format that Pillow knows" if "BytesIO" in str(error) else str(error)
    return BenchmarkError(file, f"the picture can't be decoded: {why}", "Repair the file or skip its items.")


def _goes_as_it_is(image: Image, data: bytes, change: Change) -> bool:
    """Whether the file's own bytes are what is asked for and what every endpoint can take."""
    format_ = str(image.format)
    fits = change.max_side is None or max(image.size) <= change.max_side
    wanted = change.encode == "as_is" or (change.encode == "png" and format_ == "PNG")
    return (
        not change.altered
        and wanted
        and fits
        and image.mode in _SENDABLE.get(format_, ())
        and not _is_deep_png(format_, data)
        and getattr(image, "n_frames", 1) == 1
        and image.getexif().get(_ORIENTATION, 1) == 1
    )


def _is_deep_png(format_: str, data: bytes) -> bool:
    """Whether a PNG has 16 bits a channel: byte 24 of its header. Pillow shows such colours as plain RGB."""
    return format_ == "PNG" and data[24] == 16


def _kind(image: Image, change: Change) -> str:
    """The format to encode in."""
    if change.encode != "as_is":
        return change.encode.upper()
    return "JPEG" if image.format in ("JPEG", "MPO") else "PNG"


def _prepared(image: Image, change: Change, kind: str) -> Image:
    """The first frame: as it is asked for, upright, 8 bits a channel, in a mode that `kind` can hold."""
    image.seek(0)
    if change.altered:
        upright = _shrunk(alter(_upright(_plain(image), image), alterations(change.altered)), change)
    else:
        if change.max_side is not None:
            # For a JPEG this decodes at a fraction of the size: 30 megapixels are never held in memory.
            image.draft(None, (3 * change.max_side, 3 * change.max_side))
        upright = _upright(_shrunk(_plain(image), change), image)
    return on_white(upright) if kind == "JPEG" and upright.mode in ("LA", "RGBA") else upright


def _shrunk(plain: Image, change: Change) -> Image:
    """The picture with neither side above `max_side`."""
    from PIL import Image

    if change.max_side is not None and max(plain.size) > change.max_side:
        plain.thumbnail((change.max_side, change.max_side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return plain


def _upright(plain: Image, image: Image) -> Image:
    """The picture turned as the EXIF orientation of `image` says."""
    from PIL import ImageOps

    plain.getexif()[_ORIENTATION] = image.getexif().get(_ORIENTATION, 1)
    return ImageOps.exif_transpose(plain)


def _plain(image: Image) -> Image:
    """The picture as L, LA, RGB or RGBA with 8 bits a channel."""
    if image.mode in ("L", "LA", "RGB", "RGBA"):
        image.load()
        return image.copy()
    if image.mode.startswith("I;16"):
        return image.convert("I").point(lambda value: value * (255 / 65535)).convert("L")
    if image.mode in ("I", "F"):
        raise ValueError(f"its pixels are of Pillow's mode {image.mode}, which has no range of its own")
    if image.mode == "1":
        return image.convert("L")
    plain = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode not in _RGB_INSIDE:
        plain.info.pop("icc_profile", None)  # it describes ink, and would be taken to describe RGB
    return plain


def _encoded(image: Image, kind: str, change: Change) -> bytes:
    out = io.BytesIO()
    profile = image.info.get("icc_profile")
    image.info.clear()
    if kind == "JPEG":
        quality = change.quality if change.encode == "jpeg" else KEPT_QUALITY
        image.save(out, "JPEG", quality=quality, icc_profile=profile)
    else:
        image.save(out, "PNG", icc_profile=profile)
    return out.getvalue()
