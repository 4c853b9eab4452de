"""May the candidate replace the baseline: paired not-worse claims, and what regressed."""

from pytest_mllm_judge.metrics.upgrade.comparison import Comparison
from pytest_mllm_judge.metrics.upgrade.declared import MAIN, PROPERTIES, comparisons
from pytest_mllm_judge.metrics.upgrade.family import Compared, Slice, Upgrade, compare
from pytest_mllm_judge.metrics.upgrade.reach import check_names, check_upgrade

__all__ = [
    "MAIN",
    "PROPERTIES",
    "Compared",
    "Comparison",
    "Slice",
    "Upgrade",
    "check_names",
    "check_upgrade",
    "compare",
    "comparisons",
]
