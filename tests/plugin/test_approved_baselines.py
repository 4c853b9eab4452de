"""Runs without a named baseline are compared with what was approved of, as if it were the judge itself."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.runs.record import RunRecord, all_judged, facts_of, read_record
from pytest_mllm_judge.runs.saved import PLACE
from pytest_mllm_judge.runs.session import Session

from .conftest import SPREADS, Project, pair

FILE = "bench/baselines/odd.json"
UPGRADE = "bench/benchmark.toml::upgrade"
spreads = pytest.mark.parametrize("spread", [SPREADS[0], SPREADS[-1]], ids=["plain", "n2"])


@pytest.fixture
def approved(project: Project) -> Project:
    """The forty pairs with a margin that they can show; `odd`, with its problems, is approved of."""
    project.write_manifest(
        '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.1\n'
        '[upgrade]\nmargin = 0.3\nslices = ["source"]\n'
    )
    approve(project, "odd")
    return project


def approve(project: Project, judge: str) -> None:
    """Ask a judge about everything, as a test run does, and approve of it."""
    session = Session(root=project.root)
    session.run(judge, project.root / "bench").judgements()
    record = RunRecord(root=str(project.root))
    record.add_facts(facts_of(session.runs.values()))
    record.add_judged(all_judged(session.runs.values()))
    record.save(project.root / "run.json")
    assert main(["approve", judge, "--reason", "first judge in use", "--record", "run.json"]) == 0


def recorded(project: Project) -> RunRecord:
    """The last run's record."""
    return read_record(project.root / PLACE)


def decided(project: Project) -> dict[str, Any]:
    """What the last run's upgrade cases say, but for the baseline's name and approval."""
    upgrades = {node: gate for node, gate in recorded(project).gates.items() if "baseline" in gate}
    kept = ("outcome", "line", "claim", "family")
    assert all(set(kept) <= gate.keys() for gate in upgrades.values())
    return {node: {key: gate[key] for key in kept} for node, gate in upgrades.items()}


@pytest.mark.parametrize(
    ("judge", "spread"), [*(("bad", spread) for spread in SPREADS), ("good", ()), ("odd", ())]
)
def test_an_approval_gives_the_same_claims_as_the_judge_itself(
    judge: str, spread: tuple[str, ...], approved: Project
) -> None:
    by_name = approved.run(f"--judge={judge}", "--judge-baseline=odd", "bench")
    expected = decided(approved)
    by_approval = approved.run(*spread, f"--judge={judge}", "bench")
    assert decided(approved) == expected
    assert expected
    assert by_approval.ret == by_name.ret
    assert by_approval.parseoutcomes() == by_name.parseoutcomes()


@spreads
def test_the_summary_says_what_was_approved_of_and_what_has_changed(
    spread: tuple[str, ...], approved: Project
) -> None:
    items = [pair(number) for number in range(3, 42)]
    items[0]["instruction"] = "What is that?"
    items[1]["human"] = ["A", "A", "B"]
    approved.write_items(items)
    approved.write_log("good", {f"pair-{number:02}": "A" for number in range(3, 42)})
    result = approved.run(*spread, "--judge=good", "bench")
    result.stdout.fnmatch_lines(
        [
            "not worse than odd (approved): 1 held",
            "approved: first judge in use (baselines/odd.json)",
            "  not compared: 2 items that the approval does not know, the first pair-40",
            "  not compared: 1 item whose content changed since, the first pair-03",
            "  not compared: 3 items that the benchmark has no more, the first pair-00",
            "  compared by today's labels: 1 item whose labels changed since, the first pair-04",
        ]
    )
    gate = next(gate for gate in recorded(approved).gates.values() if "baseline" in gate)
    assert gate["approval"]["gone"] == ["pair-00", "pair-01", "pair-02"]
    assert {case["judge"] for case in recorded(approved).judged.values()} == {"good", "odd (approved)"}


def test_with_nothing_in_common_it_is_undecided_and_no_error(approved: Project) -> None:
    approved.write_items([pair(number, instruction="What is that?") for number in range(40)])
    result = approved.run("--judge=good", UPGRADE)
    assert result.ret == 10
    result.stdout.fnmatch_lines(
        [
            "not worse than odd (approved): 1 undecided",
            "  not compared: 40 items whose content changed since, the first pair-00",
        ]
    )


