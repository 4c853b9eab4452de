"""Three outcomes, kept however they were written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from pytest_mllm_judge.claims import Claim, Estimate, keep_claims, on_undecided
from pytest_mllm_judge.errors import Undecided
from tests.claims.made import estimate, interval


@pytest.mark.parametrize(
    ("claim", "outcome"),
    [
        (estimate() >= 0.6, "holds"),
        (estimate() >= 0.61, "undecided"),
        (estimate() >= 0.81, "fails"),
        (estimate() <= 0.8, "holds"),
        (estimate() <= 0.7, "undecided"),
        (estimate() <= 0.59, "fails"),
        (estimate(0.0, -0.04, 0.03).within(0.05), "holds"),
        (estimate(0.0, -0.06, 0.03).within(0.05), "undecided"),
        (estimate(0.1, 0.06, 0.2).within(0.05), "fails"),
        (estimate(-0.1, -0.2, -0.06).within(0.05), "fails"),
        (estimate(None, None, None) >= 0.1, "undecided"),
    ],
)
def test_the_interval_decides(claim: Claim, outcome: str) -> None:
    assert claim.outcome == outcome


def test_a_reason_not_to_decide_makes_it_undecided_whatever_the_bounds() -> None:
    few = Estimate(metric="m", better="higher", counted=interval(0.9, 0.8, 1.0, "9 clusters"))
    assert (few >= 0.1).outcome == "undecided"
    assert "nothing is decided: 9 clusters" in (few >= 0.1).explain()


def test_the_worse_of_the_figures_with_and_without_problems_decides() -> None:
    both = estimate(0.7, 0.6, 0.8, without=interval(0.65, 0.5, 0.75), problems={"refused": 5})
    assert (both >= 0.55).outcome == "undecided"
    assert (estimate() >= 0.55).outcome == "holds"


def test_undecided_is_neither_true_nor_false() -> None:
    claim = estimate() >= 0.7
    asks: list[Callable[[], object]] = [lambda: not claim, lambda: all([claim]), lambda: claim and True]
    for ask in asks:
        with pytest.raises(Undecided, match=r"undecided: pair\.accuracy may or may not be at least 0\.7"):
            ask()


def test_every_claim_asked_for_is_kept_once_however_it_was_written() -> None:
    with keep_claims() as claims:
        held = estimate() >= 0.6
        assert held
        assert all([held, estimate() <= 0.9])
        assert not estimate() >= 0.85
        with pytest.raises(Undecided):
            assert estimate() >= 0.7
        _ = estimate() >= 0.1  # never asked for: no claim
    assert [claim.outcome for claim in claims] == ["holds", "holds", "fails", "undecided"]


def test_warn_takes_an_undecided_claim_as_true() -> None:
    with on_undecided("warn"), pytest.warns(UserWarning, match="undecided, taken as true: pair.accuracy"):
        assert estimate() >= 0.7


def test_the_whole_text_of_a_claim_that_fails() -> None:
    claim = (
        estimate(
            0.69,
            0.63,
            0.74,
            without=interval(0.71, 0.65, 0.76),
            problems={"refused": 4, "malformed": 2},
            unlabelled=3,
            examples=("circles-007 chose B, expected A",),
            wrong=31,
        )
        >= 0.8
    )
    assert claim.explain() == (
        "fails: pair.accuracy is not at least 0.8\n"
        "  seen      0.690  (90 % interval 0.630 to 0.740; 100 judgements, 50 clusters; wilson)\n"
        "  problems  6 of 100 (2 malformed, 4 refused); 0.710 (0.650 to 0.760) without them\n"
        "  left out  3 without a human label or majority\n"
        "  first     circles-007 chose B, expected A · 30 more\n"
        "  shown     at least 0.630 is the most this data shows"
    )


def test_claims_need_neither_pytest_nor_numpy() -> None:
    code = "import sys, pytest_mllm_judge.claims; print({'pytest', 'numpy', 'pydantic'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
