"""Several human labels of an item: how they become one, the ceiling they set, and what stands beside."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import krippendorff
import numpy as np
import pytest

from pytest_mllm_judge import Item, Judgement, Judgements, agreement
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.statistics.coincidence import Level
from tests.metrics.figures import AGREEMENT, Figure, Row, every, judged

ROWS: Sequence[Row] = [([1, 2, 2], 2), ([4, 4, 5], 5), ([3, 3, 3], 3), ([5, 1], 1), (None, 4)]
"""Majorities 2, 4, 3, none; means 5/3, 13/3, 3, 3."""


def test_a_majority_leaves_out_the_item_without_one() -> None:
    estimate = agreement.accuracy(judged("score", ROWS))
    assert (estimate.value, estimate.n, estimate.unlabelled) == (2 / 3, 3, 2)
    assert agreement.mae(judged("score", ROWS), annotators="majority").value == 1 / 3


def test_a_mean_keeps_every_item() -> None:
    mae = agreement.mae(judged("score", ROWS))
    assert mae.value == pytest.approx((1 / 3 + 2 / 3 + 0 + 2) / 4)
    assert (mae.n, mae.unlabelled) == (4, 1)
    assert agreement.accuracy(judged("score", ROWS), annotators="mean").value == 1 / 4
    assert agreement.within_one(judged("score", ROWS)).value == 3 / 4


def test_all_labels_count_each_and_an_item_stays_one_cluster() -> None:
    accuracy = agreement.accuracy(judged("score", ROWS), annotators="all")
    assert (accuracy.value, accuracy.n, accuracy.clusters) == (7 / 11, 11, 4)
    assert agreement.mae(judged("score", ROWS), annotators="all").value == 7 / 11
    assert accuracy.unlabelled == 1


def test_a_problem_counts_against_each_annotator() -> None:
    rows: Sequence[Row] = [(["A", "A", "B"], None), (["A", "B"], "A")]
    estimate = agreement.accuracy(judged("pair", rows), annotators="all")
    assert (estimate.value, estimate.problems) == (1 / 5, {"refused": 3})


def test_each_annotator_is_measured_against_the_others() -> None:
    """Leave one out: 1 against 2, 2; 5 against 4, 4; three 3; 5 against 1 and 1 against 5."""
    humans = agreement.humans(judged("score", ROWS))
    assert len(humans) == 11
    accuracy = agreement.accuracy(humans)
    assert (accuracy.value, accuracy.n, accuracy.unlabelled) == (3 / 7, 7, 4)
    mae = agreement.mae(humans)
    assert mae.value == pytest.approx((1 + 0.5 + 0.5 + 0.5 + 0.5 + 1 + 0 + 0 + 0 + 4 + 4) / 11)
    assert mae.clusters == 4
    assert {judgement.judge for judgement in humans} == {"humans"}


def test_nobody_stands_against_themselves_and_silence_is_no_label() -> None:
    humans = agreement.humans(judged("pair", [(["A", None, "B"], "A"), (["A"], "A"), (["B", "B"], None)]))
    said = [(judgement.item.id, judgement.verdict, judgement.item.labels()) for judgement in humans]
    assert said == [
        ("pair-000", "A", ("B",)),
        ("pair-000", "B", ("A",)),
        ("pair-002", "B", ("B",)),
        ("pair-002", "B", ("B",)),
    ]


def test_annotators_of_a_repeated_item_count_once() -> None:
    rows: Sequence[Row] = [(["A", "A"], "A")] * 3
    assert len(agreement.humans(judged("pair", rows, repeats=3))) == 2


def test_each_criterion_has_its_own_humans() -> None:
    human = {"SC": [1, 2, 2], "PQ": [4, None, 4]}
    data = {"id": "x", "task": "score", "responses": [{"text": "t"}], "human": human}
    judgement = Judgement(item=Item.model_validate(data), judge="j", verdict={"SC": 2, "PQ": 3})
    judgements = Judgements([judgement], cluster_of=lambda item: item.id, tasks=Tasks())
    humans = agreement.humans(judgements)
    assert agreement.mae(humans, criterion="SC").value == pytest.approx((1 + 0.5 + 0.5) / 3)
    assert agreement.mae(humans, criterion="PQ").value == 0
    assert agreement.mae(humans, criterion="PQ").n == 2
    assert agreement.mae(judgements, criterion="PQ", annotators="all").value == 1


@every([figure for figure in AGREEMENT if figure.task != "batch" and figure.name != "own metric"])
def test_the_human_ceiling_stands_beside_every_figure_with_its_interval(figure: Figure) -> None:
    rng = np.random.default_rng(6)
    three = [figure.rows(60, rng, agree=0.8) for _ in range(3)]
    same: list[Row] = [
        ([human, *(human if rng.random() < 0.8 else each[place][1] for each in three)], verdict)
        for place, (human, verdict) in enumerate(three[0])
    ]
    rows = [(human if human[0] is not None else None, verdict) for human, verdict in same]  # type: ignore[index]
    judgements = figure.judged(rows)
    beside = {each.name: each for each in figure.of(judgements).beside}
    ceiling = figure.of(agreement.humans(judgements))
    if ceiling.value is None:  # the pass rate is about items without a label too: no annotator has those
        assert figure.name == "score.pass_rate"
        assert "humans" not in beside
        return
    shown = beside["humans"]
    assert (shown.value, shown.low, shown.high) == (ceiling.value, ceiling.low, ceiling.high)
    assert shown.about == f"one annotator against the others, {ceiling.n} labels"


def test_the_commonest_label_stands_beside_accuracy() -> None:
    rows: Sequence[Row] = [("A", "A")] * 6 + [("B", "A")] * 3 + [("tie", "tie")]
    (constant,) = agreement.accuracy(judged("pair", rows)).beside
    assert (constant.name, constant.value) == ("constant", 0.6)
    assert constant.about == "always A, the label of 60%"
    assert list(agreement.pearson(judged("score", [(1, 2), (2, 2), (2, 3)] * 4)).beside) == []
    (off,) = agreement.mae(judged("score", [([1, 2], 2), ([1, 2], 1), ([5, 5], 5)] * 4)).beside[1:]
    assert off.value == pytest.approx(3.5 / 3)
    assert off.about == "always 1.5, the label of 67%"


def test_an_extractor_has_no_human_ceiling() -> None:
    judgements = judged("score", [([1, 2], 2), ([2, 2], 2)] * 10)
    assert [each.name for each in agreement.accuracy(judgements).beside] == ["humans", "constant"]
    assert [e.name for e in agreement.accuracy(judgements, judge=lambda j: 2).beside] == ["constant"]


def test_rankings_stand_beside_rankings_at_random_each_length_apart() -> None:
    """Over 6 orders of three and 24 of four: 5/9 and .65625 (statistics.md 3)."""
    rows: Sequence[Row] = [("ABC", "ACB")] * 20 + [("ABCD", "ABCD"), ("ABCD", "DCBA")] * 15
    distance = agreement.distance(judged("batch", rows))
    random, three, four = distance.beside
    assert random.value == pytest.approx((20 * 5 / 9 + 30 * 0.65625) / 50)
    assert three.name == "k = 3"
    assert three.value == pytest.approx(2 / 3)
    assert (three.about, four.about) == (
        "20 rankings of 3, at random 0.556",
        "30 rankings of 4, at random 0.656",
    )
    assert four.value == 0.5
    assert four.low is not None
    assert four.high is not None
    assert four.low < 0.5 < four.high
    by_length = agreement.distance(judged("batch", rows), by="answers")
    assert by_length.value == pytest.approx((2 / 3 + 0.5) / 2)
    top = agreement.top(judged("batch", rows)).beside
    assert top[0].value == pytest.approx((20 / 3 + 30 / 4) / 50)
    exact = agreement.accuracy(judged("batch", rows)).beside
    assert exact[0].value == pytest.approx((20 / math.factorial(3) + 30 / math.factorial(4)) / 50)
    assert agreement.tau(judged("batch", rows)).beside[0].value == 0


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_over_all_labels_is_krippendorffs_on_the_same_pairs(level: Level) -> None:
    """Each annotator who gave a label makes one unit of two values with the judge."""
    rng = np.random.default_rng(9)
    rows: Sequence[Row] = [
        (
            [None if rng.random() < 0.3 else int(x) for x in np.clip(point + rng.integers(-1, 2, 3), 1, 5)],
            int(point),
        )
        for point in rng.integers(1, 6, 60)
    ]
    pairs = [(label, verdict) for labels, verdict in rows for label in labels if label is not None]  # type: ignore[attr-defined]
    expected = krippendorff.alpha(
        reliability_data=np.array(list(itertools.zip_longest(*pairs)), dtype=float),
        level_of_measurement=level,
        value_domain=[1, 2, 3, 4, 5],
    )
    alpha = agreement.alpha(judged("score", rows), annotators="all", level=level)
    assert alpha.value == pytest.approx(expected, abs=1e-12)
    assert alpha.n == len(pairs)
