"""The result of every estimator here."""

from __future__ import annotations

from dataclasses import dataclass

MIN_CLUSTERS = 10
"""With fewer clusters nothing is decided: their spread can't be told from so few (statistics.md 0.6)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Interval:
    """A figure with its bounds.

    `low` and `high` are each one-sided bounds at `confidence`, so that together they make the two-sided
    interval at `2 * confidence - 1`. `value` is None where the figure is undefined, the bounds where there
    is no interval. `reason` says why nothing may be decided on it; '' if something may.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str
    confidence: float
    reason: str = ""


def too_few(clusters: int) -> str:
    """The reason not to decide on so few clusters; '' if they are enough."""
    if clusters >= MIN_CLUSTERS:
        return ""
    return f"{clusters} independent cluster(s), fewer than {MIN_CLUSTERS}"


def check_confidence(confidence: float) -> None:
    """Raise ValueError unless `confidence` is a one-sided level between .5 and 1."""
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence is one-sided, between 0.5 and 1, got {confidence}")
