"""Whether a judge pays for length, or for its own family's answers, beyond what humans do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from statsmodels.api import OLS  # type: ignore[import-untyped]

from pytest_mllm_judge import Estimate, Judgements, agreement, bias
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.bias.scores import score_length
from pytest_mllm_judge.statistics import pearson
from tests.metrics.bias_worlds import LENGTHS, OWN, _score, judgement, outcomes, scores, together

SETS = 60
ERROR = 2 * (0.05 * 0.95 / SETS) ** 0.5
"""Two standard errors of a share of 5 % in so many sets: 0.056."""
Check = Callable[[Judgements], Estimate]
World = Callable[[np.random.Generator], Judgements]


def columns(judgements: Judgements) -> tuple[list[float], list[float], list[float]]:
    """Human score, the judge's, and log2 of the length."""
    human = [float(one.human) for one in judgements]  # type: ignore[arg-type]
    said = [float(one.verdict) for one in judgements]  # type: ignore[arg-type]
    lengths = [float(np.log2(len(one.item.responses[0].text or ""))) for one in judgements]
    return human, said, lengths


def test_it_is_the_ratio_of_two_slopes_as_statsmodels_has_them() -> None:
    judgements = scores(np.random.default_rng(1), 80, per_doubling=0.2, gain=0.6)
    human, said, lengths = columns(judgements)
    slopes = OLS(said, np.column_stack([np.ones(80), human, lengths])).fit().params
    estimate = bias.score_length(judgements)
    assert estimate.value == pytest.approx(slopes[2] / slopes[1])
    gain = next(each.value for each in estimate.beside if each.name == "gain")
    assert gain == pytest.approx(slopes[1])


def test_scores_that_go_with_length_as_the_humans_do_are_no_bias() -> None:
    """The raw correlation of score and length is .5 and sure of it; the check holds."""
    judgements = scores(np.random.default_rng(2), 600, longer_is_better=0.3, raters=3, human_noise=0.3)
    _, said, lengths = columns(judgements)
    raw = pearson(said, lengths, clusters=[str(place) for place in range(600)])
    assert raw.low is not None
    assert raw.low > 0.4
    assert bias.score_length(judgements).within(0.1).outcome == "holds"


def test_a_judge_who_uses_less_of_the_scale_does_not_seem_to_mark_long_answers_down() -> None:
    """The plain difference of judge and humans falls by .4 x .3 points a doubling, and is sure of it."""
    judgements = scores(np.random.default_rng(3), 400, gain=0.6, longer_is_better=0.3, raters=3)
    human, said, lengths = columns(judgements)
    fit = OLS(np.subtract(said, human), np.column_stack([np.ones(400), lengths])).fit()
    assert fit.params[1] < -0.08
    assert fit.pvalues[1] < 0.001
    assert bias.score_length(judgements).within(0.1).outcome == "holds"


def test_the_error_of_several_humans_is_taken_out() -> None:
    """20 sets of 500: the mean is the true .1 within three standard errors; labels as exact give more."""
    rng = np.random.default_rng(4)
    found, naive = [], []
    for _ in range(20):
        judgements = scores(rng, 500, per_doubling=0.1, raters=2, human_noise=0.5)
        found.append(bias.score_length(judgements).value)
        exact = score_length(judgements, human=lambda one: one.human)
        naive.append(exact.value)
    error = np.std(found, ddof=1) / 20**0.5  # type: ignore[arg-type]
    assert abs(np.mean(found) - 0.1) < 3 * error  # type: ignore[arg-type]
    assert np.mean(naive) - 0.1 > 0.05  # type: ignore[arg-type]


def test_single_labels_that_may_err_leave_open_what_they_can_t_tell() -> None:
    """No bias, but labels that err make a regression see one of .2; the interval holds 0."""
    judgements = scores(np.random.default_rng(5), 600, human_noise=0.4, judge_noise=0.4)
    estimate = bias.score_length(judgements)
    assert (estimate.value or 0) > 0.15
    assert estimate.counted.method == "jackknife-t, ratio, least and most"
    assert estimate.within(0.1).outcome == "undecided"
    beside = {each.name: each.value for each in estimate.beside}
    assert list(beside) == ["humans", "gain", "least", "most"]
    assert abs(beside["least"] or 1) < 0.08
    assert beside["most"] == pytest.approx(estimate.value)


