"""Running a test again makes nothing green, and no way to run a part of a benchmark changes a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.runs.record import RunRecord, read_record

from .conftest import SPREADS, Project, pair

FUNCTIONS = """
import itertools
from pathlib import Path

LOG = Path(__file__).with_name("asked.log")
turn = itertools.count()

def write(question):
    with LOG.open("a") as file:
        file.write(f"{question.item.id}\\n")

def noisy(question):
    write(question)
    return f"Judgement: [[{'ABAA'[next(turn) % 4]}]]"  # asked again, anything would hold sooner or later

def silent(question):
    write(question)
    raise ConnectionError("nobody there")
"""
FOUR_WAYS = """
[gates."fails"]
check = "pair.accuracy"
at_least = 0.93
[gates."may or may not"]
check = "pair.accuracy"
at_least = 0.75
[upgrade]
margin = { "pair.accuracy" = 0.065, "pair.accuracy_decided" = 0.2 }
"""
RECORDING = "--judge-record=new_episodes"
EXIT_UNDECIDED = 10


@pytest.fixture
def own(project: Project) -> Project:
    """Forty pairs that ask different things; a judge that changes its mind, and one that is silent."""
    project.write_items([pair(number, instruction=f"What is picture {number}?") for number in range(40)])
    (project.root / "own.py").write_text(FUNCTIONS)
    for name in ("noisy", "silent"):
        project.judges[name] = {"kind": "callable", "function": f"own.py:{name}"}
    project.write_judges()
    return project


def asked(project: Project) -> Counter[str]:
    """How often a function was asked about each item."""
    return Counter((project.root / "asked.log").read_text().split())


def decided(result: pytest.RunResult) -> list[str]:
    """The summary's lines of gates and comparisons."""
    return sorted(
        line for line in result.outlines if line.startswith(("  holds ", "  fails ", "  undecided "))
    )


def record(project: Project) -> RunRecord:
    """What the last run left."""
    return read_record(project.root / ".pytest_cache" / "d" / "mllm-judge" / "run.json")


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_gates_and_upgrades_stay_what_they_were_and_nobody_is_asked_twice(
    own: Project, spread: tuple[str, ...]
) -> None:
    own.write_manifest(FOUR_WAYS)
    arguments = ("--judge=noisy", "--judge-baseline=good", "-m", "judge_gate", "bench")
    result = own.run(*spread, "--reruns", "3", RECORDING, *arguments)
    assert result.ret == 1
    assert result.parseoutcomes()["failed"] == 4
    assert [line.split()[0] for line in decided(result)] == ["fails", "fails", "undecided", "undecided"]
    assert asked(own) == {f"pair-{number:02}": 1 for number in range(40)}
    replayed = own.run(*arguments)
    assert (replayed.ret, decided(replayed)) == (1, decided(result))


def test_what_is_undecided_exits_with_10_however_often_it_is_run_again(own: Project) -> None:
    own.write_manifest('[upgrade]\nmargin = { "pair.accuracy" = 0.2 }\n')
    result = own.run(
        "--reruns", "3", RECORDING, "--judge=noisy", "--judge-baseline=good", "-m", "judge_gate", "bench"
    )
    assert (result.ret, [line.split()[0] for line in decided(result)]) == (EXIT_UNDECIDED, ["undecided"])
    assert set(asked(own).values()) == {1}


def test_an_items_case_that_is_red_stays_red_and_its_judge_is_not_asked_again(own: Project) -> None:
    own.write_manifest()
    anchor = pair(0, human="B", must=True)
    own.write_items([anchor, *(pair(number, instruction=f"What is {number}?") for number in (1, 2))])
    wrong = own.run("--reruns", "3", "--judge=bad", "bench")
    assert (wrong.ret, wrong.parseoutcomes()) == (1, {"passed": 2, "failed": 1, "rerun": 3})
    once = own.run(RECORDING, "--judge=silent", "bench")
    calls = asked(own)
    (own.root / "asked.log").unlink()
    silent = own.run("--reruns", "3", RECORDING, "--judge=silent", "bench")
    assert (once.ret, once.parseoutcomes()) == (1, {"failed": 3})
    assert (silent.ret, silent.parseoutcomes()) == (1, {"failed": 3, "rerun": 9})
    assert asked(own) == calls


CLAIMS = """
import itertools
attempt = itertools.count()

def test_fails(judge_run):
    assert agreement.accuracy(judge_run.pair) >= 0.99

def test_undecided(judge_run):
    assert agreement.accuracy(judge_run.pair) >= 0.92

def test_another_part_every_time(judge_run):
    some = judge_run.pair[20:] if next(attempt) else judge_run.pair[:20]
    assert agreement.accuracy(some) >= 0.85

def test_a_helper_of_ones_own_that_is_flaky(judge_run):
    assert agreement.accuracy(judge_run.pair) >= 0.7
    assert next(attempt) % 2, "a port was taken"
"""


