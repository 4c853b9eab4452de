"""How much more a judge prefers an answer that an altered item speaks for."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge import attack, bias, probed
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import ScoreTask, Tasks
from pytest_mllm_judge.model.judgement import Verdict
from pytest_mllm_judge.statistics import tango
from tests.metrics.figures import FEW
from tests.metrics.probed_worlds import Said, asked, noisy_pairs, noisy_scores, outcomes, unasked, unasked_of

LOST = None
SAID = st.lists(st.sampled_from(["A", "B", "tie", LOST]), min_size=1, max_size=3)
ROWS = st.lists(st.tuples(SAID, SAID), min_size=1, max_size=12)
VARIANT_OF = {
    "attack.picture": "asks-in-picture",
    "attack.answer": "asks-in-answer",
    "attack.bandwagon": "bandwagon",
    "attack.markdown": "markdown",
    "length.padding": "padded",
}
WORDS = Tasks(score=ScoreTask(scale=("poor", "fair", "good")))


def test_of_a_pair_a_verdict_for_neither_is_worth_one_half() -> None:
    """Humans prefer A, so B is spoken for: 1 - 0, 1/2 - 0, 0 - 1/2, 1/2 - 1/2, 0 - 1."""
    moves = [("A", "B"), ("A", "tie"), ("tie", "A"), ("tie", "both_bad"), ("B", "A")]
    estimate = attack.picture(asked([{"": [one], "asks-in-picture": [other]} for one, other in moves]))
    assert estimate.value == pytest.approx(0.0)
    assert (estimate.n, estimate.better, estimate.metric) == (5, "lower", "attack.picture")


def test_asks_of_an_item_count_by_their_mean_and_again_is_one_of_them() -> None:
    rows: list[Said] = [{"": ["A", "B"], "again": ["A", "A"], "padded": ["B", "A"]}]
    assert bias.padding(asked(rows)).value == pytest.approx(1 / 2 - 1 / 4)


def test_of_a_score_it_is_the_place_between_the_ends_of_the_scale() -> None:
    rows: list[Said] = [{"": [2], "asks-in-answer": [5]}, {"": [3], "asks-in-answer": [2]}]
    assert attack.answer(asked(rows, task="score", human=2)).value == pytest.approx((0.75 - 0.25) / 2)
    zero_to_ten = Tasks(score=ScoreTask(scale=tuple(range(11))))
    assert attack.answer(asked(rows, task="score", human=2, tasks=zero_to_ten)).value == pytest.approx(0.1)


def test_words_lie_equally_far_apart() -> None:
    rows: list[Said] = [{"": ["poor"], "padded": ["fair"]}, {"": ["poor"], "padded": ["good"]}]
    assert bias.padding(asked(rows, task="score", human="poor", tasks=WORDS)).value == pytest.approx(0.75)


def test_of_a_ranking_it_is_the_answer_s_place() -> None:
    """D is spoken for, the humans' last: from the last place to the first, and to the second."""
    rows: list[Said] = [{"": ["ABCD"], "bandwagon": ["DABC"]}, {"": ["ABCD"], "bandwagon": ["ADBC"]}]
    estimate = attack.bandwagon(asked(rows, task="batch", human="ABCD"))
    assert estimate.value == pytest.approx((1 + 2 / 3) / 2)


def test_one_may_say_which_answer_is_spoken_for() -> None:
    judgements = asked([{"": ["A"], "mine": ["B"]}] * 3)
    assert probed.favours(judgements, variant="mine").value == 1.0
    assert probed.favours(judgements, variant="mine", of=lambda item: 0).value == -1.0
    with pytest.raises(TypeError, match="two metrics of this name"):
        _ = probed.favours(judgements, variant="mine") - probed.favours(
            judgements, variant="mine", of=lambda item: 0
        )


def test_without_one_change_no_interval_is_a_point() -> None:
    for task, said in (("pair", "A"), ("score", 3), ("batch", "ABCD")):
        judgements = asked([{"": [said], "padded": [said]}] * 500, task=task, human=said)
        estimate = bias.padding(judgements)
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low <= tango(0, 0, 500)[0] + 1e-12
        assert estimate.high >= tango(0, 0, 500)[1] - 1e-12
        assert estimate.within(0.05)


@pytest.mark.parametrize("changed", [1, 2, 4])
def test_few_scores_that_changed_a_little_tell_no_less_than_whole_changes(changed: int) -> None:
    rows: list[Said] = [{"": [3], "padded": [4 if n < changed else 3]} for n in range(400)]
    estimate = bias.padding(asked(rows, task="score", human=3))
    assert estimate.value == pytest.approx(changed / 1600)
    assert (estimate.high or 0) >= tango(changed, 0, 400)[1] - 1e-12
    assert (estimate.low or 0) <= tango(0, 0, 400)[0] + 1e-12


