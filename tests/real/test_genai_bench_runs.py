"""GenAI-Bench's recorded judges as whole pytest runs: a broken run is told from a sound one."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pytest_mllm_judge import Session, agreement
from tests.real.conftest import MakeProject

TASKS = ("image_generation", "image_edition", "video_generation")
FEW_PROBLEMS = "\n".join(
    f'[gates."few problems in {task}"]\ncheck = "problems.rate"\nat_most = 0.05\n'
    f'where = {{ source = ["{task}"] }}\n'
    for task in TASKS[:2]
)
# Per cent per task, in the order of TASKS: README of TIGER-AI-Lab/GenAI-Bench (genaibench_results.txt).
PUBLISHED = {
    "random": (25.36, 25.9, 25.16),
    "gpt4o": (45.59, 53.54, 48.46),
    "gemini-1.5-pro": (44.67, 55.93, 46.21),
    "llava": (37.0, 26.12, 30.4),
    "idefics2": (42.25, 27.31, 16.46),
    "llavanext": (22.65, 25.35, 21.7),
    "minicpm-V-2.5": (37.81, 25.24, 6.55),
    "blip2": (26.34, 26.01, 16.93),
    "videollava": (37.75, 26.66, 0.0),
    "cogvlm": (29.34, 0.0, 24.6),
    "qwenVL": (26.63, 14.91, 2.15),
    "instructblip": (3.11, 19.8, 3.74),
    "idefics1": (0.81, 5.66, 0.19),
    "ottervideo": (0, 0, 0),
    "mantis-8b-idefics2": (0, 0, 0),
    "otterimage": (0, 0, 0),
    "kosmos2": (0, 0, 0),
}


def log(shared: Path, name: str, parser: str = "genai-bench") -> dict[str, Any]:
    path = shared / "genai_bench" / f"verdicts_{name}.jsonl.gz"
    return {"kind": "log", "path": str(path), "columns": {"reply": "response"}, "parser": parser}


def test_all_published_accuracies_come_out_of_the_log_judge(shared: Path, tmp_path: Path) -> None:
    """51 cells: 17 judges on three tasks, to the two decimals that were published."""
    (tmp_path / "benchmark.toml").write_text(
        'format = "mllm-judge/1"\nreader = "genai-bench"\n'
        f'path = "{shared / "genai_bench" / "items.jsonl"}"\n'
    )
    session = Session(root=tmp_path, tables={name: log(shared, name) for name in PUBLISHED})
    cells = {}
    for name in PUBLISHED:
        slices = session.run(name, tmp_path).pair.by("source")
        cells[name] = tuple(round(100 * (agreement.accuracy(slices[task]).value or 0), 2) for task in TASKS)
    assert cells == PUBLISHED
    assert sum(len(row) for row in cells.values()) == 51


def test_few_problems_fails_a_run_without_images_and_passes_the_later_run(
    shared: Path, real_project: MakeProject
) -> None:
    judges = {
        "gemini-blind": log(shared, "gemini_first_run_no_images", "genai-bench-strict"),
        "gemini": log(shared, "gemini-1.5-pro", "genai-bench-strict"),
    }
    project = real_project(judges, reader="genai-bench", path="genai_bench/items.jsonl", rest=FEW_PROBLEMS)
    blind = project.runpytest("-p", "no:randomly", "-q", "--judge=gemini-blind", "-m", "judge_gate", "bench")
    blind.assert_outcomes(failed=2)
    blind.stdout.fnmatch_lines(
        [
            "fails: problems.rate is not at most 0.05",
            "  problems  * of 1735 (*refused)",
            "gates: 2 failed",
            "  fails      few problems in image_generation  problems.rate at most 0.05: 0.9*",
            "  fails      few problems in image_edition * problems.rate at most 0.05: 0.*",
        ]
    )
    later = project.runpytest("-p", "no:randomly", "-q", "--judge=gemini", "-m", "judge_gate", "bench")
    later.assert_outcomes(passed=2)
    later.stdout.fnmatch_lines(["gates: 2 held"])


def test_a_whole_run_tells_the_accuracy_with_its_interval(shared: Path, real_project: MakeProject) -> None:
    project = real_project(
        {"gpt4o": log(shared, "gpt4o")},
        reader="genai-bench",
        path="genai_bench/items.jsonl",
        rest='[gates."better than chance"]\ncheck = "pair.accuracy"\nat_least = 0.30\n',
    )
    result = project.runpytest("-p", "no:randomly", "-q", "-n", "2", "--judge=gpt4o", "bench")
    result.assert_outcomes(passed=3724)
    line = next(line for line in result.outlines if line.startswith("pair "))
    value, low, high = _figures(line)
    assert math.isclose(value, (1735 * 45.59 + 919 * 53.54 + 1069 * 48.46) / 372300, abs_tol=6e-4)
    assert low < value < high


def _figures(line: str) -> tuple[float, float, float]:
    """Value and bounds of `accuracy 0.484 (0.470 to 0.497), ...`."""
    text = line.partition("accuracy ")[2]
    value, _, rest = text.partition(" (")
    low, _, high = rest.partition(",")[0].partition(")")[0].partition(" to ")
    return float(value), float(low), float(high)


def test_the_first_run_has_fewer_items_and_the_rest_are_not_asked(shared: Path, tmp_path: Path) -> None:
    (tmp_path / "benchmark.toml").write_text(
        'format = "mllm-judge/1"\nreader = "genai-bench"\n'
        f'path = "{shared / "genai_bench" / "items.jsonl"}"\n'
    )
    session = Session(root=tmp_path, tables={"blind": log(shared, "gemini_first_run_no_images")})
    problems = [j.problem for j in session.run("blind", tmp_path).pair]
    assert problems.count("not_asked") == 3723 - 2654
