"""Intervals against other packages, and the jackknife against leaving out each cluster with a loop."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge.statistics import (
    Figure,
    Interval,
    alpha_figure,
    clopper_pearson,
    coincidence_sums,
    effective_n,
    f1_figure,
    interval_of,
    jackknife,
    kappa_figure,
    mean_figure,
    mean_sums,
    p_above,
    paired_difference,
    pearson,
    ppi_mean,
    spearman,
    table_sums,
    tau_b,
    wilson,
)
from pytest_mllm_judge.statistics.ranks import fits_table
from tests.statistics.golden import SUMS
from tests.statistics.random_tables import FEW

Numbers = npt.NDArray[np.float64]
Theirs = Callable[[Numbers, Numbers], float]
SCORED = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 14)),
    min_size=25,
    max_size=60,
)


def kappa(human: Numbers, judge: Numbers) -> float:
    """Quadratic kappa as 1 - observed / expected squared gap, over items and over all pairs of items."""
    by_chance = float((np.subtract.outer(human, judge) ** 2).mean())
    return 1 - float(((human - judge) ** 2).mean()) / by_chance if by_chance else np.nan


def macro_f1(human: Numbers, judge: Numbers) -> float:
    given = np.union1d(human, judge)
    return float(
        np.mean(
            [
                2 * ((human == k) & (judge == k)).sum() / ((human == k).sum() + (judge == k).sum())
                for k in given
            ]
        )
    )


def alpha(human: Numbers, judge: Numbers) -> float:
    both = np.stack([human, judge]).astype(float)
    ordinal = {"level_of_measurement": "ordinal", "value_domain": [0, 1, 2, 3]}
    return float(import_module("krippendorff").alpha(both, **ordinal))


def by_loop(values: Sequence[float], value: float, *, arctanh: bool) -> tuple[float, float]:
    """The jackknife-t interval at 95 %, one-sided, of values that leave out each cluster in turn."""
    groups = len(values)
    at, centre = (np.arctanh(values), np.arctanh(value)) if arctanh else (np.array(values), value)
    error = np.sqrt((groups - 1) / groups * ((at - at.mean()) ** 2).sum())
    reach = stats.t.ppf(0.95, groups - 1) * error
    low, high = centre - reach, centre + reach
    return (float(np.tanh(low)), float(np.tanh(high))) if arctanh else (float(low), float(high))


def without_each(theirs: Theirs, human: Numbers, judge: Numbers, clusters: Numbers) -> list[float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [theirs(human[clusters != c], judge[clusters != c]) for c in np.unique(clusters)]


@pytest.mark.parametrize(
    ("figure", "theirs"),
    [(kappa_figure(4, weights="quadratic"), kappa), (replace(f1_figure(4), bounds_of=None), macro_f1)],
    ids=["kappa", "f1"],
)
@FEW
@given(SCORED)
def test_the_interval_is_the_loop_over_definitions(
    figure: Figure, theirs: Theirs, items: list[tuple[int, ...]]
) -> None:
    human, judge, _, clusters = (np.array(column) for column in zip(*items, strict=True))
    each = without_each(theirs, human, judge, clusters)
    value = theirs(human, judge)
    assume(np.isfinite(each).all() and np.ptp(each) > 1e-6 and max(map(abs, [value, *each])) < 0.999)
    sums = table_sums(list(judge), list(human), [str(c) for c in clusters], labels=[0, 1, 2, 3])
    result = interval_of(figure, sums, n=len(items))
    assert result.value == pytest.approx(value)
    low, high = by_loop(each, value, arctanh=figure.scale == "arctanh")
    least, most = figure.bounds
    assert (result.low, result.high) == pytest.approx((max(low, least), min(high, most)), abs=1e-9)
    assert result.clusters == len(each)


@FEW
@given(SCORED)
def test_the_interval_of_alpha_is_the_loop_over_krippendorff_s_package(items: list[tuple[int, ...]]) -> None:
    human, judge, _, clusters = (np.array(column) for column in zip(*items, strict=True))
    assume(len(set(human)) > 1 and len(set(judge)) > 1 and len(set(clusters)) > 3)
    each, value = without_each(alpha, human, judge, clusters), alpha(human, judge)
    assume(np.isfinite(each).all() and np.ptp(each) > 1e-6 and max(map(abs, [value, *each])) < 0.999)
    units = [[int(h), int(j)] for h, j in zip(human, judge, strict=True)]
    sums = coincidence_sums(units, [str(c) for c in clusters], labels=[0, 1, 2, 3])
    result = interval_of(alpha_figure(4, level="ordinal"), sums, n=len(items))
    assert (result.low, result.high) == pytest.approx(by_loop(each, value, arctanh=True), abs=1e-9)


@FEW
@given(SCORED)
def test_the_interval_of_pearson_is_the_loop_over_numpy(items: list[tuple[int, ...]]) -> None:
    human, judge, _, clusters = (np.array(column, dtype=float) for column in zip(*items, strict=True))
    assume(len(set(clusters)) > 3)

    def r(x: Numbers, y: Numbers) -> float:
        return float(np.corrcoef(x, y)[0, 1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        each, value = without_each(r, human, judge, clusters), r(human, judge)
    assume(
        np.isfinite([value, *each]).all() and np.ptp(each) > 1e-6 and max(map(abs, [value, *each])) < 0.999
    )
    result = pearson(list(judge), list(human), [str(c) for c in clusters])
    assert (result.low, result.high) == pytest.approx(by_loop(each, value, arctanh=True), abs=1e-9)


@pytest.mark.parametrize(("ours", "theirs"), [(spearman, stats.spearmanr), (tau_b, stats.kendalltau)])
def test_the_interval_of_ranks_off_any_scale_is_the_loop_over_scipy(
    ours: Callable[..., Interval], theirs: Callable[..., Any]
) -> None:
    random = np.random.default_rng(4)
    n = 260  # more distinct scores than the widest table holds, a few of them twice
    human, clusters = random.random(n).round(3), random.integers(0, 20, n).astype(float)
    judge = human + random.normal(0, 0.3, n).round(3) + clusters / 40
    assert not fits_table(len(set(human)), len(set(judge)))
    assert len(set(human)) < n

    def statistic(x: Numbers, y: Numbers) -> float:
        return float(theirs(x, y).statistic)

    each, value = without_each(statistic, human, judge, clusters), statistic(human, judge)
    result = ours(list(judge), list(human), [str(c) for c in clusters])
    assert result.value == pytest.approx(value, abs=1e-12)
    assert (result.low, result.high) == pytest.approx(by_loop(each, value, arctanh=True), abs=1e-9)


@FEW
@given(SCORED)
def test_the_interval_of_a_difference_is_the_loop_over_both_judges(items: list[tuple[int, ...]]) -> None:
    human, first, second, clusters = (np.array(column) for column in zip(*items, strict=True))
    changed = int((first != second).sum())
    one, other = (without_each(kappa, human, judge, clusters) for judge in (first, second))
    value = kappa(human, first) - kappa(human, second)
    each = np.subtract(one, other)
    assume(changed >= 5 and np.isfinite(each).all() and np.ptp(each) > 1e-6)
    names = [str(c) for c in clusters]
    both = [table_sums(list(judge), list(human), names, labels=[0, 1, 2, 3]) for judge in (first, second)]
    figure = kappa_figure(4, weights="quadratic")
    result = paired_difference(figure, *both, n=len(items), discordant=changed)
    assert result.value == pytest.approx(value, abs=1e-9)
    low, high = by_loop(list(each), value, arctanh=False)
    assert (result.low, result.high) == pytest.approx((max(low, -2), min(high, 2)), abs=1e-9)


@FEW
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=10, max_size=40).filter(
        lambda pairs: np.ptp([a - b for a, b in pairs]) > 0.01 and sum(a != b for a, b in pairs) >= 5
    ),
    st.floats(0.02, 0.5),
)
def test_paired_non_inferiority_of_means_as_statsmodels_and_scipy_have_it(
    pairs: list[tuple[float, float]], margin: float
) -> None:
    """ttost_paired's lower test, ttest_rel's interval."""
    ttost_paired = import_module("statsmodels.stats.weightstats").ttost_paired

    first, second = (np.array(column) for column in zip(*pairs, strict=True))
    names = [str(place) for place in range(len(pairs))]
    sums = mean_sums(list(first), names), mean_sums(list(second), names)
    changed = int((first != second).sum())

    def at(level: float) -> Interval:
        return paired_difference(
            mean_figure((0, 1)), *sums, n=len(pairs), discordant=changed, confidence=level
        )

    expected = stats.ttest_rel(first, second).confidence_interval(0.9)
    bounds = max(-1.0, expected.low), min(1.0, expected.high)
    assert (at(0.95).low, at(0.95).high) == pytest.approx(bounds, abs=1e-9)
    p = p_above(at, -margin)
    assert p is not None
    theirs = float(ttost_paired(first, second, -margin, 1e9)[1][1])
    assert min(p, 0.5) == pytest.approx(min(theirs, 0.5), abs=1e-9)


@FEW
@given(st.integers(1, 120).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.8, 0.995))
def test_shares_as_statsmodels_has_them(count: tuple[int, int], confidence: float) -> None:
    proportion_confint = import_module("statsmodels.stats.proportion").proportion_confint

    hits, n = count
    given_hits, names = [True] * hits + [False] * (n - hits), [str(i) for i in range(n)]
    for ours, theirs in ((wilson, "wilson"), (clopper_pearson, "beta")):
        expected = proportion_confint(hits, n, alpha=2 * (1 - confidence), method=theirs)
        result = ours(given_hits, names, confidence=confidence)
        assert (result.low, result.high) == pytest.approx(expected, abs=1e-9)


def robust(values: Numbers, clusters: Numbers) -> float:
    """The cluster-robust standard error of a mean: statsmodels' OLS on a constant."""
    ols = import_module("statsmodels.regression.linear_model").OLS
    fit = ols(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": clusters.astype(int)})
    return float(fit.bse[0])


@FEW
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 14)), min_size=30, max_size=80))
def test_the_effective_n_is_that_of_statsmodels_cluster_robust_regression(
    items: list[tuple[bool, int]],
) -> None:
    hits, clusters = (np.array(column, dtype=float) for column in zip(*items, strict=True))
    share, n = float(hits.mean()), len(hits)
    rare = hits if share <= 0.5 else 1 - hits
    assume(len(set(clusters[rare > 0])) >= 5)
    error = robust(hits, clusters)
    assume(error > 1e-6)
    names = [str(c) for c in clusters]
    assert effective_n(list(hits > 0), names) == pytest.approx(min(n, share * (1 - share) / error**2))


