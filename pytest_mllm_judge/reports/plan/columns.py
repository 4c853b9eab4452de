"""Aligned columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_mllm_judge.claims.show import show, show_range
from pytest_mllm_judge.statistics import Interval

NOTHING = "-"


def columns(rows: Sequence[Sequence[str]], *, left: str) -> Iterator[str]:
    """Rows as lines, indented by two. Columns headed by a word of `left` stand left, the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    is_left = [title in left.split(", ") for title in rows[0]]
    for row in rows:
        cells = [
            cell.ljust(width) if starts_left else cell.rjust(width)
            for cell, width, starts_left in zip(row, widths, is_left, strict=True)
        ]
        yield "  " + "  ".join(cells).rstrip()


def seen(interval: Interval) -> str:
    """`0.690 (0.630 to 0.740)`."""
    return f"{show(interval.value)} ({show_range(interval.low, interval.high)})"


def number(value: float | None, form: str = ".3f") -> str:
    """A number in this form; `-` where there is none."""
    return NOTHING if value is None else format(value, form)
