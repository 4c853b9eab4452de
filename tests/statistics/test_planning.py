"""Planning against the tables of the statistics note, sections 1.4, 1.7 and 2 (9)."""

from __future__ import annotations

import pytest

from pytest_mllm_judge.statistics import (
    Interval,
    clopper_pearson,
    mean_interval,
    paired_shares,
    pearson,
    tango,
    wilson,
)
from pytest_mllm_judge.statistics.planning import (
    PAIRED_SPREADS,
    design_effect,
    half_width,
    items_for_half_width,
    items_for_margin,
    items_without_discordance,
    items_without_events,
    margin_for_items,
    margin_without_discordance,
    power_of,
    spread_at_hand,
    spread_of,
    spread_of_pairs,
    spread_of_repeats,
)


@pytest.mark.parametrize(
    ("discordance", "margin", "items"),
    [
        (0.06, 0.05, (149, 206)),
        (0.06, 0.10, (38, 52)),
        (0.15, 0.05, (371, 514)),
        (0.15, 0.10, (93, 129)),
        (0.25, 0.05, (619, 857)),
        (0.25, 0.10, (155, 215)),
    ],
)
def test_items_for_a_paired_margin(discordance: float, margin: float, items: tuple[int, int]) -> None:
    spread = spread_of_pairs(discordance)
    assert tuple(items_for_margin(margin, spread, power=power) for power in (0.8, 0.9)) == items


@pytest.mark.parametrize(
    ("spread", "margins"),
    [
        (0.24, (0.085, 0.060, 0.042, 0.027, 0.019)),
        (0.39, (0.137, 0.097, 0.069, 0.043, 0.031)),
        (0.50, (0.176, 0.124, 0.088, 0.056, 0.039)),
        (0.65, (0.229, 0.162, 0.114, 0.072, 0.051)),
        (0.90, (0.317, 0.224, 0.158, 0.100, 0.071)),
    ],
)
def test_the_margin_that_so_many_items_can_show(spread: float, margins: tuple[float, ...]) -> None:
    """The note's table rounds (z + z_power) to 2.49, hence 1.1e-3."""
    found = [margin_for_items(n, spread) for n in (50, 100, 200, 500, 1000)]
    assert found == pytest.approx(margins, abs=1.1e-3)


@pytest.mark.parametrize(("margin", "items"), [(0.05, 52), (0.10, 25), (0.02, 133)])
def test_items_without_discordance_are_where_tango_s_bound_meets_the_margin(
    margin: float, items: int
) -> None:
    assert items_without_discordance(margin) == items
    assert tango(0, 0, items)[0] >= -margin > tango(0, 0, items - 1)[0]
    assert margin_without_discordance(items) == pytest.approx(-tango(0, 0, items)[0])


@pytest.mark.parametrize(("rate", "items"), [(0.05, 59), (0.02, 149), (0.01, 299)])
def test_items_without_events(rate: float, items: int) -> None:
    assert items_without_events(rate) == items


def test_half_the_width_is_that_of_wilson_s_interval() -> None:
    result = wilson([True] * 45 + [False] * 5, [str(i) for i in range(50)])
    assert result.low is not None
    assert result.high is not None
    assert half_width(0.9, 50) == pytest.approx((result.high - result.low) / 2)


def test_the_fewest_items_for_a_width_are_the_fewest() -> None:
    items = items_for_half_width(0.8, 0.05)
    assert half_width(0.8, items) <= 0.05 < half_width(0.8, items - 1)


def test_power_at_the_items_for_a_margin_is_the_power_asked_for() -> None:
    items = items_for_margin(0.05, 0.39, power=0.9)
    assert power_of(items, 0.05, 0.39) == pytest.approx(0.9, abs=1e-3)


def test_repeats_average_out_noise_and_nothing_else() -> None:
    assert spread_of_pairs(0.12, noise=0.12, repeats=3) == pytest.approx((0.12 / 3) ** 0.5)
    assert spread_of_pairs(0.25, noise=0.12, repeats=1000) == pytest.approx(0.13**0.5, abs=1e-3)


def test_a_spread_at_hand_plans_its_own_margin() -> None:
    assert spread_of(0.039, 100) == pytest.approx(0.39)


def alone(n: int) -> list[str]:
    """Each item a cluster of its own."""
    return [str(number) for number in range(n)]


def known(spread: float | None) -> float:
    """A spread that there is."""
    assert spread is not None
    return spread


def test_the_spread_at_hand_of_a_mean_is_its_standard_deviation() -> None:
    """Of 0, 1, 2 twenty times each: the jackknife of a mean is s / sqrt(n), and s^2 = 40 / 59."""
    interval = mean_interval([0.0, 1.0, 2.0] * 20, alone(60), bounds=(-9.0, 9.0))
    assert known(spread_at_hand(interval)) == pytest.approx((40 / 59) ** 0.5)


def test_the_spread_at_hand_does_not_depend_on_the_confidence() -> None:
    values = [0.0, 1.0, 2.0] * 20
    wide = mean_interval(values, alone(60), bounds=(-9.0, 9.0), confidence=0.99)
    assert known(spread_at_hand(wide)) == pytest.approx((40 / 59) ** 0.5)


