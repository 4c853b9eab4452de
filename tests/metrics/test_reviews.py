"""Figures of what humans said of replies: what counts, what is left out, and how two judges compare."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge import Item, Judgement, Judgements, Review, assertions, reviews
from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import ClaimFailed
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.probes import SWAPPED
from pytest_mllm_judge.statistics import paired_shares
from tests.metrics.figures import FEW

FIGURES = (reviews.hallucination, reviews.agrees, reviews.analysis)
GOOD = Review(agrees=True, analysis=5, hallucination=False)
BAD = Review(agrees=False, analysis=1, hallucination=True)
Reviews = Sequence[Review]


def item(number: int, source: str | None = None) -> Item:
    texts = [{"text": "one"}, {"text": "other"}]
    return Item.model_validate(
        {"id": f"{number:03}", "task": "pair", "responses": texts, "human": "A", "source": source}
    )


def judged(
    said: Sequence[Reviews], *, refused: Sequence[int] = (), clusters: int | None = None, judge: str = "j"
) -> Judgements:
    """A pair for each list of reviews; with `clusters`, so many pictures in turn."""
    made = [
        Judgement(
            item=item(number, "charts" if number % 2 else "maps"),
            judge=judge,
            verdict=None if number in refused else "A",
            problem="refused" if number in refused else None,
            reviews=tuple(some),
        )
        for number, some in enumerate(said)
    ]

    def cluster_of(one: Item) -> str:
        return one.id if clusters is None else str(int(one.id) % clusters)

    return Judgements(made, cluster_of=cluster_of, tasks=Tasks())


def bounds(estimate: Estimate) -> tuple[float | None, float | None]:
    return estimate.low, estimate.high


def test_the_rate_of_hallucinations_has_exact_bounds() -> None:
    found = reviews.hallucination(judged([[BAD]] * 2 + [[GOOD]] * 98))
    exact = stats.binomtest(2, 100).proportion_ci(0.90, method="exact")
    assert found.value == 0.02
    assert bounds(found) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert found.better == "lower"


def test_none_in_59_replies_shows_at_most_a_twentieth() -> None:
    assert (reviews.hallucination(judged([[GOOD]] * 59)) <= 0.05).outcome == "holds"
    assert (reviews.hallucination(judged([[GOOD]] * 58)) <= 0.05).outcome == "undecided"


def test_the_share_agreed_with_has_wilson_s_interval() -> None:
    found = reviews.agrees(judged([[BAD]] * 20 + [[GOOD]] * 80))
    wilson = stats.binomtest(80, 100).proportion_ci(0.90, method="wilson")
    assert found.value == 0.8
    assert bounds(found) == pytest.approx((wilson.low, wilson.high), abs=1e-9)


def test_the_grade_of_analyses_has_a_t_interval() -> None:
    grades = [1 + number % 5 for number in range(40)]
    found = reviews.analysis(judged([[Review(analysis=grade)] for grade in grades]))
    half = stats.t.ppf(0.95, 39) * stats.sem(grades)
    assert found.value == 3.0
    assert bounds(found) == pytest.approx((3 - half, 3 + half), abs=1e-9)


@pytest.mark.parametrize("figure", FIGURES)
def test_replies_of_one_picture_are_not_counted_as_independent(figure: object) -> None:
    said = [[BAD] if number % 10 < 3 else [GOOD] for number in range(100)]
    alone, together = (figure(judged(said, clusters=count)) for count in (None, 10))  # type: ignore[operator]
    assert alone.value == together.value
    assert together.high - together.low > alone.high - alone.low
    assert together.clusters == 10


@pytest.mark.parametrize(
    ("said", "hallucinates", "agrees", "grade"),
    [
        ([GOOD, GOOD, BAD], 0, 1, 11 / 3),
        ([GOOD, BAD, BAD], 1, 0, 7 / 3),
        ([GOOD, BAD], 1, 0, 3.0),  # split: nothing is ever raised
    ],
)
def test_several_reviewers_decide_by_majority_and_a_tie_counts_against_the_judge(
    said: list[Review], hallucinates: float, agrees: float, grade: float
) -> None:
    judgements = judged([said] * 6)
    values = [figure(judgements).value for figure in FIGURES]
    assert values == pytest.approx([hallucinates, agrees, grade])


def test_judgements_without_a_review_are_left_out_and_counted() -> None:
    found = reviews.hallucination(judged([[BAD], *[[GOOD]] * 9, *[[]] * 30]))
    assert (found.value, found.n, found.unlabelled) == (0.1, 10, 30)
    assert "  left out  30 without a review that says so" in found.explain()


def test_what_a_reviewer_does_not_say_is_left_out_of_that_figure_alone() -> None:
    judgements = judged([[Review(agrees=True)]] * 10 + [[Review(hallucination=True)]] * 5)
    assert [figure(judgements).n for figure in FIGURES] == [5, 10, 0]


@pytest.mark.parametrize("figure", FIGURES)
def test_without_any_review_a_claim_is_undecided_and_says_where_reviews_stand(figure: object) -> None:
    claim = figure(judged([[]] * 5)) >= 0.1  # type: ignore[operator]
    assert claim.outcome == "undecided"
    assert claim.estimate.counted.reason == (
        "none of these judgements has a review that says so: reviews stand in reviews/<judge>.jsonl of the "
        "benchmark's folder"
    )


def test_nobody_agrees_with_a_reply_that_has_no_verdict() -> None:
    found = reviews.agrees(judged([[GOOD]] * 10, refused=range(4)))
    assert found.value == 0.6
    assert found.problems == {"refused": 4}
    assert found.without is not None
    assert found.without.value == 1.0
    assert reviews.hallucination(judged([[GOOD]] * 10, refused=range(4))).value == 0


def test_swapped_pairs_are_another_question() -> None:
    plain = judged([[BAD]] * 6)
    both = plain.like_these([*plain, *(one.model_copy(update={"variant": SWAPPED}) for one in plain)])
    assert reviews.hallucination(both).n == 6


def test_the_worst_replies_are_named_with_their_votes() -> None:
    judgements = judged([[GOOD, GOOD], [GOOD, BAD], [BAD]], refused=[0])
    assert [figure(judgements).examples for figure in FIGURES] == [
        ("001 hallucinates to 1 of 2 reviewers", "002 hallucinates to 1 of 1 reviewer"),
        ("000 refused", "001 is agreed with by 1 of 2 reviewers", "002 is agreed with by 0 of 1 reviewer"),
        ("002 has an analysis of grade 1", "001 has an analysis of grade 3"),
    ]


def test_two_judges_are_compared_on_what_was_reviewed_of_both() -> None:
    new = judged([[BAD]] * 6 + [[GOOD]] * 44 + [[GOOD]] * 10 + [[]] * 5, judge="new")
    old = judged([[GOOD]] * 50 + [[]] * 10 + [[GOOD]] * 5, judge="old")
    found = reviews.hallucination(new) - reviews.hallucination(old)
    tango = paired_shares([1.0] * 6 + [0.0] * 44, [0.0] * 50, [str(number) for number in range(50)])
    assert found.value == pytest.approx(0.12)
    assert bounds(found) == pytest.approx((tango.low, tango.high))
    assert (found.n, found.unpaired, found.unlabelled) == (50, 15, 15)
    assert found.wrong == 6
    assert found.examples[0] == (
        "000 hallucinates to 1 of 1 reviewer; the other's reply hallucinates to 0 of 1 reviewer"
    )


@pytest.mark.parametrize("figure", FIGURES)
def test_where_nothing_was_reviewed_of_both_the_difference_is_undecided(figure: object) -> None:
    new, old = judged([[GOOD]] * 5 + [[]] * 5, judge="new"), judged([[]] * 5 + [[GOOD]] * 5, judge="old")
    found = figure(new) - figure(old)  # type: ignore[operator]
    assert found.counted.reason == "no question has a review of both judges' replies"
    assert (found.value, found.unlabelled) == (None, 10)
    assert (found >= -0.05).outcome == "undecided"


def test_figures_of_slices_and_their_average() -> None:
    judgements = judged([[BAD] if number % 4 == 0 else [GOOD] for number in range(40)])
    by_source = reviews.hallucination(judgements).by("source")
    assert {name: part.value for name, part in by_source.items()} == {"charts": 0.0, "maps": 0.5}
    assert reviews.hallucination(judgements, by="source").value == pytest.approx(0.25)


def test_each_check_has_its_assertion() -> None:
    judgements = judged([[GOOD]] * 60)
    assertions.assert_reviews_hallucination(judgements, at_most=0.05)
    assertions.assert_reviews_agrees(judgements, at_least=0.9)
    with pytest.raises(ClaimFailed):
        assertions.assert_reviews_analysis(judged([[BAD]] * 60), at_least=3)


SAID = st.lists(
    st.builds(
        Review,
        agrees=st.sampled_from([None, True, False]),
        analysis=st.sampled_from([None, 1, 3, 5]),
        hallucination=st.sampled_from([None, True, False]),
    ),
    max_size=3,
)


@FEW
@given(said=st.lists(SAID, min_size=8, max_size=30), seed=st.integers(0, 99))
def test_a_worse_review_never_makes_a_judge_look_better(said: list[list[Review]], seed: int) -> None:
    place = int(np.random.default_rng(seed).integers(len(said)))
    worse = [[*some, BAD] if number == place and some else some for number, some in enumerate(said)]
    for figure, sign in zip(FIGURES, (-1, 1, 1), strict=True):
        before, after = figure(judged(said)), figure(judged(worse))
        if before.n == after.n and before.value is not None and after.value is not None:
            assert sign * after.value <= sign * before.value + 1e-12


@FEW
@given(said=st.lists(SAID, min_size=8, max_size=30))
def test_the_order_of_items_and_of_reviewers_does_not_matter(said: list[list[Review]]) -> None:
    judgements = judged(said)
    turned = judgements.like_these(
        judgement.model_copy(update={"reviews": judgement.reviews[::-1]}) for judgement in [*judgements][::-1]
    )
    for figure in FIGURES:
        one, other = figure(judgements), figure(turned)
        assert (one.value, *bounds(one)) == pytest.approx((other.value, *bounds(other)), nan_ok=True)


def test_the_checks_say_what_they_are_about() -> None:
    assert {name: check.margin for name, check in CHECKS.items() if name.startswith("reviews.")} == {
        "reviews.hallucination": 0.05,
        "reviews.agrees": 0.05,
        "reviews.analysis": 0.25,
    }
