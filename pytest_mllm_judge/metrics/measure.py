"""From rows to intervals: of one judge, and of the difference of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.statistics import (
    Interval,
    Sample,
    bootstrap_of,
    clopper_pearson,
    interval_of,
    left_out,
    mean_figure,
    paired_difference,
    paired_shares,
    wilson,
    worst_cells,
)
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Left, Places

End = Literal["low", "high"]
"""Where problems draw a figure to."""
Build = Callable[[Rows, End], tuple[Figure, Sample]]


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How rows become a figure and what each row adds to it.

    `build` gives both, problems standing where they draw the figure to that end. `right` says of a share
    which rows count: its interval is Wilson's, of a rate that must be small (`rare`) Clopper and Pearson's,
    and that of a difference Tango's. With a `name`, which no other measure of the same rows has, what is
    counted once is kept with the rows. `own` is what it was made of by a user: two of one name may differ.
    One that stands `alone` is not read beside the figures of one human and of a constant judge.
    """

    build: Build
    name: str = ""
    right: Callable[[Rows], Truths] | None = None
    rare: bool = False
    own: object = None
    alone: bool = False

    def interval(self, rows: Rows, *, end: End) -> Interval:
        """The figure of these rows."""
        seed: int | None = rows.reading.get("bootstrap")
        if seed is not None:
            figure, sample = self.build(rows, end)
            return bootstrap_of(figure, sample, seed=seed, confidence=rows.confidence, average=rows.average)
        if self.right is not None and _is_plain(rows):
            method = clopper_pearson if self.rare else wilson
            return method(self.right(rows), rows.clusters, confidence=rows.confidence)
        figure, sample, left = self._counted(rows, end)
        found = interval_of(figure, sample, confidence=rows.confidence, average=rows.average, left=left)
        if found.low is None and left.loose:
            place = left.loose[0]
            clusters = left.parts[place].sample.groups
            reason = f"{found.reason} (the slice {rows.names[place]!r} has {clusters} cluster(s))"
            return replace(found, reason=reason)
        return found

    def _counted(self, rows: Rows, end: End) -> tuple[Figure, Sample, Left]:
        """The figure, what each row adds to it, and the figure without each cluster."""

        def count() -> tuple[Figure, Sample, Left]:
            figure, sample = self.build(rows, end)
            return figure, sample, left_out(figure, sample, rows.average)

        if not self.name:
            return count()
        return rows.once(("counted", self.name, end, rows.average, rows.population), count)

    def difference(self, first: Rows, second: Rows, *, ends: tuple[End, End]) -> Interval:
        """The figure of `first` less that of `second`; the rows stand side by side."""
        if self.right is not None and _is_plain(first):
            ours, theirs = (self.right(rows).astype(float) for rows in (first, second))
            clusters = first.clusters
            if first.repeats > 1:
                ours, theirs, clusters = _of_items(first, ours, theirs)
            return paired_shares(ours, theirs, clusters, confidence=first.confidence)
        figure, sample, left = self._counted(first, ends[0])
        other, beside, right = self._counted(second, ends[1])
        return paired_difference(
            figure,
            sample,
            beside,
            other=other,
            left=left,
            right=right,
            discordant=_discordant(first, second),
            average=first.average,
            confidence=first.confidence,
        )

    def noise(self, rows: Rows, *, end: End) -> float | None:
        """Which share of the variance is the judge's own, so that asking again averages it out.

        None where some item was asked once only. It is the variance over repeats of fixed items (as in
        `from_repeats`) over that of clusters.
        """
        if rows.repeats < 2:
            return None
        widths = []
        for some in (_fixed(rows), rows):
            figure, sample, left = self._counted(some, end)
            found = interval_of(figure, sample, confidence=rows.confidence, average=rows.average, left=left)
            if found.low is None or found.high is None:
                return None
            widths.append(found.high - found.low)
        return min(1.0, (widths[0] / widths[1]) ** 2) if widths[1] > 0 else None


def _discordant(first: Rows, second: Rows) -> int:
    """On how many asks the verdicts differ: several annotators' labels of one ask tell of no more changes."""
    differ = [a != b for a, b in zip(first.verdict, second.verdict, strict=True)]
    if not any(first.annotators):
        return sum(differ)
    asks, _ = first.asks()
    return len(np.unique(asks[np.array(differ, dtype=bool)]))


def _is_plain(rows: Rows) -> bool:
    """Whether neither slices nor fixed items stand against the closed forms of shares."""
    return not rows.grouped and rows.population == "sampled"


def _fixed(rows: Rows) -> Rows:
    return replace(rows, population="fixed")


def _of_items(rows: Rows, ours: Array, theirs: Array) -> tuple[Array, Array, Places]:
    """The means over each item's repeats, and the items' clusters."""
    _, items = rows.asks()
    _, first, where = np.unique(items, return_index=True, return_inverse=True)
    count = np.bincount(where)
    means = (np.bincount(where, weights=values) / count for values in (ours, theirs))
    return *means, rows.clusters[first]  # type: ignore[return-value]


def mean_of(worth: Callable[[Rows, End], Array], *, bounds: tuple[float, float], name: str = "") -> Measure:
    """The mean of what each row is worth (n,), which lies in `bounds`."""

    def build(rows: Rows, end: End) -> tuple[Figure, Sample]:
        values = worth(rows, end)
        return mean_figure(bounds), rows.sample(moments=np.column_stack([values, np.ones(len(rows))]))

    return Measure(build=build, name=name)


def share_of(right: Callable[[Rows], Truths], *, rare: bool = False) -> Measure:
    """The share of rows that are right; a problem is not, unless `right` says so."""
    mean = mean_of(lambda rows, _: right(rows).astype(float), bounds=(0.0, 1.0))
    return Measure(build=mean.build, right=right, rare=rare)


def with_worst(
    figure: Figure, human: Places, judge: Places, slices: Places, *, shape: tuple[int, int], end: End
) -> Places:
    """The verdicts (n,), the missing ones (-1) being the columns that draw each slice's figure to the end."""
    missing = judge < 0
    if not missing.any():
        return judge
    filled = judge.copy()
    rows, columns = shape
    for number in np.unique(slices[missing]).tolist():
        inside = slices == number
        known, lost = inside & ~missing, np.flatnonzero(inside & missing)
        cells = human[known] * columns + judge[known]
        table = np.bincount(cells, minlength=rows * columns).reshape(rows, columns)
        counts = np.bincount(human[lost], minlength=rows)
        stand_ins = worst_cells(figure, table.astype(float), counts, highest=end == "high")
        for row in np.flatnonzero(counts).tolist():
            filled[lost[human[lost] == row]] = np.repeat(np.arange(columns), stand_ins[row])
    return filled
