"""Random tables for Hypothesis, rows the humans' labels, columns the judge's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from pytest_mllm_judge.statistics import Figure

Table = npt.NDArray[np.int64]
TABLES = st.integers(2, 5).flatmap(lambda k: nps.arrays(np.int64, (k, k), elements=st.integers(0, 9)))
VARIED = TABLES.filter(lambda table: (table.sum(0) > 0).sum() > 1 and (table.sum(1) > 0).sum() > 1)
FEW = settings(max_examples=40, deadline=None)


def labels_of(table: Table) -> tuple[list[int], list[int]]:
    """The judge's and the humans' labels that make the table."""
    cells = [(row, column) for (row, column), count in np.ndenumerate(table) for _ in range(count)]
    return [column for _, column in cells], [row for row, _ in cells]


def value_of(figure: Figure, table: Table) -> float:
    return float(figure.value(table.astype(float).ravel()))
