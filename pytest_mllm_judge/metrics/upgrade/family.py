"""All comparisons of two judges at once, slices included, and which of them regressed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_mllm_judge.claims import Claim
from pytest_mllm_judge.claims.deciding import Outcome
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.upgrade.comparison import Comparison, Estimates
from pytest_mllm_judge.model import Item, Judgements
from pytest_mllm_judge.model.judgements import field, group_of
from pytest_mllm_judge.statistics import holm


@dataclass(frozen=True, kw_only=True)
class Slice:
    """The items whose `field` has that `value`."""

    field: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What came of one comparison, of all its items or of a slice.

    `p` is the value against "no worse than the baseline at all", None where nothing may be decided; `p_holm`
    is corrected for the whole family; `regressed` says that it is small enough. Only what `decides` may stop
    an upgrade.
    """

    comparison: Comparison
    slice: Slice | None
    estimates: Estimates
    claim: Claim | None
    p: float | None
    p_holm: float = 1.0
    regressed: bool = False

    @property
    def name(self) -> str:
        """The comparison's name, and the slice in brackets."""
        where = "" if self.slice is None else f" [{self.slice.field} {self.slice.value}]"
        return self.comparison.name + where

    @property
    def decides(self) -> bool:
        """Whether the upgrade depends on it."""
        return self.comparison.decides and self.slice is None

    @property
    def outcome(self) -> Outcome | None:
        """The claim's; None without a margin."""
        return None if self.claim is None else self.claim.outcome

    def plain(self) -> dict[str, Any]:
        """All of it in builtin types, without what the figures stand beside: it takes as long as all else."""
        candidate, baseline = (
            replace(one, beside=()) for one in (self.estimates.candidate, self.estimates.baseline)
        )
        return {
            "name": self.name,
            "check": self.comparison.check.name,
            "options": dict(self.comparison.options),
            "slice": None if self.slice is None else {"field": self.slice.field, "value": self.slice.value},
            "decides": self.decides,
            "margin": self.comparison.margin,
            "outcome": self.outcome,
            "claim": None if self.claim is None else self.claim.plain(),
            "candidate": candidate.plain(),
            "baseline": baseline.plain(),
            "difference": self.estimates.difference.plain(),
            "n": self.estimates.difference.n,
            "p": self.p,
            "p_holm": self.p_holm,
            "regressed": self.regressed,
        }


@dataclass(frozen=True)
class Upgrade:
    """All comparisons of a candidate with a baseline."""

    compared: tuple[Compared, ...]

    def of(self, comparison: Comparison) -> Compared | None:
        """What came of a comparison on all its items; None if there was nothing to measure."""
        whole = (each for each in self.compared if each.slice is None)
        return next((each for each in whole if each.comparison == comparison), None)

    @property
    def regressed(self) -> tuple[Compared, ...]:
        """What is worse than the baseline's for certain, however many comparisons there are."""
        return tuple(each for each in self.compared if each.regressed)

    def plain(self) -> list[dict[str, Any]]:
        """All of it in builtin types."""
        return [each.plain() for each in self.compared]


def compare(
    comparisons: Sequence[Comparison],
    candidate: Judgements,
    baseline: Judgements,
    *,
    slices: Sequence[str] = (),
) -> Upgrade:
    """Compare two judges by all of these at once, those that decide also within each value of `slices`.

    What regressed is told by Holm's correction (1979) over the whole family: the comparisons with a margin
    and all slices that these items have. Those on which nothing may be decided count in it, so that the
    verdict on one does not depend on whether another has data. What does not decide and has nothing to be
    measured by, as a cost that no judgement has, is left out.
    """
    found = []
    for comparison in comparisons:
        for where, ours, theirs in _parts(comparison, candidate, baseline, slices):
            one = _compared(comparison, where, ours, theirs)
            if one is not None:
                found.append(one)
    return Upgrade(_corrected(found))


def _parts(
    comparison: Comparison, candidate: Judgements, baseline: Judgements, slices: Sequence[str]
) -> Iterator[tuple[Slice | None, Judgements, Judgements]]:
    """The whole, and each slice that both judges have items of."""
    yield None, candidate, baseline
    if not (comparison.decides and comparison.sliced):
        return
    mine = [judgement.item for judgement in candidate]
    about = comparison.items(mine)
    for name in slices:
        for value in _values(name, about):
            where = Slice(field=name, value=value)
            ours, theirs = (_part(each, where) for each in (candidate, baseline))
            if len(ours) and len(theirs):
                yield where, ours, theirs


def _values(name: str, items: Sequence[Item]) -> list[str]:
    """The field's values as text, sorted; none where no item has one."""
    if all(field(item, name) is None for item in items):
        return []
    return sorted({group_of(item, name) for item in items})


def _part(judgements: Judgements, where: Slice) -> Judgements:
    groups = judgements.once(("groups", where.field), lambda: _groups(judgements, where.field))
    return groups.get(where.value, judgements.like_these(()))


def _groups(judgements: Judgements, name: str) -> dict[str, Judgements]:
    groups: dict[str, list[Any]] = {}
    for judgement in judgements:
        groups.setdefault(group_of(judgement.item, name), []).append(judgement)
    return {value: judgements.like_these(some) for value, some in groups.items()}


def _compared(
    comparison: Comparison, where: Slice | None, candidate: Judgements, baseline: Judgements
) -> Compared | None:
    decides = comparison.decides and where is None
    try:
        estimates = comparison.estimates(candidate, baseline)
    except SettingsError as error:  # such as one that was asked in one order only, when it was approved of
        if not decides:
            return None
        estimates = comparison.nothing(str(error))
    if not (estimates.difference.n or decides):
        return None
    has_claim = comparison.margin is not None
    return Compared(
        comparison=comparison,
        slice=where,
        estimates=estimates,
        claim=comparison.claim_of(estimates) if has_claim else None,
        p=comparison.p_value(estimates) if has_claim else None,
    )


def _corrected(found: Sequence[Compared]) -> tuple[Compared, ...]:
    members = [each for each in found if each.claim is not None]
    adjusted = iter(holm([1.0 if each.p is None else each.p for each in members]))
    return tuple(each if each.claim is None else _told(each, next(adjusted)) for each in found)


def _told(one: Compared, p_holm: float) -> Compared:
    return replace(one, p_holm=p_holm, regressed=p_holm <= 1 - one.comparison.confidence)
