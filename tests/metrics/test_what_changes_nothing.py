"""What must not change a figure: order, names, which judge comes first; and what an interval must hold."""

from __future__ import annotations

import math
from statistics import median

import numpy as np
import pytest

from pytest_mllm_judge import Item, Judgements
from pytest_mllm_judge.statistics import Interval, tango
from tests.metrics.figures import (
    AGREEMENT,
    FEW,
    FIGURES,
    SEEDS,
    Figure,
    Row,
    every,
    intervals,
)


def half(item: Item) -> str:
    """Two items to a cluster."""
    return str(int(item.id[-3:]) // 2)


@every(FIGURES)
@SEEDS
@FEW
def test_order_and_the_names_of_judges_and_clusters_change_nothing_to_the_last_bit(
    figure: Figure, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = figure.rows(int(rng.integers(10, 50)), rng, lost=0.1)
    judgements = figure.judged(rows, cluster_of=half)
    mixed = [judgements[place] for place in rng.permutation(len(rows)).tolist()]
    other = Judgements(
        [each.model_copy(update={"judge": "another"}) for each in mixed],
        cluster_of=lambda item: f"picture {9999 - int(half(item))}",
        tasks=judgements.tasks,
    )
    one, two = figure.of(judgements), figure.of(other)
    assert (one.counted, one.without, one.upper) == (two.counted, two.without, two.upper)
    assert list(one.beside) == list(two.beside)
    assert (one.problems, one.examples, one.wrong) == (two.problems, two.examples, two.wrong)


@every(FIGURES)
@SEEDS
@FEW
def test_an_estimate_lies_in_its_interval_or_says_why_it_has_none(figure: Figure, seed: int) -> None:
    rng = np.random.default_rng(seed)
    agree = rng.choice([0.1, 0.5, 0.9, 1.0])
    rows = figure.rows(int(rng.integers(2, 60)), rng, agree=agree, lost=rng.choice([0, 0.1]))
    options = {"cluster_of": half} if rng.random() < 0.5 else {}
    estimate = figure(rows, **options)
    for interval in intervals(estimate):
        holds_its_figure(interval)


def holds_its_figure(interval: Interval) -> None:
    if interval.low is None or interval.high is None or interval.value is None:
        assert interval.reason
        return
    assert math.isfinite(interval.low)
    assert math.isfinite(interval.high)
    assert interval.low <= interval.value <= interval.high
    assert interval.reason or interval.high - interval.low > 1e-6


def flipped(interval: Interval) -> tuple[float | None, ...]:
    return tuple(None if x is None else -x + 0.0 for x in (interval.value, interval.high, interval.low))


@every(FIGURES)
@SEEDS
@FEW
def test_swapping_two_judges_flips_the_sign_of_a_difference_and_of_its_bounds(
    figure: Figure, seed: int
) -> None:
    """To the last bit. What problems draw down one way they draw up the other way."""
    rng = np.random.default_rng(seed)
    n, lost = int(rng.integers(20, 50)), float(rng.choice([0, 0.1]))
    ours = figure.rows(n, rng, agree=0.7, lost=lost)
    theirs: list[Row] = [
        (human, verdict)
        for (human, _), (_, verdict) in zip(ours, figure.rows(n, rng, lost=lost), strict=True)
    ]
    one, two = figure(ours, cluster_of=half), figure(theirs, cluster_of=half)
    forth, back = one - two, two - one
    if one.value is not None and two.value is not None:
        worst = two.value if two.better != "neither" else (two.upper or two.counted).value
        assert forth.value == pytest.approx(one.value - (worst or 0.0), abs=1e-12)
    for down, up in (
        (forth.counted, back.upper or back.counted),
        (forth.upper or forth.counted, back.counted),
    ):
        assert (down.value, down.low, down.high) == flipped(up)
        assert (down.reason, down.method) == (up.reason, up.method)
    for interval in intervals(forth):
        holds_its_figure(interval)


def unit(figure: Figure) -> float:
    """How far a figure can change: from perfect to chance for coefficients, else from end to end."""
    span = float(len(figure.labels) - 1)
    ends = {"scale_use": span, "mae": span, "leniency": 2 * span}
    if figure.name == "mae of all":
        return span
    return 2.0 if figure.name == "batch.tau" else ends.get(figure.name.removeprefix("score."), 1.0)


def all_counted(figure: Figure, n: int) -> list[Row]:
    """Rows that each count in the figure, nearly all right."""
    labels = list(figure.labels)
    humans: list[object] = [labels[place % len(labels)] for place in range(n)]
    if "decided" in figure.name:
        humans = ["AB"[place % 2] for place in range(n)]
    if figure.name in ("score.sensitivity", "score.specificity"):
        humans = [labels[figure.name == "score.sensitivity"]] * n
    rows: list[Row] = [(human, human) for human in humans]  # type: ignore[misc]
    rows[:3] = [(human, labels[(labels.index(human) + 1) % len(labels)]) for human, _ in rows[:3]]  # type: ignore[arg-type]
    if figure.name == "score.pass_rate":
        rows[n // 2 :] = [(None, verdict) for _, verdict in rows[n // 2 :]]
    return rows


@every(FIGURES)
@pytest.mark.parametrize(("n", "outcome"), [(51, "undecided"), (52, "holds")])
def test_a_judge_against_itself_holds_from_52_items_at_a_twentieth(
    figure: Figure, n: int, outcome: str
) -> None:
    """Tango's bound without discordance, z^2 / (n + z^2), is below .05 from there on (statistics.md 1.4)."""
    estimate = figure(all_counted(figure, n))
    difference = estimate - estimate
    assert difference.value == 0
    assert difference.high == pytest.approx(unit(figure) * tango(0, 0, n)[1])
    margin = 0.05 * unit(figure)
    claim = difference <= margin if estimate.better == "lower" else difference >= -margin
    assert claim.outcome == outcome


@every(AGREEMENT)
def test_four_times_the_data_make_the_interval_narrower(figure: Figure) -> None:
    def width(n: int, seed: int) -> float:
        estimate = figure(figure.rows(n, np.random.default_rng(seed)))
        assert estimate.low is not None
        assert estimate.high is not None
        return estimate.high - estimate.low

    seeds = range(7)
    few = median(width(40, seed) for seed in seeds)
    many = median(width(160, seed) for seed in seeds)
    assert 0.3 * few < many < 0.75 * few


@every([f for f in AGREEMENT if not f.name.endswith("pass_rate") and "alpha" not in f.name])
def test_items_that_are_copies_in_one_cluster_count_once(figure: Figure) -> None:
    """Alpha and the corrected pass rate differ a little, since they know how many items there are."""
    rows = figure.rows(40, np.random.default_rng(4), agree=0.5)
    single = figure(rows)
    double = figure([row for row in rows for _ in range(2)], cluster_of=half)
    assert double.value == pytest.approx(single.value, abs=1e-12)
    assert (double.n, double.clusters) == (2 * single.n, single.clusters)
    assert single.low is not None
    assert single.high is not None
    if "wilson" in single.counted.method:  # its quantile is t's with clusters, and z without
        assert double.low is not None
        assert double.high is not None
        assert 1 - 1e-9 <= (double.high - double.low) / (single.high - single.low) < 1.5
    else:
        assert (double.low, double.high) == pytest.approx((single.low, single.high), abs=1e-9)
