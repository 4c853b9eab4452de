"""Figures against published or independently computed values."""

from __future__ import annotations

from itertools import permutations

import pytest
from scipy import stats

from pytest_mllm_judge.statistics import (
    clopper_pearson,
    farthest,
    levenshtein,
    mean_interval,
    pearson,
    wilson,
)

# The golden table of the project's statistics note (rows human, columns judge; n = 100), whose values were
# cross-checked with scikit-learn, statsmodels, irrCAC and krippendorff.
TABLE = [[40, 5, 2], [6, 20, 4], [3, 2, 18]]
HUMAN = [row for row in range(3) for column in range(3) for _ in range(TABLE[row][column])]
JUDGE = [column for row in range(3) for column in range(3) for _ in range(TABLE[row][column])]
ALONE = [str(place) for place in range(100)]
TWO_SIDED_95 = 0.975


def test_pearson_and_its_jackknife_interval_on_the_golden_table() -> None:
    result = pearson(JUDGE, HUMAN, ALONE, confidence=TWO_SIDED_95)
    assert result.value == pytest.approx(0.7177438118, abs=1e-10)
    assert (result.low, result.high) == pytest.approx((0.537361, 0.835329), abs=1e-6)


def test_wilson_45_of_50() -> None:
    """Statsmodels and scipy: [.786398, .956524]."""
    result = wilson([True] * 45 + [False] * 5, ALONE[:50], confidence=TWO_SIDED_95)
    assert (result.low, result.high) == pytest.approx((0.786398, 0.956524), abs=1e-6)


def test_clopper_pearson_45_of_50() -> None:
    """Statsmodels and scipy: [.781865, .966725]."""
    result = clopper_pearson([True] * 45 + [False] * 5, ALONE[:50], confidence=TWO_SIDED_95)
    assert (result.low, result.high) == pytest.approx((0.781865, 0.966725), abs=1e-6)


@pytest.mark.parametrize(
    ("events", "n", "upper"), [(0, 100, 0.030), (1, 100, 0.047), (2, 200, 0.031), (2, 500, 0.013)]
)
def test_the_exact_upper_bound_of_rare_events(events: int, n: int, upper: float) -> None:
    """The project's statistics note, section 2 (9)."""
    hits = [True] * events + [False] * (n - events)
    assert clopper_pearson(hits, [str(i) for i in range(n)]).high == pytest.approx(upper, abs=5e-4)


def test_the_jackknife_of_a_mean_is_the_t_interval() -> None:
    values = [0.1, 0.5, 0.5, 0.75, 1.0, 0.0, 0.5, 0.25, 0.9, 0.3, 0.6]
    result = mean_interval(values, [str(i) for i in range(11)], bounds=(0, 1), confidence=TWO_SIDED_95)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(
    ("ranking", "expected"), [("BACD", 0.5), ("BCDA", 0.5), ("DCBA", 1.0), ("ABCD", 0.0)]
)
def test_levenshtein_of_four(ranking: str, expected: float) -> None:
    assert levenshtein(ranking, "ABCD") == expected


@pytest.mark.parametrize(("answers", "chance"), [(3, 0.5556), (4, 0.65625), (5, 0.6933)])
def test_a_random_ranking_scores_its_chance_level(answers: int, chance: float) -> None:
    """The project's statistics note, section 2 (3): exact enumeration."""
    gold = "ABCDE"[:answers]
    distances = [levenshtein("".join(order), gold) for order in permutations(gold)]
    assert sum(distances) / len(distances) == pytest.approx(chance, abs=5e-5)


@pytest.mark.parametrize("answers", [2, 3, 4, 5, 6, 7])
def test_the_farthest_ranking_is_the_farthest_of_all(answers: int) -> None:
    gold = "ABCDEFG"[:answers]
    assert farthest(answers) == max(levenshtein("".join(order), gold) for order in permutations(gold))
