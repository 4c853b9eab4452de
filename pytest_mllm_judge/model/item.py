"""Benchmark items: what humans labelled and a judge is asked about."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, JsonValue, StrictFloat, StrictInt, StrictStr, model_validator

from pytest_mllm_judge.model.frozen import Frozen

Task = Literal["score", "pair", "batch"]
Label = StrictInt | StrictFloat | StrictStr
"""A point of the scale (score), a label such as `A` (pair), a ranking such as `BADC` (batch)."""
Criterion = str
Annotations = tuple[Label | None, ...]
"""One label per annotator, in a fixed order; None where an annotator gave none."""
Human = Annotations | dict[Criterion, Annotations]

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_RESPONSES: dict[Task, tuple[int, int]] = {"score": (1, 1), "pair": (2, 2), "batch": (2, len(LETTERS))}


class Response(Frozen):
    """What a model answered: text, images or both, and its `author` (the model that gave it)."""

    text: str | None = None
    images: tuple[str, ...] = ()
    author: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.text is None and not self.images:
            raise ValueError("a response needs text or images")
        return self


class Item(Frozen):
    """An instruction, its response(s) and image(s), and what humans said of them.

    `images` are paths below the benchmark's image folder, or http(s) addresses. `human` holds one label
    per annotator, or a table of criteria with such labels each; empty where nobody labelled the item.
    `cluster` names items that share a picture (see `metrics`); `must` makes the item an anchor;
    `skip` is the reason to leave it out; `fields` holds every further key, to slice by. `picture_changes`
    says for an image's address how its pixels are shown: words such as `blurred 20`, separated by `;`
    (`judging.alterations` has them all). It is a probe's, never a file's.
    """

    id: str = Field(min_length=1)
    task: Task
    instruction: str = ""
    responses: tuple[Response, ...]
    images: tuple[str, ...] = ()
    human: Human = ()
    source: str | None = None
    cluster: str | None = None
    must: bool = False
    skip: str | None = None
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    folder: Path | None = Field(default=None, exclude=True, repr=False)
    picture_changes: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, data: Any) -> Any:
        """Move unknown keys to `fields`, and write a single human label as a tuple of one."""
        if not isinstance(data, Mapping):
            return data
        names = cls.model_fields
        known = {key: value for key, value in data.items() if key in names}
        if len(known) < len(data):
            extra = {key: value for key, value in data.items() if key not in names}
            fields = known.get("fields") or {}
            known["fields"] = {**fields, **extra} if isinstance(fields, Mapping) else fields
        if "human" in known:
            known["human"] = _annotations(known["human"])
        return known

    @model_validator(mode="after")
    def _has_its_responses(self) -> Self:
        low, high = _RESPONSES[self.task]
        if not low <= len(self.responses) <= high:
            need = str(low) if low == high else f"{low} to {high}"
            raise ValueError(f"a {self.task} item needs {need} response(s), got {len(self.responses)}")
        return self

    def __repr__(self) -> str:
        return f"<{self.task} item {self.id}>"

    def __hash__(self) -> int:
        return hash((self.task, self.id))

    @property
    def letters(self) -> str:
        """The responses' letters in order: `ABCD` for four."""
        return LETTERS[: len(self.responses)]

    @property
    def every_image(self) -> tuple[str, ...]:
        """The item's images, then its responses' images, in order."""
        return self.images + tuple(image for response in self.responses for image in response.images)

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The criteria that humans labelled; empty for plain labels."""
        return tuple(self.human) if isinstance(self.human, dict) else ()

    def labels(self, criterion: Criterion | None = None) -> tuple[Label, ...]:
        """What the annotators said (of one criterion), without those who said nothing."""
        if isinstance(self.human, dict):
            given = self.human.get(criterion, ()) if criterion is not None else ()
        else:
            given = self.human
        return tuple(label for label in given if label is not None)

    def mean(self, criterion: Criterion | None = None) -> float | None:
        """The mean of numeric labels; None without labels, or if a label is not a number."""
        labels = self.labels(criterion)
        if not labels or any(isinstance(label, str) for label in labels):
            return None
        return sum(float(label) for label in labels) / len(labels)

    def majority(self, criterion: Criterion | None = None) -> Label | None:
        """The label that most annotators gave; None without labels or without a single winner."""
        labels = self.labels(criterion)
        if len(set(labels)) < 2:  # nearly always, and counting is slow
            return labels[0] if labels else None
        first, second, *_ = Counter(labels).most_common(2)
        return first[0] if first[1] > second[1] else None

    def to_json(self) -> str:
        """The item as one line of a native `items.jsonl`."""
        data = self.model_dump(exclude_defaults=True, exclude={"fields"})
        data.update({"id": self.id, "task": self.task})
        if isinstance(self.human, tuple) and len(self.human) == 1 and self.human[0] is not None:
            data["human"] = self.human[0]
        return json.dumps({**data, **self.fields}, ensure_ascii=False)


def _annotations(value: Any) -> Any:
    if value is None:
        return ()
    if isinstance(value, Mapping):
        return {key: _annotations(labels) for key, labels in value.items()}
    return tuple(value) if isinstance(value, list | tuple) else (value,)
