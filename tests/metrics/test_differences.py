"""Paired differences of two judges: Tango, jackknife, and what makes no sense."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Estimate, Judgements, agreement
from tests.metrics.test_agreement_figures import FIGURES, LABELS, judged

LABEL = ["A", "B", "tie"]


def pairs(right: int, wrong: int, start: int = 0) -> Judgements:
    return judged("pair", [("A", "A")] * right + [("A", "B")] * wrong)


def test_the_difference_of_two_accuracies_is_tangos() -> None:
    """1 win and 7 losses of 21, 95 % two-sided: [-.5172, -.0260] (Fagerland et al. 2014)."""
    ours = judged("pair", [("A", "A")] + [("A", "B")] * 7 + [("A", "A")] * 13)
    theirs = judged("pair", [("A", "B")] + [("A", "A")] * 7 + [("A", "A")] * 13)
    difference = agreement.accuracy(ours) - agreement.accuracy(theirs)
    assert difference.value == pytest.approx(-6 / 21)
    assert difference.n == 21
    assert difference.counted.method == "tango"
    assert difference.low is not None
    assert -0.5172 < difference.low < -6 / 21


def test_the_same_judge_against_itself_holds_from_52_items_at_a_margin_of_5_points() -> None:
    for n, outcome in ((51, "undecided"), (52, "holds")):
        judge = pairs(n - 3, 3)
        difference = agreement.accuracy(judge) - agreement.accuracy(judge)
        assert (difference >= -0.05).outcome == outcome


@pytest.mark.parametrize(("task", "figure"), FIGURES)
def test_every_figure_of_a_judge_against_itself_holds(
    task: str, figure: Callable[[Judgements], Estimate]
) -> None:
    rng = np.random.default_rng(2)
    labels = LABELS[task]  # type: ignore[index]
    rows = [(labels[a], labels[b]) for a, b in rng.integers(0, len(labels), (400, 2)).tolist()]
    estimate = figure(judged(task, rows))  # type: ignore[arg-type]
    difference = estimate - estimate
    assert difference.value == 0
    claim = difference >= -0.05 if estimate.better == "higher" else difference <= 0.05
    assert claim.outcome == "holds"


@given(data=st.data())
@pytest.mark.parametrize(("task", "figure"), FIGURES)
def test_swapping_two_judges_flips_the_sign(
    task: str, figure: Callable[[Judgements], Estimate], data: st.DataObject
) -> None:
    label = st.sampled_from(LABELS[task])  # type: ignore[index]
    human = data.draw(st.lists(label, min_size=12, max_size=24))
    if task == "pair":
        human = [*human[:-1], "A"]
    one, two = (figure(judged(task, [(h, data.draw(label)) for h in human])) for _ in range(2))  # type: ignore[arg-type]
    forth, back = one - two, two - one
    if forth.value is None or back.value is None:
        assert forth.value is back.value
        return
    assert forth.value == pytest.approx(-back.value, abs=1e-12)
    if forth.low is not None and back.high is not None:
        assert forth.low == pytest.approx(-back.high, abs=1e-9)


def test_only_the_items_that_both_have_are_compared() -> None:
    whole = judged("pair", [("A", "A")] * 60)
    part = whole[:50]
    difference = agreement.accuracy(whole) - agreement.accuracy(part)
    assert (difference.n, difference.unpaired) == (50, 10)
    assert "unpaired  10 judgements" in difference.explain()


def test_flips_are_named() -> None:
    ours, theirs = judged("pair", [("A", "B")] + [("A", "A")] * 59), judged("pair", [("A", "A")] * 60)
    difference = agreement.accuracy(ours) - agreement.accuracy(theirs)
    assert difference.examples == ["pair-000 chose B, expected A, where the other chose A"]


def test_what_makes_no_sense_is_an_error_that_says_why() -> None:
    judge = pairs(30, 3)
    with pytest.raises(TypeError, match=r"pair\.accuracy - pair\.accuracy_decided: only the same metric"):
        _ = agreement.accuracy(judge) - agreement.accuracy_decided(judge)
    with pytest.raises(TypeError, match="subtract an estimate, and compare the difference"):
        _ = agreement.accuracy(judge) - 0.05  # type: ignore[operator]
    with pytest.raises(TypeError, match=r"read with \{'by': 'source'\} on the left and \{\} on the right"):
        _ = agreement.accuracy(judged("pair", [("A", "A")] * 9, sources=["x"] * 9), by="source") - (
            agreement.accuracy(judge)
        )
    with pytest.raises(ValueError, match="have no item in common"):
        _ = agreement.accuracy(judge[:5]) - agreement.accuracy(judge[5:])
    other = judged("pair", [("B", "B")] * 33)
    with pytest.raises(
        ValueError, match="item pair-000 has the human label 'A' on the left and 'B' on the right"
    ):
        _ = agreement.accuracy(judge) - agreement.accuracy(other)


def test_refusing_more_never_helps_in_a_difference() -> None:
    old = judged("pair", [("A", "A")] * 80 + [("A", "B")] * 20)
    refusing = judged("pair", [("A", "A")] * 80 + [("A", None)] * 20)
    difference = agreement.accuracy(refusing) - agreement.accuracy(old)
    assert difference.value == 0
    assert difference.problems == {"refused": 20}
