"""Whether asking again, or in the other order, gives the same answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge import Estimate, Item, Judgement, consistency
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.consistency.again import share_of_ask
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Verdict
from pytest_mllm_judge.statistics import tango
from tests.metrics.asked_often import LOST, asked, both, judgement, together
from tests.metrics.figures import FEW

# Repeats


def test_of_each_item_the_share_of_its_pairs_of_repeats_counts() -> None:
    """3 of 3 pairs of AAA agree, 1 of AAB, none of AB and a tie: (1 + 1/3 + 0) / 3."""
    estimate = consistency.repeats(asked([("A", "A", "A"), ("A", "B", "A"), ("A", "B", "tie")]))
    assert estimate.value == pytest.approx(4 / 9)
    assert (estimate.n, estimate.items, estimate.repeats, estimate.better) == (9, 3, 3, "higher")


def test_an_item_weighs_the_same_however_often_it_was_asked() -> None:
    """1 of 6 pairs of AABt agrees, and the one of BB."""
    assert consistency.repeats(asked([("A", "A", "B", "tie"), ("B", "B")])).value == pytest.approx(7 / 12)


@pytest.mark.parametrize("repeats", [2, 3, 5])
def test_the_mean_is_the_true_probability_for_any_number_of_repeats(repeats: int) -> None:
    """1,000 items each with its own chance p of saying B agree with probability p p + (1 - p)(1 - p).

    The standard error of the mean over 10 sets of such items is at most sqrt(1 / 4 / 10,000) = 0.005.
    """
    rng = np.random.default_rng(5)
    means = []
    for _ in range(10):
        chances = np.tile([0.05, 0.2, 0.35, 0.5], 250)
        said = rng.random((1000, repeats)) < chances[:, None]
        found = share_of_ask(rows_of(said))
        means.append(found.mean())
    p = np.array([0.05, 0.2, 0.35, 0.5])
    assert np.mean(means) == pytest.approx(float(np.mean(p**2 + (1 - p) ** 2)), abs=4 * 0.005)


def rows_of(said: npt.NDArray[np.bool_]) -> Rows:
    """Rows without the slowness of real judgements."""
    items = [Item.model_construct(id=f"{number}", task="pair", responses=()) for number in range(len(said))]
    found = [
        Judgement.model_construct(item=each, judge="j", repeat=repeat)
        for each in items
        for repeat in range(said.shape[1])
    ]
    return Rows(
        judgements=found,
        human=[None] * len(found),
        verdict=["B" if each else "A" for each in said.ravel()],
        clusters=np.repeat(np.arange(len(said)), said.shape[1]),
        slices=np.zeros(len(found), dtype=np.intp),
        annotators=[0] * len(found),
    )


def test_a_problem_agrees_with_nothing_not_even_with_another_problem() -> None:
    estimate = consistency.repeats(
        asked([("A", LOST, LOST), (LOST, LOST, LOST), ("A", "A", LOST), ("B",) * 3])
    )
    assert estimate.value == pytest.approx((0 + 0 + 1 / 3 + 1) / 4)
    assert estimate.problems == {"refused": 6}
    assert estimate.without is not None
    assert estimate.without.value == 1.0  # of AA and BBB; an answer alone has nothing to agree with


def test_a_verdict_on_several_criteria_agrees_if_all_of_it_does() -> None:
    table: dict[str, int] = {"looks": 2, "reads": 3}
    turned_about = {"reads": 3, "looks": 2}
    one = consistency.repeats(asked([(table, turned_about), (table, {**table, "looks": 1})]))  # type: ignore[list-item]
    assert one.value == 0.5


def test_part_of_a_verdict_is_a_problem() -> None:
    part = judgement(0, 1, "A").model_copy(update={"verdict": {"looks": 2}, "problem": "malformed"})
    whole = judgement(0, 0, "A").model_copy(update={"verdict": {"looks": 2}})
    assert consistency.repeats(together([whole, part])).value == 0.0


def test_items_asked_once_are_an_error_that_says_what_to_declare() -> None:
    for rows in ([("A",)], [("A", "A"), ("B",)]):
        with pytest.raises(SettingsError) as told:
            consistency.repeats(asked(rows))
        assert str(told.value) == (
            "consistency.repeats needs every item asked twice or more: say [probes] repeat = 2"
        )


def test_of_no_judgement_there_is_no_figure() -> None:
    for check in (consistency.repeats, consistency.orders):
        estimate = check(asked([]))
        assert (estimate.value, estimate.counted.reason) == (None, "there is no judgement here")


def test_swapped_pairs_are_no_repeats() -> None:
    judgements = both([(("A", "A"), ("B", "A"))])
    assert consistency.repeats(judgements).value == 1.0


def test_the_interval_is_the_jackknife_over_clusters_on_the_logit_scale() -> None:
    """Written out again from Wolter 2007: the mean without each cluster, and t with G - 1 degrees."""
    rng = np.random.default_rng(2)
    rows = [tuple(rng.choice(["A", "B"], 3, p=[0.85, 0.15])) for _ in range(60)]
    estimate = consistency.repeats(asked(rows, per_cluster=3))
    shares = np.array([sum(row[a] == row[b] for a, b in ((0, 1), (0, 2), (1, 2))) / 3 for row in rows])
    groups = shares.reshape(20, 3)
    without = (shares.sum() - groups.sum(axis=1)) / 57
    logits = np.log(without / (1 - without))
    error = np.sqrt(19 / 20 * ((logits - logits.mean()) ** 2).sum())
    centre = np.log(shares.mean() / (1 - shares.mean()))
    reach = stats.t.ppf(0.95, 19) * error
    expected = [1 / (1 + np.exp(-(centre + sign * reach))) for sign in (-1, 1)]
    assert [estimate.low, estimate.high] == pytest.approx(expected, abs=1e-9)
    assert (estimate.clusters, estimate.counted.method) == (20, "jackknife-t, logit")


@pytest.mark.parametrize("apart", [0, 1, 4])
def test_where_few_clusters_differ_the_bounds_are_exact(apart: int) -> None:
    """As scipy's binomtest has them: the jackknife knows nothing of what was hardly seen."""
    rows = [("A", "B", "tie")] * apart + [("A", "A", "A")] * (40 - apart)
    estimate = consistency.repeats(asked(rows))
    exact = stats.binomtest(40 - apart, 40).proportion_ci(0.9, method="exact")
    low, high = exact if apart else (0.05 ** (1 / 40), 1.0)
    assert estimate.value == pytest.approx(1 - apart / 40)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=1e-8)
    assert estimate.counted.method == "few clusters differ, exact"


