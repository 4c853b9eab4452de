"""What a benchmark's probes found, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_mllm_judge.claims.show import show, show_figure
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.checks import CHECKS, Check
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.runs.record import Plain, judgements_of


def lines(asked: Sequence[Plain], facts: Plain) -> Iterator[str]:
    """How much was asked besides, then a line for each figure that rests on it.

    `asked` are all judgements of one judge on one benchmark.
    """
    if not any(each["variant"] for each in asked):
        return
    judgements = judgements_of(asked, facts)
    found = [
        (check.name, line)
        for check in CHECKS.values()
        if check.probe and check.suits(judgements.tasks)
        for line in _figures(check, judgements)
    ]
    if not found:
        return
    yield f"probes: {sum(bool(each['variant']) for each in asked):,} further judgements"
    width = max(len(name) for name, _ in found)
    yield from (f"  {name:{width}}  {line}" for name, line in found)


def _figures(check: Check, judgements: Judgements) -> Iterator[str]:
    """The check's figure, one for each criterion; none where its variants were not asked."""
    some = judgements.task(check.task) if check.task else judgements
    criteria: list[str | None] = [
        *{name: None for each in some for name in judgements.tasks.criteria(each.item)}
    ]
    for criterion in (criteria if "criterion" in check.options else []) or [None]:
        try:
            found = check(some, criterion=criterion) if criterion else check(some)
        except SettingsError:  # it lacks its variants
            continue
        if found.n:
            told = show_figure(found.value, found.low, found.high, reason=found.counted.reason)
            beside = [f"{each.name} {show(each.value)}" for each in found.beside]
            yield "; ".join([f"{criterion + ' ' if criterion else ''}{told}, {found.items} items", *beside])
