"""The cluster bootstrap on request."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mllm_judge.statistics import bootstrap, interval_of, kappa_figure, table_sums
from tests.statistics.golden import HUMAN, JUDGE, SUMS, TWO_SIDED_95

KAPPA = kappa_figure(3)


def test_it_lies_near_the_jackknife_and_scipy_s_on_the_golden_table() -> None:
    """scipy.stats.bootstrap (BCa, 4000 resamples) has [.520, .768] for kappa, percentile is near it."""
    result = bootstrap(SUMS, KAPPA, n=100, seed=1, confidence=TWO_SIDED_95)
    assert result.value == interval_of(KAPPA, SUMS, n=100).value
    assert (result.low, result.high) == pytest.approx((0.520, 0.768), abs=0.015)


def test_the_same_seed_gives_the_same_interval_and_is_named() -> None:
    one, other = (bootstrap(SUMS, KAPPA, n=100, seed=7, resamples=1200) for _ in range(2))
    assert one == other
    assert one.method == "cluster bootstrap, percentile, 1200 resamples, seed 7"
    assert one.low != bootstrap(SUMS, KAPPA, n=100, seed=8, resamples=1200).low


def test_under_25_clusters_it_decides_nothing() -> None:
    sums = table_sums(JUDGE, HUMAN, [str(place % 24) for place in range(100)], labels=[0, 1, 2])
    result = bootstrap(sums, KAPPA, n=100, seed=1, resamples=200)
    assert result.low is not None
    assert result.reason == "24 clusters, fewer than 25"


def test_a_perfect_judge_gets_no_interval_of_width_nothing() -> None:
    sums = table_sums(HUMAN, HUMAN, [str(place) for place in range(100)], labels=[0, 1, 2])
    result = bootstrap(sums, KAPPA, n=100, seed=1, resamples=200)
    assert (result.value, result.low, result.high) == (1.0, None, None)
    assert result.reason == "no spread at all: every resample gives the same figure"


def test_a_figure_undefined_in_some_resample_has_no_interval() -> None:
    human, judge = [0] * 39 + [1], [0] * 39 + [1]
    sums = table_sums(judge, human, [str(place) for place in range(40)], labels=[0, 1])
    result = bootstrap(sums, kappa_figure(2), n=40, seed=1, resamples=100)
    assert result.low is None
    assert result.reason.startswith("the figure is undefined in ")
    assert result.reason.endswith(" of 100 resamples")


def test_from_25_clusters_on_it_decides() -> None:
    sums = table_sums(JUDGE, HUMAN, [str(place % 25) for place in range(100)], labels=[0, 1, 2])
    assert bootstrap(sums, KAPPA, n=100, seed=1, resamples=200).reason == ""


def test_the_interval_holds_the_figure_where_every_resample_lies_above_it() -> None:
    """A square whose root is (nearly) 0 on all items can only grow."""
    drawn = np.random.default_rng(2).normal(size=(60, 1))
    values = drawn - drawn.mean()
    result = bootstrap(values, lambda sums: sums[..., 0] ** 2, n=60, seed=1, resamples=200)
    assert result.low == result.value == pytest.approx(0, abs=1e-20)
    result = bootstrap(values, lambda sums: -(sums[..., 0] ** 2), n=60, seed=1, resamples=200)
    assert result.high == result.value == pytest.approx(0, abs=1e-20)


def test_no_resample_is_no_bootstrap() -> None:
    with pytest.raises(ValueError) as caught:
        bootstrap(SUMS, KAPPA, n=100, seed=1, resamples=0)
    assert str(caught.value) == "need at least one resample, got 0"