def test_with_too_few_in_common_it_is_undecided(approved: Project) -> None:
    items = [pair(number, **({} if number < 4 else {"instruction": "Look."})) for number in range(40)]
    approved.write_items(items)
    assert approved.run("--judge=good", UPGRADE).ret == 10


def test_a_limit_makes_it_undecided_too(approved: Project) -> None:
    assert approved.run("--judge=good", "--judge-limit=5", UPGRADE).ret == 10


def test_a_judge_is_compared_with_its_own_approval_first(approved: Project) -> None:
    approve(approved, "good")
    approved.run("--judge=good", UPGRADE).stdout.fnmatch_lines("not worse than good (approved): 1 held")
    approved.run("--judge=odd", UPGRADE).stdout.fnmatch_lines("not worse than odd (approved): 1 held")


@spreads
def test_of_several_approvals_none_is_taken_and_a_line_says_so(
    spread: tuple[str, ...], approved: Project
) -> None:
    approve(approved, "good")
    result = approved.run(*spread, "--judge=bad", "bench")
    result.assert_outcomes(passed=41)
    result.stdout.fnmatch_lines(
        "no baseline: 2 approved baselines (good, odd) and none of bad itself; "
        "name one: --judge-baseline=NAME"
    )


def test_a_named_baseline_is_the_judge_as_it_is_now(approved: Project) -> None:
    approve(approved, "good")
    result = approved.run("--judge=bad", "--judge-baseline=good", UPGRADE)
    result.stdout.fnmatch_lines("not worse than good: *")
    result.stdout.no_fnmatch_line("*approved*")


OWN = """
import pytest
from pytest_mllm_judge import agreement

pytestmark = pytest.mark.judge_benchmark("bench")

def test_not_worse(judge_run, baseline_run):
    assert baseline_run.judge.name == "odd (approved)"
    assert agreement.accuracy(judge_run.pair) - agreement.accuracy(baseline_run.pair) >= -0.3
"""


def test_tests_of_ones_own_are_given_the_approval(approved: Project) -> None:
    (approved.root / "test_own.py").write_text(OWN)
    approved.run("--judge=good", "test_own.py").assert_outcomes(passed=1)
    approved.run("--judge=bad", "test_own.py").assert_outcomes(failed=1)
    several = approved.run("--judge=good", "--judge=bad", "-rs", "test_own.py")
    several.assert_outcomes(skipped=2)
    several.stdout.fnmatch_lines(
        ["*no baseline is named (--judge-baseline=NAME), and approvals are taken for one judge*"]
    )


def test_each_judge_under_test_has_its_own_baseline(approved: Project) -> None:
    approve(approved, "good")
    result = approved.run("-v", "--judge=good", "--judge=bad", "--judge=odd", UPGRADE)
    cases = [line.split()[0] for line in result.outlines if "::upgrade::" in line and "PASSED" in line]
    assert [case.rpartition("[")[2] for case in cases] == ["good]", "odd]"]


def test_a_damaged_approval_is_told_before_anything_is_asked(approved: Project) -> None:
    file = approved.root / FILE
    file.write_text(file.read_text().replace('"parser"', '"praser"'))
    result = approved.run("--judge=good", UPGRADE)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            f"*{FILE}: parser: is missing; is it 'praser'?",
            f"*{FILE}: praser: is not a known key; did you mean 'parser'?",
            "  Take it from git again, or approve anew: "
            "python -m pytest_mllm_judge approve odd bench --reason TEXT",
        ]
    )


def test_a_record_that_pytest_left_is_approved_of_and_one_of_a_part_is_not(
    approved: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    approved.run("--judge=good", "bench")
    assert main(["approve", "good", "--reason", "it is good"]) == 0
    approved.run("--judge=good", "-k", "pair-0 and not upgrade and not agrees", "bench")
    capsys.readouterr()
    assert main(["approve", "good", "--reason", "it is good"]) == 1
    assert "did not ask judge 'good' about 30 of 40 items, the first 'pair-10'" in capsys.readouterr().err
