"""Our figures against other packages on random tables. These are slow to load, so each test loads its own."""

from __future__ import annotations

import warnings
from importlib import import_module

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy import stats

from pytest_mllm_judge.statistics import (
    accuracy_figure,
    alpha_figure,
    coincidence_sums,
    equivalence,
    f1_figure,
    holm,
    interval_of,
    kappa_figure,
    mcnemar,
    mean_figure,
    mean_sums,
    precision_figure,
    recall_figure,
    sensitivity_figure,
    spearman,
    spearman_figure,
    specificity_figure,
    tau_b,
    tau_b_figure,
)
from tests.statistics.random_tables import FEW, VARIED, Table, labels_of, value_of


@FEW
@given(VARIED)
def test_tables_as_scikit_learn_has_them(table: Table) -> None:
    from sklearn import metrics

    judge, human = labels_of(table)
    size = len(table)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [
            metrics.accuracy_score(human, judge),
            metrics.cohen_kappa_score(human, judge),
            metrics.cohen_kappa_score(human, judge, weights="linear", labels=range(size)),
            metrics.cohen_kappa_score(human, judge, weights="quadratic", labels=range(size)),
            metrics.f1_score(human, judge, average="macro", zero_division=0),
            metrics.precision_score(human, judge, average="macro", zero_division=0),
            metrics.recall_score(human, judge, average="macro", zero_division=0),
        ]
    figures = [
        accuracy_figure(size),
        kappa_figure(size),
        kappa_figure(size, weights="linear"),
        kappa_figure(size, weights="quadratic"),
        f1_figure(size),
        precision_figure(size),
        recall_figure(size),
    ]
    assert [value_of(figure, table) for figure in figures] == pytest.approx(expected, abs=1e-9)


@FEW
@given(VARIED)
def test_single_classes_as_scikit_learn_has_them(table: Table) -> None:
    from sklearn import metrics

    judge, human = labels_of(table)
    classes = sorted({*judge, *human})
    expected = metrics.precision_recall_fscore_support(human, judge, labels=classes, zero_division=np.nan)
    for place, label in enumerate(classes):
        for column, figure in enumerate((precision_figure, recall_figure, f1_figure)):
            ours = value_of(figure(len(table), label=label), table)
            assert ours == pytest.approx(expected[column][place], abs=1e-12, nan_ok=True)


@FEW
@given(nps.arrays(np.int64, (2, 2), elements=st.integers(1, 30)))
def test_sensitivity_and_specificity_of_two_labels(table: Table) -> None:
    (true_negatives, false_positives), (false_negatives, true_positives) = table
    assert value_of(sensitivity_figure(), table) == true_positives / (true_positives + false_negatives)
    assert value_of(specificity_figure(), table) == true_negatives / (true_negatives + false_positives)


@FEW
@given(VARIED)
def test_kappa_as_statsmodels_has_it(table: Table) -> None:
    cohens_kappa = import_module("statsmodels.stats.inter_rater").cohens_kappa

    size = len(table)
    for theirs, ours in ((None, "unweighted"), ("linear", "linear"), ("quadratic", "quadratic")):
        expected = cohens_kappa(table, wt=theirs, return_results=False)
        figure = kappa_figure(size, weights=ours)  # type: ignore[arg-type]
        assert value_of(figure, table) == pytest.approx(float(expected), abs=1e-9)


@FEW
@given(VARIED)
def test_rank_correlations_of_tables_as_scipy_has_them(table: Table) -> None:
    judge, human = labels_of(table)
    size = len(table)
    expected = stats.spearmanr(human, judge).statistic, stats.kendalltau(human, judge).statistic
    ours = value_of(spearman_figure(size, size), table), value_of(tau_b_figure(size, size), table)
    assert ours == pytest.approx(expected, abs=1e-9)


def test_rank_correlations_as_pingouin_has_them() -> None:
    pingouin = import_module("pingouin")
    random = np.random.default_rng(5)
    human = random.integers(1, 6, 80).astype(float)
    judge = np.clip(human + random.integers(-2, 3, 80), 1, 5)
    names = [str(place) for place in range(80)]
    for method, figure in (("spearman", spearman), ("kendall", tau_b)):
        expected = float(pingouin.corr(human, judge, method=method)["r"].iloc[0])
        assert figure(list(judge), list(human), names).value == pytest.approx(expected, abs=1e-9)


