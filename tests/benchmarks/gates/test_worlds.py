"""What the simulation of gates takes for true agrees with what it draws; what it prints, with its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from tests.benchmarks.gates import worlds as made
from tests.benchmarks.gates.cells import Block, Cell, compared, count, drawn
from tests.benchmarks.gates.made import Made
from tests.benchmarks.gates.peers import TOOLS, mcnemar
from tests.benchmarks.gates.populations import (
    AGAIN,
    NOISE,
    OLD,
    SWAPS,
    Asked,
    Labelled,
    Ranked,
    said_distance,
    swapping,
)
from tests.benchmarks.gates.report import best_possible, least_margin, peers_table
from tests.benchmarks.gates.report import tables as tables_of
from tests.benchmarks.gates.run import blocks
from tests.benchmarks.gates.worlds import EQUAL, PAIR_FIGURES, SCORE_FIGURES, World, worlds
from tests.benchmarks.kept import Counts
from tests.benchmarks.statistics import tables
from tests.benchmarks.statistics.populations import layout
from tests.benchmarks.statistics.rankings import ORDERS, worths

MANY = 40_000
FIGURES = {**PAIR_FIGURES, **SCORE_FIGURES}


@pytest.fixture(autouse=True, scope="module")
def fewer_rankings() -> Iterator[None]:
    """The truth about rankings is drawn: for a test a smaller draw is good enough."""
    caches = (made.old_distance, made.worlds)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made, "TRUTH_ITEMS", 500_000)
        for cached in caches:
            cached.cache_clear()
        yield
    for cached in caches:
        cached.cache_clear()


def draw(world: World, *, asks: int = 1, size: int = 4) -> Asked:
    at = layout(MANY, size=size)
    return world.population.draw(np.random.default_rng(11), at, [*world.judges, AGAIN], asks)


def test_each_new_judge_loses_exactly_what_its_name_says() -> None:
    for world in worlds().values():
        population = world.population
        if isinstance(population, Labelled):
            for trial in world.trials:
                of = FIGURES[trial.check]
                loss = of(population.table(OLD)) - of(population.table(trial.judge))
                assert loss == pytest.approx(trial.loss, abs=1e-9), (world.name, str(trial))


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("name", ["pairs", "scores", "pairs without ties"])
def test_what_is_drawn_has_the_exact_tables(name: str, size: int) -> None:
    world = worlds()[name]
    assert isinstance(world.population, Labelled)
    asked = draw(world, size=size)
    for judge, codes in asked.verdicts.items():
        exact = world.population.table(judge)
        seen = tables.of_codes(asked.human, codes[0], len(world.population.labels))
        assert np.abs(seen - exact).max() < 0.01, judge


def test_guesses_make_the_distance_worse_by_the_loss() -> None:
    world = worlds()["rankings"]
    asked, worth = draw(world), worths()["distance"]
    old = worth[asked.verdicts[OLD][0]].mean()
    assert old == pytest.approx(made.old_distance()[0], abs=0.01)
    for trial in world.trials:
        loss = worth[asked.verdicts[trial.judge][0]].mean() - old
        assert loss == pytest.approx(trial.loss, abs=0.01)


@pytest.mark.parametrize("name", ["pairs", "scores", "rankings", "pairs without ties"])
def test_two_asks_of_a_judge_differ_as_often_as_is_said(name: str) -> None:
    world = worlds()[name]
    asked = draw(world, asks=2)
    for judge, codes in asked.verdicts.items():
        assert (codes[0] != codes[1]).mean() == pytest.approx(NOISE, abs=0.006), judge
    assert (asked.verdicts[OLD][0] != asked.verdicts[AGAIN][0]).mean() == pytest.approx(NOISE, abs=0.006)


def test_swaps_change_two_neighbours_and_a_guess_stays_a_guess() -> None:
    for order, swapped in zip(ORDERS, SWAPS, strict=True):
        for place, code in enumerate(swapped):
            assert ORDERS[code][place : place + 2] == order[place : place + 2][::-1]
    assert said_distance().mean() == pytest.approx(0.65625)
    assert 1 - (1 - swapping()) ** 2 - swapping() ** 2 / 3 == pytest.approx(NOISE)


def test_a_judge_says_the_same_whoever_else_is_asked() -> None:
    for world in worlds().values():
        at = layout(200, size=4)
        alone = world.population.draw(np.random.default_rng(3), at, [EQUAL], 2)
        among = world.population.draw(np.random.default_rng(3), at, world.judges, 2)
        assert (alone.verdicts[EQUAL] == among.verdicts[EQUAL]).all(), world.name


def test_judgements_hold_the_codes_that_were_drawn() -> None:
    for name in ("scores", "rankings"):
        population = worlds()[name].population
        at = layout(40, size=4)
        asked = population.draw(np.random.default_rng(3), at, [EQUAL], 2)
        judgements = Made(population, at).judgements(asked, EQUAL, asks=2)
        said = [[j.verdict for j in judgements if j.repeat == repeat] for repeat in (0, 1)]
        for repeat in (0, 1):
            codes = asked.verdicts[EQUAL][repeat].tolist()
            assert said[repeat] == [population.verdict(place, code) for place, code in enumerate(codes)]
        labels = [population.label(place, code) for place, code in enumerate(asked.human.tolist())]
        assert [j.human for j in judgements if j.repeat == 0] == labels
        worth = [worths()["distance"][code] for code in asked.verdicts[EQUAL][0]]
        if isinstance(population, Ranked):
            assert [v == h for v, h in zip(said[0], labels, strict=True)] == [each == 0 for each in worth]


def test_counts_are_those_of_the_comparisons() -> None:
    cell = Cell("pairs, repeated", 200)
    trials = cell.of.trials
    _, counts = count(Block(cell, 3, 6, tuple(str(trial) for trial in trials)))
    outcomes = Counter(str(u.compared[0].outcome) for t, u in compared(cell, range(3, 6), trials[:1]))
    found = counts[str(trials[0])]
    assert {key: found[key] for key in outcomes} == outcomes
    assert found["sets"] == 3
    assert (drawn(cell, 3).human == drawn(cell, 3).human).all()


def test_the_best_possible_test_knows_the_standard_error() -> None:
    counts: Counts = Counter(sets=2)
    counts["square"] = 0.02**2  # type: ignore[assignment]
    assert best_possible(counts) == pytest.approx(float(ndtr(0.05 / 0.02 - ndtri(0.95))))


def test_the_same_verdicts_show_less_of_a_margin_the_more_clusters_there_are() -> None:
    z = float(ndtri(0.95))
    assert [least_margin(n) for n in (200, 240)] == pytest.approx(
        [z * z / (each + z * z) for each in (50, 60)]
    )


def test_every_block_of_the_cells_is_asked_for_once() -> None:
    every = list(blocks(600, []))
    sliced = [(block.start, block.stop) for block in every if block.cell == Cell("pairs, sliced", 500)]
    assert sliced == [(0, 250), (250, 500), (500, 600)]
    assert len({(block.cell, block.start, block.figures) for block in every}) == len(every)


def test_a_rate_beyond_its_aim_is_marked_in_the_table_and_listed() -> None:
    cell = Cell("rankings", 200)
    fine: Counts = Counter(sets=10_000, holds=600, undecided=9_400)
    worse: Counts = Counter(sets=10_000, holds=660, undecided=9_340)
    name = "batch.distance, loss 0.05, 1 asked"
    assert list(tables_of({(cell, name): fine}))[-1] == "0 of 1 aims are missed."
    lines = list(tables_of({(cell, name): worse}))
    assert lines[-1] == (
        "- rankings, batch.distance, n = 200: a loss of the margin holds in 0.0660, at most 0.06 "
        "(by more than two simulation errors)"
    )
    assert "| **a loss of the margin holds** |" in "\n".join(lines)


def test_others_gates_pass_where_they_raise_no_alarm() -> None:
    world = worlds()["pairs without ties"]
    cell = Cell(world.name, 200)
    tool = next(iter(TOOLS))
    ours = {
        (cell, str(trial)): Counter(sets=100, holds=60, undecided=40 - 3, fails=3) for trial in world.trials
    }
    theirs = Counter({"sets": 100, f"{EQUAL}: {tool}": 7, f"pair.accuracy 0.05: {tool}": 80})
    lines = list(peers_table({**ours, (cell, "peers"): theirs}))
    assert (
        "| **ours**, each judge asked 1 × | 200 | 0.030 / 0.370 | 0.030 / 0.370 | 0.600 / 0.370 | "
        in "".join(lines)
    )
    assert f"| {tool}, asked 3 × | 200 | 0.000 | 0.070 | 0.200 | 1.000 |" in lines


def test_exact_mcnemar_needs_six_losses_and_no_win() -> None:
    human = np.zeros(20, dtype=np.int64)
    old = np.zeros((1, 20), dtype=np.int64)
    for losses, alarm in ((5, False), (6, True)):
        new = np.array([[1] * losses + [0] * (20 - losses)])
        assert mcnemar(human, old, new) is alarm
