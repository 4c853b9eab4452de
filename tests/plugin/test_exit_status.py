"""docs/exit-status.md: every line of its tables is run, in one process and in several."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Project, pair

PAGE = Path(__file__).parents[2] / "docs" / "exit-status.md"
UNDECIDED = '[gates."undecided"]\ncheck = "pair.accuracy"\nat_least = 0.75\n'
FAILS = '[gates."fails"]\ncheck = "pair.accuracy"\nat_most = 0.3\n'
HOLDS = '[gates."holds"]\ncheck = "pair.accuracy"\nat_least = 0.4\n'
OUT_OF_REACH = '[gates."never"]\ncheck = "pair.accuracy"\nat_least = 0.999\n'
RECORD = "--judge-record=new_episodes"
Arguments = tuple[str, ...]
Situation = Callable[[Project], Arguments]
SITUATIONS: dict[str, Situation] = {}


def situation(line: str) -> Callable[[Situation], Situation]:
    """What brings about a line of the page, and the arguments to run it with."""

    def enter(make: Situation) -> Situation:
        assert line not in SITUATIONS, line
        SITUATIONS[line] = make
        return make

    return enter


def promised() -> dict[str, int]:
    """The lines of the page's tables, with the status that each promises."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", PAGE.read_text(encoding="utf-8"), re.M)
    ahead = {text: int(status) for status, text in rows if status.isdigit()}
    return ahead | {text: int(status) for text, status in rows if status.isdigit()}


PROMISED = promised()
STOPPED = "somebody stopped the run with Ctrl-C"


@pytest.fixture
def small(project: Project) -> Project:
    """Ten clusters and more, but few items: `fair` is right on 16 of 20 pairs."""
    project.write_items([pair(number, instruction=f"What is picture {number}?") for number in range(20)])
    project.write_log("fair", {f"pair-{n:02}": "B" if n % 5 == 4 else "A" for n in range(20)})
    (project.root / "own.py").write_text(OWN)
    for name in ("answers", "breaks"):
        project.judges[name] = {"kind": "callable", "function": f"own.py:{name}"}
    project.write_judges()
    return project


OWN = """
def answers(question):
    return "Judgement: [[A]]" if question.item.id < "pair-16" else "Judgement: [[B]]"

def breaks(question):
    raise ConnectionError("nobody there")
"""


def gates(project: Project, *some: str, judge: str = "fair") -> Arguments:
    project.write_manifest("".join(some))
    return (f"--judge={judge}", "bench")


@situation("everything held")
def held(project: Project) -> Arguments:
    return gates(project, HOLDS)


@situation("a gate, an upgrade or a claim fails")
def fails(project: Project) -> Arguments:
    return gates(project, FAILS)


@situation("an anchor is judged wrongly")
def anchor(project: Project) -> Arguments:
    project.write_items([pair(0), pair(4, must=True)])
    return gates(project)


@situation("a question has no answer: the judge gave none, or its cassette lacks it")
def silent(project: Project) -> Arguments:
    project.write_items([pair(0)])
    return (*gates(project, judge="breaks"), RECORD)


@situation("any other test is red")
def other(project: Project) -> Arguments:
    project.pytester.makepyfile(test_other="def test_other():\n    assert False\n")
    return (*gates(project, HOLDS), "test_other.py")


def no_cassette_is_written(project: Project) -> None:
    """In whatever process it is tried."""
    project.pytester.makeconftest(
        """
        from pytest_mllm_judge.runs.session import Session

        whole = Session.close

        def close(self, **options):
            raise OSError("the disk is full")

        def pytest_configure():
            Session.close = close

        def pytest_unconfigure():
            Session.close = whole
        """
    )


@situation("a cassette could not be written at the end of the run")
def unwritten(project: Project) -> Arguments:
    no_cassette_is_written(project)
    return gates(project, HOLDS)


@situation("nothing failed, and a gate, an upgrade or a claim is undecided")
def undecided(project: Project) -> Arguments:
    return gates(project, UNDECIDED, HOLDS)


@situation("a benchmark could not be collected: the message names file and line")
def broken(project: Project) -> Arguments:
    return gates(project, "no = such key\n")


