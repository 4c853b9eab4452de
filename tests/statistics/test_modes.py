"""How often the commonest of several answers comes up by chance."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest

from pytest_mllm_judge.statistics.modes import majority_by_chance, modal_share_by_chance


@pytest.mark.parametrize(
    ("times", "share"), [(1, 1), (2, 3 / 9), (3, 21 / 27), (4, 27 / 81), (5, 153 / 243), (6, 219 / 729)]
)
def test_three_verdicts_at_random_reach_a_majority_this_often(times: int, share: float) -> None:
    """Counted by hand: 3 times the sum over k > T/2 of C(T, k) 2^(T - k), of 3^T."""
    assert majority_by_chance(3, times) == pytest.approx(share)


@pytest.mark.parametrize(("options", "times"), [(2, 5), (3, 6), (5, 4), (7, 3), (1, 4)])
def test_both_are_what_all_answers_in_every_order_come_to(options: int, times: int) -> None:
    most = [max(Counter(said).values()) for said in itertools.product(range(options), repeat=times)]
    assert modal_share_by_chance(options, times) == pytest.approx(sum(most) / len(most) / times)
    share = sum(2 * many > times for many in most) / len(most)
    assert majority_by_chance(options, times) == pytest.approx(share)


def test_of_very_many_answers_none_is_ever_the_same() -> None:
    """All orders of ten answers are 3,628,800."""
    assert modal_share_by_chance(3_628_800, 6) == pytest.approx(1 / 6, abs=1e-5)
    assert majority_by_chance(3_628_800, 6) == pytest.approx(0, abs=1e-12)


def test_asked_very_often_the_commonest_has_its_own_share() -> None:
    assert 0.25 < modal_share_by_chance(4, 400) < 0.3


@pytest.mark.parametrize("figure", [majority_by_chance, modal_share_by_chance])
def test_no_answer_and_no_ask_are_errors(figure: object) -> None:
    assert callable(figure)
    for options, times in ((0, 3), (3, 0)):
        with pytest.raises(ValueError) as told:
            figure(options, times)
        assert str(told.value) == (
            f"need one answer and one ask or more, got {options} answers and {times} asks"
        )
