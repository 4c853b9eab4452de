"""What must hold of every figure and every difference, whatever the data."""

from __future__ import annotations

import random as shuffling
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.statistics import (
    Average,
    Figure,
    Interval,
    Sample,
    accuracy_figure,
    alpha_figure,
    coincidence_sums,
    f1_figure,
    few_discordant,
    gwet_figure,
    interval_of,
    kappa_figure,
    mean_figure,
    mean_interval,
    mean_sums,
    p_above,
    p_below,
    paired_difference,
    paired_shares,
    spearman_figure,
    table_sums,
    tango,
    tau_b_figure,
)
from pytest_mllm_judge.statistics.jackknife import Array

POINT = st.integers(0, 3)
ITEMS = st.lists(st.tuples(POINT, POINT, POINT, st.integers(0, 25)), min_size=1, max_size=60)
Items = list[tuple[int, int, int, int]]
TABLED = [
    accuracy_figure(4),
    kappa_figure(4),
    kappa_figure(4, weights="linear"),
    kappa_figure(4, weights="quadratic"),
    gwet_figure(4),
    gwet_figure(4, weights="quadratic"),
    f1_figure(4),
    spearman_figure(4, 4),
    tau_b_figure(4, 4),
]
FEW = settings(max_examples=40, deadline=None)


def tabled(judge: Sequence[int], human: Sequence[int], clusters: Sequence[int]) -> Array:
    return table_sums(judge, human, [str(c) for c in clusters], labels=[0, 1, 2, 3])


def holds_its_value(result: Interval) -> bool:
    """No bound is NaN, no interval a point, none without its value; without an interval there is a reason."""
    if result.value is None or result.low is None or result.high is None:
        return bool(result.reason)
    inside = result.low <= result.value + 1e-12 and result.value <= result.high + 1e-12
    return inside and result.low < result.high


@pytest.mark.parametrize("figure", TABLED, ids=lambda figure: figure.name)
@FEW
@given(ITEMS)
def test_a_figure_lies_in_its_interval_or_says_why_it_has_none(figure: Figure, items: Items) -> None:
    human, judge, _, clusters = zip(*items, strict=True)
    assert holds_its_value(interval_of(figure, tabled(judge, human, clusters), n=len(items)))


@pytest.mark.parametrize("figure", TABLED, ids=lambda figure: figure.name)
@FEW
@given(ITEMS, st.randoms(use_true_random=False))
def test_order_of_items_and_names_of_clusters_change_nothing_to_the_last_bit(
    figure: Figure, items: Items, order: shuffling.Random
) -> None:
    human, judge, _, clusters = zip(*items, strict=True)
    one = interval_of(figure, tabled(judge, human, clusters), n=len(items))
    shuffled = list(items)
    order.shuffle(shuffled)
    human, judge, _, clusters = zip(*shuffled, strict=True)
    renamed = [1000 - 7 * cluster for cluster in clusters]
    assert interval_of(figure, tabled(judge, human, renamed), n=len(items)) == one


@pytest.mark.parametrize("figure", TABLED, ids=lambda figure: figure.name)
@FEW
@given(ITEMS)
def test_swapping_two_judges_flips_the_sign_of_their_difference_exactly(figure: Figure, items: Items) -> None:
    human, ours, theirs, clusters = zip(*items, strict=True)
    first, second = tabled(ours, human, clusters), tabled(theirs, human, clusters)
    differ = sum(a != b for a, b in zip(ours, theirs, strict=True))
    one = paired_difference(figure, first, second, n=len(items), discordant=differ)
    other = paired_difference(figure, second, first, n=len(items), discordant=differ)
    assert holds_its_value(one)
    assert (one.value, one.low, one.high) == tuple(negated(x) for x in (other.value, other.high, other.low))
    assert (one.method, one.reason) == (other.method, other.reason)


def negated(number: float | None) -> float | None:
    return None if number is None else -number


@FEW
@given(ITEMS)
def test_swapping_two_judges_flips_the_sign_of_shares_exactly(items: Items) -> None:
    human, ours, theirs, clusters = zip(*items, strict=True)
    names = [str(c) for c in clusters]
    for scale in (1.0, 0.5):  # 1: right or wrong; 1/2: as means over repeats
        first = [scale * (a == h) for a, h in zip(ours, human, strict=True)]
        second = [scale * (a == h) for a, h in zip(theirs, human, strict=True)]
        one, other = paired_shares(first, second, names), paired_shares(second, first, names)
        assert holds_its_value(one)
        assert (one.value, one.low, one.high) == tuple(
            negated(x) for x in (other.value, other.high, other.low)
        )


