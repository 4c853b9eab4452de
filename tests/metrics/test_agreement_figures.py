"""What each figure is, and what a problem does to it."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mllm_judge import Item, Judgement, Judgements, agreement, problems
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import PROBLEMS, Tasks
from tests.metrics.figures import judged


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


def test_every_check_says_what_it_is_about_and_where_it_comes_from() -> None:
    properties = {"problems", "coherence", "consistency", "cost", "hallucination", "latency", "reviews"}
    properties |= {"attack", "grounding", "length", "position", "robustness"}
    assert {check.name.split(".")[0] for check in CHECKS.values()} == {"score", "pair", "batch"} | properties
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
