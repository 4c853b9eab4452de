"""Figures of judgements, one module each. One declaration per check."""

from pytest_mllm_judge.metrics import (
    agreement,
    assertions,
    bias,
    coherence,
    consistency,
    hallucination,
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
    "bias",
    "check_named",
    "coherence",
    "consistency",
    "hallucination",
    "metric",
    "problems",
    "reviews",
    "spending",
]
