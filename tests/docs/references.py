"""One reference value for each check: small data, and what another package, or counting, makes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import permutations
from typing import Any

import numpy as np
from scipy import stats

from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import (
    Item,
    Judgement,
    Judgements,
    Label,
    PairTask,
    Problem,
    ScoreTask,
    Tasks,
)
from tests.docs import biases, coherent, probed, properties, reviewed, stated
from tests.statistics.golden import HUMAN, JUDGE
from tests.statistics.test_golden_values import textbook

POINTS = (1, 2, 3)
PAIRS = ("A", "tie", "B")
FAIL_PASS = ("fail", "pass")
RANKINGS = ["".join(order) for order in permutations("ABCD")]
PROBLEMS: dict[Problem, int] = {"refused": 3, "malformed": 2, "truncated": 1, "error": 1}
UNLABELLED = (70, 30)
"""How many items without a label the judge of the pass rate's data fails, and passes."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """The data (`on`, in words), what its figure must be, and who says so (`by`).

    `another` makes the same judgements by another judge, None as `older` does.
    """

    on: str
    data: Callable[[], Judgements]
    expected: Callable[[], float]
    by: str
    another: Callable[[Judgements], Judgements] | None = None


def judged(
    task: str,
    rows: Iterable[tuple[Label | tuple[Label, ...] | None, Label | Problem]],
    tasks: Tasks,
    *,
    responses: int,
) -> Judgements:
    """Judgements from human labels (one, or several) and verdicts, or problems; each item its own cluster."""
    texts = [{"text": letter} for letter in "ABCD"[:responses]]
    found = []
    for place, (human, said) in enumerate(rows):
        labels = human if isinstance(human, tuple) else () if human is None else (human,)
        item = Item.model_validate({"id": f"{place:03}", "task": task, "responses": texts, "human": labels})
        answer = {"problem": said} if said in PROBLEMS else {"verdict": said}
        found.append(Judgement.model_validate({"item": item, "judge": "reference", **answer}))
    return Judgements(found, cluster_of=lambda item: item.id, tasks=tasks)


def _named(labels: Sequence[Label]) -> list[tuple[Label | None, Label]]:
    """The golden table's items, its rows and columns named by these labels."""
    return [(labels[human], labels[judge]) for human, judge in zip(HUMAN, JUDGE, strict=True)]


@cache
def scores() -> Judgements:
    """The golden table as scores of three points."""
    return judged("score", _named(POINTS), Tasks(score=ScoreTask(scale=POINTS)), responses=1)


@cache
def pairs() -> Judgements:
    """The golden table as pairs with ties."""
    return judged("pair", _named(PAIRS), Tasks(pair=PairTask(labels=PAIRS)), responses=2)


def _screened() -> list[tuple[Label | None, Label]]:
    return _named(("fail", "fail", "pass"))


@cache
def screening() -> Judgements:
    """The golden table as fail (1 and 2) or pass (3)."""
    return judged("score", _screened(), Tasks(score=ScoreTask(scale=FAIL_PASS)), responses=1)


@cache
def with_unlabelled() -> Judgements:
    """The same, and items without a label."""
    more: list[tuple[Label | None, Label]] = [
        (None, said) for said, count in zip(FAIL_PASS, UNLABELLED, strict=True) for _ in range(count)
    ]
    return judged("score", _screened() + more, Tasks(score=ScoreTask(scale=FAIL_PASS)), responses=1)


@cache
def rankings() -> Judgements:
    """Every ranking of four answers, against ABCD."""
    return judged("batch", [("ABCD", order) for order in RANKINGS], Tasks(), responses=4)


Annotated = list[tuple[tuple[Label, ...], Label]]
"""Three annotators' labels and a verdict of each item."""


def _annotated(labels: Sequence[Label]) -> Annotated:
    """The golden table's humans and judge as two annotators, a third like the first, and another judge."""
    last = len(HUMAN) - 1
    third = [JUDGE[last - place] if place % 4 == 0 else human for place, human in enumerate(HUMAN)]
    said = [human if place % 3 else JUDGE[last - place] for place, human in enumerate(HUMAN)]
    return [
        ((labels[one], labels[two], labels[three]), labels[verdict])
        for one, two, three, verdict in zip(HUMAN, JUDGE, third, said, strict=True)
    ]


