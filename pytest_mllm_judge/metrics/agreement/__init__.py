"""Agreement of verdicts with human labels. A problem counts as the answer that makes the figure worst."""

from pytest_mllm_judge.metrics.agreement.correlations import pearson
from pytest_mllm_judge.metrics.agreement.means import distance, leniency, mae, tau
from pytest_mllm_judge.metrics.agreement.shares import accuracy, accuracy_decided, agrees, top, within_one

__all__ = [
    "accuracy",
    "accuracy_decided",
    "agrees",
    "distance",
    "leniency",
    "mae",
    "pearson",
    "tau",
    "top",
    "within_one",
]
