"""Judgements against human labels, as the columns that every agreement figure starts from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Judgement, Label
from pytest_mllm_judge.model.judgements import Population
from pytest_mllm_judge.statistics import Places, Sample
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Average

Key = tuple[str, str, int, int]
Made = TypeVar("Made")
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False, kw_only=True)
class Rows:
    """Judgements, each against one label, in the order of item ids: no figure depends on another order.

    `verdict` is None where there is a problem. `clusters` and `slices` are numbered from 0; `names` are the
    slices' names, one empty name if they are not grouped. `annotators` numbers the labels of one item.
    """

    judgements: Sequence[Judgement]
    human: Sequence[Label | None]
    verdict: Sequence[Label | None]
    clusters: Places
    slices: Places
    annotators: Sequence[int]
    names: tuple[str, ...] = ("",)
    unlabelled: int = 0
    population: Population = "sampled"
    confidence: float = 0.95
    reading: dict[str, Any] = field(default_factory=dict)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made once for these judgements, labels and verdicts."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def __len__(self) -> int:
        return len(self.judgements)

    @property
    def grouped(self) -> bool:
        """Whether a figure of them is an average over slices."""
        return self.reading.get("by") is not None

    @property
    def average(self) -> Average:
        """How slices' figures become one."""
        said: Average | None = self.reading.get("average")
        return said or "mean"

    @property
    def missing(self) -> Truths:
        """Where there is no verdict (n,)."""
        given = (verdict is None for verdict in self.verdict)
        return self.once("missing", lambda: np.fromiter(given, dtype=bool, count=len(self)))

    def take(self, places: Places) -> Rows:
        """The rows at these places; slices without a row are no more."""
        chosen = places.tolist()
        kept, slices = np.unique(self.slices[places], return_inverse=True)
        return replace(
            self,
            judgements=[self.judgements[place] for place in chosen],
            human=[self.human[place] for place in chosen],
            verdict=[self.verdict[place] for place in chosen],
            annotators=[self.annotators[place] for place in chosen],
            clusters=np.unique(self.clusters[places], return_inverse=True)[1],
            slices=slices,
            names=tuple(self.names[place] for place in kept.tolist()),
            _made={},
        )

    def within(self, other: Rows) -> Rows:
        """The same rows in the clusters and slices of others, which stand side by side with them."""
        return replace(self, clusters=other.clusters, slices=other.slices, names=other.names, _made={})

    def saying(self, verdicts: Sequence[Label | None]) -> Rows:
        """The same rows with other verdicts."""
        return replace(self, verdict=verdicts, _made={})

    def keep(self, wanted: Truths) -> Rows:
        """The rows that are wanted (n,)."""
        return self if wanted.all() else self.take(np.flatnonzero(wanted))

    def answered(self) -> Rows:
        """Those with a verdict, as far as they may stand alone."""
        return self.keep(self.not_alone(~self.missing))

    def not_alone(self, wanted: Truths) -> Truths:
        """What is wanted (n,), less fixed items with one ask left: it can't tell how the judge varies."""
        if self.population == "sampled" or self.repeats < 2:
            return wanted
        asks, items = self.asks()
        of_ask = np.zeros(int(asks.max()) + 1, dtype=np.intp)
        of_ask[asks] = items
        left = np.bincount(of_ask[np.unique(asks[wanted])], minlength=int(items.max()) + 1)
        return wanted & (left > 1)[items]

    def problem(self, place: int) -> str | None:
        """Why there is no verdict at this place; None if there is one."""
        if self.verdict[place] is not None:
            return None
        return self.judgements[place].problem or "malformed"

    def problems(self) -> dict[str, int]:
        """How many rows have each problem."""
        if not self.missing.any():
            return {}
        return dict(Counter(str(self.problem(place)) for place in np.flatnonzero(self.missing).tolist()))

    def is_right(self) -> Truths:
        """Where the verdict is the human label (n,); a problem is not."""
        same = (verdict == human for verdict, human in zip(self.verdict, self.human, strict=True))
        return self.once("right", lambda: np.fromiter(same, dtype=bool, count=len(self)))

    def says(self, place: int) -> str:
        """`circles-007 chose B, expected A`, or its problem."""
        verdict, human = self.verdict[place], self.human[place]
        chose = self.problem(place) if verdict is None else f"chose {_shown(verdict)}"
        expected = "" if human is None else f", expected {_shown(human)}"
        return f"{self.judgements[place].item.id} {chose}{expected}"

    def examples(self, how_wrong: Array | Truths, *, most: int = 3) -> tuple[tuple[str, ...], int]:
        """The first few of the most wrong rows in words, and how many are wrong (above 0) at all."""
        wrong = np.asarray(how_wrong, dtype=float)
        worst = np.argsort(-wrong, kind="stable")[:most]
        return tuple(self.says(place) for place in worst.tolist() if wrong[place] > 0), int((wrong > 0).sum())

    def places(self, labels: Sequence[Label], metric: str) -> tuple[Places, Places]:
        """The place of each human label and each verdict in `labels` (n,); -1 where there is none."""
        order: dict[Label | None, int] = {label: place for place, label in enumerate(labels)}
        order[None] = -1

        def find(column: Sequence[Label | None]) -> Places:
            return np.fromiter((order[label] for label in column), dtype=np.intp, count=len(self))

        try:
            return self.once(("places", *labels), lambda: (find(self.human), find(self.verdict)))
        except KeyError as error:
            named = ", ".join(map(str, labels))
            raise SettingsError(f"{metric}: {error.args[0]!r} is none of {named}") from None

    def numbers(self, metric: str) -> tuple[Array, Array]:
        """Each human label and each verdict as a number (n,), NaN where there is none.

        Raise SettingsError for words, where an extractor gave them.
        """

        def read(column: Sequence[Label | None]) -> Array:
            return np.fromiter(map(_number, column), dtype=float, count=len(self))

        try:
            return self.once("numbers", lambda: (read(self.human), read(self.verdict)))
        except TypeError as error:
            raise SettingsError(f"{metric} needs numbers, got {error}") from None

    def sample(
        self, *, moments: Array | None = None, cells: Places | None = None, width: int = 0,
        scores: Array | None = None,
    ) -> Sample:  # fmt: skip
        """These rows as what each adds to a figure's sums."""
        clusters, items = (self.clusters, None) if self.population == "sampled" else self.asks()
        return Sample(
            clusters=clusters,
            slices=self.slices,
            moments=moments,
            cells=cells,
            width=width,
            scores=scores,
            items=items,
        )

    def asks(self) -> tuple[Places, Places]:
        """The ask, an item and a repeat, of each row, and its item; both numbered from 0."""
        return self.once("asks", self._asks)

    def _asks(self) -> tuple[Places, Places]:
        items: dict[tuple[str, str], int] = {}
        asks: dict[tuple[int, int], int] = {}
        found = []
        for judgement in self.judgements:
            item = items.setdefault((judgement.item.id, judgement.item.task), len(items))
            found.append((asks.setdefault((item, judgement.repeat), len(asks)), item))
        table = np.array(found, dtype=np.intp).reshape(-1, 2)
        return table[:, 0], table[:, 1]

    @property
    def repeats(self) -> int:
        """How often the item that was asked least was asked."""
        return self.once("repeats", self._least_asked)

    @property
    def items(self) -> int:
        """How many items they are about: repeats and several annotators' labels are of one."""
        return self.once("items", lambda: len({(j.item.id, j.item.task) for j in self.judgements}))

    def keys(self) -> list[Key]:
        """What each row is about: item, task, repeat, annotator."""
        pairs = zip(self.judgements, self.annotators, strict=True)
        return self.once("keys", lambda: [(j.item.id, j.item.task, j.repeat, a) for j, a in pairs])

    def _least_asked(self) -> int:
        if not any(judgement.repeat for judgement in self.judgements):
            return 1
        _, items = self.asks()
        pairs = {(item, j.repeat) for item, j in zip(items.tolist(), self.judgements, strict=True)}
        return min(Counter(item for item, _ in pairs).values())


def _number(label: Label | None) -> float:
    if isinstance(label, str):
        raise TypeError(repr(label))
    return math.nan if label is None else float(label)


def _shown(label: Label) -> str:
    return f"{label:.3g}" if isinstance(label, float) else str(label)
