"""Two judges on the same items, against published values, enumeration and brute force."""

from __future__ import annotations

import math
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

from pytest_mllm_judge.statistics import effective_pairs, holm, mcnemar, paired_shares, tango
from tests.statistics.golden import TWO_SIDED_95
from tests.statistics.random_tables import FEW


def test_tango_s_interval_of_a_published_example() -> None:
    """1 win, 7 losses of 21 (airway hyper-responsiveness before and after transplantation).

    The interval: Fagerland, Lydersen & Laake 2014, Recommended tests and confidence intervals for paired
    binomial proportions, Statistics in Medicine 33. The table also in BMC Medical Research Methodology 13:91.
    """
    assert tango(1, 7, 21, confidence=TWO_SIDED_95) == pytest.approx((-0.5172, -0.0260), abs=5e-5)


def test_without_discordance_tango_s_bound_is_its_closed_form() -> None:
    """With b = c = 0 the score meets z at z^2 / (n + z^2), by hand from Tango's score (1998)."""
    z = stats.norm.ppf(0.95)
    low, high = tango(0, 0, 60)
    assert (low, high) == pytest.approx((-0.043147, 0.043147), abs=5e-7)
    assert (low, high) == pytest.approx((-z * z / (60 + z * z), z * z / (60 + z * z)), abs=1e-12)


@pytest.mark.parametrize(("margin", "items"), [(0.05, 52), (0.10, 25), (0.02, 133)])
def test_identical_judges_need_so_many_items_for_a_margin(margin: float, items: int) -> None:
    """The fewest n for which z^2 / (n + z^2) is within the margin, z = 1.6449."""
    right = [1.0] * items
    names = [str(i) for i in range(items)]
    enough, short = paired_shares(right, right, names), paired_shares(right[1:], right[1:], names[1:])
    assert enough.low is not None
    assert short.low is not None
    assert enough.low >= -margin > short.low


@pytest.mark.parametrize("confidence", [0.95, 0.975])
@pytest.mark.parametrize(
    ("wins", "losses", "n"),
    [(1, 7, 21), (0, 2, 30), (1, 0, 30), (4, 7, 30), (6, 6, 40), (10, 25, 60), (3, 9, 500), (12, 8, 20)],
)
def test_tango_s_bounds_are_where_the_brute_force_score_meets_z(
    wins: int, losses: int, n: int, confidence: float
) -> None:
    assert tango(wins, losses, n, confidence=confidence) == pytest.approx(
        brute_tango(wins, losses, n, confidence), abs=1e-6
    )


@FEW
@given(st.integers(0, 12), st.integers(0, 12), st.integers(1, 60), st.sampled_from([0.9, 0.95, 0.995]))
def test_tango_s_bounds_are_those_of_brute_force_on_any_table(
    wins: int, losses: int, same: int, confidence: float
) -> None:
    n = wins + losses + same
    expected = brute_tango(wins, losses, n, confidence)
    assert tango(wins, losses, n, confidence=confidence) == pytest.approx(expected, abs=1e-6)


def brute_tango(wins: int, losses: int, n: int, confidence: float) -> tuple[float, float]:
    """The score interval (Tango 1998) with no algebra: P(loss) by maximising the likelihood itself."""
    z = float(stats.norm.ppf(confidence))
    difference = (wins - losses) / n

    def beyond(at: float) -> float:
        return abs(_score(wins, losses, n, at)) - z

    edge = 1 - 1e-9
    return (
        float(optimize.brentq(beyond, -edge, difference - 1e-9, xtol=1e-12)),
        float(optimize.brentq(beyond, difference + 1e-9, edge, xtol=1e-12)),
    )


