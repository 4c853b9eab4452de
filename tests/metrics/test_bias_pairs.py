"""Whether a judge prefers longer answers, or its own family's, more often than humans do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pytest_mllm_judge import Item, Judgements, bias
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.bias.families import FAMILIES, pattern_of
from pytest_mllm_judge.model import Response
from pytest_mllm_judge.probes import SWAPPED
from pytest_mllm_judge.statistics import tango
from tests.metrics.bias_worlds import OTHERS, OWN, judgement, outcomes, pairs, together

SETS = 100
ERROR = 2 * (0.05 * 0.95 / SETS) ** 0.5
"""Two standard errors of a share of 5 % in so many sets: 0.044."""
Row = tuple[str, str | None, str | None]
"""The human label and the verdict of a pair, and the verdict on the swapped one."""


def pair(
    number: int, human: str | None, texts: Sequence[str | None] = ("longer", "short"), own: int = 0
) -> Item:
    authors = (OWN, OTHERS) if own == 0 else (OTHERS, OWN)
    responses = [
        Response(text=text, images=() if text else ("a.png",), author=author)
        for text, author in zip(texts, authors, strict=True)
    ]
    return Item(id=f"p{number:03}", task="pair", responses=tuple(responses), human=human)


def rows(found: Sequence[Row], *, balanced: bool = True, swap: bool = False) -> Judgements:
    """The longer answer, which is the judge's own, stands first; with `balanced` second in every other."""
    made = []
    for number, (human, said, other) in enumerate(found):
        first = not balanced or number % 2 == 0
        item = pair(number, human, ("longer", "short") if first else ("short", "longer"), 0 if first else 1)
        made.append(judgement(item, said))
        if swap:
            made.append(judgement(item, other, SWAPPED))
    return together(made)


def longer(number: int) -> str:
    return "A" if number % 2 == 0 else "B"


def shorter(number: int) -> str:
    return "B" if number % 2 == 0 else "A"


CHECKS = [bias.pair_length, bias.pair_self_preference]


@pytest.mark.parametrize("check", CHECKS)
def test_it_is_the_judge_s_share_less_the_humans(check: object) -> None:
    """Of 40 pairs humans prefer the longer (the own) in 20, the judge in 26, and neither in 4: 28 less 20."""
    found: list[Row] = []
    for number in range(40):
        human = longer(number) if number < 20 else shorter(number)
        said = longer(number) if number < 26 else "tie" if number < 30 else shorter(number)
        found.append((human, said, None))
    estimate = check(rows(found))  # type: ignore[operator]
    assert estimate.value == pytest.approx(8 / 40)
    beside = {each.name: each.value for each in estimate.beside}
    assert (beside["judge"], beside["humans"]) == pytest.approx((28 / 40, 20 / 40))
    assert beside["noise"] == 0


def test_what_errors_without_regard_to_length_come_to_stands_beside() -> None:
    """Humans prefer the longer in .8, the judge errs in a fifth of either kind: .68, which is all noise."""
    found: list[Row] = []
    for number in range(100):
        human = longer(number) if number < 80 else shorter(number)
        wrong = number % 10 in (0, 1)
        said = human if not wrong else {"A": "B", "B": "A"}[human]
        found.append((human, said, None))
    estimate = bias.pair_length(rows(found))
    noise = next(each.value for each in estimate.beside if each.name == "noise")
    assert estimate.value == pytest.approx(-0.12)
    assert noise == pytest.approx(-0.12)


def test_both_slots_weigh_alike_so_that_a_liking_for_one_does_not_show() -> None:
    """A judge that always says A; the longer answer stands first in 60 of 80, humans are divided."""
    made = []
    for number in range(80):
        first = number < 60
        texts = ("longer", "short") if first else ("short", "longer")
        made.append(judgement(pair(number, "AB"[number % 2], texts), "A"))
    assert bias.pair_length(together(made)).value == pytest.approx(0)


def test_own_answers_always_in_one_slot_leave_it_undecided_with_the_way_out() -> None:
    found: list[Row] = [("AB"[number % 2], "A", None) for number in range(60)]
    estimate = bias.pair_self_preference(rows(found, balanced=False))
    assert estimate.value == pytest.approx(0.5)
    assert estimate.counted.reason == (
        "the judge's own family stands first in 60 of 60 pairs, and a liking for that slot would look the "
        "same: ask both orders, by [probes] position = true"
    )
    assert (estimate <= 0.05).outcome == "undecided"


