"""What must hold of every interval, whatever the data."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.statistics import (
    Interval,
    clopper_pearson,
    mean_interval,
    pearson,
    wilson,
    worst_verdicts,
)

CLUSTERED = st.lists(st.tuples(st.booleans(), st.integers(0, 12)), min_size=1, max_size=60)
SCORED = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 20)), min_size=2, max_size=60
)


def holds_its_value(result: Interval) -> bool:
    if result.value is None or result.low is None or result.high is None:
        return bool(result.reason)
    return result.low <= result.value + 1e-12 and result.value <= result.high + 1e-12


@given(CLUSTERED)
def test_an_interval_of_a_share_holds_it_and_is_never_a_point(data: list[tuple[bool, int]]) -> None:
    hits, clusters = [hit for hit, _ in data], [str(cluster) for _, cluster in data]
    for method in (wilson, clopper_pearson):
        result = method(hits, clusters)
        assert holds_its_value(result)
        assert result.low is not None
        assert result.high is not None
        assert 0 <= result.low < result.high <= 1


@given(SCORED)
def test_a_correlation_lies_in_its_interval_or_says_why_it_has_none(data: list[tuple[int, int, int]]) -> None:
    judge, human, clusters = zip(*data, strict=True)
    result = pearson(judge, human, [str(c) for c in clusters], scale=(1, 5))
    assert holds_its_value(result)
    if result.low is not None and result.high is not None:
        assert result.low < result.high


@given(SCORED)
def test_names_of_clusters_change_nothing(data: list[tuple[int, int, int]]) -> None:
    judge, human, clusters = zip(*data, strict=True)
    one = pearson(judge, human, [f"a{c}" for c in clusters], scale=(1, 5))
    other = pearson(judge, human, [f"z{20 - c}" for c in clusters], scale=(1, 5))
    assert one == other


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9)), min_size=1, max_size=40))
def test_a_mean_stays_inside_its_bounds(data: list[tuple[float, int]]) -> None:
    result = mean_interval([v for v, _ in data], [str(c) for _, c in data], bounds=(0, 1))
    if result.low is not None and result.high is not None:
        assert 0 <= result.low <= result.high <= 1
    else:
        assert result.reason


@given(
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=4, max_size=12),
    st.lists(st.integers(1, 5), min_size=1, max_size=4),
)
@settings(max_examples=40)
def test_the_worst_points_are_the_worst_of_all_choices(
    known: list[tuple[int, int]], missing: list[int]
) -> None:
    """Against brute force over every choice of points."""
    judge, human = [j for j, _ in known], [h for _, h in known]
    worst = worst_verdicts(judge, human, missing, [1, 2, 3, 4, 5])

    def r(points: tuple[float, ...]) -> float:
        y, x = np.array([*judge, *points], dtype=float), np.array([*human, *missing], dtype=float)
        if np.ptp(y) == 0 or np.ptp(x) == 0:
            return np.inf  # undefined is not worst, unless there is nothing else
        return float(np.corrcoef(x, y)[0, 1])

    chosen = r(tuple(worst))
    best = min(r(points) for points in itertools.product([1, 2, 3, 4, 5], repeat=len(missing)))
    assert chosen == pytest.approx(best, abs=1e-9)


def test_many_missing_verdicts_of_one_label_have_their_worst_points_too() -> None:
    """Too many choices to try all of them, and no line through one label: they stand at one end."""
    labels = [1, 2, 3, 4, 5] * 10
    worst = worst_verdicts(labels, labels, [5] * 30, [1, 2, 3, 4, 5])
    assert worst == [1.0] * 30


def test_the_search_for_the_worst_points_finds_what_trying_all_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    for place in range(40):
        human = random.integers(1, 6, int(random.integers(5, 13)))
        near = np.clip(human + random.integers(-3, 4, len(human)), 1, 5)
        judge = near if place % 2 else random.integers(1, 6, len(human))
        missing = random.integers(1, 6, int(random.integers(2, 7)))
        found = []
        for choices in (20_000, 0):
            monkeypatch.setattr("pytest_mllm_judge.statistics.correlation._MOST_CHOICES", choices)
            worst = worst_verdicts(judge.tolist(), human.tolist(), missing.tolist(), [1, 2, 3, 4, 5])
            found.append(np.corrcoef([*human, *missing], [*judge, *worst])[0, 1])
        assert found[1] == pytest.approx(found[0], abs=1e-9)


def test_fewer_than_ten_clusters_decide_nothing() -> None:
    result = wilson([True] * 90, [str(place % 9) for place in range(90)])
    assert result.reason == "9 independent cluster(s), fewer than 10"


def test_a_constant_judge_has_no_correlation_and_the_reason_names_its_verdict() -> None:
    result = pearson([4] * 30, [1, 2, 3] * 10, [str(i) for i in range(30)], scale=(1, 5))
    assert (result.value, result.low) == (None, None)
    assert result.reason == "the judge gave 4 to all 30 items: no correlation"


def test_a_perfect_judge_has_an_interval_that_is_no_point() -> None:
    labels = [1, 2, 3, 4, 5] * 30
    result = pearson(labels, labels, [str(i) for i in range(150)], scale=(1, 5))
    assert result.value == pytest.approx(1)
    assert result.low is not None
    assert 0.8 < result.low < 1


def test_one_error_among_many_still_has_an_interval() -> None:
    labels = [1, 2, 3, 4, 5] * 30
    judge = [2, *labels[1:]]
    result = pearson(judge, labels, [str(i) for i in range(150)], scale=(1, 5))
    assert result.value is not None
    assert result.low is not None
    assert result.low < result.value


def test_clusters_widen_the_interval_of_a_share_that_they_decide() -> None:
    hits = [cluster % 2 == 0 for cluster in range(30) for _ in range(4)]
    clusters = [str(cluster) for cluster in range(30) for _ in range(4)]
    alone = wilson(hits, [str(i) for i in range(120)])
    together = wilson(hits, clusters)
    assert together.low is not None
    assert alone.low is not None
    assert together.low < alone.low


def test_a_lone_error_does_not_vouch_for_clusters() -> None:
    """A cluster that errs as a whole is not seen in one lone error: no cluster counts more than once."""
    clusters = [str(place // 7) for place in range(84)]
    lone = wilson([place != 3 for place in range(84)], clusters)
    none = wilson([True] * 84, clusters)
    assert lone.low is not None
    assert none.low is not None
    assert none.low == pytest.approx(12 / (12 + 1.6448536**2))  # what twelve independent hits show
    assert lone.low < none.low


def test_a_small_slice_that_is_all_alike_keeps_its_own_uncertainty() -> None:
    values, groups = [1.0] * 102, ["large"] * 100 + ["small"] * 2
    result = mean_interval(values, [str(i) for i in range(102)], bounds=(0, 1), groups=groups)
    assert result.low is not None
    assert result.low < 0.75


def test_verdicts_that_run_against_the_humans_have_an_interval_below_zero() -> None:
    human = [1, 2, 3, 4, 5] * 12
    result = pearson([6 - label for label in human], human, [str(i) for i in range(60)], scale=(1, 5))
    assert result.value == pytest.approx(-1)
    assert result.high is not None
    assert -1 < result.high < 0


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("n", [7, 12, 25, 40])
def test_two_valued_scores_on_one_line_are_never_certain(n: int, sign: int) -> None:
    """Rounding makes r a hair less than 1 here; that must not pass for an interval."""
    for first in range(2, n - 1):
        human = [2] * first + [5] * (n - first)
        judge = [1 if (label == 2) == (sign == 1) else 5 for label in human]
        result = pearson(judge, human, [str(i) for i in range(n)], scale=(1, 5))
        assert result.value == pytest.approx(sign)
        assert result.low is None or result.high is None or result.high - result.low > 0.01
