"""Figures of judgements: agreement, consistency, problems, spending, reviews. One declaration per check."""

from pytest_mllm_judge.metrics import (
    agreement,
    assertions,
    coherence,
    consistency,
    problems,
    reviews,
    spending,
)
from pytest_mllm_judge.metrics.checks import CHECKS, Check, check_named
from pytest_mllm_judge.metrics.own import metric

__all__ = [
    "CHECKS",
    "Check",
    "agreement",
    "assertions",
    "check_named",
    "coherence",
    "consistency",
    "metric",
    "problems",
    "reviews",
    "spending",
]
