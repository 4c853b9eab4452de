"""How an interval decides, what it shows at best, and how much narrower it would have to be to decide."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:  # so that importing claims loads no numpy
    from pytest_mllm_judge.statistics import Interval

Outcome = Literal["holds", "fails", "undecided"]
Side = Literal["at least", "at most", "within"]
_ON_THE_THRESHOLD = 1e-12


class Distance(NamedTuple):
    """Whether a claim is true of the figure itself, and how many times narrower its interval must be."""

    true: bool
    times: float


def why_not(interval: Interval) -> str:
    """Why nothing may be decided on it; '' if something may."""
    if interval.reason:
        return interval.reason
    if interval.value is None:
        return "the figure is undefined"
    return "there is no interval" if interval.low is None or interval.high is None else ""


def decide(side: Side, limit: float, interval: Interval) -> Outcome:
    """Holds if the interval lies wholly on the good side of `limit`, fails if wholly beyond it."""
    if why_not(interval):
        return "undecided"
    _, low, high = _numbers(interval)
    if side == "at least":
        return "holds" if low >= limit else "fails" if high < limit else "undecided"
    if side == "at most":
        return "holds" if high <= limit else "fails" if low > limit else "undecided"
    if -limit <= low and high <= limit:
        return "holds"
    return "fails" if low > limit or high < -limit else "undecided"


def tightest(side: Side, interval: Interval) -> float:
    """The tightest threshold at which the claim holds on an interval that may decide."""
    _, low, high = _numbers(interval)
    if side == "within":
        return max(abs(low), abs(high))
    return low if side == "at least" else high


def tightest_of(side: Side, intervals: Iterable[Interval]) -> float:
    """The same of several intervals that must all lie on the good side."""
    each = [tightest(side, interval) for interval in intervals]
    return min(each) if side == "at least" else max(each)


def distance(side: Side, limit: float, interval: Interval) -> Distance:
    """How far an interval is from deciding, should its figure stay and its bounds close in alike."""
    value, low, high = _numbers(interval)
    above = _above(value, low, high, -limit if side == "within" else limit)
    if side == "at least":
        return above
    below = _above(-value, -high, -low, -limit)
    return below if side == "at most" else together([above, below])


def together(parts: Iterable[Distance]) -> Distance:
    """Of claims that must all hold: one that is false settles them all, else the farthest does."""
    parts = list(parts)
    false = [part for part in parts if not part.true]
    return min(false, key=_times) if false else max(parts, key=_times)


def _times(part: Distance) -> float:
    return part.times


def _above(value: float, low: float, high: float, limit: float) -> Distance:
    gap = value - limit
    if abs(gap) <= _ON_THE_THRESHOLD:
        return Distance(true=False, times=math.inf)
    reach = value - low if gap > 0 else high - value
    return Distance(true=gap > 0, times=reach / abs(gap))


def _numbers(interval: Interval) -> tuple[float, float, float]:
    """The figure and both bounds of an interval that may decide."""
    assert interval.value is not None
    assert interval.low is not None
    assert interval.high is not None
    return interval.value, interval.low, interval.high
