"""Planted faults come as often as they were asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_mllm_judge.model import Label
from pytest_mllm_judge.reference.dials import MODELS, PAIR, SCORE, Choice, Dials, apply, batch

N = 4000
CASES: list[tuple[Choice, Label]] = [
    (SCORE, 3),
    (SCORE, 5),
    (PAIR, "tie"),
    (batch("ABC"), "BAC"),
    (batch("ABCD"), "DCBA"),
]
chance = st.floats(0, 1)
any_dials = st.builds(
    Dials,
    noise=chance,
    hardness=chance,
    reask=st.floats(0, 0.5),
    slot_bias=st.floats(-1, 1),
    refusals=st.floats(0, 0.5),
    seed=st.integers(0, 9),
)


def verdicts(dials: Dials, choice: Choice, truth: Label, repeat: int = 0) -> list[Label | None]:
    return [apply(dials, truth, choice=choice, key=f"item {n}", repeat=repeat) for n in range(N)]


def is_near(share: float, chance: float, n: int = N) -> bool:
    """Within three standard errors of a binomial share."""
    return bool(abs(share - chance) <= 3 * (chance * (1 - chance) / n) ** 0.5)


def share_of(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


@pytest.mark.parametrize(("choice", "truth"), CASES)
def test_without_faults_the_truth_is_given(choice: Choice, truth: Label) -> None:
    assert set(verdicts(Dials(seed=3), choice, truth)) == {truth}


@pytest.mark.parametrize(("choice", "truth"), CASES)
@pytest.mark.parametrize("hardness", [0.0, 0.6, 1.0])
def test_noise_is_the_share_of_wrong_verdicts_whatever_the_hardness(
    choice: Choice, truth: Label, hardness: float
) -> None:
    given = verdicts(Dials(noise=0.15, hardness=hardness), choice, truth)
    assert is_near(share_of([verdict != truth for verdict in given]), 0.15)


def test_hardness_is_the_share_of_the_noise_that_two_judges_have_in_common() -> None:
    wrong = [
        {
            n
            for n, verdict in enumerate(verdicts(Dials(noise=0.2, hardness=0.5, seed=seed), PAIR, "A"))
            if verdict != "A"
        }
        for seed in (1, 2)
    ]
    # Hard for both: .1. Else (.9) each errs by itself with chance .1 / .9.
    assert is_near(len(wrong[0] & wrong[1]) / N, 0.1 + 0.9 * (0.1 / 0.9) ** 2)


def test_a_hard_item_is_hard_in_every_order() -> None:
    dials = Dials(noise=0.5, hardness=1)
    for n in range(100):
        given = {apply(dials, "A", choice=PAIR, key=f"{n} {order}", item=str(n)) != "A" for order in "xy"}
        assert len(given) == 1


def test_reask_is_the_chance_that_two_asks_differ() -> None:
    dials = Dials(reask=0.3)
    first, second = (verdicts(dials, PAIR, "A", repeat=repeat) for repeat in (0, 1))
    assert is_near(share_of([one != other for one, other in zip(first, second, strict=True)]), 0.3)


def test_a_steady_judge_repeats_itself() -> None:
    dials = Dials(noise=0.5, refusals=0.1, slot_bias=0.2)
    assert verdicts(dials, PAIR, "A", repeat=0) == verdicts(dials, PAIR, "A", repeat=5)


def test_refusals_come_as_often_as_asked_for() -> None:
    assert is_near(share_of([verdict is None for verdict in verdicts(Dials(refusals=0.1), PAIR, "A")]), 0.1)


@pytest.mark.parametrize(
    ("bias", "choice", "truth", "preferred"),
    [
        (0.3, PAIR, "B", "A"),
        (-0.3, PAIR, "tie", "B"),
        (0.3, batch("ABC"), "CBA", "ACB"),
        (-0.3, batch("ABC"), "ABC", "CAB"),
    ],
)
def test_slot_bias_puts_the_first_or_the_last_listed_answer_in_front(
    bias: float, choice: Choice, truth: Label, preferred: Label
) -> None:
    given = verdicts(Dials(slot_bias=bias), choice, truth)
    assert set(given) == {truth, preferred}
    assert is_near(share_of([verdict == preferred for verdict in given]), 0.3)


def test_a_score_has_no_slot() -> None:
    assert set(verdicts(Dials(slot_bias=1), SCORE, 3)) == {3}


def test_a_wrong_score_is_a_near_point() -> None:
    given = verdicts(Dials(noise=1), SCORE, 5)
    assert set(given) == {4, 3}
    assert is_near(share_of([verdict == 3 for verdict in given]), 1 / 3)


@given(dials=any_dials, case=st.sampled_from(CASES), key=st.text(), repeat=st.integers(0, 5))
def test_every_verdict_is_one_that_could_be_given(
    dials: Dials, case: tuple[Choice, Label], key: str, repeat: int
) -> None:
    choice, truth = case
    verdict = apply(dials, truth, choice=choice, key=key, repeat=repeat)
    assert verdict == apply(dials, truth, choice=choice, key=key, repeat=repeat)
    if choice.task == "batch" and verdict is not None:
        assert sorted(str(verdict)) == sorted(map(str, choice.options))
    else:
        assert verdict is None or verdict in choice.options


def test_dials_out_of_range_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"less than or equal to 0\.5"):
        Dials(reask=0.6)


def test_the_named_models_differ_as_they_should() -> None:
    assert MODELS["reference"] == Dials()
    old, new = MODELS["shapes-old"], MODELS["shapes-new"]
    assert old != new
    assert old.model_copy(update={"seed": new.seed}) == new
    assert MODELS["shapes-worse"].noise > old.noise
