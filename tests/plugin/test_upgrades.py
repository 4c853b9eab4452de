"""May the candidate replace the baseline: cases that a named baseline adds to a benchmark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .conftest import SPREADS, Project, pair

SHAPES = Path(__file__).parents[2] / "fixtures" / "shapes"
STORY = {
    "holds": (("--judge=shapes-new",), pytest.ExitCode.OK),
    "the same judge": (("--judge=shapes-old",), pytest.ExitCode.OK),
    "fails": (("--judge=shapes-worse",), pytest.ExitCode.TESTS_FAILED),
    "undecided": (("--judge=shapes-new", "--judge-limit=40"), 10),
}
LINES = {
    "holds": [
        "not worse than shapes-old: 4 held",
        "  holds      batch.distance  batch.distance, difference at most 0.1: -0.020 (-0.056 to 0.016)",
        "  holds      pair.accuracy   pair.accuracy, difference at least -0.05: -0.012 (-0.037 to 0.013)",
        "  holds      problems.rate   problems.rate, difference at most 0.05: 0.000 (-0.021 to 0.021)",
        "  holds      score.pearson   score.pearson, difference at least -0.1: -0.024 (-0.047 to 0.000)",
    ],
    "the same judge": ["not worse than shapes-old: 4 held"],
    "fails": [
        "not worse than shapes-old: 1 held, 1 failed, 2 undecided",
        "  fails      pair.accuracy   pair.accuracy, difference at least -0.05: -0.164 (-0.200 to -0.129)",
    ],
    "undecided": [
        "not worse than shapes-old: 3 held, 1 undecided",
        "  undecided  pair.accuracy   pair.accuracy, difference at least -0.05: -0.025 (-0.150 to 0.097)",
    ],
}


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
@pytest.mark.parametrize("story", STORY)
def test_shapes_tells_the_story_with_its_exit_status(
    story: str, spread: tuple[str, ...], pytester: pytest.Pytester
) -> None:
    arguments, status = STORY[story]
    result = pytester.runpytest(
        "-pno:randomly", *spread, *arguments, "--judge-baseline=shapes-old", str(SHAPES)
    )
    assert result.ret == status
    result.stdout.fnmatch_lines([re.sub(r"([\[\]])", r"[\1]", line) for line in LINES[story]])


def test_only_the_upgrade_can_be_asked_for(pytester: pytest.Pytester) -> None:
    node = f"{SHAPES}/benchmark.toml::upgrade::pair.accuracy"
    result = pytester.runpytest("--judge=shapes-new", "--judge-baseline=shapes-old", node)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines("not worse than shapes-old: 1 held")


@pytest.fixture
def upgrade(project: Project) -> Project:
    """The forty pairs with a margin that they can show."""
    project.write_manifest("[upgrade]\nmargin = 0.3\n")
    return project


def test_without_a_baseline_there_is_no_such_case(upgrade: Project) -> None:
    upgrade.run("--judge=good", "bench").assert_outcomes(passed=40)


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_a_worse_judge_is_told_with_its_first_flips(upgrade: Project, spread: tuple[str, ...]) -> None:
    result = upgrade.run(*spread, "--judge=bad", "--judge-baseline=good", "bench")
    result.assert_outcomes(passed=40, failed=1)
    result.stdout.fnmatch_lines(
        [
            "fails: pair.accuracy, difference is not at least -0.3",
            "  first     pair-03 chose B, expected A, where the other chose A · *",
        ]
    )


def test_every_judge_under_test_has_its_cases(upgrade: Project) -> None:
    result = upgrade.run("-v", "--judge=good", "--judge=odd", "--judge-baseline=good", "bench")
    result.stdout.fnmatch_lines(
        ["*::upgrade::pair.accuracy[[]good[]] PASSED*", "*::upgrade::pair.accuracy[[]odd[]] PASSED*"]
    )


def test_the_checks_of_gates_are_compared_too(project: Project) -> None:
    project.write_manifest(
        '[gates."agrees"]\ncheck = "pair.kappa"\nat_least = -1.0\n'
        '[gates."few"]\ncheck = "problems.rate"\nat_most = 0.9\n[upgrade]\nmargin = 1.0\n'
    )
    result = project.run("--collect-only", "-q", "--judge=good", "--judge-baseline=odd", "bench")
    named = [line.rpartition("::")[2] for line in result.outlines if "::upgrade::" in line]
    assert named == ["pair.accuracy", "pair.kappa", "problems.rate"]


def test_a_margin_for_one_task_leaves_no_other_task_out(upgrade: Project) -> None:
    upgrade.write_manifest("[upgrade]\nmargin = { score = 0.1 }\n")
    result = upgrade.run("--judge=good", "--judge-baseline=bad", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*not worse by pair.accuracy with a margin of 0.05 on these 40 items*")


def test_a_margin_that_lets_every_judge_through_is_told(upgrade: Project) -> None:
    upgrade.write_manifest("[upgrade]\nmargin = 1\n")
    result = upgrade.run("--judge=good", "--judge-baseline=bad", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        "*[[]upgrade[]]: every judge would be called not worse by pair.accuracy with a margin of 1, even one "
        "that answers nothing"
    )


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_a_name_that_is_no_check_is_told_without_a_traceback(
    upgrade: Project, spread: tuple[str, ...]
) -> None:
    upgrade.write_manifest('[upgrade]\nmargin = { "pair.kapa" = 0.3 }\n')
    result = upgrade.run(*spread, "--judge=good", "--judge-baseline=bad", "bench")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines("*benchmark.toml: [[]upgrade[]]: there is no check 'pair.kapa'; did you*")
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_check_whose_probe_is_not_declared_is_told(upgrade: Project) -> None:
    upgrade.write_manifest('[upgrade]\nmargin = { pair = 0.3, "consistency.orders" = 0.3 }\n')
    result = upgrade.run("--judge=good", "--judge-baseline=bad", "bench")
    result.stdout.fnmatch_lines("*: [[]upgrade[]]: consistency.orders needs [[]probes[]] position = true")


def test_a_judge_may_not_be_named_like_an_approval(upgrade: Project) -> None:
    result = upgrade.run("--judge=good (approved)", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("*names that end in ' (approved)' are those of approvals")


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_a_margin_that_not_even_the_baseline_could_hold_is_told_before_anything_is_asked(
    project: Project, spread: tuple[str, ...]
) -> None:
    project.write_manifest("[upgrade]\nmargin = 0.05\n")
    result = project.run(*spread, "--judge=good", "--judge-baseline=bad", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    output = result.stderr if not spread or spread[1] == "0" else result.stdout
    output.fnmatch_lines(
        [
            "*benchmark.toml: [[]upgrade[]]: no judge could be called not worse by pair.accuracy with a "
            "margin of 0.05 on these 40 items, not even the baseline itself",
            "  The smallest margin that they could show is 0.063.",
        ]
    )


def test_a_limit_makes_it_undecided_and_not_out_of_reach(upgrade: Project) -> None:
    result = upgrade.run("--judge=good", "--judge-baseline=good", "--judge-limit=5", "bench")
    assert result.ret == 10


def test_items_that_the_baseline_was_not_asked_about_are_red(upgrade: Project) -> None:
    (upgrade.root / "own.py").write_text("def ask(question):\n    return 'Judgement: [[A]]'\n")
    upgrade.write_items([pair(number, instruction=f"What is {number}?") for number in range(40)])
    upgrade.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    upgrade.write_judges()
    upgrade.run("--judge=own", "--judge-record=new_episodes", "--judge-limit=20", "bench")
    result = upgrade.run("--judge=good", "--judge-baseline=own", "bench")
    result.assert_outcomes(passed=40, failed=1)
    result.stdout.fnmatch_lines("not asked: 20 of 40 questions of this upgrade; the first:")
