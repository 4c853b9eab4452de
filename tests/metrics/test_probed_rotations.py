"""What rotated batches tell: the gap between slots, echoes of the order shown, the same order of answers."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge import bias, consistency
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.statistics import tango
from tests.metrics.bias_worlds import both
from tests.metrics.figures import FEW
from tests.metrics.probed_worlds import Said, asked, unasked, unasked_of
from tests.metrics.rotated_worlds import ECHO, ERROR, LOST, RANKINGS, batches, outcomes, row, steady

NAMES = ("batch.position", "batch.echo", "consistency.rotations")
ROWS = st.lists(st.lists(st.sampled_from([*RANKINGS, LOST]), min_size=4, max_size=4), min_size=1, max_size=12)


@pytest.mark.parametrize("ranking", RANKINGS)
def test_a_judge_that_ranks_the_answers_the_same_wherever_they_stand_has_no_fault(ranking: str) -> None:
    judgements = batches([steady(ranking)] * 60)
    assert bias.batch_position(judgements).value == pytest.approx(0)
    assert bias.echo(judgements).value == 0
    assert consistency.rotations(judgements).value == 1


def test_a_judge_that_repeats_the_order_shown_has_every_fault() -> None:
    judgements = batches([ECHO] * 20)
    assert bias.batch_position(judgements).value == 1
    assert bias.echo(judgements).value == 1
    assert consistency.rotations(judgements).value == 0
    turned = batches([["DCBA"] * 4] * 20)
    assert bias.batch_position(turned).value == -1
    assert bias.echo(turned).value == 0


@FEW
@given(rows=ROWS)
def test_the_gap_is_the_mean_rank_correlation_of_slot_and_place(rows: list[list[str | None]]) -> None:
    known = [said for said in rows if LOST not in said] or [ECHO]
    each = [
        stats.spearmanr(range(4), [str(ranking).index(letter) for letter in "ABCD"]).statistic
        for said in known
        for ranking in said
    ]
    estimate = bias.batch_position(batches(known))
    assert estimate.value == pytest.approx(np.mean(each))
    assert (estimate.metric, estimate.better, estimate.n) == ("batch.position", "neither", len(known))


def test_consistency_is_per_rotated_ask_and_again_stands_beside() -> None:
    """In two repeats of a batch 3 and 0 of three rotated asks are alike, and the plain asks differ."""
    said = steady("BADC")
    rows: Said = {name: [each[0], "ABCD" if name else "CABD"] for name, each in row(said).items()}
    estimate = consistency.rotations(asked([rows] * 3, task="batch", human="ABCD"))
    assert (estimate.value, estimate.n) == (0.5, 3)
    (again,) = estimate.beside
    assert (again.name, again.value) == ("again", 0.0)


def test_a_missing_ranking_is_never_a_gain() -> None:
    lost: list[str | None] = [*steady("BADC")[:3], LOST]
    judgements = batches([*[steady("BADC")] * 19, lost])
    gap = bias.batch_position(judgements)
    assert gap.upper is not None
    assert (gap.upper.value or 0) - (gap.value or 0) == pytest.approx(2 / 4 / 20)
    assert gap.problems == {"refused": 1}
    assert consistency.rotations(judgements).value == pytest.approx((19 + 2 / 3) / 20)
    echoes, of_all = bias.echo(judgements), bias.echo(batches([steady("BADC")] * 20))
    assert echoes.value == pytest.approx(1 / 4 / 20)
    assert echoes.better == "lower"
    assert (echoes - of_all).value == pytest.approx(1 / 4 / 20)
    assert (of_all - echoes).value == pytest.approx(-1 / 4 / 20)
    mute: list[str | None] = [LOST] * 4
    assert bias.echo(batches([mute])).value == 1
    assert consistency.rotations(batches([mute])).value == 0


@FEW
@given(rows=ROWS, place=st.integers(0, 99))
def test_nobody_gains_by_refusing(rows: list[list[str | None]], place: int) -> None:
    made = batches(rows)
    lost = [*made]
    lost[place % len(lost)] = lost[place % len(lost)].model_copy(
        update={"verdict": None, "problem": "refused"}
    )
    silent = made.like_these(lost)
    assert (bias.echo(silent).value or 0) >= (bias.echo(made).value or 0) - 1e-12
    assert (consistency.rotations(silent).value or 0) <= (consistency.rotations(made).value or 0) + 1e-12
    one, other = bias.batch_position(made), bias.batch_position(silent)
    assert (other.value or 0) <= (one.value or 0) + 1e-12
    assert ((other.upper or other.counted).value or 0) >= ((one.upper or one.counted).value or 0) - 1e-12


@pytest.mark.parametrize("name", NAMES)
def test_without_a_rotated_batch_it_is_an_error_that_names_the_probe(name: str) -> None:
    with pytest.raises(SettingsError) as told:
        CHECKS[name](asked([{"": ["ABCD"], "swapped": ["ABCD"]}], task="batch", human="ABCD"))
    assert str(told.value) == unasked_of(name, "rotations")
    assert CHECKS[name].margin == 0.05


def test_batches_that_lack_a_rotation_are_left_out_of_the_gap_and_counted() -> None:
    """Answers do not cancel out there; for consistency each rotated ask has its own twin."""
    rows = [row(steady("ABDC")), {key: said for key, said in row(ECHO).items() if key != "rotated-2"}]
    judgements = asked(rows, task="batch", human="ABCD")
    for estimate in (bias.batch_position(judgements), bias.echo(judgements)):
        assert estimate.value == pytest.approx(0)
        assert (estimate.n, estimate.unlabelled) == (1, 1)
        assert "  left out  1 without an ask in every rotation" in estimate.lines()
    assert consistency.rotations(judgements).value == 0.5
    for figure in (bias.batch_position, bias.echo):
        found = figure(judgements.filter(lambda one: one.item.id == "i0001"))
        assert (found.value, found.counted.reason) == (None, "no batch was asked in every rotation")


@pytest.mark.parametrize("name", NAMES)
def test_rotations_that_nobody_was_asked_are_none_unless_some_were(name: str) -> None:
    made = batches([steady("BADC")] * 12)
    none = [unasked(one) if one.variant else one for one in made]
    with pytest.raises(SettingsError) as told:
        CHECKS[name](made.like_these(none))
    assert str(told.value) == unasked_of(name, "rotations")
    some = [unasked(one) if one.variant and one.item.id != "i0000" else one for one in made]
    assert CHECKS[name](made.like_these(some)).problems == {"not_asked": 11}


def test_of_no_judgement_there_is_no_figure() -> None:
    for name in NAMES:
        estimate = CHECKS[name](asked([], task="batch"))
        assert (estimate.value, estimate.counted.reason) == (None, "there is no judgement here")


@pytest.mark.parametrize("name", NAMES)
def test_of_500_batches_without_a_fault_no_interval_is_a_point(name: str) -> None:
    estimate = CHECKS[name](batches([steady(RANKINGS[n % 24]) for n in range(500)]))
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0.004 < estimate.high - estimate.low < 0.02


def test_few_batches_that_a_slot_leads_tell_no_less_than_tango() -> None:
    judgements = batches([ECHO if n < 3 else steady(RANKINGS[n % 24]) for n in range(200)])
    estimate = bias.batch_position(judgements)
    assert estimate.value == pytest.approx(3 / 200)
    assert (estimate.high or 0) >= tango(3, 0, 200)[1] - 1e-12


def test_the_mean_standing_by_slot_stands_beside() -> None:
    """What stands second is always on top, then first, third, last."""
    judgements = batches([["BACD"] * 4] * 3)
    told = {each.name: each.value for each in bias.batch_position(judgements).beside}
    assert told == pytest.approx({"slot 1": 2 / 3, "slot 2": 1.0, "slot 3": 1 / 3, "slot 4": 0.0})


def test_examples_and_differences_are_in_words() -> None:
    old = bias.batch_position(batches([steady("ABCD")] * 40))
    new = bias.batch_position(batches([ECHO if n < 12 else steady("ABCD") for n in range(40)]))
    assert new.examples[0] == "i0000 chose ABCD, then ABCD, then ABCD, then ABCD, as shown"
    assert (new.wrong, old.wrong) == (12, 0)
    difference = new - old
    assert difference.value == pytest.approx(0.3)
    assert difference.examples[0] == (
        "i0000 chose ABCD, then ABCD, then ABCD, then ABCD, as shown, "
        "where the other chose ABCD, then DABC, then CDAB, then BCDA, as shown"
    )
    assert difference.within(0.05).outcome == "fails"
    assert (new - new).value == 0
    for figure in (bias.echo, consistency.rotations):
        one, other = (
            figure(batches([ECHO if n < many else steady("ABCD") for n in range(40)])) for many in (12, 0)
        )
        sign = 1 if figure is bias.echo else -1
        assert (one - other).value == pytest.approx(0.3 * sign)
        assert (one - other).wrong == 12


def test_slices_weigh_alike() -> None:
    sources = ["maps"] * 10 + ["charts"] * 30
    rows = [row(ECHO if n < 10 else steady("BADC")) for n in range(40)]
    judgements = asked(rows, task="batch", human="ABCD", sources=sources)
    assert bias.batch_position(judgements, by="source").value == pytest.approx(0.5)
    assert bias.echo(judgements, by="source").value == pytest.approx(0.5)
    assert consistency.rotations(judgements, by="source").value == pytest.approx(0.5)


def test_position_is_of_pairs_or_of_batches() -> None:
    assert bias.position(batches([ECHO])).metric == "batch.position"
    assert bias.position(both([(("A",), ("A",))])).metric == "pair.position"


@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_judgements_changes_nothing_and_the_interval_holds_the_figure(
    rows: list[list[str | None]], seed: int
) -> None:
    judgements = batches(rows)
    mixed = judgements.like_these(random.Random(seed).sample(list(judgements), len(judgements)))
    for name in NAMES:
        one, other = CHECKS[name](judgements), CHECKS[name](mixed)
        assert (one.value, one.low, one.high) == (other.value, other.low, other.high)
        if one.low is not None:
            assert -1 <= one.low <= (one.value or 0) + 1e-12
            assert (one.value or 0) - 1e-12 <= (one.high or 0) <= 1


def test_a_fair_judge_however_noisy_is_not_called_led_by_the_slot() -> None:
    assert outcomes(bias.batch_position, 0.0, 0.05)["fails"] <= 0.05 + ERROR


def test_a_gap_at_the_margin_is_seldom_shown_to_be_none_and_one_of_three_margins_is_found() -> None:
    """A share e of echoes is a gap of e, since the rest have none: of .1 against .1, of .3 against .1."""
    at = outcomes(bias.batch_position, 0.1, 0.1)
    assert max(at["holds"], at["fails"]) <= 0.05 + ERROR
    beyond = outcomes(bias.batch_position, 0.3, 0.1)
    assert (beyond["fails"] >= 0.9, beyond["holds"]) == (True, 0)
