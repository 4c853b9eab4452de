"""Several judges on one benchmark: each one's figure, and which of them can be told apart."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics import problems
from pytest_mllm_judge.metrics.checks import Check, check_named
from pytest_mllm_judge.metrics.letters import letters
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import plain_of
from pytest_mllm_judge.metrics.upgrade import MAIN
from pytest_mllm_judge.model import Criterion, Judgement, Judgements, Task, Tasks
from pytest_mllm_judge.statistics import holm, p_above, p_below

NOTHING_IN_COMMON = "no item that both were asked about"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One judge in a table: its figure, its problems, what a question costs and how long it takes.

    `cost` is the mean of the questions whose cost is known, in the currency of the judge's prices;
    `latency` in seconds likewise; None where none is known. Judges that share one of the `letters` can't be
    told apart; those that can share none. `like` names the judges that this one can't be told from.
    """

    judge: str
    estimate: Estimate
    problems: Estimate
    cost: float | None
    latency: float | None
    letters: str
    like: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """The row in builtin types."""
        return {
            "judge": self.judge,
            "estimate": self.estimate.plain(),
            "problems": self.problems.plain(),
            "cost": self.cost,
            "latency": self.latency,
            "letters": self.letters,
            "like": list(self.like),
        }


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The figure of `first` less that of `second`, paired on the items that both have.

    `p` is two-sided, None where nothing may be decided (`reason` says why); `p_holm` is adjusted for every
    pair of judges of every check of the benchmark, a p that is None counting as 1. They are told `apart`
    where it is at most 1 - confidence. `estimate` is None where they have no item in common.
    """

    first: str
    second: str
    estimate: Estimate | None
    p: float | None
    reason: str = ""
    p_holm: float = 1.0
    apart: bool = False

    def plain(self) -> dict[str, Any]:
        """The pair in builtin types."""
        return {
            "first": self.first,
            "second": self.second,
            "estimate": None if self.estimate is None else self.estimate.plain(),
            "p": self.p,
            "p_holm": self.p_holm,
            "apart": self.apart,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class Standings:
    """The judges by one check, best first, and the difference of each two of them, the better one first."""

    check: Check
    criterion: str | None
    judges: tuple[Standing, ...]
    differences: tuple[Difference, ...]

    @property
    def name(self) -> str:
        """The check's name, with its criterion in brackets."""
        return f"{self.check.name} (criterion {self.criterion})" if self.criterion else self.check.name

    def between(self, first: str, second: str) -> Difference:
        """The difference of two judges of the table, the better one named first."""
        return next(each for each in self.differences if (each.first, each.second) == (first, second))

    def plain(self) -> dict[str, Any]:
        """The table in builtin types."""
        return {
            "name": self.name,
            "check": self.check.name,
            "criterion": self.criterion,
            "task": self.check.task,
            "judges": [each.plain() for each in self.judges],
            "differences": [each.plain() for each in self.differences],
        }


@dataclass(frozen=True)
class _Figures:
    """The judges' figures by one check, before anything is told apart."""

    check: Check
    criterion: str | None
    parts: Mapping[str, Judgements]
    estimates: Mapping[str, Estimate]

    @property
    def is_labelled(self) -> bool:
        """Whether there is a human label in any of them."""
        return any(estimate.n for estimate in self.estimates.values())

    @property
    def order(self) -> list[str]:
        """The judges, best first; those without a figure last, equals by name."""
        return sorted(self.estimates, key=lambda judge: (_badness(self.estimates[judge]), judge))


def standings(judges: Mapping[str, Judgements], *, confidence: float = 0.95) -> tuple[Standings, ...]:
    """The judges' table for each task's main check, and for each criterion of it.

    All must be judgements of one benchmark. Each two judges' paired difference has a two-sided p value by
    the interval engine, twice the smaller one-sided p; Holm (1979) corrects over every pair of every table,
    so that of judges that are all equally good any two are told apart with probability 1 - confidence at
    most. Tasks without a human label have no table, nor has anything with fewer than two judges.
    """
    if len(judges) < 2:
        return ()
    tables = [figures for figures in _figures(judges, confidence) if figures.is_labelled]
    pairs = [_differences(figures) for figures in tables]
    adjusted = iter(holm([1.0 if each.p is None else each.p for some in pairs for each in some]))
    return tuple(
        _table(figures, [_corrected(each, next(adjusted), level=1 - confidence) for each in some])
        for figures, some in zip(tables, pairs, strict=True)
    )


