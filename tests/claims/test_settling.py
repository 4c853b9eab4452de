"""How many items, or repeats of each, would settle an undecided claim."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_mllm_judge.claims import Claim, Estimate
from pytest_mllm_judge.statistics import Interval
from tests.claims.made import SIDES, estimate, estimates, interval, line, made


@pytest.mark.parametrize(
    ("claim", "items"),
    [
        # (.1 / .05) ** 2 = 4 times 100
        (estimate() >= 0.65, 400),
        (estimate() >= 0.75, 400),
        (estimate() <= 0.65, 400),
        (estimate() <= 0.75, 400),
        (estimate(0.0, -0.1, 0.1).within(0.05), 400),
        (estimate(0.1, 0.0, 0.2).within(0.05), 400),
        (estimate(-0.1, -0.2, 0.0).within(0.05), 400),
        # the far bound is the one in the way: (.14 / .07) ** 2, while the near one is there: (.03 / .03) ** 2
        (estimate(0.02, -0.12, 0.05).within(0.05), 400),
        # 300 judgements are 100 items asked 3 times
        (estimate(n=300, repeats=3) >= 0.65, 400),
        # a claim that is decided would have been so with (.1 / .2) ** 2 of the items
        (estimate() >= 0.5, 25),
    ],
)
def test_the_interval_must_shrink_to_the_distance_from_figure_to_threshold(claim: Claim, items: int) -> None:
    assert claim.settled_by() == items


@pytest.mark.parametrize(
    "claim",
    [
        estimate() >= 0.7,
        estimate() <= 0.7,
        estimate(0.1 + 0.2, 0.2, 0.4) >= 0.3,
        estimate(0.05, 0.0, 0.1).within(0.05),
    ],
)
def test_no_number_of_items_settles_a_figure_on_its_threshold(claim: Claim) -> None:
    assert claim.settled_by() is None
    assert line(claim, "settle") == "no number of items: the figure lies on the threshold"


def test_a_claim_that_is_undecided_needs_more_than_there_is() -> None:
    """A bound cut at the highest value there is hides how wide the interval is: (.05 / .05) ** 2 = 1."""
    assert (estimate(0.95, 0.9, 1.0, noise=1.0) >= 1.0).settled_by() == 101
    assert (estimate(0.95, 0.9, 1.0, noise=1.0) >= 1.0).repeats_to_settle() == 2


@pytest.mark.parametrize("n", [100, 80])
def test_the_figure_without_problems_may_be_the_one_in_the_way(n: int) -> None:
    """With problems .65 is on the good side of .63; without them (.1 / .05) ** 2 = 4 times as many items.

    The share of problems stays as it is, so it is 4 times all items, not 4 times those without problems.
    """
    held_up = estimate(0.7, 0.65, 0.75, without=interval(0.68, 0.58, 0.78, n=n), problems={"error": 100 - n})
    assert (held_up >= 0.63).settled_by() == 400


def test_one_figure_that_is_on_the_bad_side_settles_it_alone() -> None:
    """Counted .6 is below .65: (.1 / .05) ** 2 = 4 and it fails, before .66 needs 100 times as many."""
    torn = estimate(0.6, 0.5, 0.7, without=interval(0.66, 0.56, 0.76), problems={"error": 9})
    assert (torn >= 0.65).settled_by() == 400


def test_of_two_figures_on_the_bad_side_the_clearer_one_settles_it() -> None:
    """Counted .6 needs (.1 / .05) ** 2 = 4 times the items to fall short; .62 needs (.1 / .03) ** 2."""
    short = estimate(0.6, 0.5, 0.7, without=interval(0.62, 0.52, 0.72), problems={"error": 9})
    assert (short >= 0.65).settled_by() == 400


def test_where_problems_draw_it_up_that_figure_is_the_one_in_the_way() -> None:
    """Upwards .3 has (.1 / .05) ** 2 = 4 to go to .35; counted .2 (.1 to .3) is there."""
    drawn = estimate(0.2, 0.1, 0.3, upper=interval(0.3, 0.2, 0.4), problems={"error": 9})
    assert (drawn <= 0.35).settled_by() == 400
    assert (drawn.within(0.35)).settled_by() == 400
    assert (drawn >= 0.15).settled_by() == 400
    assert line(drawn <= 0.35, "shown") == "at most 0.400 is the least this data shows"


@given(of=estimates(), side=SIDES, limit=st.floats(0.01, 2), far=st.floats(1, 3))
def test_the_interval_of_so_many_items_does_settle_it(
    of: Estimate, side: str, limit: float, far: float
) -> None:
    claim = made(side, of, limit)
    items = claim.settled_by()
    assume(claim.outcome == "undecided" and items is not None and items < 10**12)
    assert items is not None
    shrunk: dict[str, Any] = {
        name: closer(getattr(of, name), math.sqrt(100 / (items * far * 1.001)))
        for name in ("counted", "without", "upper")
        if getattr(of, name) is not None
    }
    later = Estimate(metric=of.metric, better="higher", **shrunk)
    assert made(side, later, limit).outcome != "undecided"


def closer(whole: Interval, factor: float) -> Interval:
    """The interval with its bounds at so much of their distance."""
    value, low, high = whole.value, whole.low, whole.high
    assert value is not None
    assert low is not None
    assert high is not None
    return interval(value, value - (value - low) * factor, value + (high - value) * factor)


# Repeats


@pytest.mark.parametrize(
    ("claim", "repeats"),
    [
        # the interval must halve, so 1/4 of the variance: .1 + .9 / T = .25
        (estimate(noise=0.9) >= 0.65, 6),
        # (.08 / .1) ** 2 = .64 of the variance: .4 + .6 * 3 / T = .64, T = 7.5
        (estimate(noise=0.6, repeats=3) >= 0.62, 8),
        # .25 of the variance is left by the items, .25 may be: no number is enough
        (estimate(noise=0.75) >= 0.65, None),
        (estimate(0.3, 0.1, 0.5, noise=0.75) >= 0.4, None),
        (estimate(noise=0.5) >= 0.65, None),
        (estimate(noise=0.0) >= 0.65, None),
        (estimate() >= 0.65, None),
        (estimate(noise=math.nan) >= 0.65, None),
        (estimate(noise=0.9) >= 0.7, None),
        # all of the variance is noise: 1/4 of it with 4 times the repeats
        (estimate(noise=1.0, repeats=2) >= 0.65, 8),
        # a share is 1 at most
        (estimate(noise=1.2) >= 0.65, 4),
        # a bound that is the figure needs no repeats but the first
        (estimate(0.7, 0.7, 0.8, noise=0.9) >= 0.5, 1),
    ],
)
def test_repeats_average_out_the_judges_noise_alone(claim: Claim, repeats: int | None) -> None:
    assert claim.repeats_to_settle() == repeats


@pytest.mark.parametrize("noise", [None, 0.3])
def test_of_exactly_these_items_only_repeats_tell_more(noise: float | None) -> None:
    """No items are drawn, so all of the variance is noise: 1/4 of it with 4 times 3 repeats."""
    fixed = estimate(population="fixed", repeats=3, noise=noise)
    assert (fixed >= 0.65).settled_by() is None
    assert (fixed >= 0.65).repeats_to_settle() == 12
    assert line(fixed >= 0.65, "settle") == "about 12 repeats of each item, if the figure stays where it is"
    assert line(fixed >= 0.7, "settle") == "no number of repeats: the figure lies on the threshold"


def test_what_would_settle_it_names_every_way_that_would() -> None:
    stays = "if the figure stays where it is"
    assert line(estimate() >= 0.65, "settle") == f"about 400 items like these, {stays}"
    assert line(estimate(noise=0.5) >= 0.65, "settle") == f"about 400 items like these, {stays}"
    assert (
        line(estimate(noise=0.9) >= 0.65, "settle")
        == f"about 400 items like these, or 6 repeats of each, {stays}"
    )
    assert line(estimate() >= 0.695, "settle") == f"about 40,000 items like these, {stays}"
    assert not line(estimate() >= 0.6, "settle")


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        (
            estimate(reason="3 item(s) whose verdicts differ, fewer than 5", noise=0.9) >= 0.65,
            "3 item(s) whose verdicts differ, fewer than 5",
        ),
        (estimate(without=interval(0.7, 0.6, 0.8, "9 clusters")) >= 0.5, "9 clusters"),
        (estimate(upper=interval(0.7, 0.6, 0.8, "9 clusters")) <= 0.9, "9 clusters"),
        (estimate(None, None, None) >= 0.5, "the figure is undefined"),
        (estimate(0.7, None, None) >= 0.5, "there is no interval"),
    ],
)
def test_a_reason_not_to_decide_stands_in_its_place(claim: Claim, why: str) -> None:
    assert line(claim, "settle") == f"nothing is decided: {why}"


def test_a_reason_that_is_not_asked_about_keeps_nothing_from_being_decided() -> None:
    """`at least` is decided by the figure that problems draw down; the other one does not come into it."""
    drawn = estimate(upper=interval(0.7, 0.6, 0.8, "9 clusters"))
    assert (drawn >= 0.5).outcome == "holds"
    assert (drawn >= 0.5).would_hold() == 0.6
