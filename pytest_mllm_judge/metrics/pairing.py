"""The paired difference of two estimates: the same metric on the same items, by two judges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.metrics.rows import Row, Rows
from pytest_mllm_judge.statistics import Interval, mean_figure, paired_difference, paired_shares, sliced_sums
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array

Both = Callable[[Rows, Rows], Interval]
"""The interval of the difference, first less second; the rows stand side by side."""
Key = tuple[str, str, int]


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """What a difference needs of an estimate: its metric, its rows, and how to subtract."""

    metric: str
    better: Better
    rows: Rows
    both: Both

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one, on the items that both have.

        Raise TypeError for another metric or another reading, ValueError where no item is common to both or
        where their human labels differ.
        """
        self._check(other)
        mine, theirs = _index(self.rows), _index(other.rows)
        common = sorted(mine.keys() & theirs.keys())
        if not common:
            raise ValueError(
                f"{self.metric}: the two have no item in common, so there is no paired difference"
            )
        first, second = [mine[key] for key in common], [theirs[key] for key in common]
        for ours, others in zip(first, second, strict=True):
            if ours.human != others.human:
                raise ValueError(
                    f"{self.metric}: item {ours.item.id} has the human label {ours.human!r} on the left and "
                    f"{others.human!r} on the right; compare judges on the same labels"
                )
        return self._estimate(first, second, unpaired=len(mine) + len(theirs) - 2 * len(common))

    def _check(self, other: Pairing) -> None:
        if self.metric != other.metric:
            raise TypeError(f"{self.metric} - {other.metric}: only the same metric can be subtracted")
        if self.rows.reading != other.rows.reading:
            left, right = (dict(each.rows.reading) for each in (self, other))
            raise TypeError(f"{self.metric}: read with {left} on the left and {right} on the right")

    def _estimate(self, first: Sequence[Row], second: Sequence[Row], *, unpaired: int) -> Estimate:
        counted = self.both(self._of(first), self._of(second))
        problems = Counter(row.problem for row in (*first, *second) if row.problem is not None)
        both = [(a, b) for a, b in zip(first, second, strict=True) if None not in (a.verdict, b.verdict)]
        without = None
        if problems and both:
            without = self.both(self._of([a for a, _ in both]), self._of([b for _, b in both]))
        flips = [_flip(a, b) for a, b in zip(first, second, strict=True) if _worse(a, b)]
        return Estimate(
            metric=f"{self.metric}, difference",
            better=self.better,
            counted=counted,
            without=without,
            problems=dict(problems),
            examples=flips[:3],
            wrong=len(flips),
            unpaired=unpaired,
        )

    def _of(self, rows: Sequence[Row]) -> Rows:
        return replace(self.rows, rows=tuple(rows), unlabelled=0)


def _index(rows: Rows) -> dict[Key, Row]:
    return {(row.item.id, row.item.task, row.repeat): row for row in rows.rows}


def _worse(ours: Row, theirs: Row) -> bool:
    return ours.verdict != ours.human and theirs.verdict == theirs.human


def _flip(ours: Row, theirs: Row) -> str:
    return f"{ours.says()}, where the other chose {theirs.verdict}"


def shares(right: Callable[[Row], bool]) -> Both:
    """The difference of two shares: Tango's interval; of slices, the mean of their differences."""
    slices = means(lambda row: float(right(row)), bounds=(0.0, 1.0))

    def both(first: Rows, second: Rows) -> Interval:
        if first.grouped:
            return slices(first, second)
        ours, theirs = ([float(right(row)) for row in rows.rows] for rows in (first, second))
        return paired_shares(ours, theirs, first.clusters)

    return both


def means(worth: Callable[[Row], float], *, bounds: tuple[float, float]) -> Both:
    """The difference of two means of what each row is worth."""

    def moments(rows: Rows) -> Array:
        import numpy as np

        return np.array([[worth(row), 1.0] for row in rows.rows])

    return figures(mean_figure(bounds), moments)


def figures(figure: Figure, moments: Callable[[Rows], Array], *, average: str | None = None) -> Both:
    """The difference of two figures of additive sums: `moments` gives each row's share in them (n, K)."""

    def both(first: Rows, second: Rows) -> Interval:
        groups = first.groups or [""] * len(first)
        whole = figure.over(len(set(groups)), average="fisher" if average == "fisher" else "mean")
        ours, theirs = (sliced_sums(moments(rows), groups, first.clusters) for rows in (first, second))
        changed = sum(a.verdict != b.verdict for a, b in zip(first.rows, second.rows, strict=True))
        return paired_difference(whole, ours, theirs, n=len(first), discordant=changed)

    return both
