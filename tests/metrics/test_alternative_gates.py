"""The alternative annotator test in `benchmark.toml`, and on recorded judges of items with three raters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge import Judgements, Session, agreement
from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.metrics.gates import check_gate
from pytest_mllm_judge.model import Tasks
from tests.metrics.figures import Row, judged
from tests.metrics.test_alternative_annotators import minus_rmse, published, rows_of

MANIFEST = """format = "mllm-judge/1"
items = "items.jsonl"
[gates."as good as a person"]
check = "pair.advantage"
{rest}
"""


def benchmark(folder: Path, rest: str, *, people: int = 3) -> Any:
    lines = [judgement.item.to_json() for judgement in judged("pair", rows_of("pair", 40, 12, people=people))]
    (folder / "items.jsonl").write_text("\n".join(lines), encoding="utf-8")
    (folder / "benchmark.toml").write_text(MANIFEST.format(rest=rest), encoding="utf-8")
    return load(folder)


def test_a_gate_may_say_epsilon(tmp_path: Path) -> None:
    made = benchmark(tmp_path, "at_least = 0.5\nepsilon = 0.2")
    check_gate("as good as a person", made)
    assert made.manifest.gates["as good as a person"].epsilon == 0.2


def test_a_gate_on_items_with_two_labels_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError) as error:
        check_gate("as good as a person", benchmark(tmp_path, "at_least = 0.5", people=2))
    assert str(error.value).endswith(
        'benchmark.toml: gates."as good as a person": pair.advantage: no item here has 3 human labels, so no '
        "annotator can be held against the others (the alternative annotator test)"
    )


def test_another_check_takes_no_epsilon(tmp_path: Path) -> None:
    made = benchmark(tmp_path, "at_least = 0.5\nepsilon = 0.2")
    file = tmp_path / "benchmark.toml"
    file.write_text(file.read_text().replace("pair.advantage", "pair.kappa"))
    with pytest.raises(BenchmarkError) as error:
        check_gate("as good as a person", load(tmp_path))
    assert str(error.value).endswith(
        "pair.kappa takes no epsilon (it takes annotators, average, by, criterion)"
    ), made


def test_a_gate_of_each_annotator_s_label_is_in_reach_where_an_item_has_no_commonest_label(
    tmp_path: Path,
) -> None:
    one = judged("pair", [(["A", "B", "tie"], "A"), *[(["A", "A", "B"], "A")] * 39])
    benchmark(tmp_path, 'at_least = 0.3\nannotators = "all"')
    (tmp_path / "items.jsonl").write_text("\n".join(judgement.item.to_json() for judgement in one))
    file = tmp_path / "benchmark.toml"
    file.write_text(file.read_text().replace("pair.advantage", "pair.accuracy"))
    check_gate("as good as a person", load(tmp_path))


def test_a_gate_of_a_corrected_pass_rate_is_in_reach_on_items_without_a_label(tmp_path: Path) -> None:
    tasks = Tasks.model_validate({"score": {"scale": ["fail", "pass"]}})
    rows: list[Row] = [("pass" if n % 3 else "fail", "pass") for n in range(60)] + [(None, "pass")] * 60
    lines = [judgement.item.to_json() for judgement in judged("score", rows, tasks=tasks)]
    (tmp_path / "items.jsonl").write_text("\n".join(lines))
    head, _, _ = MANIFEST.partition("[gates")
    (tmp_path / "benchmark.toml").write_text(
        f'{head}[score]\nscale = ["fail", "pass"]\n'
        '[gates."enough pass"]\ncheck = "score.pass_rate"\nat_least = 0.3\n'
    )
    check_gate("enough pass", load(tmp_path))


def recorded(shared: Path, folder: Path) -> Callable[[str], Judgements]:
    """VIEScore's recorded judges: 5,130 items with three raters, two criteria."""
    data = shared / "viescore"
    (folder / "benchmark.toml").write_text(
        f'format = "mllm-judge/1"\nreader = "viescore"\npath = "{data / "items.jsonl"}"\n', encoding="utf-8"
    )
    names = ("gpt4o_0shot", "gpt4o_1shot")
    columns = {"reply": ["score", "reasoning"], "criterion": "metric"}
    tables = {
        name: {"kind": "log", "path": str(data / f"verdicts_{name}.jsonl.gz"), "columns": columns}
        | {"parser": "viescore"}
        for name in names
    }
    session = Session(root=folder, tables=tables)
    return lambda name: session.run(name, folder).score


def test_three_raters_against_gpt_4o_with_and_without_an_example(shared: Path, tmp_path: Path) -> None:
    """It replaces no rater of VIEScore, and on perceptual quality less with an example than without."""
    run = recorded(shared, tmp_path)
    before, now = run("gpt4o_0shot"), run("gpt4o_1shot")
    for criterion, fell_to in (("SC", 0), ("PQ", -0.1)):
        one, two = (agreement.advantage(each, criterion=criterion) for each in (before, now))
        for judgements, found in ((before, one), (now, two)):
            rows: list[Row] = [
                (list(each.item.human[criterion]), each.answer(criterion))  # type: ignore[call-overload]
                for each in judgements
            ]
            rate, probability = published(rows, minus_rmse, 0.15)
            assert found.value == pytest.approx(probability, abs=1e-12)
            assert rate == 0.0
            assert (found >= 0.5).outcome == "fails"
        assert (two - one >= fell_to).outcome == "fails"
