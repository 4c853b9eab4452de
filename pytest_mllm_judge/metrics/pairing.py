"""The paired difference of two estimates: the same metric on the same items, by two judges."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Better, Ends
from pytest_mllm_judge.metrics.measure import End, Measure
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.statistics import Interval


class NothingCommon(ValueError):
    """Two judges were asked about no item in common."""


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What a difference needs of an estimate: its metric, its rows, and how they become a figure."""

    metric: str
    better: Better
    rows: Rows
    measure: Measure

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one, on the items that both have.

        Raise TypeError for another metric or another reading, ValueError where no item is common to both or
        where their human labels differ.
        """
        self._check(other)
        first, second = self._side_by_side(other)
        self._check_labels(first, second)
        return self._estimate(first, second, unpaired=len(self.rows) + len(other.rows) - 2 * len(first))

    def _side_by_side(self, other: Pairing) -> tuple[Rows, Rows]:
        """The rows that both have, in one order."""
        if len(self.rows) and self.rows.keys() == other.rows.keys():
            return self.rows, _beside(self.rows, other.rows)
        mine, theirs = ({key: n for n, key in enumerate(each.rows.keys())} for each in (self, other))
        common = sorted(mine.keys() & theirs.keys())
        if not common:
            raise NothingCommon(
                f"{self.metric}: the two have no item in common, so there is no paired difference"
            )
        first = self.rows.take(np.array([mine[key] for key in common]))
        return first, _beside(first, other.rows.take(np.array([theirs[key] for key in common])))

    def of(self, rows: Rows) -> Interval:
        """The same figure of other rows."""
        worst: End = "high" if self.better == "lower" else "low"
        return self.measure.interval(rows, end=worst)

    def _check(self, other: Pairing) -> None:
        if self.metric != other.metric:
            raise TypeError(f"{self.metric} - {other.metric}: only the same metric can be subtracted")
        if self.measure.own != other.measure.own:
            raise TypeError(
                f"{self.metric}: two metrics of this name; only one and the same can be subtracted"
            )
        if self.rows.reading != other.rows.reading:
            ours, others = self.rows.reading, other.rows.reading
            raise TypeError(f"{self.metric}: read with {ours} on the left and {others} on the right")
        if self.rows.population != other.rows.population:
            left, right = self.rows.population, other.rows.population
            raise TypeError(
                f"{self.metric}: the population is {left!r} on the left and {right!r} on the right"
            )

    def _check_labels(self, first: Rows, second: Rows) -> None:
        if first.human == second.human:
            return
        for place, (ours, theirs) in enumerate(zip(first.human, second.human, strict=True)):
            if ours != theirs:
                item = first.judgements[place].item.id
                raise ValueError(
                    f"{self.metric}: item {item} has the human label {ours!r} on the left and {theirs!r} on "
                    "the right; compare judges on the same labels"
                )

    def _estimate(self, first: Rows, second: Rows, *, unpaired: int) -> Estimate:
        problems = Counter(first.problems()) + Counter(second.problems())
        answered = first.not_alone(~(first.missing | second.missing))
        without = None
        if problems and answered.any():
            without = self._interval(first.keep(answered), second.keep(answered), ("low", "low"))
        worse = ~first.is_right() & second.is_right()
        flips = np.flatnonzero(worse).tolist()

        def again(confidence: float, end: Ends) -> Interval:
            one, other = (replace(each, confidence=confidence) for each in (first, second))
            return self._interval(one, other, self._ends[end == "upper"])

        return Estimate(
            metric=f"{self.metric}, difference",
            better=self.better,
            counted=self._interval(first, second, self._ends[0]),
            upper=self._interval(first, second, self._ends[1]) if problems and self._two_ended else None,
            without=without,
            problems=dict(problems),
            examples=[_flip(first, second, place) for place in flips[:3]],
            wrong=len(flips),
            unlabelled=first.unlabelled,
            unpaired=unpaired,
            noise=self._noise(first, second),
            repeats=first.repeats,
            items=first.items,
            population=first.population,
            again=again,
        )

    def _noise(self, first: Rows, second: Rows) -> float | None:
        """Which share of the variance is the two judges' own, so that asking both again averages it out.

        None where some item was asked once only, or nothing varies.
        """
        if min(first.repeats, second.repeats) < 2:
            return None
        one, other = (replace(rows, population="fixed") for rows in (first, second))
        own = _width(self._interval(one, other, self._ends[0]))
        whole = _width(self._interval(first, second, self._ends[0]))
        return None if own is None or not whole else min(1.0, (own / whole) ** 2)

    @property
    def _two_ended(self) -> bool:
        return self.better == "neither"

    @property
    def _ends(self) -> tuple[tuple[End, End], tuple[End, End]]:
        """Where each judge's problems draw the difference down, and up.

        A figure that is better high or low has its own worst end on both sides: neither judge can gain by
        refusing. One that may err either way is drawn down by its own low and the other's high end.
        """
        if self._two_ended:
            return ("low", "high"), ("high", "low")
        end: End = "low" if self.better == "higher" else "high"
        return (end, end), (end, end)

    def _interval(self, first: Rows, second: Rows, ends: tuple[End, End]) -> Interval:
        return self.measure.difference(first, second, ends=ends)


def _width(interval: Interval) -> float | None:
    return None if interval.low is None or interval.high is None else interval.high - interval.low


def _beside(first: Rows, second: Rows) -> Rows:
    """The second rows in the clusters and slices of the first: what is left out is left out of both."""
    if np.array_equal(first.clusters, second.clusters) and np.array_equal(first.slices, second.slices):
        return second
    return second.within(first)


def _flip(first: Rows, second: Rows, place: int) -> str:
    return f"{first.says(place)}, where the other chose {second.verdict[place]}"
