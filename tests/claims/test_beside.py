"""Figures to read an estimate beside, and everything else that its lines say."""

from __future__ import annotations

import pytest

from pytest_mllm_judge.claims import Beside
from tests.claims.made import estimate, interval

HUMANS = Beside(
    name="humans", value=0.712, low=0.66, high=0.75, about="one annotator against the others, 600 labels"
)
CONSTANT = Beside(name="constant", value=0.5, about="always A, the commonest label")


def test_each_has_a_line_after_the_problems() -> None:
    whole = estimate(
        without=interval(0.72, 0.62, 0.81),
        problems={"refused": 3},
        unlabelled=2,
        beside=[HUMANS, CONSTANT, Beside(name="k = 3", value=None, about="no list of 3")],
    )
    assert whole.explain() == (
        "pair.accuracy\n"
        "  seen      0.700  (90 % interval 0.600 to 0.800; 100 judgements, 50 clusters; wilson)\n"
        "  problems  3 of 100 (3 refused); 0.720 (0.620 to 0.810) without them\n"
        "  humans    0.712  (0.660 to 0.750; one annotator against the others, 600 labels)\n"
        "  constant  0.500  (always A, the commonest label)\n"
        "  k = 3     undefined  (no list of 3)\n"
        "  left out  2 without a human label or majority"
    )


def test_nothing_is_decided_on_them() -> None:
    alone, accompanied = estimate() >= 0.6, estimate(beside=[HUMANS, CONSTANT]) >= 0.6
    assert (accompanied.outcome, accompanied.would_hold()) == (alone.outcome, alone.would_hold())


def test_bounds_come_in_twos() -> None:
    with pytest.raises(ValueError) as raised:
        Beside(name="humans", value=0.7, low=0.6, about="one annotator against the others")
    assert str(raised.value) == "humans: give both low and high, or neither"


def test_without_an_interval_the_line_says_so() -> None:
    assert estimate(0.7, None, None).lines() == [
        "  seen      0.700  (no interval; 100 judgements, 50 clusters; wilson)"
    ]


def test_where_problems_may_draw_it_up_that_figure_has_a_line_too() -> None:
    drawn = estimate(0.1, 0.0, 0.2, upper=interval(0.3, 0.2, 0.4), metric="score.leniency")
    assert len(drawn.lines()) == 1
    drawn = estimate(
        0.1,
        0.0,
        0.2,
        upper=interval(0.3, 0.2, 0.4),
        without=interval(0.2, None, None),
        problems={"refused": 5},
        metric="score.leniency",
    )
    assert drawn.lines()[1:] == [
        "  problems  5 of 100 (5 refused); 0.200 (no interval) without them",
        "  upwards   0.300  (0.200 to 0.400; problems drawing it up)",
    ]
