"""Populations of items, humans and judges of whom everything is known, to draw data sets from.

Human labels and verdicts are standard normals that are cut into labels. Two judges (`old`, `new`) see the
same items; their errors correlate by SAME_ERROR. Where items stand in clusters, a share ICC of the variance
of every normal is the cluster's, so that the population's figures are those without clusters.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge.model import Label, Task, Tasks
from tests.benchmarks.statistics import tables
from tests.benchmarks.statistics.tables import Array, Shares

Codes = npt.NDArray[np.intp]
Name = Literal["old", "new"]
Random = np.random.Generator

SAME_ERROR = 0.7
"""How the two judges' errors correlate, what they share with the humans left out."""
ICC = 0.3
SIZES = (4, 2, 6, 3, 5)
"""The sizes of clusters, in turn: four on average."""


@dataclass(frozen=True, eq=False)
class Layout:
    """How many items have a label and how many have none, and the cluster of each (all by place)."""

    labelled: int
    clusters: Codes

    @cached_property
    def groups(self) -> int:
        """How many clusters there are."""
        return int(self.clusters.max()) + 1

    @property
    def single(self) -> bool:
        """Whether every item is a cluster of its own."""
        return self.groups == len(self.clusters)


def layout(labelled: int, *, size: int, unlabelled: int = 0) -> Layout:
    """So many items, in clusters of one or of SIZES; no cluster has items with and without a label."""
    if size not in (1, 4):
        raise ValueError(f"clusters have 1 item or 4 on average, got {size}")
    clusters: list[int] = []
    for count in filter(None, (labelled, unlabelled)):
        sizes = itertools.repeat(1) if size == 1 else itertools.cycle(SIZES)
        first = clusters[-1] + 1 if clusters else 0
        places = (place for place, each in enumerate(sizes, start=first) for _ in range(each))
        clusters += itertools.islice(places, count)
    return Layout(labelled, np.array(clusters, dtype=np.intp))


def normals(rng: Random, at: Layout, mix: Array, *, each: int = 1) -> Array:
    """Normals of covariance mix mix' for every item: (n, each, V), a share ICC of them its cluster's."""
    own = rng.standard_normal((len(at.clusters), each, len(mix))) @ mix.T
    if at.single:
        return np.asarray(own)
    shared = rng.standard_normal((at.groups, each, len(mix))) @ mix.T
    return np.asarray(np.sqrt(ICC) * shared[at.clusters] + np.sqrt(1 - ICC) * own)


def mixed(old: float, new: float) -> Array:
    """The root of the covariance of humans, old and new judge, by the judges' correlations with humans."""
    between = old * new + SAME_ERROR * np.sqrt((1 - old**2) * (1 - new**2))
    return np.linalg.cholesky(np.array([[1, old, new], [old, 1, between], [new, between, 1]]))


@dataclass(frozen=True, eq=False)
class Drawn:
    """One data set in codes: humans' labels, and each judge's verdicts, by place."""

    human: Codes
    verdicts: Mapping[Name, Codes]


class Population(Protocol):
    """What a data set is drawn from, and how its codes read.

    `label` is None where the item has none, `verdict` where there is a problem.
    """

    @property
    def name(self) -> str: ...
    @property
    def task(self) -> Task: ...
    @property
    def tasks(self) -> Tasks: ...
    @property
    def unlabelled(self) -> bool:
        """Whether as many items without a label stand beside those with one."""

    def about(self) -> str:
        """What it is, in a sentence or two."""

    def draw(self, rng: Random, at: Layout) -> Drawn: ...
    def label(self, place: int, code: int) -> Label | None: ...
    def verdict(self, place: int, code: int) -> Label | None: ...
    def source(self, cluster: int) -> str | None: ...


