"""A cluster bootstrap, for those who ask for one."""

from __future__ import annotations

import numpy as np
import pytest

from pytest_mllm_judge import agreement
from tests.metrics.figures import judged

RNG = np.random.default_rng(4)
HUMAN = RNG.integers(0, 3, 300)
JUDGE = np.where(RNG.random(300) < 0.6, HUMAN, RNG.integers(0, 3, 300))
LABELS = ["A", "B", "tie"]
ROWS = [(LABELS[h], LABELS[j]) for h, j in zip(HUMAN.tolist(), JUDGE.tolist(), strict=True)]
PAIRS = judged("pair", ROWS, sources=[str(place % 2) for place in range(300)])


@pytest.mark.parametrize("options", [{}, {"by": "source"}], ids=["pooled", "slices"])
def test_it_lies_near_the_figures_own_interval_and_is_the_same_every_time(options: dict[str, str]) -> None:
    own, asked = agreement.kappa(PAIRS, **options), agreement.kappa(PAIRS, bootstrap=7, **options)  # type: ignore[arg-type]
    assert asked.value == own.value
    assert (asked.low, asked.high) == pytest.approx((own.low, own.high), abs=0.02)
    assert asked.counted.method == "cluster bootstrap, percentile, 10000 resamples, seed 7"
    again = agreement.kappa(PAIRS, bootstrap=7, **options)  # type: ignore[arg-type]
    assert again.counted == asked.counted


def test_a_share_takes_it_too_and_a_difference_keeps_its_own() -> None:
    asked = agreement.accuracy(PAIRS, bootstrap=1)
    assert asked.counted.method.startswith("cluster bootstrap")
    assert (asked - asked).counted.method == "tango"
