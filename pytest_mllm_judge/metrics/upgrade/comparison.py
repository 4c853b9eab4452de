"""One check by which two judges are compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from pytest_mllm_judge.claims import Claim, Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.metrics.checks import Check, Worse
from pytest_mllm_judge.metrics.pairing import NothingCommon
from pytest_mllm_judge.model import Item, Judgements
from pytest_mllm_judge.statistics import Interval, p_above, p_below
from pytest_mllm_judge.statistics.interval import no_figure
from pytest_mllm_judge.statistics.paired import IntervalAt

_WORSE: Mapping[str, Worse] = {"higher": "lower", "lower": "higher", "neither": "changed"}
_WORST_FIRST = ("fails", "undecided", "holds")


class Estimates(NamedTuple):
    """A check's figure of the candidate, of the baseline, and their paired difference."""

    candidate: Estimate
    baseline: Estimate
    difference: Estimate


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One check by which two judges are compared: with which options, and how much worse is not worse.

    `margin` is above 0, in the check's own units, None where nobody said one: then there is no claim.
    `decides` says whether the upgrade depends on it; the others are measured and shown. One that is `sliced`
    is looked at in slices too.
    """

    check: Check
    margin: float | None
    confidence: float
    options: Mapping[str, Any] = field(default_factory=dict)
    decides: bool = True
    sliced: bool = True

    @property
    def name(self) -> str:
        """What the comparison is called in ids and reports."""
        told = ", ".join(f"{key} {value}" for key, value in sorted(self.options.items()))
        return f"{self.check.name} ({told})" if told else self.check.name

    def items(self, items: Sequence[Item]) -> tuple[Item, ...]:
        """The items that it is about."""
        return tuple(item for item in items if self.check.task in (None, item.task))

    def estimates(self, candidate: Judgements, baseline: Judgements) -> Estimates:
        """Both figures, and the candidate's less the baseline's, paired by item.

        Where no item is common to both, or none has a label, the difference is undefined and says why.
        """
        options = {**self.options, "confidence": self.confidence}
        if not (len(candidate) and len(baseline)):
            return self.nothing("the two have no item in common")
        ours, theirs = self.check(candidate, **options), self.check(baseline, **options)
        if not (ours.n and theirs.n):
            empty = theirs if ours.n else ours
            return Estimates(ours, theirs, self.nothing(empty.counted.reason, empty.better).difference)
        try:
            return Estimates(ours, theirs, ours - theirs)
        except NothingCommon as error:
            none = self.nothing(str(error).partition(": ")[2], ours.better)
            return Estimates(ours, theirs, none.difference)

    def nothing(self, reason: str, better: Better = "neither") -> Estimates:
        """What there is where nothing can be compared, and why."""
        none = no_figure(reason, confidence=self.confidence)

        def named(metric: str) -> Estimate:
            return Estimate(metric=metric, better=better, counted=none, again=lambda *_: none)

        name = self.check.name
        return Estimates(named(name), named(name), named(f"{name}, difference"))

    def difference(self, candidate: Judgements, baseline: Judgements) -> Estimate:
        """The candidate's figure less the baseline's, paired by item."""
        return self.estimates(candidate, baseline).difference

    def claim(self, candidate: Judgements, baseline: Judgements) -> Claim:
        """The claim that the candidate is worse by no more than the margin; of several the worst."""
        return self.claim_of(self.estimates(candidate, baseline))

    def claim_of(self, estimates: Estimates) -> Claim:
        """The same of estimates at hand. Raise ValueError without a margin."""
        if self.margin is None:
            raise ValueError(f"{self.name}: nobody said a margin, so there is nothing to claim")
        return min(self._claims(estimates, self.margin), key=lambda one: _WORST_FIRST.index(one.outcome))

    def _claims(self, estimates: Estimates, margin: float) -> tuple[Claim, ...]:
        """What must all hold.

        An error that the baseline has for certain may not grow in its direction, nor turn into one of the
        other; where its direction is not known, any move away from zero is bounded by the change itself.
        """
        difference, worse = estimates.difference, self._worse(estimates)
        if worse == "lower":
            return (difference >= -margin,)
        if worse == "higher":
            return (difference <= margin,)
        sign = _sign(estimates.baseline) if worse == "away from zero" else 0
        if sign > 0:
            return difference <= margin, _added(estimates) >= -margin
        if sign < 0:
            return difference >= -margin, _added(estimates) <= margin
        return (difference.within(margin),)

    def p_value(self, estimates: Estimates) -> float | None:
        """The p value against "no worse than the baseline at all"; None where nothing may be decided.

        Problems are counted. It is at most 1 - confidence exactly where the interval lies beyond 0.
        """
        difference, worse = estimates.difference, self._worse(estimates)
        if worse == "lower":
            return p_below(difference.at, 0.0)
        if worse == "higher":
            return p_above(difference.at, 0.0)
        sign = _sign(estimates.baseline) if worse == "away from zero" else 0
        up, down = p_above(difference.at, 0.0), p_below(_upper(difference), 0.0)
        if up is None or down is None:
            return None
        if not sign:
            return min(1.0, 2 * min(up, down))
        added = _added(estimates)
        if sign > 0:
            across = p_below(_upper(added), 0.0)
            return up if across is None else min(up, across)
        across = p_above(added.at, 0.0)
        return down if across is None else min(down, across)

    def _worse(self, estimates: Estimates) -> Worse:
        return self.check.worse or _WORSE[estimates.difference.better]


def _upper(estimate: Estimate) -> IntervalAt:
    return lambda confidence: estimate.at(confidence, end="upper")


def _sign(estimate: Estimate) -> int:
    """1 or -1 where the figure lies on one side of zero for certain, wherever problems draw it; else 0."""
    upper = estimate.upper or estimate.counted
    if estimate.counted.reason or estimate.counted.low is None or upper.high is None:
        return 0
    return (estimate.counted.low > 0) - (upper.high < 0)


def _added(estimates: Estimates) -> Estimate:
    """The sum of both figures: beyond 0, the candidate errs more to its side than the baseline to the other.

    Its bounds are the sums of both figures' bounds, which is more than a sum's own interval asks for.
    """
    ours, theirs = estimates.candidate, estimates.baseline
    without = None
    if ours.without or theirs.without:
        without = _sum(ours.without or ours.counted, theirs.without or theirs.counted)
    return replace(
        ours,
        metric=f"{ours.metric} of both, added",
        counted=_sum(ours.counted, theirs.counted),
        upper=_sum(ours.upper or ours.counted, theirs.upper or theirs.counted),
        without=without,
        again=lambda level, end: _sum(ours.at(level, end=end), theirs.at(level, end=end)),
        beside=(),
    )


def _sum(one: Interval, other: Interval) -> Interval:
    """The bounds of a sum, both terms at their own bounds."""

    def add(a: float | None, b: float | None) -> float | None:
        return None if a is None or b is None else a + b

    return replace(
        one,
        value=add(one.value, other.value),
        low=add(one.low, other.low),
        high=add(one.high, other.high),
        reason=one.reason or other.reason,
    )
