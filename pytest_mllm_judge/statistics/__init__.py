"""Numbers in, frozen results out. Deterministic: no random state but what is asked for by a seed."""

from pytest_mllm_judge.statistics.bootstrap import bootstrap
from pytest_mllm_judge.statistics.coincidence import alpha_figure, coincidence_sums
from pytest_mllm_judge.statistics.corrected import error_corrected, ppi_mean
from pytest_mllm_judge.statistics.correlation import Average, correlation_sums, pearson, worst_verdicts
from pytest_mllm_judge.statistics.distance import farthest, kendall, levenshtein
from pytest_mllm_judge.statistics.figure import Figure, interval_of, mean_figure, mean_sums, sliced_sums
from pytest_mllm_judge.statistics.interval import (
    MIN_CLUSTERS,
    MIN_DISCORDANT,
    MIN_OF_CLASS,
    Interval,
    few_discordant,
    rare_class,
    too_few,
)
from pytest_mllm_judge.statistics.jackknife import cluster_sums, jackknife, mean_interval
from pytest_mllm_judge.statistics.paired import (
    Equivalence,
    effective_pairs,
    equivalence,
    holm,
    mcnemar,
    p_above,
    p_below,
    paired_difference,
    paired_shares,
    tango,
)
from pytest_mllm_judge.statistics.proportion import clopper_pearson, effective_n, wilson
from pytest_mllm_judge.statistics.ranks import spearman, spearman_figure, tau_b, tau_b_figure
from pytest_mllm_judge.statistics.tables import (
    accuracy_figure,
    f1_figure,
    gwet_figure,
    kappa_figure,
    precision_figure,
    recall_figure,
    sensitivity_figure,
    specificity_figure,
    table_sums,
)

__all__ = [
    "MIN_CLUSTERS",
    "MIN_DISCORDANT",
    "MIN_OF_CLASS",
    "Average",
    "Equivalence",
    "Figure",
    "Interval",
    "accuracy_figure",
    "alpha_figure",
    "bootstrap",
    "clopper_pearson",
    "cluster_sums",
    "coincidence_sums",
    "correlation_sums",
    "effective_n",
    "effective_pairs",
    "equivalence",
    "error_corrected",
    "f1_figure",
    "farthest",
    "few_discordant",
    "gwet_figure",
    "holm",
    "interval_of",
    "jackknife",
    "kappa_figure",
    "kendall",
    "levenshtein",
    "mcnemar",
    "mean_figure",
    "mean_interval",
    "mean_sums",
    "p_above",
    "p_below",
    "paired_difference",
    "paired_shares",
    "pearson",
    "ppi_mean",
    "precision_figure",
    "rare_class",
    "recall_figure",
    "sensitivity_figure",
    "sliced_sums",
    "spearman",
    "spearman_figure",
    "specificity_figure",
    "table_sums",
    "tango",
    "tau_b",
    "tau_b_figure",
    "too_few",
    "wilson",
    "worst_verdicts",
]