def _score(wins: int, losses: int, n: int, difference: float) -> float:
    """The score statistic of a difference, its variance at the restricted maximum."""
    same = n - wins - losses

    def unlikely(loss: float) -> float:
        shares = np.maximum([loss + difference, loss, 1 - 2 * loss - difference], 0)
        return -float(special.xlogy([wins, losses, same], shares).sum())

    ends = (max(0.0, -difference), (1 - difference) / 2)
    inside = float(
        optimize.minimize_scalar(unlikely, bounds=ends, method="bounded", options={"xatol": 1e-13}).x
    )
    loss = min((inside, *ends), key=unlikely)
    spread = n * (2 * loss + difference * (1 - difference))
    return (wins - losses - n * difference) / math.sqrt(max(spread, 1e-300))


def test_mcnemar_s_mid_p_of_a_small_table() -> None:
    """7 wins, 1 loss: exact .0703125, mid-p .0390625.

    Airway hyper-responsiveness of 21 children, the example of Fagerland, Lydersen & Laake 2013, BMC Medical
    Research Methodology 13:91, and of its supplement on how to calculate the test.
    """
    exact = import_module("statsmodels.stats.contingency_tables").mcnemar([[0, 7], [1, 0]], exact=True)
    assert float(exact.pvalue) == pytest.approx(0.0703125, abs=1e-12)
    assert mcnemar(7, 1) == pytest.approx(0.0390625, abs=1e-12)
    assert mcnemar(1, 7) == mcnemar(7, 1)


def test_mcnemar_of_the_approval_ratings() -> None:
    """86 and 150 changed their minds (Agresti 1990, p. 350; R's example of mcnemar.test).

    The exact p of statsmodels 0.15.0 and of scipy's binomtest: 3.716e-05.
    """
    point = float(stats.binom.pmf(86, 236, 0.5))
    assert mcnemar(86, 150) + point == pytest.approx(3.716e-5, abs=5e-9)
    assert stats.binomtest(86, 236).pvalue == pytest.approx(mcnemar(86, 150) + point)


@pytest.mark.parametrize(("n", "share", "size"), [(100, 0.15, 0.046), (50, 0.06, 0.009)])
def test_mcnemar_s_mid_p_rejects_equal_judges_at_most_at_its_level(n: int, share: float, size: float) -> None:
    """Every table of n items summed by its chance, `share` of them discordant, neither judge better."""
    chances = stats.binom.pmf(np.arange(n + 1), n, share)
    rejected = sum(
        chances[changed]
        * sum(
            stats.binom.pmf(wins, changed, 0.5)
            for wins in range(changed + 1)
            if mcnemar(wins, changed - wins) <= 0.05
        )
        for changed in range(40)
    )
    assert rejected == pytest.approx(size, abs=5e-4)


def test_holm_of_a_worked_example() -> None:
    """By hand: .005 * 4, .01 * 3, .03 * 2, and .04 * 1 raised to the one before it (Holm 1979)."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@FEW
@given(
    st.lists(st.tuples(st.sampled_from([-1, 0, 0, 1]), st.integers(0, 12)), min_size=20, max_size=60).filter(
        lambda items: len({cluster for difference, cluster in items if difference}) >= 5
    )
)
def test_the_design_effect_is_that_of_statsmodels_cluster_robust_regression(
    items: list[tuple[int, int]],
) -> None:
    """OLS of the differences on a constant, cov_type="cluster" over its plain variance of a mean."""
    ols = import_module("statsmodels.regression.linear_model").OLS

    differences, clusters = (np.array(column, dtype=float) for column in zip(*items, strict=True))
    n = len(differences)
    fit = ols(differences, np.ones(n)).fit(cov_type="cluster", cov_kwds={"groups": clusters.astype(int)})
    robust, plain = float(fit.bse[0]) ** 2, float(differences.var()) / n
    names = [str(cluster) for cluster in clusters]
    expected = n if len(set(names)) == n or robust < 1e-12 else min(n, n * plain / robust)
    size = effective_pairs(list(differences), names)
    assert size == pytest.approx(expected, rel=1e-9)
    right = [float(d > 0) for d in differences], [float(d < 0) for d in differences]
    result = paired_shares(*right, names)
    wins, losses = int((differences > 0).sum()), int((differences < 0).sum())
    assert (result.low, result.high) == pytest.approx(
        tango(wins * size / n, losses * size / n, size), abs=1e-12
    )
