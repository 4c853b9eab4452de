"""Every figure there is, on every scale that suits it, and judgements made up to measure with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements, agreement, metric
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Label, Problem, Task, Tasks
from pytest_mllm_judge.model.judgements import Population
from pytest_mllm_judge.statistics import Interval

PAIR = ("A", "B", "tie")
RANKINGS = ["".join(order) for order in permutations("ABCD")]
SCALES: dict[str, tuple[Label, ...]] = {
    "1-5": (1, 2, 3, 4, 5),
    "0-10": tuple(range(11)),
    "words": ("poor", "fair", "good"),
    "fail-pass": ("fail", "pass"),
}
RESPONSES = {"score": 1, "pair": 2, "batch": 4}

Row = tuple[object, Label | None]
"""A human label (None, one, or a list of several annotators') and a verdict (None: a problem)."""


def tasks_of(scale: Sequence[Label]) -> Tasks:
    return Tasks.model_validate({"score": {"scale": list(scale)}})


@cache
def item_of(task: Task, name: str, human: object, source: str | None, answers: int) -> Item:
    return Item.model_validate(
        {
            "id": name,
            "task": task,
            "responses": [{"text": str(number)} for number in range(answers)],
            "human": list(human) if isinstance(human, tuple) else human,
            "source": source,
        }
    )


def by_id(item: Item) -> str:
    return item.id


def judged(
    task: Task,
    rows: Sequence[Row],
    *,
    judge: str = "j",
    problem: Problem = "refused",
    sources: Sequence[str] | None = None,
    cluster_of: Callable[[Item], str] = by_id,
    tasks: Tasks | None = None,
    repeats: int = 1,
    fixed: bool = False,
) -> Judgements:
    """Judgements from rows; with `repeats` each item has so many rows, one after the other."""
    made = []
    for place, (human, verdict) in enumerate(rows):
        number, repeat = divmod(place, repeats)
        labels = tuple(human) if isinstance(human, list) else human
        answers = len(human) if task == "batch" and isinstance(human, str) else RESPONSES[task]
        source = sources[number] if sources else None
        made.append(
            Judgement.model_construct(
                item=item_of(task, f"{task}-{number:03}", labels, source, answers),
                judge=judge,
                repeat=repeat,
                verdict=verdict,
                problem=problem if verdict is None else None,
            )
        )
    population: Population = "fixed" if fixed else "sampled"
    return Judgements(made, cluster_of=cluster_of, tasks=tasks or Tasks(), population=population)


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A function of judgements, the labels of its task and scale, and the judgements to give it."""

    name: str
    task: Task
    labels: Sequence[Label]
    of: Callable[[Judgements], Estimate]
    tasks: Tasks = field(default_factory=Tasks)

    def judged(self, rows: Sequence[Row], **options: Any) -> Judgements:
        return judged(self.task, rows, tasks=self.tasks, **options)

    def __call__(self, rows: Sequence[Row], **options: Any) -> Estimate:
        return self.of(self.judged(rows, **options))

    def rows(self, n: int, rng: np.random.Generator, *, agree: float = 0.6, lost: float = 0.0) -> list[Row]:
        """Rows drawn at random: right with probability `agree`, else any label, a problem where `lost`.

        The last label is four times as likely as the first, so that no figure is at its largest by symmetry.
        """
        shares = np.linspace(1, 4, len(self.labels))
        humans, others = (
            [self.labels[place] for place in rng.choice(len(shares), n, p=shares / shares.sum())]
            for _ in range(2)
        )
        right, gone = rng.random(n) < agree, rng.random(n) < lost
        if self.name == "score.pass_rate":
            unlabelled = rng.random(n) < 0.5
            return [
                (None if none else human, None if away else human if same else other)
                for human, other, same, away, none in zip(
                    humans, others, right, gone, unlabelled, strict=True
                )
            ]
        return [
            (human, None if away else human if same else other)
            for human, other, same, away in zip(humans, others, right, gone, strict=True)
        ]


@metric
def as_humans(judgement: Judgement) -> bool:
    """A metric of one's own."""
    return judgement.verdict == judgement.human


PROPERTIES = (
    *("coherence.", "consistency.", "cost.", "hallucination.", "latency.", "reviews."),
    *("pair.position", "pair.length", "pair.self_", "pair.constant"),
    *("score.length", "score.self_", "score.constant"),
    *("attack.", "grounding.", "length.", "position.", "robustness.", "batch.position", "batch.echo"),
)
"""Figures of what no verdict alone tells, with tests of their own: consistency, spending, reviews, probes."""


def _checks() -> list[Figure]:
    found = []
    for name, check in CHECKS.items():
        if name.startswith(PROPERTIES):
            continue
        if name.endswith(".advantage"):
            continue  # of items with three labels: tests/metrics/test_alternative_annotators.py
        if check.task == "score":
            for points in SCALES.values():
                tasks = tasks_of(points)
                if check.suits(tasks):
                    found.append(Figure(name=name, task="score", labels=points, of=check, tasks=tasks))
        else:
            labels = RANKINGS if check.task == "batch" else PAIR
            found.append(Figure(name=name, task=check.task or "pair", labels=labels, of=check))
    return found


def _with_options() -> list[Figure]:
    of: dict[str, tuple[Task, Callable[..., Estimate], dict[str, Any]]] = {
        "decided, ties half": ("pair", agreement.accuracy_decided, {"ties": "half"}),
        "alpha, ordinal": ("pair", agreement.alpha, {"level": "ordinal"}),
        "AC2, quadratic": ("score", agreement.ac1, {"weights": "quadratic"}),
        "AC2, linear": ("pair", agreement.ac1, {"weights": "linear"}),
        "F1 of A": ("pair", agreement.f1, {"label": "A"}),
        "precision of 5": ("score", agreement.precision, {"label": 5}),
        "recall of tie": ("pair", agreement.recall, {"label": "tie"}),
        "kappa of all": ("pair", agreement.kappa, {"annotators": "all"}),
        "alpha of all": ("score", agreement.alpha, {"annotators": "all", "level": "interval"}),
        "mae of all": ("score", agreement.mae, {"annotators": "all"}),
        "pearson of majorities": ("score", agreement.pearson, {"annotators": "majority"}),
        "own metric": ("pair", as_humans, {}),
    }
    made = []
    for name, (task, call, options) in of.items():
        labels = PAIR if task == "pair" else SCALES["1-5"]

        def measure(js: Judgements, call: Any = call, options: dict[str, Any] = options) -> Estimate:
            return cast("Estimate", call(js, **options))

        made.append(Figure(name=name, task=task, labels=labels, of=measure))
    return made


def ids(figure: Figure) -> str:
    """Its name and its scale, for the test's."""
    scale = next((name for name, points in SCALES.items() if points == tuple(figure.labels)), "")
    return f"{figure.name} {scale}".strip()


FIGURES = [*_checks(), *_with_options()]
BUILT_IN = [figure for figure in FIGURES if figure.name in CHECKS]
AGREEMENT = [figure for figure in FIGURES if not figure.name.startswith("problems.")]
FEW = settings(max_examples=3, deadline=None)
SEEDS = given(seed=st.integers(0, 2**32 - 1))


def every(figures: Sequence[Figure]) -> pytest.MarkDecorator:
    """A test of each of these figures."""
    return pytest.mark.parametrize("figure", figures, ids=ids)


def intervals(estimate: Estimate) -> list[Interval]:
    """Those that may decide a claim."""
    return [each for each in (estimate.counted, estimate.without, estimate.upper) if each is not None]
