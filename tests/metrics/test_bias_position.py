"""Whether where an answer stands decides: the gap between slots, and what noise does not do to it."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge import bias, consistency
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.probes import SWAPPED
from pytest_mllm_judge.statistics import tango
from tests.metrics.bias_worlds import _pair, both, judgement, outcomes, pairs, together
from tests.metrics.figures import FEW
from tests.metrics.probed_worlds import unasked

LOST = None
SAID = st.sampled_from(["A", "B", "tie", LOST])
SETS = 200
ERROR = 2 * (0.05 * 0.95 / SETS) ** 0.5
"""Two standard errors of a share of 5 % in so many sets: 0.031."""


def test_the_gap_is_over_all_pairs_and_a_tie_in_one_order_counts_for_the_slot_of_the_other() -> None:
    """Three to the first slot (A and A; A and a tie), one to the second, three to none: (3 - 1) / 7."""
    rows = [("A", "A"), ("A", "tie"), ("tie", "A"), ("tie", "B"), ("A", "B"), ("B", "A"), ("tie", "tie")]
    estimate = bias.position(both([((one,), (other,)) for one, other in rows]))
    assert estimate.value == pytest.approx(2 / 7)
    assert (estimate.n, estimate.better, estimate.metric) == (7, "neither", "pair.position")
    beside = {each.name: each.value for each in estimate.beside}
    assert beside == {"conflict": pytest.approx(4 / 7), "first": 0.75}


def test_two_verdicts_for_neither_that_differ_conflict_without_a_slot() -> None:
    judgements = both([(("tie",), ("both_bad",)), (("A",), ("B",))])
    estimate = bias.position(judgements)
    assert (estimate.value, [each.value for each in estimate.beside]) == (0.0, [0.5])


def test_the_interval_is_tango_s_on_the_trinomial() -> None:
    rows = [("A", "A")] * 9 + [("B", "B")] * 4 + [("A", "B")] * 60
    estimate = bias.position(both([((one,), (other,)) for one, other in rows]))
    assert (estimate.low, estimate.high) == pytest.approx(tango(9, 4, 73))
    assert estimate.counted.method == "tango"


def test_the_two_orders_are_as_far_from_alike_as_consistency_says() -> None:
    judgements = pairs(np.random.default_rng(3), 80, slot=0.2, both=True)
    conflict = next(each for each in bias.position(judgements).beside if each.name == "conflict")
    alike = consistency.orders(judgements)
    assert conflict.value == pytest.approx(1 - (alike.value or 0))
    assert conflict.low == pytest.approx(1 - (alike.high or 0))


def test_a_judge_that_is_turned_round_has_the_opposite_gap() -> None:
    judgements = pairs(np.random.default_rng(4), 60, slot=0.3, both=True)
    other = {"A": "B", "B": "A"}
    turned = judgements.like_these(
        one.model_copy(update={"verdict": other[str(one.verdict)]}) for one in judgements
    )
    one, two = bias.position(judgements), bias.position(turned)
    assert two.value == pytest.approx(-(one.value or 0))
    assert two.low == pytest.approx(-(one.high or 0))


def test_a_problem_in_either_order_counts_against_either_bound() -> None:
    """Of 20 pairs one lacks an order; with A in the other it is none or the first, with none it is any."""
    rows = [((one,), (other,)) for one, other in [("A", "B"), ("B", "A")] * 9]
    estimate = bias.position(both([*rows, (("A",), (LOST,)), ((LOST,), (LOST,))]))
    assert estimate.problems == {"refused": 2}
    assert estimate.value == pytest.approx(-1 / 20)
    assert estimate.upper is not None
    assert estimate.upper.value == pytest.approx(2 / 20)
    assert estimate.without is not None
    assert (estimate.without.value, estimate.without.n) == (0.0, 18)


def test_a_judge_can_t_hide_a_gap_by_refusing_the_second_order() -> None:
    rows = [(("A",), ("A",))] * 30 + [(("A",), ("B",))] * 70
    open_ = bias.position(both(rows))
    silent = bias.position(both([*[(("A",), (LOST,))] * 30, *rows[30:]]))
    assert open_.within(0.05).outcome == silent.within(0.05).outcome == "fails"


def test_pairs_asked_in_one_order_only_are_left_out_and_counted() -> None:
    judgements = both([(("A",), ("A",)), (("A",), ("B",))])
    less = judgements.filter(lambda one: not (one.variant == SWAPPED and one.item.id == "p0001"))
    estimate = bias.position(less)
    assert (estimate.value, estimate.n, estimate.unlabelled) == (1.0, 1, 1)
    assert "  left out  1 without the other order" in estimate.lines()


def test_without_any_swapped_pair_it_is_an_error_that_names_the_setting() -> None:
    judgements = both([(("A",), ("A",))]).filter(lambda one: not one.variant)
    with pytest.raises(SettingsError) as told:
        bias.position(judgements)
    assert str(told.value) == ("pair.position needs pairs asked in both orders: say [probes] position = true")


def test_pairs_whose_other_order_nobody_was_asked_are_not_swapped_unless_some_were() -> None:
    made = both([(("A",), ("B",))] * 12)
    none = made.like_these(unasked(one) if one.variant else one for one in made)
    for figure, name in ((bias.position, "pair.position"), (consistency.orders, "consistency.orders")):
        with pytest.raises(SettingsError) as told:
            figure(none)
        assert str(told.value) == f"{name} needs pairs asked in both orders: say [probes] position = true"
        some = [unasked(one) if one.variant and one.item.id != "p0000" else one for one in made]
        assert figure(made.like_these(some)).problems == {"not_asked": 11}


def test_of_no_judgement_there_is_no_figure() -> None:
    estimate = bias.position(both([]))
    assert (estimate.value, estimate.counted.reason) == (None, "there is no judgement here")


def test_repeats_of_a_pair_count_as_one_pair_by_their_mean() -> None:
    rows = [(("A", "A"), ("A", "B")), (("A", "B"), ("B", "A"))] * 10
    estimate = bias.position(both(rows))
    assert estimate.value == pytest.approx(1 / 4)
    assert (estimate.n, estimate.clusters, estimate.repeats) == (40, 20, 2)
    assert estimate.counted.method == "jackknife-t, half a pseudo-pair"


def test_pairs_about_one_picture_are_not_independent() -> None:
    rows = [((said,), (said,)) for said in "AAAAABBBBB" for _ in range(4)] + [(("A",), ("B",))] * 40
    alone, together_ = (bias.position(both(rows, per_cluster=size)) for size in (1, 4))
    assert together_.value == alone.value
    assert (together_.high or 0) - (together_.low or 0) > 1.5 * ((alone.high or 0) - (alone.low or 0))


def test_a_difference_tells_the_pairs_that_a_slot_led_one_judge_to() -> None:
    old = both([(("A",), ("B",))] * 40)
    new = both([(("A",), ("A",))] * 12 + [(("A",), ("B",))] * 28)
    difference = bias.position(new) - bias.position(old)
    assert difference.value == pytest.approx(0.3)
    assert difference.examples[0] == "p0000 chose the first slot, where the other chose the same answer"
    assert difference.wrong == 12
    assert difference.within(0.05).outcome == "fails"


def test_a_judge_less_itself_is_no_different() -> None:
    one = bias.position(pairs(np.random.default_rng(5), 150, slot=0.2, both=True))
    difference = one - one
    assert difference.value == 0
    assert difference.within(0.1).outcome == "holds"  # 2 z^2 / (150 + z^2) = 0.035


def test_a_fair_judge_however_noisy_is_not_called_biased() -> None:
    """200 sets of 100 pairs; two asks of a pair differ in 15 %. It fails in 0 to 5 % + 0.031."""
    found = outcomes(bias.position, lambda rng: pairs(rng, 100, both=True), margin=0.05, sets=SETS)
    assert found["fails"] <= 0.05 + ERROR


def test_a_gap_at_the_margin_is_seldom_shown_to_be_none() -> None:
    """With probability .1 the first slot is taken in each order, which is a gap of .1."""
    found = outcomes(bias.position, lambda rng: pairs(rng, 100, slot=0.1, both=True), margin=0.1, sets=SETS)
    assert found["holds"] <= 0.05 + ERROR
    assert found["fails"] <= 0.05 + ERROR


def test_a_gap_of_three_margins_is_found() -> None:
    """Of 30 sets of 500 pairs 90 % or more, less two standard errors."""
    found = outcomes(bias.position, lambda rng: pairs(rng, 500, slot=0.15, both=True), margin=0.05, sets=60)
    assert found["holds"] == 0
    assert found["fails"] >= 0.9 - 2 * (0.9 * 0.1 / 30) ** 0.5


def test_a_taste_for_long_answers_or_its_own_raises_no_alarm() -> None:
    for fault in ({"longer": 0.3}, {"own": 0.3}):
        found = outcomes(
            bias.position,
            lambda rng, fault=fault: pairs(rng, 100, both=True, **fault),  # type: ignore[misc]
            margin=0.05,
            sets=60,
        )
        assert found["fails"] <= 0.05 + 2 * (0.05 * 0.95 / 60) ** 0.5


def test_the_interval_covers_the_gap_with_repeats_and_clusters() -> None:
    """200 sets of 60 pairs in 20 clusters, asked twice: 90 % two-sided, less two standard errors."""
    rng = np.random.default_rng(8)
    inside = 0
    for _ in range(200):
        estimate = bias.position(pairs(rng, 60, slot=0.2, both=True, repeats=2, per_cluster=3))
        assert estimate.low is not None
        assert estimate.high is not None
        inside += estimate.low <= 0.2 <= estimate.high
    assert inside / 200 >= 0.9 - 2 * stats.binom.std(200, 0.9) / 200


@FEW
@given(rows=st.lists(st.tuples(SAID, SAID), min_size=1, max_size=25), seed=st.integers(0, 99))
def test_the_order_of_judgements_changes_nothing_and_the_interval_holds_the_figure(
    rows: list[tuple[str | None, str | None]], seed: int
) -> None:
    judgements = both([((one,), (other,)) for one, other in rows])
    mixed = judgements.like_these(random.Random(seed).sample(list(judgements), len(judgements)))
    one, other = bias.position(judgements), bias.position(mixed)
    assert (one.value, one.low, one.high) == (other.value, other.low, other.high)
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert -1 <= one.low <= one.value <= one.high <= 1
    assert one.upper is None or one.value <= (one.upper.value or 0)


def test_a_pair_s_own_item_is_not_altered() -> None:
    item = _pair(0, (40, "gpt-4v"), (80, "llava-1.5"), "A")
    judgements = together([judgement(item, "A"), judgement(item, "A", SWAPPED)])
    bias.position(judgements)
    assert [one.fields for one in judgements] == [{}, {}]
