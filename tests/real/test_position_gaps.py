"""Gaps between slots of nine real judges (Position-Bias-Analyzer), and the real judge of one verdict."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import pytest

from pytest_mllm_judge import Session, bias
from pytest_mllm_judge.reports.oddities import nearly_constant
from pytest_mllm_judge.runs.record import case_of
from pytest_mllm_judge.runs.run import Run
from tests.real.position_bias_table import BENCHES, runs
from tests.real.test_genai_bench_runs import log
from tests.real.test_position_bias_analyzer import NEW, OLD


@pytest.fixture(scope="module")
def every(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Run]]:
    data = shared / "position_bias_analyzer"
    return {bench: runs(tmp_path_factory.mktemp(bench) / "project", data, bench) for bench in BENCHES}


def test_the_new_snapshot_of_gpt_4_turbo_takes_the_second_slot_where_the_old_one_hardly_did(
    every: dict[str, dict[str, Run]],
) -> None:
    """-.088 and -.389 on 72 pairs of 18 questions, asked three times (statistics of the data set)."""
    old, new = (bias.position(every["DevBench"][name].pair) for name in (OLD, NEW))
    assert (round(old.value or 0, 3), round(new.value or 0, 3)) == (-0.088, -0.389)
    assert (old.clusters, old.items, new.n) == (18, 72, 216)
    assert (old.within(0.05).outcome, new.within(0.05).outcome) == ("undecided", "fails")
    difference = new - old
    assert round(difference.value or 0, 3) == -0.301
    assert (difference >= -0.05).outcome == "fails"


def test_every_gap_is_what_counting_says(every: dict[str, dict[str, Run]]) -> None:
    """Nine judges on two benchmarks: +1 for the first slot, -1 for the second, the mean over pairs."""
    slots = {"A": 1, "B": -1}
    for bench in BENCHES:
        for run in every[bench].values():
            asked: dict[tuple[str, int], list[object]] = {}
            for one in run.pair:
                asked.setdefault((one.item.id, one.repeat), []).append(one.verdict)
            led: dict[str, list[int]] = {}
            for (item, _), both in asked.items():
                total = sum(slots.get(str(verdict), 0) for verdict in both)
                if None not in both:
                    led.setdefault(item, []).append((total > 0) - (total < 0))
            gap = math.fsum(math.fsum(some) / len(some) for some in led.values()) / len(led)
            estimate = bias.position(run.pair)
            assert (estimate.without or estimate.counted).value == pytest.approx(gap)
    assert [len(every[bench]) for bench in BENCHES] == [9, 9]


def test_a_gap_that_is_sure_of_itself_pair_by_pair_is_not_over_questions(
    every: dict[str, dict[str, Run]],
) -> None:
    """GPT-3.5 Turbo 1106: its conflicts alone say p = .0066, the interval over 18 questions holds 0."""
    estimate = bias.position(every["DevBench"]["gpt-3.5-turbo-1106"].pair, confidence=0.975)
    assert estimate.low is not None
    assert estimate.high is not None
    assert estimate.low < 0 < estimate.high
    assert estimate.low == pytest.approx(-0.243, abs=0.02)
    assert estimate.high == pytest.approx(0.058, abs=0.02)


def test_llava_s_one_verdict_comes_up_by_name(shared: Path, tmp_path: Path) -> None:
    """3,720 of 3,723 alike, as its data set says; one reply is malformed."""
    items = shared / "genai_bench" / "items.jsonl"
    (tmp_path / "benchmark.toml").write_text(
        f'format = "mllm-judge/1"\nreader = "genai-bench"\npath = "{items}"\n', encoding="utf-8"
    )
    session = Session(root=tmp_path, tables={name: log(shared, name) for name in ("llava", "gpt4o")})
    runs_of = {name: session.run(name, tmp_path) for name in ("llava", "gpt4o")}
    told = {
        name: list(nearly_constant([case_of(one, run) for one in run.pair])) for name, run in runs_of.items()
    }
    assert told == {
        "llava": [
            "nearly constant: 3,720 of 3,722 pair verdicts are A; humans said so in 1,208 of 3,723 labels"
        ],
        "gpt4o": [],
    }
    llava, gpt4o = (bias.constant(runs_of[name].pair) for name in ("llava", "gpt4o"))
    labels = Counter(one.human for one in runs_of["llava"].pair)
    assert llava.value == pytest.approx((3721 - max(labels.values())) / 3723)
    assert (llava <= 0.1).outcome == "fails"
    assert math.isfinite(gpt4o.value or math.nan)
