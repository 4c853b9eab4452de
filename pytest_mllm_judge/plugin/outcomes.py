"""What a test's report carries, how its letter reads, and the exit status."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from pytest_mllm_judge.claims.claim import Claim
from pytest_mllm_judge.errors import ClaimFailed, MllmJudgeError, Undecided
from pytest_mllm_judge.plugin.state import State, state_of

CASE = pytest.StashKey[dict[str, Any]]()
GATE = pytest.StashKey[dict[str, Any]]()
CLAIMS = pytest.StashKey[list[Claim]]()
FIRST_WORD = pytest.StashKey[tuple[str, bool]]()
FIELD = "mllm_judge"
NO_JUDGE = "no judge is named (--judge=NAME)"
UNDECIDED_EXIT = 10
"""The exit status when nothing failed and something was undecided."""


def put_on_report(
    item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport, policy: str
) -> None:
    """Set the report's field: plain data only, so that it crosses from an xdist worker by itself."""
    undecided = call.excinfo is not None and isinstance(call.excinfo.value, Undecided)
    undecided = _the_first_word_stands(item, call, report) or undecided
    if undecided and policy == "skip":
        path, line, _ = item.reportinfo()
        report.outcome = "skipped"
        report.longrepr = (str(path), (line or 0) + 1, str(call.excinfo.value) if call.excinfo else "")
    carried: dict[str, Any] = {}
    for name, key in (("case", CASE), ("gate", GATE)):
        if report.when == "call" and key in item.stash:
            carried[name] = item.stash[key]
    if claims := item.stash.get(CLAIMS, None):
        carried["claims"] = [claim.plain() | {"test": item.nodeid} for claim in claims]
        texts = [claim["text"] for claim in carried["claims"] if claim["outcome"] != "holds"]
        if texts and report.failed and not _explains_itself(call):
            report.sections.append(("claims that do not hold", "\n\n".join(texts)))
    if (outcome := _of_a_test(item, report, undecided, policy)) and (about := _about(item)) is not None:
        carried["test"] = {**about, "outcome": outcome}
    if carried or undecided:
        setattr(report, FIELD, {**carried, "undecided": undecided and report.failed})


def _of_a_test(item: pytest.Item, report: pytest.TestReport, undecided: bool, policy: str) -> str:
    """`fails` or `undecided` where a test of one's own does not hold; '' where it does, and for a case."""
    if CASE in item.stash or GATE in item.stash:
        return ""
    if report.failed and not undecided:
        return "fails"
    taken = policy == "warn" and any(claim.outcome == "undecided" for claim in item.stash.get(CLAIMS, []))
    return "undecided" if undecided or taken else ""


def _about(item: pytest.Item) -> dict[str, str | None] | None:
    """The judge and the benchmark that a test is about, None where it may be any.

    None for a test that neither uses judge fixtures nor claims anything.
    """
    from pytest_mllm_judge.plugin.fixtures import place_of

    judge, path = place_of(item)
    if path is None:
        return {"judge": None, "benchmark": None} if item.stash.get(CLAIMS, None) else None
    folder: str | None = None
    with suppress(MllmJudgeError):  # which the test itself tells
        folder = str(state_of(item.config).session.benchmark(path).folder)
    return {"judge": judge, "benchmark": folder}


def begin(item: pytest.Item) -> None:
    """A test begins, perhaps anew: claims of an attempt that some plugin runs again are not kept twice."""
    if CLAIMS in item.stash:
        item.stash[CLAIMS].clear()


def _the_first_word_stands(item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport) -> bool:
    """Turn a test red that is green only since it was run again after a claim; whether it is undecided.

    Data that could not show a claim does not show it by being asked again until it does.
    """
    text, undecided = item.stash.get(FIRST_WORD, ("", False))
    if report.failed and not text:
        item.stash[FIRST_WORD] = _red_claim(item, call)
    if report.when != "call" or not report.passed or not text:
        return False
    report.outcome = "failed"
    report.longrepr = f"{text}\n  again     it was green when it was run again; a claim's first word stands"
    return undecided


def _red_claim(item: pytest.Item, call: pytest.CallInfo[None]) -> tuple[str, bool]:
    """What the claim says by which a test is red, '' if it is not red by one; and whether it is undecided."""
    error = call.excinfo.value if call.excinfo is not None else None
    outcome = "undecided" if isinstance(error, Undecided) else "fails"
    red = [claim for claim in item.stash.get(CLAIMS, []) if claim.outcome == outcome]
    return (red[-1].explain() if red and isinstance(error, AssertionError) else ""), outcome == "undecided"


def _explains_itself(call: pytest.CallInfo[None]) -> bool:
    """Whether what was raised holds the claim's own text, as a plain assertion about a claim does not."""
    return call.excinfo is not None and isinstance(call.excinfo.value, (Undecided, ClaimFailed))


def status(report: Any) -> tuple[str, str, str] | None:
    """The category, letter and word of a report that carries something of ours; None for any other."""
    carried = getattr(report, FIELD, None)
    if carried is None or report.outcome in ("skipped", "rerun"):
        return None
    if report.failed:
        return ("failed", "u", "UNDECIDED") if carried["undecided"] else None
    case = carried.get("case")
    if case is None:
        return None
    if case["problem"]:
        return "passed", "p", f"PROBLEM ({case['problem']})"
    return ("passed", "d", "DISAGREED") if case["agreed"] is False else None


def take_in(state: State, report: Any) -> None:
    """Count a report and keep what it carries; a rerun of the same test replaces what it said before."""
    carried = getattr(report, FIELD, None)
    if report.failed:
        state.failed += 1
        state.undecided += bool(carried and carried["undecided"])
    if report.skipped and isinstance(report.longrepr, tuple) and NO_JUDGE in report.longrepr[2]:
        state.without_judge += 1
    if report.when == "setup":
        state.again.discard(report.nodeid)
    if report.outcome == "rerun":
        state.again.add(report.nodeid)
    if carried is None:
        return
    record = state.record
    if "case" in carried:
        record.cases[report.nodeid] = carried["case"]
    if "gate" in carried:
        record.gates[report.nodeid] = carried["gate"]
    if "test" in carried and report.outcome != "rerun":
        record.tests[report.nodeid] = carried["test"]
    for claim in carried.get("claims", []) if report.nodeid not in state.again else []:
        record.claims[report.nodeid, claim["number"]] = claim


def exit_status(state: State, status: int) -> int:
    """pytest's own, but 10 where every red test is red for being undecided, and 4 where nothing may run."""
    if state.fault:
        return int(pytest.ExitCode.USAGE_ERROR)
    status = _as_in_a_plain_run(state, status)
    if state.ending and status == pytest.ExitCode.OK:
        return int(pytest.ExitCode.TESTS_FAILED)
    only_undecided = state.failed == state.undecided > 0 and not state.ending
    if status == pytest.ExitCode.TESTS_FAILED and only_undecided:
        return UNDECIDED_EXIT
    return status


def _as_in_a_plain_run(state: State, status: int) -> int:
    """What one process would have ended with: xdist has ways of its own with -x, and with a bad benchmark."""
    controller = state.config.pluginmanager.get_plugin("dsession")
    if controller is None:
        return status
    stop = str(getattr(controller, "shouldstop", ""))
    if status == pytest.ExitCode.INTERRUPTED and state.has_record and stop.startswith("stopping after"):
        return int(pytest.ExitCode.TESTS_FAILED)
    goes_on = state.config.getoption("continue_on_collection_errors")
    if status == pytest.ExitCode.TESTS_FAILED and state.unread and not goes_on:
        return int(pytest.ExitCode.INTERRUPTED)
    return status
