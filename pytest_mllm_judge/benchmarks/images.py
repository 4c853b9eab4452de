"""Image paths stay in their folder, and image files are what they claim; nothing is decoded here."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from pathlib import Path

from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Item

FIRST = 5
_OUTSIDE = re.compile(r"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\]|^[A-Za-z]:")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://|data:")


def is_address(image: str) -> bool:
    """Whether an image is an http(s) address and not a path."""
    return image.startswith(("http://", "https://"))


def fault(item: Item) -> str | None:
    """What is wrong with the item's image paths as written, as a sentence; None if nothing is."""
    for image in item.every_image:
        if is_address(image):
            continue
        shown = image if len(image) <= 80 else image[:79] + "…"
        if not image or "\0" in image:
            return f"image {shown!r} is not a path"
        if _SCHEME.match(image):
            return f"image {shown!r} is neither a path nor an http(s) address"
        if _OUTSIDE.search(image):
            return f"image {shown!r} leaves the image folder"
    return None


def check(items: Iterable[Item], *, where: object = "images") -> None:
    """Look at every image file of the items by its header, each file once; http(s) addresses are passed over.

    Raises BenchmarkError naming the first few that are missing, not an image that Pillow can read, larger
    than Pillow's limit of pixels (a decompression bomb), or outside their folder through a symbolic link.
    """
    users: dict[tuple[Path, str], list[str]] = {}
    for item in items:
        for image in dict.fromkeys(item.every_image):
            if not is_address(image):
                users.setdefault((item.folder or Path(), image), []).append(item.id)
    with warnings.catch_warnings():
        # Pillow only warns between one and two times its limit. To a benchmark both are too much.
        warnings.simplefilter("error")
        found = [
            (image, ids, what) for (folder, image), ids in users.items() if (what := _wrong(folder, image))
        ]
    if found:
        raise BenchmarkError(where, _listed(found), "Mend these images, or skip their items.")


def _wrong(folder: Path, image: str) -> str | None:
    """What is wrong with one image file; None if nothing is."""
    from PIL import Image, UnidentifiedImageError

    file = folder / image
    try:
        if not file.resolve(strict=True).is_relative_to(folder.resolve()):
            return "leads out of the image folder through a symbolic link"
        with Image.open(file):
            return None
    except FileNotFoundError:
        return f"is missing from {folder}"
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return f"is larger than {Image.MAX_IMAGE_PIXELS} pixels"
    except UnidentifiedImageError:
        return "is not an image that Pillow can read"
    except Exception as error:  # a decoder may raise anything on a broken header
        return f"can't be opened: {getattr(error, 'strerror', None) or error}"


def _listed(found: list[tuple[str, list[str], str]]) -> str:
    lines = [f"{len(found)} image{'s' * (len(found) > 1)} can't be used"]
    for image, ids, what in found[:FIRST]:
        more = f" and {len(ids) - 1} more" if len(ids) > 1 else ""
        lines.append(f"{image} (item {ids[0]}{more}) {what}")
    if len(found) > FIRST:
        lines.append(f"and {len(found) - FIRST} more")
    return "\n  ".join(lines)