def _ranked_by_three() -> Annotated:
    return [(("ABCD", "ABCD", order), order[::-1]) for order in RANKINGS]


@cache
def scored_by_three() -> Judgements:
    """Scores of three points, by three annotators."""
    return judged("score", _annotated(POINTS), Tasks(score=ScoreTask(scale=POINTS)), responses=1)


@cache
def compared_by_three() -> Judgements:
    """Pairs with ties, by three annotators."""
    return judged("pair", _annotated(PAIRS), Tasks(pair=PairTask(labels=PAIRS)), responses=2)


@cache
def ranked_by_three() -> Judgements:
    """Every ranking of four answers as that of a third annotator, and reversed as the judge's."""
    return judged("batch", _ranked_by_three(), Tasks(), responses=4)


def _as_near(rows: Annotated, far: Callable[[Any, Any], float]) -> Callable[[], float]:
    """The mean over annotators of how often the judge is no farther from the two others than they are."""

    def share() -> float:
        wins = [
            sum(far(said, other) for other in others) <= sum(far(own, other) for other in others) + 1e-12
            for human, said in rows
            for place, own in enumerate(human)
            for others in [human[:place] + human[place + 1 :]]
        ]
        return sum(wins) / len(wins)

    return share


@cache
def troubled() -> Judgements:
    """100 scores, some of which are problems."""
    said: list[Label | Problem] = [kind for kind, count in PROBLEMS.items() for _ in range(count)]
    said += [3] * (100 - len(said))
    return judged("score", [(3, each) for each in said], Tasks(), responses=1)


def older(judgements: Judgements) -> Judgements:
    """Another judge on the same items: right on the first of every three, else as this one, one item on."""
    said = [judgement.verdict for judgement in judgements]
    said = said[1:] + said[:1]
    human = [judgement.human for judgement in judgements]
    verdicts = [human[place] if place % 3 == 0 else other for place, other in enumerate(said)]
    found = [
        judgement if human[place] is None else judgement.model_copy(update={"verdict": verdicts[place]})
        for place, judgement in enumerate(judgements)
    ]
    return judgements.like_these(found)


def _sklearn(name: str, **options: Any) -> Callable[[], float]:
    return lambda: float(getattr(import_module("sklearn.metrics"), name)(HUMAN, JUDGE, **options))


def _statsmodels_kappa(power: float) -> Callable[[], float]:
    def kappa() -> float:
        module = import_module("statsmodels.stats.inter_rater")
        table = np.zeros((3, 3))
        np.add.at(table, (HUMAN, JUDGE), 1)
        places = np.arange(3)
        apart = np.abs(places[:, None] - places[None, :]) ** power
        weights = np.where(places[:, None] == places[None, :], 0, apart) if power else None
        return float(module.cohens_kappa(table, weights=weights, return_results=False))

    return kappa


def _alpha(level: str) -> Callable[[], float]:
    return lambda: float(
        import_module("krippendorff").alpha(reliability_data=[HUMAN, JUDGE], level_of_measurement=level)
    )


def _share(right: Callable[[int, int], bool], *, human: Sequence[int] = (0, 1, 2)) -> Callable[[], float]:
    def share() -> float:
        kept = [(h, j) for h, j in zip(HUMAN, JUDGE, strict=True) if h in human]
        return sum(right(h, j) for h, j in kept) / len(kept)

    return share


def _mean(worth: Callable[[int, int], float]) -> Callable[[], float]:
    return lambda: sum(worth(h, j) for h, j in zip(HUMAN, JUDGE, strict=True)) / len(HUMAN)


def _points_used() -> float:
    shares = np.bincount(JUDGE) / len(JUDGE)
    return float(1 / (shares**2).sum())


def _ppi() -> float:
    y = np.array([human == 2 for human in HUMAN], dtype=float)
    f = np.array([judge == 2 for judge in JUDGE], dtype=float)
    others = np.repeat([0.0, 1.0], UNLABELLED)
    weight = np.cov(y, f)[0, 1] / ((1 + len(y) / len(others)) * np.concatenate([f, others]).var(ddof=1))
    return float(y.mean() + weight * (others.mean() - f.mean()))


