"""What a problem does to every figure: it stands for the worst answer, and refusing never pays."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np

from pytest_mllm_judge import Estimate, Judgements, agreement
from pytest_mllm_judge.claims import Claim
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Label
from tests.metrics.figures import AGREEMENT, BUILT_IN, FEW, SEEDS, Figure, Row, every, judged

WORST_FIRST = ("fails", "undecided", "holds")
EXACT = ("wilson", "clopper-pearson")


def highest(estimate: Estimate) -> float | None:
    return (estimate.upper or estimate.counted).value


def claims(estimate: Estimate, threshold: float) -> list[Claim]:
    """Those that a figure is good for."""
    sides = {
        "higher": [estimate >= threshold],
        "lower": [estimate <= threshold],
        "neither": [estimate >= threshold, estimate <= threshold],
    }
    return sides[estimate.better]


def ranks(estimate: Estimate, threshold: float) -> list[int]:
    return [WORST_FIRST.index(claim.outcome) for claim in claims(estimate, threshold)]


def thresholds(figure: Figure, *estimates: Estimate, rng: np.random.Generator) -> list[float]:
    """Some anywhere, and some where the outcome of a claim may change."""
    bounds = [bound for each in estimates for bound in (each.low, each.high, each.value) if bound is not None]
    return [*rng.uniform(-1, 1, 2).tolist(), *bounds, *(bound - 1e-6 for bound in bounds)]


def lose(rows: Sequence[Row], places: Sequence[int]) -> list[Row]:
    """The rows, with problems in these places."""
    return [(human, None if place in places else verdict) for place, (human, verdict) in enumerate(rows)]


@every(AGREEMENT)
@SEEDS
@FEW
def test_turning_a_wrong_verdict_into_a_problem_never_makes_a_figure_better(
    figure: Figure, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = figure.rows(int(rng.integers(8, 40)), rng, agree=rng.choice([0.2, 0.8]), lost=0.1)
    wrong = [place for place, (human, verdict) in enumerate(rows) if verdict not in (None, human)]
    if not wrong:
        return
    before, after = figure(rows), figure(lose(rows, [int(rng.choice(wrong))]))
    if before.value is None or after.value is None:
        return
    if before.better == "lower":
        assert after.value >= before.value - 1e-9
    else:
        assert after.value <= before.value + 1e-9
    if before.better == "neither":
        first, then = highest(before), highest(after)
        assert first is not None
        assert then is not None
        assert then >= first - 1e-9
    for threshold in thresholds(figure, before, after, rng=rng):
        for was, now in zip(ranks(before, threshold), ranks(after, threshold), strict=True):
            assert not (WORST_FIRST[was] == "fails" and WORST_FIRST[now] == "holds")
            if before.counted.method.startswith(EXACT):
                assert now <= was


@every(AGREEMENT)
@SEEDS
@FEW
def test_an_unanswered_item_more_never_improves_the_outcome_of_a_claim(figure: Figure, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = figure.rows(int(rng.integers(12, 60)), rng, agree=rng.choice([0.5, 0.9, 1.0]))
    before, after = figure(rows), figure([*rows, (figure.labels[0], None)])
    for threshold in thresholds(figure, before, after, rng=rng):
        for was, now in zip(ranks(before, threshold), ranks(after, threshold), strict=True):
            assert now <= was


def completions(figure: Figure, rows: Sequence[Row], lost: Sequence[int], by: str | None) -> list[float]:
    """The figure of every choice of verdicts at these places, where it is defined."""
    found = []
    for choice in product(figure.labels, repeat=len(lost)):
        verdicts: dict[int, Label] = dict(zip(lost, choice, strict=True))
        whole = [(human, verdicts.get(place, verdict)) for place, (human, verdict) in enumerate(rows)]
        found.append(measured(figure, whole, by).value)
    return [value for value in found if value is not None]


def measured(figure: Figure, rows: Sequence[Row], by: str | None) -> Estimate:
    sources = ["x" if place % 2 else "y" for place in range(len(rows))]
    judgements = figure.judged(rows, sources=sources)
    return figure.of(judgements) if by is None else CHECKS[figure.name](judgements, by=by)


def against_every_completion(figure: Figure, seed: int, by: str | None) -> None:
    rng = np.random.default_rng(seed)
    rows = figure.rows(int(rng.integers(5, 12)), rng, agree=rng.choice([0.3, 0.7]))
    most = 3 if len(figure.labels) <= 3 else 2 if len(figure.labels) <= 5 else 1
    lost = rng.choice(len(rows), int(rng.integers(1, most + 1)), replace=False).tolist()
    values = completions(figure, rows, lost, by)
    estimate = measured(figure, lose(rows, lost), by)
    if not values:
        assert estimate.value is None
        return
    worst = max(values) if estimate.better == "lower" else min(values)
    assert estimate.value is not None
    assert math.isclose(estimate.value, worst, abs_tol=1e-9)
    if estimate.better == "neither":
        top = highest(estimate)
        assert top is not None
        assert math.isclose(top, max(values), abs_tol=1e-9)


@every(AGREEMENT)
@SEEDS
@FEW
def test_problems_count_as_the_verdicts_that_make_the_figure_worst(figure: Figure, seed: int) -> None:
    against_every_completion(figure, seed, None)


@every([figure for figure in BUILT_IN if not figure.name.startswith("problems.")])
@SEEDS
@FEW
def test_problems_count_as_the_worst_verdicts_of_their_slice(figure: Figure, seed: int) -> None:
    against_every_completion(figure, seed, "source")


@every(AGREEMENT)
def test_a_judge_that_refuses_everything_is_as_bad_as_can_be_and_is_never_shown_good(figure: Figure) -> None:
    rng = np.random.default_rng(8)
    rows = figure.rows(60, rng)
    refusing, answering = figure(lose(rows, range(60))), figure(rows)
    assert refusing.without is None
    assert refusing.value is not None
    assert answering.value is not None
    if answering.better == "lower":
        assert refusing.value >= answering.value
    else:
        assert refusing.value <= answering.value
    for claim in claims(refusing, answering.value):
        assert claim.outcome != "holds"


def test_what_is_missing_of_one_label_stands_for_the_worst_of_it_in_large_data_too() -> None:
    """200 items on a scale of five points with 40 refusals: no random answers come out lower."""
    rng = np.random.default_rng(2)
    points = [1, 2, 3, 4, 5]
    rows: list[Row] = [(int(h), int(v)) for h, v in rng.choice(points, (200, 2))]
    gone = rng.choice(200, 40, replace=False).tolist()
    for figure in (agreement.kappa_quadratic, agreement.pearson, agreement.tau_b, agreement.f1):
        worst = figure(judged("score", lose(rows, gone))).value
        assert worst is not None
        for _ in range(40):
            drawn: dict[int, Label] = {place: int(rng.choice(points)) for place in gone}
            answered: Judgements = judged("score", [(h, drawn.get(i, v)) for i, (h, v) in enumerate(rows)])
            value = figure(answered).value
            assert value is not None
            assert value >= worst - 1e-12
