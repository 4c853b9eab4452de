"""Whether a judge says the same of the same answers in every task, and goes in no circles."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Estimate, Judgement, coherence
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.statistics import tango
from tests.metrics.figures import FEW
from tests.metrics.judged_in_tasks import Said, asked, coherent, questions, together

NAMES = ["coherence.scores_pairs", "coherence.pairs_batch", "coherence.scores_batch"]
WORTH = {"one": 5, "two": 3, "three": 1}


def scored_and_compared(said: Said, first: Said, second: Said, *, question: str = "q") -> list[Judgement]:
    """A pair's verdict, and the scores of its answers."""
    return [
        asked("pair", question, ["one", "two"], said),
        asked("score", question, ["one"], first),
        asked("score", question, ["two"], second),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_that_says_what_answers_are_worth_is_coherent(name: str) -> None:
    found = [each for question in questions(20) for each in coherent(question, WORTH)]
    estimate = CHECKS[name](together(found))
    assert (estimate.value, estimate.n, estimate.clusters, estimate.unlabelled) == (1.0, 60, 20, 0)
    assert estimate.high == 1.0


def test_a_verdict_for_neither_agrees_with_equal_scores_only() -> None:
    values = {
        said: [coherence.scores_pairs(together(scored_and_compared(said, *two))).value for two in SCORES]
        for said in ("A", "B", "tie")
    }
    assert values == {"A": [1, 0, 0], "B": [0, 1, 0], "tie": [0, 0, 1]}


SCORES = ((4, 2), (2, 4), (3, 3))


def test_it_does_not_matter_in_which_order_a_pair_has_its_answers() -> None:
    worth = {"one": 5, "two": 1}
    straight = coherent("q", worth)
    turned = [
        *straight[:2],
        asked("pair", "q", ["two", "one"], "B"),
        asked("batch", "q", ["two", "one"], "BA"),
    ]
    for name in NAMES:
        assert CHECKS[name](together(turned)).value == CHECKS[name](together(straight)).value == 1.0


def test_without_a_label_for_neither_pairs_of_equal_scores_are_left_out() -> None:
    tasks = Tasks.model_validate({"pair": {"labels": ["A", "B"]}})
    found = [*scored_and_compared("A", 4, 2), *scored_and_compared("A", 3, 3, question="p")]
    estimate = coherence.scores_pairs(together(found, tasks=tasks))
    assert (estimate.value, estimate.n, estimate.unlabelled) == (1.0, 1, 1)
    assert "  left out  1 without an order in both tasks" in estimate.lines()


def test_a_ranking_knows_no_ties_so_they_are_left_out() -> None:
    found = coherent("q", {"one": 3, "two": 3, "three": 1})
    for name in ("coherence.pairs_batch", "coherence.scores_batch"):
        estimate = CHECKS[name](together(found))
        assert (estimate.value, estimate.n, estimate.unlabelled) == (1.0, 2, 1)


def test_a_ranking_counts_for_each_two_of_its_answers() -> None:
    found = [*coherent("q", WORTH)[:-1], asked("batch", "q", list(WORTH), "BAC")]
    pairs, scores = (CHECKS[name](together(found)) for name in NAMES[1:])
    assert pairs.value == scores.value == pytest.approx(2 / 3)
    assert (pairs.items, scores.items) == (3, 1)
    assert scores.examples == ("q-batch-one-two-three chose another order in the other task",)


@pytest.mark.parametrize("lost", range(3))
def test_a_problem_in_either_task_agrees_with_nothing(lost: int) -> None:
    said: list[Said] = ["A", 4, 2]
    said[lost] = None
    found = [*scored_and_compared(*said), *scored_and_compared("A", 4, 2, question="p")]
    estimate = coherence.scores_pairs(together(found))
    assert (estimate.value, estimate.problems) == (0.5, {"refused": 1})
    assert estimate.without is not None
    assert (estimate.without.value, estimate.without.n) == (1.0, 1)
    assert estimate.examples == ("q-pair-one-two refused",)


def test_a_problem_of_the_other_task_has_its_own_kind() -> None:
    found = scored_and_compared("A", 4, 2)
    found[1] = asked("score", "q", ["one"], None, problem="truncated")
    assert coherence.scores_pairs(together(found)).problems == {"truncated": 1}


def test_answers_are_the_same_if_text_instruction_and_picture_are() -> None:
    pair = asked("pair", "q", ["one", "two"], "A")
    scores = [asked("score", "q", [text], points) for text, points in (("one", 4), ("two", 2))]
    assert coherence.scores_pairs(together([pair, *scores])).n == 1
    others = [
        asked("score", "p", ["two"], 2),
        asked("score", "q", ["two"], 2, instruction="Another question?"),
        asked("score", "q", ["two"], 2, images=["another.png"]),
        asked("score", "q", ["two."], 2),
    ]
    for other in others:
        estimate = coherence.scores_pairs(together([pair, scores[0], other]))
        assert (estimate.value, estimate.n) == (None, 0)
        assert estimate.counted.reason == (
            "no two answers to one question are both scored and compared as a pair here"
        )


def test_without_instruction_and_picture_nobody_knows_what_was_answered() -> None:
    nothing: dict[str, Any] = {"instruction": "", "images": []}
    found = [
        asked("pair", "q", ["one", "two"], "A", **nothing),
        asked("score", "q", ["one"], 4, **nothing),
        asked("score", "q", ["two"], 2, **nothing),
    ]
    assert coherence.scores_pairs(together(found)).n == 0


def test_asks_of_the_same_repeat_stand_side_by_side() -> None:
    turned = {"one": 1, "two": 3, "three": 5}
    found = [
        each
        for question in questions(12)
        for repeat, worth in enumerate((WORTH, turned))
        for each in coherent(question, worth, repeat=repeat)
    ]
    for name in NAMES:
        estimate = CHECKS[name](together(found))
        assert (estimate.value, estimate.n, estimate.repeats) == (1.0, 72, 2)


def test_scales_of_words_have_an_order_and_criteria_a_name() -> None:
    words = Tasks.model_validate({"score": {"scale": ["bad", "fair", "good"]}})
    found = scored_and_compared("B", "fair", "good")
    assert coherence.scores_pairs(together(found, tasks=words)).value == 1.0
    human = {"looks": 1, "reads": 1}
    several = [
        asked("pair", "q", ["one", "two"], "A"),
        asked("score", "q", ["one"], {"looks": 5, "reads": 1}, human=human),
        asked("score", "q", ["two"], {"looks": 1, "reads": 5}, human=human),
    ]
    looks, reads = (coherence.scores_pairs(together(several), criterion=name) for name in human)
    assert (looks.value, reads.value) == (1.0, 0.0)
    with pytest.raises(TypeError, match="read with"):
        _ = looks - reads
    with pytest.raises(SettingsError) as told:
        coherence.scores_pairs(together(several))
    assert str(told.value) == "these items have several criteria: say criterion = looks or reads"


def noisy(count: int, seed: int, *, share: float = 0.2) -> list[Judgement]:
    """Pairs whose verdict is another one than the scores' for a share of them."""
    rng = np.random.default_rng(seed)
    return [
        each
        for question in questions(count)
        for each in scored_and_compared("B" if rng.random() < share else "A", 4, 2, question=question)
    ]


def test_the_share_has_wilson_s_interval_and_chance_beside_it() -> None:
    found = noisy(60, 3)
    estimate = coherence.scores_pairs(together(found))
    hits = sum(each.verdict == "A" for each in found)
    wilson = import_module("statsmodels.stats.proportion").proportion_confint
    assert (estimate.low, estimate.high) == pytest.approx(wilson(hits, 60, alpha=0.1, method="wilson"))
    assert [(each.name, each.about) for each in estimate.beside] == [("random", "labels at random")]
    assert estimate.beside[0].value == pytest.approx(1 / 3)


@pytest.mark.parametrize("name", NAMES)
def test_verdicts_at_random_come_to_what_stands_beside(name: str) -> None:
    """Of 400 questions each has 3 comparisons that share their verdicts; the error is below .03."""
    rng = np.random.default_rng(11)
    rankings = ["".join(order) for order in permutations("ABC")]
    found = []
    for question in questions(400):
        texts = list(WORTH)
        found += [asked("score", question, [text], int(rng.integers(1, 6))) for text in texts]
        found += [
            asked("pair", question, two, str(rng.choice(["A", "B", "tie"])))
            for two in (texts[:2], texts[1:], texts[::2])
        ]
        found.append(asked("batch", question, texts, str(rng.choice(rankings))))
    estimate = CHECKS[name](together(found))
    assert estimate.value == pytest.approx(estimate.beside[0].value, abs=0.09)


def test_the_difference_of_two_judges_is_tango_s() -> None:
    new, old = noisy(80, 1, share=0.4), noisy(80, 2, share=0.1)
    better = [theirs.verdict == "A" != ours.verdict for ours, theirs in zip(new, old, strict=True)][::3]
    worse = [ours.verdict == "A" != theirs.verdict for ours, theirs in zip(new, old, strict=True)][::3]
    difference = coherence.scores_pairs(together(new)) - coherence.scores_pairs(together(old))
    assert (difference.low, difference.high) == pytest.approx(tango(sum(worse), sum(better), 80))
    assert (difference.counted.method, difference.wrong) == ("tango", sum(better))
    assert difference.examples[0].endswith(
        "chose another order in the other task, where the other chose the same in both tasks"
    )


def test_pictures_are_clusters() -> None:
    found = [each for question in questions(30) for each in coherent(question, WORTH)]
    for place, each in enumerate(found):
        if each.item.task == "batch" and place % 3 == 0:
            found[place] = each.model_copy(update={"verdict": "CBA"})
    estimate = coherence.scores_batch(together(found))
    assert (estimate.n, estimate.clusters, estimate.counted.method) == (90, 30, "wilson, effective n")


# Cycles


def compared(question: str, said: Sequence[Said], texts: Sequence[str] = ("x", "y", "z")) -> list[Judgement]:
    """What was said of x and y, y and z, z and x."""
    x, y, z = texts
    return [
        asked("pair", question, two, one) for two, one in zip(((x, y), (y, z), (z, x)), said, strict=True)
    ]


def cycles_of(*each: Sequence[Said]) -> Estimate:
    rows = zip(questions(len(each)), each, strict=True)
    return coherence.cycles(together([one for question, said in rows for one in compared(question, said)]))


def test_only_two_of_the_eight_ways_without_ties_go_in_a_circle() -> None:
    values = {"".join(said): cycles_of(said).value for said in product("AB", repeat=3)}
    assert {said for said, value in values.items() if value} == {"AAA", "BBB"}


def test_a_tie_closes_no_circle_but_may_have_no_order() -> None:
    """x over y, y as good as z, z over x is in no order; x over y, y as z, x over z is in one."""
    estimate = cycles_of(("A", "tie", "A"), ("A", "tie", "B"), ("tie", "tie", "tie"), ("A", "A", "A"))
    assert estimate.value == 0.25
    beside = {each.name: each.value for each in estimate.beside}
    assert beside == {"random": pytest.approx(2 / 27), "no order": 0.5}
    about = "of 4 threes with all verdicts, no order with ties explains so many"
    assert estimate.beside[1].about == about


def test_a_missing_verdict_closes_the_circle_if_one_could() -> None:
    could = cycles_of(("A", "A", None), ("A", None, None), (None, None, None))
    assert (could.value, could.problems, could.without) == (1.0, {"refused": 3}, None)
    could_not = cycles_of(("A", "B", None), ("A", "tie", None))
    assert (could_not.value, could_not.problems) == (0.0, {})


def test_every_three_of_four_answers_count() -> None:
    texts = "wxyz"
    worth = {text: place for place, text in enumerate(texts)}
    estimate = coherence.cycles(together(coherent("q", worth)))
    assert (estimate.value, estimate.n, estimate.clusters) == (0.0, 4, 1)


def test_a_pair_that_was_not_asked_makes_no_three() -> None:
    estimate = coherence.cycles(together(compared("q", ("A", "A", "A"))[:2]))
    assert (estimate.value, estimate.counted.reason) == (
        None,
        "of no three answers to one question all three pairs are judged here",
    )
    apart = [*compared("q", ("A", "A", "A"))[:2], compared("p", ("A", "A", "A"))[2]]
    assert coherence.cycles(together(apart)).n == 0


def test_the_rate_has_exact_bounds_and_examples_name_all_three() -> None:
    found = cycles_of(*[("A", "A", "A")] * 3, *[("A", "A", "B")] * 57)
    exact = import_module("scipy.stats").binomtest(3, 60).proportion_ci(0.9, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))
    assert found.better == "lower"
    assert found.examples[0] == "q000-pair-x-y + q000-pair-y-z + q000-pair-z-x chose a cycle"


