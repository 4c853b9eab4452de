"""Gates hold, fail or stay undecided; the exit status is the same under every spread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.plugin.conftest import Project

UNDECIDED = '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.92\n'


def test_a_gate_that_holds_is_green(project: Project, spread: tuple[str, ...]) -> None:
    result = project.run("--judge=good", *spread, "bench")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*holds*agrees*pair.accuracy at least 0.7: 0.950 (0.860 to 0.983)"])


def test_a_gate_that_fails_is_red_with_its_claim_and_no_traceback(
    project: Project, spread: tuple[str, ...]
) -> None:
    result = project.run("--judge=bad", *spread, "bench")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "fails: pair.accuracy is not at least 0.7",
            "  seen      0.500  (90 % interval 0.374 to 0.626; 40 judgements; wilson)",
            "  first     pair-01 chose B, expected A · pair-03 chose B, expected A"
            " · pair-05 chose B, expected A · 17 more",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_an_undecided_gate_exits_with_10(project: Project, spread: tuple[str, ...]) -> None:
    project.write_manifest(UNDECIDED)
    result = project.run("--judge=good", *spread, "-v", "bench")
    assert result.ret == 10
    result.stdout.fnmatch_lines_random(["*UNDECIDED*"])
    result.stdout.fnmatch_lines(["*settle    about * items like these, if the figure stays where it is"])


def test_a_failure_beside_an_undecided_gate_exits_with_1(project: Project, spread: tuple[str, ...]) -> None:
    project.write_manifest(UNDECIDED + '[gates."never"]\ncheck = "pair.accuracy"\nat_most = 0.5\n')
    assert project.run("--judge=good", *spread, "bench").ret == 1


def test_undecided_can_warn(project: Project) -> None:
    project.write_manifest(UNDECIDED)
    result = project.run("--judge=good", "--judge-undecided=warn", "-W", "always", "bench")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*undecided, taken as true: pair.accuracy at least 0.92*"])


def test_undecided_can_skip(project: Project) -> None:
    project.write_manifest(UNDECIDED)
    result = project.run("--judge=good", "--judge-undecided=skip", "bench")
    assert result.ret == 0
    result.assert_outcomes(passed=40, skipped=1)


def test_problems_are_told_in_the_summary(project: Project, spread: tuple[str, ...]) -> None:
    result = project.run("--judge=odd", *spread, "bench")
    result.stdout.fnmatch_lines(
        [
            "*judge odd on bench*",
            "task  items  verdicts  problems  agreement with humans",
            "pair     40        37         3  accuracy 0.925 (*), 1.000 without problems; constant 1.000",
            "problems: 3 refused",
            "  3 refused: *",
        ]
    )


def test_the_summary_is_the_same_under_every_spread_and_order(project: Project) -> None:
    def summary(*args: str) -> list[str]:
        lines = project.run("--judge=odd", *args, "bench").outlines
        start = next(place for place, line in enumerate(lines) if "judge odd on bench" in line)
        return [line for line in lines[start:-1] if line]

    plain = summary()
    assert len(plain) > 4
    assert plain == summary("-n", "0") == summary("-n", "2")


def test_the_summary_is_the_same_in_random_order(project: Project) -> None:
    def figures(seed: str) -> list[str]:
        result = project.pytester.runpytest("--judge=odd", f"--randomly-seed={seed}", "bench")
        return [line for line in result.outlines if "accuracy" in line]

    assert figures("1") == figures("2") == figures("3") != []


def test_claims_of_ones_own_tests_are_three_valued_too(
    project: Project, test_file: Callable[[str], Path], spread: tuple[str, ...]
) -> None:
    test_file(
        """
        def test_holds(judge_run):
            assert agreement.accuracy(judge_run.pair) >= 0.7

        def test_undecided(judge_run):
            assert agreement.accuracy(judge_run.pair) >= 0.92
        """
    )
    result = project.run("--judge=good", *spread, "-v", "test_own.py")
    assert result.ret == 10
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines_random(["*UNDECIDED*"])
    result.stdout.fnmatch_lines(["*undecided: pair.accuracy may or may not be at least 0.92"])
