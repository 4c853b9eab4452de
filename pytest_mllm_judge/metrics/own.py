"""Metrics of one's own: a number per judgement, with every guarantee of the built-in ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, Unpack, overload

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import estimate, filled
from pytest_mllm_judge.metrics.checks import sliceable
from pytest_mllm_judge.metrics.measure import End, mean_of
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.statistics.jackknife import Array

Number = Callable[[Judgement], float | None]


class OwnMetric(Protocol):
    """The mean of a number per judgement: `far_off(judge_run.score) <= 0.05`."""

    def __call__(
        self,
        judgements: Judgements,
        /,
        **options: Unpack[BareOptions],
    ) -> Estimate:
        """The estimate of these judgements; with `by` averaged over the slices by a field."""


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
    low, high = bounds

    def measured(
        judgements: Judgements,
        /,
        **options: Unpack[BareOptions],
    ) -> Estimate:
        rows = bare_rows(judgements, options)
        given = {id(j): _number_of(number, j, bounds) for j in rows.judgements}

        def number_at(judgement: Judgement) -> float | None:
            """Of these judgements as it was given; a difference asks for another judge's too."""
            key = id(judgement)
            return given[key] if key in given else _number_of(number, judgement, bounds)

        counts = np.array([given[id(j)] is not None for j in rows.judgements], dtype=bool)

        def worth(some: Rows, end: End) -> Array:
            values = np.array([number_at(j) for j in some.judgements], dtype=float)
            return filled(values, low if end == "low" else high)

        kept = replace(
            rows.keep(counts),
            unlabelled=int((~counts).sum()),
        )
        measure = replace(mean_of(worth, bounds=bounds), own=(number, bounds))
        return estimate(
            name,
            kept,
            measure,
            better="neither",
            wrong=lambda some: some.missing,
            why_none="none of these judgements counts in it",
        )

    return sliceable(measured)


def _number_of(number: Number, judgement: Judgement, bounds: tuple[float, float]) -> float | None:
    """The number of a judgement; NaN for a problem, None where it does not count."""
    if judgement.verdict is None:
        return math.nan
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
