"""Claims about exactly these items: only the judge varies, and only repeats tell how much."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np
import pytest

from pytest_mllm_judge import agreement
from pytest_mllm_judge.statistics.figure import NO_REPEATS
from tests.metrics.figures import FEW, FIGURES, SEEDS, Figure, Row, every, intervals, judged


def repeated(
    figure: Figure, rng: np.random.Generator, *, n: int, repeats: int, noise: float, lost: float = 0.0
) -> list[Row]:
    """Each of `n` items so often, with another verdict at the rate of `noise`."""
    labels = list(figure.labels)
    rows: list[Row] = []
    for human, verdict in figure.rows(n, rng, agree=0.6, lost=lost):
        for _ in range(repeats):
            other = labels[int(rng.integers(len(labels)))]
            rows.append((human, other if rng.random() < noise else verdict))
    return rows


@every(FIGURES)
def test_without_repeats_nothing_is_decided_and_it_says_why(figure: Figure) -> None:
    rows = figure.rows(60, np.random.default_rng(1), lost=0.05)
    estimate = figure(rows, fixed=True)
    assert estimate.value is not None
    assert (estimate.low, estimate.high, estimate.counted.reason) == (None, None, NO_REPEATS)
    assert (estimate >= 0.01).outcome == "undecided"
    difference = estimate - figure(figure.rows(60, np.random.default_rng(1), lost=0.05), fixed=True)
    assert difference.counted.reason == NO_REPEATS
    assert NO_REPEATS in (difference >= -0.9).explain()


@every(FIGURES)
def test_repeats_that_are_all_alike_leave_an_interval_and_never_a_point(figure: Figure) -> None:
    rows = repeated(figure, np.random.default_rng(2), n=40, repeats=3, noise=0)
    estimate = figure(rows, repeats=3, fixed=True)
    assert estimate.repeats == 3
    assert (estimate.n, estimate.clusters) == (3 * estimate.clusters, estimate.clusters)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.value is not None
    assert estimate.low <= estimate.value <= estimate.high
    assert estimate.high - estimate.low > 0.01
    assert (estimate - estimate).value == 0


@every(FIGURES)
@SEEDS
@FEW
def test_repeats_some_of_which_differ_leave_an_interval_with_the_figure_in_it(
    figure: Figure, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    repeats = int(rng.integers(2, 4))
    noise, lost = float(rng.choice([0.02, 0.2])), float(rng.choice([0, 0.1]))
    rows = repeated(figure, rng, n=int(rng.integers(15, 40)), repeats=repeats, noise=noise, lost=lost)
    estimate = figure(rows, repeats=repeats, fixed=True)
    assert estimate.repeats == repeats
    for interval in intervals(estimate):
        if interval.low is None or interval.high is None or interval.value is None:
            assert interval.reason
            continue
        assert interval.low <= interval.value <= interval.high
        assert interval.reason or interval.high - interval.low > 1e-6


@every([figure for figure in FIGURES if not figure.name.startswith("problems.")])
def test_what_is_known_of_these_items_is_known_better_than_of_items_like_these(figure: Figure) -> None:
    def width(seed: int, *, fixed: bool) -> float:
        rows = repeated(figure, np.random.default_rng(seed), n=50, repeats=3, noise=0.1)
        estimate = figure(rows, repeats=3, fixed=fixed)
        assert estimate.low is not None
        assert estimate.high is not None
        return estimate.high - estimate.low

    fixed, sampled = (median(width(seed, fixed=which) for seed in range(5)) for which in (True, False))
    assert fixed < sampled


def test_the_interval_of_a_share_of_fixed_items_is_that_of_its_repeats() -> None:
    """Two of 40 items err in one of two asks: v = the sum of s^2 / T over items, / n^2, with t(40)."""
    rows: Sequence[Row] = [("A", "A")] * 76 + [("A", "A"), ("A", "B")] * 2
    estimate = agreement.accuracy(judged("pair", rows, repeats=2, fixed=True))
    error = (2 * 0.5 / 2) ** 0.5 / 40
    assert estimate.value == 78 / 80
    assert estimate.low == pytest.approx(78 / 80 - 1.6838510 * error, abs=1e-7)
    assert estimate.counted.method == "jackknife-t over repeats, plain"


def test_three_repeats_have_the_variance_of_three() -> None:
    """Four of 20 items err in one of three asks: s^2 = 1/3 each, v = 4 s^2 / 3 / 20^2, with t(40)."""
    rows: Sequence[Row] = [("A", "A")] * 48 + [("A", "A"), ("A", "A"), ("A", "B")] * 4
    estimate = agreement.accuracy(judged("pair", rows, repeats=3, fixed=True))
    error = (4 * (1 / 3) / 3) ** 0.5 / 20
    assert estimate.value == 56 / 60
    assert estimate.low == pytest.approx(56 / 60 - 1.6838510 * error, abs=1e-7)


def test_an_item_that_was_asked_once_tells_nothing_of_how_the_judge_varies() -> None:
    rows: Sequence[Row] = [("A", "A"), ("A", "B")] * 20
    judgements = judged("pair", rows, repeats=2, fixed=True)[:-1]
    estimate = agreement.accuracy(judgements)
    assert (estimate.low, estimate.high, estimate.counted.reason) == (None, None, NO_REPEATS)
    assert (estimate.repeats, estimate.noise) == (1, None)


def test_a_refused_repeat_leaves_the_others_to_decide() -> None:
    """Without problems an item with one ask left can't tell how the judge varies, so it is left out there."""
    rows: Sequence[Row] = [("A", "A"), ("A", "A"), ("A", "B"), ("A", "A")] * 20 + [("A", "A"), ("A", None)]
    estimate = agreement.accuracy(judged("pair", rows, repeats=2, fixed=True))
    assert estimate.without is not None
    assert (estimate.without.n, estimate.without.clusters) == (80, 40)
    assert (estimate >= 0.5).outcome == "holds"
    difference = estimate - agreement.accuracy(judged("pair", rows[::-1], repeats=2, fixed=True))
    assert difference.without is not None
    assert difference.without.reason == ""


def test_three_asks_less_one_are_two() -> None:
    rows: Sequence[Row] = [("A", "A"), ("A", "B"), ("A", "A")] * 20 + [("A", "A"), ("A", "B"), ("A", None)]
    estimate = agreement.accuracy(judged("pair", rows, repeats=3, fixed=True))
    assert estimate.without is not None
    assert (estimate.without.n, estimate.without.clusters) == (62, 21)


def test_two_judges_of_other_populations_are_not_compared() -> None:
    rows: Sequence[Row] = [("A", "A"), ("B", "A")] * 20
    sampled = agreement.accuracy(judged("pair", rows, repeats=2))
    fixed = agreement.accuracy(judged("pair", rows, repeats=2, fixed=True))
    with pytest.raises(TypeError, match="the population is 'sampled' on the left and 'fixed' on the right"):
        _ = sampled - fixed
