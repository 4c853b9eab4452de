"""A judge's new snapshot that is worse without anybody's label: GPT-4 Turbo 1106 to 0125 on DevBench."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from pytest_mllm_judge import Judgements, consistency
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.statistics import p_below
from tests.real.position_bias_table import BENCHES, Cell, cells, items, runs, write

UPGRADE = '[upgrade]\nmargin = { "consistency.orders" = 0.05 }\n'
NEW, OLD = "gpt-4-0125-preview", "gpt-4-1106-preview"


@pytest.fixture(scope="module")
def data(shared: Path) -> Path:
    return shared / "position_bias_analyzer"


@pytest.fixture(scope="module")
def every(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Run]]:
    return {bench: runs(tmp_path_factory.mktemp(bench) / "project", data, bench) for bench in BENCHES}


def of_repeat(judgements: Judgements, repeat: int) -> Judgements:
    return judgements.filter(lambda judgement: judgement.repeat == repeat)


def test_devbench_has_72_pairs_about_18_questions(data: Path) -> None:
    pairs = items(data, "DevBench")
    assert (len(pairs), len({pair["cluster"] for pair in pairs})) == (72, 18)


@pytest.fixture(scope="module")
def counted(data: Path, every: dict[str, dict[str, Run]]) -> list[Cell]:
    return [cell for bench in BENCHES for cell in cells(data, bench, every[bench])]


def test_all_54_published_counts_come_out_of_the_replies_by_the_published_rule(counted: list[Cell]) -> None:
    assert len(counted) == 54
    assert [cell.recounted for cell in counted] == [cell.published for cell in counted]


def test_by_the_right_rule_ten_of_the_published_counts_are_too_high(counted: list[Cell]) -> None:
    """A verdict whose twin can't be read is not consistent; by upstream's rule it is."""
    raised = [cell for cell in counted if cell.is_raised]
    assert len(raised) == 10
    worst = max(raised, key=lambda cell: cell.published[0] - 2 * cell.alike)
    assert (worst.bench, worst.judge, worst.repetition) == ("MTBench", "gpt-3.5-turbo-0125", 2)
    assert (worst.published, worst.alike, worst.pairs) == ((146, 182), 68, 96)


def test_the_right_rule_is_that_of_consistency_orders(
    counted: list[Cell], every: dict[str, dict[str, Run]]
) -> None:
    for cell in counted:
        pairs = of_repeat(every[cell.bench][cell.judge].pair, cell.repetition - 1)
        assert consistency.orders(pairs).value == pytest.approx(cell.alike / cell.pairs)


def test_the_new_snapshot_is_less_consistent_by_what_was_found_before(
    every: dict[str, dict[str, Run]],
) -> None:
    """.838 to .602, -.236 with 95 % [-.348, -.124] over 18 clusters by a plain jackknife; ours adds half a
    pseudo-pair, which moves the bounds by some thousandths."""
    new, old = (consistency.orders(every["DevBench"][name].pair, confidence=0.975) for name in (NEW, OLD))
    assert (round(new.value or 0, 3), round(old.value or 0, 3)) == (0.602, 0.838)
    difference = new - old
    assert round(difference.value or 0, 3) == -0.236
    assert difference.clusters == 18
    assert difference.low == pytest.approx(-0.348, abs=0.01)
    assert difference.high == pytest.approx(-0.124, abs=0.015)
    assert (difference >= -0.05).outcome == "fails"


def test_repeats_agree_as_often_as_counting_says(every: dict[str, dict[str, Run]]) -> None:
    for bench in BENCHES:
        for run in every[bench].values():
            said: dict[str, list[object]] = {}
            for judgement in run.pair:
                if not judgement.variant:
                    said.setdefault(judgement.item.id, []).append(judgement.verdict)
            shares = [
                sum(one == other is not None for one, other in ((a, b), (a, c), (b, c))) / 3
                for a, b, c in said.values()
            ]
            estimate = consistency.repeats(run.pair)
            assert estimate.value == pytest.approx(math.fsum(shares) / len(shares))


def test_the_upgrade_run_fails_and_names_what_regressed(data: Path, pytester: pytest.Pytester) -> None:
    write(pytester.path / "project", data, "DevBench", {"gpt-4-0125": NEW, "gpt-4-1106": OLD}, rest=UPGRADE)
    root = pytester.path / "project"
    result = pytester.runpytest(
        "-p", "no:randomly", f"--rootdir={root}", "-c", str(root / "pyproject.toml"),
        "--judge=gpt-4-0125", "--judge-baseline=gpt-4-1106", str(root / "bench"),
    )  # fmt: skip
    result.assert_outcomes(passed=73, failed=1)  # 72 pairs, and the probe
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        ["*fails: consistency.orders, difference is not at least -0.05", "*seen * -0.236 *18 clusters*"]
    )
    record = json.loads(next(root.rglob("mllm-judge/run.json")).read_text(encoding="utf-8"))
    (gate,) = (gate for gate in record["gates"].values() if "family" in gate)
    family = {one["name"]: one for one in gate["family"]}
    orders = family["consistency.orders"]
    assert (orders["decides"], orders["outcome"], orders["regressed"]) == (True, "fails", True)
    steady = family["consistency.repeats"]
    assert (steady["decides"], steady["margin"], steady["regressed"]) == (False, 0.05, False)


def test_the_old_snapshot_against_itself_has_not_regressed_and_18_questions_show_no_more(
    every: dict[str, dict[str, Run]],
) -> None:
    """Without any difference each question counts once, and 18 show z^2 / (18 + z^2) = 2.706 / 20.706."""
    one = consistency.orders(every["DevBench"][OLD].pair)
    claim = (one - one) >= -0.05
    assert (claim.outcome, one.clusters) == ("undecided", 18)
    assert claim.would_hold() == pytest.approx(-2.7055 / 20.7055, abs=1e-4)
    assert p_below((one - one).at, 0.0) == pytest.approx(0.5)
