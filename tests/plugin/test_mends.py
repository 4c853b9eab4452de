"""Faults that a review found, each held by the test that would have found it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import Project, pair

Write = Callable[[str], Path]
OWN = "def ask(question): return 'Judgement: [[A]]'\n"
PEARSON = '[gates."scores follow"]\ncheck = "score.pearson"\nat_least = 0.3\n'


@pytest.fixture
def own(project: Project) -> Project:
    """A judge `own` that is a function, whose answers are recorded."""
    (project.root / "own.py").write_text(OWN)
    items = [pair(number) for number in range(40)]
    for number, item in enumerate(items):
        item["instruction"] = f"What is on picture {number}?"
    project.write_items(items)
    project.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    project.write_judges()
    return project


def score(number: int, human: Any, **more: Any) -> dict[str, Any]:
    return {
        "id": f"score-{number:02}",
        "task": "score",
        "responses": [{"text": "A cat."}],
        "human": human,
        **more,
    }


def cassette(project: Project) -> Path:
    return project.root / "bench" / "cassettes" / "own.jsonl"


def test_a_damaged_cassette_is_an_error_and_never_undecided(own: Project) -> None:
    assert own.run("--judge=own", "--judge-record=new_episodes", "bench").ret == 0
    text = cassette(own).read_text()
    cassette(own).write_text(text.replace("[[A]]", "[[B]]", 1))
    result = own.run("--judge=own", "--judge-undecided=skip", "-m", "judge_gate", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *own.jsonl:*"])


def test_a_gate_that_rests_on_a_cassette_miss_is_red(own: Project) -> None:
    assert own.run("--judge=own", "--judge-record=new_episodes", "bench").ret == 0
    lines = cassette(own).read_text().splitlines(keepends=True)
    cassette(own).write_text("".join(lines[:-3]))
    own.write_manifest('[gates."few"]\ncheck = "problems.rate"\nat_most = 0.5\n')
    result = own.run("--judge=own", "-m", "judge_gate", "bench")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["not asked: 3 of 40 questions of this gate; the first:"])


def test_a_recording_that_was_cut_off_replays_from_its_journal(own: Project) -> None:
    assert own.run("--judge=own", "--judge-record=new_episodes", "bench").ret == 0
    journal = cassette(own).with_name("own.jsonl.journal")
    journal.write_text("".join(f"killed {line}\n" for line in cassette(own).read_text().splitlines()))
    cassette(own).unlink()
    assert own.run("--judge=own", "bench").ret == 0


def test_accuracy_gates_on_several_annotators_are_within_reach(project: Project) -> None:
    project.write_items([score(number, [1, 1, 2] if number % 2 else [4, 5, 5]) for number in range(40)])
    project.write_manifest('[gates."exact"]\ncheck = "score.accuracy"\nat_least = 0.5\n')
    project.write_log("exact", {f"score-{number:02}": 1 if number % 2 else 5 for number in range(40)})
    assert project.run("--judge=exact", "bench").ret == 0


def test_pearson_gates_on_few_clusters_are_within_reach(project: Project) -> None:
    items = [score(number, 1 + number % 5, cluster=f"c{number % 12}") for number in range(80)]
    project.write_items(items)
    project.write_manifest('[gates."follows"]\ncheck = "score.pearson"\nat_least = 0.6\n')
    verdicts = {item["id"]: min(5, item["human"] + (place % 7 == 0)) for place, item in enumerate(items)}
    project.write_log("noisy", verdicts)
    assert project.run("--judge=noisy", "-m", "judge_gate", "bench").ret == 0


@pytest.mark.parametrize("answers", [0, 2])
def test_a_judge_that_refuses_everything_fails_a_correlation_gate(project: Project, answers: int) -> None:
    project.write_items([score(number, 1 + number % 5) for number in range(60)])
    project.write_manifest(PEARSON)
    refusal = {"reply": "I'm sorry, but I can't judge this."}
    project.write_log("silent", {f"score-{n:02}": n % 5 + 1 if n < answers else refusal for n in range(60)})
    result = project.run("--judge=silent", "--judge-undecided=warn", "-m", "judge_gate", "bench")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["fails: score.pearson is not at least 0.3"])


def test_a_gate_without_a_figure_follows_the_settings_like_any_undecided_claim(project: Project) -> None:
    items = [pair(number) for number in range(40)]
    for item in items[1:]:
        item["human"] = None
    items[0]["human"] = "A"
    project.write_items([*items, *[pair(number + 40) for number in range(40)]])
    project.write_log("all", {f"pair-{number:02}": "A" for number in range(80)})
    for policy, status in (("warn", 0), ("skip", 0), ("fail", 10)):
        args = ("--judge=all", "--judge-limit=1", f"--judge-undecided={policy}", "-W", "always")
        assert project.run(*args, "-m", "judge_gate", "bench").ret == status


def test_a_collection_error_is_not_hidden_by_an_undecided_gate(project: Project) -> None:
    project.write_manifest('[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.92\n')
    project.pytester.makepyfile(test_broken="import nowhere_at_all\n")
    result = project.run("--judge=good", "--continue-on-collection-errors", "bench", "test_broken.py")
    assert result.ret == 1


def test_users_may_have_a_fixture_named_judge_item(project: Project) -> None:
    project.pytester.makepyfile(
        """
        import pytest

        @pytest.fixture(params=[1, 2])
        def judge_item(request):
            return request.param

        def test_mine(judge_item):
            assert judge_item in (1, 2)
        """
    )
    project.run().assert_outcomes(passed=2, skipped=41)


def test_an_overridden_client_is_asked_and_the_others_are_left_alone(
    project: Project, test_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-nothing")
    project.pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def judge_client(judge_client):
            return judge_client.with_options(timeout=3)
        """
    )
    test_file(
        """
        def test_mine(judge_run, judge_runs):
            assert judge_run.judge.client.timeout == 3
            (other,) = judge_runs.values()
            assert other.judge.client.timeout != 3
            assert other.recorder is judge_run.recorder
        """
    )
    args = ("--judge=gpt-4o", "--judge-record=new_episodes", "test_own.py")
    project.run(*args).assert_outcomes(passed=1)


