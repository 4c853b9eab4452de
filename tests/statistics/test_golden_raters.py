"""Alpha over repeats against Fleiss' kappa: of complete data the one follows from the other."""

from __future__ import annotations

from importlib import import_module

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from pytest_mllm_judge.statistics import alpha_figure, coincidence_sums
from tests.statistics.random_tables import FEW

FOURTEEN_RATERS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]
"""How many of 14 raters put each of 10 subjects into each of 5 classes: Wikipedia, Fleiss' kappa."""


def alpha_of(counts: npt.NDArray[np.int64]) -> float:
    classes = range(counts.shape[1])
    units = [[label for label in classes for _ in range(row[label])] for row in counts]
    sums = coincidence_sums(units, [str(i) for i in range(len(units))], labels=list(classes))
    return float(alpha_figure(len(classes), level="nominal").value(sums.sum(axis=0)))


def alpha_from(kappa: float, counts: npt.NDArray[np.int64]) -> float:
    """Alpha takes the chance of a pair from n T values less the one already drawn, Fleiss (1971) does not."""
    return kappa + (1 - kappa) / float(counts.sum())


def test_the_worked_example_of_fleiss_kappa() -> None:
    """Published as .210; statsmodels 0.15.0 has .20993."""
    counts = np.array(FOURTEEN_RATERS)
    alpha, values = alpha_of(counts), counts.sum()
    assert (values * alpha - 1) / (values - 1) == pytest.approx(0.20993, abs=5e-6)
    assert alpha == pytest.approx(alpha_from(0.20993, counts), abs=5e-6)


@FEW
@given(
    st.tuples(st.integers(2, 8), st.integers(2, 12), st.integers(2, 4)).flatmap(
        lambda shape: nps.arrays(np.int64, shape[:2], elements=st.integers(0, shape[2] - 1))
    )
)
def test_alpha_over_repeats_follows_from_statsmodels_fleiss_kappa(ratings: npt.NDArray[np.int64]) -> None:
    assume(len(np.unique(ratings)) > 1)
    fleiss_kappa = import_module("statsmodels.stats.inter_rater").fleiss_kappa
    counts = np.stack([(ratings == label).sum(axis=1) for label in range(4)], axis=1)
    expected = alpha_from(float(fleiss_kappa(counts)), counts)
    assert alpha_of(counts) == pytest.approx(expected, abs=1e-9)
