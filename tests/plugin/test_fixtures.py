"""The fixtures for tests of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.plugin.conftest import Project

Write = Callable[[str], Path]


def test_judgement_runs_a_test_for_each_item(
    project: Project, test_file: Write, spread: tuple[str, ...]
) -> None:
    test_file(
        """
        def test_every_reply_has_a_verdict(judgement):
            assert judgement.verdict is not None, judgement.problem
        """
    )
    result = project.run("--judge=odd", *spread, "-v", "test_own.py")
    result.assert_outcomes(passed=37, failed=3)
    result.stdout.fnmatch_lines(["judgement = <odd on pair-00: refused>", "E*AssertionError: refused"])


def test_judge_run_pools_everything_whatever_is_selected(project: Project, test_file: Write) -> None:
    test_file(
        """
        def test_pairs_agree(judge_run):
            assert agreement.accuracy(judge_run.pair) >= 0.70
            assert problems.rate(judge_run.pair) <= 0.10
            for source, part in judge_run.pair.by("source").items():
                assert agreement.accuracy(part) >= 0.5
                assert len(part) == 20
            assert len(judge_run.pair.where(source=["maps"])) == 20
        """
    )
    project.run("--judge=good", "test_own.py").assert_outcomes(passed=1)


def test_judge_asks_about_an_item_and_keeps_the_answer(project: Project, test_file: Write) -> None:
    test_file(
        """
        def test_ask(judge, judge_item):
            first = judge.ask(judge_item)
            assert first.item is judge_item
            assert judge.ask(judge_item, repeat=0) is first
            assert judge.ask(judge_item, repeat=1).problem == "not_asked"
        """
    )
    project.run("--judge=good", "-k", "pair-00", "test_own.py").assert_outcomes(passed=1)


def test_several_judges_parametrize_a_test_and_fill_judge_runs(project: Project, test_file: Write) -> None:
    test_file(
        """
        def test_each(judge_run):
            assert len(judge_run.pair) == 40

        def test_all(judge_runs):
            assert list(judge_runs) == ["good", "bad"]
            assert agreement.accuracy(judge_runs["good"].pair) >= 0.7
        """
    )
    result = project.run("--judge=good", "--judge=bad", "-v", "test_own.py")
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines_random(["*::test_each?good? *", "*::test_each?bad? *", "*::test_all *"])


def test_baseline_run_is_the_judge_in_use(project: Project, test_file: Write) -> None:
    test_file(
        """
        def test_baseline(judge_run, baseline_run):
            assert (judge_run.judge.name, baseline_run.judge.name) == ("good", "bad")
            assert not agreement.accuracy(baseline_run.pair) >= 0.7
            assert agreement.accuracy(judge_run.pair) - agreement.accuracy(baseline_run.pair) >= -0.05
        """
    )
    project.run("--judge=good", "--judge-baseline=bad", "test_own.py").assert_outcomes(passed=1)
    skipped = project.run("--judge=good", "-rs", "test_own.py")
    skipped.assert_outcomes(skipped=1)
    skipped.stdout.fnmatch_lines(["*no baseline is named (--judge-baseline=NAME)*"])


def test_users_may_have_a_fixture_named_judge(project: Project, test_file: Write) -> None:
    test_file(
        """
        @pytest.fixture
        def judge():
            return "mine"

        def test_mine(judge, judge_run):
            assert judge == "mine"
            assert len(judge_run.pair) == 40
        """
    )
    project.run("--judge=good", "test_own.py", "bench").assert_outcomes(passed=42)


def test_without_a_judge_tests_are_skipped(
    project: Project, test_file: Write, spread: tuple[str, ...]
) -> None:
    test_file(
        "def test_one(judgement): pass\ndef test_two(judge_run): pass\ndef test_three(judge_runs): pass\n"
    )
    result = project.run(*spread, "-rs", "test_own.py")
    result.assert_outcomes(skipped=3)
    result.stdout.fnmatch_lines(["*no judge is named (--judge=NAME)*"])


def test_a_test_without_a_benchmark_marker_says_what_to_write(project: Project) -> None:
    project.pytester.makepyfile(test_bare="def test_one(judge_run): pass\n")
    result = project.run("--judge=good", "test_bare.py")
    result.stdout.fnmatch_lines(
        [
            "this test uses judge fixtures but names no benchmark",
            '  Mark it, or its module: pytestmark = pytest.mark.judge_benchmark("fixtures/shapes")',
        ]
    )


def test_claims_evaluated_in_fixtures_are_kept_on_the_report(project: Project, test_file: Write) -> None:
    project.pytester.makeconftest(
        """
        def pytest_runtest_logreport(report):
            carried = getattr(report, "mllm_judge", None)
            if report.when == "call" and carried:
                print("KEPT", [claim["outcome"] for claim in carried["claims"]])
        """
    )
    test_file(
        """
        @pytest.fixture
        def checked(judge_run):
            assert problems.rate(judge_run.pair) <= 0.2

        def test_it(judge_run, checked):
            accuracy = agreement.accuracy(judge_run.pair)
            ok = accuracy >= 0.7
            assert ok
            assert all([accuracy <= 0.99])
        """
    )
    result = project.run("--judge=good", "-s", "test_own.py")
    result.stdout.fnmatch_lines(["*KEPT [[]'holds', 'holds', 'holds'[]]*"])