class Plain:
    """What most populations have in common."""

    task: Task = "score"
    tasks: Tasks = Tasks()
    unlabelled: bool = False

    def source(self, cluster: int) -> str | None:
        """The source of a cluster's items; most have none."""
        return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels(Plain):
    """Labels of a scale or of pairs: each has its share, a judge its correlation with the humans' normal."""

    name: str
    task: Task
    labels: tuple[Label, ...]
    human: Shares
    judge: Shares
    old: float
    new: float
    tasks: Tasks = field(default_factory=Tasks)
    unlabelled: bool = False

    def about(self) -> str:
        """The shares and the correlations."""
        return (
            f"labels {', '.join(map(str, self.labels))}; humans give them in shares of "
            f"{_listed(self.human)}, judges of {_listed(self.judge)}; latent correlation with humans "
            f"{self.old:.4f} (old judge) and {self.new:.4f} (new)"
        )

    def table(self, judge: Name) -> Array:
        """The exact table of human labels against a judge's."""
        return tables.joint(self.human, self.judge, self.old if judge == "old" else self.new)

    @cached_property
    def _mix(self) -> Array:
        return mixed(self.old, self.new)

    @cached_property
    def _cuts(self) -> tuple[Array, Array]:
        return tables.cuts(self.human), tables.cuts(self.judge)

    def draw(self, rng: Random, at: Layout) -> Drawn:
        """The normals, cut."""
        found = normals(rng, at, self._mix)[:, 0, :]
        ours, theirs = self._cuts
        verdicts: dict[Name, Codes] = {
            "old": np.searchsorted(theirs, found[:, 1]),
            "new": np.searchsorted(theirs, found[:, 2]),
        }
        return Drawn(np.searchsorted(ours, found[:, 0]), verdicts)

    def label(self, place: int, code: int) -> Label | None:
        """The label of that code."""
        return self.labels[code]

    verdict = label


@dataclass(frozen=True, kw_only=True, eq=False)
class Sources(Plain):
    """Scores from several sources, in each of which the judge has another correlation with humans."""

    name: str
    human: Shares
    judge: Shares
    correlations: tuple[float, ...]

    def about(self) -> str:
        """The correlations."""
        return (
            f"5 points; latent correlations {_listed(self.correlations)} in sources of the same size, "
            "shares as in score"
        )

    def tables(self) -> list[Array]:
        """The exact table of each source."""
        return [tables.joint(self.human, self.judge, each) for each in self.correlations]

    def draw(self, rng: Random, at: Layout) -> Drawn:
        """The normals, the judge's of its source's correlation, cut."""
        found = normals(rng, at, np.eye(2))[:, 0, :]
        each = np.array(self.correlations)[at.clusters % len(self.correlations)]
        latent = each * found[:, 0] + np.sqrt(1 - each**2) * found[:, 1]
        human = np.searchsorted(tables.cuts(self.human), found[:, 0])
        return Drawn(human, {"old": np.searchsorted(tables.cuts(self.judge), latent)})

    def label(self, place: int, code: int) -> Label | None:
        """The point of the scale."""
        return code + 1

    verdict = label

    def source(self, cluster: int) -> str | None:
        """Sources take clusters in turn."""
        return f"source {cluster % len(self.correlations)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Problems(Plain):
    """Replies without a verdict, at a rate."""

    name: str
    rate: float

    def about(self) -> str:
        """The rate."""
        return f"malformed replies at a rate of {self.rate:g}"

    def draw(self, rng: Random, at: Layout) -> Drawn:
        """A normal below its cut is a problem: code 0."""
        found = normals(rng, at, np.eye(1))[:, 0, 0]
        (end,) = tables.cuts((self.rate, 1 - self.rate))
        return Drawn(np.zeros(len(found), dtype=np.intp), {"old": (found > end).astype(np.intp)})

    def label(self, place: int, code: int) -> Label | None:
        """Always the same."""
        return 3

    def verdict(self, place: int, code: int) -> Label | None:
        """None is a problem."""
        return 3 if code else None


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
