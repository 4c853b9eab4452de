"""Every fault comes as often as it is asked for, and where nothing tempts to it, not at all.

Rates are counted over 1,000 made-up items, and held to three standard errors of a binomial share: at the
most .047, at .5.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations
from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Label
from pytest_mllm_judge.reference.dials import (
    NO_LURES,
    PAIR,
    SCORE,
    Choice,
    Dials,
    Lures,
    apply,
    batch,
    hallucinates,
    is_blind,
)

N = 1000
FOUR = batch("ABCD")
SECOND = Lures(doublings=(0.0, 1.0), favoured=(1,), guess="B", in_picture="B", in_answers="B")
LAST = Lures(doublings=(0.0, 0.0, 1.0, 2.0), favoured=(3,), guess="DABC", in_picture="D", in_answers="D")
LONG = Lures(doublings=(1.0,), favoured=(0,), guess=4, in_picture=4, in_answers=4)
FAULTS = ("length", "self_preference", "blindness", "obeys_picture", "obeys_answer")
TEMPTED: list[tuple[Choice, Label, Lures, Label]] = [
    (PAIR, "A", SECOND, "B"),
    (PAIR, "tie", SECOND, "B"),
    (FOUR, "ABCD", LAST, "DABC"),
    (SCORE, 3, LONG, 4),
]


def dials_with(fault: str, chance: float, **more: float) -> Dials:
    return Dials.model_validate({fault: chance, "favours": "model-a", **more})


@cache
def verdicts(dials: Dials, choice: Choice, truth: Label, lures: Lures = NO_LURES) -> tuple[Label | None, ...]:
    return tuple(apply(dials, truth, choice=choice, key=f"item {n}", lures=lures) for n in range(N))


def is_near(found: float, chance: float) -> bool:
    return bool(abs(found - chance) <= 3 * (chance * (1 - chance) / N) ** 0.5)


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


@pytest.mark.parametrize("case", TEMPTED)
@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_befalls_as_many_verdicts_as_its_dial_says(
    fault: str, chance: float, case: tuple[Choice, Label, Lures, Label]
) -> None:
    choice, truth, lures, wanted = case
    given = verdicts(dials_with(fault, chance), choice, truth, lures)
    assert set(given) <= {truth, wanted}
    assert is_near(share([verdict == wanted for verdict in given]), chance)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
def test_leniency_raises_so_many_scores_by_a_point_and_no_other_verdict(chance: float) -> None:
    dials = Dials(leniency=chance)
    given = verdicts(dials, SCORE, 3)
    assert set(given) <= {3, 4}
    assert is_near(share([verdict == 4 for verdict in given]), chance)
    assert set(verdicts(dials, SCORE, 5)) == {5}
    assert set(verdicts(dials, PAIR, "tie", SECOND)) == {"tie"}


@pytest.mark.parametrize("length", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("times", [0.5, 0.8, 1.3, 2.0, 3.0])
def test_a_score_moves_by_as_many_points_for_each_doubling_of_length(length: float, times: float) -> None:
    given = verdicts(Dials(length=length), SCORE, 3, Lures(doublings=(log2(times),)))
    moved = [float(verdict or 0) - 3 for verdict in given]
    # A rounding by a draw varies by at most a quarter.
    assert abs(sum(moved) / N - length * log2(times)) <= 3 * (0.25 / N) ** 0.5


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("fault", "befalls"), [("hallucination", hallucinates), ("blindness", is_blind)])
def test_what_does_not_go_by_a_lure_comes_as_often_as_asked_for(
    fault: str, befalls: Callable[[Dials, str], bool], chance: float
) -> None:
    dials = dials_with(fault, chance)
    assert is_near(share([befalls(dials, f"item {n}") for n in range(N)]), chance)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("other", ["noise", "reask", "slot_bias", "refusals"])
def test_a_fault_without_its_lure_leaves_every_other_fault_as_it_is(fault: str, other: str) -> None:
    alone = verdicts(Dials.model_validate({other: 0.3}), PAIR, "A")
    lures = Lures(guess="A") if fault == "blindness" else NO_LURES
    assert verdicts(dials_with(fault, 1.0, **{other: 0.3}), PAIR, "A", lures) == alone


@pytest.mark.parametrize(("first", "second"), list(combinations(FAULTS, 2)))
def test_faults_come_independently_of_one_another(first: str, second: str) -> None:
    both = [
        {n for n, verdict in enumerate(verdicts(dials_with(fault, 0.5), PAIR, "A", SECOND)) if verdict == "B"}
        for fault in (first, second)
    ]
    assert is_near(len(both[0] & both[1]) / N, 0.25)


@pytest.mark.parametrize("fault", ["length", "self_preference", "blindness"])
def test_a_fault_that_goes_by_the_answers_does_not_go_by_their_slots(fault: str) -> None:
    dials = dials_with(fault, 0.5)
    mirrored = Lures(doublings=(1.0, 0.0), favoured=(0,), guess="A")
    for n in range(200):
        one = apply(dials, "A", choice=PAIR, key=f"{n} ab", item=str(n), lures=SECOND)
        other = apply(dials, "B", choice=PAIR, key=f"{n} ba", item=str(n), lures=mirrored)
        assert {one, other} == {"A", "B"}


@pytest.mark.parametrize(
    ("fault", "lures"),
    [("length", Lures(doublings=(1.0, 1.0))), ("self_preference", Lures(favoured=(0, 1)))],
)
def test_of_two_equals_none_is_preferred(fault: str, lures: Lures) -> None:
    assert set(verdicts(dials_with(fault, 1.0), PAIR, "tie", lures)) == {"tie"}


def test_favoured_answers_of_a_batch_keep_their_order_among_themselves() -> None:
    assert set(verdicts(dials_with("self_preference", 1.0), FOUR, "DBCA", Lures(favoured=(0, 1)))) == {"BADC"}


def test_a_whole_ranking_that_is_asked_for_is_given() -> None:
    assert set(verdicts(Dials(obeys_answer=1), FOUR, "DBCA", Lures(in_answers="ABCD"))) == {"ABCD"}


def test_an_unseen_picture_asks_for_nothing() -> None:
    dials = Dials(blindness=1, obeys_picture=1)
    assert set(verdicts(dials, PAIR, "tie", Lures(guess="A", in_picture="B"))) == {"A"}


def test_two_asks_differ_as_often_under_every_fault() -> None:
    dials = Dials(
        reask=0.15, length=0.5, obeys_picture=0.5, blindness=0.5, self_preference=1, favours="model-a"
    )
    asks = [
        [apply(dials, "A", choice=PAIR, key=str(n), repeat=ask, lures=SECOND) for n in range(N)]
        for ask in (0, 1)
    ]
    assert is_near(share([one != other for one, other in zip(*asks, strict=True)]), 0.15)


def test_a_blind_judge_without_a_guess_is_an_error() -> None:
    with pytest.raises(ValueError, match="needs a guess") as caught:
        apply(Dials(blindness=1), "A", choice=PAIR, key="x")
    assert str(caught.value) == "a judge that does not look needs a guess to give: Lures(guess=...)"


shares = st.floats(0, 1)


@settings(max_examples=40)
@given(
    dials=st.builds(
        Dials,
        noise=shares,
        reask=st.floats(0, 0.5),
        slot_bias=st.floats(-1, 1),
        length=shares,
        leniency=shares,
        self_preference=shares,
        favours=st.just("model-a"),
        blindness=shares,
        obeys_picture=shares,
        obeys_answer=shares,
    ),
    case=st.sampled_from(TEMPTED),
    doubled=st.floats(-6, 6),
    key=st.text(),
    repeat=st.integers(0, 5),
)
def test_every_verdict_is_one_that_could_be_given_and_the_same_when_drawn_again(
    dials: Dials, case: tuple[Choice, Label, Lures, Label], doubled: float, key: str, repeat: int
) -> None:
    choice, truth, lures, _ = case
    lures = Lures(**{**vars(lures), "doublings": (doubled, *lures.doublings[1:])})
    verdict = apply(dials, truth, choice=choice, key=key, repeat=repeat, lures=lures)
    assert verdict == apply(dials, truth, choice=choice, key=key, repeat=repeat, lures=lures)
    if choice.task == "batch":
        assert sorted(str(verdict)) == sorted(map(str, choice.options))
    else:
        assert verdict in choice.options


@pytest.mark.parametrize("name", [*FAULTS, "leniency", "hallucination"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_a_dial_beyond_its_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match="than or equal to"):
        dials_with(name, value)


@pytest.mark.parametrize(
    ("dials", "message"),
    [
        ({"lenght": 1}, "dials.lenght: unknown key; did you mean 'length'?"),
        (
            {"length": 2},
            "dials.length: 2 is wrong: input should be less than or equal to 1",
        ),
        (
            {"self_preference": 1, "favours": "modela"},
            "dials.favours: there is no author 'modela'; did you mean 'model-a' or 'model-d' or 'model-c'?",
        ),
        (
            {"self_preference": 1, "favours": "gpt"},
            "dials.favours: there is no author 'gpt'; there are model-a, model-b, model-c, model-d",
        ),
        (
            {"self_preference": 1},
            "dials: self_preference needs favours, one of model-a, model-b, model-c, model-d",
        ),
    ],
)
def test_a_wrong_dial_in_a_judges_table_is_told_with_its_place(
    dials: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        build("mine", {"mine": {"kind": "reference", "dials": dials}}, Context())
    assert str(caught.value) == f"[tool.pytest-mllm-judge.judges.mine] {message}"