@FEW
@given(st.data())
def test_alpha_as_krippendorff_s_package_has_it(data: st.DataObject) -> None:
    krippendorff = import_module("krippendorff")

    raters, items = data.draw(st.integers(2, 4)), data.draw(st.integers(3, 15))
    value = st.one_of(st.integers(0, 3), st.none())
    row = st.lists(value, min_size=items, max_size=items)
    ratings = data.draw(st.lists(row, min_size=raters, max_size=raters))
    units = list(zip(*ratings, strict=True))
    paired = [[v for v in unit if v is not None] for unit in units]
    assume(len({v for unit in paired if len(unit) > 1 for v in unit}) > 1)
    sums = coincidence_sums(units, [str(i) for i in range(items)], labels=[0, 1, 2, 3])
    matrix = np.array([[np.nan if v is None else float(v) for v in row] for row in ratings])
    for level in ("nominal", "ordinal", "interval"):
        expected = krippendorff.alpha(matrix, value_domain=[0, 1, 2, 3], level_of_measurement=level)
        figure = alpha_figure(4, level=level)
        assert float(figure.value(sums.sum(axis=0))) == pytest.approx(expected, abs=1e-9)


@FEW
@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_lies_below_the_exact_test_by_half_a_point_probability(wins: int, losses: int) -> None:
    exact = import_module("statsmodels.stats.contingency_tables").mcnemar

    if wins == losses:
        assert mcnemar(wins, losses) == 1
        return
    expected = float(exact([[0, wins], [losses, 0]], exact=True).pvalue)
    point = float(stats.binom.pmf(min(wins, losses), wins + losses, 0.5))
    assert mcnemar(wins, losses) == pytest.approx(expected - point, abs=1e-12)


@FEW
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_as_statsmodels_has_it(p_values: list[float]) -> None:
    multipletests = import_module("statsmodels.stats.multitest").multipletests

    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


@FEW
@given(
    st.lists(st.floats(-1, 1), min_size=10, max_size=40).filter(lambda xs: np.ptp(xs) > 0.01),
    st.floats(0.02, 0.5),
)
def test_equivalence_as_statsmodels_two_one_sided_tests_have_it(values: list[float], margin: float) -> None:
    ttost_paired = import_module("statsmodels.stats.weightstats").ttost_paired

    sums = mean_sums(values, [str(i) for i in range(len(values))])
    figure = mean_figure((-1e9, 1e9))
    ours = equivalence(lambda level: interval_of(figure, sums, n=len(values), confidence=level), margin)
    assert ours is not None
    expected = ttost_paired(np.array(values), np.zeros(len(values)), -margin, margin)
    for p, theirs in ((ours.p_low, expected[1][1]), (ours.p_high, expected[2][1]), (ours.p, expected[0])):
        assert min(p, 0.5) == pytest.approx(min(float(theirs), 0.5), abs=1e-9)


@FEW
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 9)), min_size=25, max_size=40))
def test_scores_off_any_scale_are_ranked_anew_without_each_cluster(
    data: list[tuple[float, float, int]],
) -> None:
    x, y, clusters = (np.array(column) for column in zip(*data, strict=True))
    assume(len(set(x)) > 20 and len(set(y)) > 20 and len(set(clusters)) > 2)
    names = [str(cluster) for cluster in clusters]
    for ours, theirs in ((spearman, stats.spearmanr), (tau_b, stats.kendalltau)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            without = [theirs(x[clusters != c], y[clusters != c]).statistic for c in sorted(set(clusters))]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pytest_mllm_judge.statistics.ranks._MOST_CELLS", 0)  # as if no table held them
            result = ours(list(y), list(x), names)
        assert result.value == pytest.approx(theirs(x, y).statistic, abs=1e-9)
        if result.value is None or result.low is None:
            continue
        groups, at = len(without), np.arctanh(without)
        error = np.sqrt((groups - 1) / groups * ((at - at.mean()) ** 2).sum())
        reach = stats.t.ppf(0.95, groups - 1) * error
        centre = np.arctanh(result.value)
        assert (result.low, result.high) == pytest.approx((np.tanh(centre - reach), np.tanh(centre + reach)))
