"""Reversals of two models' order: how often they are proven, and by what."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge.statistics import mean_interval
from pytest_mllm_judge.statistics.reversals import (
    Contrast,
    Means,
    change,
    difference,
    means_of,
    reversal,
)

ALPHA = 0.05


def of(first: list[float], second: list[float]) -> Means:
    """Two models' means of the same items, each a cluster."""
    n = len(first)
    worth = np.array([*first, *second], dtype=float)
    return means_of(worth, np.repeat([0, 1], n), np.tile(np.arange(n), 2), size=2, groups=n)


def contrast(means: Means) -> Contrast:
    return difference(means, means, (0, 1), span=1.0)


def shares(random: np.random.Generator, n: int, first: float, second: float) -> Means:
    return of((random.random(n) < first).tolist(), (random.random(n) < second).tolist())


def found(n: int, swing: float, *, runs: int, seed: int = 2) -> float:
    """How often a reversal is proven: win rates of .65 and half the swing more or less, then turned round."""
    random, half = np.random.default_rng(seed), swing / 2
    proven = 0
    for _ in range(runs):
        before = contrast(shares(random, n, 0.65 + half, 0.65 - half))
        now = contrast(shares(random, n, 0.65 - half, 0.65 + half))
        proven += reversal(before, now) <= ALPHA
    return proven / runs


def error(share: float, runs: int) -> float:
    """The simulation's standard error."""
    return float(np.sqrt(share * (1 - share) / runs))


def test_models_that_are_equally_good_are_hardly_ever_called_reversed() -> None:
    """At most 5 % is promised; both signs by chance make 2 * .025 ** 2. Simulation error .001."""
    assert found(300, 0.0, runs=600) <= 2 * 0.025**2 + 3 * error(2 * 0.025**2, 600)


@pytest.mark.parametrize(("n", "share"), [(300, 0.54), (1000, 0.99)])
def test_a_swing_from_ten_points_ahead_to_ten_behind_is_found_as_often_as_the_data_allow(
    n: int, share: float
) -> None:
    """.54 and .99 by an independent simulation. Simulation error at 400 runs: .025 and .005."""
    assert abs(found(n, 0.10, runs=400) - share) <= 3 * error(share, 400)


def test_one_judge_alone_that_changes_nothing_proves_nothing() -> None:
    """Under the baseline clearly ahead, under the candidate equal: called reversed in 2.5 % at most."""
    random = np.random.default_rng(5)
    proven = sum(
        reversal(contrast(shares(random, 200, 0.9, 0.3)), contrast(shares(random, 200, 0.6, 0.6))) <= ALPHA
        for _ in range(400)
    )
    assert proven / 400 <= 0.025 + 3 * error(0.025, 400)


def test_a_judge_that_always_says_the_same_is_not_certain_but_a_whole_turn_is_found() -> None:
    ahead, behind = contrast(of([1.0] * 20, [0.0] * 20)), contrast(of([0.0] * 20, [1.0] * 20))
    assert 0 < reversal(ahead, behind) < 0.001
    centre = 20 / 21
    reach = stats.t.ppf(0.95, 19) * np.sqrt(1 + centre**2) / 21  # half a pseudo-item at 1 and at -1
    assert ahead.interval.low == pytest.approx(centre - reach)
    assert reversal(ahead, ahead) == 1.0


def test_nothing_is_proven_on_fewer_than_ten_pictures_or_of_a_model_without_items() -> None:
    ahead, behind = contrast(of([1.0] * 9, [0.0] * 9)), contrast(of([0.0] * 9, [1.0] * 9))
    assert ahead.interval.reason == "9 independent cluster(s), fewer than 10"
    assert (ahead.above, ahead.below, reversal(ahead, behind)) == (None, None, 1.0)
    alone = means_of(np.ones(20), np.zeros(20, int), np.arange(20), size=2, groups=20)
    nothing = contrast(alone)
    assert (nothing.interval.value, nothing.above) == (None, None)
    assert nothing.interval.reason == "the difference is undefined once some cluster is left out"


def test_pictures_without_either_model_count_for_nothing() -> None:
    random = np.random.default_rng(8)
    worth, models, clusters = random.random(60), np.arange(60) % 3, np.arange(60) // 3
    few = means_of(worth, models, clusters, size=3, groups=20)
    more = np.concatenate([worth, np.ones(30)]), np.concatenate([models, np.full(30, 2)])
    many = means_of(*more, np.concatenate([clusters, np.arange(20, 50)]), size=3, groups=50)
    assert contrast(few) == contrast(many)


def test_of_many_items_the_interval_is_the_jackknife_s() -> None:
    random = np.random.default_rng(4)
    ours, theirs = random.random(400).round(2), random.random(400).round(2)
    clusters = [str(place // 2) for place in range(400)]
    known = mean_interval((ours - theirs).tolist(), clusters, bounds=(-1, 1))
    two = np.concatenate([ours, theirs]), np.repeat([0, 1], 400), np.tile(np.arange(400) // 2, 2)
    got = contrast(means_of(*two, size=2, groups=200)).interval
    assert (got.value, got.low, got.high) == pytest.approx((known.value, known.low, known.high), abs=0.002)


def test_what_missing_verdicts_could_undo_is_not_proven() -> None:
    ahead = contrast(of([1.0] * 30, [0.0] * 30))
    drawn = replace(ahead, above=0.4, below=0.6)
    kept = ahead.or_worse(drawn, ahead)
    assert (kept.interval, kept.above, kept.below) == (ahead.interval, 0.4, ahead.below)
    assert ahead.or_worse(replace(drawn, above=None), drawn).above is None


def test_a_change_common_to_both_models_cancels() -> None:
    random = np.random.default_rng(9)
    one, other = random.random(50) / 2, random.random(50) / 2
    before, now = of(one.tolist(), other.tolist()), of((one + 0.3).tolist(), (other + 0.3).tolist())
    got = change(now, before, (0, 1), span=1.0).interval
    assert got.value == pytest.approx(0)
    assert got.low == pytest.approx(-(got.high or 0))
    assert 0 < (got.high or 0) < 0.1


WORTHS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=10, max_size=30)


@given(WORTHS, WORTHS)
@settings(max_examples=40, deadline=None)
def test_swapping_the_models_or_the_judges_changes_no_reversal(
    before: list[tuple[float, float]], now: list[tuple[float, float]]
) -> None:
    def both(rows: list[tuple[float, float]]) -> tuple[Contrast, Contrast]:
        means = of([one for one, _ in rows], [two for _, two in rows])
        return contrast(means), difference(means, means, (1, 0), span=1.0)

    (old, old_turned), (new, new_turned) = both(before), both(now)
    assert reversal(old, new) == pytest.approx(reversal(new, old))
    assert reversal(old, new) == pytest.approx(reversal(old_turned, new_turned))
    assert old.interval.low == pytest.approx(-(old_turned.interval.high or 0.0))
    low, value, high = old.interval.low, old.interval.value, old.interval.high
    assert low is not None
    assert value is not None
    assert high is not None
    assert -1 <= low <= value <= high <= 1