def test_a_judge_that_is_never_steady_has_exact_bounds_too() -> None:
    estimate = consistency.repeats(asked([("A", "B")] * 40))
    assert (estimate.value, estimate.low) == (0.0, 0.0)
    assert estimate.high == pytest.approx(1 - 0.05 ** (1 / 40))


def test_the_difference_of_two_asks_each_is_tango_s() -> None:
    """Of 80 items 4 are steady with the new judge alone, and 9 with the old one alone."""
    new = asked([("A", "A")] * 4 + [("A", "B")] * 9 + [("A", "A")] * 67)
    old = asked([("A", "B")] * 4 + [("B", "B")] * 9 + [("B", "B")] * 67)
    difference = consistency.repeats(new) - consistency.repeats(old)
    assert difference.value == pytest.approx(-5 / 80)
    assert (difference.low, difference.high) == pytest.approx(tango(4, 9, 80))
    assert (difference.counted.method, difference.n, difference.items) == ("tango", 80, 80)


def test_the_difference_of_more_asks_is_the_guarded_jackknife_of_the_items_shares() -> None:
    new = asked([("A", "A", "B"), ("A", "A", "A"), ("A", "B", "tie")] * 20)
    old = asked([("A", "A", "A"), ("A", "A", "B"), ("A", "A", "A")] * 20)
    difference = consistency.repeats(new) - consistency.repeats(old)
    assert difference.value == pytest.approx((-2 / 3 + 2 / 3 - 1) / 3)
    assert difference.counted.method == "jackknife-t, half a pseudo-pair"
    assert (difference >= -0.15).outcome == "fails"


