"""The paper's consistency over repeats: a majority in more than half of them, and the commonest's share."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements, consistency
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.statistics import tango
from tests.metrics.asked_often import LOST, asked, judgement, together
from tests.metrics.figures import FEW

BOTH = [consistency.majority, consistency.majority_share]
NAMES = ["consistency.majority", "consistency.majority_share"]


def test_a_majority_is_more_than_half_of_the_repeats_not_half() -> None:
    """The paper's six repeats: 4 of 6 is a majority, 3 of 6 is none."""
    rows = ["AAAABB", "AAABBB", "AAABBt", "tttttt"]
    estimate = consistency.majority(asked([tuple(row.replace("t", "T")) for row in rows]))
    assert estimate.value == 0.5
    assert (estimate.n, estimate.items, estimate.repeats, estimate.better) == (24, 4, 6, "higher")


def test_the_mean_share_is_that_of_each_item_s_commonest_verdict() -> None:
    rows = [tuple("AAAABB"), tuple("AAABBB"), tuple("AABBTT"), tuple("TTTTTT")]
    assert consistency.majority_share(asked(rows)).value == pytest.approx((4 + 3 + 2 + 6) / 24)


def test_a_problem_is_no_verdict_and_still_an_ask() -> None:
    rows = [("A", "A", LOST), ("A", LOST, LOST), (LOST, LOST, LOST), ("A", "A", "A")]
    whole, share = (check(asked(rows)) for check in BOTH)
    assert whole.value == 0.5
    assert share.value == pytest.approx((2 + 1 + 0 + 3) / 12)
    assert whole.problems == share.problems == {"refused": 6}
    for estimate in (whole, share):
        assert estimate.without is not None
        assert (estimate.without.value, estimate.without.clusters) == (1.0, 1)


def test_the_figure_without_problems_is_that_of_items_without_any() -> None:
    """Fewer asks of an item would be another figure."""
    rows = [("A", "A", LOST)] * 30 + [("A", "A", "B")] * 20 + [("A", "B", "T")] * 10
    estimate = consistency.majority(asked(rows))
    assert estimate.without is not None
    assert estimate.without.value == pytest.approx(20 / 30)
    assert estimate.without.n == 90
    none = consistency.majority(asked([("A", "A", LOST)] * 30))
    assert none.without is not None
    assert (none.without.value, none.without.reason) == (None, "no item has 3 verdicts")


def test_the_share_of_items_has_wilson_s_interval() -> None:
    estimate = consistency.majority(asked([("A", "A", "B")] * 43 + [("A", "T", "B")] * 17))
    wilson = import_module("statsmodels.stats.proportion").proportion_confint
    assert (estimate.low, estimate.high) == pytest.approx(wilson(43, 60, alpha=0.1, method="wilson"))
    assert estimate.explain() == (
        "consistency.majority\n"
        "  seen      0.717  (90 % interval 0.613 to 0.801; 180 judgements, 60 clusters; wilson)\n"
        "  random    0.778  (any verdict at random, asked 3 times)\n"
        "  first     p043 chose A, then T, then B · p044 chose A, then T, then B · p045 chose A, then T, "
        "then B · 14 more"
    )


def test_items_of_one_picture_are_not_counted_as_independent() -> None:
    rows = [("A", "A")] * 40 + [("A", "B")] * 40
    alone, gathered = (consistency.majority(asked(rows, per_cluster=size)) for size in (1, 4))
    assert gathered.counted.method == "wilson, effective n"
    assert gathered.low < alone.low  # type: ignore[operator]


def test_the_mean_share_has_the_interval_of_repeats() -> None:
    rng = np.random.default_rng(2)
    rows = [tuple(rng.choice(["A", "B", "tie"], 6, p=[0.6, 0.2, 0.2])) for _ in range(60)]
    estimate = consistency.majority_share(asked(rows))
    assert estimate.counted.method == "jackknife-t, logit"
    assert estimate.low < estimate.value < estimate.high  # type: ignore[operator]
    steady = consistency.majority_share(asked([("A",) * 6] * 40))
    assert steady.counted.method == "few clusters differ, exact"
    assert [steady.low, steady.high] == pytest.approx([0.05 ** (1 / 40), 1.0])


def random_of(estimate: Estimate) -> float:
    (beside,) = [each for each in estimate.beside if each.name == "random"]
    assert beside.value is not None
    return beside.value


def test_a_judge_at_random_comes_to_what_stands_beside() -> None:
    """2,000 pairs, six asks at random over A, B and tie; each share's standard error is below .0112."""
    rng = np.random.default_rng(7)
    rows = [tuple(row) for row in rng.choice(["A", "B", "tie"], (2000, 6)).tolist()]
    for check in BOTH:
        estimate = check(asked(rows))
        assert estimate.value == pytest.approx(random_of(estimate), abs=4 * 0.0112)
    assert random_of(consistency.majority(asked(rows[:2]))) == pytest.approx(219 / 729)


def test_chance_knows_how_many_verdicts_an_item_allows() -> None:
    responses = [{"text": letter} for letter in "ABCD"]
    table = {"looks": 1, "reads": 1}
    made = {
        "score": ({"responses": responses[:1]}, 3, 5),
        "pair": ({"responses": responses[:2]}, "A", 3),
        "batch": ({"responses": responses}, "ABCD", 24),
    }
    for task, (settings, verdict, options) in made.items():
        found = [
            _said(Item.model_validate({"id": "i", "task": task, **settings}), verdict, n) for n in (0, 1)
        ]
        assert random_of(consistency.majority(together_of(found))) == pytest.approx(1 / options)
    scored = Item.model_validate({"id": "i", "task": "score", "responses": responses[:1], "human": table})
    found = [_said(scored, table, repeat) for repeat in (0, 1)]
    assert random_of(consistency.majority(together_of(found))) == pytest.approx(1 / 25)


