"""Paired differences of two judges: Tango, jackknife, and what makes no sense."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mllm_judge import Estimate, Judgements, agreement
from pytest_mllm_judge.metrics.checks import Metric
from pytest_mllm_judge.statistics import tango
from pytest_mllm_judge.statistics.sample import Average
from tests.metrics.figures import judged


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


@pytest.mark.parametrize("average", ["mean", "fisher", max])
def test_the_difference_of_averages_is_that_of_the_figures(average: Average) -> None:
    rng = np.random.default_rng(12)
    humans = rng.integers(1, 6, 90)
    sources = ["x", "y", "z"] * 30

    def judge(noise: int) -> Judgements:
        verdicts = np.clip(humans + rng.integers(-noise, noise + 1, 90), 1, 5)
        rows = list(zip(humans.tolist(), verdicts.tolist(), strict=True))
        return judged(
            "score", [*rows[:-3], *[(rows[place][0], None) for place in (-3, -2, -1)]], sources=sources
        )

    one, two = judge(1), judge(3)
    coefficients = (agreement.pearson, agreement.kappa_quadratic)
    for figure in coefficients if average == "fisher" else (*coefficients, agreement.mae):
        ours = figure(one, by="source", average=average)
        theirs = figure(two, by="source", average=average)
        assert ours.value is not None
        assert theirs.value is not None
        difference = ours - theirs
        assert difference.value == ours.value - theirs.value
        assert difference.low is not None
        assert difference.high is not None
        assert difference.low < difference.value < difference.high


def test_refusing_more_never_lowers_a_distance() -> None:
    old = judged("score", [(1, 1)] * 80 + [(1, 5)] * 20)
    refusing = judged("score", [(1, 1)] * 80 + [(1, None)] * 20)
    difference = agreement.mae(refusing) - agreement.mae(old)
    assert difference.value == 0
    assert (difference <= 0.05).outcome == "undecided"
    assert difference.without is not None
    assert difference.without.value == 0


def test_without_problems_an_item_is_left_out_where_either_judge_has_one() -> None:
    ours = judged("pair", [("A", "A")] * 60 + [("A", "B")] * 10 + [("A", None)] * 10 + [("A", "A")] * 10)
    theirs = judged("pair", [("A", "A")] * 80 + [("A", None)] * 10)
    for first, second, sign in ((ours, theirs, 1), (theirs, ours, -1)):
        difference = agreement.accuracy(first) - agreement.accuracy(second)
        assert difference.value == pytest.approx(sign * (70 - 80) / 90)
        assert difference.without is not None
        assert difference.without.n == 70
        assert difference.without.value == pytest.approx(sign * (60 - 70) / 70)
        assert difference.problems == {"refused": 20}


def test_judges_that_differ_alike_everywhere_differ_at_most_by_their_average_unseen() -> None:
    sources = ["x"] * 80 + ["y"] * 20
    ours = judged("score", [(3, 4)] * 100, sources=sources)
    theirs = judged("score", [(3, 3)] * 100, sources=sources)

    def difference(average: Average) -> Estimate:
        first = agreement.mae(ours, by="source", average=average)
        return first - agreement.mae(theirs, by="source", average=average)

    plain, largest = difference("mean"), difference(max)
    assert plain.value == largest.value == 1
    assert plain.counted.method == "all alike, exact"
    assert plain.low is not None
    assert largest.high is not None
    assert plain.high is not None
    assert plain.low < 1 < plain.high < largest.high


def test_of_four_verdicts_that_differ_all_may_go_one_way() -> None:
    rows = [("A", "A"), ("B", "B"), ("A", "B"), ("tie", "tie")] * 15
    changed = [("A", "tie"), ("B", "A"), ("A", "A"), ("tie", "B"), *rows[4:]]
    difference = agreement.kappa(judged("pair", rows)) - agreement.kappa(judged("pair", changed))
    assert difference.counted.method == "tango, few discordant"
    assert difference.low is not None
    assert difference.high is not None
    reach = tango(4, 0, 60)[1]
    assert difference.low <= -reach
    assert difference.high >= reach


def _noisy(seed: int, repeats: int, *, n: int = 400, flips: float = 0.3) -> list[Judgements]:
    """Two judges of 80 % and 70 %, each of whose asks turns out the other way in 3 of 10."""
    rng = np.random.default_rng(seed)
    human = np.where(np.arange(n) % 2, "A", "B")
    made = []
    for share in (0.8, 0.7):
        right = (rng.random(n) < share)[:, None] ^ (rng.random((n, repeats)) < flips)
        says = np.where(right == (human == "A")[:, None], "A", "B")
        rows = [(str(human[i]), str(says[i, t])) for i in range(n) for t in range(repeats)]
        made.append(judged("pair", rows, repeats=repeats))
    return made


@pytest.mark.parametrize("metric", [agreement.accuracy, agreement.kappa], ids=["accuracy", "kappa"])
def test_the_noise_of_a_difference_tells_how_much_narrower_more_repeats_make_it(metric: Metric) -> None:
    """Variance at 8 repeats over that at 2: within .06 of what the noise predicts, .43 (12 data sets)."""

    def difference(seed: int, repeats: int) -> Estimate:
        ours, theirs = _noisy(seed, repeats)
        return metric(ours) - metric(theirs)

    def width(one: Estimate) -> float:
        assert one.low is not None
        assert one.high is not None
        return one.high - one.low

    few = [difference(seed, 2) for seed in range(12)]
    many = [difference(seed + 100, 8) for seed in range(12)]
    noise = np.mean([one.noise for one in few if one.noise is not None])
    predicted = (1 - noise) + noise * 2 / 8
    seen = np.mean([width(one) for one in many]) ** 2 / np.mean([width(one) for one in few]) ** 2
    assert seen == pytest.approx(predicted, abs=0.06)


def test_asked_once_a_difference_does_not_know_its_noise() -> None:
    assert (agreement.accuracy(pairs(50, 10)) - agreement.accuracy(pairs(40, 20))).noise is None


def test_an_undecided_difference_of_repeated_asks_says_how_many_repeats_would_settle_it() -> None:
    ours, theirs = _noisy(3, 2)
    difference = agreement.accuracy(ours) - agreement.accuracy(theirs)
    assert difference.value is not None
    claim = difference >= difference.value - 0.03
    repeats = claim.repeats_to_settle()
    assert claim.outcome == "undecided"
    assert repeats is not None
    again = agreement.accuracy(_noisy(3, repeats + 1)[0]) - agreement.accuracy(_noisy(3, repeats + 1)[1])
    assert again.value is not None
    assert (again >= again.value - 0.03).outcome == "holds"


def test_judges_of_other_points_that_rank_alike_everywhere_have_an_interval() -> None:
    """Their tables have other sizes: one gives halves of points."""
    humans = [[1, 2], [2, 3], [3, 4]] * 20
    halves = judged("score", [(human, sum(human) / 2) for human in humans])
    wholes = judged("score", [(human, human[0]) for human in humans])
    difference = agreement.spearman(halves, annotators="mean") - agreement.spearman(wholes, annotators="mean")
    assert difference.value == 0
    assert difference.counted.method == "all alike, exact"
    assert difference.low is not None
    assert difference.high is not None
    assert difference.low < 0 < difference.high
