"""Estimates as values, and claims about them: holds, fails or undecided."""

from pytest_mllm_judge.claims.beside import Beside
from pytest_mllm_judge.claims.claim import Claim, keep_claims, on_undecided
from pytest_mllm_judge.claims.deciding import Outcome
from pytest_mllm_judge.claims.estimate import Estimate

__all__ = ["Beside", "Claim", "Estimate", "Outcome", "keep_claims", "on_undecided"]
