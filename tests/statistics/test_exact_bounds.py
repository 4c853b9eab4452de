"""Bounds where (nearly) all clusters agree, by hand from the exact share that may differ unseen."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from pytest_mllm_judge.statistics import (
    Figure,
    Interval,
    alpha_figure,
    clopper_pearson,
    coincidence_sums,
    effective_n,
    effective_pairs,
    interval_of,
    kappa_figure,
    mean_figure,
    mean_interval,
    mean_sums,
    paired_difference,
    paired_shares,
    spearman,
    spearman_figure,
    table_sums,
    tango,
    tau_b,
    tau_b_figure,
)
from pytest_mllm_judge.statistics.jackknife import Array


def unseen(differing: int, clusters: int) -> float:
    """Scipy's one-sided exact upper bound (Clopper & Pearson 1934)."""
    return float(stats.binomtest(differing, clusters, alternative="less").proportion_ci(0.95).high)


def names(count: int) -> list[str]:
    return [str(place) for place in range(count)]


def test_alpha_of_a_perfect_judge_moves_the_unseen_share_to_pairs_that_differ() -> None:
    """Two labels, half of 2 n values each: 1 - (N - 1) u N / (N^2 / 2) with N = 2 n."""
    labels = [0, 1] * 40
    sums = coincidence_sums(list(zip(labels, labels, strict=True)), names(80), labels=[0, 1])
    result = interval_of(alpha_figure(2, level="nominal"), sums, n=80)
    assert (result.value, result.high) == (1.0, 1.0)
    assert result.low == pytest.approx(1 - 2 * unseen(0, 80) * 159 / 160)


def test_alpha_of_one_error_takes_the_unseen_share_for_one() -> None:
    human = [0, 1] * 40
    judge = [1, *human[1:]]
    sums = coincidence_sums(list(zip(judge, human, strict=True)), names(80), labels=[0, 1])
    figure = alpha_figure(2, level="nominal")
    result = interval_of(figure, sums, n=80)
    assert result.method == "nearly all alike, exact"
    both = np.array([[1, 0, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0, 1]])  # a pair that differs counts both ways
    expected = lowest(figure.value, sums.sum(axis=0), unseen(1, 80), corners=both)
    assert result.low == pytest.approx(expected)


def lowest(value: Callable[[Array], Array], total: Array, share: float, *, corners: Array) -> float:
    """The lowest figure with a share of everything at one corner."""
    return min(float(value((1 - share) * total + share * total.sum() * corner)) for corner in corners)


def test_kappa_of_one_error_takes_the_unseen_share_for_one() -> None:
    human = [place % 4 for place in range(150)]
    judge = [1, *human[1:]]
    sums = table_sums(judge, human, names(150), labels=[0, 1, 2, 3])
    figure = kappa_figure(4)
    result = interval_of(figure, sums, n=150)
    assert result.method == "nearly all alike, exact"
    assert result.low == pytest.approx(
        lowest(figure.value, sums.sum(axis=0), unseen(1, 150), corners=np.eye(16))
    )


@pytest.mark.parametrize(
    ("ours", "figure"), [(spearman, spearman_figure(5, 5)), (tau_b, tau_b_figure(5, 5))], ids=["rho", "tau"]
)
def test_ranks_know_agreement_where_one_side_uses_more_of_the_scale(
    ours: Callable[..., Interval], figure: Figure
) -> None:
    """One verdict of 5 where humans gave 4 and no item is a 5: without it the rest is perfect."""
    human = [1, 2, 3, 4] * 25
    judge = [*human[:-1], 5]
    result = ours(judge, human, names(100))
    assert (result.method, result.reason) == ("nearly all alike, exact", "")
    total = table_sums(judge, human, names(100), labels=[1, 2, 3, 4, 5]).sum(axis=0)
    assert result.low == pytest.approx(lowest(figure.value, total, unseen(1, 100), corners=np.eye(25)))


def test_a_mean_of_equal_values_may_fall_to_a_bound_in_the_unseen_share() -> None:
    share = unseen(0, 30)
    for result in (
        mean_interval([4.0] * 30, names(30), bounds=(1, 5)),
        interval_of(mean_figure((1, 5)), mean_sums([4.0] * 30, names(30)), n=30),
    ):
        assert (result.low, result.high) == pytest.approx((4 - 3 * share, 4 + share))


