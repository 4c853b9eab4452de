"""Figures of judgements: agreement with humans, problems. One declaration per check."""

from pytest_mllm_judge.metrics import agreement, problems
from pytest_mllm_judge.metrics.checks import CHECKS, Check, check_named

__all__ = ["CHECKS", "Check", "agreement", "check_named", "problems"]
