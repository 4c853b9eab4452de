"""Agreement of verdicts with human labels. A problem counts as the answer that makes the figure worst."""

from pytest_mllm_judge.metrics.agreement.correlations import pearson
from pytest_mllm_judge.metrics.agreement.means import distance, leniency, mae, tau
from pytest_mllm_judge.metrics.agreement.shares import accuracy, accuracy_decided, agrees, top, within_one
from pytest_mllm_judge.metrics.agreement.tables import kappa, kappa_quadratic

__all__ = [
    "accuracy",
    "accuracy_decided",
    "agrees",
    "distance",
    "kappa",
    "kappa_quadratic",
    "leniency",
    "mae",
    "pearson",
    "tau",
    "top",
    "within_one",
]
