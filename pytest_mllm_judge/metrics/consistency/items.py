"""Figures of items that were asked several times: the mean over items of what their repeats are worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.consistency.told import said
from pytest_mllm_judge.metrics.measure import End, Measure
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.statistics import MIN_DISCORDANT, Interval, Places, Sample, exact_bounds, paired_shares
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.interval import no_figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Part

_NOTHING = 1e-9
Worth = Callable[[Rows], Array]
"""What the item of each ask is worth (n,), in [0, 1]."""


def asked_again(metric: str, judgements: Judgements, options: BareOptions) -> Rows:
    """The plain asks of each item. Raise SettingsError where an item was asked once.

    Fixed items are taken as a sample: how their repeats agree says nothing of how their agreement varies.
    """
    bare = bare_rows(judgements, options)
    rows = replace(bare.saying([said(judgement) for judgement in bare.judgements]), population="sampled")
    need_repeats(metric, rows)
    return rows


def need_repeats(metric: str, rows: Rows) -> None:
    """Raise SettingsError where an item was asked once."""
    if len(rows) and rows.repeats < 2:
        raise SettingsError(f"{metric} needs every item asked twice or more: say [probes] repeat = 2")


@dataclass(frozen=True, kw_only=True)
class PerItem(Measure):
    """The mean over items of their `worth`, those asked less than `least` times left out.

    That of two judges' difference is taken item by item.
    """

    worth: Worth
    least: int = 2

    def interval(self, rows: Rows, *, end: End) -> Interval:
        """The figure of these rows."""
        kept = rows.keep(asked(rows) >= self.least) if len(rows) else rows
        if not len(kept):
            return nothing(rows, f"no item has {self.least} verdicts")
        return self.of_enough(kept, end)

    def of_enough(self, rows: Rows, end: End) -> Interval:
        """The figure of rows whose items were all asked often enough."""
        return super().interval(rows, end=end)

    def difference(self, first: Rows, second: Rows, *, ends: tuple[End, End]) -> Interval:
        """The figure of `first` less that of `second`; the rows stand side by side."""
        if first.population == "fixed":  # asked for the judge's noise, which is not known
            return nothing(first)
        if first.grouped:
            return super().difference(first, second, ends=ends)
        ours, clusters = self.of_items(first)
        theirs, _ = self.of_items(second)
        if not len(ours):
            return nothing(first)
        return paired_shares(ours, theirs, clusters, confidence=first.confidence)

    def noise(self, rows: Rows, *, end: End) -> float | None:
        """Not known: how an item's repeats agree says nothing of how their agreement varies."""
        del rows, end
        return None

    def of_items(self, rows: Rows) -> tuple[Array, Places]:
        """Each item's worth, and its cluster; without items asked too seldom."""
        return rows.once((self.name, "of items", self.least), lambda: self._of_items(rows))

    def _of_items(self, rows: Rows) -> tuple[Array, Places]:
        worth, times = self.worth(rows), asked(rows)
        _, items = rows.asks()
        _, first = np.unique(items, return_index=True)
        kept = first[times[first] >= self.least]
        return worth[kept], np.unique(rows.clusters[kept], return_inverse=True)[1]


def per_item(name: str, worth: Worth, *, least: int = 2) -> PerItem:
    """The mean over items with its jackknife on the logit scale, exact where few clusters differ."""
    return PerItem(build=build_of(name, worth, least), name=name, worth=worth, least=least)


def build_of(name: str, worth: Worth, least: int) -> Callable[[Rows, End], tuple[Figure, Sample]]:
    """How rows become the mean over items.

    Each ask adds its part of its item's worth, of the item, and of what is lacking to a worth of 1.
    """
    figure = Figure(
        name=name,
        value=lambda sums: np.asarray(sums[..., 0] / sums[..., 1]),
        scale="logit",
        bounds=(0.0, 1.0),
        corners=np.array([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0]]),
        mass=np.array([0.0, 1.0, 0.0]),
        bounds_of=_exactly,
        method="few clusters differ, exact",
    )

    def build(rows: Rows, _: End) -> tuple[Figure, Sample]:
        values, times = worth(rows), asked(rows)
        weight = np.where(times >= least, 1 / times, 0.0)
        moments = np.column_stack([values * weight, weight, (1 - values) * weight])
        return figure, rows.sample(moments=moments)

    return build


def _exactly(part: Part, confidence: float) -> tuple[float, float] | None:
    """Bounds where nearly all clusters are steady, or hardly any: then their spread is not known.

    The figure's share of the clusters counts as that many of them; None where enough of them differ.
    """
    sums = np.concatenate(list(part.sums()))[part.alike[1]]
    fewest = min(int((sums[:, column] > _NOTHING).sum()) for column in (0, 2))
    if fewest >= MIN_DISCORDANT:
        return None
    share, items = part.total[:2]
    if not items:
        return None
    steady = round(float(share / items) * len(sums), 9)
    return exact_bounds(steady, len(sums), confidence=confidence)


def nothing(rows: Rows, reason: str = "no item has two verdicts of both judges") -> Interval:
    """No figure, and why: no item was asked often enough."""
    return no_figure(reason, confidence=rows.confidence)


def asked(rows: Rows) -> Places:
    """How often the item of each ask was asked (n,)."""

    def count() -> Places:
        _, items = rows.asks()
        return np.asarray(np.bincount(items)[items])

    return rows.once("how often asked", count)


def alike(rows: Rows) -> Array:
    """How often the verdict of each ask was given to its item (n,); 0 for a problem."""

    def count() -> Array:
        _, items = rows.asks()
        said = list(zip(items.tolist(), rows.verdict, strict=True))
        counts = Counter(said)
        return np.array([0 if each[1] is None else counts[each] for each in said], dtype=float)

    return rows.once("how often said", count)


def places_where(rows: Rows, wanted: Truths) -> list[Places]:
    """The places of each item that has an ask which is wanted (n,)."""
    if not len(rows):
        return []
    _, items = rows.asks()
    return [np.flatnonzero(items == item) for item in np.unique(items[wanted]).tolist()]


def each_said(rows: Rows, places: Places) -> str:
    """`circles-007 chose A, then B, then refused`."""
    each = [str(rows.problem(place) or rows.verdict[place]) for place in places.tolist()]
    return f"{rows.judgements[int(places[0])].item.id} chose {', then '.join(each)}"
