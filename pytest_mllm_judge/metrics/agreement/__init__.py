"""Agreement of verdicts with human labels. A problem counts as the answer that makes the figure worst."""

from pytest_mllm_judge.metrics.agreement.confusion import Confusion, confusion
from pytest_mllm_judge.metrics.agreement.correlations import pearson, spearman, tau_b
from pytest_mllm_judge.metrics.agreement.means import distance, leniency, mae, tau
from pytest_mllm_judge.metrics.agreement.per_label import f1, precision, recall
from pytest_mllm_judge.metrics.agreement.reliability import reliability
from pytest_mllm_judge.metrics.agreement.screening import pass_rate, sensitivity, specificity
from pytest_mllm_judge.metrics.agreement.shares import (
    accuracy,
    accuracy_decided,
    top,
    within_one,
)
from pytest_mllm_judge.metrics.agreement.tables import (
    ac1,
    alpha,
    alpha_interval,
    alpha_nominal,
    alpha_ordinal,
    kappa,
    kappa_linear,
    kappa_quadratic,
    scale_use,
)
from pytest_mllm_judge.metrics.annotators import advantage
from pytest_mllm_judge.metrics.beside import humans
from pytest_mllm_judge.model.judgement import agrees

__all__ = [
    "Confusion",
    "ac1",
    "accuracy",
    "accuracy_decided",
    "advantage",
    "agrees",
    "alpha",
    "alpha_interval",
    "alpha_nominal",
    "alpha_ordinal",
    "confusion",
    "distance",
    "f1",
    "humans",
    "kappa",
    "kappa_linear",
    "kappa_quadratic",
    "leniency",
    "mae",
    "pass_rate",
    "pearson",
    "precision",
    "recall",
    "reliability",
    "scale_use",
    "sensitivity",
    "spearman",
    "specificity",
    "tau",
    "tau_b",
    "top",
    "within_one",
]
