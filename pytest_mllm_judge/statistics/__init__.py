"""Numbers in, frozen results out. Deterministic: no resampling, no random state."""

from pytest_mllm_judge.statistics.correlation import correlation_sums, pearson, worst_verdicts
from pytest_mllm_judge.statistics.distance import farthest, levenshtein
from pytest_mllm_judge.statistics.interval import MIN_CLUSTERS, Interval
from pytest_mllm_judge.statistics.jackknife import cluster_sums, jackknife, mean_interval
from pytest_mllm_judge.statistics.proportion import clopper_pearson, effective_n, wilson

__all__ = [
    "MIN_CLUSTERS",
    "Interval",
    "clopper_pearson",
    "cluster_sums",
    "correlation_sums",
    "effective_n",
    "farthest",
    "jackknife",
    "levenshtein",
    "mean_interval",
    "pearson",
    "wilson",
    "worst_verdicts",
]
