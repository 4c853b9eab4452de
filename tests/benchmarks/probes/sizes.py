"""How large a fault must be for a check's true figure to be one margin, or three: solved for on many items.

Both judges are asked the same questions, so that the difference of their figures is known far better than
either; a fair judge's figure follows from how it is drawn, or is measured on more items.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache

from tests.benchmarks.probes.asked import FAIR, DataSet
from tests.benchmarks.probes.claimed import TIMES, Claimed
from tests.benchmarks.probes.faults import FAULTS, Judge

FIRST = 10**9
"""The numbers of the data sets that truths are measured on begin here."""
ITEMS = 20_000
SETS, FAIR_SETS = 3, 20
"""How many data sets of so many items a fault, and a fair judge's figure, is measured on."""
CLOSE = 1e-4
"""How near the figure must come to what is aimed at."""
MOST_STEPS = 8


@dataclass(frozen=True, kw_only=True)
class Sized:
    """A fault's size, and the true figure that it makes; `reached` unless even the largest falls short."""

    size: float
    figure: float
    reached: bool = True


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A fair judge's true figure in a check, and the fault at one margin and at three."""

    fair: float
    margin: Sized
    three: Sized

    def plain(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def of(cls, plain: dict[str, object]) -> Truth:
        """From JSON."""
        margin, three = (Sized(**plain[name]) for name in ("margin", "three"))  # type: ignore[arg-type]
        return cls(fair=float(str(plain["fair"])), margin=margin, three=three)


def truth_of(claimed: Claimed) -> Truth:
    """Measure and solve."""
    some = _sets()
    measured = _mean(claimed, FAIR, some)
    fair = claimed.exactly if claimed.exactly is not None else _fair(claimed)

    @cache
    def figure(size: float) -> float:
        return fair + _mean(claimed, Judge(claimed.fault, size), some) - measured

    most = FAULTS[claimed.fault].most
    solve = straight if claimed.linear else solved
    one, three = (solve(figure, fair, claimed.aim(fair, times), most=most) for times in (1, TIMES))
    return Truth(fair=fair, margin=one, three=three)


def straight(figure: Callable[[float], float], fair: float, aim: float, *, most: float) -> Sized:
    """The size whose figure is the aim where the figure moves by so much of what the largest moves it by."""
    slope = (figure(most) - fair) / most
    size = min(round((aim - fair) / slope, 6), most)
    return Sized(size=size, figure=fair + slope * size, reached=abs(fair + slope * size - aim) < CLOSE)


def solved(figure: Callable[[float], float], fair: float, aim: float, *, most: float) -> Sized:
    """The size whose figure is the aim, by the secant method from 0, where it is the fair judge's."""
    before, size = (0.0, fair), most / 4
    for _ in range(MOST_STEPS):
        now = figure(size)
        if abs(now - aim) < CLOSE or (size == most and (aim - now) * (aim - fair) > 0):
            return Sized(size=size, figure=now, reached=abs(now - aim) < CLOSE)
        slope = (now - before[1]) / (size - before[0])
        if not slope:
            break
        before, size = (size, now), min(max(round(size + (aim - now) / slope, 6), 1e-6), most)
    raise ValueError(
        f"no size up to {most} has the figure {aim}; the last tried, {before[0]}, has {before[1]}"
    )


@cache
def _sets() -> list[DataSet]:
    """The data sets that every fault is measured on, kept: what a fair judge says is the same for all."""
    return [DataSet(number) for number in range(FIRST, FIRST + SETS)]


def _fair(claimed: Claimed) -> float:
    each = (_mean(claimed, FAIR, [DataSet(number)]) for number in range(FIRST, FIRST + FAIR_SETS))
    return sum(each) / FAIR_SETS


def _mean(claimed: Claimed, judge: Judge, some: Sequence[DataSet]) -> float:
    found = []
    for data in some:
        value = claimed.estimate(data.judgements(judge, claimed.asks, ITEMS)).value
        assert value is not None
        found.append(value)
    return sum(found) / len(found)
