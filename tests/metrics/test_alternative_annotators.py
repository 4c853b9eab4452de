"""The alternative annotator test: the published algorithm, problems, few labels, gates, differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, ttest_1samp

from pytest_mllm_judge import Estimate, Judgements, agreement, assertions
from pytest_mllm_judge.errors import ClaimFailed, SettingsError
from pytest_mllm_judge.model import Item, Judgement, Label, Task, Tasks
from tests.metrics.figures import PAIR, RANKINGS, Row, judged
from tests.statistics.test_golden_values import textbook

LABELS: dict[Task, Sequence[Label]] = {"pair": PAIR, "score": (1, 2, 3, 4, 5), "batch": RANKINGS[:6]}
Near = Callable[[Any, Sequence[Any]], float]


def rows_of(
    task: Task, n: int, seed: int, *, people: int = 4, lost: float = 0.0, gaps: float = 0.0
) -> list[Row]:
    """Items whose true label everybody finds with some luck; labels and verdicts may be missing."""
    random = np.random.default_rng(seed)
    labels = LABELS[task]
    rows: list[Row] = []
    for _ in range(n):
        truth = labels[int(random.integers(len(labels)))]
        given = [truth if random.random() < 0.7 else labels[int(random.integers(len(labels)))]
                 for _ in range(people + 1)]  # fmt: skip
        human = [None if random.random() < gaps else label for label in given[1:]]
        rows.append((human, None if random.random() < lost else given[0]))
    return rows


def agreeing(label: Any, others: Sequence[Any]) -> float:
    return float(np.mean([label == other for other in others]))


def minus_rmse(label: Any, others: Sequence[Any]) -> float:
    return -math.sqrt(sum((label - other) ** 2 for other in others) / len(others))


def minus_distance(label: Any, others: Sequence[Any]) -> float:
    return -sum(textbook(label, other) for other in others) / len(others)


NEAR: dict[Task, Near] = {"pair": agreeing, "score": minus_rmse, "batch": minus_distance}


def published(rows: Sequence[Row], near: Near, epsilon: float) -> tuple[float, float]:
    """Winning rate and advantage probability, written from the paper: each annotator in turn is excluded."""
    p_values, advantages = [], []
    for excluded in range(max(len(human) for human, _ in rows)):  # type: ignore[arg-type]
        judge_as_near, human_as_near = [], []
        for human, verdict in rows:
            own = human[excluded]  # type: ignore[index]
            others = [x for j, x in enumerate(human) if j != excluded and x is not None]  # type: ignore[arg-type, var-annotated]
            if own is None or len(others) < 2:
                continue
            mine = near(own, others)
            judges = -math.inf if verdict is None else near(verdict, others)
            judge_as_near.append(judges >= mine - 1e-12)
            human_as_near.append(mine >= judges - 1e-12)
        if len(judge_as_near) >= 30:
            ahead = np.array(human_as_near, dtype=float) - np.array(judge_as_near, dtype=float)
            p_values.append(float(ttest_1samp(ahead, epsilon, alternative="less").pvalue))
            advantages.append(sum(judge_as_near) / len(judge_as_near))
    beaten = false_discovery_control(p_values, method="by") <= 0.05
    return float(beaten.mean()), sum(advantages) / len(advantages)


def winning(estimate: Estimate) -> float | None:
    return next(each.value for each in estimate.beside if each.name == "winning")


@pytest.mark.parametrize("task", LABELS)
@pytest.mark.parametrize("epsilon", [0.1, 0.15, 0.2])
@pytest.mark.parametrize(("lost", "gaps"), [(0.0, 0.0), (0.05, 0.3)])
def test_it_is_the_published_algorithm(task: Task, epsilon: float, lost: float, gaps: float) -> None:
    for seed in range(3):
        rows = rows_of(task, 60, seed, lost=lost, gaps=gaps)
        rate, probability = published(rows, NEAR[task], epsilon)
        found = agreement.advantage(judged(task, rows), epsilon=epsilon)
        assert found.value == pytest.approx(probability, abs=1e-12)
        assert winning(found) == rate


def test_an_annotator_of_fewer_than_30_items_is_left_out_where_others_have_them() -> None:
    rows = [([*human[:3], human[3] if place < 20 else None], said)  # type: ignore[index]
            for place, (human, said) in enumerate(rows_of("pair", 60, 1))]  # fmt: skip
    found = agreement.advantage(judged("pair", rows))
    rate, probability = published(rows, agreeing, 0.15)
    assert found.value == pytest.approx(probability)
    assert winning(found) == rate
    assert found.beside[0].about == (
        f"wins against {round(3 * rate)} of 3 annotators, epsilon 0.15; "
        "1 of 4 annotators have fewer than 30 items or 10 pictures"
    )


def test_where_nobody_has_30_items_everybody_counts_and_nobody_is_tested() -> None:
    rows = rows_of("pair", 20, 2, people=3)
    found = agreement.advantage(judged("pair", rows))
    each = [
        np.mean([agreeing(said, rest) >= agreeing(human[j], rest)  # type: ignore[index]
                 for human, said in rows for rest in [[*human[:j], *human[j + 1 :]]]])  # type: ignore[index]
        for j in range(3)
    ]  # fmt: skip
    assert found.value == pytest.approx(np.mean(each))
    assert winning(found) is None
    assert found.beside[0].about == (
        "nobody is tested: 3 of 3 annotators have fewer than 30 items or 10 pictures"
    )


def test_on_a_scale_of_words_annotators_agree_or_do_not() -> None:
    words = {"A": "poor", "B": "fair", "tie": "good"}
    pairs = rows_of("pair", 40, 3)
    scores: list[Row] = [([words[x] for x in human], words[str(said)]) for human, said in pairs]  # type: ignore[attr-defined]
    tasks = Tasks.model_validate({"score": {"scale": list(words.values())}})
    one, two = (
        agreement.advantage(judged("pair", pairs)),
        agreement.advantage(judged("score", scores, tasks=tasks)),
    )
    assert (one.value, one.low) == (two.value, two.low)
    assert (one.metric, two.metric) == ("pair.advantage", "score.advantage")


def test_one_criterion_of_several_is_measured_alone() -> None:
    made = []
    for place, (human, said) in enumerate(rows_of("score", 40, 4)):
        table = {"look": human, "text": [3, 3, 3, 3]}
        item = Item.model_validate(
            {"id": f"{place:03}", "task": "score", "responses": [{"text": "x"}], "human": table}
        )
        made.append(Judgement(item=item, judge="j", verdict={"look": said, "text": 1}))
    judgements = Judgements(made, cluster_of=lambda item: item.id, tasks=Tasks())
    alone = agreement.advantage(judged("score", rows_of("score", 40, 4)))
    assert agreement.advantage(judgements, criterion="look").value == alone.value
    assert agreement.advantage(judgements, criterion="text").value == 0.0


def test_fewer_than_three_labels_are_undecided_by_rule_and_say_so() -> None:
    two = agreement.advantage(judged("pair", [(["A", "B"], "A")] * 40))
    assert (two.value, two.n, two.unlabelled) == (None, 0, 40)
    claim = two >= 0.5
    assert claim.outcome == "undecided"
    assert claim.explain().endswith(
        "  settle    nothing is decided: no item here has 3 human labels, so no annotator can be held "
        "against the others (the alternative annotator test)"
    )
    mixed = agreement.advantage(
        judged("pair", [*rows_of("pair", 30, 5), (["A", None, "B"], "A"), (None, "A")])
    )
    assert (mixed.n, mixed.unlabelled) == (120, 2)
    assert agreement.advantage(judged("pair", [])).counted.reason == (
        "none of these judgements has a human label to agree with"
    )


@pytest.mark.parametrize("task", LABELS)
@given(seed=st.integers(0, 2**32 - 1), place=st.integers(0, 39))
@settings(max_examples=10, deadline=None)
def test_a_refusal_never_raises_it(task: Task, seed: int, place: int) -> None:
    rows = rows_of(task, 40, seed)
    refused = [*rows[:place], (rows[place][0], None), *rows[place + 1 :]]
    before, after = (agreement.advantage(judged(task, some)) for some in (rows, refused))
    assert after.value is not None
    assert before.value is not None
    assert after.value <= before.value
    assert (winning(after) or 0) <= (winning(before) or 0)
    more = agreement.advantage(judged(task, [*rows, (rows[place][0], None)]))
    assert (more.value or 0) <= before.value


def test_a_judge_that_refuses_everything_beats_nobody() -> None:
    rows: list[Row] = [(human, None) for human, _ in rows_of("score", 40, 6)]
    found = agreement.advantage(judged("score", rows))
    assert (found.value, winning(found), found.problems) == (0.0, 0.0, {"refused": 160})
    assert (found >= 0.5).outcome == "fails"


@pytest.mark.parametrize("task", LABELS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_order_changes_nothing_and_swapping_two_judges_flips_the_sign(task: Task, seed: int) -> None:
    rows = rows_of(task, 40, seed, lost=0.05)
    ours = judged(task, rows)
    mixed = ours.like_these([ours[place] for place in np.random.default_rng(seed).permutation(40).tolist()])
    one, same = agreement.advantage(ours), agreement.advantage(mixed)
    assert (one.counted, one.without, list(one.beside)) == (same.counted, same.without, list(same.beside))
    others = [(human, said) for (human, _), (_, said) in zip(rows, rows_of(task, 40, seed + 1), strict=True)]
    two = agreement.advantage(judged(task, others))
    forth, back = one - two, two - one
    assert (forth.value, forth.low, forth.high) == pytest.approx((-back.value, -back.high, -back.low))  # type: ignore[operator]


@pytest.mark.parametrize(("n", "outcome"), [(51, "undecided"), (52, "holds")])
def test_a_judge_against_itself_is_not_worse_by_a_twentieth_from_52_items_on(n: int, outcome: str) -> None:
    estimate = agreement.advantage(judged("pair", rows_of("pair", n, 7)))
    assert (estimate - estimate >= -0.05).outcome == outcome


def test_a_difference_on_two_items_is_of_two_verdicts_whatever_the_number_of_annotators() -> None:
    rows = [([human[0]] * 4, human[0]) for human, _ in rows_of("pair", 60, 8)]  # type: ignore[index]
    other = [(human, "tie" if human[0] != "tie" else "A") if place < 2 else (human, said)
             for place, (human, said) in enumerate(rows)]  # fmt: skip
    difference = agreement.advantage(judged("pair", other)) - agreement.advantage(judged("pair", rows))
    assert difference.value == pytest.approx(-2 / 60)
    assert difference.counted.method == "tango, few discordant"


def test_a_better_judge_is_found_and_repeats_of_fixed_items_have_an_interval() -> None:
    rows = rows_of("pair", 200, 9)
    right: list[Row] = [(human, max(set(human), key=human.count)) for human, _ in rows]  # type: ignore[attr-defined, call-overload]
    better = agreement.advantage(judged("pair", right)) - agreement.advantage(judged("pair", rows))
    assert (better >= 0).outcome == "holds"
    fixed = agreement.advantage(
        judged("pair", [row for row in rows[:40] for _ in range(3)], repeats=3, fixed=True)
    )
    assert fixed.population == "fixed"
    assert fixed.value == pytest.approx(agreement.advantage(judged("pair", rows[:40])).value)


def test_several_annotators_set_their_own_ceiling() -> None:
    found = agreement.advantage(judged("pair", rows_of("pair", 60, 10)))
    names = [each.name for each in found.beside]
    assert names == ["winning", "humans", "constant"]
    humans = agreement.advantage(agreement.humans(judged("pair", rows_of("pair", 60, 10))))
    assert found.beside[1].value == humans.value


def test_the_named_assertion_and_slices_are_there() -> None:
    rows = rows_of("pair", 80, 11)
    judgements = judged("pair", rows, sources=["maps", "charts"] * 40)
    assert assertions.assert_pair_advantage(judgements, at_least=0.3, epsilon=0.2).outcome == "holds"
    with pytest.raises(ClaimFailed, match=r"^fails: pair\.advantage is not at least 0\.99"):
        assertions.assert_pair_advantage(judgements, at_least=0.99)
    by = agreement.advantage(judgements).by("source")
    assert agreement.advantage(judgements, by="source").value == pytest.approx(
        sum(part.value or 0 for part in by.values()) / 2
    )


NO_NUMBER = "epsilon = {}: a number from 0 to below 1, such as 0.15"
NO_OPTION = "pair.advantage holds each annotator against the others, so it takes no {}"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"epsilon": 1.5}, NO_NUMBER.format("1.5")),
        ({"epsilon": True}, NO_NUMBER.format("True")),
        ({"annotators": "mean"}, NO_OPTION.format("annotators")),
        ({"human": lambda _: "A"}, NO_OPTION.format("human")),
    ],
    ids=["beyond 1", "no number", "annotators", "human"],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as error:
        agreement.advantage(judged("pair", rows_of("pair", 12, 1)), **options)
    assert str(error.value) == told


def test_items_of_several_tasks_are_refused() -> None:
    pairs, scores = judged("pair", rows_of("pair", 12, 1)), judged("score", rows_of("score", 12, 1))
    with pytest.raises(SettingsError) as error:
        agreement.advantage(pairs.like_these([*pairs, *scores]))
    assert str(error.value) == "advantage is about items of one task, not about pair and score"
