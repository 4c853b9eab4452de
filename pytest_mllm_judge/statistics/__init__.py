"""Numbers in, frozen results out. Deterministic: no random state but what is asked for by a seed."""

from pytest_mllm_judge.statistics.bootstrap import bootstrap, bootstrap_of
from pytest_mllm_judge.statistics.coincidence import alpha_figure, coincidence_sums
from pytest_mllm_judge.statistics.corrected import error_corrected, pass_rate_figure, ppi_mean
from pytest_mllm_judge.statistics.correlation import (
    moments_of,
    pearson,
    pearson_figure,
    worst_verdicts,
)
from pytest_mllm_judge.statistics.distance import farthest, kendall, levenshtein
from pytest_mllm_judge.statistics.figure import Figure, interval_of, mean_figure, mean_sums
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
from pytest_mllm_judge.statistics.proportion import clopper_pearson, effective_n, exact_bounds, wilson
from pytest_mllm_judge.statistics.ranks import spearman, spearman_figure, tau_b, tau_b_figure
from pytest_mllm_judge.statistics.sample import Average, Places, Sample, left_out, numbered
from pytest_mllm_judge.statistics.tables import (
    accuracy_figure,
    alpha_table_figure,
    f1_figure,
    gwet_figure,
    kappa_figure,
    points_used_figure,
    precision_figure,
    recall_figure,
    sensitivity_figure,
    specificity_figure,
    table_sums,
)
from pytest_mllm_judge.statistics.worst import worst_cells

__all__ = [
    "MIN_CLUSTERS",
    "MIN_DISCORDANT",
    "MIN_OF_CLASS",
    "Average",
    "Equivalence",
    "Figure",
    "Interval",
    "Places",
    "Sample",
    "accuracy_figure",
    "alpha_figure",
    "alpha_table_figure",
    "bootstrap",
    "bootstrap_of",
    "clopper_pearson",
    "cluster_sums",
    "coincidence_sums",
    "effective_n",
    "effective_pairs",
    "equivalence",
    "error_corrected",
    "exact_bounds",
    "f1_figure",
    "farthest",
    "few_discordant",
    "gwet_figure",
    "holm",
    "interval_of",
    "jackknife",
    "kappa_figure",
    "kendall",
    "left_out",
    "levenshtein",
    "mcnemar",
    "mean_figure",
    "mean_interval",
    "mean_sums",
    "moments_of",
    "numbered",
    "p_above",
    "p_below",
    "paired_difference",
    "paired_shares",
    "pass_rate_figure",
    "pearson",
    "pearson_figure",
    "points_used_figure",
    "ppi_mean",
    "precision_figure",
    "rare_class",
    "recall_figure",
    "sensitivity_figure",
    "spearman",
    "spearman_figure",
    "specificity_figure",
    "table_sums",
    "tango",
    "tau_b",
    "tau_b_figure",
    "too_few",
    "wilson",
    "worst_cells",
    "worst_verdicts",
]
