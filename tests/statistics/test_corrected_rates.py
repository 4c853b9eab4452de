"""Means and pass rates corrected by human labels."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge.statistics import error_corrected, ppi_mean
from pytest_mllm_judge.statistics.corrected import pass_rate_figure
from tests.statistics.golden import TWO_SIDED_95

HUMAN = [float(k % 3 == 0) for k in range(40)]
JUDGE = [float(k % 3 == 0 or k % 7 == 0) for k in range(40)]
OTHERS = [float(k % 5 < 2) for k in range(150)]


def test_lee_s_interval_of_a_corrected_pass_rate() -> None:
    """p .4, q0 .7, q1 .9, n 1000, 200 calibration items of each kind: .1667 [.0564, .2627].

    By the code that goes with Lee et al. 2025, arXiv 2511.21140.
    """
    result = error_corrected(
        400,
        1000,
        true_negatives=140,
        negatives=200,
        true_positives=180,
        positives=200,
        confidence=TWO_SIDED_95,
    )
    assert result.value == pytest.approx(0.1667, abs=5e-5)
    assert (result.low, result.high) == pytest.approx((0.0564, 0.2627), abs=5e-5)


def test_a_judge_no_better_than_a_coin_corrects_nothing() -> None:
    result = error_corrected(5, 10, true_negatives=5, negatives=10, true_positives=5, positives=10)
    assert (result.value, result.low, result.high) == (None, None, None)
    assert (
        result.reason == "the judge's calls tell no pass from a fail: specificity + sensitivity is at most 1"
    )


def test_a_pass_rate_below_the_judge_s_own_errors_has_no_interval_of_width_nothing() -> None:
    result = error_corrected(0, 1000, true_negatives=600, negatives=1000, true_positives=900, positives=1000)
    assert (result.value, result.low) == (0, None)
    assert result.reason == "the judge passes a share that its errors can't explain"


def test_impossible_counts_are_named() -> None:
    with pytest.raises(ValueError) as caught:
        error_corrected(11, 10, true_negatives=5, negatives=10, true_positives=5, positives=10)
    assert str(caught.value) == "need counts of 0 to n, and n of 1 or more, got 11 of 10"


def test_untuned_ppi_is_the_judge_s_mean_less_its_mean_error() -> None:
    result = ppi_mean(JUDGE, HUMAN, OTHERS, tuned=False)
    error = sum(h - j for h, j in zip(HUMAN, JUDGE, strict=True)) / 40
    assert result.value == pytest.approx(sum(OTHERS) / 150 + error)


@pytest.mark.parametrize(
    ("tuned", "value", "low", "high"),
    [
        (False, 0.3000000000, 0.1783874330, 0.4216125670),
        (True, 0.3187650240, 0.2166617161, 0.4208683320),
    ],
)
def test_ppi_as_the_authors_package_has_it(tuned: bool, value: float, low: float, high: float) -> None:
    """ppi-python 0.2.3, ppi_mean_pointestimate and ppi_mean_ci(alpha=.05) on the same lists.

    It divides variances by n and takes normal quantiles, we n - 1 and t(39): hence the tolerances.
    """
    result = ppi_mean(JUDGE, HUMAN, OTHERS, tuned=tuned, confidence=TWO_SIDED_95)
    assert result.low is not None
    assert result.high is not None
    assert result.value == pytest.approx(value, abs=3e-3 if tuned else 1e-12)
    theirs = (high - low) * math.sqrt(40 / 39) * 2.0226909 / 1.9599640
    assert result.high - result.low == pytest.approx(theirs, rel=0.02)


def test_ppi_is_that_of_the_authors_package_but_for_its_variances_and_quantile() -> None:
    """ppi-python 0.2.3 with lam=1 and with its own lam, as many items without labels as with (40).

    Then dividing variances by n - 1 widens the interval, and moves the tuned weight, by known factors.
    """
    others = OTHERS[:40]
    plain = ppi_mean(JUDGE, HUMAN, others, tuned=False, confidence=TWO_SIDED_95)
    half = (0.4780225695543308 - 0.12197743044566928) / 2
    reach = half * math.sqrt(40 / 39) * float(stats.t.ppf(0.975, 39) / stats.norm.ppf(0.975))
    assert (plain.value, plain.low, plain.high) == pytest.approx((0.3, 0.3 - reach, 0.3 + reach), abs=1e-9)
    tuned, mean = ppi_mean(JUDGE, HUMAN, others), sum(HUMAN) / 40
    assert tuned.value == pytest.approx(mean + 40 / 39 * (0.33055306905370846 - mean), abs=1e-9)


def test_a_judge_without_error_on_labelled_items_is_not_trusted_on_the_others() -> None:
    result = ppi_mean(HUMAN, HUMAN, OTHERS)
    assert result.value == pytest.approx(sum(HUMAN) / 40)
    alone = ppi_mean(HUMAN, HUMAN, OTHERS, tuned=False)
    assert (alone.low, alone.reason) == (
        None,
        "no spread at all: the labelled items leave nothing to correct by",
    )


def test_clusters_widen_a_corrected_mean() -> None:
    pairs = [str(place // 2) for place in range(40)]
    doubled = [HUMAN[place // 2] for place in range(40)], [JUDGE[place // 2] for place in range(40)]
    together = ppi_mean(doubled[1], doubled[0], OTHERS, clusters=pairs)
    alone = ppi_mean(doubled[1], doubled[0], OTHERS)
    assert together.low is not None
    assert alone.low is not None
    assert together.low < alone.low


def test_unpaired_labels_are_an_error() -> None:
    with pytest.raises(ValueError) as caught:
        ppi_mean([1.0, 2.0], [1.0], [1.0, 2.0])
    assert str(caught.value) == "2 verdicts and 1 human labels: not paired"


def test_a_judge_that_runs_against_the_humans_counts_for_nothing() -> None:
    against = [1 - label for label in HUMAN]
    against[0] = HUMAN[0]  # not on one line with the labels
    assert ppi_mean(against, HUMAN, OTHERS).value == pytest.approx(sum(HUMAN) / 40)


def test_few_labelled_items_decide_nothing_however_many_the_others_are() -> None:
    result = ppi_mean(JUDGE[:9], HUMAN[:9], OTHERS, tuned=False)
    assert (result.n, result.clusters) == (159, 159)
    assert result.reason == "9 independent cluster(s), fewer than 10"
    pairs = [str(place // 2) for place in range(150)]
    assert ppi_mean(JUDGE, HUMAN, OTHERS, unlabelled_clusters=pairs).clusters == 40 + 75


def test_clusters_of_another_length_are_an_error() -> None:
    with pytest.raises(ValueError) as caught:
        ppi_mean(JUDGE, HUMAN, OTHERS, clusters=["a"])
    assert str(caught.value) == "40 values but 1 clusters"


def test_a_rate_of_little_calibration_is_that_of_no_judge_after_smoothing() -> None:
    """1 of 1 and 1 of 100: 1.01 together as they are, 2/3 + 2/102 with Lee's two added items each."""
    result = error_corrected(5, 10, true_negatives=1, negatives=1, true_positives=1, positives=100)
    assert (result.value, result.low) == (None, None)


@given(st.data())
def test_a_corrected_pass_rate_lies_in_its_interval(data: st.DataObject) -> None:
    counts = [data.draw(st.integers(1, 40)) for _ in range(3)]
    rights = [data.draw(st.integers(0, of)) for of in counts]
    result = error_corrected(
        rights[0],
        counts[0],
        true_negatives=rights[1],
        negatives=counts[1],
        true_positives=rights[2],
        positives=counts[2],
    )
    if result.value is None or result.low is None or result.high is None:
        assert result.reason
    else:
        assert 0 <= result.low <= result.value <= result.high <= 1
        assert result.low < result.high


def test_of_few_items_the_corrected_rate_stays_a_rate() -> None:
    """Every table of 10 items with a label and 20 without."""
    tables = np.array(
        [
            [a, b, c, 10 - a - b - c, d, 20 - d]
            for a, b, c, d in product(range(11), range(11), range(11), range(21))
            if a + b + c <= 10
        ],
        dtype=float,
    )
    values = pass_rate_figure().value(tables)
    known = values[~np.isnan(values)]
    assert len(known) > 1000
    assert ((known >= 0) & (known <= 1)).all()
    assert (known == 1).any()