def test_equal_values_in_two_groups_have_both_groups_shares_at_once() -> None:
    """30 and 10 items of 1: the mean of two shares at 1 - .05 / 2 each, 1 - .025^(1/n)."""
    groups = ["a"] * 30 + ["b"] * 10
    result = mean_interval([1.0] * 40, names(40), bounds=(0, 1), groups=groups)
    expected = (0.025 ** (1 / 30) + 0.025 ** (1 / 10)) / 2
    assert (result.low, result.high) == pytest.approx((expected, 1.0))


def test_judges_that_differ_alike_everywhere_may_each_lie_elsewhere_unseen() -> None:
    first, second = mean_sums([3.0] * 40, names(40)), mean_sums([2.0] * 40, names(40))
    result = paired_difference(mean_figure((1, 5)), first, second, n=40, discordant=40)
    share = unseen(0, 40)
    assert (result.low, result.high) == pytest.approx((1 - (2 + 3) * share, 1 + (2 + 1) * share))


def test_a_rate_of_clusters_has_the_exact_bounds_of_its_effective_n() -> None:
    hits = [cluster % 3 == 0 for cluster in range(30) for _ in range(4)]
    clusters = [str(cluster) for cluster in range(30) for _ in range(4)]
    size = effective_n(hits, clusters)
    assert size == pytest.approx(29)  # whole clusters: as many as there are, less one
    result = clopper_pearson(hits, clusters)
    events = size / 3
    assert result.high == pytest.approx(stats.beta.ppf(0.95, events + 1, size - events))
    assert result.low == pytest.approx(stats.beta.ppf(0.05, events, size - events + 1))


def test_few_differing_clusters_do_not_vouch_for_the_pairs_in_them() -> None:
    """Four clusters hold a difference: too few to know a design effect, no cluster counts more than once."""
    differences = [0.0] * 120
    for place, sign in ((0, 1.0), (30, -1.0), (60, 1.0), (90, -1.0)):
        differences[place] = sign
    clusters = [str(place // 5) for place in range(120)]
    assert effective_pairs(differences, clusters) == 24
    differences[110] = 1.0
    assert effective_pairs(differences, clusters) > 100


def test_half_a_pseudo_pair_moves_the_centre_by_hand() -> None:
    """Differences 1/2 and nine 0: centre .5 / 11, residuals about it, the pair's 1 + centre^2, t(9)."""
    first, second = [1.0, *[0.5] * 9], [0.5] * 10
    result = paired_shares(first, second, names(10))
    centre = 0.5 / 11
    squares = (0.5 - centre) ** 2 + 9 * centre**2 + 1 + centre**2
    reach = 1.8331129 * (squares * 11 / 10) ** 0.5 / 11
    assert (result.low, result.high) == pytest.approx((centre - reach, centre + reach))
    assert result.value == 0.05


def test_with_few_discordant_items_the_wider_of_tango_and_the_jackknife_decides() -> None:
    """Where one label is rare four items move kappa by far more than 4 / n."""
    human = [0] * 96 + [1] * 4
    worse = [0] * 100
    second = table_sums(human, human, names(100), labels=[0, 1])
    first = table_sums([*worse[:98], 1, 1], human, names(100), labels=[0, 1])
    figure = kappa_figure(2)
    result = paired_difference(figure, first, second, n=100, discordant=2)
    without = [
        float(figure.value(first.sum(axis=0) - one) - figure.value(second.sum(axis=0) - other))
        for one, other in zip(first, second, strict=True)
    ]
    error = float(np.sqrt(99 / 100 * ((np.array(without) - np.mean(without)) ** 2).sum()))
    assert result.value is not None
    assert result.low is not None
    assert result.low == pytest.approx(result.value - float(stats.t.ppf(0.95, 99)) * error)
    assert result.low < tango(0, 2, 100)[0]
    assert result.method == "tango, few discordant"


def test_bounds_stay_within_what_a_figure_or_a_difference_can_be() -> None:
    values = [1.0] * 29 + [0.0]
    result = interval_of(mean_figure((0, 1)), mean_sums(values, names(30)), n=30)
    assert result.value is not None
    assert result.high == 1
    others = [0.0] * 29 + [0.5]
    difference = paired_difference(
        mean_figure((0, 1)),
        mean_sums(others, names(30)),
        mean_sums([1.0] * 29 + [0.0], names(30)),
        n=30,
        discordant=30,
    )
    assert difference.low == -1
