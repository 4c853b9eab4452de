"""An estimate: a figure with its interval, and what problems did to it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol

from pytest_mllm_judge.claims.claim import Claim, Side

if TYPE_CHECKING:  # so that importing claims loads no numpy
    from pytest_mllm_judge.model import Judgements
    from pytest_mllm_judge.statistics import Interval

Better = Literal["higher", "lower", "neither"]


class Pairing(Protocol):
    """What an estimate knows so that another of its kind can be subtracted from it."""

    def minus(self, other: Any) -> Estimate:
        """The paired difference."""


@dataclass(frozen=True)
class Slices:
    """What an estimate was measured on, and how to measure a part of it in the same way."""

    judgements: Judgements
    measure: Callable[[Judgements], Estimate]


@dataclass(frozen=True, kw_only=True, eq=False)
class Estimate:
    """A figure of judgements, with every problem counted as the worst answer there could be.

    `counted` is that figure; `without` the one with problems left out (None if there are none): the worse
    of the two decides a claim. `problems` counts them by kind, `unlabelled` the judgements left out since
    no human label (or no majority) stands against them, `examples` names the first that lower the figure.
    Where a figure may be wrong in either direction, `counted` has problems drawing it down and `upper` up.
    """

    metric: str
    better: Better
    counted: Interval
    without: Interval | None = None
    problems: Mapping[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    examples: Sequence[str] = ()
    wrong: int = 0
    unpaired: int = 0
    upper: Interval | None = None
    pairing: Pairing | None = None
    slices: Slices | None = None

    __array_ufunc__ = None  # a numpy number on the left asks us, not itself

    @property
    def value(self) -> float | None:
        """The figure, problems counted; None where it is undefined."""
        return self.counted.value

    @property
    def low(self) -> float | None:
        """The lower one-sided bound; None without an interval."""
        return self.counted.low

    @property
    def high(self) -> float | None:
        """The upper one-sided bound; None without an interval."""
        return self.counted.high

    @property
    def n(self) -> int:
        """How many judgements it rests on."""
        return self.counted.n

    @property
    def clusters(self) -> int:
        """How many independent clusters they make."""
        return self.counted.clusters

    def by(self, name: str) -> dict[str, Estimate]:
        """The same figure of each slice of its judgements, by the value of an item's field."""
        return {value: self._slices.measure(part) for value, part in self._slices.judgements.by(name).items()}

    def where(self, **wanted: Any) -> Estimate:
        """The same figure of those judgements whose item has one of the values wanted of each field."""
        return self._slices.measure(self._slices.judgements.where(**wanted))

    @property
    def _slices(self) -> Slices:
        if self.slices is None:
            raise TypeError(f"{self.metric} was not measured on judgements, so it can't be sliced")
        return self.slices

    def __ge__(self, threshold: float) -> Claim:
        return self._claim("at least", threshold)

    def __le__(self, threshold: float) -> Claim:
        return self._claim("at most", threshold)

    def within(self, margin: float) -> Claim:
        """The claim that the figure lies between -margin and margin (an equivalence claim)."""
        claim = self._claim("within", margin)
        if margin <= 0:
            raise ValueError(f"a margin is above 0, got {margin}")
        return claim

    def __sub__(self, other: Estimate) -> Estimate:
        """The paired difference of the same figure, on the items that both have; claim it `>= -margin`."""
        if not isinstance(other, Estimate):
            raise TypeError(f"{self.metric} - {other!r}: subtract an estimate, and compare the difference")
        if self.pairing is None or other.pairing is None:
            raise TypeError(f"{self.metric} - {other.metric}: these figures have no paired difference")
        return self.pairing.minus(other.pairing)

    def _claim(self, side: Side, threshold: float) -> Claim:
        if isinstance(threshold, Estimate):
            raise TypeError("compare an estimate with a number: write the margin, as in a - b >= -0.05")
        if isinstance(threshold, bool) or not math.isfinite(threshold):
            raise ValueError(f"a threshold is a finite number, got {threshold!r}")
        return Claim(self, side, float(threshold))

    def __gt__(self, other: object) -> NoReturn:
        raise TypeError(f"write estimate >= {other}: an interval can't tell > from >=")

    def __lt__(self, other: object) -> NoReturn:
        raise TypeError(f"write estimate <= {other}: an interval can't tell < from <=")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("no estimate equals a number: write estimate >= low, <= high, or .within(margin)")

    __hash__ = object.__hash__

    def __bool__(self) -> NoReturn:
        raise TypeError("an estimate is neither true nor false: compare it, as in estimate >= 0.60")

    def __str__(self) -> str:
        return f"{show(self.value)}{self._interval()}, n = {self.n}"

    def __repr__(self) -> str:
        return f"<{self.metric} {self}>"

    def _interval(self) -> str:
        if self.low is None or self.high is None:
            return ", no interval"
        return f", {show(self.low)} to {show(self.high)}"

    def explain(self) -> str:
        """The figure, what it rests on, and what problems did to it, as lines."""
        return "\n".join([self.metric, *self.lines()])

    def lines(self) -> list[str]:
        """The lines that `explain` and every claim share."""
        counted = self.counted
        level = f"{(2 * counted.confidence - 1) * 100:g} % interval"
        bounds = f"{level} {self._interval()[2:]}" if self.low is not None else "no interval"
        groups = f", {counted.clusters} clusters" if counted.clusters != counted.n else ""
        lines = [
            f"  seen      {show(self.value)}  ({bounds}; {counted.n} judgements{groups}; {counted.method})"
        ]
        if self.problems:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.problems.items()))
            beside = f"; {show(self.without.value)} without them" if self.without is not None else ""
            lines.append(f"  problems  {sum(self.problems.values())} of {counted.n} ({kinds}){beside}")
        if self.unpaired:
            lines.append(f"  unpaired  {self.unpaired} judgements of items that only one of both has")
        if self.unlabelled:
            lines.append(f"  left out  {self.unlabelled} without a human label or majority")
        if self.examples:
            more = f" · {self.wrong - len(self.examples)} more" if self.wrong > len(self.examples) else ""
            lines.append(f"  first     {' · '.join(self.examples)}{more}")
        return lines

    def plain(self) -> dict[str, Any]:
        """The estimate in builtin types, for a report that crosses processes."""
        return {
            "metric": self.metric,
            "better": self.better,
            **asdict(self.counted),
            "without": None if self.without is None else asdict(self.without),
            "problems": dict(self.problems),
            "unlabelled": self.unlabelled,
        }


def show(value: float | None) -> str:
    """A figure with three significant decimals at most: .1234 -> 0.123, None -> undefined."""
    return "undefined" if value is None else f"{value:.3f}"
