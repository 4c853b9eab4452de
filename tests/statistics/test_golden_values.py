"""Shares, rates, means, correlations and rankings against published or independently computed values."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge.statistics import (
    clopper_pearson,
    farthest,
    interval_of,
    kendall,
    levenshtein,
    mean_figure,
    mean_interval,
    mean_sums,
    pearson,
    wilson,
)
from tests.statistics.golden import ALONE, HUMAN, JUDGE, TWO_SIDED_95
from tests.statistics.random_tables import FEW


def test_pearson_and_its_jackknife_interval_on_the_golden_table() -> None:
    """Scipy's pearsonr; the interval by leaving out each item in a loop, arctanh scale, t(99)."""
    result = pearson(JUDGE, HUMAN, ALONE, confidence=TWO_SIDED_95)
    assert result.value == pytest.approx(0.7177438118, abs=1e-10)
    assert result.value == pytest.approx(stats.pearsonr(HUMAN, JUDGE).statistic, abs=1e-12)
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
    ("n", "uppers"),
    [(100, (0.030, 0.047, 0.062)), (200, (0.015, 0.023, 0.031)), (500, (0.006, 0.009, 0.013))],
)
def test_the_exact_upper_bound_of_no_one_and_two_events(n: int, uppers: tuple[float, ...]) -> None:
    """scipy.stats.binomtest(events, n, alternative="less").proportion_ci(.95).high; .05^(1/n) for none."""
    names = [str(i) for i in range(n)]
    found = [clopper_pearson([True] * k + [False] * (n - k), names).high for k in range(3)]
    assert found == pytest.approx(uppers, abs=5e-4)
    assert found[0] == pytest.approx(1 - 0.05 ** (1 / n), abs=1e-12)
    exact = [stats.binomtest(k, n, alternative="less").proportion_ci(0.95).high for k in range(3)]
    assert found == pytest.approx(exact, abs=1e-9)


def test_the_jackknife_of_a_mean_is_the_t_interval() -> None:
    """Its standard error is s / sqrt(n) exactly (Tukey 1958)."""
    values = [0.1, 0.5, 0.5, 0.75, 1.0, 0.0, 0.5, 0.25, 0.9, 0.3, 0.6]
    names = [str(i) for i in range(11)]
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    for result in (
        mean_interval(values, names, bounds=(0, 1), confidence=TWO_SIDED_95),
        interval_of(mean_figure((0, 1)), mean_sums(values, names), n=11, confidence=TWO_SIDED_95),
    ):
        assert (result.low, result.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize(
    ("ranking", "expected"), [("BACD", 0.5), ("BCDA", 0.5), ("DCBA", 1.0), ("ABCD", 0.0)]
)
def test_levenshtein_of_four(ranking: str, expected: float) -> None:
    """By hand: two edits, two edits (take the A away, put it behind), four edits; of four letters."""
    assert levenshtein(ranking, "ABCD") == expected


@pytest.mark.parametrize(("answers", "chance"), [(3, 0.5556), (4, 0.65625), (5, 0.6933)])
def test_a_random_ranking_scores_its_chance_level(answers: int, chance: float) -> None:
    """By enumeration, with the textbook's distance and with ours."""
    gold = "ABCDE"[:answers]
    orders = ["".join(order) for order in permutations(gold)]
    for distance in (levenshtein, textbook):
        distances = [distance(order, gold) for order in orders]
        assert sum(distances) / len(distances) == pytest.approx(chance, abs=5e-5)


@pytest.mark.parametrize(
    ("answers", "values"), [(2, {0.0, 1.0}), (3, {0.0, 2 / 3}), (4, {0.0, 0.5, 0.75, 1.0})]
)
def test_rankings_of_few_answers_have_few_distances(answers: int, values: set[float]) -> None:
    gold = "ABCD"[:answers]
    found = sorted({levenshtein("".join(order), gold) for order in permutations(gold)})
    assert found == pytest.approx(sorted(values))


@FEW
@given(st.integers(2, 7).flatmap(lambda k: st.tuples(*[st.permutations("ABCDEFG"[:k])] * 2)))
def test_rankings_of_any_length_as_the_textbook_and_scipy_have_them(
    rankings: tuple[list[str], list[str]],
) -> None:
    judge, human = map("".join, rankings)
    assert levenshtein(judge, human) == pytest.approx(textbook(judge, human), abs=1e-12)
    places = [[ranking.index(letter) for letter in sorted(human)] for ranking in (judge, human)]
    assert kendall(judge, human) == pytest.approx(stats.kendalltau(*places).statistic, abs=1e-12)


def textbook(judge: str, human: str) -> float:
    """Edits over the longer length, row by row (Wagner & Fischer 1974)."""
    row = list(range(len(human) + 1))
    for i, left in enumerate(judge, 1):
        above, row = row, [i]
        for j, right in enumerate(human, 1):
            row.append(min(row[-1] + 1, above[j] + 1, above[j - 1] + (left != right)))
    return row[-1] / max(len(judge), len(human))


@pytest.mark.parametrize("answers", [2, 3, 4, 5, 6, 7])
def test_the_farthest_ranking_is_the_farthest_of_all(answers: int) -> None:
    gold = "ABCDEFG"[:answers]
    assert farthest(answers) == max(levenshtein("".join(order), gold) for order in permutations(gold))
