"""A benchmark or a gate that is wrong is an error of collection, told in full and without a traceback."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project, pair

FILE = "bench/benchmark.toml"


def told(project: Project) -> str:
    """What stops the run before the first question: while collecting, or at its end."""
    result = project.run("--judge=good", "bench")
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    text = result.stdout.str() + result.stderr.str()
    assert "Traceback" not in text
    return text


def test_a_toml_that_cannot_be_read(project: Project) -> None:
    project.write_manifest("[gates\n")
    assert "bench/benchmark.toml:4: " in told(project)


def test_an_unknown_check_names_the_nearest(project: Project) -> None:
    project.write_manifest('[gates."agrees"]\ncheck = "pair.acuracy"\nat_least = 0.7\n')
    assert (
        f"{FILE}: gates.\"agrees\": there is no check 'pair.acuracy'; did you mean 'pair.accuracy'"
        in told(project)
    )


def test_a_gate_that_no_judge_could_pass_says_the_most_it_could_show(project: Project) -> None:
    project.write_manifest('[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.97\n')
    text = told(project)
    assert (
        f'{FILE}: gates."agrees": no judge could pass pair.accuracy at least 0.97 on these 40 items\n'
        "  The most they could show is at_least = 0.937; more items show more." in text
    )


def test_out_of_reach_only_because_of_the_limit_is_undecided(project: Project) -> None:
    project.write_manifest('[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.9\n')
    result = project.run("--judge=good", "--judge-limit=12", "bench")
    assert result.ret == 10


def test_a_gate_without_labels(project: Project) -> None:
    items = [pair(number) for number in range(40)]
    for item in items:
        del item["human"]
    project.write_items(items)
    assert f'{FILE}: gates."agrees": pair.accuracy: none of these judgements has a human label' in told(
        project
    )


def test_a_gate_about_no_item(project: Project) -> None:
    project.write_manifest(
        '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.7\nwhere = { source = ["chart"] }\n'
    )
    assert f'{FILE}: gates."agrees": no item of this benchmark is in it: where source is chart' in told(
        project
    )


def test_an_option_that_the_check_does_not_take(project: Project) -> None:
    project.write_manifest('[gates."few"]\ncheck = "problems.rate"\nat_most = 0.2\ncriterion = "SC"\n')
    assert f'{FILE}: gates."few": problems.rate takes no criterion (it takes average, by)' in told(project)


def test_a_bad_line_names_file_and_line(project: Project, spread: tuple[str, ...]) -> None:
    items = [pair(number) for number in range(40)]
    items[7]["human"] = "C"
    project.write_items(items)
    result = project.run("--judge=good", *spread, "bench")
    assert result.ret != 0
    assert "bench/items.jsonl:8: " in result.stdout.str()
    assert "human label 'C' is not one of the labels 'A', 'B', 'tie'" in result.stdout.str()


def test_a_bad_line_is_a_counted_warning_when_not_strict(project: Project) -> None:
    items = [pair(number) for number in range(40)]
    items[7]["human"] = "C"
    project.write_items(items)
    project.write_manifest("strict = false\n")
    result = project.run("--judge=good", "bench")
    result.assert_outcomes(passed=39)
    result.stdout.fnmatch_lines(
        ["left out: 1 bad line(s) (strict = false), the first at bench/items.jsonl:8: *"]
    )


def test_missing_images_stop_a_judge_that_sends_them_before_the_first_question(project: Project) -> None:
    project.write_items([pair(number, images=[f"images/{number}.png"]) for number in range(40)])
    project.run("--judge=good", "bench").assert_outcomes(passed=41)  # a log sends no image
    project.pytester.makepyfile(own="def judge(question): return 'Judgement: [[A]]'\n")
    project.judges["own"] = {"kind": "callable", "function": "own:judge"}
    project.write_judges()
    result = project.run("--judge=own", "--judge-record=new_episodes", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "images/0.png" in result.stderr.str()