def test_one_judge_goes_in_more_circles_than_another() -> None:
    new = cycles_of(*[("A", "A", "A")] * 12, *[("A", "A", "B")] * 68)
    old = cycles_of(*[("A", "A", "B")] * 78, *[("A", "A", "A")] * 2)
    difference = new - old
    assert (difference.low, difference.high) == pytest.approx(tango(12, 2, 80))
    assert difference.wrong == 12
    assert difference.examples[0].endswith("chose a cycle, where the other chose no cycle")
    assert (difference <= 0.05).outcome == "fails"


def test_nothing_at_all_has_no_figure() -> None:
    for name in (*NAMES, "coherence.cycles"):
        assert CHECKS[name](together([])).value is None


VERDICT = st.sampled_from(["A", "B", "tie", None])
ROWS = st.lists(st.tuples(VERDICT, VERDICT, VERDICT), min_size=10, max_size=16)


@FEW
@given(first=ROWS, second=ROWS, place=st.integers(0, 9), which=st.integers(0, 2))
def test_cycles_keep_their_sign_and_problems_never_help(
    first: list[tuple[Said, Said, Said]], second: list[tuple[Said, Said, Said]], place: int, which: int
) -> None:
    size = min(len(first), len(second))
    ours, theirs = cycles_of(*first[:size]), cycles_of(*second[:size])
    there, back = ours - theirs, theirs - ours
    assert there.value == pytest.approx(-(back.value or 0.0))
    lost = (*first[place][:which], None, *first[place][which + 1 :])
    worse = cycles_of(*first[:place], lost, *first[place + 1 : size])
    assert (worse.value or 0.0) >= (ours.value or 0.0)


POINTS = st.sampled_from([1, 2, 3, None])


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(
    rows=st.lists(
        st.tuples(POINTS, POINTS, VERDICT, st.sampled_from(["AB", "BA", None])), min_size=4, max_size=9
    ),
    place=st.integers(0, 3),
    which=st.integers(0, 3),
)
def test_a_problem_never_helps_coherence(
    name: str, rows: list[tuple[Said, Said, Said, Said]], place: int, which: int
) -> None:
    def agreeing(said: list[tuple[Said, Said, Said, Said]]) -> float:
        found = [
            each
            for question, (one, two, pair, ranking) in zip(questions(len(said)), said, strict=True)
            for each in (
                *scored_and_compared(pair, one, two, question=question),
                asked("batch", question, ["one", "two"], ranking),
            )
        ]
        estimate = CHECKS[name](together(found))
        return (estimate.value or 0.0) * estimate.n

    lost = list(rows[place])
    lost[which] = None
    one, two, pair, ranking = lost
    worse = [*rows[:place], (one, two, pair, ranking), *rows[place + 1 :]]
    assert agreeing(worse) <= agreeing(rows) + 1e-9
