"""Gates of coherence: told before anything is asked where no judge could have the figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.metrics.gates import check_gate
from tests.metrics.judged_in_tasks import asked, coherent, questions

REASONS = {
    "scores_pairs": "no two answers to one question are both scored and compared as a pair here",
    "pairs_batch": "no two answers to one question are both compared as a pair and ranked here",
    "scores_batch": "no two answers to one question are both scored and ranked here",
    "cycles": "of no three answers to one question all three pairs are judged here",
}


def folder(path: Path, check: str, *, apart: bool) -> Path:
    """A benchmark whose items share their answers, or (apart) do not, with one gate."""
    bound = "at_most = 0.1" if check == "cycles" else "at_least = 0.5"
    gate = f'[gates.g]\ncheck = "coherence.{check}"\n{bound}\n'
    (path / "benchmark.toml").write_text(
        f'format = "mllm-judge/1"\nname = "b"\nitems = "items.jsonl"\n{gate}'
    )
    worth = {"one": 5, "two": 3, "three": 1}
    items = [each.item for question in questions(20) for each in coherent(question, worth)]
    if apart:
        items = [asked("pair", question, ["one", "two"], "A").item for question in questions(20)]
        items += [asked("score", question, ["three"], 1).item for question in questions(20)]
    lines = [json.dumps(json.loads(item.to_json()) | {"images": []}) for item in items]
    (path / "items.jsonl").write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("check", REASONS)
def test_a_gate_that_no_judge_could_have_a_figure_for_is_told(tmp_path: Path, check: str) -> None:
    check_gate("g", load(folder(tmp_path, check, apart=False)))
    with pytest.raises(BenchmarkError) as told:
        check_gate("g", load(folder(tmp_path, check, apart=True)))
    assert f'gates."g": coherence.{check}: {REASONS[check]}' in str(told.value)
