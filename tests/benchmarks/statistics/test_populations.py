"""What the simulation takes for true agrees with what it draws."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from tests.benchmarks.statistics import estimands, gates, tables
from tests.benchmarks.statistics.populations import (
    Drawn,
    Labels,
    Name,
    Population,
    Problems,
    Sources,
    layout,
)
from tests.benchmarks.statistics.rankings import Rankings, drawn_worths, worths

MANY = 30_000
POPULATIONS = {name: population for name, (population, _) in estimands.coverage().items()}
LABELS = [name for name, population in POPULATIONS.items() if isinstance(population, Labels)]
JUDGES: tuple[Name, ...] = ("old", "new")
GOLDEN = np.array([[40, 5, 2], [6, 20, 4], [3, 2, 18]]) / 100


@pytest.fixture(autouse=True)
def fewer_rankings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The truth about rankings is drawn: for a test a smaller draw is good enough."""
    monkeypatch.setattr(estimands, "TRUTH_ITEMS", 250_000)
    for cached in (estimands.worths_of, gates.gates):
        cached.cache_clear()
    yield
    for cached in (estimands.worths_of, gates.gates):
        cached.cache_clear()


def drawn(population: Population, *, size: int) -> Drawn:
    return population.draw(np.random.default_rng(7), layout(MANY, size=size))


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("name", LABELS)
def test_the_exact_table_is_that_of_a_large_draw(name: str, size: int) -> None:
    population = POPULATIONS[name]
    assert isinstance(population, Labels)
    found = drawn(population, size=size)
    for judge in JUDGES:
        exact = population.table(judge)
        seen = tables.of_codes(found.human, found.verdicts[judge], len(population.labels))
        assert exact.sum() == pytest.approx(1, abs=1e-9)
        assert np.abs(seen - exact).max() < 0.01


def test_the_exact_tables_keep_the_shares_of_labels() -> None:
    for name in LABELS:
        population = POPULATIONS[name]
        assert isinstance(population, Labels)
        table = population.table("new")
        assert table.sum(axis=1) == pytest.approx(population.human, abs=1e-9)
        assert table.sum(axis=0) == pytest.approx(population.judge, abs=1e-9)


def test_the_figures_of_a_table_are_the_published_ones() -> None:
    """scikit-learn 1.9, irrCAC 0.4, krippendorff 0.9 and scipy 1.17 give these for the same 100 items.

    But for alpha, which is that of ever more such items: 1 - (1 - its own) / (1 - 1 / 200).
    """
    expected = {
        tables.accuracy: 0.78,
        tables.f1: 0.7670150554,
        tables.kappa: 0.6527229676,
        tables.ac1: 0.6780919633,
        tables.pearson: 0.7177438118,
        tables.spearman: 0.7133025112,
        tables.tau_b: 0.6836381865,
        tables.mae: 0.27,
        tables.leniency: -0.01,
    }
    for figure, value in expected.items():
        assert figure(GOLDEN) == pytest.approx(value, abs=1e-9)
    assert tables.recalls(GOLDEN).mean() == pytest.approx(0.7667797307, abs=1e-9)
    assert tables.kappa(GOLDEN, 1) == pytest.approx(0.6856810244, abs=1e-9)
    assert tables.kappa(GOLDEN, 2) == pytest.approx(0.7175572519, abs=1e-9)
    alphas = {"nominal": 0.6542683408, "ordinal": 0.7146118336, "interval": 0.7189587389}
    for level, value in alphas.items():
        assert tables.alpha(GOLDEN, level) == pytest.approx(1 - (1 - value) / (1 - 1 / 200), abs=1e-4)


@pytest.mark.parametrize("size", [1, 4])
def test_rankings_are_worth_what_the_truth_says(size: int) -> None:
    population, wanted = estimands.coverage()["batch"]
    assert isinstance(population, Rankings)
    found = drawn(population, size=size)
    truths = drawn_worths(population.old, population.new, items=250_000, seed=2)
    for figure, worth in worths().items():
        for place, judge in enumerate(JUDGES):
            assert worth[found.verdicts[judge]].mean() == pytest.approx(truths[figure][0][place], abs=0.015)
    assert {estimand.name for estimand in wanted} >= worths().keys()


def test_a_random_ranking_of_four_is_worth_what_enumeration_says() -> None:
    means = {name: worth.mean() for name, worth in worths().items()}
    assert means == pytest.approx({"distance": 0.65625, "tau": 0, "top": 1 / 4, "exact": 1 / 24})


def test_problems_and_sources_have_their_rates_and_correlations() -> None:
    for name, population in POPULATIONS.items():
        found = drawn(population, size=4)
        if isinstance(population, Problems):
            assert (found.verdicts["old"] == 0).mean() == pytest.approx(population.rate, abs=0.005), name
        if isinstance(population, Sources):
            source = layout(MANY, size=4).clusters % len(population.correlations)
            for place, table in enumerate(population.tables()):
                some = source == place
                seen = tables.of_codes(found.human[some], found.verdicts["old"][some], 5)
                assert tables.pearson(seen) == pytest.approx(tables.pearson(table), abs=0.02)


@pytest.mark.parametrize("size", [1, 4])
def test_the_new_judge_of_a_gate_loses_what_the_gate_says(size: int) -> None:
    for name, gate in gates.gates().items():
        found = drawn(gate.population, size=size)
        old, new = (_figure(gate, found, judge) for judge in JUDGES)
        assert old == pytest.approx(gate.old, abs=0.02), name
        sign = -1 if gate.lower_is_better else 1
        assert sign * (old - new) == pytest.approx(gate.loss, abs=0.02), name


def _figure(gate: gates.Gate, found: Drawn, judge: Name) -> float:
    if isinstance(gate.population, Rankings):
        return float(worths()["distance"][found.verdicts[judge]].mean())
    size = int(max(found.human.max(), *(codes.max() for codes in found.verdicts.values()))) + 1
    assert gate.estimand.of is not None
    return gate.estimand.of(tables.of_codes(found.human, found.verdicts[judge], size))


def test_clusters_have_four_items_on_average_and_none_is_half_without_labels() -> None:
    at = layout(100, size=4, unlabelled=100)
    counts = np.bincount(at.clusters)
    assert counts.max() == 6
    assert 3.5 < counts.mean() < 4.5
    assert not set(at.clusters[:100]) & set(at.clusters[100:])
    assert all(later - earlier in (0, 1) for earlier, later in pairwise(at.clusters.tolist()))
    assert layout(50, size=1).single