def test_a_bound_that_was_cut_does_not_make_the_spread_at_hand_smaller() -> None:
    """58 zeros and 2 ones: the interval of the mean .033 ends at 0; s^2 = (2 - 4 / 60) / 59."""
    interval = mean_interval([0.0] * 58 + [1.0] * 2, alone(60), bounds=(0.0, 1.0))
    assert interval.low == 0.0
    assert known(spread_at_hand(interval)) == pytest.approx(((2 - 4 / 60) / 59) ** 0.5)


def test_the_spread_at_hand_of_a_share_nears_that_of_its_yes_and_no() -> None:
    many = [True] * 8000 + [False] * 2000
    assert known(spread_at_hand(wilson(many, alone(10_000)))) == pytest.approx(0.4, rel=1e-3)
    assert known(spread_at_hand(clopper_pearson(many, alone(10_000)))) == pytest.approx(0.4, rel=1e-2)


@pytest.mark.parametrize(("wins", "losses"), [(60, 60), (3, 5), (0, 0), (0, 9), (200, 100)])
def test_the_spread_at_hand_of_a_paired_difference_is_that_of_its_discordance(wins: int, losses: int) -> None:
    """Of 400 items: c^2 = (wins + losses) / n less the square of (wins - losses) / n."""
    ours = [1.0] * wins + [0.0] * losses + [1.0] * (400 - wins - losses)
    theirs = [0.0] * wins + [1.0] * losses + [1.0] * (400 - wins - losses)
    expected = ((wins + losses) / 400 - ((wins - losses) / 400) ** 2) ** 0.5
    assert known(spread_at_hand(paired_shares(ours, theirs, alone(400)))) == pytest.approx(expected, abs=1e-4)


def test_the_spread_at_hand_of_a_paired_difference_grows_with_its_clusters() -> None:
    """Each item four times in a cluster: 4 G / (G - 1) = 400 / 99 times the variance, and never less."""
    ours, theirs = ([1.0] * 40 + [0.0] * 40 + [1.0] * 320), ([0.0] * 40 + [1.0] * 40 + [1.0] * 320)
    clusters = [str(number // 4) for number in range(400)]
    spread = known(spread_at_hand(paired_shares(ours, theirs, clusters)))
    assert (0.2 * 400 / 99) ** 0.5 <= spread <= 1.05 * (0.2 * 400 / 99) ** 0.5


def test_the_spread_at_hand_of_a_coefficient_stands_on_its_own_scale() -> None:
    """Of many normal pairs it nears 1 - r^2 (Fisher 1915); here r = .6 by construction of three parts."""
    import numpy as np

    rng = np.random.default_rng(3)
    x, e = rng.standard_normal((2, 4000))
    interval = pearson((0.6 * x + 0.8 * e).tolist(), x.tolist(), alone(4000), scale=(-9.0, 9.0))
    assert interval.value is not None
    assert known(spread_at_hand(interval)) == pytest.approx(1 - interval.value**2, rel=0.05)


def test_there_is_no_spread_at_hand_where_all_are_alike_or_nothing_is_decided() -> None:
    alike = mean_interval([1.0] * 40, alone(40), bounds=(0.0, 1.0))
    assert spread_at_hand(alike) is None
    assert spread_at_hand(wilson([True] * 40, alone(40))) is None
    assert spread_at_hand(wilson([True, False] * 20, ["a", "b", "c", "d"] * 10)) is None
    undefined = Interval(
        value=None, low=None, high=None, n=0, clusters=0, method="none", confidence=0.95, reason="nothing"
    )
    assert spread_at_hand(undefined) is None


def test_repeats_leave_the_spread_of_items_and_divide_that_of_asking() -> None:
    """.5^2 = .25 of which .3^2 = .09 is noise: .16 + .09 / 3 = .19."""
    assert spread_of_repeats(0.5, noise=0.3, repeats=3) == pytest.approx(0.19**0.5)
    assert spread_of_repeats(0.5, noise=0.3, repeats=1) == pytest.approx(0.5)
    with pytest.raises(ValueError) as noise:
        spread_of_repeats(0.5, noise=0.6, repeats=3)
    assert str(noise.value) == "need 0 <= noise <= spread, got 0.6 and 0.5"


def test_clusters_multiply_items_by_their_design_effect() -> None:
    assert design_effect(5, 0.25) == pytest.approx(2.0)
    assert design_effect(1, 0.25) == 1.0
    assert design_effect(5, -0.1) == 1.0


def test_every_spread_is_a_range() -> None:
    assert all(0 < low < high < 1 for low, high in PAIRED_SPREADS.values())


def test_impossible_questions_are_named() -> None:
    with pytest.raises(ValueError) as margin:
        items_for_margin(0.0, 0.39)
    assert str(margin.value) == "margin is above 0, got 0"
    with pytest.raises(ValueError) as noise:
        spread_of_pairs(0.1, noise=0.2)
    assert str(noise.value) == "need 0 <= noise <= discordance <= 1, got 0.2 and 0.1"
