"""The result of every estimator here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

MIN_CLUSTERS = 10
"""With fewer clusters nothing is decided: their spread can't be told from so few."""

MIN_DISCORDANT = 5
"""With fewer items whose verdicts differ their spread is not known; Tango alone may decide."""

MIN_OF_CLASS = 15
"""With fewer items of a class, given or predicted, no interval of macro-F1 or recall covers."""


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


def no_figure(reason: str, *, confidence: float, n: int = 0) -> Interval:
    """What stands in the place of a figure of `n` values that there is not, and why."""
    return Interval(
        value=None, low=None, high=None, n=n, clusters=0, method="none", confidence=confidence, reason=reason
    )


def too_few(clusters: int) -> str:
    """The reason not to decide on so few clusters; '' if they are enough."""
    if clusters >= MIN_CLUSTERS:
        return ""
    return f"{clusters} independent cluster(s), fewer than {MIN_CLUSTERS}"


def few_discordant(discordant: int) -> str:
    """The reason not to decide on so few items whose verdicts differ; '' if they are enough."""
    if discordant >= MIN_DISCORDANT:
        return ""
    return f"{discordant} item(s) whose verdicts differ, fewer than {MIN_DISCORDANT}"


def rare_class(human: Iterable[float], judge: Iterable[float]) -> str:
    """The reason not to decide on a figure of classes given so seldom; '' if all are frequent enough.

    A class that neither humans nor the judge gave is none. Below 15 no interval of macro-F1 covers.
    """
    given = [(h, j) for h, j in zip(human, judge, strict=True) if h or j]
    fewest = min((min(pair) for pair in given), default=0)
    if fewest >= MIN_OF_CLASS:
        return ""
    return f"a class was given {fewest:g} time(s) by humans or judge, fewer than {MIN_OF_CLASS}"


def check_confidence(confidence: float) -> None:
    """Raise ValueError unless `confidence` is a one-sided level between .5 and 1."""
    if not 0.5 < confidence < 1:
        raise ValueError(f"confidence is one-sided, between 0.5 and 1, got {confidence}")