def test_a_foreign_rootdir_does_not_lose_the_judges(project: Project, tmp_path: Path) -> None:
    config = str(project.root / "pyproject.toml")
    result = project.run("--judge=good", f"--rootdir={tmp_path}", "-c", config, "bench")
    result.assert_outcomes(passed=41)


def test_a_misspelt_field_to_slice_by_names_the_nearest(project: Project) -> None:
    project.write_manifest('[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.5\nby = "sorce"\n')
    result = project.run("--judge=good", "bench")
    result.stderr.fnmatch_lines(
        ["*gates.\"agrees\": no item here has a field 'sorce'; did you mean 'source'?"]
    )


def test_an_average_without_slices_is_refused(project: Project) -> None:
    project.write_items([score(number, 1 + number % 5) for number in range(60)])
    project.write_manifest(PEARSON + 'average = "fisher"\n')
    result = project.run("--judge=good", "bench")
    result.stderr.fnmatch_lines(["*average = 'fisher' is about slices: say by = as well"])


def test_a_claim_that_fails_in_a_fixture_is_on_the_report(project: Project, test_file: Write) -> None:
    project.pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            carried = getattr(report, "mllm_judge", None)
            if report.failed:
                print("KEPT", report.when, [claim["outcome"] for claim in carried["claims"]])
        """
    )
    test_file(
        """
        @pytest.fixture
        def checked(judge_run):
            assert agreement.accuracy(judge_run.pair) >= 0.7

        def test_it(checked):
            pass
        """
    )
    result = project.run("--judge=bad", "-s", "test_own.py")
    result.stdout.fnmatch_lines(["*KEPT setup [[]'fails'[]]*"])


def test_an_anchor_with_criteria_says_what_was_expected(project: Project) -> None:
    items = [score(number, {"SC": [1, 1, 2], "PQ": [3]}, must=number == 0) for number in range(12)]
    project.write_items(items)
    project.write_manifest('[score]\ncriteria = ["SC", "PQ"]\n')
    project.write_log("two", {item["id"]: {"reply": json.dumps({"SC": 2, "PQ": 3})} for item in items})
    result = project.run("--judge=two", "bench")
    result.stdout.fnmatch_lines(["anchor: score-00 may not be got wrong*expected SC 1 or 2; PQ 3"])


def test_a_fault_under_xdist_is_told_once_and_not_for_every_case(project: Project) -> None:
    result = project.run("--judge=gpt-4o", "-n", "2", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stdout.str().count("ERROR at setup") <= 2
