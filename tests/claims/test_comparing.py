"""Comparing an estimate with a number: which numbers, on which side, and what to write instead."""

from __future__ import annotations

import copy
import json
import math
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pytest_mllm_judge.claims import Beside, Claim, Estimate, keep_claims
from pytest_mllm_judge.claims.estimate import Slices
from tests.claims.made import estimate, interval

NUMBERS = [
    0.5,
    np.float64(0.5),
    np.float32(0.5),
    Decimal("0.5"),
    Fraction(1, 2),
]


def refuse_constants(name: str) -> None:
    raise AssertionError(f"not JSON: {name}")


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: type(number).__name__)
def test_any_kind_of_number_makes_a_claim_on_either_side(number: Any) -> None:
    for claim in (estimate() >= number, number <= estimate()):
        assert isinstance(claim, Claim)
        assert (claim.side, claim.threshold, claim.outcome) == ("at least", 0.5, "holds")
    for claim in (estimate() <= number, number >= estimate()):
        assert isinstance(claim, Claim)
        assert (claim.side, claim.threshold, claim.outcome) == ("at most", 0.5, "fails")
    assert type((estimate() >= number).threshold) is float
    assert estimate(0.0, -0.1, 0.1).within(number).outcome == "holds"


def test_whole_numbers_are_numbers() -> None:
    assert (estimate() >= 0).outcome == "holds"
    one: Any = np.int64(1)
    assert (estimate() <= one).outcome == "holds"
    assert (one >= estimate()).outcome == "holds"


