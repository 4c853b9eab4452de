"""What a claim's data shows: the tightest threshold at which the claim would hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import assume, given

from pytest_mllm_judge.claims import Claim, Estimate
from tests.claims.made import SIDES, estimate, estimates, interval, line, made

BOTH_WAYS = estimate(
    0.0, -0.1, 0.1, upper=interval(0.15, 0.0, 0.3), without=interval(0.08, -0.05, 0.2), problems={"error": 9}
)


@pytest.mark.parametrize(
    ("claim", "shown"),
    [
        (estimate() >= 0.5, 0.6),
        (estimate() >= 0.9, 0.6),
        (estimate() <= 0.5, 0.8),
        (estimate(0.0, -0.04, 0.03).within(0.1), 0.04),
        (estimate(without=interval(0.65, 0.5, 0.85)) >= 0.1, 0.5),
        (estimate(without=interval(0.75, 0.62, 0.79)) >= 0.1, 0.6),
        (estimate(without=interval(0.65, 0.5, 0.85)) <= 0.1, 0.85),
        (BOTH_WAYS >= 0, -0.1),
        (BOTH_WAYS <= 0, 0.3),
        (BOTH_WAYS.within(0.05), 0.3),
        (estimate(-0.2, -0.3, -0.1, upper=interval(-0.1, -0.2, 0.0)).within(0.05), 0.3),
    ],
)
def test_the_tightest_threshold_is_the_worst_bound_of_those_that_decide(claim: Claim, shown: float) -> None:
    assert claim.would_hold() == shown


@pytest.mark.parametrize(
    "claim",
    [
        estimate(None, None, None) >= 0.5,
        estimate(0.7, None, None) >= 0.5,
        estimate(reason="9 clusters") >= 0.5,
        estimate(without=interval(0.7, 0.6, 0.8, "9 clusters")) >= 0.5,
        estimate(upper=interval(0.7, 0.6, 0.8, "9 clusters")) <= 0.5,
    ],
)
def test_where_nothing_may_be_decided_nothing_is_shown(claim: Claim) -> None:
    assert claim.outcome == "undecided"
    assert claim.would_hold() is None
    assert claim.settled_by() is None
    assert claim.repeats_to_settle() is None
    assert not line(claim, "shown")


@given(of=estimates(), side=SIDES)
def test_the_claim_holds_at_what_is_shown_and_at_nothing_tighter(of: Estimate, side: str) -> None:
    best = made(side, of, 1.0).would_hold()
    assert best is not None
    assume(side != "within" or best > 0.001)
    assert made(side, of, best).outcome == "holds"
    tighter = best + 0.0005 if side == "at least" else best - 0.0005
    assert made(side, of, tighter).outcome != "holds"


@given(of=estimates(), side=SIDES)
def test_the_claim_holds_at_the_number_printed(of: Estimate, side: str) -> None:
    printed = line(made(side, of, 1.0), "shown").removeprefix(side).split()[0].rstrip(":")
    assume(side != "within" or float(printed) > 0)
    assert made(side, of, float(printed)).outcome == "holds"
    assert printed != "-0.000"


@pytest.mark.parametrize("limit", [0.5, 0.65, 0.9])
def test_it_stands_under_every_claim_that_can_be_decided(limit: float) -> None:
    assert line(estimate() >= limit, "shown") == "at least 0.600 is the most this data shows"
    assert line(estimate() <= limit, "shown") == "at most 0.800 is the least this data shows"
    assert line(estimate().within(limit), "shown") == "within 0.800 is the least this data shows"


@pytest.mark.parametrize(
    ("claim", "text"),
    [
        (lambda e: e >= -0.05, "at least -0.043: the smallest margin it shows is 0.043"),
        (lambda e: e <= 0.05, "at most 0.013: the smallest margin it shows is 0.013"),
        (lambda e: e.within(0.05), "within 0.043: the smallest margin it shows is 0.043"),
    ],
)
def test_a_difference_shows_a_margin_rounded_to_the_safe_side(
    claim: Callable[[Estimate], Claim], text: str
) -> None:
    """-.0421 is not at least -.042, so -.043; .0123 is not at most .012, so .013."""
    difference = estimate(-0.01, -0.0421, 0.0123, metric="pair.accuracy, difference")
    assert line(claim(difference), "shown") == text


def test_a_margin_is_never_below_0() -> None:
    better = estimate(0.1, 0.02, 0.2, metric="m, difference") >= -0.05
    assert line(better, "shown") == "at least 0.020: the smallest margin it shows is 0.000"
    lower = estimate(-0.1, -0.2, -0.02, metric="m, difference") <= 0.05
    assert line(lower, "shown") == "at most -0.020: the smallest margin it shows is 0.000"
