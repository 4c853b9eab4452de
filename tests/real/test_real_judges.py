"""docs/real-judges.md: its lines are those that the replies give now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_mllm_judge import Judgements
from tests.real import position_bias_table
from tests.real import real_judges as page
from tests.real import test_viescore_correlations as viescore
from tests.real.test_genai_bench_runs import PUBLISHED

BEST = ("gpt4o", "gemini-1.5-pro", "idefics2", "llava")
"""The first three of every task, and in all of them nobody between."""


@pytest.fixture(scope="module")
def text() -> str:
    return page.PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def pairs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judgements]:
    return page.genai_bench(shared, tmp_path_factory.mktemp("genai"), BEST)


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    return re.split(r"^##+ ", text.partition(f"### {heading}\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("task", page.TASKS)
def test_the_two_best_judges_of_each_task_stand_there_as_they_come_out(
    text: str, pairs: dict[str, Judgements], task: str
) -> None:
    rows = page.task_rows({name: pair.where(source=task) for name, pair in pairs.items()})
    lines = [line for line in section(text, task).splitlines() if line.startswith("| ")]
    assert lines[1:3] == [page.line(row) for row in rows[:2]]
    assert page.caption(rows).partition(" Of the judges")[0] in section(text, task)


def test_gpt4o_and_gemini_can_not_be_told_apart_on_any_task(pairs: dict[str, Judgements]) -> None:
    """A leaderboard puts one above the other three times; none of these orders is shown by its data."""
    for task in page.TASKS:
        first, second, *_ = page.task_rows({name: pair.where(source=task) for name, pair in pairs.items()})
        assert {first.judge, second.judge} == {"gpt4o", "gemini-1.5-pro"}
        assert first.apart == "no"


def test_a_lead_that_is_only_the_others_problems_is_named_so(shared: Path, tmp_path: Path) -> None:
    pairs = page.genai_bench(shared, tmp_path, ("llava", "instructblip"))
    first, last = page.task_rows(
        {name: pair.where(source="image_generation") for name, pair in pairs.items()}
    )
    assert (first.judge, first.apart, last.apart) == ("llava", "by problems", "")
    assert first.ahead is not None
    assert first.ahead.without is not None
    assert first.ahead.without.low is not None
    assert first.ahead.without.low < 0


def test_every_judge_of_the_leaderboard_has_its_published_accuracy_on_every_task(text: str) -> None:
    found = {
        task: {
            cells[1]: round(100 * float(cells[2]), 2)
            for cells in (
                [cell.strip() for cell in line.split("|")]
                for line in section(text, task).splitlines()
                if re.match(r"\| [\w.-]+ \| [01]\.\d", line)
            )
        }
        for task in page.TASKS
    }
    assert found == {
        task: {judge: cells[place] for judge, cells in PUBLISHED.items()}
        for place, task in enumerate(page.TASKS)
    }


def test_viescores_line_of_gemini_is_as_it_comes_out(text: str, shared: Path, tmp_path: Path) -> None:
    scores = viescore.scores_of(shared, tmp_path, ("gemini_0shot",))
    assert page.viescore_line("gemini_0shot", scores["gemini_0shot"]) in text.splitlines()


def test_every_judge_lies_below_one_rater(text: str) -> None:
    table = text.partition("<!-- viescore: begin -->")[2].partition("<!-- viescore: end -->")[0]
    lines = [line.split("|")[3:6] for line in table.splitlines() if re.match(r"\| \w+", line)][1:]
    *judges, rater = [[list(map(float, re.findall(r"-?\d\.\d+", cell))) for cell in line] for line in lines]
    assert len(judges) == len(page.VIESCORE)
    assert all(cell[2] < other[1] for judge in judges for cell, other in zip(judge, rater, strict=True))


def test_what_a_plain_run_says_of_two_judges_is_as_it_comes_out(
    text: str, shared: Path, tmp_path: Path
) -> None:
    _, _, *told = page.odd_lines(shared, ("idefics2", "minicpm-V-2.5"))
    assert len(told) == 1
    assert told[0] in text.splitlines()
    table = text.partition("<!-- odd: begin -->")[2].partition("<!-- odd: end -->")[0]
    assert {line.split("|")[1].strip() for line in table.splitlines()[3:]} == {
        *("blip2", "cogvlm", "llava"),
        *("gemini_first_run_no_images", "idefics1", "minicpm-V-2.5", "qwenVL"),
    }


def test_the_line_of_a_judge_s_gap_is_as_it_comes_out(text: str, shared: Path, tmp_path: Path) -> None:
    data = shared / "position_bias_analyzer"
    judged = position_bias_table.runs(tmp_path / "project", data, "DevBench")
    name = "gemini-pro"
    counted = [each for each in position_bias_table.cells(data, "DevBench", judged) if each.judge == name]
    assert position_bias_table.row("DevBench", name, judged[name], counted) in text.splitlines()


def test_nine_judges_on_two_benchmarks_have_their_gaps_and_counts(text: str) -> None:
    table = text.partition("<!-- position: begin -->")[2].partition("<!-- position: end -->")[0]
    lines = table.splitlines()[3:]
    assert len(lines) == 18
    assert sum(len(re.findall(r"\d+/\d+", line.split("|")[2])) for line in lines) == 54


def test_a_page_without_its_markers_is_not_written_to() -> None:
    with pytest.raises(
        SystemExit, match="lacks the lines <!-- viescore: begin --> and <!-- viescore: end -->"
    ):
        page.filled("no markers", "viescore", iter(()))
