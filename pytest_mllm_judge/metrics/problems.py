"""Rates of judgements without a verdict: small is good, and the bounds are exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.agreement.core import undefined
from pytest_mllm_judge.metrics.checks import Metric, declare
from pytest_mllm_judge.metrics.rows import Rows, plain_of
from pytest_mllm_judge.model import PROBLEMS, Judgements, Problem
from pytest_mllm_judge.statistics import clopper_pearson


@declare("problems.rate", task=None, source="this project")
def rate(
    judgements: Judgements, /, *, kinds: Collection[Problem] = PROBLEMS, confidence: float = 0.95
) -> Estimate:
    """Share of judgements with one of these problems, in [0, 1]; Clopper-Pearson bounds."""
    metric = "problems.rate" if set(kinds) == set(PROBLEMS) else "problems." + ".".join(sorted(kinds))
    plain = plain_of(judgements)
    if not plain:
        return undefined(
            metric, "lower", Rows((), 0), confidence=confidence, reason="there is no judgement here"
        )
    hits = [judgement.problem in kinds for judgement in plain]
    with_one = [j for j, hit in zip(plain, hits, strict=True) if hit]
    return Estimate(
        metric=metric,
        better="lower",
        counted=clopper_pearson(hits, [judgements.cluster_of(j.item) for j in plain], confidence=confidence),
        problems=dict(Counter(str(j.problem) for j in with_one)),
        examples=tuple(f"{j.item.id} {j.problem}" for j in with_one[:3]),
        wrong=len(with_one),
    )


def _of(kind: Problem) -> Metric:
    def one_rate(judgements: Judgements, /, *, confidence: float = 0.95) -> Estimate:
        return rate(judgements, kinds=(kind,), confidence=confidence)

    one_rate.__doc__ = f"Share of judgements that are {kind.replace('_', ' ')}."
    return declare(f"problems.{kind}", task=None, source="this project")(one_rate)


refused, malformed, truncated, error, not_asked = map(_of, PROBLEMS)