@FEW
@given(
    st.lists(
        st.tuples(st.lists(st.one_of(POINT, st.none()), max_size=4), st.integers(0, 15)),
        min_size=1,
        max_size=40,
    )
)
def test_alpha_has_an_interval_or_a_reason_with_any_values_missing(
    units: list[tuple[list[int | None], int]],
) -> None:
    sums = coincidence_sums([unit for unit, _ in units], [str(c) for _, c in units], labels=[0, 1, 2, 3])
    assert holds_its_value(interval_of(alpha_figure(4, level="nominal"), sums, n=len(units)))
    assert holds_its_value(interval_of(alpha_figure(4, level="ordinal"), sums, n=len(units)))
    assert holds_its_value(interval_of(alpha_figure(4, level="interval"), sums, n=len(units)))


@FEW
@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60))
def test_tango_s_interval_holds_the_difference_and_mirrors_it(wins: int, losses: int, same: int) -> None:
    n = wins + losses + same + 1
    low, high = tango(wins, losses, n)
    assert -1 <= low < high <= 1
    assert low <= (wins - losses) / n <= high
    assert tango(losses, wins, n) == (-high, -low)


@pytest.mark.parametrize("figure", TABLED, ids=lambda figure: figure.name)
def test_identical_judges_are_not_worse_from_52_items_at_margin_5(figure: Figure) -> None:
    human = [place % 4 for place in range(52)]
    judge = [0, *human[1:-1], 1]
    sums = tabled(judge, human, range(52))
    result = paired_difference(figure, sums, sums, n=52, discordant=0)
    assert (result.value, result.method, result.reason) == (0.0, "tango, no discordance", "")
    assert result.low is not None
    assert -0.05 <= result.low < -0.049
    fewer = tabled(judge[1:], human[1:], range(51))
    short = paired_difference(figure, fewer, fewer, n=51, discordant=0)
    assert short.low is not None
    assert short.low < -0.05


def test_identical_judges_on_a_scale_need_a_margin_of_the_same_share_of_it() -> None:
    sums = mean_sums([1.0, 4.0] * 30, [str(i) for i in range(60)])
    result = paired_difference(mean_figure((1, 5)), sums, sums, n=60, discordant=0)
    assert result.low == pytest.approx(-4 * 0.043147, abs=1e-5)


def test_few_discordant_items_are_read_as_if_all_were_losses() -> None:
    human = [place % 4 for place in range(100)]
    other = [(human[0] + 1) % 4, *human[1:]]
    figure = kappa_figure(4)
    first, second = tabled(other, human, range(100)), tabled(human, human, range(100))
    result = paired_difference(figure, first, second, n=100, discordant=1)
    assert result.method == "tango, few discordant"
    assert result.low is not None
    assert result.low <= tango(0, 1, 100)[0]
    assert result.high is not None
    assert result.high >= tango(1, 0, 100)[1]


def test_judges_that_differ_alike_everywhere_have_an_interval_that_is_no_point() -> None:
    names = [str(i) for i in range(40)]
    first, second = mean_sums([3.0] * 40, names), mean_sums([2.0] * 40, names)
    result = paired_difference(mean_figure((1, 5)), first, second, n=40, discordant=40)
    assert (result.value, result.method) == (1.0, "all alike, exact")
    assert result.low is not None
    assert result.high is not None
    assert 0.5 < result.low < 1 < result.high < 1.5


def test_a_perfect_judge_but_for_one_error_still_has_an_interval_of_kappa() -> None:
    human = [place % 4 for place in range(150)]
    judge = [1, *human[1:]]
    for judged, least in ((human, 0.96), (judge, 0.94)):
        result = interval_of(kappa_figure(4), tabled(judged, human, range(150)), n=150)
        assert (result.method, result.reason) == ("nearly all alike, exact", "")
        assert result.value is not None
        assert result.low is not None
        assert least < result.low < result.value


def test_a_class_given_seldom_leaves_macro_f1_undecided() -> None:
    human = [0] * 50 + [1] * 36 + [2] * 14
    sums = tabled(human[::-1], human, range(100))
    result = interval_of(f1_figure(4), sums, n=100)
    assert result.reason == "a class was given 14 time(s) by humans or judge, fewer than 15"


def test_fewer_than_five_discordant_items_are_named() -> None:
    assert few_discordant(4) == "4 item(s) whose verdicts differ, fewer than 5"
    assert few_discordant(5) == ""