def _said(item: Item, verdict: object, repeat: int) -> Judgement:
    return Judgement.model_validate({"item": item, "judge": "j", "repeat": repeat, "verdict": verdict})


def together_of(found: Sequence[Judgement]) -> Judgements:
    return Judgements(found, cluster_of=lambda item: item.id, tasks=Tasks())


def test_items_asked_more_often_are_read_on_as_many_asks_as_the_others() -> None:
    rows = [("A", "B", "B", "B"), ("A", "A", "B")]
    estimate = consistency.majority_share(asked(rows))
    assert estimate.value == pytest.approx(2 / 3)
    assert (estimate.n, estimate.repeats) == (6, 3)
    assert "  left out  1 without a place among the first 3 asks of their item" in estimate.lines()


@pytest.mark.parametrize("name", NAMES)
def test_items_asked_once_are_an_error_that_says_what_to_declare(name: str) -> None:
    check = CHECKS[name]
    with pytest.raises(SettingsError) as told:
        check(asked([("A",), ("B",)]))
    assert str(told.value) == f"{name} needs every item asked twice or more: say [probes] repeat = 2"
    assert check(asked([])).counted.reason == "there is no judgement here"


def test_the_difference_of_shares_is_tango_s() -> None:
    new = asked([("A", "A")] * 4 + [("A", "B")] * 9 + [("A", "A")] * 67)
    old = asked([("A", "B")] * 4 + [("B", "B")] * 9 + [("B", "B")] * 67)
    difference = consistency.majority(new) - consistency.majority(old)
    assert (difference.low, difference.high) == pytest.approx(tango(4, 9, 80))
    assert (difference.counted.method, difference.wrong) == ("tango", 9)
    assert difference.examples[0] == "p004 chose A, then B, where the other's answers agree more"


def test_judges_asked_other_numbers_of_times_are_compared_on_the_asks_of_both() -> None:
    """Two verdicts at random have a majority in .33 of items asked twice, and in .78 asked three times."""
    rng = np.random.default_rng(3)
    three, two = (
        [tuple(row) for row in rng.choice(["A", "B", "tie"], (300, asks)).tolist()] for asks in (3, 2)
    )
    new, old = consistency.majority(asked(three)), consistency.majority(asked(two))
    assert (new - new).value == 0.0
    difference = new - old
    again = consistency.majority(asked([row[:2] for row in three]))
    assert difference.value == pytest.approx((again.value or 0.0) - (old.value or 0.0))
    assert difference.value != pytest.approx((new.value or 0.0) - (old.value or 0.0), abs=0.2)
    assert [f"{each.name}: {each.about}" for each in difference.beside] == [
        "this: on 2 of its 3 asks of each item",
        "other: on 2 of its 2 asks of each item",
    ]
    assert [each.value for each in difference.beside] == [again.value, old.value]
    assert difference.unpaired == 300
    assert not (new - new).beside


def test_items_without_enough_asks_in_common_are_left_out() -> None:
    new = together([judgement(number, repeat, "A") for number in range(40) for repeat in (0, 1)])
    later = together([judgement(number, repeat, "A") for number in range(40) for repeat in (1, 2)])
    difference = consistency.majority(new) - consistency.majority(later)
    assert (difference.value, difference.counted.reason) == (
        None,
        "no item has 2 asks that both judges have",
    )
    assert (difference >= -0.05).outcome == "undecided"


def test_slices_are_averaged_with_their_chance() -> None:
    rows = [("A", "A"), ("A", "B"), ("A", "A"), ("A", "A")] * 15
    estimate = consistency.majority(asked(rows), by="source")
    assert estimate.value == 0.75
    assert random_of(estimate) == pytest.approx(1 / 3)
    assert (estimate - estimate).value == 0.0


def test_fixed_items_have_the_interval_of_a_sample() -> None:
    rows = [("A", "B", "A"), ("B", "T", "A")] * 20
    for check in BOTH:
        assert check(asked(rows, population="fixed")).counted == check(asked(rows)).counted


def test_both_are_declared_with_the_margin_of_repeats() -> None:
    for name in NAMES:
        assert CHECKS[name].margin == CHECKS["consistency.repeats"].margin


VERDICT = st.sampled_from(["A", "B", "tie", LOST])
THRICE = st.lists(st.tuples(VERDICT, VERDICT, VERDICT), min_size=12, max_size=24)


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(first=THRICE, second=THRICE, place=st.integers(0, 11))
def test_signs_flip_and_problems_never_help(
    name: str, first: list[tuple[str, str, str]], second: list[tuple[str, str, str]], place: int
) -> None:
    check = CHECKS[name]
    size = min(len(first), len(second))
    ours, theirs = (check(asked(rows[:size])) for rows in (first, second))
    there, back = ours - theirs, theirs - ours
    assert there.value == pytest.approx(-(back.value or 0.0))
    assert there.low == pytest.approx(-(back.high or 0.0))
    worse = [*first[:place], (LOST, *first[place][1:]), *first[place + 1 :]]
    assert (check(asked(worse[:size])).value or 0.0) <= (ours.value or 0.0) + 1e-12
