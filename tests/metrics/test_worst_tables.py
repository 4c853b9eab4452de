"""The completion of a table that makes a figure worst: exact on small ones, beaten by nothing on large."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from pytest_mllm_judge.statistics import (
    alpha_table_figure,
    f1_figure,
    gwet_figure,
    kappa_figure,
    points_used_figure,
    precision_figure,
    recall_figure,
    spearman_figure,
    tau_b_figure,
)
from pytest_mllm_judge.statistics.correlation import moments_of, r_of, worst_verdicts
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.worst import MOST_CHOICES, worst_cells

Counts = npt.NDArray[np.intp]
FIGURES: dict[str, tuple[int, Figure]] = {
    "kappa": (5, kappa_figure(5)),
    "kappa, linear": (5, kappa_figure(5, weights="linear")),
    "kappa, quadratic": (5, kappa_figure(5, weights="quadratic")),
    "kappa, quadratic, 0-10": (11, kappa_figure(11, weights="quadratic")),
    "alpha, ordinal": (5, alpha_table_figure(5, level="ordinal")),
    "alpha, interval": (5, alpha_table_figure(5, level="interval")),
    "AC1": (5, gwet_figure(5)),
    "F1": (5, f1_figure(5)),
    "precision": (5, precision_figure(5)),
    "recall": (5, recall_figure(5)),
    "points used": (5, points_used_figure(5)),
    "spearman": (5, spearman_figure(5, 5)),
    "tau-b": (5, tau_b_figure(5, 5)),
}


def value(figure: Figure, tables: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    with np.errstate(all="ignore"):
        return figure.value(tables.reshape(len(tables), -1))


def judged(size: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """The table of 60 to 300 items, some labels rare."""
    n = int(rng.integers(60, 300))
    human = rng.choice(size, n, p=rng.dirichlet(np.ones(size)))
    judge = np.where(rng.random(n) < rng.choice([0.2, 0.6, 0.95]), human, rng.integers(0, size, n))
    table = np.zeros((size, size))
    np.add.at(table, (human, judge), 1)
    return table


def at_random(missing: Counts, size: int, rng: np.random.Generator, *, count: int) -> Counts:
    """Completions: evenly spread, lumped, and each label's together at one verdict."""
    even = np.full((count // 3, size), 1 / size)
    lumped = rng.dirichlet(np.full(size, 0.2), count // 3)
    one = np.eye(size)[rng.integers(0, size, count // 3)]
    shares = np.concatenate([even, lumped, one])
    rows = [rng.multinomial(number, rng.permuted(shares, axis=1)) for number in missing.tolist()]
    return np.stack(rows, axis=1)


def changed(choice: Counts, rng: np.random.Generator, *, count: int) -> Counts:
    """The choice with one to three moves of some of a label's missing to another verdict."""
    found = np.repeat(choice[None], count, axis=0)
    for one in found:
        for _ in range(rng.integers(1, 4)):
            row = rng.choice(np.flatnonzero(choice.sum(axis=1)))
            source, target = rng.choice(np.flatnonzero(one[row])), rng.integers(choice.shape[1])
            moved = rng.integers(1, one[row, source] + 1)
            one[row, source] -= moved
            one[row, target] += moved
    return found


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("seed", range(2))
def test_no_random_answers_are_worse_than_the_worst_of_many(name: str, seed: int) -> None:
    """30 to 200 missing, far beyond what can be enumerated, against 2,100 draws and 500 near changes."""
    size, figure = FIGURES[name]
    rng = np.random.default_rng(seed)
    known = judged(size, rng)
    gone = rng.multinomial(int(rng.integers(30, 200)), known.sum(axis=1) / known.sum())
    for highest in (False, True):
        worst = worst_cells(figure, known, gone, highest=highest)
        assert (worst.sum(axis=1) == gone).all()
        assert worst.min() >= 0
        sign = -1 if highest else 1
        least = sign * value(figure, (known + worst)[None])[0]
        tries = np.concatenate([at_random(gone, size, rng, count=2100), changed(worst, rng, count=500)])
        assert least <= np.nanmin(sign * value(figure, known + tries)) + 1e-9


BELOW, BEYOND = [[16, 3, 3], [5, 6, 6]], [[17, 14, 0], [9, 6, 5]]


def every_completion(missing: Counts, size: int) -> Counts:
    rows = [
        [choice for choice in itertools.product(range(count + 1), repeat=size) if sum(choice) == count]
        for count in missing.tolist()
    ]
    return np.array(list(itertools.product(*rows)), dtype=np.intp)


@pytest.mark.parametrize("name", ["kappa", "kappa, quadratic", "alpha, ordinal", "AC1", "F1", "tau-b"])
@pytest.mark.parametrize("missing", [*BELOW, *BEYOND])
def test_at_the_edge_of_enumeration_the_search_finds_what_enumeration_finds(
    name: str, missing: list[int]
) -> None:
    makers = {
        "kappa": kappa_figure(3),
        "kappa, quadratic": kappa_figure(3, weights="quadratic"),
        "alpha, ordinal": alpha_table_figure(3, level="ordinal"),
        "AC1": gwet_figure(3),
        "F1": f1_figure(3),
        "tau-b": tau_b_figure(3, 3),
    }
    figure, gone = makers[name], np.array(missing)
    known = judged(3, np.random.default_rng(sum(missing)))
    found = value(figure, known + every_completion(gone, 3))
    worst = worst_cells(figure, known, gone)
    assert value(figure, (known + worst)[None])[0] == pytest.approx(np.nanmin(found), abs=1e-12)
    highest = worst_cells(figure, known, gone, highest=True)
    assert value(figure, (known + highest)[None])[0] == pytest.approx(np.nanmax(found), abs=1e-12)


def test_the_edge_lies_between_these() -> None:
    below, beyond = (
        [len(every_completion(np.array(missing), 3)) for missing in some] for some in (BELOW, BEYOND)
    )
    assert max(below) <= MOST_CHOICES < min(beyond)


@pytest.mark.parametrize("seed", range(4))
def test_no_random_answers_have_a_smaller_r_than_the_worst(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [1.0, 2.0, 3.0, 4.0, 5.0]
    n, gone = int(rng.integers(60, 200)), int(rng.integers(30, 120))
    human = rng.integers(1, 6, n + gone).astype(float)
    judge = np.clip(human[:n] + rng.integers(-1, 2, n), 1, 5)
    worst = worst_verdicts(judge.tolist(), human[:n].tolist(), human[n:].tolist(), points)

    def r(verdicts: npt.NDArray[np.float64]) -> float:
        return float(r_of(moments_of(np.concatenate([judge, verdicts]), human).sum(axis=0)))

    least = r(np.array(worst))
    falling = [6 - human[n:], np.where(human[n:] > 3, 1, 5), np.where(human[n:] > 2, 1, 5)]
    drawn = [rng.choice(points, gone) for _ in range(2000)]
    assert least <= min(map(r, [*falling, *drawn])) + 1e-12
