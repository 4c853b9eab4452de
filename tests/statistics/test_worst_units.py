"""What stands where a rater's value is missing is what makes alpha smallest."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.statistics import alpha_figure, coincidence_sums
from pytest_mllm_judge.statistics import worst_units as module
from pytest_mllm_judge.statistics.coincidence import Level
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.worst_units import coincidences, worst_units
from tests.metrics.figures import FEW

UNITS = st.lists(
    st.lists(st.sampled_from([0, 1, 2, None]), min_size=3, max_size=3), min_size=2, max_size=6
).filter(lambda units: sum(value is None for unit in units for value in unit) <= 5)


def counted(units: list[list[int | None]]) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    known = np.zeros((len(units), 3))
    for place, unit in enumerate(units):
        for value in unit:
            if value is not None:
                known[place, value] += 1
    return known, np.array([unit.count(None) for unit in units], dtype=np.intp)


def test_coincidences_are_those_of_the_values_themselves() -> None:
    known, _ = counted([[0, 1, None], [2, 2, 2], [None, None, 1]])
    by_values = coincidence_sums(
        [[0, 1, None], [2, 2, 2], [None, None, 1]], ["a", "b", "c"], labels=[0, 1, 2]
    )
    assert coincidences(known) == pytest.approx(by_values)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@FEW
@given(units=UNITS)
def test_no_completion_at_all_is_lower(level: Level, units: list[list[int | None]]) -> None:
    figure = alpha_figure(3, level=level)
    known, missing = counted(units)
    filled = worst_units(figure, known, missing)
    assert (filled.sum(axis=1) == 3).all()
    places = np.repeat(np.arange(len(units)), missing)
    every = []
    for values in itertools.product(range(3), repeat=len(places)):
        tried = known.copy()
        np.add.at(tried, (places, np.array(values, dtype=np.intp)), 1)
        every.append(coincidences(tried).sum(axis=0))
    found = figure.value(np.array(every))
    value = figure.value(coincidences(filled).sum(axis=0))
    if np.isfinite(found).any():
        assert value == pytest.approx(np.nanmin(found), abs=1e-9)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@FEW
@given(units=UNITS)
def test_a_search_comes_as_low_or_nearly(level: Level, units: list[list[int | None]]) -> None:
    """1,455 tables of 2 to 8 units had 2 on which a search ended above the lowest, by less than .01."""
    figure = alpha_figure(3, level=level)
    known, missing = counted(units)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MOST_COMPLETIONS", 1)
        searched = figure.value(coincidences(worst_units(figure, known, missing)).sum(axis=0))
    lowest = figure.value(coincidences(worst_units(figure, known, missing)).sum(axis=0))
    if np.isfinite(lowest):
        assert lowest - 1e-9 <= searched <= lowest + 0.05


def test_nothing_missing_changes_nothing() -> None:
    known, missing = counted([[0, 1, 2], [1, 1, 1]])
    assert worst_units(alpha_figure(3, level="nominal"), known, missing) is known
