"""Gates and margins of coherence and alpha: told before anything is asked where no judge has the figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.metrics.gates import check_gate
from pytest_mllm_judge.metrics.upgrade.declared import comparisons
from pytest_mllm_judge.metrics.upgrade.reach import check_names
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


PROBES = "[probes]\nrepeat = 2\n"
ALPHA = '[gates.a]\ncheck = "consistency.alpha"\nat_least = 0.5\n'
MARGIN = '[upgrade]\nmargin = { "NAME" = 0.1, pair = 0.1 }\n'


def add(path: Path, text: str) -> Path:
    """The benchmark with more in its file."""
    file = path / "benchmark.toml"
    file.write_text(file.read_text() + text)
    return path


def test_alpha_of_a_part_is_a_gate_and_of_all_tasks_is_none(tmp_path: Path) -> None:
    made = add(folder(tmp_path, "cycles", apart=False), PROBES + ALPHA + 'where = { task = ["pair"] }\n')
    check_gate("a", load(made))
    assert "consistency.alpha" not in {each.name for each in comparisons(load(made))}
    text = (made / "benchmark.toml").read_text().replace('where = { task = ["pair"] }', "")
    (made / "benchmark.toml").write_text(text)
    with pytest.raises(BenchmarkError) as told:
        check_gate("a", load(made))
    assert 'gates."a": consistency.alpha: scores and pairs have an alpha each, rankings none' in str(
        told.value
    )


def test_a_margin_that_no_judge_has_a_figure_for_is_told(tmp_path: Path) -> None:
    made = add(folder(tmp_path, "cycles", apart=False), PROBES + MARGIN.replace("NAME", "consistency.alpha"))
    with pytest.raises(BenchmarkError) as told:
        check_names(load(made))
    assert "[upgrade]: consistency.alpha: scores and pairs have an alpha each" in str(told.value)


def test_a_margin_of_coherence_needs_answers_in_both_tasks(tmp_path: Path) -> None:
    made = add(folder(tmp_path, "cycles", apart=True), MARGIN.replace("NAME", "coherence.scores_pairs"))
    with pytest.raises(BenchmarkError) as told:
        check_names(load(made))
    assert f"[upgrade]: coherence.scores_pairs: {REASONS['scores_pairs']}" in str(told.value)


def test_margins_of_consistency_over_repeats_need_repeats(tmp_path: Path) -> None:
    for name in ("alpha", "majority", "majority_share"):
        made = folder(tmp_path, "cycles", apart=False)
        with pytest.raises(BenchmarkError) as told:
            check_names(load(add(made, MARGIN.replace("NAME", f"consistency.{name}"))))
        assert f"[upgrade]: consistency.{name} needs [probes] repeat = 2 or more" in str(told.value)
