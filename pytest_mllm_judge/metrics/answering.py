"""The answering models of a benchmark's items: what two judges and the humans make of their answers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pytest_mllm_judge.metrics.reading import plain_of
from pytest_mllm_judge.model import Criterion, Item, Judgement, Judgements, Label, Task, Tasks
from pytest_mllm_judge.statistics import Places, numbered
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.reversals import Means, means_of

Worths = tuple[float, ...]
"""What a label makes of each response, in order."""


def worths(item: Item, label: Label, tasks: Tasks) -> Worths:
    """What a verdict or a human label makes of each response.

    A pair: 1 for the one preferred, 0 for the other, 1/2 each where neither is. A ranking: the share of the
    other answers that stand below, so 1 for the best and 0 for the last. A score: its number, or the place of
    its word on the scale, 0 for the worst and 1 for the best.
    """
    if item.task == "pair":
        first = {"A": 1.0, "B": 0.0}.get(str(label), 0.5)
        return first, 1 - first
    if item.task == "batch":
        below = len(item.letters) - 1
        return tuple(1 - str(label).index(letter) / below for letter in item.letters)
    scale = tasks.score.scale
    return (scale.index(label) / (len(scale) - 1) if isinstance(label, str) else float(label),)


def bounds_of(task: Task, tasks: Tasks) -> tuple[float, float]:
    """The least and the most that an answer can be worth."""
    low, high = tasks.score.scale[0], tasks.score.scale[-1]
    if task != "score" or isinstance(low, str) or isinstance(high, str):
        return 0.0, 1.0
    return float(low), float(high)


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """One task's answers under one judge: n answers in items' order.

    `known` (n,) is what an answer is worth by those asks that gave a verdict, NaN if none did; `down` and
    `up` what it is if every missing verdict were the worst, or the best, that it could be.
    """

    known: Array
    down: Array
    up: Array


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """The answers to one task's items (of one criterion) that two judges were asked about.

    `models` (n,) and `clusters` (n,) are numbers, `items` (n,) count from 0; `human` (n,) is NaN where nobody
    labelled the item. `unnamed` counts items left out since an author is not known, or answers twice.
    """

    task: Task
    criterion: Criterion | None
    names: tuple[str, ...]
    bounds: tuple[float, float]
    models: Places
    clusters: Places
    items: Places
    human: Array
    candidate: Answers
    baseline: Answers
    unnamed: int

    @property
    def span(self) -> float:
        """How far apart two answers can be."""
        return self.bounds[1] - self.bounds[0]

    @cached_property
    def both(self) -> Places:
        """The answers that both judges gave a verdict on."""
        return np.flatnonzero(~np.isnan(self.candidate.known + self.baseline.known))

    def means(self, worth: Array, *, at: Places | None = None) -> Means:
        """The models' means of all answers, or of those at these places."""
        places = np.arange(len(worth)) if at is None else at
        return means_of(
            worth[places],
            self.models[places],
            self.clusters[places],
            size=len(self.names),
            groups=int(self.clusters.max()) + 1,
        )

    def count(self, places: Places | None = None) -> int:
        """How many items the answers (at these places) belong to."""
        return len(np.unique(self.items if places is None else self.items[places]))


Key = tuple[Task, Criterion | None]


def fields(candidate: Judgements, baseline: Judgements) -> list[Field]:
    """What both judges were asked about, by task and criterion: each with two authors or more."""
    ours, theirs = _asked(candidate), _asked(baseline)
    keys: dict[Key, list[Item]] = {}
    for item_key in sorted(ours.keys() & theirs.keys()):
        item = ours[item_key][0].item
        for criterion in candidate.tasks.criteria(item) or (None,):
            keys.setdefault((item.task, criterion), []).append(item)
    made = (_field(key, items, (ours, theirs), candidate) for key, items in sorted(keys.items(), key=_order))
    return [field for field in made if len(field.names) > 1]


Asked = dict[tuple[str, str], list[Judgement]]
"""Every ask of an item, by its task and id."""


def _asked(judgements: Judgements) -> Asked:
    found: Asked = {}
    for judgement in plain_of(judgements):
        found.setdefault((judgement.item.task, judgement.item.id), []).append(judgement)
    return found


def _order(entry: tuple[Key, Any]) -> tuple[int, str]:
    (task, criterion), _ = entry
    return ("score", "pair", "batch").index(task), criterion or ""


def _field(key: Key, items: Sequence[Item], asked: tuple[Asked, Asked], like: Judgements) -> Field:
    task, criterion = key
    named = [item for item in items if _is_named(item)]
    bounds = bounds_of(task, like.tasks)
    authors = [str(response.author) for item in named for response in item.responses]
    sizes = [len(item.responses) for item in named]
    ours, theirs = (
        _answers((each[item.task, item.id] for item in named), criterion, like.tasks, bounds)
        for each in asked
    )
    return Field(
        task=task,
        criterion=criterion,
        names=tuple(sorted(set(authors))),
        bounds=bounds,
        models=numbered(authors, ordered=True),
        clusters=np.repeat(numbered([like.cluster_of(item) for item in named]), sizes),
        items=np.repeat(np.arange(len(named)), sizes),
        human=np.array([worth for item in named for worth in _human(item, criterion, like.tasks)]),
        candidate=ours,
        baseline=theirs,
        unnamed=len(items) - len(named),
    )


def _is_named(item: Item) -> bool:
    """Whether each response has an author of its own."""
    authors = {response.author for response in item.responses}
    return None not in authors and len(authors) == len(item.responses)


def _human(item: Item, criterion: Criterion | None, tasks: Tasks) -> Worths:
    """The mean over annotators, each of whom counts alike; NaN without a label."""
    given = [worths(item, label, tasks) for label in item.labels(criterion)]
    if not given:
        return (math.nan,) * len(item.responses)
    return tuple(math.fsum(each) / len(given) for each in zip(*given, strict=True))


def _answers(
    asks: Iterator[list[Judgement]], criterion: Criterion | None, tasks: Tasks, bounds: tuple[float, float]
) -> Answers:
    known: list[float] = []
    down: list[float] = []
    up: list[float] = []
    for judgements in asks:
        item = judgements[0].item
        said = [label for each in judgements if (label := each.answer(criterion)) is not None]
        given = [worths(item, label, tasks) for label in said if _fits(item, label, tasks)]
        lost = len(judgements) - len(given)
        for place in range(len(item.responses)):
            total = math.fsum(each[place] for each in given)
            known.append(total / len(given) if given else math.nan)
            down.append((total + lost * bounds[0]) / len(judgements))
            up.append((total + lost * bounds[1]) / len(judgements))
    return Answers(known=np.array(known), down=np.array(down), up=np.array(up))


def _fits(item: Item, label: Label, tasks: Tasks) -> bool:
    """Whether the benchmark knows the verdict; an older one's may be of another scale."""
    if isinstance(label, str):
        return tasks.allows(item, label)
    low, high = tasks.score.scale[0], tasks.score.scale[-1]
    return not isinstance(low, str) and not isinstance(high, str) and low <= label <= high
