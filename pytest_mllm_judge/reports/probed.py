"""What a benchmark's probes found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.show import show, show_figure
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.checks import CHECKS, Check
from pytest_mllm_judge.model import Criterion, Judgements
from pytest_mllm_judge.runs.record import Plain, judgements_of


class Found(NamedTuple):
    """A figure that rests on what a probe asked."""

    check: str
    criterion: Criterion | None
    estimate: Estimate

    @property
    def line(self) -> str:
        """`0.461 (0.426 to 0.494), 775 items; again 0.159`."""
        each = self.estimate
        told = show_figure(each.value, each.low, each.high, reason=each.counted.reason)
        beside = [f"{one.name} {show(one.value)}" for one in each.beside]
        named = f"{self.criterion} " if self.criterion else ""
        return "; ".join([f"{named}{told}, {each.items} items", *beside])


def found_by_probes(asked: Sequence[Plain], facts: Plain) -> list[Found]:
    """Every figure whose variants are among these judgements: all of one judge on one benchmark."""
    variants = {each["variant"] for each in asked} - {""}
    if not variants:
        return []
    judgements = judgements_of(asked, facts)
    wanted = (check for check in CHECKS.values() if check.probe and check.suits(judgements.tasks))
    some = (check for check in wanted if not check.variants or variants.intersection(check.variants))
    return [found for check in some for found in _figures(check, judgements)]


def lines(asked: Sequence[Plain], facts: Plain) -> Iterator[str]:
    """How much was asked besides, then a line for each figure that rests on it."""
    if not (found := found_by_probes(asked, facts)):
        return
    yield f"probes: {sum(bool(each['variant']) for each in asked):,} further judgements"
    width = max(len(each.check) for each in found)
    yield from (f"  {each.check:{width}}  {each.line}" for each in found)


def _figures(check: Check, judgements: Judgements) -> Iterator[Found]:
    """The check's figure, one for each criterion; none where its variants were not asked."""
    some = judgements.task(check.task) if check.task else judgements
    known = {name: None for each in some for name in judgements.tasks.criteria(each.item)}
    criteria: list[Criterion | None] = [*known] if "criterion" in check.options else []
    for criterion in criteria or [None]:
        try:
            found = check(some, criterion=criterion) if criterion else check(some)
        except SettingsError:  # it lacks its variants
            continue
        if found.n:
            yield Found(check.name, criterion, found)
