"""`--judge` given more than once: a table of judges after their summaries."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_mllm_judge.reports.candidates import MOST_LINES, candidates
from pytest_mllm_judge.runs.record import RunRecord, read_record

from .conftest import SPREADS, Project, pair

TITLE = "== several judges on "
TABLE = [
    "pair.accuracy  items  figure                  alike  best less it             problems",
    "  good         40     0.950 (0.860 to 0.983)  a                               0.000",
    "  odd          40     0.925 (0.827 to 0.970)  a      0.025 (-0.040 to 0.105)  0.075",
    "  bad          40     0.500 (0.374 to 0.626)  b      0.450 (0.300 to 0.585)   0.000",
    "judges that share a letter can't be told apart (5 %, two-sided, Holm over 3 pairs)",
]
"""The figures' bounds are Wilson's, as statsmodels' proportion_confint(38, 40, alpha=0.1) gives them."""
ALL = ("--judge=good", "--judge=bad", "--judge=odd")


PROJECT = Path(__file__).parents[2]
SHAPES = PROJECT / "fixtures" / "shapes"


def table(result: pytest.RunResult) -> list[str]:
    """The lines below the table's title, down to an empty one or the next title."""
    lines = result.outlines
    start = next((place for place, line in enumerate(lines) if TITLE in line), None)
    if start is None:
        return []
    below = lines[start + 1 :]
    return below[: next(place for place, line in enumerate(below) if not line or line.startswith("==="))]


def cells(lines: list[str]) -> list[list[str]]:
    """The words of each line."""
    return [line.split() for line in lines]


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_every_spread_prints_the_same_table(spread: tuple[str, ...], project: Project) -> None:
    assert table(project.run(*spread, *ALL, "bench")) == TABLE


def test_the_order_of_judges_on_the_command_line_does_not_show(project: Project) -> None:
    assert table(project.run(*reversed(ALL), "bench")) == TABLE


def test_a_baseline_stands_in_the_table_and_is_marked(project: Project) -> None:
    project.write_manifest("[upgrade]\nmargin = 0.3\n")
    result = project.run("--judge=odd", "--judge=bad", "--judge-baseline=good", "bench")
    baseline, *others = cells(table(result)[1:])
    assert baseline == ["good", "(baseline)", *cells(TABLE)[1][1:]]
    assert others == cells(TABLE)[2:]


def test_one_judge_alone_or_beside_its_baseline_has_no_table(project: Project) -> None:
    project.write_manifest("[upgrade]\nmargin = 0.3\n")
    assert not table(project.run("--judge=good", "bench"))
    assert not table(project.run("--judge=good", "--judge-baseline=odd", "bench"))


def test_judges_that_only_tests_of_ones_own_asked_have_a_table_too(
    project: Project, test_file: Callable[[str], Path]
) -> None:
    test_file(
        "def test_all(judge_runs):\n    assert all(len(run.pair) == 40 for run in judge_runs.values())\n"
    )
    assert table(project.run(*ALL, "test_own.py")) == TABLE


def test_on_few_items_nothing_is_told_apart_and_the_table_says_why(project: Project) -> None:
    result = project.run("--judge=good", "--judge=bad", "--judge-limit=6", "bench")
    *_, note, _ = table(result)
    assert note == "  can't be decided: 6 independent cluster(s), fewer than 10 (1 pair)"


def test_items_that_one_judge_was_not_asked_about_are_left_out_of_its_pairs(project: Project) -> None:
    (project.root / "own.py").write_text("def ask(question):\n    return 'Judgement: [[A]]'\n")
    project.write_items([pair(number, instruction=f"What is {number}?") for number in range(40)])
    project.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    project.write_judges()
    project.run("--judge=own", "--judge-record=new_episodes", "--judge-limit=20", "bench")
    lines = table(project.run("--judge=good", "--judge=own", "bench"))
    assert [row[:2] for row in cells(lines)[1:3]] == [["own", "20"], ["good", "40"]]
    assert lines[3] == "  pairs of judges rest on the 20 items that both were asked about"


def test_what_a_log_lacks_counts_as_its_problem(project: Project) -> None:
    project.write_log("part", {f"pair-{number:02}": "A" for number in range(20)})
    lines = table(project.run("--judge=good", "--judge=part", "bench"))
    assert cells(lines)[2][:3] == ["part", "40", "0.500"]


def test_a_long_table_is_cut_and_the_rest_is_counted(project: Project) -> None:
    names = [f"j{number}" for number in range(9)]
    for number, name in enumerate(names):
        project.write_log(name, {f"pair-{i:02}": "B" if i < 2 * number else "A" for i in range(40)})
    *lines, legend = table(project.run(*(f"--judge={name}" for name in names), "bench"))
    assert len(lines) == MOST_LINES
    assert [row[0] for row in cells(lines[1:-1])] == names[:6]
    assert lines[-1] == "  and 3 judges more, further down"
    assert legend.endswith("Holm over 36 pairs)")


def record_of(project: Project) -> RunRecord:
    return read_record(project.root / ".pytest_cache" / "d" / "mllm-judge" / "run.json")


def test_a_saved_record_gives_the_same_table_and_plain_data(project: Project) -> None:
    result = project.run(*ALL, "bench")
    (found,) = candidates(record_of(project))
    assert list(found.lines()) == table(result)
    assert json.loads(json.dumps(found.plain())) == found.plain()
    assert [judge["judge"] for judge in found.plain()["checks"][0]["judges"]] == ["good", "odd", "bad"]


def test_every_pair_stands_in_the_full_tables(project: Project) -> None:
    project.run(*ALL, "bench")
    (found,) = candidates(record_of(project))
    judges, pairs = found.sheets()
    assert (judges.title, pairs.title) == ("pair.accuracy", "pair.accuracy, pair by pair")
    assert [(row[0], row[1], row[-1]) for row in pairs.rows] == [
        ("good", "odd", "no"),
        ("good", "bad", "yes"),
        ("odd", "bad", "yes"),
    ]


def test_cost_and_latency_stand_in_the_table_where_they_are_known(project: Project) -> None:
    rows = {f"pair-{number:02}": {"verdict": "A", "latency": 0.5} for number in range(40)}
    project.write_log("timed", rows)
    lines = table(project.run("--judge=good", "--judge=timed", "bench"))
    assert cells(lines)[0][-1] == "latency"
    assert cells(lines)[1][-2:] == ["0.50", "s"]


def test_the_table_in_the_docs_is_what_shapes_prints(pytester: pytest.Pytester) -> None:
    judges = ("--judge=shapes-new", "--judge=shapes-worse", "--judge-baseline=shapes-old")
    printed = table(pytester.runpytest(*judges, f"{SHAPES}/benchmark.toml::upgrade"))
    page = (PROJECT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    part = page.partition("<!-- several judges: begin -->")[2].partition("<!-- several judges: end -->")[0]
    assert part.strip().splitlines()[1:-1] == printed
