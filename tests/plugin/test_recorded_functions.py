"""Judges that are functions, recorded and replayed by pytest."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from .conftest import SPREADS, Project, pair

FUNCTION = """
import json, os, random, time
from pathlib import Path

LOG = Path(__file__).with_name("asked.log")

def noisy(question):
    answer = random.SystemRandom().choice("AB")
    with LOG.open("a") as file:
        file.write(f"{question.item.id} {question.repeat} {answer}\\n")
    return f"Judgement: [[{answer}]]"

def stranger(question):
    model = "gpt-4o-2024-05-13" if question.item.id < "pair-04" else "gpt-4o-2024-08-06"
    return {"text": "Judgement: [[A]]", "model": model}
"""


def asking(number: int) -> dict[str, Any]:
    """A pair with a question of its own: items that ask the same share an exchange."""
    return pair(number, instruction=f"What is picture {number}?")


@pytest.fixture
def own(project: Project) -> Project:
    """The forty pairs without gates, and two functions as judges."""
    project.write_manifest()
    project.write_items([asking(number) for number in range(40)])
    (project.root / "own.py").write_text(FUNCTION)
    project.judges["noisy"] = {"kind": "callable", "function": "own.py:noisy"}
    stranger = {"kind": "callable", "function": "own.py:stranger"}
    project.judges["dated"] = {**stranger, "model": "gpt-4o-2024-08-06"}
    project.judges["alias"] = {**stranger, "model": "gpt-4o"}
    project.write_judges()
    return project


def asked(project: Project) -> list[str]:
    """What the function was asked, with its answers, in order."""
    log = project.root / "asked.log"
    return log.read_text().splitlines() if log.exists() else []


def recorded(project: Project, judge: str) -> dict[str, Any]:
    """The replies in the cassette by item."""
    lines = (project.root / "bench" / "cassettes" / f"{judge}.jsonl").read_text().splitlines()
    return {exchange["item"]: exchange["reply"] for exchange in map(json.loads, lines)}


OWN_TEST = """
import pytest
pytestmark = pytest.mark.judge_benchmark("bench")

@pytest.mark.parametrize("time", range(3))
def test_it_says_the_same_every_time(time, judge_run, judgement):
    again = judge_run.ask(judgement.item)
    assert again.verdict == judgement.verdict
    with open(f"seen-{judgement.item.id}.log", "a") as file:
        file.write(judgement.verdict)
"""


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_a_noisy_function_gives_all_workers_one_answer(own: Project, spread: tuple[str, ...]) -> None:
    own.pytester.makepyfile(test_own=OWN_TEST)
    own.run(*spread, "--judge=noisy", "--judge-record=new_episodes", "bench", "test_own.py").assert_outcomes(
        passed=40 + 120
    )
    assert Counter(line.split()[0] for line in asked(own)) == {f"pair-{n:02}": 1 for n in range(40)}
    said = {line.split()[0]: line.split()[2] for line in asked(own)}
    assert recorded(own, "noisy") == {item: f"Judgement: [[{answer}]]" for item, answer in said.items()}
    for item, answer in said.items():
        assert (own.root / f"seen-{item}.log").read_text() == 3 * answer
    own.run(*spread, "--judge=noisy", "bench", "test_own.py").assert_outcomes(passed=160)
    assert len(asked(own)) == 40


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_all_with_k_records_anew_what_was_selected(own: Project, spread: tuple[str, ...]) -> None:
    own.run("--judge=noisy", "--judge-record=new_episodes", "bench").assert_outcomes(passed=40)
    before = recorded(own, "noisy")
    (own.root / "own.py").write_text(FUNCTION.replace('choice("AB")', 'choice(["C"])'))
    result = own.run(*spread, "--judge=noisy", "--judge-record=all", "-k", "pair-03 or pair-17", "bench")
    result.assert_outcomes(passed=2)
    assert [line.split()[0] for line in sorted(asked(own)[40:])] == ["pair-03", "pair-17"]
    anew = dict.fromkeys(("pair-03", "pair-17"), "Judgement: [[C]]")
    assert recorded(own, "noisy") == before | anew


def test_a_snapshot_other_than_the_one_asked_for_is_reported(own: Project) -> None:
    for _ in ("recorded", "replayed"):
        result = own.run("--judge=dated", "--judge-record=new_episodes", "bench")
        result.stdout.fnmatch_lines(
            "another model than the one asked for, gpt-4o-2024-08-06, answered: gpt-4o-2024-05-13 (4 of 40)"
        )
        result = own.run("--judge=alias", "--judge-record=new_episodes", "bench")
        result.stdout.fnmatch_lines(
            "more than one snapshot of gpt-4o answered: gpt-4o-2024-05-13 (4), gpt-4o-2024-08-06 (36)"
        )


def test_a_snapshot_behind_an_alias_is_not_worth_a_word(own: Project) -> None:
    own.write_items([asking(number) for number in range(4)])
    result = own.run("--judge=alias", "--judge-record=new_episodes", "bench")
    result.stdout.fnmatch_lines("asked: 4 replies recorded; answered by gpt-4o-2024-05-13")
    result.stdout.no_fnmatch_line("*snapshot of*")
    result.stdout.no_fnmatch_line("*another model*")
