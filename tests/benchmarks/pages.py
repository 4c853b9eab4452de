"""Putting what a script printed into a page of the docs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def write_between(page: Path, begin: str, end: str, lines: Sequence[str]) -> None:
    """Put the lines between two marker lines of a page; exit if it lacks one of them."""
    head, first, rest = page.read_text(encoding="utf-8").partition(begin)
    _, last, tail = rest.partition(end)
    if not (first and last):
        raise SystemExit(f"{page} lacks the lines {begin.strip()} and {end.strip()}, so there is no place")
    page.write_text(head + first + "\n".join(lines) + "\n" + last + tail, encoding="utf-8")
