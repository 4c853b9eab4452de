"""What each figure is, and what a problem does to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements, agreement, problems
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import PROBLEMS, Label, Problem, Task, Tasks

RESPONSES = {"score": 1, "pair": 2, "batch": 4}
RANKINGS = ["".join(order) for order in permutations("ABCD")]


def judged(
    task: Task,
    rows: Sequence[tuple[object, Label | None]],
    *,
    problem: Problem = "refused",
    sources: Sequence[str] | None = None,
    cluster_of: Callable[[Item], str] = lambda item: item.id,
) -> Judgements:
    """Judgements from rows of (human, verdict); a verdict of None is a problem."""
    judgements = []
    for place, (human, verdict) in enumerate(rows):
        data = {
            "id": f"{task}-{place:03}",
            "task": task,
            "responses": [{"text": str(n)} for n in range(RESPONSES[task])],
            "human": human,
            "source": sources[place] if sources else None,
        }
        judgements.append(
            Judgement(
                item=Item.model_validate(data),
                judge="j",
                verdict=verdict,
                problem=problem if verdict is None else None,
            )
        )
    return Judgements(judgements, cluster_of=cluster_of, tasks=Tasks())


def test_accuracy_counts_ties_as_labels_and_problems_as_wrong() -> None:
    rows = [("A", "A"), ("B", "A"), ("tie", "tie"), ("A", None)] * 5
    estimate = agreement.accuracy(judged("pair", rows))
    assert estimate.value == 0.5
    assert estimate.without is not None
    assert estimate.without.value == pytest.approx(2 / 3)
    assert estimate.problems == {"refused": 5}


def test_decided_accuracy_drops_by_the_human_label_only() -> None:
    rows = [("A", "A"), ("B", "tie"), ("tie", "A"), ("tie", "tie")] * 5
    assert agreement.accuracy_decided(judged("pair", rows)).value == 0.5
    assert agreement.accuracy_decided(judged("pair", rows), ties="half").value == 0.75
    assert agreement.accuracy_decided(judged("pair", rows)).n == 10


def test_the_majority_of_annotators_is_the_label_and_without_one_the_item_is_left_out() -> None:
    rows = [(["A", "A", "B"], "A"), (["A", "B"], "A"), (["tie", None, None], "tie")] * 4
    estimate = agreement.accuracy(judged("pair", rows))
    assert (estimate.value, estimate.n, estimate.unlabelled) == (1.0, 8, 4)


def test_pearson_takes_the_mean_of_several_annotators() -> None:
    humans = [[1, 2], [2, 4], [3, 3], [5, 5], [4, 5]] * 4
    verdicts = [2, 3, 3, 5, 4] * 4
    estimate = agreement.pearson(judged("score", list(zip(humans, verdicts, strict=True))))
    means = [sum(labels) / 2 for labels in humans]
    assert estimate.value == pytest.approx(np.corrcoef(means, verdicts)[0, 1])


def test_pearson_by_source_is_the_plain_mean_of_the_sources() -> None:
    """As MLLM-as-a-Judge averages: one r per source data set, each with the same weight."""
    rng = np.random.default_rng(3)
    humans, verdicts = rng.integers(1, 6, 90).tolist(), rng.integers(1, 6, 90).tolist()
    sources = ["a"] * 60 + ["b"] * 30
    judgements = judged("score", list(zip(humans, verdicts, strict=True)), sources=sources)
    r_a = np.corrcoef(humans[:60], verdicts[:60])[0, 1]
    r_b = np.corrcoef(humans[60:], verdicts[60:])[0, 1]
    assert agreement.pearson(judgements, by="source").value == pytest.approx((r_a + r_b) / 2)
    fisher = agreement.pearson(judgements, by="source", average="fisher")
    assert fisher.value == pytest.approx(np.tanh((np.arctanh(r_a) + np.arctanh(r_b)) / 2))


def test_distance_counts_a_problem_as_the_farthest_ranking() -> None:
    rows = [("ABCD", "ABCD"), ("ABCD", "BACD"), ("ABCD", None)] * 5
    estimate = agreement.distance(judged("batch", rows))
    assert estimate.value == pytest.approx(0.5)
    assert estimate.without is not None
    assert estimate.without.value == pytest.approx(0.25)


def test_extractors_replace_verdict_and_label() -> None:
    judgements = judged("pair", [("A", "A"), ("tie", "B"), ("B", "B")] * 5)
    no_ties = agreement.accuracy(judgements, human=lambda j: None if j.human == "tie" else j.human)
    assert (no_ties.value, no_ties.n, no_ties.unlabelled) == (1.0, 10, 5)
    flipped = agreement.accuracy(judgements, judge=lambda j: {"A": "B", "B": "A"}.get(str(j.verdict)))
    assert flipped.value == 0.0


def test_several_criteria_must_be_chosen_from() -> None:
    item = Item.model_validate(
        {"id": "x", "task": "score", "responses": [{"text": "t"}], "human": {"SC": [1], "PQ": [2]}}
    )
    judgements = Judgements(
        [Judgement(item=item, judge="j", verdict={"SC": 1, "PQ": 4})],
        cluster_of=lambda i: i.id,
        tasks=Tasks(),
    )
    with pytest.raises(SettingsError, match="these items have several criteria: say criterion = PQ or SC"):
        agreement.accuracy(judgements)
    with pytest.raises(SettingsError, match=r"there is no criterion 'CS' here \(known: PQ, SC\)"):
        agreement.accuracy(judgements, criterion="CS")
    assert agreement.accuracy(judgements, criterion="SC").value == 1.0


def test_words_do_not_correlate() -> None:
    judgements = Judgements(
        [], cluster_of=lambda i: i.id, tasks=Tasks.model_validate({"score": {"scale": ["fail", "pass"]}})
    )
    with pytest.raises(SettingsError, match=r"the scale fail, pass is made of words, use score\.accuracy"):
        agreement.pearson(judgements)


def test_no_label_at_all_is_an_error_that_says_so() -> None:
    estimate = agreement.accuracy(judged("pair", [(None, "A")]))
    assert (estimate.value, estimate.n, estimate.unlabelled) == (None, 0, 1)
    assert estimate.counted.reason == "none of these judgements has a human label to agree with"
    assert (estimate >= 0.5).outcome == "undecided"


def test_the_rate_of_problems_counts_each_kind() -> None:
    judgements = judged("pair", [("A", "A")] * 18 + [("A", None)] * 2)
    assert problems.rate(judgements).value == 0.1
    assert problems.refused(judgements).value == 0.1
    assert problems.malformed(judgements).value == 0.0


LABELS: dict[Task, Sequence[Label]] = {"score": [1, 2, 3, 4, 5], "pair": ["A", "B", "tie"], "batch": RANKINGS}
FIGURES: list[tuple[Task, Callable[[Judgements], Estimate]]] = [
    ("score", agreement.accuracy),
    ("score", agreement.pearson),
    ("pair", agreement.accuracy),
    ("pair", agreement.accuracy_decided),
    ("pair", lambda js: agreement.accuracy_decided(js, ties="half")),
    ("score", agreement.kappa),
    ("score", agreement.kappa_quadratic),
    ("pair", agreement.kappa),
    ("score", agreement.mae),
    ("score", agreement.within_one),
    ("batch", agreement.distance),
    ("batch", agreement.accuracy),
    ("batch", agreement.top),
    ("batch", agreement.tau),
]


@pytest.mark.parametrize(("task", "figure"), FIGURES)
@given(data=st.data())
def test_turning_a_wrong_verdict_into_a_problem_never_makes_a_figure_better(
    task: Task, figure: Callable[[Judgements], Estimate], data: st.DataObject
) -> None:
    label = st.sampled_from(LABELS[task])
    rows = data.draw(st.lists(st.tuples(label, st.one_of(label, st.none())), min_size=12, max_size=30))
    wrong = [place for place, (human, verdict) in enumerate(rows) if verdict not in (None, human)]
    if not wrong or not any(human in ("A", "B") or task != "pair" for human, _ in rows):
        return
    place = data.draw(st.sampled_from(wrong))
    before = figure(judged(task, rows))
    after = figure(judged(task, [*rows[:place], (rows[place][0], None), *rows[place + 1 :]]))
    if before.value is None or after.value is None:
        return
    if before.better == "higher":
        assert after.value <= before.value + 1e-9
    else:
        assert after.value >= before.value - 1e-9


@pytest.mark.parametrize(("task", "figure"), FIGURES)
@given(seed=st.randoms(use_true_random=False))
def test_the_order_of_items_changes_nothing_to_the_last_bit(
    task: Task, figure: Callable[[Judgements], Estimate], seed: object
) -> None:
    rng = np.random.default_rng(5)
    rows = [
        tuple(str(x) if task != "score" else int(x) for x in rng.choice(LABELS[task], 2)) for _ in range(40)
    ]
    judgements = judged(task, rows, cluster_of=lambda item: item.id[-1])  # type: ignore[arg-type]
    shuffled = list(judgements)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Judgements(shuffled, cluster_of=judgements.cluster_of, tasks=judgements.tasks)
    assert figure(judgements).counted == figure(other).counted


def test_every_check_says_what_it_is_about_and_where_it_comes_from() -> None:
    assert {check.name.split(".")[0] for check in CHECKS.values()} == {"score", "pair", "batch", "problems"}
    for name, check in CHECKS.items():
        assert check.name == name
        assert check.about.endswith((".", ";", ",")) or len(check.about) > 20
        assert check.source
    assert {f"problems.{kind}" for kind in PROBLEMS} <= CHECKS.keys()


def test_kappa_on_the_golden_table() -> None:
    """statsmodels: kappa .6527229676, quadratic .7175572519; jackknife-t 95 % [.501503, .765242]."""
    table = [[40, 5, 2], [6, 20, 4], [3, 2, 18]]
    cells = [(h, j) for h in range(3) for j in range(3) for _ in range(table[h][j])]
    pairs = judged("pair", [(["A", "B", "tie"][h], ["A", "B", "tie"][j]) for h, j in cells])
    estimate = agreement.kappa(pairs, confidence=0.975)
    assert estimate.value == pytest.approx(0.6527229676, abs=1e-10)
    assert (estimate.low, estimate.high) == pytest.approx((0.501503, 0.765242), abs=1e-6)
    scores = judged("score", [(h + 1, j + 1) for h, j in cells])
    assert agreement.kappa_quadratic(scores).value == pytest.approx(0.7175572519, abs=1e-10)


@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "B", "tie"]), st.sampled_from(["A", "B", "tie"])),
        min_size=4,
        max_size=9,
    ),
    st.lists(st.sampled_from(["A", "B", "tie"]), min_size=1, max_size=4),
)
def test_problems_count_as_the_labels_that_make_kappa_smallest(
    known: list[tuple[str, str]], missing: list[str]
) -> None:
    """Against brute force over every choice of labels."""

    def value(verdicts: Sequence[str | None]) -> float:
        rows = [*known, *zip(missing, verdicts, strict=True)]
        found = agreement.kappa(judged("pair", rows)).value
        return np.inf if found is None else found

    best = min(value(choice) for choice in product(["A", "B", "tie"], repeat=len(missing)))
    assert value([None] * len(missing)) == pytest.approx(best, abs=1e-9)
