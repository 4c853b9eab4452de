"""Too little to decide on: slices of none and of one, one label, all problems, no labels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from pytest_mllm_judge import Estimate, Item, agreement
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from tests.metrics.figures import (
    BUILT_IN,
    FIGURES,
    SCALES,
    Figure,
    Row,
    by_id,
    every,
    intervals,
    judged,
    tasks_of,
)


def data(figure: Figure, what: str) -> list[Row]:
    """Rows of an unlucky kind."""
    labels, first = list(figure.labels), figure.labels[0]
    spread = [labels[place % len(labels)] for place in range(30)]
    rows: dict[str, list[Row]] = {
        "nothing": [],
        "one right": [(first, first)],
        "one wrong": [(first, labels[1])],
        "one problem": [(first, None)],
        "one label": [(first, verdict) for verdict in spread],
        "one verdict": [(human, first) for human in spread],
        "one of both": [(first, first)] * 30,
        "all wrong alike": [(first, labels[1])] * 30,
        "all right": [(human, human) for human in spread],
        "all problems": [(human, None) for human in spread],
        "no labels": [(None, verdict) for verdict in spread],
        "no labels, no verdicts": [(None, None)] * 30,
        "half problems": [(human, human if place % 2 else None) for place, human in enumerate(spread)],
    }
    return rows[what]


KINDS = (
    "nothing",
    "one right",
    "one wrong",
    "one problem",
    "one label",
    "one verdict",
    "one of both",
    "all wrong alike",
    "all right",
    "all problems",
    "no labels",
    "no labels, no verdicts",
    "half problems",
)


def is_sound(estimate: Estimate) -> None:
    """No NaN, no interval of no width, a reason wherever there is none; it can be shown and claimed."""
    for each in intervals(estimate):
        numbers = [x for x in (each.value, each.low, each.high) if x is not None]
        assert all(map(math.isfinite, numbers))
        assert each.reason or (each.low is not None and each.high is not None)
        if each.low is not None and each.high is not None and each.value is not None:
            assert each.low <= each.value <= each.high
            assert each.reason or each.high - each.low > 1e-6
    for claim in (estimate >= 0.01, estimate <= 0.01, estimate.within(0.01)):
        assert claim.outcome in ("holds", "fails", "undecided")
        assert "nan" not in claim.explain()
    assert estimate.plain()["n"] == estimate.n


@every(FIGURES)
def test_whatever_the_data_there_is_an_answer(figure: Figure) -> None:
    for what in KINDS:
        rows = data(figure, what)
        estimate = figure(rows)
        is_sound(estimate)
        if estimate.n:
            is_sound(estimate - estimate)
        else:
            assert estimate.value is None
            assert (estimate >= 0.01).outcome == "undecided"
        if rows:
            nothing = estimate.where(source="nowhere")
            is_sound(nothing)
            assert nothing.n == 0


SLICINGS: dict[str, Sequence[str]] = {
    "one slice": ["a"] * 30,
    "a slice of one": ["a"] * 29 + ["b"],
    "two slices": ["a", "b"] * 15,
    "two slices, more clusters": ["a", "b"] * 15,
    "a slice each": [f"s{place}" for place in range(30)],
}


def of_its_source(item: Item) -> str:
    return str(item.source)


@every([figure for figure in BUILT_IN if len(figure.labels) <= 5])
@pytest.mark.parametrize("what", ["one of both", "half problems"])
def test_whatever_the_slices_there_is_an_answer(figure: Figure, what: str) -> None:
    rows = data(figure, what)
    for name, sources in SLICINGS.items():
        cluster_of = of_its_source if name == "two slices" else by_id
        judgements = figure.judged(rows, sources=sources, cluster_of=cluster_of)
        estimate = CHECKS[figure.name](judgements, by="source")
        is_sound(estimate)
        if estimate.n:
            is_sound(estimate - estimate)
        if name == "a slice of one":
            for part in estimate.by("source").values():
                is_sound(part)


def test_a_slice_of_one_cluster_leaves_nothing_to_decide_on() -> None:
    rows: Sequence[Row] = [("A", "A"), ("B", "A")] * 20
    judgements = judged("pair", rows, sources=["a"] * 39 + ["b"])
    estimate = agreement.accuracy(judgements, by="source")
    assert estimate.value == pytest.approx((20 / 39 + 0) / 2)
    left_out = "the figure is undefined, or perfect, once some cluster is left out"
    assert estimate.counted.reason == f"{left_out} (the slice 'b' has 1 cluster(s))"
    assert (estimate >= 0.1).outcome == "undecided"


def test_of_slices_that_are_all_right_each_may_err_unseen_at_bonferronis_level() -> None:
    rows: Sequence[Row] = [("A", "A"), ("B", "B")] * 30
    judgements = judged("pair", rows, sources=["x"] * 40 + ["y"] * 20)
    estimate = agreement.accuracy(judgements, by="source")
    unseen = [1 - 0.025 ** (1 / n) for n in (40, 20)]
    assert estimate.low == pytest.approx(1 - sum(unseen) / 2)
    assert (estimate.value, estimate.high) == (1, 1)


def test_reasons_say_what_is_missing() -> None:
    no_label = "none of these judgements has a human label to agree with"
    assert agreement.kappa(judged("pair", [(None, "A")] * 20)).counted.reason == no_label
    assert agreement.f1(judged("pair", [(None, "A")] * 20), label="A").counted.reason == no_label
    assert agreement.f1(judged("pair", []), label="A").counted.reason == no_label
    tie = agreement.accuracy_decided(judged("pair", [("tie", "A")] * 20))
    assert tie.counted.reason == "humans prefer neither response in any of these pairs"
    flat = agreement.pearson(judged("score", [(point, 3) for point in (1, 2, 3, 4, 5)] * 4))
    assert flat.counted.reason == "the judge gave 3 to all 20 items: no correlation"
    same = agreement.spearman(judged("score", [(2, point) for point in (1, 2, 3, 4, 5)] * 4))
    assert same.counted.reason == "humans gave one score to all 20 items: no correlation"


def test_averages_are_plain_fisher_or_a_function_of_the_slices() -> None:
    rng = np.random.default_rng(7)
    points = SCALES["1-5"]
    rows: Sequence[Row] = [(points[int(a)], points[int(b)]) for a, b in rng.integers(0, 5, (90, 2))]
    judgements = judged("score", rows, sources=["a", "b", "c"] * 30)
    parts = [part.value for part in agreement.kappa_quadratic(judgements).by("source").values()]
    r = np.array([value for value in parts if value is not None])
    assert len(r) == 3
    assert agreement.kappa_quadratic(judgements, by="source").value == pytest.approx(r.mean())
    fisher = agreement.kappa_quadratic(judgements, by="source", average="fisher")
    assert fisher.value == pytest.approx(np.tanh(np.arctanh(r).mean()))
    upstream = agreement.kappa_quadratic(
        judgements, by="source", average=lambda values: math.tanh(sum(values) / len(values))
    )
    assert upstream.value == pytest.approx(np.tanh(r.mean()))
    assert upstream.low is not None
    assert upstream.high is not None
    assert upstream.value is not None
    assert upstream.low < upstream.value < upstream.high
    lowest = agreement.kappa_quadratic(judgements, by="source", average=min)
    assert lowest.value == pytest.approx(r.min())


def test_a_function_of_the_means_is_the_mean_itself_where_it_says_so() -> None:
    rows: Sequence[Row] = [("A", "A"), ("A", "B"), ("B", "B")] * 20
    judgements = judged("pair", rows, sources=["x"] * 30 + ["y"] * 30)
    plain = agreement.accuracy(judgements, by="source")
    own = agreement.accuracy(judgements, by="source", average=lambda values: sum(values) / len(values))
    assert (own.value, own.low, own.high) == pytest.approx((plain.value, plain.low, plain.high))


def test_averages_that_make_no_sense_are_errors() -> None:
    judgements = judged("score", [(1, 1), (2, 3)] * 10, sources=["x", "y"] * 10)
    with pytest.raises(SettingsError, match="average = 'fisher' is about slices: say by = as well"):
        agreement.kappa(judgements, average="fisher")
    with pytest.raises(SettingsError, match="average = 'median': say 'mean', 'fisher' or a function"):
        agreement.kappa(judgements, by="source", average="median")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="no item here has a field 'sourse'; did you mean 'source'"):
        agreement.kappa(judgements, by="sourse")


def test_an_extractors_label_that_the_task_does_not_know_is_an_error() -> None:
    judgements = judged("pair", [("A", "A")] * 10)
    with pytest.raises(SettingsError, match=r"pair\.kappa: 'left' is none of A, B, tie"):
        agreement.kappa(judgements, judge=lambda j: "left")
    with pytest.raises(SettingsError, match="the extractor judge= gave nan for item score-000"):
        agreement.mae(judged("score", [(1, 1)] * 10), judge=lambda j: math.nan)
    with pytest.raises(SettingsError, match=r"score\.mae needs numbers, got 'much'"):
        agreement.mae(judged("score", [(1, 1)] * 10), judge=lambda j: "much")


def test_extractors_may_make_numbers_off_the_scale() -> None:
    judgements = judged("score", [(1, 2), (3, None), (5, 4), (4, 4)] * 10)
    halves = agreement.mae(
        judgements,
        human=lambda j: None if j.human is None else float(j.human) / 10,
        judge=lambda j: None if j.verdict is None else float(j.verdict) / 10,  # type: ignore[arg-type]
    )
    assert halves.value == pytest.approx((0.1 + 0.2 + 0.1 + 0) / 4)
    assert halves.problems == {"refused": 10}


def test_words_have_an_order_for_what_needs_one_and_no_numbers() -> None:
    words = tasks_of(SCALES["words"])
    rows: Sequence[Row] = [("poor", "fair"), ("good", "good"), ("fair", "poor"), ("poor", "poor")] * 10
    numbers: Sequence[Row] = [(0, 1), (2, 2), (1, 0), (0, 0)] * 10
    judgements, same = judged("score", rows, tasks=words), judged("score", numbers, tasks=tasks_of([0, 1, 2]))
    for figure in (agreement.kappa_quadratic, agreement.alpha_ordinal, agreement.kappa_linear):
        assert figure(judgements).value == figure(same).value
    with pytest.raises(SettingsError, match="alpha_interval needs numbers, and this scale is made of words"):
        agreement.alpha_interval(judgements)
    with pytest.raises(SettingsError, match="made of words"):
        agreement.mae(judgements)
    with pytest.raises(SettingsError, match=r"score\.f1: there is no label 'great'|f1: there is no label"):
        agreement.f1(judgements, label="great")