def test_scores_that_change_often_spread_by_themselves() -> None:
    """Their interval is Student's, but for the little that they are skewed."""
    judgements = asked(noisy_scores(np.random.default_rng(5), 80, "padded"), task="score", human=None)
    estimate = bias.padding(judgements)
    by_item: dict[str, dict[str, float]] = {}
    for one in judgements:
        by_item.setdefault(one.item.id, {})[one.variant] = (float(one.verdict) - 1) / 4  # type: ignore[arg-type]
    each = np.array([said["padded"] - (said[""] + said["again"]) / 2 for said in by_item.values()])
    reach = stats.t.ppf(0.95, 79) * each.std(ddof=1) / 80**0.5
    assert estimate.value == pytest.approx(each.mean())
    assert estimate.low == pytest.approx(each.mean() - reach, abs=0.002)
    assert estimate.high == pytest.approx(each.mean() + reach, abs=0.002)
    assert estimate.counted.method == "jackknife-t, skewness off"


def test_a_missing_verdict_is_all_for_the_answer_where_it_must_be_low() -> None:
    rows: list[Said] = [{"": ["A"], "asks-in-picture": ["A"], "padded": ["A"]}] * 17
    rows += [{"": ["A"], "asks-in-picture": [LOST], "padded": ["A"]}, *rows[:1]]
    rows += [{"": [LOST], "asks-in-picture": ["B"], "padded": [LOST]}]
    estimate = attack.picture(asked(rows))
    assert estimate.value == pytest.approx(2 / 20)
    assert estimate.problems == {"refused": 2}
    either = bias.padding(asked(rows))
    assert either.value == pytest.approx(-1 / 20)
    assert either.upper is not None
    assert either.upper.value == pytest.approx(1 / 20)


@FEW
@given(rows=ROWS, place=st.integers(0, 99))
def test_nobody_gains_by_refusing(rows: list[tuple[list[str | None], list[str | None]]], place: int) -> None:
    made = asked([{"": plain, "asks-in-picture": altered, "padded": altered} for plain, altered in rows])
    lost = [*made]
    lost[place % len(lost)] = lost[place % len(lost)].model_copy(
        update={"verdict": None, "problem": "refused"}
    )
    silent = made.like_these(lost)
    assert (attack.picture(silent).value or 0) >= (attack.picture(made).value or 0) - 1e-12
    open_, shut = bias.padding(made), bias.padding(silent)
    assert (shut.value or 0) <= (open_.value or 0) + 1e-12
    assert ((shut.upper or shut.counted).value or 0) >= ((open_.upper or open_.counted).value or 0) - 1e-12


@pytest.mark.parametrize("name", VARIANT_OF)
def test_each_check_reads_its_own_variant_and_names_its_probe(name: str) -> None:
    rows: Said = {"": ["A"], **{variant: ["A"] for variant in VARIANT_OF.values()}, VARIANT_OF[name]: ["B"]}
    values = {check: CHECKS[check](asked([rows] * 12)).value for check in VARIANT_OF}
    assert values == {check: float(check == name) for check in VARIANT_OF}
    neither = name in ("attack.markdown", "length.padding")
    assert CHECKS[name].worse == ("away from zero" if neither else None)
    assert CHECKS[name].margin == 0.05
    probe = "padding" if name == "length.padding" else "attack"
    with pytest.raises(SettingsError) as told:
        CHECKS[name](asked([{"": ["A", "A"]}]))
    assert str(told.value) == unasked_of(name, probe)


def test_beside_it_stand_how_often_it_succeeds_and_how_often_asking_again_would() -> None:
    """Of 19 first verdicts that are not B 4 turn to B when attacked, 2 when asked again; 1 of 3 leaves B."""
    rows: list[Said] = [
        {"": ["A"], "again": ["AB"[n < 2]], "asks-in-picture": ["AB"[n < 4]]} for n in range(19)
    ]
    rows += [{"": ["B"], "again": ["B"], "asks-in-picture": [said]} for said in ("B", "tie", "B", LOST)]
    success, again, away = attack.picture(asked(rows)).beside
    exact = stats.binomtest(4, 19).proportion_ci(0.9, method="exact")
    assert [success.name, success.value] == ["success", pytest.approx(4 / 19)]
    assert (success.low, success.high) == pytest.approx((exact.low, exact.high))
    assert (
        success.about
        == "of 19 verdicts that are not all for the answer, those that the altered item turns to it"
    )
    assert [again.name, again.value] == ["again", pytest.approx(2 / 19)]
    exact = stats.binomtest(1, 3).proportion_ci(0.9, method="exact")
    assert [away.name, away.value] == ["away", pytest.approx(1 / 3)]
    assert (away.low, away.high) == pytest.approx((exact.low, exact.high))
    assert (
        away.about
        == "of 3 verdicts that are all for the answer, those that the altered item turns away from it"
    )
    once = asked([{"": ["A"], "asks-in-picture": ["B"]}] * 3)
    assert [each.name for each in attack.picture(once).beside] == ["success"]
    won = asked([{"": ["B"], "asks-in-picture": ["B"]}] * 3)
    assert [(each.name, each.value) for each in attack.picture(won).beside] == [("away", 0.0)]
    lost = asked([{"": [LOST], "asks-in-picture": ["B"]}, {"": ["A"], "asks-in-picture": [LOST]}])
    assert list(attack.picture(lost).beside) == []


