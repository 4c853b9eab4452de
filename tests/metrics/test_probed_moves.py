"""How much a verdict moves when the item is altered, against how much it moves when asked again."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Estimate, Judgements, assertions, bias, grounding, probed, robustness
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import ScoreTask, Tasks
from pytest_mllm_judge.model.judgement import Verdict
from pytest_mllm_judge.statistics import tango
from tests.metrics.figures import FEW
from tests.metrics.probed_worlds import (
    FLIP,
    REASK,
    Said,
    asked,
    noisy_pairs,
    outcomes,
    said,
    unasked,
    unasked_of,
)

LOST = None
PLAIN = st.lists(st.sampled_from(["A", "B", "tie", LOST]), min_size=2, max_size=4)
ALTERED = st.lists(st.sampled_from(["A", "B", "tie", LOST]), min_size=1, max_size=3)
ROWS = st.lists(st.tuples(PLAIN, ALTERED), min_size=1, max_size=12)
CHECK_OF = {
    "grounding.blank": "blank",
    "grounding.another": "another",
    "grounding.blurred": "blurred",
    "grounding.cropped": "cropped",
    "robustness.jpeg": "jpeg",
    "robustness.resized": "resized",
    "robustness.tilted": "tilted",
    "position.images": "images-reversed",
}


def blank(rows: list[tuple[str, str]]) -> Judgements:
    """Pairs of two asks as they are, such as `AB`, and those of the blank picture."""
    return asked([{"": list(plain), "blank": list(altered)} for plain, altered in rows])


def test_it_is_how_often_the_altered_item_differs_less_how_often_asking_again_does() -> None:
    """(1 + (1/2 - 1) + 0 + (1/2 - 0) + 0) / 5."""
    estimate = grounding.blank(blank([("AA", "B"), ("AB", "A"), ("AA", "A"), ("AA", "AB"), ("BB", "BB")]))
    assert estimate.value == pytest.approx(0.2)
    assert (estimate.n, estimate.better, estimate.metric) == (5, "higher", "grounding.blank")


def test_the_item_asked_once_more_is_an_ask_of_the_item_as_it_is() -> None:
    rows: list[Said] = [
        {"": ["A"], "again": ["B"], "blank": ["A"]},
        {"": ["A"], "again": ["A"], "blank": ["B"]},
    ]
    assert grounding.blank(asked(rows)).value == pytest.approx((-0.5 + 1) / 2)


@FEW
@given(rows=ROWS)
def test_it_is_the_mean_over_items_of_shares_of_pairs_of_asks(
    rows: list[tuple[list[str | None], list[str | None]]],
) -> None:
    known = [(p, a) for p, a in rows if LOST not in p + a] or [(["A", "B"], ["A"])]
    estimate = robustness.jpeg(asked([{"": p, "jpeg": a} for p, a in known]))
    each = [
        np.mean([v != q for q, v in product(p, a)]) - np.mean([x != y for x, y in combinations(p, 2)])
        for p, a in known
    ]
    assert estimate.value == pytest.approx(np.mean(each))


@pytest.mark.parametrize("n", [52, 500])
def test_without_one_movement_the_interval_is_tango_s_and_no_point(n: int) -> None:
    estimate = robustness.jpeg(asked([{"": ["A", "A"], "jpeg": ["A"]}] * n))
    assert (estimate.low, estimate.high) == pytest.approx(tango(0, 0, n))
    assert estimate <= 0.05


@pytest.mark.parametrize("moved", [1, 2, 4])
def test_few_movements_tell_no_less_than_tango_of_whole_ones(moved: int) -> None:
    """Half a movement each: their spread is not known, so they count as whole ones."""
    rows: list[Said] = [{"": ["A", "A"], "jpeg": ["A", "B" if n < moved else "A"]} for n in range(400)]
    estimate = robustness.jpeg(asked(rows))
    assert estimate.value == pytest.approx(moved / 800)
    assert estimate.high is not None
    assert estimate.high >= tango(moved, 0, 400)[1] - 1e-12
    assert estimate.low is not None
    assert estimate.low <= tango(0, 0, 400)[0] + 1e-12


def test_items_about_one_picture_are_not_independent() -> None:
    rows: list[Said] = [{"": ["A", "A"], "blank": ["A" if n // 5 % 2 else "B"]} for n in range(100)]
    alone, together = (grounding.blank(asked(rows, per_cluster=size)) for size in (1, 5))
    assert together.value == alone.value == 0.5
    assert (together.high or 0) - (together.low or 0) > 1.8 * ((alone.high or 0) - (alone.low or 0))


def test_a_missing_verdict_has_not_moved_where_a_judge_should_look_and_has_where_it_should_stay() -> None:
    rows: list[Said] = [{"": ["A", "A"], "blank": ["B"], "jpeg": ["A"]}] * 18
    rows += [{"": ["A", "A"], "blank": [LOST], "jpeg": [LOST]}] * 2
    looks, stays = grounding.blank(asked(rows)), robustness.jpeg(asked(rows))
    assert looks.value == pytest.approx(18 / 20)
    assert stays.value == pytest.approx(2 / 20)
    assert (looks.problems, stays.problems) == ({"refused": 2}, {"refused": 2})
    assert looks.without is not None
    assert (looks.without.value, looks.without.n) == (1.0, 18)


@FEW
@given(rows=ROWS, place=st.integers(0, 99))
def test_nobody_gains_by_refusing(rows: list[tuple[list[str | None], list[str | None]]], place: int) -> None:
    made = asked([{"": plain, "blank": altered, "jpeg": altered} for plain, altered in rows])
    lost = [*made]
    lost[place % len(lost)] = lost[place % len(lost)].model_copy(
        update={"verdict": None, "problem": "refused"}
    )
    silent = made.like_these(lost)
    assert (grounding.blank(silent).value or 0) <= (grounding.blank(made).value or 0) + 1e-12
    assert (robustness.jpeg(silent).value or 0) >= (robustness.jpeg(made).value or 0) - 1e-12
    open_, shut = (probed.moves(some, variant="blank") for some in (made, silent))
    assert (shut.value or 0) <= (open_.value or 0) + 1e-12
    assert ((shut.upper or shut.counted).value or 0) >= ((open_.upper or open_.counted).value or 0) - 1e-12


@pytest.mark.parametrize("name", CHECK_OF)
def test_without_the_variant_it_is_an_error_that_names_the_probe(name: str) -> None:
    probe = {"robustness": "reencoding", "position": "images"}.get(name.partition(".")[0], "grounding")
    with pytest.raises(SettingsError) as told:
        CHECKS[name](asked([{"": ["A", "A"]}]))
    assert str(told.value) == unasked_of(name, probe)


@pytest.mark.parametrize("name", CHECK_OF)
def test_each_check_reads_its_own_variant(name: str) -> None:
    rows: Said = {"": ["A", "A"], **{variant: ["A"] for variant in CHECK_OF.values()}, CHECK_OF[name]: ["B"]}
    values = {check: CHECKS[check](asked([rows] * 12)).value for check in CHECK_OF}
    assert values == {check: float(check == name) for check in CHECK_OF}
    assert CHECKS[name].margin == (0.1 if name.startswith("grounding.") else 0.05)


def test_without_a_second_ask_it_is_an_error_that_says_repeat() -> None:
    with pytest.raises(SettingsError) as told:
        grounding.blank(asked([{"": ["A"], "blank": ["A"]}]))
    assert str(told.value) == (
        "grounding.blank is read beside asking again, and no item was asked twice as it is: "
        "say [probes] repeat = 2"
    )


def test_another_variant_than_was_asked_is_an_error_that_names_the_near_ones() -> None:
    judgements = asked([{"": ["A", "A"], "blank": ["A"], "swapped": ["A"], "again": ["A"]}])
    with pytest.raises(SettingsError) as told:
        probed.moves(judgements, variant="blnk")
    assert str(told.value) == (
        "moves: nothing was asked of the variant 'blnk'; did you mean 'blank'? (asked: blank, swapped)"
    )


def test_what_nobody_was_asked_is_no_ask_unless_some_were() -> None:
    """As of a log that has the items as they are, and no row of a variant, or of `again`."""
    made = asked([{"": ["A"], "again": ["A"], "blank": ["B"], "swapped": ["A"]}] * 12)
    blind = made.like_these(unasked(one) if one.variant == "blank" else one for one in made)
    with pytest.raises(SettingsError) as told:
        grounding.blank(blind)
    assert str(told.value) == unasked_of("grounding.blank", "grounding")
    with pytest.raises(SettingsError) as told:
        probed.moves(blind, variant="blank")
    assert str(told.value) == "moves: nothing was asked of the variant 'blank' (asked: swapped)"
    once = made.like_these(unasked(one) if one.variant == "again" else one for one in made)
    with pytest.raises(SettingsError) as told:
        grounding.blank(once)
    assert str(told.value) == (
        "grounding.blank is read beside asking again, and no item was asked twice as it is: "
        "say [probes] repeat = 2"
    )
    for variant in ("blank", "again"):
        some = [unasked(one) if one.variant == variant and one.item.id != "i0000" else one for one in made]
        assert grounding.blank(made.like_these(some)).problems == {"not_asked": 11}


def test_items_that_were_not_asked_altered_are_left_out_and_counted() -> None:
    estimate = grounding.blank(
        asked([{"": ["A", "A"], "blank": ["B"]}, {"": ["A", "A"]}, {"": ["A"], "blank": ["A"]}])
    )
    assert (estimate.value, estimate.n, estimate.unlabelled) == (1.0, 1, 2)
    assert "  left out  2 without an ask as blank, or a second one of the item as it is" in estimate.lines()


def test_of_no_judgement_there_is_no_figure() -> None:
    estimate = grounding.blank(asked([]))
    assert (estimate.value, estimate.counted.reason) == (None, "there is no judgement here")


def test_orders_of_images_are_read_together() -> None:
    rows: Said = {"": ["A", "A"], "images-reversed": ["B", "B"], "images-rotated": ["A", "A"]}
    estimate = bias.images(asked([rows] * 4))
    assert (estimate.value, estimate.better) == (0.5, "lower")
    assert (
        estimate.examples[0]
        == "i0000 chose A, then A, and B, then B, then A, then A when images-reversed or images-rotated"
    )


def test_a_table_of_criteria_moves_if_any_of_it_does_and_a_criterion_alone() -> None:
    tasks = Tasks(score=ScoreTask(scale=(1, 2, 3), criteria=("look", "text")))
    one: Verdict = {"look": 1, "text": 2}
    other: Verdict = {"look": 1, "text": 3}
    judgements = asked([{"": [one, one], "blank": [other]}] * 3, task="score", human=None, tasks=tasks)
    assert grounding.blank(judgements).value == 1.0
    assert grounding.blank(judgements, criterion="look").value == 0.0
    assert grounding.blank(judgements, criterion="text").value == 1.0
    with pytest.raises(SettingsError, match="there is no criterion 'sound' here"):
        grounding.blank(judgements, criterion="sound")


def test_beside_it_stand_both_shares_how_far_it_moves_and_replies_that_say_nothing() -> None:
    rows: list[Said] = [{"": [4, 4], "blank": [2]}, {"": [4, 3], "blank": [4]}, {"": [4, 4], "blank": [LOST]}]
    judgements = asked(rows, task="score", human=4)
    told = {each.name: each.value for each in grounding.blank(judgements).beside}
    assert told == {"differs": 0.75, "again": 0.5, "points": 1.25, "silent": pytest.approx(1 / 3)}
    assert "silent" not in {each.name for each in probed.moves(judgements, variant="blank").beside}


def test_replies_that_say_that_there_is_no_picture_are_counted() -> None:
    rows: Said = {"": ["A", "A"], "blank": [LOST]}
    judge = asked([{"": ["A", "A"], "blank": ["A"]}])
    item = judge[0].item
    unseen = judge.like_these(said(item, rows, reason="the judge declined: 'No image was provided'"))
    (silent,) = (each for each in grounding.blank(unseen).beside if each.name == "silent")
    assert (silent.value, silent.about) == (
        1.0,
        "1 of 1 replies on altered pictures without a verdict; 1 say they see none",
    )


def test_rankings_move_by_places() -> None:
    """DCBA is 3 + 1 + 1 + 3 places from ABCD, over four answers."""
    judgements = asked([{"": ["ABCD", "ABCD"], "blank": ["DCBA"]}] * 2, task="batch", human="ABCD")
    told = {each.name: each.value for each in grounding.blank(judgements).beside}
    assert told["places"] == pytest.approx(2.0)


def test_where_a_judge_should_look_the_examples_are_items_that_did_not_move() -> None:
    estimate = grounding.blank(blank([("AA", "B"), ("AA", "A"), ("AB", "B")]))
    assert estimate.wrong == 2
    assert estimate.examples == (
        "i0001 chose A, then A, and A when blank",
        "i0002 chose A, then B, and B when blank",
    )


def test_a_difference_tells_the_items_that_moved_less() -> None:
    old = grounding.blank(blank([("AA", "B")] * 40))
    new = grounding.blank(blank([("AA", "A")] * 12 + [("AA", "B")] * 28))
    difference = new - old
    assert difference.value == pytest.approx(-0.3)
    assert difference.wrong == 12
    assert difference.examples[0] == (
        "i0000 chose A, then A, and A when blank, where the other chose A, then A, and B when blank"
    )
    assert (difference >= -0.1).outcome == "fails"
    assert (new - new).value == 0
    assert ((new - new) >= -0.15).outcome == "holds"  # 2 z^2 / (40 + z^2) = .127


def test_figures_of_other_variants_can_t_be_subtracted() -> None:
    judgements = asked([{"": ["A", "A"], "one": ["A"], "other": ["A"]}] * 3)
    with pytest.raises(TypeError, match="two metrics of this name"):
        _ = probed.moves(judgements, variant="one") - probed.moves(judgements, variant="other")


def test_slices_weigh_alike_and_few_movements_in_them_are_no_certainty() -> None:
    sources = ["maps"] * 30 + ["charts"] * 90
    rows: list[Said] = [{"": ["A", "A"], "jpeg": ["B" if n == 0 else "A"]} for n in range(120)]
    estimate = robustness.jpeg(asked(rows, sources=sources), by="source")
    assert estimate.value == pytest.approx((1 / 30 + 0) / 2)
    assert (estimate.low or 0) <= tango(0, 0, 60)[0] + 1e-12
    assert (estimate.high or 0) >= tango(1, 0, 60)[1] - 1e-12
    parts = robustness.jpeg(asked(rows, sources=sources)).by("source")
    assert {name: part.value for name, part in parts.items()} == {
        "charts": 0.0,
        "maps": pytest.approx(1 / 30),
    }


def test_fixed_items_are_taken_as_a_sample() -> None:
    rows = noisy_pairs(np.random.default_rng(3), 60, "blank", fault=0.4)
    one, other = (grounding.blank(asked(rows, population=kind)) for kind in ("sampled", "fixed"))
    assert (one.low, one.high) == (other.low, other.high)
    assert other.counted.reason == ""


def test_a_named_assertion_claims_it() -> None:
    judgements = blank([("AA", "B")] * 30 + [("AA", "A")] * 20)
    assert assertions.assert_grounding_blank(judgements, at_least=0.3).outcome == "holds"


@FEW
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_judgements_changes_nothing_and_the_interval_holds_the_figure(
    rows: list[tuple[list[str | None], list[str | None]]], seed: int
) -> None:
    judgements = asked([{"": plain, "blank": altered} for plain, altered in rows])
    mixed = judgements.like_these(random.Random(seed).sample(list(judgements), len(judgements)))
    one, other = grounding.blank(judgements), grounding.blank(mixed)
    assert (one.value, one.low, one.high) == (other.value, other.low, other.high)
    assert one.value is not None
    assert one.low is not None
    assert one.high is not None
    assert -1 <= one.low <= one.value <= one.high <= 1


def test_judgements_are_not_altered() -> None:
    judgements = blank([("AA", "B")])
    before = [one.model_dump() for one in judgements]
    grounding.blank(judgements)
    assert [one.model_dump() for one in judgements] == before


SETS = 100
ERROR = 2 * (0.05 * 0.95 / SETS) ** 0.5
"""Two standard errors of a share of 5 % in so many sets: .044."""


def simulated(
    check: Callable[[Judgements], Estimate], variant: str, fault: float, claim: Callable[[Estimate], str]
) -> dict[str, float]:
    """100 pairs a set; two asks of a pair differ in 15 %."""
    return outcomes(check, lambda rng: noisy_pairs(rng, 100, variant, fault=fault), claim, sets=SETS)


def test_a_steady_judge_however_noisy_is_not_called_moved() -> None:
    found = simulated(robustness.jpeg, "jpeg", 0.0, lambda one: (one <= 0.05).outcome)
    assert found["fails"] <= 0.05 + ERROR


def moved_by(fault: float) -> float:
    """How far a judge moves that says B of such a share of altered pairs: A in 1 - FLIP, less the noise."""
    return fault * ((1 - FLIP) - REASK)


def test_a_judge_that_moves_by_the_margin_is_seldom_shown_to_move_less() -> None:
    """.1 * (.918 - .15) = .077."""
    found = simulated(robustness.jpeg, "jpeg", 0.1, lambda one: (one <= moved_by(0.1)).outcome)
    assert found["holds"] <= 0.05 + ERROR
    assert found["fails"] <= 0.05 + ERROR


def test_a_judge_that_never_looks_is_seldom_shown_to_look_however_noisy() -> None:
    found = simulated(grounding.blank, "blank", 0.0, lambda one: (one >= 0.0).outcome)
    assert found["holds"] <= 0.05 + ERROR


def test_a_judge_that_moves_by_three_margins_is_found() -> None:
    """.4 * .768 = .31 against .1."""
    assert moved_by(0.4) > 0.3
    found = simulated(robustness.jpeg, "jpeg", 0.4, lambda one: (one <= 0.1).outcome)
    assert found["fails"] >= 0.9
    assert found["holds"] == 0


def test_the_interval_covers_the_movement() -> None:
    """90 % two-sided, less two standard errors of so many sets."""
    inside = simulated(
        grounding.blank,
        "blank",
        0.3,
        lambda one: "holds" if (one.low or 0) <= moved_by(0.3) <= (one.high or 0) else "",
    )["holds"]
    assert inside >= 0.9 - 2 * (0.9 * 0.1 / SETS) ** 0.5
