"""n items as what each adds to a figure's sums, and the figure with every cluster left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge.statistics.jackknife import Array

if TYPE_CHECKING:
    from pytest_mllm_judge.statistics.figure import Figure

Places = npt.NDArray[np.intp]
Average = Literal["mean", "fisher"] | Callable[[Sequence[float]], float]
"""How slices' figures become one: their plain mean, the tanh of their mean arctanh, or a function of them."""

_BLOCK = 4_000_000
"""Numbers held at a time: clusters times cells."""


def numbered(names: Sequence[str], *, ordered: bool = False) -> Places:
    """Names as numbers from 0: in the order they first appear, or that of the names."""
    index: dict[str, int] = {}
    if ordered:
        index = {name: place for place, name in enumerate(sorted(set(names)))}
    return np.fromiter(
        (index.setdefault(name, len(index)) for name in names), dtype=np.intp, count=len(names)
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """n items: what each adds to a figure's sums, its cluster and its slice, both numbered from 0.

    `moments` (n, K) are what is added; or `cells` (n,) say at which of `width` places of a table each item
    counts; or `scores` (n, 2) are the humans' and the judge's, for figures of ranks that no table holds.
    With `items` (n,) the items are fixed and only the judge is random: then `clusters` are the single asks,
    and a cluster is left out by counting the others of its item for it.
    """

    clusters: Places
    slices: Places
    moments: Array | None = None
    cells: Places | None = None
    width: int = 0
    scores: Array | None = None
    items: Places | None = None

    @classmethod
    def of_sums(cls, sums: Array) -> Sample:
        """Clusters by their sums (G, K), all in one slice."""
        count = len(sums)
        return cls(clusters=np.arange(count), slices=np.zeros(count, dtype=np.intp), moments=sums)

    def __len__(self) -> int:
        return len(self.clusters)

    @cached_property
    def groups(self) -> int:
        """How many clusters there are."""
        return int(self.clusters.max()) + 1 if len(self) else 0

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The slices, each with its own clusters."""
        count = int(self.slices.max()) + 1 if len(self) else 0
        if count == 1:
            return (Part(self, np.arange(self.groups)),)
        return tuple(self._part(np.flatnonzero(self.slices == number)) for number in range(count))

    def _part(self, rows: Places) -> Part:
        members, clusters = np.unique(self.clusters[rows], return_inverse=True)
        some = Sample(
            clusters=clusters,
            slices=np.zeros(len(rows), dtype=np.intp),
            moments=None if self.moments is None else self.moments[rows],
            cells=None if self.cells is None else self.cells[rows],
            width=self.width,
            scores=None if self.scores is None else self.scores[rows],
            items=None if self.items is None else self.items[rows],
        )
        return Part(some, members)


@dataclass(frozen=True, eq=False)
class Part:
    """One slice: its items, and which of all clusters its own are (G',)."""

    sample: Sample
    members: Places

    @cached_property
    def total(self) -> Array:
        """The sums over all its items (K,)."""
        sample = self.sample
        if sample.cells is not None:
            return np.bincount(sample.cells, minlength=sample.width).astype(float)
        assert sample.moments is not None
        return np.asarray(sample.moments.sum(axis=0))

    @cached_property
    def alike(self) -> tuple[Places, Places]:
        """Clusters that stand for those of the same sums (U,), and which of them each stands behind (G',)."""
        sample, groups = self.sample, self.sample.groups
        if sample.cells is None or sample.items is not None:
            return np.arange(groups), np.arange(groups)
        keys = np.zeros(groups, dtype=np.uint64)
        np.add.at(keys, sample.clusters, _scrambled(sample.cells))
        _, first, which = np.unique(keys, return_index=True, return_inverse=True)
        return first, which

    def sums(self) -> Iterator[Array]:
        """The sums of the clusters in `alike`, in blocks (B, K)."""
        first, _ = self.alike
        sample = self.sample
        if sample.moments is not None:
            yield _summed(sample.moments, sample.clusters, sample.groups)
            return
        assert sample.cells is not None
        size = max(1, _BLOCK // max(sample.width, 1))
        for start in range(0, len(first), size):
            block = first[start : start + size]
            place = np.full(sample.groups, -1, dtype=np.intp)
            place[block] = np.arange(len(block))
            rows = place[sample.clusters]
            inside = rows >= 0
            flat = rows[inside] * sample.width + sample.cells[inside]
            yield np.bincount(flat, minlength=len(block) * sample.width).reshape(len(block), -1).astype(float)

    def changes(self) -> Iterator[Array]:
        """What leaving a cluster out takes from the total, in blocks (B, K).

        Its sums; with fixed items what it adds beyond the item's other asks, T (s - mean) / (T - 1), after
        which the item still counts T times (the stratified jackknife: Jones 1974).
        """
        if self.sample.items is None:
            yield from self.sums()
            return
        asks = np.concatenate(list(self.sums()))
        items, count = self.strata
        repeats = count[items][:, None]
        means = _summed(asks, items, len(count)) / count[:, None]
        with np.errstate(all="ignore"):
            yield (asks - means[items]) * repeats / (repeats - 1)

    @cached_property
    def strata(self) -> tuple[Places, Places]:
        """Of fixed items: the item of each ask (G',), and how many asks each item has."""
        assert self.sample.items is not None
        of_ask = np.zeros(self.sample.groups, dtype=np.intp)
        of_ask[self.sample.clusters] = self.sample.items
        _, numbers = np.unique(of_ask, return_inverse=True)
        return numbers, np.bincount(numbers)

    def left_out(self, figure: Figure) -> tuple[float, Array]:
        """The figure, and with each of `alike` left out (U,)."""
        with np.errstate(all="ignore"):
            if self.sample.scores is not None:
                assert figure.of_scores is not None
                return figure.of_scores(self.sample.scores, self.sample.clusters)
            value = float(figure.value(self.total))
            if self.sample.groups < 2:
                return value, np.full(self.sample.groups, np.nan)
            return value, np.concatenate([figure.value(self.total - block) for block in self.changes()])


def _scrambled(cells: Places) -> npt.NDArray[np.uint64]:
    """A 64-bit number for each place, so that sums of them tell clusters apart (splitmix64, Steele 2014)."""
    z = (cells.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))


def _summed(rows: Array, groups: Places, count: int) -> Array:
    sums = np.zeros((count, rows.shape[1]))
    np.add.at(sums, groups, rows)
    return sums


@dataclass(frozen=True, eq=False, kw_only=True)
class Left:
    """A figure, and its values with a cluster left out: `each` (U,), standing for `which` (G,) clusters.

    `parts` are the slices that it was averaged over, `loose` the places of those of which the figure is
    undefined, whole or with some cluster left out.
    """

    value: float
    each: Array
    which: Places
    parts: tuple[Part, ...]
    loose: tuple[int, ...] = ()

    @cached_property
    def times(self) -> Places:
        """For how many clusters each value stands (U,)."""
        return np.bincount(self.which, minlength=len(self.each))

    @property
    def of_clusters(self) -> Array:
        """The figure without each cluster (G,)."""
        return self.each[self.which]


def left_out(figure: Figure, sample: Sample, average: Average = "mean") -> Left:
    """The figure of all items, or the average over slices, and with every cluster left out."""
    parts = sample.parts
    found = [part.left_out(figure) for part in parts]
    values = np.array([value for value, _ in found])
    if len(parts) == 1:
        which = parts[0].alike[1]
        return Left(value=float(values[0]), each=found[0][1], which=which, parts=parts)
    table = np.tile(values, (sample.groups, 1))
    for column, (part, (_, each)) in enumerate(zip(parts, found, strict=True)):
        table[part.members, column] = each[part.alike[1]]
    return Left(
        value=float(averaged(values[None], average)[0]),
        each=averaged(table, average),
        which=np.arange(sample.groups),
        parts=parts,
        loose=tuple(
            place
            for place, (value, each) in enumerate(found)
            if not (np.isfinite(value) and np.isfinite(each).all())
        ),
    )


def averaged(each: Array, average: Average) -> Array:
    """One figure of those of the slices, over the last axis (..., P); NaN where one is undefined."""
    with np.errstate(all="ignore"):
        if average == "mean":
            return np.asarray(each.mean(axis=-1))
        if average == "fisher":
            return np.asarray(np.tanh(np.arctanh(np.clip(each, -1, 1)).mean(axis=-1)))
        found = [_said(average, row) if np.isfinite(row).all() else np.nan for row in each.tolist()]
    return np.array(found)


def _said(average: Callable[[Sequence[float]], float], figures: Sequence[float]) -> float:
    """What the function makes of the slices' figures. Raise ValueError for anything but a finite number."""
    value = average(figures)
    if not isinstance(value, Real) or not math.isfinite(value):
        name = getattr(average, "__name__", "the function")
        raise ValueError(f"average = {name} gave {value!r} for {len(figures)} slices; give a finite number")
    return float(value)