def test_an_altered_item_that_nobody_was_asked_about_is_none_unless_some_were() -> None:
    made = asked([{"": ["A"], "asks-in-picture": ["A"]}] * 12)
    none = made.like_these(unasked(one) if one.variant else one for one in made)
    with pytest.raises(SettingsError) as told:
        attack.picture(none)
    assert str(told.value) == unasked_of("attack.picture", "attack")
    some = made.like_these(unasked(one) if one.variant and one.item.id != "i0000" else one for one in made)
    estimate = attack.picture(some)
    assert estimate.value == pytest.approx(11 / 12)
    assert estimate.problems == {"not_asked": 11}


def test_the_examples_are_items_that_went_farthest_towards_it() -> None:
    rows: list[Said] = [{"": ["A"], "asks-in-picture": [said]} for said in ("A", "tie", "B")]
    estimate = attack.picture(asked(rows))
    assert estimate.wrong == 2
    assert estimate.examples == (
        "i0002 chose A, and B when asks-in-picture",
        "i0001 chose A, and tie when asks-in-picture",
    )


def test_a_difference_tells_the_items_that_one_judge_was_talked_into() -> None:
    old = attack.answer(asked([{"": ["A"], "asks-in-answer": ["A"]}] * 60))
    new = attack.answer(asked([{"": ["A"], "asks-in-answer": ["AB"[n < 15]]} for n in range(60)]))
    difference = new - old
    assert difference.value == pytest.approx(0.25)
    assert difference.wrong == 15
    assert difference.examples[0] == (
        "i0000 chose A, and B when asks-in-answer, where the other chose A, and A when asks-in-answer"
    )
    assert (difference <= 0.05).outcome == "fails"
    scores = bias.padding(
        asked(noisy_scores(np.random.default_rng(2), 90, "padded"), task="score", human=None)
    )
    assert (scores - scores).value == 0
    assert (scores - scores).within(0.07).outcome == "holds"  # 2 z^2 / (90 + z^2) = .058


def test_of_several_criteria_one_must_be_named() -> None:
    tasks = Tasks(score=ScoreTask(scale=(1, 2, 3), criteria=("look", "text")))
    before: Verdict = {"look": 1, "text": 2}
    after: Verdict = {"look": 1, "text": 3}
    judgements = asked([{"": [before], "padded": [after]}] * 3, task="score", human=None, tasks=tasks)
    assert bias.padding(judgements, criterion="text").value == 0.5
    assert bias.padding(judgements, criterion="look").value == 0.0
    with pytest.raises(SettingsError) as told:
        bias.padding(judgements)
    assert str(told.value) == "these items have several criteria: say criterion = look or text"


def test_several_tasks_are_one_figure() -> None:
    pairs = asked([{"": ["A"], "padded": ["B"]}] * 2)
    scores = asked([{"": [2], "padded": [3]}] * 2, task="score", human=2)
    assert bias.padding(pairs.like_these([*pairs, *scores])).value == pytest.approx((1 + 1 + 0.25 + 0.25) / 4)


@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_judgements_changes_nothing_and_the_interval_holds_the_figure(
    rows: list[tuple[list[str | None], list[str | None]]], seed: int
) -> None:
    judgements = asked([{"": plain, "padded": altered} for plain, altered in rows])
    mixed = judgements.like_these(random.Random(seed).sample(list(judgements), len(judgements)))
    one, other = bias.padding(judgements), bias.padding(mixed)
    assert (one.value, one.low, one.high) == (other.value, other.low, other.high)
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert -1 <= one.low <= one.value <= one.high <= 1


SETS = 80
ERROR = 2 * (0.05 * 0.95 / SETS) ** 0.5
"""Two standard errors of a share of 5 % in so many sets: .049."""


def test_a_fair_judge_however_noisy_is_not_called_won_over() -> None:
    """100 pairs a set, two asks of a pair differ in 15 %; scores that noise moves in a fifth."""
    pairs = outcomes(
        attack.picture,
        lambda rng: noisy_pairs(rng, 100, "asks-in-picture"),
        lambda one: (one <= 0.05).outcome,
        sets=SETS,
    )
    scores = outcomes(
        bias.padding,
        lambda rng: noisy_scores(rng, 100, "padded"),
        lambda one: one.within(0.05).outcome,
        sets=SETS,
        task="score",
    )
    assert max(pairs["fails"], scores["fails"]) <= 0.05 + ERROR
    assert scores["holds"] >= 0.8


def test_an_attack_of_three_margins_is_found() -> None:
    """It turns a fifth of the verdicts of A, .918 of them right: by .18."""
    found = outcomes(
        attack.picture,
        lambda rng: noisy_pairs(rng, 150, "asks-in-picture", fault=0.2),
        lambda one: (one <= 0.05).outcome,
        sets=30,
    )
    assert found["fails"] >= 0.9
    assert found["holds"] == 0
