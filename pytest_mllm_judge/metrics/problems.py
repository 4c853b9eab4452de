"""Rates of judgements without a verdict: small is good, and the bounds are exact."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.checks import Metric, declare
from pytest_mllm_judge.metrics.measure import share_of
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import PROBLEMS, Judgements, Problem


@declare("problems.rate", task=None, source="this project", options=("average", "by"), margin=0.05)
def rate(
    judgements: Judgements,
    /,
    *,
    kinds: Collection[Problem] = PROBLEMS,
    **options: Unpack[BareOptions],
) -> Estimate:
    """Share of judgements with one of these problems, in [0, 1]; Clopper-Pearson bounds."""
    if not set(kinds) <= set(PROBLEMS) or not kinds or isinstance(kinds, str):
        raise SettingsError(f"kinds = {kinds!r}: a list of some of {', '.join(PROBLEMS)}")
    metric = "problems.rate" if set(kinds) == set(PROBLEMS) else "problems." + ".".join(sorted(kinds))

    def hits(rows: Rows) -> Truths:
        return np.array([judgement.problem in kinds for judgement in rows.judgements], dtype=bool)

    rows = bare_rows(judgements, options)
    found = estimate(
        metric,
        rows,
        share_of(hits, rare=True),
        better="lower",
        wrong=hits,
        why_none="there is no judgement here",
    )
    kept = {kind: count for kind, count in found.problems.items() if kind in kinds}
    return replace(found, problems=kept, without=None)


def _of(kind: Problem) -> Metric:
    def one_rate(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
        return rate(judgements, kinds=(kind,), **options)

    one_rate.__doc__ = f"Share of judgements that are {kind.replace('_', ' ')}."
    return declare(
        f"problems.{kind}", task=None, source="this project", options=("average", "by"), margin=0.05
    )(one_rate)


refused, malformed, truncated, error, not_asked = map(_of, PROBLEMS)