def _kendall() -> float:
    return float(
        np.mean([stats.kendalltau([*map(ord, order)], [*map(ord, "ABCD")]).statistic for order in RANKINGS])
    )


def _of_scores(expected: Callable[[], float], by: str) -> Reference:
    return Reference(on="T as scores", data=scores, expected=expected, by=by)


def _of_pairs(expected: Callable[[], float], by: str) -> Reference:
    return Reference(on="T as pairs", data=pairs, expected=expected, by=by)


def _screened_as(human: Sequence[int], by: str) -> Reference:
    right = _share(lambda h, j: (h == 2) == (j == 2), human=human)
    return Reference(on="T as fail (1, 2) or pass (3)", data=screening, expected=right, by=by)


def _of_rankings(expected: Callable[[], float], by: str) -> Reference:
    return Reference(on="all 24 rankings against ABCD", data=rankings, expected=expected, by=by)


def _of_problems(name: str, count: int) -> Reference:
    by = f"by counting, bounds as scipy's binomtest of {count} in 100"
    what = ", ".join(f"{number} {kind}" for kind, number in PROBLEMS.items())
    return Reference(on=f"100 judgements, {what}", data=troubled, expected=lambda: count / 100, by=by)


AC1 = (lambda: 0.6780919633, "irrCAC")
_EXACT = _share(lambda h, j: h == j)
REFERENCES: dict[str, Reference] = {
    "pair.accuracy": _of_pairs(_sklearn("accuracy_score"), "scikit-learn"),
    "score.accuracy": _of_scores(_sklearn("accuracy_score"), "scikit-learn"),
    "batch.exact": _of_rankings(lambda: 1 / len(RANKINGS), "by counting"),
    "pair.accuracy_decided": _of_pairs(
        _share(lambda h, j: h == j, human=(0, 2)), "by counting: 58 of the 70 that humans decided"
    ),
    "score.within_one": _of_scores(_share(lambda h, j: abs(h - j) <= 1), "by counting"),
    "score.mae": _of_scores(_sklearn("mean_absolute_error"), "scikit-learn"),
    "score.leniency": _of_scores(_mean(lambda h, j: j - h), "by counting"),
    "score.pearson": _of_scores(lambda: float(stats.pearsonr(HUMAN, JUDGE).statistic), "scipy"),
    "score.spearman": _of_scores(lambda: float(stats.spearmanr(HUMAN, JUDGE).statistic), "scipy"),
    "score.tau_b": _of_scores(lambda: float(stats.kendalltau(HUMAN, JUDGE).statistic), "scipy"),
    "pair.kappa": _of_pairs(_statsmodels_kappa(0), "statsmodels"),
    "score.kappa": _of_scores(_statsmodels_kappa(0), "statsmodels"),
    "score.kappa_linear": _of_scores(_statsmodels_kappa(1), "statsmodels"),
    "score.kappa_quadratic": _of_scores(_statsmodels_kappa(2), "statsmodels"),
    "pair.alpha": _of_pairs(_alpha("nominal"), "krippendorff"),
    "score.alpha_nominal": _of_scores(_alpha("nominal"), "krippendorff"),
    "score.alpha_ordinal": _of_scores(_alpha("ordinal"), "krippendorff"),
    "score.alpha_interval": _of_scores(_alpha("interval"), "krippendorff"),
    "pair.ac1": _of_pairs(*AC1),
    "score.ac1": _of_scores(*AC1),
    "score.scale_use": _of_scores(_points_used, "by the formula: verdicts 49, 27 and 24 times"),
    "score.sensitivity": _screened_as((2,), "by counting: 18 of 23"),
    "score.specificity": _screened_as((0, 1), "by counting: 71 of 77"),
    "score.pass_rate": Reference(
        on=f"T as fail or pass, and {sum(UNLABELLED)} items without a label, {UNLABELLED[1]} of them passed",
        data=with_unlabelled,
        expected=_ppi,
        by="by the formula",
    ),
    "batch.distance": _of_rankings(
        lambda: float(np.mean([textbook(order, "ABCD") for order in RANKINGS])), "by enumeration"
    ),
    "batch.tau": _of_rankings(_kendall, "scipy"),
    "batch.top": _of_rankings(lambda: 1 / 4, "by counting"),
    "pair.advantage": Reference(
        on="T's humans and judge as two of three annotators of pairs",
        data=compared_by_three,
        expected=_as_near(_annotated(PAIRS), lambda one, other: one != other),
        by="by counting",
    ),
    "score.advantage": Reference(
        on="the same as scores",
        data=scored_by_three,
        expected=_as_near(_annotated(POINTS), lambda one, other: (one - other) ** 2),
        by="by counting",
    ),
    "batch.advantage": Reference(
        on="all 24 rankings as a third annotator's beside ABCD twice, reversed as the judge's",
        data=ranked_by_three,
        expected=_as_near(_ranked_by_three(), textbook),
        by="by enumeration",
    ),
    "problems.rate": _of_problems("rate", sum(PROBLEMS.values())),
    "coherence.scores_pairs": Reference(
        on="T's humans as pairs, its judge as the order of the scores of their answers",
        data=coherent.in_three_tasks,
        expected=_sklearn("accuracy_score"),
        by="scikit-learn",
        another=coherent.by_another,
    ),
    "coherence.pairs_batch": Reference(
        on="T's humans as pairs, its judge as rankings (A as AB, else BA)",
        data=coherent.ranked,
        expected=coherent.share(lambda h, j: (h == 0) == (j == 0), lambda h, _: h != 1),
        by="by counting",
        another=coherent.by_another,
    ),
    "coherence.scores_batch": Reference(
        on="T's humans as rankings (A as AB, else BA), its judge as the order of the scores of their answers",
        data=coherent.in_three_tasks,
        expected=coherent.share(lambda h, j: (h == 0) == (j == 0), lambda _, j: j != 1),
        by="by counting",
        another=coherent.by_another,
    ),
    "coherence.cycles": Reference(
        on="T's humans on answers 1 and 2 of three, its judge on 2 and 3, always A on 3 and 1",
        data=coherent.in_circles,
        expected=coherent.share(lambda h, j: h == j == 0, lambda *_: True),
        by="by counting",
        another=coherent.by_another,
    ),
    "consistency.repeats": Reference(
        on="T's humans and judge, and one that always says A, as three asks of 100 pairs",
        data=properties.thrice,
        expected=properties.share_alike,
        by="scikit-learn, the mean over the asks two by two",
        another=properties.thrice_by_another,
    ),
    "consistency.majority": Reference(
        on="the three asks of `consistency.repeats`",
        data=properties.thrice,
        expected=properties.share_of_majorities,
        by="by counting",
        another=properties.thrice_by_another,
    ),
    "consistency.majority_share": Reference(
        on="the three asks of `consistency.repeats`",
        data=properties.thrice,
        expected=properties.mean_modal_share,
        by="by counting",
        another=properties.thrice_by_another,
    ),
    "consistency.alpha": Reference(
        on="the three asks of `consistency.repeats`",
        data=properties.thrice,
        expected=properties.alpha_of_three,
        by="krippendorff",
        another=properties.thrice_by_another,
    ),
    "consistency.orders": Reference(
        on="T's humans as the verdicts in one order, and its judge's as those in the other",
        data=properties.both_orders,
        expected=_sklearn("accuracy_score"),
        by="scikit-learn",
        another=properties.both_orders_by_another,
    ),
    "pair.position": Reference(
        on="T's humans as the verdicts in one order, and always A in the other",
        data=lambda: properties.both_orders_by_another(properties.both_orders()),
        expected=biases.to_the_first_slot,
        by="by counting",
        another=lambda _: properties.both_orders(),
    ),
    "score.length": Reference(
        on="T as scores of answers of 10 to 179 characters",
        data=biases.scores,
        expected=biases.matched(np.log2(biases.LENGTHS).tolist()),
        by="statsmodels, the ratio of two slopes",
    ),
    "pair.length": Reference(
        on="T as pairs, the longer answer first in 60",
        data=biases.pairs,
        expected=biases.more_often,
        by="by counting",
    ),
    "score.self_preference": Reference(
        on="T as scores of answers, 34 by the judge's own family",
        data=biases.scores,
        expected=biases.matched(biases.OWN),
        by="statsmodels, the ratio of two slopes",
    ),
    "pair.self_preference": Reference(
        on="T as pairs, the own family's answer first in 60",
        data=biases.pairs,
        expected=biases.more_often,
        by="by counting",
    ),
    "pair.constant": _of_pairs(biases.commonest, "by counting: 49 less 47"),
    "score.constant": _of_scores(biases.commonest, "by counting: 49 less 47"),
    "cost.mean": Reference(
        on="100 questions that cost what T's judge says, in cents",
        data=properties.spent,
        expected=lambda: float(np.mean(properties.SPENT)),
        by="numpy",
        another=properties.spent_by_another,
    ),
    "latency.mean": Reference(
        on="the same as seconds",
        data=properties.spent,
        expected=lambda: 100 * float(np.mean(properties.SPENT)),
        by="numpy",
        another=properties.spent_by_another,
    ),
    "hallucination.facts": Reference(
        on="100 replies about bundled pictures, one mark more than was drawn where T's judge says 3",
        data=stated.stated,
        expected=reviewed.share(reviewed.HALLUCINATES),
        by="by counting",
        another=stated.stated_by_another,
    ),
    "reviews.hallucination": Reference(
        on="100 reviewed replies, a hallucination where T's judge says 3",
        data=reviewed.reviewed,
        expected=reviewed.share(reviewed.HALLUCINATES),
        by="by counting",
        another=reviewed.reviewed_by_another,
    ),
    "reviews.agrees": Reference(
        on="100 reviewed replies, agreed with where T's humans and judge say the same",
        data=reviewed.reviewed,
        expected=_sklearn("accuracy_score"),
        by="scikit-learn",
        another=reviewed.reviewed_by_another,
    ),
    "reviews.analysis": Reference(
        on="100 reviewed replies, their grades 1, 3 or 5 where T's judge says 1, 2 or 3",
        data=reviewed.reviewed,
        expected=reviewed.mean_grade,
        by="numpy",
        another=reviewed.reviewed_by_another,
    ),
}
for _name, _expected, _by in (
    ("batch.position", probed.first_over_last, "scipy, the mean of its rank correlations"),
    ("batch.echo", probed.echoes, "by counting"),
):
    REFERENCES[_name] = Reference(
        on="24 batches, the n-th ranked in the rotation by r as the n (r + 1)-th ranking with A on top",
        data=probed.by_six,
        expected=_expected,
        by=_by,
        another=probed.rotated_by_another,
    )
