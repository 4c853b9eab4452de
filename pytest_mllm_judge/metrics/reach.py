"""Made-up judges, to find out whether any judge could pass a gate on these items."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

from pytest_mllm_judge.metrics.reading import Combine, label_of
from pytest_mllm_judge.model import PROBLEMS, Criterion, Item, Judgement, Label, Tasks

SHARES_WRONG = (0.05, 0.1, 0.2, 0.4, 1.0)
"""Besides the judge that is always right: an interval needs some spread, so one that errs may show more."""

SHARES_APART = (0.02, 0.05, 0.1)
"""Verdicts that are the same in every cluster tell less of how much clusters vary than some that differ."""

Say = Callable[[Item, Label], Label]


def judges(
    items: Sequence[Item], tasks: Tasks, *, combine: Combine, criterion: Criterion | None
) -> Iterator[list[Judgement]]:
    """The verdicts of one judge after the other, best first.

    Always right; wrong on one item; wrong on a share of them; against the humans; at random; and one that
    has each problem everywhere. Items without a label get whatever verdict comes first; where each of several
    labels counts and none is commonest, the first of them is the right one.
    """
    first = next((item for item in items if _right(item, combine, criterion) is not None), None)
    saying = _speaker(items, tasks, combine, criterion)
    yield saying(lambda item, human: human)
    if combine == "all":  # nearest to all of them may be what nobody said
        yield saying(lambda item, human: human if (mean := item.mean(criterion)) is None else mean)
    yield saying(lambda item, human: another(item, human, tasks) if item is first else human)
    for share in SHARES_WRONG:
        yield saying(lambda item, human, w=share: another(item, human, tasks) if _lot(item) < w else human)  # type: ignore[misc]
    yield saying(lambda item, human: _against(item, human, tasks))
    yield saying(lambda item, human: _pick(_legal(item, tasks), item))
    for problem in PROBLEMS:
        yield [Judgement(item=item, judge="", problem=problem) for item in items]


def rivals(
    items: Sequence[Item], tasks: Tasks, *, combine: Combine, criterion: Criterion | None
) -> Iterator[tuple[list[Judgement], list[Judgement]]]:
    """The verdicts of two judges who err equally often, each on items of their own, for several shares."""
    saying = _speaker(items, tasks, combine, criterion)
    labelled = sorted((item for item in items if _right(item, combine, criterion) is not None), key=_lot)
    for share in SHARES_APART:
        size = max(1, round(share * len(labelled)))
        wrong = [{item.id for item in labelled[start : start + size]} for start in (0, size)]
        one, other = (
            saying(lambda item, human, ids=ids: another(item, human, tasks) if item.id in ids else human)  # type: ignore[misc]
            for ids in wrong
        )
        yield one, other


def _speaker(
    items: Sequence[Item], tasks: Tasks, combine: Combine, criterion: Criterion | None
) -> Callable[[Say], list[Judgement]]:
    """Makes the verdicts of a judge who says of each label what it is told to."""
    humans = [_right(item, combine, criterion) for item in items]

    def saying(say: Say) -> list[Judgement]:
        return [
            _judgement(item, _legal(item, tasks)[0] if human is None else say(item, human), criterion)
            for item, human in zip(items, humans, strict=True)
        ]

    return saying


def _right(item: Item, combine: Combine, criterion: Criterion | None) -> Label | None:
    found = label_of(item, combine, criterion)
    if found is None and combine == "all":
        return next(iter(item.labels(criterion)), None)
    return found


def _judgement(item: Item, label: Label, criterion: Criterion | None) -> Judgement:
    return Judgement(item=item, judge="", verdict=label if criterion is None else {criterion: label})


def _legal(item: Item, tasks: Tasks) -> Sequence[Label]:
    """Some of the verdicts that the item may get."""
    if item.task == "score":
        return tasks.score.scale
    if item.task == "pair":
        return tasks.pair.labels
    letters = item.letters
    return (letters, letters[::-1], letters[1:] + letters[0], letters[-1] + letters[:-1])


def another(item: Item, human: Label, tasks: Tasks) -> Label:
    """A near verdict other than this one."""
    if item.task == "batch":
        return str(human)[:-2] + str(human)[:-3:-1]
    others = [label for label in _legal(item, tasks) if label != human]
    if item.task == "score" and not isinstance(human, str):
        return min(others, key=lambda point: abs(float(point) - float(human)))
    return _pick(others, item)


def _against(item: Item, human: Label, tasks: Tasks) -> Label:
    """The verdict that is as far from the humans' as can be."""
    if item.task == "batch":
        return str(human)[::-1]
    if item.task == "pair":
        return "B" if human == "A" else "A"
    scale = tasks.score.scale
    if isinstance(human, str):
        return scale[len(scale) - 1 - list(scale).index(human)]
    return max(scale, key=lambda point: (abs(float(point) - float(human)), float(point)))


def _lot(item: Item) -> float:
    """A number in [0, 1) that depends on the item's id only."""
    return int.from_bytes(hashlib.sha256(item.id.encode()).digest()[:6]) / 2**48


def _pick(labels: Sequence[Label], item: Item) -> Label:
    return labels[int(_lot(item) * 997) % len(labels)]