def test_a_corrected_mean_of_clusters_by_statsmodels_cluster_robust_regression() -> None:
    random = np.random.default_rng(8)
    human, judge, rest = random.random(60), random.random(60), random.random(90)
    clusters, others = random.integers(0, 20, 60).astype(float), random.integers(0, 30, 90).astype(float)
    result = ppi_mean(
        list(judge),
        list(human),
        list(rest),
        clusters=[str(c) for c in clusters],
        unlabelled_clusters=[str(c) for c in others],
        tuned=False,
    )
    error = np.hypot(robust(human - judge, clusters), robust(rest, others))
    value = rest.mean() + (human - judge).mean()
    reach = stats.t.ppf(0.95, len(set(clusters)) - 1) * error
    assert (result.value, result.low, result.high) == pytest.approx((value, value - reach, value + reach))


@pytest.mark.parametrize(
    ("weights", "error"), [("unweighted", 0.0649042216), ("quadratic", 0.0703747566)], ids=str
)
def test_the_jackknife_s_error_lies_near_the_asymptotic_one(weights: str, error: float) -> None:
    """Fleiss, Cohen & Everitt 1969 as statsmodels 0.15.0 has it; the asymptotic one is a little too small."""
    figure = kappa_figure(3, weights=weights)  # type: ignore[arg-type]
    result = jackknife(SUMS, figure.value, n=100)
    assert result.high is not None
    assert result.value is not None
    ours = (result.high - result.value) / stats.t.ppf(0.95, 99)
    assert error < ours < 1.05 * error
