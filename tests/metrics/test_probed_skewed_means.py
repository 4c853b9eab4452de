"""The interval of a mean whose values lean: what it covers, and what changes nothing."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.skewed import skewed_mean
from tests.metrics.figures import FEW

VALUES = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=30)
PSEUDO = pytest.mark.parametrize("pseudo", [True, False])


def alone(values: Array) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.arange(len(values))


def test_values_that_do_not_lean_have_student_s_interval() -> None:
    values = np.array([-0.5, -0.25, 0.0, 0.25, 0.5] * 8)
    found = skewed_mean(values, alone(values), pseudo=False)
    reach = stats.t.ppf(0.95, 39) * values.std(ddof=1) / math.sqrt(40)
    assert (found.low, found.high) == pytest.approx((-reach, reach))


def test_hall_s_transformation_is_undone() -> None:
    """His g of both bounds' t is Student's quantile: T + A T^2 / 3 + A^2 T^3 / 27 + A / 6 (Hall 1992)."""
    values = np.array([1.0] * 7 + [0.25] * 20 + [0.0] * 33)
    found = skewed_mean(values, alone(values), pseudo=False)
    error = values.std(ddof=1) / math.sqrt(60)
    lean = float(((values - values.mean()) ** 3).sum() / ((values - values.mean()) ** 2).sum() ** 1.5)
    for bound, sign in ((found.low, 1), (found.high, -1)):
        t = (values.mean() - bound) / error
        back = t + lean * t**2 / 3 + lean**2 * t**3 / 27 + lean / 6
        assert back == pytest.approx(sign * stats.t.ppf(0.95, 59))


@PSEUDO
def test_clusters_that_repeat_their_values_tell_no_more_than_one_each(pseudo: bool) -> None:
    values = np.array([1.0] * 6 + [0.5] * 10 + [0.0] * 24)
    once = skewed_mean(values, alone(values), pseudo=False)
    often = skewed_mean(np.repeat(values, 3), np.repeat(alone(values), 3), pseudo=pseudo)
    assert often.value == pytest.approx(once.value)
    assert (often.low, often.high) == pytest.approx((once.low, once.high), abs=0.01 if pseudo else 1e-9)


@FEW
@given(values=VALUES, pseudo=st.booleans())
def test_it_holds_its_value_grows_with_confidence_and_turns_with_the_sign(
    values: list[float], pseudo: bool
) -> None:
    some = np.array(values)
    found = [skewed_mean(some, alone(some), pseudo=pseudo, confidence=c) for c in (0.6, 0.95, 0.999999)]
    for one, wider in pairwise(found):
        assert one.low is not None
        assert one.high is not None
        assert -1 <= (wider.low or 0) <= one.low + 1e-12
        assert one.low <= some.mean() + 1e-12
        assert some.mean() - 1e-12 <= one.high <= (wider.high or 0) + 1e-12 <= 1 + 1e-12
    turned = skewed_mean(-some, alone(some), pseudo=pseudo)
    assert (turned.low, turned.high) == pytest.approx((-(found[1].high or 0), -(found[1].low or 0)))


def test_few_clusters_decide_nothing() -> None:
    found = skewed_mean(np.array([0.5, 0.0] * 9), np.array([0, 1] * 9), pseudo=True)
    assert found.reason == "2 independent cluster(s), fewer than 10"


def test_without_any_spread_it_takes_the_pseudo_pair() -> None:
    values = np.full(40, 0.25)
    found = skewed_mean(values, alone(values), pseudo=False)
    assert found.method == "jackknife-t, skewness off, half a pseudo-pair"
    assert found.low is not None
    assert found.low < 0.25


def test_of_rare_movements_each_bound_misses_in_a_twentieth() -> None:
    """2,000 sets of 200 values, 1 in a twentieth and -1/2 in a hundredth; .05 plus two standard errors."""
    rng = np.random.default_rng(4)
    missed = np.zeros(2)
    for _ in range(2_000):
        values = (rng.random(200) < 0.05) - 0.5 * (rng.random(200) < 0.01)
        found = skewed_mean(values, alone(values), pseudo=True)
        missed += ((found.low or 0) > 0.045, (found.high or 0) < 0.045)
    assert (missed / 2_000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 2_000)).all()