REFERENCES["consistency.rotations"] = Reference(
    on="24 batches with a ranking each, said of those rotations by r of the n-th in which r + 1 divides n",
    data=probed.at_times,
    expected=probed.same_when_rotated,
    by="by counting",
    another=probed.rotated_by_another,
)
for _names, _expected, _by in (
    (probed.OF_MOVES, probed.moved, "scikit-learn"),
    (probed.OF_FAVOUR, probed.favoured, "by counting"),
):
    for _name in _names:
        REFERENCES[_name] = Reference(
            on="T's humans and always A as two asks of 100 pairs, its judge as that of the altered ones",
            data=lambda name=_name: probed.altered(name),  # type: ignore[misc]
            expected=_expected,
            by=_by,
            another=probed.altered_by_another,
        )
for _kind in ("refused", "malformed", "truncated", "error", "not_asked"):
    REFERENCES[f"problems.{_kind}"] = _of_problems(_kind, PROBLEMS.get(_kind, 0))
for _task, _of in (("pair", _of_pairs), ("score", _of_scores)):
    for _name in ("precision", "recall", "f1"):
        REFERENCES[f"{_task}.{_name}"] = _of(_sklearn(f"{_name}_score", average="macro"), "scikit-learn")


def found(check: str, **options: Any) -> Any:
    """The check's estimate of its reference data, with its two-sided 95 % interval."""
    return CHECKS[check](REFERENCES[check].data(), confidence=0.975, **options)


def methods(check: str) -> tuple[str, str]:
    """How the interval of one judge is made on the reference data, and that of a difference of two."""
    reference = REFERENCES[check]
    data = reference.data()
    another = (reference.another or older)(data)
    one, other = CHECKS[check](data), CHECKS[check](another)
    return one.counted.method, (one - other).counted.method
