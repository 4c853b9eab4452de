"""How far the annotators agree among themselves."""

from __future__ import annotations

import pytest

from pytest_mllm_judge import agreement
from pytest_mllm_judge.statistics.coincidence import Level
from tests.metrics.figures import judged

OBSERVERS = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]
ROWS = [
    ([None if label == "." else int(label) for label in unit], 1)
    for unit in zip(*(row.split() for row in OBSERVERS), strict=True)
]


@pytest.mark.parametrize(
    ("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_the_worked_example_with_missing_labels(level: Level, expected: float) -> None:
    """Krippendorff 2011, Computing Krippendorff's alpha-reliability: 4 observers, 12 units."""
    estimate = agreement.reliability(judged("score", ROWS), level=level)
    assert estimate.value == pytest.approx(expected, abs=5e-4)
    assert (estimate.n, estimate.unlabelled) == (11, 1)
    assert estimate.low is not None
    assert estimate.low < expected


def test_it_does_not_hang_on_the_judge() -> None:
    other = judged("score", [(labels, None) for labels, _ in ROWS])
    assert agreement.reliability(other).counted == agreement.reliability(judged("score", ROWS)).counted


def test_single_labels_have_none() -> None:
    estimate = agreement.reliability(judged("pair", [("A", "A")] * 12))
    assert (estimate.value, estimate.counted.reason) == (None, "no item has two human labels")
