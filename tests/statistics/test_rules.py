"""When nothing may be decided, and what is said of bad input."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_mllm_judge.statistics import (
    Interval,
    alpha_figure,
    clopper_pearson,
    coincidence_sums,
    effective_pairs,
    equivalence,
    f1_figure,
    gwet_figure,
    holm,
    interval_of,
    kappa_figure,
    mcnemar,
    mean_figure,
    mean_interval,
    mean_sums,
    p_above,
    paired_shares,
    pearson,
    precision_figure,
    recall_figure,
    sensitivity_figure,
    specificity_figure,
    table_sums,
    tango,
    wilson,
)

NAMES = [str(place) for place in range(100)]


def test_one_cluster_is_too_few_for_an_interval() -> None:
    result = interval_of(mean_figure((0, 1)), mean_sums([0.0, 1.0], ["a", "a"]), n=2)
    assert (result.value, result.low) == (0.5, None)
    assert result.reason == "1 independent cluster(s), fewer than 10"


def test_a_label_that_nobody_gave_does_not_count_as_rare() -> None:
    human = [place % 3 for place in range(100)]
    sums = table_sums([human[-1], *human[:-1]], human, NAMES, labels=[0, 1, 2, 3])
    assert interval_of(f1_figure(4), sums, n=100).reason == ""


def test_one_label_s_figure_asks_only_for_items_of_that_label() -> None:
    human = [0] * 60 + [1] * 30 + [2] * 10
    judge = [0] * 55 + [1] * 30 + [0] * 5 + [2] * 10
    sums = table_sums(judge, human, NAMES, labels=[0, 1, 2])
    assert interval_of(recall_figure(3, label=0), sums, n=100).reason == ""
    rare = interval_of(recall_figure(3, label=2), sums, n=100)
    assert rare.reason == "a class was given 10 time(s) by humans or judge, fewer than 15"


def test_fifteen_of_a_class_are_enough() -> None:
    human = [0] * 50 + [1] * 35 + [2] * 15
    judge = [*human[1:50], 0, *human[50:]]
    judge[0], judge[60] = 1, 0
    sums = table_sums(judge, human, NAMES, labels=[0, 1, 2])
    assert interval_of(f1_figure(3), sums, n=100).reason == ""


def test_either_of_two_labels_may_be_the_positive_one() -> None:
    sums = table_sums([0, 0, 0, 1, 1], [0, 0, 1, 1, 0], NAMES[:5], labels=[0, 1]).sum(axis=0)
    for positive, (sensitivity, specificity) in ((1, (1 / 2, 2 / 3)), (0, (2 / 3, 1 / 2))):
        assert float(sensitivity_figure(positive=positive).value(sums)) == pytest.approx(sensitivity)
        assert float(specificity_figure(positive=positive).value(sums)) == pytest.approx(specificity)


def test_a_label_that_only_the_judge_gave_counts_0_in_the_macro_means() -> None:
    """As scikit-learn 1.9.1 with zero_division=0; a label that nobody gave does not count."""
    sums = table_sums([0, 2, 1, 1], [0, 0, 1, 1], NAMES[:4], labels=[0, 1, 2, 3]).sum(axis=0)
    assert float(recall_figure(4).value(sums)) == pytest.approx((1 / 2 + 1 + 0) / 3)
    assert float(precision_figure(4).value(sums)) == pytest.approx((1 + 1 + 0) / 3)
    assert float(f1_figure(4).value(sums)) == pytest.approx((2 / 3 + 1 + 0) / 3)


def test_constant_labels_have_no_correlation_and_the_reason_names_them() -> None:
    result = pearson([1, 2, 3] * 10, [4] * 30, NAMES[:30], scale=(1, 5))
    assert (result.value, result.low) == (None, None)
    assert result.reason == "humans gave 4 to all 30 items: no correlation"


def test_ten_clusters_are_enough_and_five_discordant_items() -> None:
    assert wilson([True] * 90, [str(place % 10) for place in range(90)]).reason == ""
    right = [1.0] * 10
    assert paired_shares(right, right, NAMES[:10]).reason == ""
    assert paired_shares(right[1:], right[1:], NAMES[:9]).reason == "9 independent cluster(s), fewer than 10"


def test_there_is_no_p_value_where_nothing_may_be_decided() -> None:
    sums = mean_sums([0.1, 0.2, 0.3] * 3, NAMES[:9])

    def at(level: float) -> Interval:
        return interval_of(mean_figure((-1, 1)), sums, n=9, confidence=level)

    assert p_above(at, -0.5) is None
    assert equivalence(at, 0.5) is None


def bad_units() -> object:
    return coincidence_sums([[0, 1], [0, 7]], ["a", "b"], labels=[0, 1])


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        (lambda: tango(1, 2, 2), "need 0 <= wins + losses <= n, got 1 wins, 2 losses, n = 2"),
        (lambda: mcnemar(-1, 2), "counts are 0 or more, got -1 and 2"),
        (lambda: holm([0.2, 1.2]), "p values lie between 0 and 1, got [0.2, 1.2]"),
        (lambda: wilson([], []), "a share of nothing is undefined: need at least one item"),
        (lambda: clopper_pearson([], []), "a share of nothing is undefined: need at least one item"),
        (
            lambda: mean_interval([], [], bounds=(0, 1)),
            "the mean of nothing is undefined: need at least one item",
        ),
        (lambda: paired_shares([], [], []), "the difference of nothing is undefined: need at least one item"),
        (lambda: paired_shares([1.0], [], ["a"]), "1 and 0 values, 1 clusters: not paired"),
        (lambda: paired_shares([2.0], [0.0], ["a"]), "shares are made of values between 0 and 1"),
        (lambda: equivalence(lambda _: wilson([True], ["a"]), 0), "a margin is above 0, got 0"),
        (lambda: kappa_figure(1), "kappa, unweighted needs at least 2 labels, got 1"),
        (lambda: kappa_figure(3, points=[1, 2]), "3 labels but 2 points"),
        (lambda: gwet_figure(2, weights="linear", points=[1, 2, 3]), "2 labels but 3 points"),
        (lambda: alpha_figure(3, level="interval", points=[1, 2]), "3 labels but 2 points"),
        (lambda: table_sums([1], [1], ["a"], labels=[1, 1]), "a label is named twice: 1, 1"),
        (
            lambda: table_sums([0, 1], [0, 1, 1], ["a", "b"], labels=[0, 1]),
            "2 verdicts, 3 human labels, 2 clusters: not paired",
        ),
        (bad_units, "units[1] holds 7, which is none of: 0, 1"),
        (
            lambda: wilson([True], ["a"], confidence=0.5),
            "confidence is one-sided, between 0.5 and 1, got 0.5",
        ),
        (lambda: tango(0, 0, 9, confidence=1), "confidence is one-sided, between 0.5 and 1, got 1"),
    ],
)
def test_bad_input_is_named(question: Callable[[], object], answer: str) -> None:
    with pytest.raises(ValueError) as caught:
        question()
    assert str(caught.value) == answer


def test_pairs_that_are_all_alike_or_alone_count_each() -> None:
    assert effective_pairs([1.0] * 20, NAMES[:20]) == 20
    assert effective_pairs([0.0] * 20, [str(place // 2) for place in range(20)]) == 10
