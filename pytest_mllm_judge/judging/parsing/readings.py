"""What a piece of a reply states: one verdict, something that is not one verdict, or nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_mllm_judge.model import Label


@dataclass(frozen=True, slots=True)
class Reading:
    """A verdict that was stated; or, with `unclear`, why what was stated is not one verdict.

    Where nothing at all was stated there is no reading: functions here give None.
    """

    label: Label | None = None
    unclear: str = ""


def agreed(readings: Iterable[Reading | None]) -> Reading | None:
    """What several readings come to: all must be clear and say the same."""
    found = [reading for reading in readings if reading is not None]
    for reading in found:
        if reading.unclear:
            return reading
    labels = list(dict.fromkeys(reading.label for reading in found))
    if len(labels) > 1:
        return Reading(unclear=f"it states both {labels[0]!r} and {labels[1]!r}")
    return found[0] if found else None


def quoted(text: str, *, limit: int = 60) -> str:
    """A text for a message: on one line, cut, in quotes."""
    line = " ".join(text[: 4 * limit].split())
    return repr(line if len(line) <= limit else line[:limit] + "…")
