"""A claim: an estimate compared with a threshold, decided by its interval."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from pytest_mllm_judge.errors import Undecided, UndecidedWarning

if TYPE_CHECKING:
    from pytest_mllm_judge.claims.estimate import Estimate
    from pytest_mllm_judge.statistics import Interval

Outcome = Literal["holds", "fails", "undecided"]
Side = Literal["at least", "at most", "within"]
Policy = Literal["fail", "warn", "skip"]

_kept: ContextVar[list[Claim] | None] = ContextVar("kept_claims", default=None)
_policy: ContextVar[Policy] = ContextVar("undecided_policy", default="fail")
_numbers = itertools.count(1)
_WORST_FIRST: tuple[Outcome, ...] = ("fails", "undecided", "holds")


@contextmanager
def keep_claims() -> Iterator[list[Claim]]:
    """Collect every claim whose truth is asked for inside, each once."""
    claims: list[Claim] = []
    token = _kept.set(claims)
    try:
        yield claims
    finally:
        _kept.reset(token)


@contextmanager
def on_undecided(policy: Policy) -> Iterator[None]:
    """What the truth of an undecided claim is inside: raise Undecided (fail, skip), or warn and go on."""
    token = _policy.set(policy)
    try:
        yield
    finally:
        _policy.reset(token)


def take_undecided(short: str, whole: str) -> bool:
    """What becomes of an undecided claim: Undecided with the whole text, or a warning with the short one."""
    __tracebackhide__ = True
    if _policy.get() != "warn":
        raise Undecided(whole)
    warnings.warn(f"undecided, taken as true: {short}", UndecidedWarning, stacklevel=3)
    return True


@dataclass(frozen=True, eq=False)
class Claim:
    """`estimate` is `side` `threshold`. True, False, or `Undecided` is raised when its truth is asked for."""

    estimate: Estimate
    side: Side
    threshold: float
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def outcome(self) -> Outcome:
        """Decided on the figure with problems counted and on the one without them; the worse is taken."""
        estimate = self.estimate
        if estimate.upper is None or self.side == "at least":
            counted = [estimate.counted]
        else:
            counted = [estimate.upper] if self.side == "at most" else [estimate.counted, estimate.upper]
        intervals = [*counted, estimate.without]
        outcomes = (self._decide(each) for each in intervals if each is not None)
        return min(outcomes, key=_WORST_FIRST.index)

    def _decide(self, interval: Interval) -> Outcome:
        if interval.reason or interval.low is None or interval.high is None:
            return "undecided"
        low, high, limit = interval.low, interval.high, self.threshold
        if self.side == "at least":
            return "holds" if low >= limit else "fails" if high < limit else "undecided"
        if self.side == "at most":
            return "holds" if high <= limit else "fails" if low > limit else "undecided"
        if -limit <= low and high <= limit:
            return "holds"
        return "fails" if low > limit or high < -limit else "undecided"

    def __bool__(self) -> bool:
        __tracebackhide__ = True
        kept = _kept.get()
        if kept is not None and not any(claim is self for claim in kept):
            kept.append(self)
        outcome = self.outcome
        return take_undecided(str(self), self.explain()) if outcome == "undecided" else outcome == "holds"

    def __str__(self) -> str:
        return f"{self.estimate.metric} {self.side} {self.threshold:g}: {self.outcome} ({self.estimate})"

    __repr__ = __str__

    def settled_by(self) -> int | None:
        """About how many items like these would settle an undecided claim; None if no number would.

        The interval shrinks with the root of n; it must shrink to the distance from figure to threshold.
        """
        interval = self.estimate.counted
        if interval.value is None or interval.low is None or interval.high is None:
            return None
        value, limit = interval.value, self.threshold
        if self.side == "within":
            limit = math.copysign(limit, value)
        reach = value - interval.low if limit < value else interval.high - value
        gap = abs(value - limit)
        return None if gap == 0 else math.ceil(interval.n * (reach / gap) ** 2 - 1e-9)

    def explain(self) -> str:
        """What was claimed, what was seen, on what, and what to do next."""
        verb = {"holds": "is", "fails": "is not", "undecided": "may or may not be"}[self.outcome]
        lines = [f"{self.outcome}: {self.estimate.metric} {verb} {self.side} {self.threshold:g}"]
        lines += self.estimate.lines()
        if self.outcome == "undecided":
            lines.append(f"  settle    {self._what_would_settle()}")
        return "\n".join(lines)

    def _what_would_settle(self) -> str:
        if reason := self.estimate.counted.reason:
            return f"nothing is decided: {reason}"
        needed = self.settled_by()
        if needed is None:
            return "no number of items: the figure lies on the threshold"
        return f"about {needed:,} items like these, if the figure stays where it is"

    def plain(self) -> dict[str, Any]:
        """The claim in builtin types, for a report that crosses processes."""
        return {
            "number": self.number,
            "metric": self.estimate.metric,
            "side": self.side,
            "threshold": float(self.threshold),
            "outcome": self.outcome,
            "estimate": self.estimate.plain(),
            "text": self.explain(),
        }