def test_a_judge_is_as_steady_as_itself_from_fifty_two_items_on() -> None:
    for items, outcome in ((52, "holds"), (51, "undecided")):
        one = consistency.repeats(
            asked([("A", "B", "A"), ("B", "B", "B")] * (items // 2) + [("A",) * 3] * (items % 2))
        )
        assert ((one - one) >= -0.05).outcome == outcome


def test_other_verdicts_that_are_as_steady_make_no_difference() -> None:
    new, old = asked([("A", "A"), ("A", "B")] * 30), asked([("B", "B"), ("tie", "A")] * 30)
    difference = consistency.repeats(new) - consistency.repeats(old)
    assert (difference.value, (difference >= -0.05).outcome) == (0.0, "holds")
    assert difference.wrong == 0


def test_more_repeats_are_never_said_to_settle_it() -> None:
    """How often repeats agree is what is measured; nobody knows how that itself varies."""
    new = asked([("A", "B", "A"), ("B", "B", "B")] * 20)
    old = asked([("A", "A", "A"), ("B", "B", "A")] * 20)
    estimate = consistency.repeats(new)
    assert (estimate >= estimate.value).repeats_to_settle() is None  # type: ignore[operator]
    difference = estimate - consistency.repeats(old)
    assert difference.noise is None


def test_fixed_items_have_the_interval_of_a_sample() -> None:
    rows = [("A", "B", "A"), ("B", "B", "B")] * 20
    sampled, fixed = consistency.repeats(asked(rows)), consistency.repeats(asked(rows, population="fixed"))
    assert fixed.counted == sampled.counted


def test_problems_of_both_judges_are_left_out_beside_their_difference() -> None:
    new = asked([("A", LOST)] * 20 + [("A", "A")] * 40)
    old = asked([("A", "A")] * 60)
    difference = consistency.repeats(new) - consistency.repeats(old)
    assert difference.value == pytest.approx(-1 / 3)
    assert difference.without is not None
    assert (difference.without.value, difference.without.n) == (0.0, 40)
    gone = consistency.repeats(asked([("A", LOST)] * 60)) - consistency.repeats(old)
    assert gone.without is not None
    assert gone.without.reason == "no item has two verdicts of both judges"


def test_an_estimate_names_what_was_said_and_a_difference_whom_it_is_less_steady_than() -> None:
    new = consistency.repeats(asked([("A", "B", LOST), ("A", "A", "A")] * 20))
    old = consistency.repeats(asked([("A", "A", "A"), ("A", "A", "B")] * 20))
    assert new.examples[0] == "p000 chose A, then B, then refused"
    assert new.wrong == 20
    difference = new - old
    assert difference.examples[0] == (
        "p000 chose A, then B, then refused, where the other's answers agree more"
    )
    assert difference.wrong == 20


def test_slices_are_averaged_and_their_difference_too() -> None:
    rows = [("A", "A"), ("A", "B"), ("A", "A"), ("A", "A")] * 15
    new, old = (consistency.repeats(asked(some), by="source") for some in (rows, rows[::-1]))
    assert (new.value, old.value) == (0.75, 0.75)
    assert {name: part.value for name, part in new.by("source").items()} == {"charts": 1.0, "maps": 0.5}
    assert (new - old).value == pytest.approx(0)


# Orders


def orders_of(rows: Sequence[tuple[Verdict, Verdict]], *, per_cluster: int = 1) -> Estimate:
    return consistency.orders(both([((a,), (b,)) for a, b in rows], per_cluster=per_cluster))


def test_a_swapped_pair_s_letters_mean_the_other_response() -> None:
    """The same answer in both orders is A then B, B then A, or a tie twice."""
    assert [orders_of([(a, b)]).value for a in ("A", "B", "tie") for b in ("A", "B", "tie")] == [
        0, 1, 0, 1, 0, 0, 0, 0, 1,
    ]  # fmt: skip


def test_a_pair_without_a_verdict_in_either_order_is_not_consistent() -> None:
    estimate = orders_of([("A", "B"), (LOST, "A"), ("A", LOST), (LOST, LOST)])
    assert (estimate.value, estimate.problems) == (0.25, {"refused": 3})
    assert estimate.without is not None
    assert (estimate.without.value, estimate.without.n) == (1.0, 1)


def test_the_problem_of_the_swapped_pair_is_named_by_its_own_kind() -> None:
    found = list(both([(("A",), (LOST,))]))
    found[1] = found[1].model_copy(update={"problem": "truncated"})
    assert consistency.orders(together(found)).problems == {"truncated": 1}


def test_the_share_has_wilson_s_interval() -> None:
    estimate = orders_of([("A", "B")] * 43 + [("A", "A")] * 17)
    wilson = import_module("statsmodels.stats.proportion").proportion_confint
    expected = wilson(43, 60, alpha=0.1, method="wilson")
    assert (estimate.low, estimate.high) == pytest.approx(expected)
    assert estimate.explain() == (
        "consistency.orders\n"
        "  seen      0.717  (90 % interval 0.613 to 0.801; 60 judgements; wilson)\n"
        "  first     p043 chose another answer in the other order · p044 chose another answer in the other "
        "order · p045 chose another answer in the other order · 14 more"
    )


def test_the_difference_is_tango_s_whatever_the_verdicts_are() -> None:
    new = orders_of([("A", "B")] * 5 + [("B", "B")] * 12 + [("tie", "tie")] * 63)
    old = orders_of([("A", "A")] * 5 + [("A", "B")] * 12 + [("B", "A")] * 63)
    difference = new - old
    assert difference.value == pytest.approx(-7 / 80)
    assert difference.counted.method == "tango"
    assert (difference.low, difference.high) == pytest.approx(tango(5, 12, 80))
    assert difference.wrong == 12
    assert difference.examples[0] == (
        "p005 chose another answer in the other order, where the other chose the same in both orders"
    )


def test_each_repeat_has_its_own_other_order_and_an_item_is_one_cluster() -> None:
    rows = [(("A", "A"), ("B", "A")), (("A", "A"), ("B", "B"))] * 20
    estimate = consistency.orders(both(rows))
    assert (estimate.value, estimate.n, estimate.clusters, estimate.repeats) == (0.75, 80, 40, 2)


def test_pairs_never_swapped_are_an_error_that_says_what_to_declare() -> None:
    with pytest.raises(SettingsError) as told:
        consistency.orders(asked([("A",), ("B",)]))
    assert str(told.value) == (
        "consistency.orders needs pairs asked in both orders: say [probes] position = true"
    )


def test_pairs_without_the_other_order_are_left_out_and_counted() -> None:
    found = [*both([(("A",), ("B",))] * 20), *(judgement(number, 0, "A") for number in range(30, 33))]
    estimate = consistency.orders(together(found))
    assert (estimate.value, estimate.n, estimate.unlabelled) == (1.0, 20, 3)
    assert "  left out  3 without the other order" in estimate.lines()


# Both


VERDICT = st.sampled_from(["A", "B", "tie", LOST])
TWICE = st.lists(st.tuples(VERDICT, VERDICT), min_size=12, max_size=30)


def measured(check: str, rows: Sequence[tuple[str, str]], order: Sequence[int]) -> Estimate:
    made = asked(rows) if check == "repeats" else both([((a,), (b,)) for a, b in rows])
    shuffled = made.like_these(sorted(made, key=lambda each: order[int(each.item.id[1:]) % len(order)]))
    found: Estimate = getattr(consistency, check)(shuffled)
    return found


@pytest.mark.parametrize("check", ["repeats", "orders"])
@FEW
@given(first=TWICE, second=TWICE, order=st.permutations(range(7)))
def test_neither_the_order_of_items_nor_whom_is_subtracted_from_whom_matters(
    check: str, first: list[tuple[str, str]], second: list[tuple[str, str]], order: list[int]
) -> None:
    size = min(len(first), len(second))
    ours, theirs = (measured(check, rows[:size], range(7)) for rows in (first, second))
    assert measured(check, first[:size], order).counted == ours.counted
    there, back = ours - theirs, theirs - ours
    assert there.value == pytest.approx(-(back.value or 0.0))
    assert there.low == pytest.approx(-(back.high or 0.0))


@pytest.mark.parametrize("check", ["repeats", "orders"])
@FEW
@given(rows=TWICE, place=st.integers(0, 11), side=st.integers(0, 1))
def test_turning_a_verdict_into_a_problem_never_helps(
    check: str, rows: list[tuple[str, str]], place: int, side: int
) -> None:
    worse = list(rows)
    worse[place] = (LOST, rows[place][1]) if side == 0 else (rows[place][0], LOST)
    before, after = measured(check, rows, range(7)), measured(check, worse, range(7))
    assert (after.value or 0) <= (before.value or 0)


def test_estimates_of_other_readings_are_not_subtracted() -> None:
    one = consistency.repeats(asked([("A", "A")] * 20))
    other = consistency.repeats(asked([("A", "A")] * 20), by="source")
    with pytest.raises(TypeError, match="read with"):
        _ = one - other
    assert replace(one, metric="x").metric == "x"
