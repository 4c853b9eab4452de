"""Judgements against human labels, as the columns that every agreement figure starts from."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypedDict, Unpack

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Criterion, Item, Judgement, Judgements, Label
from pytest_mllm_judge.model.judgements import group_of, known_field

Extract = Callable[[Judgement], Label | None]
Combine = Literal["majority", "mean"]
"""How several annotators become one label: the label that most gave, or the mean of numbers."""


@dataclass(frozen=True)
class Row:
    """One judgement against one label. `verdict` is None where there is a problem."""

    item: Item
    human: Label
    verdict: Label | None
    problem: str | None
    cluster: str
    group: str
    repeat: int = 0

    def says(self) -> str:
        """`circles-007 chose B, expected A`, or its problem."""
        chose = self.problem if self.verdict is None else f"chose {self.verdict}"
        expected = f"{self.human:.3g}" if isinstance(self.human, float) else self.human
        return f"{self.item.id} {chose}, expected {expected}"


@dataclass(frozen=True)
class Rows:
    """The rows in the order of item ids, so that no figure depends on the order of judgements."""

    rows: tuple[Row, ...]
    unlabelled: int
    grouped: bool = False
    reading: Mapping[str, object] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    def keep(self, wanted: Callable[[Row], bool]) -> Rows:
        """Those that `wanted` says yes to."""
        return replace(self, rows=tuple(filter(wanted, self.rows)))

    def answered(self) -> Rows:
        """Those with a verdict."""
        return self.keep(lambda row: row.verdict is not None)

    @property
    def clusters(self) -> list[str]:
        """The cluster of each row."""
        return [row.cluster for row in self.rows]

    @property
    def groups(self) -> list[str] | None:
        """The group (`by`) of each row; None if they are not grouped."""
        return [row.group for row in self.rows] if self.grouped else None

    def problems(self) -> dict[str, int]:
        """How many rows have each problem."""
        return dict(Counter(row.problem for row in self.rows if row.problem is not None))

    def examples(self, wrong: Iterable[Row], *, most: int = 3) -> tuple[tuple[str, ...], int]:
        """The first few wrong rows in words, and how many there are."""
        listed = [row.says() for row in wrong]
        return tuple(listed[:most]), len(listed)


class Reading(TypedDict, total=False):
    """How judgements are read: the options that every agreement figure takes.

    `judge` and `human` extract the verdict and the label in place of the usual ones; None from `human`
    leaves the judgement out, None from `judge` is a problem. `criterion` names one of several; `by` groups
    by an item's field.
    """

    judge: Extract | None
    human: Extract | None
    criterion: Criterion | None
    by: str | None


def rows_of(judgements: Judgements, *, combine: Combine, **reading: Unpack[Reading]) -> Rows:
    """Judgements of plain items (no probe's variants) against their human label."""
    judge, human, by = reading.get("judge"), reading.get("human"), reading.get("by")
    plain = plain_of(judgements)
    extracted = judge is not None and human is not None
    criterion = _criterion(plain, judgements, reading.get("criterion"), extracted=extracted)
    if by is not None:
        known_field(by, (judgement.item for judgement in plain))
    rows = []
    for judgement in plain:
        label = human(judgement) if human else label_of(judgement.item, combine, criterion)
        if label is None:
            continue
        verdict = judge(judgement) if judge else judgement.answer(criterion)
        _refuse_nan(judgement.item, human=label, judge=verdict)
        rows.append(
            Row(
                item=judgement.item,
                human=label,
                verdict=verdict,
                problem=(judgement.problem or "malformed") if verdict is None else None,
                cluster=judgements.cluster_of(judgement.item),
                group=group_of(judgement.item, by) if by else "",
                repeat=judgement.repeat,
            )
        )
    return Rows(tuple(rows), len(plain) - len(rows), grouped=by is not None, reading=reading)


def plain_of(judgements: Judgements) -> list[Judgement]:
    """The judgements of items as they are (no probe's variants), in the order of ids and repeats."""
    plain = (judgement for judgement in judgements if not judgement.variant)
    return sorted(plain, key=lambda j: (j.item.id, j.item.task, j.repeat))


def label_of(item: Item, combine: Combine, criterion: Criterion | None) -> Label | None:
    """What the item's annotators say together; None without a label, or without a majority."""
    labels = item.labels(criterion)
    if len(labels) == 1:
        return labels[0]
    return item.mean(criterion) if combine == "mean" else item.majority(criterion)


def _refuse_nan(item: Item, **labels: Label | None) -> None:
    for name, label in labels.items():
        if isinstance(label, float) and not math.isfinite(label):
            raise SettingsError(f"the extractor {name}= gave {label} for item {item.id}; give None instead")


def _criterion(
    plain: Sequence[Judgement], judgements: Judgements, criterion: Criterion | None, *, extracted: bool
) -> Criterion | None:
    known = sorted({name for judgement in plain for name in judgements.tasks.criteria(judgement.item)})
    if extracted or (criterion is None and not known) or criterion in known:
        return criterion
    if criterion is None:
        raise SettingsError(f"these items have several criteria: say criterion = {' or '.join(known)}")
    raise SettingsError(f"there is no criterion {criterion!r} here (known: {', '.join(known) or 'none'})")
