"""What users slip in: options, averages, verdicts and metrics that make no sense are told by name."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable

import numpy as np
import pytest

from pytest_mllm_judge import Estimate, Judgement, Judgements, agreement, metric, problems
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Tasks
from tests.metrics.figures import judged

PAIRS = judged("pair", [("A", "A"), ("B", "A"), ("tie", "tie"), ("A", "A")] * 10, sources=["x", "y"] * 20)
SCORES = judged("score", [(1 + n % 5, 5 - n % 5) for n in range(40)], sources=["x", "y"] * 20)


SLIPS: list[tuple[Callable[..., Estimate], dict[str, object], str]] = [
    (agreement.accuracy, {"confidance": 0.99}, "accuracy takes no confidance; did you mean 'confidence'?"),
    (
        agreement.accuracy,
        {"annotators": "median"},
        "annotators = 'median': say one of 'majority', 'mean', 'all'",
    ),
    (
        agreement.alpha,
        {"level": "cubic"},
        "level = 'cubic': say one of 'nominal', 'ordinal', 'interval', 'ratio'",
    ),
    (agreement.kappa, {"weights": "Quadratic"}, "weights = 'Quadratic': say one of"),
    (agreement.kappa, {"bootstrap": 1.5}, "bootstrap = 1.5: its seed is a whole number"),
    (problems.rate, {"kinds": ("refusals",)}, r"kinds = \('refusals',\): a list of some of refused"),
    (problems.rate, {"kinds": "refused"}, "kinds = 'refused': a list of some of"),
]


@pytest.mark.parametrize(("figure", "options", "told"), SLIPS)
def test_an_option_that_there_is_not_is_named(
    figure: Callable[..., Estimate], options: dict[str, object], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        figure(PAIRS, **options)


def test_anything_but_judgements_is_named() -> None:
    with pytest.raises(TypeError, match=r"accuracy takes judgements, such as judge_run\.pair, got list"):
        agreement.accuracy([1, 2])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="population is 'sampled' or 'fixed', got 'fix'"):
        Judgements([], cluster_of=str, tasks=Tasks(), population="fix")  # type: ignore[arg-type]


def test_the_mean_arctanh_is_for_coefficients_only() -> None:
    assert agreement.pearson(SCORES, by="source", average="fisher").value is not None
    with pytest.raises(ValueError, match="average = 'fisher' is about coefficients in -1 to 1"):
        agreement.mae(SCORES, by="source", average="fisher")


def test_an_average_gives_a_finite_number_that_the_figure_can_be() -> None:
    def word(values: object) -> float:
        return "high"  # type: ignore[return-value]

    with pytest.raises(ValueError, match="average = word gave 'high' for 2 slices; give a finite number"):
        agreement.accuracy(PAIRS, by="source", average=word)
    with pytest.raises(ValueError, match="the average came out as 15, beyond 0 to 1"):
        agreement.accuracy(PAIRS, by="source", average=lambda values: 10 * sum(values))
    constant = agreement.accuracy(PAIRS, by="source", average=lambda values: 0.9)
    assert (constant >= 0.5).outcome == "undecided"


def test_a_verdict_that_the_benchmark_does_not_know_is_named() -> None:
    with pytest.raises(
        SettingsError, match="item score-000: the verdict 48 is not a point of the scale 1, 2"
    ):
        agreement.leniency(judged("score", [(1, 48)] * 12))
    with pytest.raises(
        SettingsError, match="item batch-000: the verdict 'AABB' is not a ranking of the letters"
    ):
        agreement.distance(judged("batch", [("ABCD", "AABB")] * 12))


def test_two_metrics_of_one_name_are_not_subtracted() -> None:
    def made(limit: int) -> Callable[[Judgements], Estimate]:
        @metric
        def far(judgement: Judgement) -> bool:
            return bool(abs(judgement.verdict - judgement.human) >= limit)  # type: ignore[operator]

        return far

    same = made(1)
    assert (same(SCORES) - same(SCORES)).value == 0
    with pytest.raises(TypeError, match="far: two metrics of this name; only one and the same"):
        _ = made(1)(SCORES) - made(4)(SCORES)


def test_saying_the_default_changes_nothing_of_how_figures_are_read() -> None:
    said = agreement.accuracy(PAIRS, annotators="majority", by="source", average="mean")
    assert (said - agreement.accuracy(PAIRS, by="source")).value == 0


def test_one_refusal_on_a_scale_of_a_hundred_points_is_no_trouble() -> None:
    tasks = Tasks.model_validate({"score": {"scale": list(range(101))}})
    rng = np.random.default_rng(2)
    humans = rng.integers(0, 101, 120).tolist()
    plain = judged("score", [(h, None if n == 7 else min(100, h + n % 9)) for n, h in enumerate(humans)])
    scores = Judgements(plain, cluster_of=plain.cluster_of, tasks=tasks)
    for figure in (
        agreement.kappa_quadratic,
        agreement.spearman,
        agreement.tau_b,
        agreement.ac1,
        agreement.scale_use,
    ):
        estimate = figure(scores)
        assert estimate.without is not None
        assert estimate.value is not None
        assert estimate.without.value is not None
        assert estimate.value <= estimate.without.value


def test_what_would_settle_is_counted_in_items_not_in_labels_or_repeats() -> None:
    """200 rows of 40 items, five annotators each: about as many items as one annotator's rows say."""
    rows = [(["A"] * 5 if n % 3 else ["A", "A", "A", "B", "B"], "A") for n in range(40)]
    claim = agreement.accuracy(judged("pair", rows), annotators="all") >= 0.84
    assert claim.outcome == "undecided"
    interval = claim.estimate.counted
    assert interval.value is not None
    assert interval.low is not None
    assert interval.high is not None
    reach = interval.value - interval.low if interval.value > 0.84 else interval.high - interval.value
    assert claim.settled_by() == pytest.approx(40 * (reach / (interval.value - 0.84)) ** 2, abs=1)


def test_a_figure_drawn_upwards_is_shown_so_where_it_must_not_be_high() -> None:
    rows = [(3, 3 if n % 3 else None) for n in range(60)]
    claim = agreement.leniency(judged("score", rows)) <= 0.5
    assert claim.estimate.upper is not None
    assert f"{claim.estimate.upper.value:.3f}" in str(claim)
    assert claim.plain()["seen"]["value"] == claim.estimate.upper.value


def test_an_estimate_crosses_processes() -> None:
    estimate = agreement.accuracy(PAIRS)
    again = pickle.loads(pickle.dumps(estimate))
    assert again.counted == estimate.counted
    assert [each.name for each in again.beside] == ["constant"]
    json.dumps(again.plain(), allow_nan=False)


def test_a_field_that_no_item_has_is_named_when_slicing() -> None:
    with pytest.raises(SettingsError, match="no item here has a field 'sorce'; did you mean 'source'"):
        agreement.accuracy(PAIRS).where(sorce="x")
    assert agreement.accuracy(PAIRS).where(source=frozenset(["x"])).n == 20


def test_a_small_slice_is_not_vouched_for_by_a_large_one() -> None:
    """Two slices of 50 and 2 alike: a change of half the small one would be a quarter of the figure."""
    pairs = judged("pair", [("A", "A")] * 52, sources=["large"] * 50 + ["small"] * 2)
    estimate = agreement.accuracy(pairs, by="source")
    assert ((estimate - estimate) >= -0.05).outcome == "undecided"
