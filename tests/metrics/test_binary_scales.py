"""Scales of two points, fail and pass: what judges in practice mostly say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge import agreement
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.statistics import ppi_mean
from tests.metrics.figures import FEW, Row, judged, tasks_of

BINARY = tasks_of(["fail", "pass"])
ROWS: Sequence[Row] = (
    [("pass", "pass")] * 40 + [("pass", "fail")] * 10 + [("fail", "fail")] * 24 + [("fail", "pass")] * 6
)


def test_sensitivity_and_specificity_are_the_shares_of_passes_and_fails_found() -> None:
    judgements = judged("score", ROWS, tasks=BINARY)
    sensitivity, specificity = agreement.sensitivity(judgements), agreement.specificity(judgements)
    assert (sensitivity.value, sensitivity.n) == (40 / 50, 50)
    assert (specificity.value, specificity.n) == (24 / 30, 30)
    assert sensitivity.counted.method == specificity.counted.method == "wilson"
    assert agreement.recall(judgements, label="pass").value == sensitivity.value
    assert agreement.recall(judgements, label="fail").value == specificity.value


def test_precision_f1_kappa_and_ac1_of_the_same_table() -> None:
    """Agreement .8; chance (50 46 + 30 34) / 80^2 for kappa, 2 q (1 - q), q = 96 / 160, for AC1."""
    judgements = judged("score", ROWS, tasks=BINARY)
    assert agreement.precision(judgements, label="pass").value == pytest.approx(40 / 46)
    assert agreement.f1(judgements, label="pass").value == pytest.approx(2 * 40 / (50 + 46))
    assert agreement.f1(judgements).value == pytest.approx((80 / 96 + 48 / 64) / 2)
    chance = (50 * 46 + 30 * 34) / 80**2
    assert agreement.kappa(judgements).value == pytest.approx((0.8 - chance) / (1 - chance))
    assert agreement.ac1(judgements).value == pytest.approx((0.8 - 0.48) / (1 - 0.48))
    assert agreement.kappa_quadratic(judgements).value == agreement.kappa(judgements).value
    assert agreement.scale_use(judgements).value == pytest.approx(80**2 / (46**2 + 34**2))


def test_a_problem_is_wrong_in_both_shares() -> None:
    rows: Sequence[Row] = [("pass", "pass"), ("pass", None), ("fail", None), ("fail", "fail")] * 10
    judgements = judged("score", rows, tasks=BINARY)
    assert agreement.sensitivity(judgements).value == 0.5
    assert agreement.specificity(judgements).value == 0.5
    assert agreement.specificity(judgements).problems == {"refused": 10}


def test_what_no_human_gave_has_no_share() -> None:
    estimate = agreement.specificity(judged("score", [("pass", "pass")] * 20, tasks=BINARY))
    assert (estimate.value, estimate.counted.reason) == (None, "humans gave fail to none of these items")


def test_numbers_are_a_fail_and_a_pass_too() -> None:
    rows: Sequence[Row] = [(0, 0), (1, 0), (1, 1), (1, 1)] * 10
    judgements = judged("score", rows, tasks=tasks_of([0, 1]))
    assert agreement.sensitivity(judgements).value == 2 / 3
    assert agreement.specificity(judgements).value == 1


@pytest.mark.parametrize("name", ["sensitivity", "specificity", "pass_rate"])
def test_a_longer_scale_has_no_pass(name: str) -> None:
    with pytest.raises(SettingsError) as told:
        getattr(agreement, name)(judged("score", [(1, 2)] * 20))
    assert str(told.value) == (
        f"score.{name} is about scales of two points, fail and pass; this one has 1, 2, 3, 4, 5"
    )


@given(seed=st.integers(0, 2**32 - 1))
@settings(FEW, max_examples=25)
def test_the_pass_rate_is_that_of_prediction_powered_inference(seed: int) -> None:
    """The same figure as statistics.ppi_mean; the interval on the logit scale is near the normal one."""
    rng = np.random.default_rng(seed)
    human = rng.random(300) < rng.uniform(0.3, 0.7)
    judge = np.where(rng.random(300) < 0.8, human, ~human)
    words = np.array(["fail", "pass"])
    rows: Sequence[Row] = [
        (str(words[int(h)]) if place < 120 else None, str(words[int(v)]))
        for place, (h, v) in enumerate(zip(human, judge, strict=True))
    ]
    estimate = agreement.pass_rate(judged("score", rows, tasks=BINARY), confidence=0.975)
    expected = ppi_mean(
        judge[:120].astype(float).tolist(),
        human[:120].astype(float).tolist(),
        judge[120:].astype(float).tolist(),
        confidence=0.975,
    )
    assert estimate.value == pytest.approx(expected.value, abs=1e-12)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high), abs=0.03)
    assert (estimate.n, estimate.unlabelled) == (300, 0)


def test_a_judge_without_an_error_on_labelled_items_corrects_nothing() -> None:
    """How it errs is unseen there, so the humans' own share stands (statistics.ppi_mean)."""
    rows: Sequence[Row] = [("pass", "pass")] * 30 + [("fail", "fail")] * 20 + [(None, "pass")] * 50
    assert agreement.pass_rate(judged("score", rows, tasks=BINARY)).value == pytest.approx(0.6)


def test_the_pass_rate_needs_items_with_and_without_a_label() -> None:
    estimate = agreement.pass_rate(judged("score", ROWS, tasks=BINARY))
    assert (estimate.value, estimate.counted.reason) == (
        None,
        "need 2 items with a human label and 2 without, got 80 and 0",
    )


def test_problems_draw_the_pass_rate_down_and_up() -> None:
    rows: Sequence[Row] = [*ROWS, *[(None, "pass"), (None, "fail")] * 40, *[(None, None)] * 20]
    estimate = agreement.pass_rate(judged("score", rows, tasks=BINARY))
    assert estimate.upper is not None
    assert estimate.without is not None
    assert estimate.value is not None
    assert estimate.without.value is not None
    assert estimate.upper.value is not None
    assert estimate.value < estimate.without.value < estimate.upper.value
    assert estimate.wrong == 16