@situation("pytest or a plugin broke down")
def broke_down(project: Project) -> Arguments:
    project.pytester.makeconftest("def pytest_runtest_logreport():\n    raise ValueError('a plugin')\n")
    return gates(project)


@situation("nothing was asked: an unknown judge or option")
def unknown(project: Project) -> Arguments:
    return gates(project, judge="nobody")


@situation("nothing was asked: a gate or a margin that no judge could hold")
def out_of_reach(project: Project) -> Arguments:
    return gates(project, OUT_OF_REACH)


@situation("nothing was asked: no cassette to replay")
def unrecorded(project: Project) -> Arguments:
    return gates(project, judge="answers")


@situation("no test was selected")
def nothing(project: Project) -> Arguments:
    return (*gates(project), "-k", "nosuchitem")


def warns(project: Project) -> Arguments:
    project.pytester.makepyfile(test_warns="import warnings\ndef test_warns():\n    warnings.warn('so')\n")
    return ("test_warns.py", "-W", "always", "--max-warnings=0")


@situation("everything held, with more warnings than `--max-warnings`")
def warned(project: Project) -> Arguments:
    return (*gates(project, HOLDS), *warns(project))


@situation("a failure and an undecided claim")
def both(project: Project) -> Arguments:
    return gates(project, FAILS, UNDECIDED)


@situation("an undecided claim and a cassette that could not be written")
def undecided_unwritten(project: Project) -> Arguments:
    no_cassette_is_written(project)
    return gates(project, UNDECIDED)


@situation("an undecided claim and too many warnings")
def undecided_warned(project: Project) -> Arguments:
    return (*gates(project, UNDECIDED), *warns(project))


@situation("an undecided claim under `--judge-undecided=warn`")
def taken_as_true(project: Project) -> Arguments:
    return (*gates(project, UNDECIDED), "--judge-undecided=warn", "-W", "always")


@situation("an undecided claim under `--judge-undecided=skip`")
def skipped(project: Project) -> Arguments:
    return (*gates(project, UNDECIDED), "--judge-undecided=skip")


@situation("a failure under `--judge-undecided=skip`")
def failed_all_the_same(project: Project) -> Arguments:
    return (*gates(project, FAILS, UNDECIDED), "--judge-undecided=skip")


@situation("an undecided claim that ends the run by `-x`")
def ended_undecided(project: Project) -> Arguments:
    return (*gates(project, UNDECIDED), "-x")


@situation("a failure that ends the run by `-x`")
def ended_by_a_failure(project: Project) -> Arguments:
    return (*gates(project, FAILS), "-x")


@situation("a benchmark that can't be collected beside a failure")
def broken_beside_a_failure(project: Project) -> Arguments:
    *_, file = other(project)
    return (*broken(project), file)


@situation("a judge nobody knows, and a benchmark that can't be collected")
def unknown_and_broken(project: Project) -> Arguments:
    broken(project)
    return ("--judge=nobody", "bench")


def test_every_line_of_the_page_is_run() -> None:
    assert PROMISED.keys() == SITUATIONS.keys() | {STOPPED}


@pytest.mark.parametrize("line", SITUATIONS)
def test_a_plain_run_ends_as_the_page_says(line: str, small: Project) -> None:
    assert small.run(*SITUATIONS[line](small)).ret == PROMISED[line]


# Where several processes have a way of their own to that status.
IN_WORKERS = (
    "a cassette could not be written at the end of the run",
    "a benchmark could not be collected: the message names file and line",
    "an undecided claim that ends the run by `-x`",
    "a failure that ends the run by `-x`",
)


@pytest.mark.parametrize("line", IN_WORKERS)
def test_two_workers_end_as_the_page_says(line: str, small: Project) -> None:
    assert small.run("-n", "2", *SITUATIONS[line](small)).ret == PROMISED[line]


def test_ctrl_c_ends_as_the_page_says(small: Project) -> None:
    small.pytester.makeconftest("def pytest_runtest_setup():\n    raise KeyboardInterrupt\n")
    result = small.pytester.runpytest_subprocess("-p", "no:randomly", *gates(small, HOLDS))
    assert result.ret == PROMISED[STOPPED]