@pytest.mark.parametrize("spread", [SPREADS[0], SPREADS[2]], ids=["plain", "n2"])
def test_a_claim_of_ones_own_keeps_its_first_word(
    project: Project, test_file: Callable[[str], Path], spread: tuple[str, ...]
) -> None:
    test_file(CLAIMS)
    result = project.run(*spread, "--reruns", "3", "--judge=good", "test_own.py", "-k", "not flaky")
    assert (result.ret, result.parseoutcomes()["failed"]) == (1, 3)
    result.stdout.fnmatch_lines_random(
        [
            "*undecided: pair.accuracy may or may not be at least 0.92",
            "undecided: pair.accuracy may or may not be at least 0.85",
            "  again     it was green when it was run again; a claim's first word stands",
        ]
    )
    fails, undecided = (
        [claim["outcome"] for (test, _), claim in record(project).claims.items() if test.endswith(name)]
        for name in ("test_fails", "test_undecided")
    )
    assert (fails, undecided) == (["fails"], ["undecided"])


def test_a_claim_that_is_undecided_first_exits_with_10(
    project: Project, test_file: Callable[[str], Path]
) -> None:
    test_file(CLAIMS)
    result = project.run("--reruns", "3", "--judge=good", "test_own.py", "-k", "another")
    assert (result.ret, result.parseoutcomes()) == (
        EXIT_UNDECIDED,
        {"failed": 1, "rerun": 3, "deselected": 3},
    )


def test_a_test_that_is_red_for_another_reason_may_be_run_again(
    project: Project, test_file: Callable[[str], Path]
) -> None:
    test_file(CLAIMS)
    result = project.run("--reruns", "3", "--judge=good", "test_own.py", "-k", "flaky")
    assert (result.ret, result.parseoutcomes()) == (0, {"passed": 1, "rerun": 1, "deselected": 3})


PARTS = """
[gates."agrees"]
check = "pair.accuracy"
at_least = 0.7
[upgrade]
margin = { "pair.accuracy" = 0.10, "pair.kappa" = 0.40, "problems.rate" = 0.20 }
slices = ["source"]
"""


@pytest.fixture
def slipped(project: Project) -> Project:
    """A hundred pairs of both labels in two sources; `slipped` has problems and wrong verdicts on maps."""
    labels = {f"pair-{number:02}": "AB"[number // 2 % 2] for number in range(100)}
    project.write_items([pair(number, human=label) for number, label in enumerate(labels.values())])
    project.write_manifest(PARTS)
    refused: dict[str, Any] = {"reply": "I can't judge that."}
    said = {item: refused if n % 20 == 3 else "A" if n % 2 else labels[item] for n, item in enumerate(labels)}
    project.write_log("slipped", said)
    project.write_log("before", {item: "A" if n % 10 == 2 else labels[item] for n, item in enumerate(labels)})
    return project


def node_ids(project: Project, *arguments: str) -> list[str]:
    """The ids of all cases."""
    result = project.run("--collect-only", "-q", *arguments, "bench")
    return [line for line in result.outlines if "::" in line]


def told(project: Project, result: pytest.RunResult) -> dict[str, Any]:
    """What a run says of each gate and comparison that it decided: its line, and the whole family."""
    gates = record(project).gates.values()
    lines = {gate["name"]: (gate["outcome"], gate["line"], gate.get("family")) for gate in gates}
    assert len(decided(result)) >= len(lines) > 0
    return lines


def test_every_part_of_a_run_gives_the_verdicts_flags_and_p_values_of_the_whole(slipped: Project) -> None:
    judges = ("--judge=slipped", "--judge-baseline=before")
    ids = node_ids(slipped, *judges)
    comparison = next(one for one in ids if one.endswith("upgrade::pair.kappa"))

    def run(*arguments: str) -> dict[str, Any]:
        return told(slipped, slipped.run(*judges, *arguments))

    whole = run("bench")
    assert whole.keys() == {"agrees", "pair.accuracy", "pair.kappa", "problems.rate"}
    family = whole["pair.kappa"][2]
    flags = {one["name"] for one in family if one["regressed"]}
    assert flags == {"pair.accuracy", "pair.accuracy [source maps]", "pair.kappa", "pair.kappa [source maps]"}
    assert all(one[2] == family for name, one in whole.items() if name != "agrees")

    alone = {"pair.kappa": whole["pair.kappa"]}
    assert run("-n", "2", "bench") == whole
    assert run(comparison) == run("-k", "upgrade and kappa", "bench") == alone
    rest = {name: one for name, one in whole.items() if name != "pair.kappa"}
    assert run("--deselect", comparison, "bench") == rest
    assert run(*ids[::2]) | run(*ids[1::2]) == whole
    assert run("--reruns", "2", "bench") == whole
