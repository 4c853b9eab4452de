"""Options, ini keys, the header, and what is refused before anything is asked."""

from __future__ import annotations

import pytest

from tests.plugin.conftest import Project

KNOWN = "  Declared judges: good, bad, odd."


def test_the_header_says_the_settled_values(project: Project) -> None:
    result = project.run("--judge=good", "--judge-limit=30", "bench")
    result.stdout.fnmatch_lines(["mllm-judge: good (record=none, limit=30, undecided=fail)"])


def test_a_session_without_judges_has_no_header(project: Project) -> None:
    assert "mllm-judge:" not in project.run("--collect-only", ".").stdout.str().split("collected")[0]


def test_the_ini_file_names_the_judge_and_the_command_line_wins(project: Project) -> None:
    project.write_judges(ini='judge = "bad"\njudge_undecided = "skip"\n')
    project.run("bench").stdout.fnmatch_lines(["mllm-judge: bad (record=none, undecided=skip)"])
    again = project.run("--judge=good", "--judge-undecided=fail", "bench")
    again.stdout.fnmatch_lines(["mllm-judge: good (record=none, undecided=fail)"])


def test_the_native_ini_table_works_too(project: Project) -> None:
    project.write_judges()
    text = (project.root / "pyproject.toml").read_text().replace("[tool.pytest.ini_options]", "[tool.pytest]")
    (project.root / "pyproject.toml").write_text(text + 'judge = ["good"]\njudge_limit = "30"\n')
    project.run("bench").stdout.fnmatch_lines(["mllm-judge: good (record=none, limit=30, undecided=fail)"])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--judge-record=once"], "--judge-record is 'once'; choose one of: none, new_episodes, all"),
        (["--judge-undecided=pass"], "--judge-undecided is 'pass'; choose one of: fail, warn, skip"),
        (["--judge-limit=few"], "--judge-limit is 'few'; it takes a whole number from 1"),
        (["--judge-limit=0"], "--judge-limit is '0'; it takes a whole number from 1"),
    ],
)
def test_a_wrong_value_lists_the_choices(project: Project, args: list[str], message: str) -> None:
    result = project.run("--judge=good", *args, "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])


def test_an_unknown_judge_names_the_nearest(project: Project) -> None:
    result = project.run("--judge=goood", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: there is no judge 'goood'; did you mean 'good'?",
            "  Declare it in pyproject.toml under [[]tool.pytest-mllm-judge.judges.goood[]].",
            KNOWN,
            "  Presets: gpt-4v, gpt-4o, *",
        ]
    )


def test_a_benchmark_named_without_a_judge_is_a_usage_error(
    project: Project, spread: tuple[str, ...]
) -> None:
    result = project.run(*spread, "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stdout.str() + result.stderr.str()
    assert "bench is a benchmark, but no judge is named (--judge=NAME)\n  Known judges: bad, " in text


def test_a_benchmark_found_along_the_way_is_skipped_in_one_line(
    project: Project, spread: tuple[str, ...]
) -> None:
    result = project.run(*spread)
    assert result.ret == 0
    result.assert_outcomes(skipped=41)
    result.stdout.fnmatch_lines(["mllm-judge: 41 test(s) skipped: no judge is named (--judge=NAME)"])


def test_judge_required_makes_it_an_error(project: Project) -> None:
    project.write_judges(ini="judge_required = true\n")
    result = project.run()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["*no judge is named (--judge=NAME), and the ini key judge_required asks for one"]
    )


def test_no_key_and_no_cassette_says_what_to_set_and_what_to_run(
    project: Project, monkeypatch: pytest.MonkeyPatch, spread: tuple[str, ...]
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = project.run("--judge=gpt-4o", *spread, "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = result.stdout.str() + result.stderr.str()
    assert (
        "judge 'gpt-4o' has no recorded answers for the benchmark 'bench': "
        f"{project.root / 'bench' / 'cassettes' / 'gpt-4o.jsonl'} does not exist, "
        "and record mode 'none' asks nobody\n"
        "  To ask it and record its answers: pytest --judge=gpt-4o --judge-record=new_episodes bench\n"
        "  Before that: judge 'gpt-4o' needs an API key: the environment variable OPENAI_API_KEY is not set\n"
    ) in text


def test_recording_without_a_key_stops_before_the_first_question(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = project.run("--judge=gpt-4o", "--judge-record=new_episodes", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: judge 'gpt-4o' needs an API key: the environment variable OPENAI_API_KEY is not set"]
    )


def test_collect_only_needs_no_cassette_and_no_key(project: Project) -> None:
    assert project.run("--judge=gpt-4o", "--collect-only", "bench").ret == 0


def test_an_unknown_judge_of_the_ini_file_is_told_when_a_benchmark_turns_up(project: Project) -> None:
    project.write_judges(ini='judge = "goood"\n')
    project.pytester.makepyfile(test_plain="def test_plain(): pass\n")
    assert project.run("test_plain.py").ret == 0
    result = project.run("bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: there is no judge 'goood'; did you mean 'good'?"])
