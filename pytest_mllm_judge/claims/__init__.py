"""Estimates as values, and claims about them: holds, fails or undecided."""

from pytest_mllm_judge.claims.claim import Claim, Outcome, keep_claims, on_undecided
from pytest_mllm_judge.claims.estimate import Estimate

__all__ = ["Claim", "Estimate", "Outcome", "keep_claims", "on_undecided"]
