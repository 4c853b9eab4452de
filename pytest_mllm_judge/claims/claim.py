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

from pytest_mllm_judge.claims.deciding import (
    Outcome,
    Side,
    decide,
    distance,
    tightest_of,
    together,
    why_not,
)
from pytest_mllm_judge.claims.show import builtin, plain, show_down, show_up, shown
from pytest_mllm_judge.errors import Undecided, UndecidedWarning

if TYPE_CHECKING:
    from pytest_mllm_judge.claims.estimate import Estimate
    from pytest_mllm_judge.statistics import Interval

Policy = Literal["fail", "warn", "skip"]

_kept: ContextVar[list[Claim] | None] = ContextVar("kept_claims", default=None)
_policy: ContextVar[Policy] = ContextVar("undecided_policy", default="fail")
_numbers = itertools.count(1)
_WORST_FIRST: tuple[Outcome, ...] = ("fails", "undecided", "holds")
_NOTHING_LEFT = 1e-9


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
        outcomes = (decide(self.side, self.threshold, interval) for interval in self._intervals)
        return min(outcomes, key=_WORST_FIRST.index)

    @property
    def _intervals(self) -> list[Interval]:
        """Those that must all lie on the good side. With `upper`, problems count against either bound."""
        estimate = self.estimate
        if estimate.upper is None or self.side == "at least":
            counted = [estimate.counted]
        else:
            counted = [estimate.upper] if self.side == "at most" else [estimate.counted, estimate.upper]
        return counted if estimate.without is None else [*counted, estimate.without]

    @property
    def _why_not(self) -> str:
        """Why nothing may be decided; '' if something may."""
        return next(filter(None, map(why_not, self._intervals)), "")

    def __bool__(self) -> bool:
        __tracebackhide__ = True
        kept = _kept.get()
        if kept is not None and not any(claim is self for claim in kept):
            kept.append(self)
        outcome = self.outcome
        return take_undecided(str(self), self.explain()) if outcome == "undecided" else outcome == "holds"

    def __str__(self) -> str:
        upwards = self._upwards
        seen = self.estimate if upwards is self.estimate.counted else shown(upwards)
        return f"{self.estimate.metric} {self.side} {self.threshold:g}: {self.outcome} ({seen})"

    @property
    def _upwards(self) -> Interval:
        """The interval to show: the one with problems drawn to where they count against the claim."""
        estimate = self.estimate
        upwards = self.side == "at most" and estimate.upper is not None
        return estimate.upper if upwards and estimate.upper is not None else estimate.counted

    __repr__ = __str__

    def would_hold(self) -> float | None:
        """The tightest threshold at which the same claim holds on this data; None if nothing may be decided.

        The highest for `at least`, the lowest for `at most` and `within`.
        """
        return None if self._why_not else tightest_of(self.side, self._intervals)

    def settled_by(self) -> int | None:
        """About how many items like these would settle an undecided claim, should the figure stay.

        The interval shrinks with the root of their number. None if no number would: the figure lies on the
        threshold, nothing may be decided on it, or the claim is about exactly these items.
        """
        times, estimate = self._times_narrower(), self.estimate
        if times is None or estimate.population == "fixed":
            return None
        now = float(estimate.items or estimate.n / estimate.repeats)
        return self._needed(now * times**2, now)

    def repeats_to_settle(self) -> int | None:
        """About how many repeats of each item would settle an undecided claim, should the figure stay.

        With T repeats now, T' of them make the variance (1 - noise) + noise T / T' times what it is, since
        repeats average out the judge's noise and not the spread of items. None if no number would, or where
        the noise is not known.
        """
        times, noise, now = self._times_narrower(), self._noise, self.estimate.repeats
        if times is None or noise is None:
            return None
        left = (1 / times**2 if times else math.inf) - (1 - noise)
        return self._needed(noise * now / left, now) if left > _NOTHING_LEFT else None

    @property
    def _noise(self) -> float | None:
        """The share of variance that repeats average out: all of it where the items are given."""
        if self.estimate.population == "fixed":
            return 1.0
        noise = self.estimate.noise
        return None if noise is None else min(max(noise, 0.0), 1.0)

    def _needed(self, number: float, now: float) -> int:
        """Rounded up, but not for what floating point added; more than now where now does not settle it."""
        least = math.floor(now) + 1 if self.outcome == "undecided" else 1
        return max(math.ceil(number - 1e-9), least)

    def _times_narrower(self) -> float | None:
        """How many times narrower the intervals must be; None if that can't be told, or would not help."""
        if self._why_not:
            return None
        times = together(distance(self.side, self.threshold, each) for each in self._intervals).times
        return times if math.isfinite(times) else None

    def explain(self) -> str:
        """What was claimed, what was seen, on what, what that shows, and what would settle it."""
        verb = {"holds": "is", "fails": "is not", "undecided": "may or may not be"}[self.outcome]
        lines = [f"{self.outcome}: {self.estimate.metric} {verb} {self.side} {self.threshold:g}"]
        lines += self.estimate.lines()
        if shown := self._what_it_shows():
            lines.append(f"  shown     {shown}")
        if self.outcome == "undecided":
            lines.append(f"  settle    {self._what_would_settle()}")
        return "\n".join(lines)

    def _what_it_shows(self) -> str:
        """The tightest threshold, rounded so that the claim holds at the number printed."""
        best = self.would_hold()
        if best is None:
            return ""
        least = self.side == "at least"
        text = f"{self.side} {show_down(best) if least else show_up(best)}"
        if not self.estimate.metric.endswith(", difference"):
            return f"{text} is the {'most' if least else 'least'} this data shows"
        return f"{text}: the smallest margin it shows is {show_up(max(0.0, -best if least else best))}"

    def _what_would_settle(self) -> str:
        if reason := self._why_not:
            return f"nothing is decided: {reason}"
        items, repeats = self.settled_by(), self.repeats_to_settle()
        ways = [f"{items:,} items like these"] if items else []
        ways += [f"{repeats:,} repeats of each{'' if items else ' item'}"] if repeats else []
        if not ways:
            what = "repeats" if self.estimate.population == "fixed" else "items"
            return f"no number of {what}: the figure lies on the threshold"
        return f"about {', or '.join(ways)}, if the figure stays where it is"

    def plain(self) -> dict[str, Any]:
        """The claim in builtin types, for a report that crosses processes."""
        return {
            "number": self.number,
            "metric": self.estimate.metric,
            "side": self.side,
            "threshold": float(self.threshold),
            "outcome": self.outcome,
            "would_hold": builtin(self.would_hold()),
            "settled_by": self.settled_by(),
            "repeats_to_settle": self.repeats_to_settle(),
            "estimate": self.estimate.plain(),
            "seen": plain(self._upwards),
            "text": self.explain(),
        }
