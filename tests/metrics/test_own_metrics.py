"""Metrics of one's own, named assertions, slices of estimates, and the further built-in figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge import (
    ClaimFailed,
    Estimate,
    Judgement,
    Judgements,
    Undecided,
    agreement,
    assertions,
    metric,
)
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.metrics.assertions import name_of, names
from pytest_mllm_judge.model import Tasks
from tests.metrics.figures import FEW, PROPERTIES, Row, judged


@metric
def far_off(judgement: Judgement) -> float:
    assert not isinstance(judgement.verdict, dict | str | None)
    assert not isinstance(judgement.human, str | None)
    return abs(judgement.verdict - judgement.human) >= 2


def test_a_metric_is_the_mean_of_its_numbers() -> None:
    estimate = far_off(judged("score", [(1, 1), (1, 3), (5, 5), (2, 2)] * 10))
    assert (estimate.metric, estimate.value, estimate.n) == ("far_off", 0.25, 40)
    assert estimate <= 0.5
    assert not estimate >= 0.5


def test_a_problem_counts_against_whatever_is_claimed() -> None:
    estimate = far_off(judged("score", [(1, 1)] * 60 + [(1, None)] * 40))
    assert (estimate <= 0.2).outcome == "fails"
    assert (estimate >= 0.2).outcome == "fails"
    assert estimate.without is not None
    assert estimate.without.value == 0


def test_a_number_outside_the_bounds_names_the_item_and_says_what_to_write() -> None:
    @metric
    def points(judgement: Judgement) -> float:
        return 3.0

    with pytest.raises(SettingsError) as told:
        points(judged("score", [(1, 1)]))
    assert str(told.value) == (
        "points gave 3.0 for score-000, outside its bounds 0 to 1\n"
        "  Give it others: @metric(bounds=(low, high))."
    )


def test_bounds_may_be_given_and_none_leaves_a_judgement_out() -> None:
    @metric(bounds=(-4, 4))
    def higher(judgement: Judgement) -> float | None:
        verdict = judgement.verdict
        return None if verdict == 3 else float(verdict) - 3  # type: ignore[arg-type]

    estimate = higher(judged("score", [(1, 1), (1, 3), (5, 5)] * 5))
    assert (estimate.value, estimate.n, estimate.unlabelled) == (0.0, 10, 5)


@settings(FEW, max_examples=20)
@given(
    st.lists(st.tuples(st.integers(1, 5), st.one_of(st.integers(1, 5), st.none())), min_size=12, max_size=30)
)
def test_turning_a_verdict_into_a_problem_never_helps_a_metric_of_ones_own(
    rows: list[tuple[int, int | None]],
) -> None:
    place = next((place for place, (_, verdict) in enumerate(rows) if verdict is not None), None)
    if place is None:
        return
    before = far_off(judged("score", rows))
    after = far_off(judged("score", [*rows[:place], (rows[place][0], None), *rows[place + 1 :]]))
    assert after.value is not None
    assert before.value is not None
    assert after.value <= before.value + 1e-12
    assert (after.upper or after.counted).value >= (before.upper or before.counted).value - 1e-12  # type: ignore[operator]


def test_problems_of_ones_own_metric_stand_at_the_bounds() -> None:
    rows: Sequence[Row] = [(1, 1), (1, 3), (5, 5), (2, None)] * 10
    estimate = far_off(judged("score", rows))
    assert estimate.upper is not None
    assert estimate.without is not None
    assert (estimate.value, estimate.upper.value, estimate.without.value) == (0.25, 0.5, 1 / 3)


def test_a_metric_of_ones_own_can_be_subtracted() -> None:
    """Each judge's problems draw the difference down and up; what is left out on one side is unpaired."""
    ours: Sequence[Row] = [(1, 1), (1, 3), (5, 5), (2, None)] * 10
    theirs: Sequence[Row] = [(1, 1), (1, 2), (5, 2), (2, 2)] * 10
    difference = far_off(judged("score", ours)) - far_off(judged("score", theirs, judge="other"))
    assert difference.upper is not None
    assert (difference.value, difference.upper.value) == (0.25 - 0.25, 0.5 - 0.25)
    assert difference.metric == "far_off, difference"
    back = far_off(judged("score", theirs)) - far_off(judged("score", ours))
    assert (back.value, back.low) == (-difference.upper.value, -difference.upper.high)  # type: ignore[operator]

    @metric
    def not_threes(judgement: Judgement) -> float | None:
        return None if judgement.verdict == 3 else judgement.verdict == 1

    one, two = not_threes(judged("score", ours)), not_threes(judged("score", theirs))
    assert ((one - two).n, (one - two).unpaired) == (30, 10)
    same = one - one
    assert (one.n, same.n, same.unpaired, same.without.value if same.without else None) == (30, 30, 0, 0)


def test_a_metric_of_ones_own_in_slices() -> None:
    rows: Sequence[Row] = [(1, 1), (1, 3)] * 15 + [(5, 1)] * 30
    judgements = judged("score", rows, sources=["x"] * 30 + ["y"] * 30)
    assert far_off(judgements, by="source").value == (0.5 + 1) / 2
    assert far_off(judgements, by="source", average=min).value == 0.5
    assert {name: part.value for name, part in far_off(judgements).by("source").items()} == {"x": 0.5, "y": 1}
    with pytest.raises(TypeError, match=r"read with \{'by': 'source'\} on the left and \{\} on the right"):
        _ = far_off(judgements, by="source") - far_off(judgements)


