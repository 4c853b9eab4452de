"""Nine real judges asked three times: majorities and alpha, as counting and another package have them."""

from __future__ import annotations

import math
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from pytest_mllm_judge import consistency
from pytest_mllm_judge.runs.run import Run
from tests.real.position_bias_table import BENCHES, runs

LABELS = ("A", "B", "C", "D")


@pytest.fixture(scope="module")
def every(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Run]]:
    data = shared / "position_bias_analyzer"
    return {bench: runs(tmp_path_factory.mktemp(bench) / "project", data, bench) for bench in BENCHES}


def said(run: Run) -> list[list[str | None]]:
    """What was said of each pair as it is, in three repeats; None where no verdict could be read."""
    found: dict[str, list[str | None]] = {}
    for judgement in run.pair:
        if not judgement.variant:
            verdict = judgement.verdict
            found.setdefault(judgement.item.id, []).append(None if verdict is None else str(verdict))
    return list(found.values())


def most(each: list[str | None]) -> int:
    """How often the commonest verdict was given."""
    return max(Counter(one for one in each if one is not None).values(), default=0)


def test_majorities_are_as_counting_says(every: dict[str, dict[str, Run]]) -> None:
    for bench in BENCHES:
        for run in every[bench].values():
            counts = [most(each) for each in said(run)]
            majority, share = consistency.majority(run.pair), consistency.majority_share(run.pair)
            assert majority.value == pytest.approx(sum(count >= 2 for count in counts) / len(counts))
            assert share.value == pytest.approx(math.fsum(counts) / 3 / len(counts))
            assert (majority.repeats, share.repeats) == (3, 3)


def test_a_judge_of_the_same_slot_has_every_majority_and_no_alpha(every: dict[str, dict[str, Run]]) -> None:
    """claude-3-haiku on DevBench calls nearly every pair alike; at random over four labels .625 have one."""
    pairs = every["DevBench"]["claude-3-haiku-20240307"].pair
    majority, alpha = consistency.majority(pairs), consistency.alpha(pairs)
    (beside,) = majority.beside
    assert beside.value == pytest.approx(4 * (3 * 3 + 1) / 64)
    assert majority.value == 1.0
    assert (alpha <= 0.2).outcome == "holds"
    others = [run.pair for name, run in every["DevBench"].items() if name.startswith("gpt-4")]
    assert all(((consistency.alpha(other) - alpha) >= 0.5).outcome == "holds" for other in others)


def test_alpha_over_repeats_is_what_the_package_krippendorff_has(every: dict[str, dict[str, Run]]) -> None:
    for bench in BENCHES:
        for run in every[bench].values():
            rows = [[np.nan if one is None else LABELS.index(one) for one in each] for each in said(run)]
            expected = import_module("krippendorff").alpha(
                reliability_data=np.array(rows).T.tolist(), level_of_measurement="nominal"
            )
            estimate = consistency.alpha(run.pair)
            without = estimate.without if estimate.without is not None else estimate.counted
            assert without.value == pytest.approx(expected)
            if estimate.problems:
                assert estimate.value is not None
                assert estimate.value < expected
