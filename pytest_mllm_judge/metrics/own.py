"""Metrics of one's own: a number per judgement, with every guarantee of the built-in ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Protocol, overload

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import undefined
from pytest_mllm_judge.metrics.checks import sliceable
from pytest_mllm_judge.metrics.rows import Rows, plain_of
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.statistics import Interval, mean_interval

Number = Callable[[Judgement], float | None]


class OwnMetric(Protocol):
    """The mean of a number per judgement: `far_off(judge_run.score) <= 0.05`."""

    def __call__(self, judgements: Judgements, /, *, confidence: float = 0.95) -> Estimate:
        """The estimate of these judgements."""


@overload
def metric(number: Number, /) -> OwnMetric: ...
@overload
def metric(*, bounds: tuple[float, float]) -> Callable[[Number], OwnMetric]: ...
def metric(
    number: Number | None = None, /, *, bounds: tuple[float, float] = (0.0, 1.0)
) -> OwnMetric | Callable[[Number], OwnMetric]:
    """Make a metric of a function from a judgement to a number in `bounds` (True and False are 1 and 0).

    The function sees only judgements with a verdict; None leaves one out. The estimate is the mean, with
    clusters and its jackknife interval. A problem counts as the lower bound where a claim asks for `at
    least`, and as the upper where it asks for `at most`, so that it can never help.
    """
    low, high = bounds
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"bounds are two finite numbers, the lower first, got {bounds}")
    return _made(number, bounds) if number is not None else lambda given: _made(given, bounds)


def _made(number: Number, bounds: tuple[float, float]) -> OwnMetric:
    name = getattr(number, "__name__", "own metric")

    def measured(judgements: Judgements, /, *, confidence: float = 0.95) -> Estimate:
        plain = plain_of(judgements)
        worth = [(j, None if j.verdict is None else _number_of(number, j, bounds)) for j in plain]
        kept = [(j, value) for j, value in worth if value is not None or j.verdict is None]
        if not kept:
            reason = "none of these judgements counts in it"
            return undefined(name, "neither", Rows((), len(plain)), confidence=confidence, reason=reason)

        def interval(missing: float | None) -> Interval:
            some = [(j, missing if value is None else value) for j, value in kept]
            counted = [(j, value) for j, value in some if value is not None]
            clusters = [judgements.cluster_of(j.item) for j, _ in counted]
            return mean_interval([v for _, v in counted], clusters, bounds=bounds, confidence=confidence)

        problems = Counter(str(j.problem) for j, value in kept if value is None)
        answered = len(kept) > sum(problems.values())
        return Estimate(
            metric=name,
            better="neither",
            counted=interval(bounds[0]),
            upper=interval(bounds[1]) if problems else None,
            without=interval(None) if problems and answered else None,
            problems=dict(problems),
            unlabelled=len(plain) - len(kept),
        )

    return sliceable(measured)


def _number_of(number: Number, judgement: Judgement, bounds: tuple[float, float]) -> float | None:
    value = number(judgement)
    if value is None:
        return None
    if not bounds[0] <= value <= bounds[1]:
        name = getattr(number, "__name__", "the metric")
        within = f"its bounds {bounds[0]:g} to {bounds[1]:g}"
        raise SettingsError(
            f"{name} gave {value!r} for {judgement.item.id}, outside {within}"
            "\n  Give it others: @metric(bounds=(low, high))."
        )
    return float(value)