def test_a_metric_of_ones_own_on_exactly_these_items() -> None:
    rows: Sequence[Row] = [(1, 1), (1, 3)] * 30
    fixed = far_off(judged("score", rows, repeats=2, fixed=True))
    assert (fixed.n, fixed.clusters, fixed.repeats, fixed.population) == (60, 30, 2, "fixed")
    assert fixed.counted.method == "jackknife-t over repeats, plain"
    assert "only asking them again" in far_off(judged("score", rows, fixed=True)).counted.reason


def test_a_metric_of_ones_own_has_no_label_to_stand_beside() -> None:
    assert list(far_off(judged("score", [(1, 1), (2, 4)] * 10)).beside) == []


@pytest.mark.parametrize("bounds", [(1.0, 0.0), (0.0, 0.0), (0.0, float("inf"))])
def test_bounds_are_two_finite_numbers(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError) as told:
        metric(bounds=bounds)
    assert str(told.value) == f"bounds are two finite numbers, the lower first, got {bounds}"


def test_every_check_has_a_named_assertion_and_no_assertion_is_without_a_check() -> None:
    assert names() == sorted(map(name_of, CHECKS))
    for name in names():
        assertion: Callable[..., object] = getattr(assertions, name)
        assert (assertion.__doc__ or "").startswith("Claim: ")
    with pytest.raises(AttributeError):
        _ = assertions.assert_pair_charm


def test_a_named_assertion_holds_fails_or_is_undecided() -> None:
    pairs = judged("pair", [("A", "A")] * 36 + [("A", "B")] * 4)
    assert assertions.assert_pair_accuracy(pairs, at_least=0.7).outcome == "holds"
    with pytest.raises(ClaimFailed, match=r"fails: pair\.accuracy is not at least 0\.99"):
        assertions.assert_pair_accuracy(pairs, at_least=0.99)
    with pytest.raises(Undecided):
        assertions.assert_pair_accuracy(pairs, at_least=0.9)
    with pytest.raises(TypeError, match="takes exactly one of at_least, at_most, within"):
        assertions.assert_pair_accuracy(pairs)


def test_an_estimate_can_be_sliced_like_its_judgements() -> None:
    rows = [("A", "A"), ("A", "B"), ("B", "B"), ("B", "B")] * 10
    judgements = judged("pair", rows, sources=["maps", "maps", "charts", "charts"] * 10)
    estimate = agreement.accuracy(judgements)
    assert {name: part.value for name, part in estimate.by("source").items()} == {"charts": 1.0, "maps": 0.5}
    assert estimate.where(source="maps").value == 0.5
    assert estimate.where(source="maps").by("source")["maps"].n == 20


@pytest.mark.parametrize("task", ["pair", "score", "batch"])
def test_slices_of_none_and_of_one_have_an_answer(task: str) -> None:
    label: dict[str, object] = {"pair": "A", "score": 3, "batch": "ABCD"}
    for check in CHECKS.values():
        if check.name.startswith(PROPERTIES):
            continue
        if check.task not in (None, task) or not check.suits(Tasks()) or check.name.endswith(".advantage"):
            continue
        for rows in ([], [(label[task], label[task])]):
            estimate: Estimate = check(judged(task, rows))  # type: ignore[arg-type]
            assert estimate.n == len(rows)
            assert (estimate >= 0.1).outcome == "undecided"
            assert estimate.counted.reason


def test_leniency_is_claimed_within_a_margin_and_problems_count_against_it() -> None:
    lenient = judged("score", [(2, 3), (3, 3), (4, 5), (1, 1)] * 25)
    estimate = agreement.leniency(lenient)
    assert estimate.value == 0.5
    assert estimate.within(0.7)
    assert (estimate.within(0.3)).outcome == "fails"
    silent = judged("score", [(3, 3)] * 90 + [(3, None)] * 10)
    assert (agreement.leniency(silent).within(0.05)).outcome == "fails"


def test_mae_and_within_one_count_a_problem_as_the_farther_end() -> None:
    judgements = judged("score", [(2, 2), (2, 4), (4, None), (2, None)] * 5)
    assert agreement.mae(judgements).value == (0 + 2 + 3 + 3) / 4
    assert agreement.within_one(judgements).value == 0.25


def test_within_one_takes_a_miss_by_exactly_one_point_from_the_humans_mean() -> None:
    rows: Sequence[Row] = [(2, 3), (2, 4), ([1, 2], 1), ([1, 2], 3), (4, 3)]
    assert agreement.within_one(judged("score", rows)).value == 3 / 5


def test_rankings_have_a_top_and_a_tau() -> None:
    judgements = judged("batch", [("ABCD", "ABCD"), ("ABCD", "ABDC"), ("ABCD", "DCBA"), ("ABCD", None)] * 5)
    assert agreement.top(judgements).value == 0.5
    assert agreement.tau(judgements).value == pytest.approx((1 + 2 / 3 - 1 - 1) / 4)
    assert agreement.accuracy(judgements).value == 0.25
    assert agreement.accuracy(judgements).metric == "batch.exact"


def test_judgements_of_nothing_are_still_judgements() -> None:
    assert len(judged("pair", [])) == 0
    assert isinstance(judged("pair", []), Judgements)
