"""More figures against other packages, or against their definitions written out with loops."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy import stats

from pytest_mllm_judge.statistics import (
    alpha_figure,
    coincidence_sums,
    gwet_figure,
    kappa_figure,
    pearson,
    spearman_figure,
    table_sums,
    tau_b_figure,
)
from pytest_mllm_judge.statistics.tables import Weights
from tests.statistics.random_tables import FEW, VARIED, Table, labels_of, value_of

STEPS = [0.0, 1.0, 1.5, 4.0, 10.0]
"""Points of a scale whose steps differ."""


@FEW
@given(VARIED)
def test_the_table_is_scikit_learn_s_confusion_matrix(table: Table) -> None:
    from sklearn import metrics

    judge, human = labels_of(table)
    names, labels = [str(i % 3) for i in range(len(judge))], list(range(len(table)))
    ours = table_sums(judge, human, names, labels=labels)
    assert len(ours) == len(set(names))
    expected = metrics.confusion_matrix(human, judge, labels=labels)
    assert ours.sum(axis=0).reshape(table.shape).tolist() == expected.tolist()


@FEW
@given(VARIED)
def test_kappa_of_uneven_steps_as_statsmodels_has_it(table: Table) -> None:
    cohens_kappa = import_module("statsmodels.stats.inter_rater").cohens_kappa

    points = STEPS[: len(table)]
    gaps = np.abs(np.subtract.outer(points, points))
    kinds: list[tuple[Weights, np.ndarray[tuple[int, int], np.dtype[np.float64]]]] = [
        ("linear", gaps),
        ("quadratic", gaps**2),
    ]
    for weights, matrix in kinds:
        figure = kappa_figure(len(table), weights=weights, points=points)
        by_scores = cohens_kappa(table, weights=np.array(points), wt=weights, return_results=False)
        by_matrix = cohens_kappa(table, weights=matrix / matrix.max(), return_results=False)
        assert value_of(figure, table) == pytest.approx(float(by_scores), abs=1e-9)
        assert value_of(figure, table) == pytest.approx(float(by_matrix), abs=1e-9)


@FEW
@given(VARIED)
def test_quadratic_kappa_is_lin_s_concordance(table: Table) -> None:
    """2 cov / (var + var + (mean - mean)^2) with variances over n (Lin 1989)."""
    judge, human = (np.array(labels, dtype=float) for labels in labels_of(table))
    together = ((judge - judge.mean()) * (human - human.mean())).mean()
    expected = 2 * together / (judge.var() + human.var() + (judge.mean() - human.mean()) ** 2)
    figure = kappa_figure(len(table), weights="quadratic")
    assert value_of(figure, table) == pytest.approx(float(expected), abs=1e-9)


@FEW
@given(VARIED)
def test_gwet_s_coefficients_are_their_definition(table: Table) -> None:
    """Weighted chance T / (K (K - 1)) * sum of pi (1 - pi), T the sum of weights (Gwet 2008)."""
    size, n = len(table), table.sum()
    kinds: list[Weights] = ["unweighted", "linear", "quadratic"]
    for weights in kinds:
        agreed = total = 0.0
        for row in range(size):
            for column in range(size):
                power = {"unweighted": 0, "linear": 1, "quadratic": 2}[weights]
                apart = (abs(row - column) / (size - 1)) ** power if row != column else 0.0
                agreed += (1 - apart) * table[row, column] / n
                total += 1 - apart
        shares = [(table[k].sum() + table[:, k].sum()) / (2 * n) for k in range(size)]
        chance = total / (size * (size - 1)) * sum(share * (1 - share) for share in shares)
        expected = (agreed - chance) / (1 - chance)
        assert value_of(gwet_figure(size, weights=weights), table) == pytest.approx(expected, abs=1e-9)


@FEW
@given(st.data())
def test_alpha_of_uneven_steps_as_krippendorff_s_package_has_it(data: st.DataObject) -> None:
    krippendorff = import_module("krippendorff")

    items = data.draw(st.integers(3, 15))
    row = st.lists(st.sampled_from([*STEPS, None]), min_size=items, max_size=items)
    ratings = data.draw(st.lists(row, min_size=2, max_size=4))
    units = list(zip(*ratings, strict=True))
    paired = [[v for v in unit if v is not None] for unit in units]
    assume(len({v for unit in paired if len(unit) > 1 for v in unit}) > 1)
    sums = coincidence_sums(units, [str(i) for i in range(items)], labels=STEPS)
    matrix = np.array([[np.nan if v is None else v for v in row] for row in ratings])
    expected = krippendorff.alpha(matrix, value_domain=STEPS, level_of_measurement="interval")
    figure = alpha_figure(len(STEPS), level="interval", points=STEPS)
    assert float(figure.value(sums.sum(axis=0))) == pytest.approx(expected, abs=1e-9)


@FEW
@given(
    st.tuples(st.integers(2, 5), st.integers(2, 5))
    .flatmap(lambda shape: nps.arrays(np.int64, shape, elements=st.integers(0, 6)))
    .filter(lambda table: (table.sum(0) > 0).sum() > 1 and (table.sum(1) > 0).sum() > 1)
)
def test_rank_correlations_of_oblong_tables_as_scipy_has_them(table: Table) -> None:
    judge, human = labels_of(table)
    expected = stats.spearmanr(human, judge).statistic, stats.kendalltau(human, judge).statistic
    rows, columns = table.shape
    ours = value_of(spearman_figure(rows, columns), table), value_of(tau_b_figure(rows, columns), table)
    assert ours == pytest.approx(expected, abs=1e-9)


@FEW
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(-50, 50)), min_size=5, max_size=40))
def test_pearson_as_scipy_has_it(scores: list[tuple[float, float]]) -> None:
    human, judge = (np.array(column) for column in zip(*scores, strict=True))
    assume(human.std() > 0.1 and judge.std() > 0.1)
    result = pearson(list(judge), list(human), [str(i) for i in range(len(human))])
    assert result.value == pytest.approx(float(stats.pearsonr(human, judge).statistic), abs=1e-9)


def test_pearson_as_pingouin_has_it() -> None:
    pingouin = import_module("pingouin")
    random = np.random.default_rng(6)
    human = random.integers(1, 6, 80).astype(float)
    judge = np.clip(human + random.integers(-2, 3, 80), 1, 5)
    expected = float(pingouin.corr(human, judge, method="pearson")["r"].iloc[0])
    result = pearson(list(judge), list(human), [str(place) for place in range(80)])
    assert result.value == pytest.approx(expected, abs=1e-9)


def test_pearson_of_scores_far_from_zero_keeps_its_digits() -> None:
    random = np.random.default_rng(7)
    human, judge, names = random.random(50), random.random(50), [str(place) for place in range(50)]
    near = pearson(list(judge), list(human), names)
    far = pearson(list(judge + 1e8), list(human + 1e8), names)
    assert (far.value, far.low, far.high) == pytest.approx((near.value, near.low, near.high), abs=1e-6)