def main_checks(
    task: Task, judgements: Iterable[Judgement], tasks: Tasks
) -> Iterator[tuple[Check, Criterion | None]]:
    """The task's main check, once for each criterion that these judgements' items have."""
    check = next(check for check in map(check_named, MAIN[task]) if check.suits(tasks))
    criteria = sorted({name for judgement in judgements for name in tasks.criteria(judgement.item)})
    yield from ((check, criterion) for criterion in criteria or (None,))


def _figures(judges: Mapping[str, Judgements], confidence: float) -> Iterator[_Figures]:
    tasks = next(iter(judges.values())).tasks
    for task in MAIN:
        parts = {name: some.task(task) for name, some in sorted(judges.items()) if len(some.task(task))}
        every = [judgement for some in parts.values() for judgement in some]
        for check, criterion in main_checks(task, every, tasks):
            options = {"criterion": criterion, "confidence": confidence}
            found = {judge: check(some, **options) for judge, some in parts.items()}
            if len(found) > 1:
                yield _Figures(check, criterion, parts, found)


def _badness(estimate: Estimate) -> float:
    if estimate.value is None:
        return math.inf
    return estimate.value if estimate.better == "lower" else -estimate.value


def _differences(figures: _Figures) -> list[Difference]:
    """Each two judges, the better first; nothing is corrected yet."""
    return [
        _difference(first, second, _paired(figures.estimates[first], figures.estimates[second]))
        for first, second in combinations(figures.order, 2)
    ]


def _difference(first: str, second: str, estimate: Estimate | None) -> Difference:
    if estimate is None:
        return Difference(first=first, second=second, estimate=None, p=None, reason=NOTHING_IN_COMMON)
    p = two_sided(estimate)
    reason = estimate.counted.reason if p is None else ""
    return Difference(first=first, second=second, estimate=estimate, p=p, reason=reason)


def _corrected(difference: Difference, p_holm: float, *, level: float) -> Difference:
    return replace(difference, p_holm=p_holm, apart=difference.p is not None and p_holm <= level)


def _paired(first: Estimate, second: Estimate) -> Estimate | None:
    """The difference of two figures; None where they have nothing in common."""
    ours, theirs = first.pairing, second.pairing
    if not isinstance(ours, Pairing) or not isinstance(theirs, Pairing):
        return None
    return first - second if set(ours.rows.keys()) & set(theirs.rows.keys()) else None


def two_sided(difference: Estimate) -> float | None:
    """The p value against "the difference is 0", problems counted; None where nothing may be decided.

    Twice the p value of the side on which the difference lies: the other one is 1/2 at least.
    """
    side = p_above if (difference.value or 0.0) >= 0 else p_below
    one_sided = side(difference.at, 0.0)
    return None if one_sided is None else min(1.0, 2 * one_sided)


def _table(figures: _Figures, differences: Sequence[Difference]) -> Standings:
    order = figures.order
    given = letters(order, [(each.first, each.second) for each in differences if each.apart])
    alike = [(each.first, each.second) for each in differences if not each.apart]
    like = {judge: tuple(b if judge == a else a for a, b in alike if judge in (a, b)) for judge in order}
    rows = tuple(_standing(judge, figures, given[judge], like[judge]) for judge in order)
    return Standings(
        check=figures.check, criterion=figures.criterion, judges=rows, differences=tuple(differences)
    )


def _standing(judge: str, figures: _Figures, given: str, like: tuple[str, ...]) -> Standing:
    part, estimate = figures.parts[judge], figures.estimates[judge]
    plain = plain_of(part)
    return Standing(
        judge=judge,
        estimate=estimate,
        problems=problems.rate(part, confidence=estimate.counted.confidence),
        cost=_mean([judgement.cost for judgement in plain]),
        latency=_mean([judgement.latency for judgement in plain]),
        letters=given,
        like=like,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """The mean of those that are known."""
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
