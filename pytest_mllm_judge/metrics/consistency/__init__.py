"""Whether a judge, asked again or in the other order, says the same."""

from pytest_mllm_judge.metrics.consistency.again import repeats
from pytest_mllm_judge.metrics.consistency.both_orders import orders
from pytest_mllm_judge.metrics.consistency.majorities import majority, majority_share
from pytest_mllm_judge.metrics.consistency.reliability import alpha
from pytest_mllm_judge.metrics.consistency.rotations import rotations

__all__ = ["alpha", "majority", "majority_share", "orders", "repeats", "rotations"]
