"""What changed between two judges, item by item: right to wrong first, and which flips are noise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from pytest_mllm_judge.metrics.changed_where import Lengths, Move, Table, modes_of, tables
from pytest_mllm_judge.model import Criterion, Item, Judgement, Judgements, Label, Task
from pytest_mllm_judge.statistics import farthest, levenshtein

MOVES: tuple[Move, ...] = get_args(Move)
Group = tuple[Task, Criterion | None]
Asks = Sequence[Judgement]


@dataclass(frozen=True, kw_only=True)
class Change:
    """An item (of one criterion) whose verdict changed, as both judges said it when first asked.

    `noise` says that asking the same judge again changes it too: True if a judge's own repeats differ in
    being right, False if all of both agree, None where too few were asked to tell. `points` is the
    candidate's point less the baseline's, on a scale of numbers; `distances` are the baseline's and the
    candidate's distance to the human ranking, 0 to 1, a problem being the farthest.
    """

    item: Item
    criterion: Criterion | None
    move: Move
    baseline: Judgement
    candidate: Judgement
    noise: bool | None
    points: float | None = None
    distances: tuple[float, float] | None = None

    @property
    def labels(self) -> tuple[Label, ...]:
        """What the annotators said."""
        return self.item.labels(self.criterion)

    @property
    def said(self) -> tuple[str, str]:
        """Both verdicts in words, the baseline's first; the problem where there is none."""
        return said(self.baseline, self.criterion), said(self.candidate, self.criterion)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What changed in one task (of one criterion): of `compared` items that both judges have.

    `unpaired` counts the labelled items that only one of both has. `repeats` says whether each judge was
    asked twice or more about any item. In `changes` what got worse stands first, noise behind the rest.
    """

    task: Task
    criterion: Criterion | None
    compared: int
    unpaired: int
    repeats: bool
    changes: tuple[Change, ...]
    tables: tuple[Table, ...]

    def count(self, move: Move) -> int:
        """How many changes are of that kind."""
        return sum(change.move == move for change in self.changes)

    @property
    def noise(self) -> int | None:
        """How many flips asking again also produces; None where nothing can tell."""
        flips = [change for change in self.changes if change.move != "other"]
        known = [change.noise for change in flips if change.noise is not None]
        return sum(known) if self.repeats or any(known) or not flips else None


def changes(
    candidate: Judgements, baseline: Judgements, *, lengths: Lengths | None = None
) -> tuple[Changes, ...]:
    """What changed from the baseline to the candidate, for each task and criterion with human labels.

    Variants are left out. An item is right if the verdict is a label that most annotators gave; rankings are
    compared by their Levenshtein distance to the nearest such label. `lengths` says how long responses are,
    by default their texts.
    """
    ours, theirs = _asked(candidate), _asked(baseline)
    found = []
    for group in sorted(_groups(ours, theirs), key=_order):
        shared = {item: (ours[item], theirs[item]) for item in sorted(ours.keys() & theirs.keys())}
        asks = {item: both for item, both in shared.items() if _is_of(both[0][0].item, group)}
        alone = [asked[item][0] for asked in (ours, theirs) for item in sorted(asked.keys() - shared.keys())]
        unpaired = sum(_is_of(judgement.item, group) for judgement in alone)
        if asks or unpaired:
            found.append(_of(group, list(asks.values()), unpaired, lengths or response_lengths))
    return tuple(found)


def response_lengths(item: Item) -> list[int | None]:
    """The characters of each response's text."""
    return [None if response.text is None else len(response.text) for response in item.responses]


def said(judgement: Judgement, criterion: Criterion | None = None) -> str:
    """The verdict in words, or the problem; a criterion that the reply leaves out is malformed."""
    answer = judgement.answer(criterion)
    return str(answer) if answer is not None else judgement.problem or "malformed"


def _asked(judgements: Judgements) -> dict[str, list[Judgement]]:
    """Each item's judgements as it is, by repeat."""
    asked: dict[str, list[Judgement]] = {}
    for judgement in sorted((j for j in judgements if not j.variant), key=lambda j: j.repeat):
        asked.setdefault(judgement.item.id, []).append(judgement)
    return asked


def _groups(*asked: Mapping[str, Asks]) -> set[Group]:
    return {
        (asks[0].item.task, criterion)
        for each in asked
        for asks in each.values()
        for criterion in asks[0].item.criteria or (None,)
        if asks[0].item.labels(criterion)
    }


def _order(group: Group) -> tuple[int, str]:
    task, criterion = group
    return get_args(Task).index(task), criterion or ""


def _is_of(item: Item, group: Group) -> bool:
    task, criterion = group
    return item.task == task and bool(item.labels(criterion))


def _of(group: Group, asks: list[tuple[Asks, Asks]], unpaired: int, lengths: Lengths) -> Changes:
    task, criterion = group
    found = [change for ours, theirs in asks if (change := _change(ours, theirs, criterion)) is not None]
    found.sort(key=lambda change: (MOVES.index(change.move), change.noise is True, change.item.id))
    return Changes(
        task=task,
        criterion=criterion,
        compared=len(asks),
        unpaired=unpaired,
        repeats=any(len(ours) > 1 and len(theirs) > 1 for ours, theirs in asks),
        changes=tuple(found),
        tables=tables(
            [(ours[0], theirs[0]) for ours, theirs in asks],
            criterion=criterion,
            moves={change.item.id: change.move for change in found},
            lengths=lengths,
        ),
    )


def _change(ours: Asks, theirs: Asks, criterion: Criterion | None) -> Change | None:
    """What changed between the first asks; None if nothing did."""
    new, old = ours[0], theirs[0]
    if said(new, criterion) == said(old, criterion):
        return None
    after, before = _distance(new, criterion), _distance(old, criterion)
    move: Move = "worse" if after > before else "better" if after < before else "other"
    if move == "other" and not after:
        return None  # both are right: annotators were of two minds
    ranking = new.item.task == "batch"
    return Change(
        item=new.item,
        criterion=criterion,
        move=move,
        baseline=old,
        candidate=new,
        noise=_noise(ours, theirs, criterion, by_words=move == "other"),
        points=_points(new.answer(criterion), old.answer(criterion)),
        distances=(before, after) if ranking else None,
    )


def _distance(judgement: Judgement, criterion: Criterion | None) -> float:
    """How far a verdict is from being right: 0 or 1, and for a ranking its distance."""
    item, answer = judgement.item, judgement.answer(criterion)
    modes = modes_of(item.labels(criterion))
    if item.task != "batch":
        return 0.0 if answer in modes else 1.0
    if answer is None:
        return farthest(len(str(modes[0])))
    return min(levenshtein(str(answer), str(mode)) for mode in modes)


def _noise(ours: Asks, theirs: Asks, criterion: Criterion | None, *, by_words: bool) -> bool | None:
    of: Callable[[Judgement], object]
    of = (lambda j: said(j, criterion)) if by_words else (lambda j: _distance(j, criterion))
    if any(len({of(judgement) for judgement in asks}) > 1 for asks in (ours, theirs)):
        return True
    return False if min(len(ours), len(theirs)) > 1 else None


def _points(new: Label | None, old: Label | None) -> float | None:
    if new is None or old is None or isinstance(new, str) or isinstance(old, str):
        return None
    return float(new) - float(old)
