"""What a label or a verdict may be: the benchmark's scale, its pair labels, its rankings."""

from __future__ import annotations

from typing import Self

from pydantic import Field, StrictFloat, StrictInt, StrictStr, model_validator

from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.model.item import Criterion, Item, Label


class ScoreTask(Frozen):
    """`scale`: the points, worst first, all numbers or all words. `criteria`: what each reply must score."""

    scale: tuple[StrictInt | StrictFloat | StrictStr, ...] = (1, 2, 3, 4, 5)
    criteria: tuple[Criterion, ...] = ()

    @model_validator(mode="after")
    def _is_a_scale(self) -> Self:
        if len(self.scale) < 2 or len(set(self.scale)) != len(self.scale):
            raise ValueError("a scale needs two or more different points")
        words = sum(isinstance(point, str) for point in self.scale)
        if words not in (0, len(self.scale)):
            raise ValueError("a scale is all numbers or all words")
        if not words and list(self.scale) != sorted(self.scale, key=float):
            raise ValueError("a scale's numbers stand worst first, in ascending order")
        return self


class PairTask(Frozen):
    """`labels`: what a pair may be called; `A` and `B` prefer a response, any other label does not."""

    labels: tuple[str, ...] = ("A", "B", "tie")

    @model_validator(mode="after")
    def _has_both_sides(self) -> Self:
        if len(set(self.labels)) != len(self.labels) or not {"A", "B"} <= set(self.labels):
            raise ValueError("pair labels are different words and hold 'A' and 'B'")
        return self


class BatchTask(Frozen):
    """Rankings need no settings: every permutation of the responses' letters, best first."""


class Tasks(Frozen):
    """The three tasks' settings of one benchmark."""

    score: ScoreTask = Field(default_factory=ScoreTask)
    pair: PairTask = Field(default_factory=PairTask)
    batch: BatchTask = Field(default_factory=BatchTask)

    def criteria(self, item: Item) -> tuple[Criterion, ...]:
        """The criteria a judge must answer for this item; empty for a plain verdict."""
        return (self.score.criteria or item.criteria) if item.task == "score" else ()

    def allows(self, item: Item, label: Label) -> bool:
        """Whether `label` can be a human label or a verdict of `item`."""
        if isinstance(label, bool):
            return False
        if item.task == "score":
            return any(label == point and isinstance(label, str) == isinstance(point, str)
                       for point in self.score.scale)  # fmt: skip
        if item.task == "pair":
            return label in self.pair.labels
        return isinstance(label, str) and sorted(label) == sorted(item.letters)

    def describe(self, item: Item) -> str:
        """What `allows` allows, for a message."""
        if item.task == "score":
            return "a point of the scale " + ", ".join(map(repr, self.score.scale))
        if item.task == "pair":
            return "one of the labels " + ", ".join(map(repr, self.pair.labels))
        return f"a ranking of the letters {item.letters}"

    def fault(self, item: Item) -> str | None:
        """What is wrong with the item's human labels, as a sentence; None if nothing is."""
        tables = item.human if isinstance(item.human, dict) else {"": item.human}
        if isinstance(item.human, dict) and item.task != "score":
            return f"criteria are for score items, this is a {item.task} item"
        for criterion, labels in tables.items():
            if criterion and self.score.criteria and criterion not in self.score.criteria:
                return f"criterion {criterion!r} is not declared (declared: {', '.join(self.score.criteria)})"
            for label in labels:
                if label is not None and not self.allows(item, label):
                    of = f" of criterion {criterion!r}" if criterion else ""
                    return f"human label {label!r}{of} is not {self.describe(item)}"
        return None
