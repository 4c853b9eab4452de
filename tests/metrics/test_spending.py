"""What a question costs and how long it takes: means, and differences that values decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements, spending
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.metrics.upgrade import Comparison
from pytest_mllm_judge.model import Tasks
from tests.metrics.figures import FEW

Row = tuple[float | None, float | None]
"""A cost and a latency."""


def made(rows: Sequence[Row], *, per_cluster: int = 1, repeats: int = 1) -> Judgements:
    found = []
    for place, (cost, latency) in enumerate(rows):
        number, repeat = divmod(place, repeats)
        item = Item.model_validate(
            {"id": f"p{number:03}", "task": "pair", "responses": [{"text": "one"}, {"text": "other"}]}
        )
        found.append(Judgement(item=item, judge="j", repeat=repeat, verdict="A", cost=cost, latency=latency))
    return Judgements(found, cluster_of=lambda item: str(int(item.id[1:]) // per_cluster), tasks=Tasks())


def costs(values: Sequence[float | None], **options: int) -> Estimate:
    return spending.cost(made([(value, None) for value in values], **options))


def latencies(values: Sequence[float | None], **options: int) -> Estimate:
    return spending.latency(made([(None, value) for value in values], **options))


Measured = Callable[[Sequence[float | None]], Estimate]
SOME = np.round(np.random.default_rng(3).gamma(2.0, 1.5, 40), 3).tolist()
OTHERS = np.round(np.random.default_rng(4).gamma(2.0, 1.8, 40), 3).tolist()


@pytest.mark.parametrize("measure", [costs, latencies])
def test_the_mean_of_items_alone_has_scipy_s_t_interval(measure: Measured) -> None:
    estimate = measure(SOME)
    expected = stats.ttest_1samp(SOME, 0).confidence_interval(0.9)
    assert estimate.value == pytest.approx(np.mean(SOME))
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))
    assert (estimate.better, estimate.n, estimate.problems) == ("lower", 40, {})


def test_the_difference_of_items_alone_has_scipy_s_paired_t_interval() -> None:
    difference = latencies(SOME) - latencies(OTHERS)
    expected = stats.ttest_rel(SOME, OTHERS).confidence_interval(0.9)
    assert difference.value == pytest.approx(np.mean(np.subtract(SOME, OTHERS)))
    assert (difference.low, difference.high) == pytest.approx((expected.low, expected.high))
    assert difference.metric == "latency.mean, difference"


def test_values_decide_where_all_verdicts_are_the_same() -> None:
    """Both judges say A everywhere; one takes two seconds longer on average."""
    slower = latencies([value + 2 + place % 3 / 10 for place, value in enumerate(SOME)]) - latencies(SOME)
    assert (slower <= 0.5).outcome == "fails"
    assert (slower <= 3.0).outcome == "holds"


def test_the_same_cassette_twice_holds_and_has_not_regressed() -> None:
    for values in (SOME, [0.0] * 40, [1.25] * 40):
        one = latencies(values)
        difference = one - one
        assert (difference.value, difference.counted.method) == (0.0, "the same values")
        assert (difference <= 0.001).outcome == "holds"
        comparison = Comparison(check=CHECKS["latency.mean"], margin=0.5, confidence=0.95)
        judgements = made([(None, value) for value in values])
        assert comparison.p_value(comparison.estimates(judgements, judgements)) == pytest.approx(0.5)


def test_the_same_values_of_too_few_clusters_decide_nothing() -> None:
    one = latencies([1.0, 2.0, 3.0])
    assert (one - one).counted.reason == "3 independent cluster(s), fewer than 10"


def test_a_few_values_that_differ_decide_nothing() -> None:
    difference = latencies([9.0, 9.0, *SOME[2:]]) - latencies(SOME)
    assert (difference.low, difference.high) == (None, None)
    assert difference.counted.reason == "the values differ on 2 of 40 judgements, fewer than 5"
    assert (difference <= 1.0).outcome == "undecided"


def test_a_constant_cost_has_a_mean_and_no_interval() -> None:
    estimate = costs([0.02] * 40)
    assert estimate.value == pytest.approx(0.02)
    assert estimate.low is None
    assert estimate.counted.reason == "no spread at all: leaving out any cluster gives the same figure"


def test_what_is_missing_is_left_out_and_counted_and_never_zero() -> None:
    estimate = costs([None, None, *SOME])
    assert estimate.value == pytest.approx(np.mean(SOME))
    assert (estimate.n, estimate.unlabelled) == (40, 2)
    assert "  left out  2 without a cost" in estimate.lines()


def test_a_judgement_with_a_problem_costs_as_others_do() -> None:
    judgements = made([(value, None) for value in SOME])
    lost = judgements.like_these(
        each.model_copy(update={"verdict": None, "problem": "refused"}) for each in judgements
    )
    assert spending.cost(lost).counted == spending.cost(judgements).counted


def test_a_difference_is_of_the_questions_that_both_have() -> None:
    new, old = latencies([None, *SOME[1:]]), latencies([*OTHERS[:-1], None])
    difference = new - old
    assert difference.value == pytest.approx(np.mean(np.subtract(SOME[1:-1], OTHERS[1:-1])))
    assert (difference.n, difference.unpaired, difference.lacking) == (38, 2, "a latency")


@pytest.mark.parametrize(
    ("measure", "why"),
    [
        (
            costs,
            "none of these judgements has a cost: the judge has no prices, or its replies no count of tokens",
        ),
        (
            latencies,
            "none of these judgements has a latency: no times were recorded, or none stand beside the "
            "cassette",
        ),
    ],
)
def test_without_any_value_there_is_no_figure_and_the_reason(measure: Measured, why: str) -> None:
    none = measure([None] * 12)
    some = measure(SOME[:12])
    assert (none.value, none.n, none.unlabelled, none.counted.reason) == (None, 0, 12, why)
    lacking = "a cost" if measure is costs else "a latency"
    for one, other in ((none, some), (some, none), (none, none)):
        difference = one - other
        assert (difference.n, difference.counted.reason) == (0, f"no question has {lacking} of both judges")


def test_costs_are_not_subtracted_from_latencies() -> None:
    with pytest.raises(TypeError, match=r"cost\.mean - latency\.mean: only the same metric"):
        _ = costs(SOME) - latencies(SOME)


def test_repeats_share_their_item_s_cluster_and_may_differ() -> None:
    estimate = latencies(SOME, repeats=2)
    assert (estimate.n, estimate.clusters, estimate.items, estimate.repeats) == (40, 20, 20, 2)
    means = np.reshape(SOME, (20, 2)).mean(axis=1)
    expected = stats.ttest_1samp(means, 0).confidence_interval(0.9)
    assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))


def test_neither_has_a_margin_of_its_own() -> None:
    assert (CHECKS["cost.mean"].margin, CHECKS["latency.mean"].margin) == (None, None)
    margins = {check.margin for name, check in CHECKS.items() if name.startswith("consistency.")}
    assert margins == {0.05}


@FEW
@given(
    pairs=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=10, max_size=40),
    per_cluster=st.integers(1, 3),
)
def test_swapping_two_judges_flips_the_sign(pairs: list[tuple[float, float]], per_cluster: int) -> None:
    first, second = (latencies(values, per_cluster=per_cluster) for values in zip(*pairs, strict=True))
    there, back = first - second, second - first
    assert there.value == pytest.approx(-(back.value or 0.0))
    if there.low is not None:
        assert there.low == pytest.approx(-(back.high or 0.0))
        assert there.low <= (there.value or 0.0) <= (there.high or 0.0)
