"""An estimate: a figure with its interval, and what problems did to it."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol

from pytest_mllm_judge.claims.beside import Beside
from pytest_mllm_judge.claims.claim import Claim
from pytest_mllm_judge.claims.deciding import Side
from pytest_mllm_judge.claims.show import builtin, plain, show, show_range, shown

if TYPE_CHECKING:  # so that importing claims loads no numpy
    from pytest_mllm_judge.model import Judgements
    from pytest_mllm_judge.statistics import Interval

__all__ = ["Better", "Estimate", "Pairing", "Population", "Slices", "show"]

Better = Literal["higher", "lower", "neither"]
Ends = Literal["counted", "upper"]
Again = Callable[[float, Ends], "Interval"]
"""An estimate's interval at another confidence, problems drawing it to that end."""
Population = Literal["sampled", "fixed"]
_WRITE: dict[Side, str] = {
    "at least": "estimate >= 0.60",
    "at most": "estimate <= 0.05",
    "within": "estimate.within(0.05)",
}


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
    of the two decides a claim. `problems` counts them by kind, `unlabelled` the judgements left out for
    what they are `lacking` (a human label or a majority, a cost), `examples` names the first that lower the
    figure.
    Where a figure may be wrong in either direction, `counted` has problems drawing it down and `upper` up.

    `beside` are figures to read it beside. `population` is "fixed" where it speaks of exactly these items;
    `repeats` is how often each was asked, `noise` the share of the interval's variance, 0 to 1, that asking
    again averages out (None where it is not known).

    A copy is the estimate itself; a pickled one keeps every number, and leaves the judgements behind.
    """

    metric: str
    better: Better
    counted: Interval
    without: Interval | None = None
    problems: Mapping[str, int] = field(default_factory=dict)
    unlabelled: int = 0
    lacking: str = "a human label or majority"
    examples: Sequence[str] = ()
    wrong: int = 0
    unpaired: int = 0
    upper: Interval | None = None
    pairing: Pairing | None = None
    slices: Slices | None = None
    again: Again | None = None
    beside: Sequence[Beside] = ()
    noise: float | None = None
    repeats: int = 1
    items: int | None = None
    population: Population = "sampled"

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

    def at(self, confidence: float, *, end: Ends = "counted") -> Interval:
        """The interval at another one-sided confidence, as tests that are corrected for their number ask.

        `end` is where problems draw it: as `counted`, or as `upper`. Raise TypeError if it was not kept.
        """
        if self.again is None:
            raise TypeError(f"{self.metric} was made without its judgements, so there is no other interval")
        return self.again(confidence, end)

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
            raise TypeError(f"{self.metric} has no judgements with it, so it can't be sliced")
        return self.slices

    def __ge__(self, threshold: float) -> Claim:
        return self._claim("at least", threshold)

    def __le__(self, threshold: float) -> Claim:
        return self._claim("at most", threshold)

    def within(self, margin: float) -> Claim:
        """The claim that the figure lies between -margin and margin (an equivalence claim)."""
        claim = self._claim("within", margin)
        if claim.threshold <= 0:
            raise ValueError(f"a margin is above 0, got {margin}")
        return claim

    def __sub__(self, other: Estimate) -> Estimate:
        """The paired difference of the same figure, on the items that both have; claim it `>= -margin`."""
        if not isinstance(other, Estimate):
            raise TypeError(f"{self.metric} - {other!r}: subtract an estimate, and compare the difference")
        if self.pairing is None or other.pairing is None:
            raise TypeError(f"{self.metric} - {other.metric}: these figures have no paired difference")
        return self.pairing.minus(other.pairing)

    def _claim(self, side: Side, threshold: object) -> Claim:
        if isinstance(threshold, Estimate):
            raise TypeError("compare an estimate with a number: write the margin, as in a - b >= -0.05")
        if not isinstance(threshold, (Real, Decimal)):
            raise TypeError(
                f"compare an estimate with one number, got {reprlib.repr(threshold)} "
                f"({type(threshold).__name__}): write {_WRITE[side]}"
            )
        return Claim(self, side, _finite(threshold))

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
        return shown(self.counted)

    def __repr__(self) -> str:
        return f"<{self.metric} {self}>"

    def explain(self) -> str:
        """The figure, what it rests on, and what problems did to it, as lines."""
        why = [f"  undecided {self.counted.reason}"] if self.counted.reason else []
        return "\n".join([self.metric, *self.lines(), *why])

    def lines(self) -> list[str]:
        """The lines that `explain` and every claim share."""
        lines = [self._seen(), *self._problems(), *map(_line, self.beside)]
        if self.unpaired:
            lines.append(f"  unpaired  {self.unpaired} judgements of items that only one of both has")
        if self.unlabelled:
            lines.append(f"  left out  {self.unlabelled} without {self.lacking}")
        if self.examples:
            more = f" · {self.wrong - len(self.examples)} more" if self.wrong > len(self.examples) else ""
            lines.append(f"  first     {' · '.join(self.examples)}{more}")
        return lines

    def _seen(self) -> str:
        counted = self.counted
        level = "" if self.low is None else f"{(2 * counted.confidence - 1) * 100:g} % interval "
        groups = f", {counted.clusters} clusters" if counted.clusters != counted.n else ""
        on = f"{counted.n} judgements{groups}; {counted.method}"
        return f"  seen      {show(self.value)}  ({level}{show_range(self.low, self.high)}; {on})"

    def _problems(self) -> list[str]:
        """How many, the figure without them, and the one that they draw up: each may decide a claim."""
        if not self.problems:
            return []
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.problems.items()))
        text = f"  problems  {sum(self.problems.values())} of {self.n} ({kinds})"
        if self.without is not None:
            text += f"; {show(self.without.value)} ({_range(self.without)}) without them"
        if self.upper is None:
            return [text]
        return [text, f"  upwards   {show(self.upper.value)}  ({_range(self.upper)}; problems drawing it up)"]

    def plain(self) -> dict[str, Any]:
        """The estimate in builtin types, for a report that crosses processes, or for JSON."""
        return {
            "metric": self.metric,
            "better": self.better,
            **(plain(self.counted) or {}),
            "without": plain(self.without),
            "upper": plain(self.upper),
            "problems": {str(kind): builtin(count) for kind, count in self.problems.items()},
            "unlabelled": builtin(self.unlabelled),
            "unpaired": builtin(self.unpaired),
            "beside": [plain(each) for each in self.beside],
            "noise": builtin(self.noise),
            "repeats": builtin(self.repeats),
            "population": self.population,
        }

    def __copy__(self) -> Estimate:
        return self

    def __deepcopy__(self, memo: object) -> Estimate:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "pairing": None, "slices": None, "again": None, "beside": tuple(self.beside)}


def _finite(threshold: Real | Decimal) -> float:
    try:
        number = float(threshold)
    except (OverflowError, ValueError):  # a whole number beyond floats; a Decimal's signalling NaN
        number = math.nan
    if isinstance(threshold, bool) or not math.isfinite(number):
        raise ValueError(f"a threshold is a finite number, got {reprlib.repr(threshold)}")
    return number


def _range(interval: Interval) -> str:
    return show_range(interval.low, interval.high)


def _line(beside: Beside) -> str:
    bounds = "" if beside.low is None else f"{show_range(beside.low, beside.high)}; "
    return f"  {beside.name:8}  {show(beside.value)}  ({bounds}{beside.about})"
