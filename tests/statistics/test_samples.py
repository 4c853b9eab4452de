"""Items as cells of a table or as moments, in slices, and items that are fixed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pytest_mllm_judge.statistics import (
    Sample,
    interval_of,
    kappa_figure,
    mean_figure,
    numbered,
    paired_difference,
    table_sums,
)
from pytest_mllm_judge.statistics.figure import NO_REPEATS
from tests.statistics.random_tables import FEW

ITEMS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 12), st.integers(0, 1)),
    min_size=20,
    max_size=60,
)
KAPPA = kappa_figure(3)


@FEW
@given(ITEMS)
def test_cells_are_the_table_s_sums_though_clusters_alike_are_looked_at_once(
    items: list[tuple[int, ...]],
) -> None:
    human, judge, other, clusters, _ = (np.array(column) for column in zip(*items, strict=True))
    names = [str(cluster) for cluster in clusters]
    samples, sums = [], []
    for given_by in (judge, other):
        flat = np.zeros(len(items), dtype=np.intp)
        samples.append(Sample(clusters=numbered(names), slices=flat, cells=3 * human + given_by, width=9))
        sums.append(table_sums(given_by.tolist(), human.tolist(), names, labels=[0, 1, 2]))
    one, same = interval_of(KAPPA, samples[0]), interval_of(KAPPA, sums[0], n=len(items))
    assert (one.n, one.clusters, one.method, one.reason) == (same.n, same.clusters, same.method, same.reason)
    assert (one.value, one.low, one.high) == pytest.approx((same.value, same.low, same.high), abs=1e-9)
    changed = int((judge != other).sum())
    pair = paired_difference(KAPPA, *samples, n=len(items), discordant=changed)
    alike = paired_difference(KAPPA, *sums, n=len(items), discordant=changed)
    assert (pair.value, pair.low, pair.high) == pytest.approx((alike.value, alike.low, alike.high), abs=1e-9)


@FEW
@given(ITEMS)
def test_slices_of_cells_are_slices_of_moments(items: list[tuple[int, ...]]) -> None:
    human, judge, _, clusters, slices = (np.array(column) for column in zip(*items, strict=True))
    numbers = numbered([str(cluster) for cluster in clusters])
    where = numbered([str(number) for number in slices], ordered=True)
    cells = Sample(clusters=numbers, slices=where, cells=3 * human + judge, width=9)
    moments = Sample(clusters=numbers, slices=where, moments=np.eye(9)[3 * human + judge])
    one, same = interval_of(KAPPA, cells), interval_of(KAPPA, moments)
    assert (one.method, one.reason) == (same.method, same.reason)
    assert (one.value, one.low, one.high) == pytest.approx((same.value, same.low, same.high), abs=1e-9)


def test_of_fixed_items_only_the_asks_vary() -> None:
    """The stratified mean (Cochran 1977): the sum over items of T^2 s^2 / T, over all asks squared."""
    random = np.random.default_rng(9)
    repeats = random.integers(2, 5, 20)
    items = np.repeat(np.arange(20), repeats)
    values = 5.0 * items + random.normal(0, 1, len(items))
    sample = Sample(
        clusters=np.arange(len(items)),
        slices=np.zeros(len(items), dtype=np.intp),
        moments=np.column_stack([values, np.ones(len(items))]),
        items=items,
    )
    result = interval_of(mean_figure((-1000, 1000)), sample)
    variance = sum(len(own) * own.var(ddof=1) for own in (values[items == item] for item in range(20)))
    reach = stats.t.ppf(0.95, len(items) - 20) * np.sqrt(variance) / len(items)
    mean = values.mean()
    assert (result.value, result.low, result.high) == pytest.approx((mean, mean - reach, mean + reach))
    assert result.clusters == 20


def test_fixed_items_asked_once_tell_nothing_of_how_the_judge_varies() -> None:
    items = np.array([*range(20), 0])  # one of them twice
    values = np.column_stack([np.linspace(0, 1, 21), np.ones(21)])
    sample = Sample(clusters=np.arange(21), slices=np.zeros(21, dtype=np.intp), moments=values, items=items)
    result = interval_of(mean_figure((0, 1)), sample)
    assert (result.low, result.high, result.reason) == (None, None, NO_REPEATS)