def test_the_design_effect_widens_a_difference() -> None:
    wins = [1.0 if cluster < 12 else 0.0 for cluster in range(40) for _ in range(4)]
    losses = [1.0 if cluster >= 30 else 0.0 for cluster in range(40) for _ in range(4)]
    together = paired_shares(wins, losses, [str(c) for c in range(40) for _ in range(4)])
    alone = paired_shares(wins, losses, [str(i) for i in range(160)])
    assert together.value == alone.value
    assert together.low is not None
    assert alone.low is not None
    assert together.low < alone.low


def test_means_over_repeats_get_half_a_pseudo_pair() -> None:
    means = [0.8, 0.6, 1.0, 0.4, 1.0] * 20
    others = [0.6, 0.6, 0.8, 0.6, 1.0] * 20
    result = paired_shares(means, others, [str(i) for i in range(100)])
    assert result.method == "jackknife-t, half a pseudo-pair"
    plain = mean_interval(
        [a - b for a, b in zip(means, others, strict=True)], [str(i) for i in range(100)], bounds=(-1, 1)
    )
    assert result.low is not None
    assert plain.low is not None
    assert result.low < plain.low


def test_half_a_pseudo_pair_by_hand() -> None:
    """Differences 1/2, -1/2 and eight 0: squares 1/2 and the pair's 1, over 11 items, 10 clusters, t(9)."""
    first, second = [0.5, 0.0, *[1.0] * 8], [0.0, 0.5, *[1.0] * 8]
    result = paired_shares(first, second, [str(i) for i in range(10)])
    assert result.high == pytest.approx(1.8331129 * (1.5 * 11 / 10) ** 0.5 / 11)
    assert result.low == negated(result.high)


def test_slices_that_are_perfect_keep_their_own_uncertainty_together() -> None:
    """Three slices of 20 items: each share at Bonferroni's level, 1 - (.05 / 3)^(1/20) (Clopper-Pearson)."""
    rows = np.tile([1.0, 0.0, 0.0, 0.0], (60, 1))
    result = interval_of(
        accuracy_figure(2), Sample(clusters=np.arange(60), slices=np.arange(60) % 3, moments=rows)
    )
    assert (result.value, result.high) == (1.0, 1.0)
    assert result.low == pytest.approx((0.05 / 3) ** (1 / 20))


def test_p_values_and_intervals_agree_at_every_level() -> None:
    human = [place % 4 for place in range(80)]
    judge = [0 if place % 5 == 0 else point for place, point in enumerate(human)]
    sums = tabled(judge, human, range(80))

    def at(level: float) -> Interval:
        return interval_of(kappa_figure(4), sums, n=80, confidence=level)

    above, below = p_above(at, 0.7), p_below(at, 0.9)
    assert above is not None
    assert below is not None
    assert at(1 - above).low == pytest.approx(0.7)
    assert at(1 - below).high == pytest.approx(0.9)


def test_an_average_over_slices_is_the_mean_of_the_slices() -> None:
    random = np.random.default_rng(3)
    human, judge = random.integers(0, 4, 300), random.integers(0, 4, 300)
    judge = np.where(random.random(300) < 0.6, human, judge)
    rows = np.zeros((300, 16))
    rows[np.arange(300), 4 * human + judge] = 1
    sample = Sample(clusters=np.arange(300), slices=np.arange(300) % 3, cells=4 * human + judge, width=16)
    each = [float(kappa_figure(4).value(rows[place::3].sum(axis=0))) for place in range(3)]
    averages: list[tuple[Average, float]] = [
        ("mean", float(np.mean(each))),
        ("fisher", float(np.tanh(np.arctanh(each).mean()))),
        (max, max(each)),
    ]
    for average, expected in averages:
        result = interval_of(kappa_figure(4), sample, average=average)
        assert result.value == pytest.approx(expected)
        assert holds_its_value(result)


def test_unknown_labels_are_named_with_their_place() -> None:
    with pytest.raises(ValueError) as caught:
        table_sums(["A", "C"], ["A", "B"], ["1", "2"], labels=["A", "B", "tie"])
    assert str(caught.value) == "judge[1] is 'C', which is none of: A, B, tie"


def test_sums_of_other_clusters_are_no_pair() -> None:
    human = [place % 4 for place in range(20)]
    first, second = tabled(human, human, range(20)), tabled(human[1:], human[1:], range(19))
    with pytest.raises(ValueError) as caught:
        paired_difference(kappa_figure(4), first, second, n=20, discordant=0)
    assert str(caught.value) == "20 and 19 items or clusters are not the same"