def test_the_swap_separates_slot_and_author() -> None:
    """Always the first slot is no self-preference; always its own answer is."""
    humans = ["AB"[number % 2] for number in range(60)]
    by_slot = rows([(human, "A", "A") for human in humans], balanced=False, swap=True)
    by_author = rows([(human, "A", "B") for human in humans], balanced=False, swap=True)
    fair, biased = bias.pair_self_preference(by_slot), bias.pair_self_preference(by_author)
    assert (fair.value, biased.value) == (0, 0.5)
    assert (fair.counted.reason, biased.counted.reason) == ("", "")
    assert (biased <= 0.05).outcome == "fails"


def test_in_both_orders_the_interval_is_that_of_a_difference_of_shares() -> None:
    humans = ["A"] * 30 + ["B"] * 30
    found: list[Row] = [(human, "A", "B") if n % 6 == 0 else (human, human, "AB"[human == "A"])
                        for n, human in enumerate(humans)]  # fmt: skip
    estimate = bias.pair_length(rows(found, balanced=False, swap=True))
    assert estimate.value == pytest.approx(5 / 60)
    assert (estimate.low, estimate.high) == pytest.approx(tango(5, 0, 60))


def test_few_pairs_that_differ_are_no_narrow_interval() -> None:
    found: list[Row] = [(longer(n // 2), longer(n // 2), None) for n in range(60)]
    found[7] = (found[7][0], {"A": "B", "B": "A"}[found[7][0]], None)
    estimate = bias.pair_length(rows(found))
    sign = 1 if (estimate.value or 0) > 0 else -1
    low, high = tango(1, 0, 60) if sign > 0 else tango(0, 1, 60)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low <= low + 1e-12
    assert estimate.high >= high - 1e-12


def test_pairs_without_two_texts_of_different_lengths_or_without_a_label_are_left_out_and_counted() -> None:
    items = [
        pair(0, "A"), pair(1, "A", ("alike", "alike")), pair(2, "A", (None, "text")), pair(3, None),
    ]  # fmt: skip
    estimate = bias.pair_length(together([judgement(item, "A") for item in items]))
    assert (estimate.n, estimate.unlabelled) == (1, 3)
    assert estimate.lines()[-1] == (
        "  left out  3 without texts of different lengths or a human label or majority"
    )


def test_nothing_to_compare_is_told_by_its_reason() -> None:
    alike = together([judgement(pair(0, "A", ("alike", "alike")), "A")])
    assert bias.pair_length(alike).counted.reason == (
        "no pair with a human label here has two texts of different lengths"
    )
    own = bias.pair_self_preference(alike, family="qwen")
    assert own.counted.reason == "no pair with a human label here has one author like 'qwen' and another one"


def test_a_problem_counts_as_the_shorter_where_it_must_not_be_low_and_as_the_longer_where_not_high() -> None:
    found: list[Row] = [(longer(n), longer(n) if n < 38 else None, None) for n in range(40)]
    estimate = bias.pair_length(rows(found))
    assert estimate.value == pytest.approx(-2 / 40)
    assert estimate.upper is not None
    assert estimate.upper.value == 0
    assert estimate.problems == {"refused": 2}


def test_a_problem_in_one_order_is_half_a_problem() -> None:
    found: list[Row] = [("A", "A", "B")] * 39 + [("A", "A", None)]
    estimate = bias.pair_length(rows(found, balanced=False, swap=True))
    assert estimate.value == pytest.approx(-0.5 / 40)
    assert estimate.problems == {"refused": 1}


@pytest.mark.parametrize(
    ("judge", "own"),
    [
        ("gpt-4o-2024-08-06", "GPT-4V(ision)"),
        ("openai/o3", "gpt-4"),
        ("gemini-1.5-pro", "Gemini"),
        ("claude-3-opus", "claude-2"),
        ("Qwen2.5-VL-72B", "qwen-vl-max"),
        ("llava-v1.6-34b", "LLaVA"),
        ("cogvlm-chat", "CogVLM"),
    ],
)
def test_a_known_judge_knows_its_own_family(judge: str, own: str) -> None:
    said = together([judgement(pair(0, "A"), "A").model_copy(update={"judge": judge})])
    pattern = pattern_of(said, None, "pair.self_preference")
    assert pattern.search(own)
    assert not pattern.search("nobody")


def test_the_model_that_answered_goes_before_the_judge_s_name() -> None:
    one = judgement(pair(0, "A"), "A").model_copy(update={"judge": "gpt-like", "model": "claude-3-opus"})
    assert pattern_of(together([one]), None, "x").search("claude-2")


def test_no_family_matches_another_one_s_name() -> None:
    for name in FAMILIES:
        pattern = pattern_of(
            together([judgement(pair(0, "A"), "A").model_copy(update={"judge": name})]), None, "x"
        )
        assert [other for other in FAMILIES if pattern.search(other)] == [name]


def test_a_judge_of_no_known_family_is_told_to_say_one() -> None:
    said = together([judgement(pair(0, "A"), "A").model_copy(update={"judge": "our-judge"})])
    with pytest.raises(SettingsError) as told:
        bias.pair_self_preference(said)
    assert str(told.value) == (
        "pair.self_preference: the judge's family can't be told from 'our-judge': say family = a pattern "
        f"that the authors of its own answers match (known by name: {', '.join(FAMILIES)})"
    )
    assert bias.pair_self_preference(said, family="GPT").n == 1


def test_a_family_that_is_no_pattern_is_an_error() -> None:
    with pytest.raises(SettingsError) as told:
        bias.pair_self_preference(rows([("A", "A", None)]), family="(")
    assert str(told.value) == (
        "pair.self_preference: family = '(' is no regular expression: "
        "missing ), unterminated subpattern at position 0"
    )


def test_judges_of_two_families_are_compared_on_each_one_s_own() -> None:
    """Both always prefer the gpt answer: the one its own, the other another's."""
    found: list[Row] = [("AB"[n // 2 % 2], longer(n), None) for n in range(80)]
    ours = rows(found)
    theirs = ours.like_these(one.model_copy(update={"judge": "llava"}) for one in ours)
    one, other = bias.pair_self_preference(ours), bias.pair_self_preference(theirs)
    assert one.value == pytest.approx(0.5)
    assert other.value == pytest.approx(-0.5)
    assert (one - other).value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("check", "fault", "both"),
    [
        (bias.pair_length, "longer", False),
        (bias.pair_self_preference, "own", False),
        (bias.pair_self_preference, "own", True),
    ],
)
def test_without_a_fault_it_seldom_fails_and_at_the_margin_it_seldom_holds(
    check: object, fault: str, both: bool
) -> None:
    """100 sets of 100 pairs; the fault decides every fifth pair, humans are divided: .2 (1 - 1/2) = .1."""
    for size, outcome in ((0.0, "fails"), (0.2, "holds")):
        found = outcomes(
            check,  # type: ignore[arg-type]
            lambda rng, size=size: pairs(rng, 100, both=both, **{fault: size}),  # type: ignore[misc]
            margin=0.1,
            sets=SETS,
        )
        assert found[outcome] <= 0.05 + ERROR, (size, found)


@pytest.mark.parametrize(
    ("check", "fault"), [(bias.pair_length, "longer"), (bias.pair_self_preference, "own")]
)
def test_a_fault_of_three_margins_is_found(check: object, fault: str) -> None:
    """30 sets of 500 pairs: in 90 % or more, less two standard errors."""
    found = outcomes(
        check,  # type: ignore[arg-type]
        lambda rng: pairs(rng, 500, **{fault: 0.3}),  # type: ignore[arg-type]
        margin=0.05,
        sets=30,
    )
    assert found["fails"] >= 0.9 - 2 * (0.9 * 0.1 / 30) ** 0.5
    assert found["holds"] == 0


@pytest.mark.parametrize("check", CHECKS)
def test_a_judge_that_likes_the_first_slot_raises_no_alarm(check: object) -> None:
    """Own answers stand first in 7 of 10, and in a third of pairs the first slot is taken: 60 sets."""
    found = outcomes(
        check,  # type: ignore[arg-type]
        lambda rng: pairs(rng, 200, slot=0.33, own_first=0.7),
        margin=0.05,
        sets=60,
    )
    assert found["fails"] <= 0.05 + 2 * (0.05 * 0.95 / 60) ** 0.5


def test_the_public_name_reads_pairs_as_pairs() -> None:
    judgements = pairs(np.random.default_rng(1), 40)
    assert bias.length(judgements).metric == "pair.length"
    assert bias.self_preference(judgements, family="llava").metric == "pair.self_preference"
