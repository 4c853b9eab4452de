"""benchmark.toml as pytest sees it: ids, letters, selection, junit."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from tests.plugin.conftest import Project, pair


def test_each_item_and_each_gate_is_a_case(project: Project) -> None:
    result = project.run("--judge=good", "--collect-only", "-q", "bench")
    lines = [line for line in result.outlines if "::" in line]
    assert lines[0] == "bench/benchmark.toml::pair::pair-00"
    assert lines[-1] == "bench/benchmark.toml::gates::agrees"
    assert len(lines) == 41


def test_letters_tell_agreed_disagreed_and_problem(project: Project) -> None:
    result = project.run("--judge=odd", "-v", "bench")
    result.assert_outcomes(passed=41)
    result.stdout.fnmatch_lines_random(["*pair-00*PROBLEM (refused)*", "*pair-05*PASSED*"])
    again = project.run("--judge=good", "-v", "bench")
    again.stdout.fnmatch_lines_random(["*pair-01*DISAGREED*"])
    dots = project.run("--judge=good", "-q", "bench")
    assert dots.outlines[0].startswith("dd......")


@pytest.mark.parametrize("path", ["bench", "bench/benchmark.toml", ".", "bench/benchmark.toml::pair"])
def test_it_is_collected_however_it_is_named(project: Project, path: str) -> None:
    passed = 40 if path.endswith("pair") else 41
    project.run("--judge=good", path).assert_outcomes(passed=passed)


def test_somebody_elses_benchmark_toml_is_left_alone(project: Project) -> None:
    (project.root / "other").mkdir()
    (project.root / "other" / "benchmark.toml").write_text('name = "criterion"\n')
    project.run("--judge=good", ".").assert_outcomes(passed=41)


def test_markers_and_names_select(project: Project) -> None:
    project.run("--judge=good", "-m", "judge_gate", "bench").assert_outcomes(passed=1)
    project.run("--judge=good", "-k", "pair-07", "bench").assert_outcomes(passed=1)


def test_a_gate_means_the_same_alone(project: Project, spread: tuple[str, ...]) -> None:
    """A pooled claim asks for its own items."""
    every = project.run("--judge=good", *spread, "bench").stdout.str()
    alone = project.run("--judge=good", *spread, "-k", "agrees", "bench").stdout.str()
    line = next(line for line in every.splitlines() if "pair.accuracy at least" in line)
    assert line in alone


def test_an_anchor_that_is_wrong_is_red_with_the_reason(project: Project) -> None:
    project.write_items([pair(number, must=number == 0) for number in range(40)])
    result = project.run("--judge=good", "bench")
    result.assert_outcomes(passed=40, failed=1)
    result.stdout.fnmatch_lines(["anchor: pair-00 may not be got wrong, but the judge chose B, expected A"])


def test_a_missing_answer_is_red_and_says_why(project: Project) -> None:
    project.write_log("short", {"pair-00": "A"})
    result = project.run("--judge=short", "-k", "pair-01", "bench")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["not_asked: *short.jsonl*pair-01*"])


def test_several_judges_have_a_case_each(project: Project, spread: tuple[str, ...]) -> None:
    result = project.run("--judge=good", "--judge=bad", *spread, "-v", "bench")
    result.stdout.fnmatch_lines_random(["*::pair-00?good?*", "*::pair-00?bad?*", "*::agrees?bad?*"])
    result.stdout.fnmatch_lines_random(["*judge good on bench*", "*judge bad on bench*"])


def test_last_failed_runs_the_red_gate_again(project: Project) -> None:
    project.run("--judge=bad", "bench").assert_outcomes(passed=40, failed=1)
    project.run("--judge=bad", "--lf", "bench").assert_outcomes(failed=1)


def test_junit_properties_tell_what_came_of_a_case(project: Project, spread: tuple[str, ...]) -> None:
    project.run("--judge=odd", *spread, "--junitxml=out.xml", "bench")
    cases = {case.get("name"): case for case in ET.parse(project.root / "out.xml").iter("testcase")}
    properties = {p.get("name"): p.get("value") for p in cases["pair-00"].iter("property")}
    assert properties == {"judge": "odd", "verdict": "", "problem": "refused", "agreed": "False"}


def test_the_limit_takes_so_many_of_each_task_and_gates_say_so(project: Project) -> None:
    result = project.run("--judge=good", "--judge-limit=12", "bench")
    assert result.ret in (0, 10)
    result.stdout.fnmatch_lines(["limit: 12 of 40 items, so no gate speaks for the whole benchmark"])


def test_skipped_items_are_counted_and_left_out(project: Project) -> None:
    items = [pair(number) for number in range(40)]
    items[3]["skip"] = "the picture is upside down"
    project.write_items(items)
    result = project.run("--judge=good", "bench")
    result.assert_outcomes(passed=40)
    result.stdout.fnmatch_lines(["skipped: 1 item(s) that the benchmark says to leave out"])


def test_items_without_a_label_are_judged_and_left_out_of_agreement(project: Project) -> None:
    items = [pair(number) for number in range(40)]
    del items[5]["human"]
    project.write_items(items)
    result = project.run("--judge=good", "-m", "judge_case", "bench")
    result.assert_outcomes(passed=40)
    result.stdout.fnmatch_lines(["pair * 40 * 40 * 0 *accuracy 0.949*"])
