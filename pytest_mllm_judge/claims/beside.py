"""A figure to read an estimate beside: how well humans do, or a judge that never looks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Beside:
    """One line under an estimate: a ceiling, a chance level, or the same figure of one stratum.

    `name` is a short word ("humans", "constant", "k = 3"), `about` says what the figure is ("always A, the
    commonest label"). `low` and `high` are the bounds of `value`: both, or neither. Nothing is decided on it.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    about: str

    def __post_init__(self) -> None:
        if (self.low is None) != (self.high is None):
            raise ValueError(f"{self.name}: give both low and high, or neither")