def test_single_labels_cost_nothing_where_humans_do_not_pay_for_length() -> None:
    judgements = scores(np.random.default_rng(6), 400, longer_is_better=0.0)
    least, most = (
        each.value for each in bias.score_length(judgements).beside if each.name in ("least", "most")
    )
    assert least == pytest.approx(most, abs=0.02)


def test_a_judge_that_says_as_humans_do_holds() -> None:
    found = [judgement(_score(n, LENGTHS[n % 4], OWN, (1.0 + n % 5,)), 1.0 + n % 5) for n in range(100)]
    estimate = bias.score_length(together(found))
    assert estimate.value == pytest.approx(0)
    assert estimate.counted.reason == ""
    assert estimate.within(0.2).outcome == "holds"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda n: 3.0, "the judge's scores do not vary with the humans', so the scales can't be matched"),
        (
            lambda n: 1.0 + n * 7 % 11 % 5,
            "the judge's scores hardly rise with the humans' (r = 0.00), so the scales can't be matched",
        ),
    ],
)
def test_a_judge_that_does_not_follow_humans_has_no_scale_to_match(
    said: Callable[[int], float], reason: str
) -> None:
    found = [judgement(_score(n, LENGTHS[n // 5 % 4], OWN, (1.0 + n % 5,)), said(n)) for n in range(100)]
    estimate = bias.score_length(together(found))
    assert estimate.counted.reason == reason
    assert estimate.within(0.1).outcome == "undecided"


def test_answers_of_one_length_tell_nothing() -> None:
    found = [judgement(_score(n, 40, OWN, (1.0 + n % 5,)), 1.0 + n % 4) for n in range(60)]
    reason = bias.score_length(together(found)).counted.reason
    assert reason == "it is the same everywhere, so nothing can depend on it"


def test_answers_without_a_text_or_a_label_are_left_out_and_counted() -> None:
    judgements = scores(np.random.default_rng(8), 40)
    bare = judgement(_score(90, 0, OWN, (3.0,)), 3.0)
    unlabelled = judgement(_score(91, 40, OWN, ()), 3.0)
    estimate = bias.score_length(together([*judgements, bare, unlabelled]))
    assert (estimate.n, estimate.unlabelled) == (40, 2)
    assert "  left out  2 without a text or a human label" in estimate.lines()
    alone = bias.score_length(together([bare]))
    assert alone.counted.reason == "no answer with a human label here has a text"


def test_a_problem_draws_the_slope_to_where_it_must_not_be() -> None:
    judgements = scores(np.random.default_rng(9), 100, raters=3)
    lost = {f"s{number:04}" for number in range(5)}
    silent = judgements.like_these(
        one.model_copy(update={"verdict": None, "problem": "refused"}) if one.item.id in lost else one
        for one in judgements
    )
    estimate = bias.score_length(silent)
    assert estimate.upper is not None
    assert estimate.without is not None
    low, middle, high = estimate.value, estimate.without.value, estimate.upper.value
    assert low is not None
    assert middle is not None
    assert high is not None
    assert low < middle < high
    assert estimate.problems == {"refused": 5}


def test_annotators_one_by_one_are_refused() -> None:
    with pytest.raises(SettingsError) as told:
        bias.score_length(scores(np.random.default_rng(1), 20), annotators="all")
    assert str(told.value) == "score.length is about the mean of several annotators: leave out annotators"


def test_a_judge_less_itself_is_no_different() -> None:
    one = bias.score_length(scores(np.random.default_rng(10), 200, per_doubling=0.3))
    assert (one - one).value == 0


def test_in_a_difference_single_labels_count_as_exact() -> None:
    """The second judge adds a tenth of a point per 80 characters, which is on average .12 a doubling."""
    plain = scores(np.random.default_rng(11), 200)
    _, said, lengths = columns(plain)
    more = plain.like_these(
        one.model_copy(update={"verdict": min(5.0, score + 0.1 * 2**length / 80)})
        for one, score, length in zip(plain, said, lengths, strict=True)
    )
    difference = bias.score_length(more) - bias.score_length(plain)
    assert difference.counted.method == "jackknife-t, plain"
    assert difference.low is not None
    assert difference.low > 0.05


def test_own_answers_that_are_better_are_no_self_preference() -> None:
    """Own answers are half a point better by all; the judge uses .6 of the scale, and is lenient besides."""
    judgements = scores(
        np.random.default_rng(12), 400, own_is_better=0.5, gain=0.6, raters=3, human_noise=0.3
    )
    assert bias.score_self_preference(judgements).within(0.25).outcome == "holds"
    by_author = [agreement.leniency(judgements.where(author=name)).value for name in (OWN, "llava-1.5")]
    assert (by_author[0] or 0) - (by_author[1] or 0) < -0.1


def test_a_family_of_one_s_own_pattern_turns_the_difference_round() -> None:
    judgements = scores(np.random.default_rng(13), 200, own=0.5, raters=2, human_noise=0.2)
    ours, theirs = (
        bias.score_self_preference(judgements),
        bias.score_self_preference(judgements, family="llava"),
    )
    assert (ours.value or 0) > 0.3
    assert theirs.value == pytest.approx(-(ours.value or 0))


def test_few_answers_of_the_family_decide_nothing() -> None:
    estimate = bias.score_self_preference(scores(np.random.default_rng(14), 60), family="mistral")
    assert (
        estimate.counted.reason == "0 of 60 answers are of the judge's own family (an author like 'mistral')"
    )


WORLDS: dict[str, tuple[Check, float, World, World, World]] = {
    "length, three humans": (
        bias.score_length,
        0.1,
        lambda rng: scores(rng, 150, raters=3, human_noise=0.4),
        lambda rng: scores(rng, 150, raters=3, human_noise=0.4, per_doubling=0.1, gain=0.7),
        lambda rng: scores(rng, 300, raters=3, human_noise=0.4, per_doubling=0.3),
    ),
    "length, one human": (
        bias.score_length,
        0.1,
        lambda rng: scores(rng, 150, human_noise=0.35),
        lambda rng: scores(rng, 150, per_doubling=0.1, gain=0.7),
        lambda rng: scores(rng, 500, per_doubling=0.3),
    ),
    "own": (
        bias.score_self_preference,
        0.25,
        lambda rng: scores(rng, 150, human_noise=0.35, own_is_better=0.4, gain=0.6),
        lambda rng: scores(rng, 150, own=0.25, own_is_better=0.4, gain=0.6),
        lambda rng: scores(rng, 300, own=0.75),
    ),
}


@pytest.mark.parametrize("name", WORLDS)
def test_no_fault_seldom_fails_one_at_the_margin_seldom_holds_and_three_margins_are_found(name: str) -> None:
    """60 sets of 150 scores; of a fault of three margins 20 sets of 300 or 500."""
    check, margin, none, at, beyond = WORLDS[name]
    assert outcomes(check, none, margin=margin, sets=SETS)["fails"] <= 0.05 + ERROR
    assert outcomes(check, at, margin=margin, sets=SETS)["holds"] <= 0.05 + ERROR
    found = outcomes(check, beyond, margin=margin, sets=20)
    assert found["holds"] == 0
    assert found["fails"] >= 0.9 - 2 * (0.9 * 0.1 / 20) ** 0.5


def test_one_fault_does_not_look_like_the_other() -> None:
    """30 sets of 200 scores each."""
    error = 2 * (0.05 * 0.95 / 30) ** 0.5
    to_length = outcomes(bias.score_length, lambda rng: scores(rng, 200, own=0.75), margin=0.1, sets=30)
    to_own = outcomes(
        bias.score_self_preference, lambda rng: scores(rng, 200, per_doubling=0.3), margin=0.25, sets=30
    )
    assert max(to_length["fails"], to_own["fails"]) <= 0.05 + error


def test_the_public_name_reads_scores_as_scores() -> None:
    judgements = scores(np.random.default_rng(15), 60)
    assert bias.length(judgements).metric == "score.length"
    assert bias.self_preference(judgements).metric == "score.self_preference"
