"""What an agreement figure is to be read against: one human, one label for all, chance."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import overload

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.metrics.reading import plain_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Item, Judgement, Judgements
from pytest_mllm_judge.model.item import Annotations, Human, Label
from pytest_mllm_judge.statistics import Interval
from pytest_mllm_judge.statistics.distance import random_levenshtein


class Lazily(Sequence[Beside]):
    """Figures that are made when first looked at: most estimates are compared, and never shown."""

    def __init__(self, make: Callable[[], Sequence[Beside]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Sequence[Beside]:
        return tuple(self._make())

    def __len__(self) -> int:
        return len(self._made)

    def __iter__(self) -> Iterator[Beside]:
        return iter(self._made)

    @overload
    def __getitem__(self, index: int) -> Beside: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Beside]: ...
    def __getitem__(self, index: int | slice) -> Beside | Sequence[Beside]:
        return self._made[index]


def humans(judgements: Judgements) -> Judgements:
    """Each annotator in the judge's place, against the others' labels: the ceiling of any figure.

    Of every item with two labels or more each annotator is one judgement, whose verdict is their label; the
    item's human labels are those of the others (leave one out). Items with fewer are left out, as is a
    criterion of which the annotator said nothing.
    """
    return judgements.once("humans", lambda: _humans(judgements))


def _humans(judgements: Judgements) -> Judgements:
    found: list[Judgement] = []
    seen: set[tuple[str, str]] = set()
    for judgement in plain_of(judgements):
        item = judgement.item
        if (item.id, item.task) not in seen:
            seen.add((item.id, item.task))
            found.extend(_annotators(item))
    return Judgements(found, cluster_of=judgements.cluster_of, tasks=judgements.tasks, population="sampled")


def _annotators(item: Item) -> Iterator[Judgement]:
    tables = item.human if isinstance(item.human, dict) else {"": item.human}
    for number in range(max(map(len, tables.values()), default=0)):
        own = {name: _label(labels, number) for name, labels in tables.items()}
        verdict = {name: label for name, label in own.items() if label is not None}
        rest = {name: _without(labels, number) if name in verdict else () for name, labels in tables.items()}
        others: Human = rest if isinstance(item.human, dict) else rest[""]
        if verdict and any(label is not None for labels in _every(others) for label in labels):
            alone = item.model_copy(update={"human": others})
            given = verdict if isinstance(item.human, dict) else verdict[""]
            yield Judgement.model_construct(
                item=alone, judge="humans", repeat=number, verdict=given, fields={}
            )


def _every(human: Human) -> Sequence[Annotations]:
    return list(human.values()) if isinstance(human, dict) else [human]


def _label(labels: Annotations, number: int) -> Label | None:
    return labels[number] if number < len(labels) else None


def _without(labels: Annotations, number: int) -> Annotations:
    """The labels with that annotator's taken out; nobody else's place changes."""
    return tuple(None if place == number else label for place, label in enumerate(labels))


def ceiling(judgements: Judgements, measure: Callable[[Judgements], Estimate]) -> Iterator[Beside]:
    """The figure of one human against the others, where items have several labels."""
    annotators = humans(judgements)
    if not len(annotators):
        return
    found = measure(annotators)
    if found.value is not None:
        about = f"one annotator against the others, {found.n:,} labels"
        yield Beside(name="humans", value=found.value, low=found.low, high=found.high, about=about)


def constant(rows: Rows, figure: Callable[[Rows], Interval]) -> Iterator[Beside]:
    """The figure of a judge that always says the commonest label."""
    counts = Counter(label for label in rows.human if label is not None)
    label, count = max(counts.items(), key=lambda pair: (pair[1], str(pair[0])))
    always = rows.saying([label] * len(rows))
    shown = f"{label:.3g}" if isinstance(label, float) else label
    about = f"always {shown}, the label of {count / counts.total():.0%}"
    value = figure(always).value
    if value is not None:
        yield Beside(name="constant", value=value, about=about)


_CHANCE: dict[str, Callable[[int], float]] = {
    "batch.distance": random_levenshtein,
    "batch.tau": lambda _: 0.0,
    "batch.exact": lambda answers: 1 / math.factorial(answers),
    "batch.top": lambda answers: 1 / answers,
}
"""What a ranking of so many answers at random scores on average."""


def strata(rows: Rows, metric: str, figure: Callable[[Rows], Interval]) -> Iterator[Beside]:
    """What rankings at random score; where they differ in length, each length apart beside its own chance."""
    chance = _CHANCE.get(metric)
    if chance is None:
        return
    lengths = np.array([len(str(human)) for human in rows.human])
    counts = Counter(lengths.tolist())
    mean = math.fsum(chance(length) * count for length, count in counts.items()) / len(rows)
    yield Beside(name="random", value=mean, about="rankings at random")
    if len(counts) < 2:
        return
    for length, count in sorted(counts.items()):
        found = figure(rows.keep(lengths == length))
        bounds = (None, None) if found.reason else (found.low, found.high)
        about = f"{count:,} rankings of {length}, at random {chance(length):.3f}"
        yield Beside(name=f"k = {length}", value=found.value, low=bounds[0], high=bounds[1], about=about)
