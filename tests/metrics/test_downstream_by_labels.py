"""The answering models' figures corrected by human labels."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mllm_judge.metrics.downstream import MIN_LABELS
from tests.metrics.test_downstream import BINARY, Asked, compared, item, only


def labelled(n: int, of: int, *, seed: int = 1) -> tuple[list[Asked], list[float], list[float]]:
    """Answers of x and y, the first of each labelled pass or fail by humans; and x's verdicts and labels."""
    random = np.random.default_rng(seed)
    asked: list[Asked] = []
    judge, human = [], []
    for place in range(n):
        for author in "xy":
            truth = int(random.random() < 0.6)
            said = truth if random.random() < 0.85 else 1 - truth
            label = {"human": truth} if place < of else {}
            asked.append((item("score", f"{author}-{place:04}", (author,), **label), [said]))
            if author == "x":
                judge.append(float(said))
                human.append(float(truth))
    return asked, judge, human


def test_figures_are_corrected_by_human_labels_as_ppi_py_does() -> None:
    """ppi-python 0.2.3, ppi_mean_pointestimate and ppi_mean_ci(alpha=.1), weight tuned, on the same numbers.

    Its variances divide by n where ours divide by n - 1.
    """
    asked, judge, human = labelled(500, 120)
    x = next(each for each in only(compared(asked, asked, tasks=BINARY)).models if each.name == "x")
    assert x.labels == 120
    assert x.corrected is not None
    one, other = x.corrected
    assert one == other
    assert (one.value, one.low, one.high) == pytest.approx((0.64171876, 0.58314037, 0.70029714), abs=2e-3)
    assert x.candidate.value == pytest.approx(np.mean(judge))
    assert len(human) == 500


def test_a_judge_s_error_is_taken_off_its_own_figure_for_each_model_apart() -> None:
    """The candidate passes every answer of x: its figure is 1, the corrected one is the humans' share."""
    asked, _, human = labelled(400, 200)
    kind = [(one, [1] if one.responses[0].author == "x" else said) for one, said in asked]
    ranking = only(compared(kind, asked, tasks=BINARY))
    x = next(each for each in ranking.models if each.name == "x")
    assert x.candidate.value == 1.0
    assert x.corrected is not None
    assert x.corrected[0].value == pytest.approx(np.mean(human[:200]))
    assert x.corrected[1].value == pytest.approx(np.mean(human), abs=0.05)


def test_too_few_labels_correct_nothing_and_say_so() -> None:
    asked, _, _ = labelled(300, MIN_LABELS - 1)
    ranking = only(compared(asked, asked, tasks=BINARY))
    for model in ranking.models:
        assert model.corrected is not None
        for each in model.corrected:
            assert (each.value, each.low) == (None, None)
            assert each.reason == "99 human label(s) of this model's answers, fewer than 100"
    told = " · ".join(f"{model.name} undecided on 99 labels" for model in ranking.models)
    assert ranking.lines()[-1] == f"score: by human labels: {told}"
    unlabelled, _, _ = labelled(50, 0)
    assert all(each.corrected is None for each in only(compared(unlabelled, unlabelled, tasks=BINARY)).models)


def test_where_all_items_are_labelled_the_humans_own_figure_stands() -> None:
    asked, _, human = labelled(40, 40)
    x = next(each for each in only(compared(asked, asked, tasks=BINARY)).models if each.name == "x")
    assert x.corrected is not None
    assert x.corrected[0].value == pytest.approx(np.mean(human))
    assert x.corrected[0].low is not None
    assert x.corrected[0] == x.corrected[1]


def test_several_annotators_of_an_item_count_alike() -> None:
    asked = [(item("pair", f"{n}", ("x", "y"), human=["A", "B", "tie", "A"]), ["A"]) for n in range(12)]
    x = next(each for each in only(compared(asked, asked)).models if each.name == "x")
    assert x.corrected is not None
    assert x.corrected[0].value == pytest.approx((1 + 0 + 0.5 + 1) / 4)
