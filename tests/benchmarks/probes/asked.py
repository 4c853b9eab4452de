"""All that judges are asked about one data set, as judgements; what is as a fair judge has it is reused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_mllm_judge import Item, Judgement, Judgements
from pytest_mllm_judge.model import Label, Task, Tasks
from tests.benchmarks.probes.faults import SEED, Judge
from tests.benchmarks.probes.population import ANSWERS, Case, Population
from tests.benchmarks.probes.shown import ACCOUNT, AGAIN, Shown, shown

FAIR = Judge()
CONTRADICTED = "contradicted"
"""The field of a judgement that says how many facts of its account the picture contradicts."""
Group = tuple[Task, str]
"""The asks of one variant about the items of a task."""


@dataclass(frozen=True)
class Asks:
    """What a check is measured on: n items of a task, or of all three alike, under these variants."""

    variants: tuple[str, ...]
    task: Task | None = None

    def groups(self, n: int) -> list[tuple[Group, int]]:
        """Each group, and of how many items."""
        parts = {self.task: n} if self.task else thirds(n)
        return [((task, variant), many) for task, many in parts.items() for variant in self.variants]


def thirds(n: int) -> dict[Task, int]:
    """Nearly a third of n for each task, n in all."""
    return {task: (n + place) // 3 for place, task in enumerate(ANSWERS)}


@dataclass(frozen=True)
class Told:
    """What a judge says of a group's first items, by place; only where it is not what the fair judge says."""

    many: int
    others: dict[int, Judgement]


@dataclass
class DataSet:
    """One data set; every judge is asked the same questions. Only a fair judge's and one other's are kept."""

    number: int
    _cases: dict[Task, list[Case]] = field(default_factory=dict)
    _shown: dict[Group, list[Shown]] = field(default_factory=dict)
    _fair: dict[Group, list[Judgement]] = field(default_factory=dict)
    _told: dict[tuple[Judge, Group], Told] = field(default_factory=dict)
    _made: dict[Judge, dict[tuple[Asks, int], Judgements]] = field(default_factory=dict)

    def judgements(self, judge: Judge, asks: Asks, n: int) -> Judgements:
        """What the judge says; the very same object as the fair judge's, where that says all the same."""
        groups = asks.groups(n)
        if judge != FAIR and not any(self._others(judge, *group) for group in groups):
            judge = FAIR
        key = (asks, n)
        if judge not in self._made:
            self._made = {each: made for each, made in self._made.items() if each == FAIR} | {judge: {}}
        if key not in self._made[judge]:
            some = [one for group in groups for one in self._said(judge, *group)]
            self._made[judge][key] = Judgements(some, cluster_of=_cluster_of, tasks=Tasks())
        return self._made[judge][key]

    def _said(self, judge: Judge, group: Group, many: int) -> Iterable[Judgement]:
        fair, others = self._of_fair(group, many), self._others(judge, group, many)
        return [others.get(place, one) for place, one in enumerate(fair)] if others else fair

    def _others(self, judge: Judge, group: Group, many: int) -> dict[int, Judgement]:
        """Where the judge says another thing than the fair one, and what."""
        if judge == FAIR or not judge.touches(*group):
            return {}
        told = self._told.get((judge, group))
        if told is None or told.many < many:
            self._told = {key: old for key, old in self._told.items() if key[0] == judge}
            told = self._told[judge, group] = Told(many, dict(self._differing(judge, group, many)))
        return {place: one for place, one in told.others.items() if place < many}

    def _differing(self, judge: Judge, group: Group, many: int) -> Iterable[tuple[int, Judgement]]:
        pairs = zip(self._questions(group, many), self._of_fair(group, many), strict=True)
        for place, (asked, fair) in enumerate(pairs):
            if judge.spares(asked.item):
                continue
            said = _said(judge, asked)
            if said != (fair.verdict, fair.fields):
                yield place, _made(asked, *said)

    def _of_fair(self, group: Group, many: int) -> list[Judgement]:
        known = self._fair.setdefault(group, [])
        if len(known) < many:
            some = self._questions(group, many)[len(known) :]
            known += [_made(asked, *_said(FAIR, asked)) for asked in some]
        return known[:many]

    def _questions(self, group: Group, many: int) -> list[Shown]:
        task, variant = group
        known = self._shown.setdefault(group, [])
        if len(known) < many:
            cases = self._cases.get(task, [])
            if len(cases) < many:
                cases = self._cases[task] = Population(self.number, seed=SEED).cases(task, many)
            known += [shown(case, variant) for case in cases[len(known) : many]]
        return known[:many]


def _said(judge: Judge, asked: Shown) -> tuple[Label, dict[str, int]]:
    """The verdict, and the fields of the judgement."""
    if asked.variant == ACCOUNT:
        return asked.truth, {CONTRADICTED: int(judge.invents(asked))}
    return judge.says(asked), {}


def _made(asked: Shown, verdict: Label, fields: dict[str, int]) -> Judgement:
    again, account = asked.variant == AGAIN, asked.variant == ACCOUNT
    return _LIKE.model_copy(
        update={
            "item": asked.case.item,
            "variant": "" if again or account else asked.variant,
            "repeat": int(again),
            "verdict": verdict,
            "fields": fields,
        }
    )


_LIKE = Judgement.model_construct(
    judge="judge", reply="", item=Population(0, seed=SEED).cases("score", 1)[0].item
)


def _cluster_of(item: Item) -> str:
    return item.id