def test_a_chain_of_comparisons_claims_both_sides() -> None:
    with keep_claims() as claims:
        assert 0.4 <= estimate() <= 0.9
        assert not 0.4 <= estimate() <= 0.5
        assert not 0.9 <= estimate() <= 0.95  # the first is false, so the second is never asked
    assert [f"{claim.side} {claim.threshold}: {claim.outcome}" for claim in claims] == [
        "at least 0.4: holds",
        "at most 0.9: holds",
        "at least 0.4: holds",
        "at most 0.5: fails",
        "at least 0.9: fails",
    ]


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            lambda e: e >= "0.6",
            "compare an estimate with one number, got '0.6' (str): write estimate >= 0.60",
        ),
        (
            lambda e: e <= None,
            "compare an estimate with one number, got None (NoneType): write estimate <= 0.05",
        ),
        (
            lambda e: e.within([0.1]),
            "compare an estimate with one number, got [0.1] (list): write estimate.within(0.05)",
        ),
        (
            lambda e: np.array([0.5]) <= e,
            "compare an estimate with one number, got array([0.5]) (ndarray): write estimate >= 0.60",
        ),
        (lambda e: e >= 1j, "compare an estimate with one number, got 1j (complex): write estimate >= 0.60"),
        (
            lambda e: e >= estimate(),
            "compare an estimate with a number: write the margin, as in a - b >= -0.05",
        ),
        (lambda e: e > 0.5, "write estimate >= 0.5: an interval can't tell > from >="),
        (lambda e: e < 0.5, "write estimate <= 0.5: an interval can't tell < from <="),
        (
            lambda e: e == 0.5,
            "no estimate equals a number: write estimate >= low, <= high, or .within(margin)",
        ),
        (
            lambda e: e != 0.5,
            "no estimate equals a number: write estimate >= low, <= high, or .within(margin)",
        ),
        (bool, "an estimate is neither true nor false: compare it, as in estimate >= 0.60"),
    ],
)
def test_comparisons_that_make_no_sense_say_what_to_write(write: Any, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        write(estimate())
    assert str(raised.value) == message


@pytest.mark.parametrize("threshold", [math.nan, math.inf, True, 10**400, Decimal("sNaN"), Decimal("1e999")])
def test_a_threshold_is_a_finite_number(threshold: Any) -> None:
    with pytest.raises(ValueError, match=r"^a threshold is a finite number, got "):
        _ = estimate() >= threshold


@pytest.mark.parametrize("margin", [0, -0.05, Decimal("-0.05")])
def test_a_margin_is_above_0(margin: Any) -> None:
    with pytest.raises(ValueError) as raised:
        estimate().within(margin)
    assert str(raised.value) == f"a margin is above 0, got {margin}"


def test_it_reads_as_plain_text_in_a_notebook() -> None:
    assert str(estimate()) == "0.700, 0.600 to 0.800, n = 100"
    assert repr(estimate()) == "<pair.accuracy 0.700, 0.600 to 0.800, n = 100>"
    assert repr(estimate(None, None, None)) == "<pair.accuracy undefined, no interval, n = 100>"
    assert repr(estimate() >= 0.6) == "pair.accuracy at least 0.6: holds (0.700, 0.600 to 0.800, n = 100)"


def test_nearly_0_from_below_is_written_without_a_sign() -> None:
    assert str(estimate(-0.0001, -0.1, 0.1)) == "0.000, -0.100 to 0.100, n = 100"


def numpy_estimate() -> Estimate:
    """One whose numbers are numpy's, some of them not finite."""
    return estimate(
        np.float64(0.7),
        np.float32(0.5),  # type: ignore[arg-type]
        np.float64(0.8),
        n=np.int64(100),  # type: ignore[arg-type]
        without=interval(math.nan, -math.inf, math.inf, "no such items"),
        upper=interval(np.float64(0.75), 0.6, 0.85),
        problems={"refused": np.int64(4)},
        beside=[Beside(name="humans", value=np.float64(0.9), about="each against the others")],
        noise=np.float64(0.25),
        repeats=np.int64(3),
    )


def test_a_plain_claim_is_json_whatever_its_numbers_are_made_of() -> None:
    plain = (numpy_estimate() >= 0.6).plain()
    read = json.loads(json.dumps(plain, allow_nan=False), parse_constant=refuse_constants)
    assert read == plain
    kept = read["estimate"]
    assert (kept["value"], kept["low"], kept["n"], kept["repeats"]) == (0.7, 0.5, 100, 3)
    assert (kept["noise"], kept["population"], kept["problems"]) == (0.25, "sampled", {"refused": 4})
    assert (kept["without"]["value"], kept["without"]["low"]) == (None, None)
    assert kept["upper"]["value"] == 0.75
    assert kept["beside"] == [
        {"name": "humans", "value": 0.9, "low": None, "high": None, "about": "each against the others"}
    ]


def test_a_plain_claim_says_what_it_shows_and_what_would_settle_it() -> None:
    """The interval must halve: 4 x 100 items; or .1 + .9 / T = 1/4 of the variance, T = 6."""
    plain = (estimate(noise=0.9) >= 0.65).plain()
    assert (plain["would_hold"], plain["settled_by"], plain["repeats_to_settle"]) == (0.6, 400, 6)
    assert (estimate(reason="9 clusters") >= 0.65).plain()["would_hold"] is None


def test_a_copy_is_the_estimate_itself() -> None:
    original = estimate()
    claim = original >= 0.6
    assert copy.copy(original) is original
    assert copy.deepcopy(claim).estimate is original
    assert copy.copy(claim).plain() == claim.plain()


def test_a_pickled_claim_keeps_every_number_and_leaves_the_judgements_behind() -> None:
    here: Any = object()
    claim = estimate(slices=Slices(here, lambda judgements: estimate()), beside=[ceiling()]) >= 0.6
    back = pickle.loads(pickle.dumps(claim))
    assert back.plain() == claim.plain()
    assert back.explain() == claim.explain()
    with pytest.raises(TypeError, match=r"pair\.accuracy has no judgements with it, so it can't be sliced"):
        back.estimate.by("source")


def ceiling() -> Beside:
    return Beside(name="humans", value=0.712, low=0.66, high=0.75, about="each against the others")
