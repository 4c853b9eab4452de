"""Bounds of recall, precision and F1: Wilson's of each label, put together by MOVER."""

from __future__ import annotations

import math
from importlib import import_module

import numpy as np
import pytest

from pytest_mllm_judge.statistics import (
    Interval,
    Sample,
    f1_figure,
    interval_of,
    precision_figure,
    recall_figure,
)
from pytest_mllm_judge.statistics.figure import Figure
from tests.statistics.golden import TWO_SIDED_95

TABLE = np.array([[40, 5, 2], [6, 20, 4], [3, 2, 18]])
HUMAN, JUDGE = (axis.ravel() for axis in np.indices((3, 3)))


def golden(figure: Figure, *, each: int = 1) -> Interval:
    """The figure of the golden table, so many alike items to a cluster."""
    cells = np.repeat(np.repeat(np.arange(9), TABLE.ravel()), each)
    clusters = np.repeat(np.arange(100), each)
    sample = Sample(clusters=clusters, slices=np.zeros(len(cells), dtype=np.intp), cells=cells, width=9)
    return interval_of(figure, sample, confidence=TWO_SIDED_95)


def wilson(hits: int, of: int) -> tuple[float, float]:
    low, high = import_module("statsmodels.stats.proportion").proportion_confint(
        hits, of, alpha=0.05, method="wilson"
    )
    return float(low), float(high)


@pytest.mark.parametrize(
    ("figure", "hits", "of"), [(recall_figure(3, label=1), 20, 30), (precision_figure(3, label=2), 18, 24)]
)
def test_one_label_has_wilsons_bounds(figure: Figure, hits: int, of: int) -> None:
    """As statsmodels gives them."""
    result = golden(figure)
    assert (result.low, result.high) == pytest.approx(wilson(hits, of))
    assert result.method == "wilson of each label, mover"


def test_f1_of_one_label_is_wilsons_share_of_hits_among_all_that_either_gave_it() -> None:
    """F1 = 2 s / (1 + s), s = hits / (human + judge - hits) = 18 / (23 + 24 - 18)."""
    result = golden(f1_figure(3, label=2))
    bounds = [2 * share / (1 + share) for share in wilson(18, 29)]
    assert result.value == pytest.approx(36 / 47)
    assert (result.low, result.high) == pytest.approx(tuple(bounds))


def test_macro_recall_puts_independent_labels_together_as_standard_errors() -> None:
    """MOVER (Zou & Donner 2008): the distances to Wilson's bounds, squared, added, over K squared."""
    result = golden(recall_figure(3))
    rows = [(40, 47), (20, 30), (18, 23)]
    below = math.sqrt(sum((hits / of - wilson(hits, of)[0]) ** 2 for hits, of in rows)) / 3
    above = math.sqrt(sum((wilson(hits, of)[1] - hits / of) ** 2 for hits, of in rows)) / 3
    assert result.value is not None
    assert (result.low, result.high) == pytest.approx((result.value - below, result.value + above))


def test_copies_of_an_item_in_its_cluster_narrow_nothing() -> None:
    """Three alike items are worth one, but for t(G - 1) and the (G - 1) / G of a variance."""
    for figure in (recall_figure(3), precision_figure(3), f1_figure(3)):
        once, thrice = golden(figure), golden(figure, each=3)
        assert once.low is not None
        assert thrice.low is not None
        assert once.low - 0.01 < thrice.low < once.low


def test_a_label_that_only_the_judge_gave_has_no_share_so_nothing_is_decided() -> None:
    cells = np.array([0] * 30 + [1] * 30)
    sample = Sample(clusters=np.arange(60), slices=np.zeros(60, dtype=np.intp), cells=cells, width=4)
    result = interval_of(recall_figure(2), sample)
    assert result.value == pytest.approx(0.25)
    assert result.reason == "a class was given 0 time(s) by humans or judge, fewer than 15"
