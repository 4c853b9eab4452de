"""What a question costs and how long its answer takes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Ends
from pytest_mllm_judge.metrics.agreement.core import estimate, undefined
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, Measure
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.statistics import MIN_DISCORDANT, Interval, Sample, too_few
from pytest_mllm_judge.statistics.figure import NO_REPEATS, Figure
from pytest_mllm_judge.statistics.jackknife import Array

Value = Callable[[Judgement], float | None]
_ROUNDING = 1e-9
"""How far apart two means may be that are made of the same values, relative to the largest."""


@declare("cost.mean", task=None, source="this project", options=("average", "by"))
def cost(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Mean cost of a question, in the currency of the judge's prices; lower is better.

    Judgements without a known cost are left out and counted; those with a problem cost as others do.
    """
    why = "none of these judgements has a cost: the judge has no prices, or its replies no count of tokens"
    return _mean("cost.mean", judgements, options, lambda one: one.cost, lacking="a cost", why_none=why)


@declare("latency.mean", task=None, source="this project", options=("average", "by"))
def latency(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Mean time from a question to its reply, in seconds; lower is better.

    It is the time that was recorded: a replay takes none of its own. Judgements without one are left out and
    counted.
    """
    why = "none of these judgements has a latency: no times were recorded, or none stand beside the cassette"
    return _mean(
        "latency.mean", judgements, options, lambda one: one.latency, lacking="a latency", why_none=why
    )


def _mean(
    metric: str, judgements: Judgements, options: BareOptions, value: Value, *, lacking: str, why_none: str
) -> Estimate:
    bare = bare_rows(judgements, options)
    rows = bare.saying([value(judgement) for judgement in bare.judgements])
    kept = replace(rows.keep(~rows.missing), unlabelled=int(rows.missing.sum()))
    measure = _Mean(build=_build(metric), name=metric)
    found = estimate(metric, kept, measure, better="lower", wrong=_nowhere, why_none=why_none)
    pairing = _OfBoth(metric=metric, better="lower", rows=kept, measure=measure, lacking=lacking)
    return replace(found, pairing=pairing, lacking=lacking)


def _build(metric: str) -> Callable[[Rows, End], tuple[Figure, Sample]]:
    figure = Figure(
        name=metric,
        value=lambda sums: np.asarray(sums[..., 0] / sums[..., 1]),
        bounds=(0.0, math.inf),
    )
    return lambda rows, _: (figure, rows.sample(moments=np.column_stack([_values(rows), np.ones(len(rows))])))


def _values(rows: Rows) -> Array:
    """The values (n,), which stand where verdicts do: two judges differ where these do."""
    return np.array(rows.verdict, dtype=float)


def _nowhere(rows: Rows) -> Array:
    """No value is wrong."""
    return np.zeros(len(rows))


class _Mean(Measure):
    """A mean without an upper bound, so that nothing can be said of what is not seen to vary."""

    def difference(self, first: Rows, second: Rows, *, ends: tuple[End, End]) -> Interval:
        """The mean of `first` less that of `second`; the rows stand side by side."""
        ours, theirs = _values(first), _values(second)
        apart = int((ours != theirs).sum())
        if apart >= MIN_DISCORDANT:
            return super().difference(first, second, ends=ends)
        clusters = len(np.unique(first.clusters))
        found = Interval(
            value=float((ours - theirs).mean()),
            low=None,
            high=None,
            n=len(first),
            clusters=clusters,
            method="none",
            confidence=first.confidence,
            reason=f"the values differ on {apart} of {len(first)} judgements, fewer than {MIN_DISCORDANT}",
        )
        return found if apart else _the_same(found, first, largest=float(np.abs(ours).max()))


def _the_same(found: Interval, rows: Rows, *, largest: float) -> Interval:
    """One measurement seen twice, as in one cassette: no more apart than rounding."""
    reach = _ROUNDING * (largest or 1.0)
    reason = NO_REPEATS if rows.population == "fixed" and rows.repeats < 2 else too_few(found.clusters)
    return replace(found, value=0.0, low=-reach, high=reach, method="the same values", reason=reason)


@dataclass(frozen=True, kw_only=True)
class _OfBoth(Pairing):
    """The difference on the questions of which both judges' values are known."""

    lacking: str

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one; where no question has both, an estimate that says so."""
        if self.metric == other.metric and not set(self.rows.keys()) & set(other.rows.keys()):
            reason = f"no question has {self.lacking} of both judges"
            return undefined(f"{self.metric}, difference", self.better, self.rows, reason=reason)
        found = replace(super().minus(other), lacking=self.lacking)
        lost = max(found.unpaired, self.rows.unlabelled + other.rows.unlabelled)
        return _undecided(found, f"{lost} judgements lack {self.lacking}") if lost else found


def _undecided(estimate: Estimate, reason: str) -> Estimate:
    """The same figure, on which nothing may be decided: slow replies may be what lacks a time."""

    def again(confidence: float, end: Ends) -> Interval:
        return replace(estimate.at(confidence, end=end), reason=reason)

    return replace(estimate, counted=replace(estimate.counted, reason=reason), again=again)
