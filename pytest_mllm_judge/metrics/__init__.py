"""Figures of judgements, one module each. One declaration per check."""

from pytest_mllm_judge.metrics import (
    agreement,
    assertions,
    attack,
    bias,
    coherence,
    consistency,
    grounding,
    hallucination,
    probed,
    problems,
    reviews,
    robustness,
    spending,
)
from pytest_mllm_judge.metrics.checks import CHECKS, Check, check_named
from pytest_mllm_judge.metrics.own import metric

__all__ = [
    "CHECKS",
    "Check",
    "agreement",
    "assertions",
    "attack",
    "bias",
    "check_named",
    "coherence",
    "consistency",
    "grounding",
    "hallucination",
    "metric",
    "probed",
    "problems",
    "reviews",
    "robustness",
    "spending",
]
