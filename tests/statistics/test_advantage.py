"""The alternative annotator test on plain numbers: who is beaten, and with which bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, false_discovery_control, ttest_1samp

from pytest_mllm_judge.statistics import Places, Sample, interval_of
from pytest_mllm_judge.statistics.advantage import (
    FALSE_DISCOVERIES,
    MIN_ITEMS,
    advantage_figure,
    benjamini_yekutieli,
    counting,
    winning_rate,
)
from pytest_mllm_judge.statistics.jackknife import Array

SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(SHARES)
def test_corrected_p_values_are_scipy_s(p_values: list[float]) -> None:
    assert benjamini_yekutieli(p_values) == pytest.approx(
        false_discovery_control(p_values, method="by"), abs=1e-12
    )


def test_no_p_value_needs_no_correction_and_one_beyond_1_is_refused() -> None:
    assert benjamini_yekutieli([]) == []
    with pytest.raises(ValueError, match=r"^p values lie between 0 and 1, got \[0\.2, 1\.5\]$"):
        benjamini_yekutieli([0.2, 1.5])


def leads(*shares: tuple[float, float], n: int = 40, seed: int = 3) -> tuple[Array, Places]:
    """Leads of as many annotators, who alone are nearer, or farther, with these probabilities."""
    random = np.random.default_rng(seed)
    found = [random.choice([1.0, -1.0, 0.0], n, p=[won, lost, 1 - won - lost]) for won, lost in shares]
    return np.concatenate(found), np.repeat(np.arange(len(shares)), n)


def test_the_winning_rate_is_that_of_one_sided_t_tests_and_benjamini_and_yekutieli() -> None:
    lead, annotators = leads((0.1, 0.5), (0.3, 0.3), (0.2, 0.3), (0.6, 0.1))
    found = winning_rate(lead, annotators, np.tile(np.arange(40), 4), [40] * 4, epsilon=0.2)
    raw = [ttest_1samp(lead[annotators == j], 0.2, alternative="less").pvalue for j in range(4)]
    assert found.p == pytest.approx(tuple(false_discovery_control(raw, method="by")))
    assert found.beaten == sum(p <= FALSE_DISCOVERIES for p in found.p if p is not None)
    assert found.value == found.beaten / 4
    assert 0 < found.beaten < 4


def test_two_items_of_one_picture_are_no_two_independent_ones() -> None:
    lead, annotators = leads((0.1, 0.3))
    alone = winning_rate(lead, annotators, np.arange(40), [40], epsilon=0.1)
    twice = winning_rate(
        np.repeat(lead, 2), np.repeat(annotators, 2), np.repeat(np.arange(40), 2), [80], epsilon=0.1
    )
    assert twice.p == pytest.approx(alone.p)


def test_an_annotator_of_few_items_or_few_pictures_is_not_tested() -> None:
    lead, annotators = leads((0.1, 0.5), (0.1, 0.5), (0.1, 0.5))
    kept = np.concatenate([np.arange(40), np.arange(40, 69), np.arange(80, 120)])
    clusters = np.concatenate([np.arange(40), np.arange(29), np.arange(40) % 9])
    found = winning_rate(lead[kept], annotators[kept], clusters, [40, 29, 40], epsilon=0.15)
    assert [p is None for p in found.p] == [False, True, True]
    assert (found.tested, found.value) == (1, 1.0)
    nobody = winning_rate(lead[:20], annotators[:20], np.arange(20), [20], epsilon=0.15)
    assert (nobody.value, nobody.tested, nobody.beaten) == (None, 0, 0)


@pytest.mark.parametrize("lead", [0.0, -1.0])
def test_leads_all_alike_are_as_certain_as_a_share_unseen_allows(lead: float) -> None:
    """So large a share of other items, all won by the annotator, and none of 30 among them."""
    found = winning_rate(np.full(30, lead), np.zeros(30, int), np.arange(30), [30], epsilon=0.1)
    unseen = (0.1 - lead) / (1 - lead)
    assert found.p == pytest.approx((float(binom.pmf(0, 30, unseen)),))


def test_a_lead_that_is_always_epsilon_or_more_beats_nobody() -> None:
    found = winning_rate(np.ones(30), np.zeros(30, int), np.arange(30), [30], epsilon=0.1)
    assert (found.value, found.p) == (0.0, (1.0,))


def test_an_epsilon_of_1_or_more_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^epsilon is 0 or more and below 1, got 1\.5$"):
        winning_rate(np.ones(30), np.zeros(30, int), np.arange(30), [30], epsilon=1.5)


def test_those_with_30_items_count_and_where_nobody_has_them_all_do() -> None:
    assert counting([MIN_ITEMS, 2, 50, 0]) == [0, 2]
    assert counting([3, 0, MIN_ITEMS - 1]) == [0, 2]


def test_annotators_weigh_alike_however_many_items_each_has() -> None:
    figure = advantage_figure(np.array([10.0, 90.0]))
    assert figure(np.array([10.0, 45.0, 10.0, 90.0])) == pytest.approx((1.0 + 0.5) / 2)
    assert figure(np.array([0.0, 45.0, 0.0, 90.0])) == pytest.approx(0.5)


def test_a_judge_that_never_loses_is_not_certain_to_go_on_so() -> None:
    """20 pictures without a loss: up to 13.9 % of others may be unseen (1 - .05 ** (1 / 20))."""
    moments = np.tile([1.0, 1.0, 1.0, 1.0], (20, 1))
    sample = Sample(clusters=np.arange(20), slices=np.zeros(20, int), moments=moments)
    found = interval_of(advantage_figure(np.array([20.0, 20.0])), sample)
    assert (found.value, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.05 ** (1 / 20))


SETS = 400


def drawn(random: np.random.Generator, n: int) -> Array:
    """Who of 3 annotators on each of n items, two to a picture, does not beat a judge that is better."""
    easy = np.repeat(random.normal(0, 0.8, n // 2), 2)
    skill = np.array([[1.0], [1.0], [1.0], [2.2]])
    right = random.random((4, n)) < 1 / (1 + np.exp(-(skill + easy)))
    truth = random.integers(0, 3, n)
    labels = np.where(right, truth, random.integers(0, 3, (4, n)))
    people, judge = labels[:3], labels[3]
    own = (people[:, None] == people[None]).sum(axis=1) - 1
    ours = (people == judge).sum(axis=0) - (people == judge)
    return np.asarray(ours >= own, dtype=float)


def bounds(won: Array) -> tuple[float | None, float | None]:
    n = won.shape[1]
    moments = np.hstack([won.T, np.ones((n, 3))])
    sample = Sample(clusters=np.arange(n) // 2, slices=np.zeros(n, int), moments=moments)
    found = interval_of(advantage_figure(np.full(3, float(n))), sample)
    return found.low, found.high


def test_each_bound_is_wrong_in_a_twentieth_of_data_sets_at_most() -> None:
    """400 data sets of 100 items in pictures of two: within 3 standard errors (.011 each) of .05.

    On the plain scale the lower bound would be wrong in a tenth of them.
    """
    random = np.random.default_rng(11)
    truth = float(drawn(random, 400_000).mean())
    found = [bounds(drawn(random, 100)) for _ in range(SETS)]
    error = (0.05 * 0.95 / SETS) ** 0.5
    for wrong in (
        sum(low is not None and low > truth for low, _ in found),
        sum(high is not None and high < truth for _, high in found),
    ):
        assert wrong / SETS <= 0.05 + 3 * error
