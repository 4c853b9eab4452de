"""From the processes' facts to the terminal summary."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.plugin.outcomes import NO_JUDGE
from pytest_mllm_judge.plugin.state import State

FACTS = "mllm_judge_facts"
FAULT = "mllm_judge_fault"
ENDING = "mllm_judge_ending"
JUDGED = "mllm_judge_judged"


def send(state: State, output: dict[str, Any]) -> None:
    """Put what this process knows where the controller finds it (xdist's workeroutput)."""
    output[FAULT] = state.fault
    output[FACTS] = facts(state)
    output[ENDING] = state.ending
    output[JUDGED] = json.dumps(state.judged)  # half a surrogate pair in a reply would break xdist's own way


def facts(state: State) -> dict[str, Any] | None:
    """The facts of this process's runs; None if it had none."""
    if not state.has_session or not state.session.runs:
        return None
    from pytest_mllm_judge.runs.approved import unchosen
    from pytest_mllm_judge.runs.approved_run import AS_APPROVED
    from pytest_mllm_judge.runs.record import facts_of

    named = state.options["judge_baseline"]
    known = facts_of(state.session.runs.values())
    for run in known["runs"].values():
        run["under_test"] = run["judge"] in state.judges
        run["baseline"] = run["judge"] == named or run["judge"].endswith(AS_APPROVED)
        if run["under_test"] and named is None:
            run["unchosen"] = unchosen(Path(run["benchmark"]), run["judge"])
    return known


def gather(state: State) -> None:
    """Keep this process's judgements as plain data, before its session lets go of them."""
    if state.has_session and state.session.runs:
        from pytest_mllm_judge.runs.record import all_judged

        state.judged = all_judged([*state.session.with_clients, *state.session.runs.values()])


def receive(state: State, output: dict[str, Any]) -> None:
    """Take in what a worker sent."""
    state.fault = state.fault or output.get(FAULT, "")
    state.ending += output.get(ENDING, [])
    if output.get(FACTS):
        state.record.add_facts(output[FACTS])
    if judged := json.loads(output.get(JUDGED, "[]")):
        state.record.add_judged(judged)


def keep(state: State) -> None:
    """Complete the run record of a run that asked a judge, and write it to pytest's cache."""
    if (known := facts(state)) is not None:
        state.record.add_facts(known)
        state.record.add_judged(state.judged)
    if not state.has_record or not state.record.judged:
        return
    state.record.root = str(state.root)
    cache = getattr(state.config, "cache", None)
    if cache is None:
        return
    try:
        state.record.save(cache.mkdir("mllm-judge") / "run.json")
    except OSError as error:  # the run is as good without it
        state.notes.append(f"mllm-judge: the run record could not be kept in pytest's cache: {error}")


def write_reports(state: State) -> None:
    """Write the reports that are asked for, and to the summary page of the GitHub job that this runs in."""
    github = os.environ.get("GITHUB_STEP_SUMMARY")
    if not (state.reports or github) or not state.has_record or not state.record.judged:
        return
    from pytest_mllm_judge.reports import making, writing

    with state.telling():
        report = making.report(state.record)
        for path in state.reports:
            try:
                writing.write(report, path, root=state.root)
                state.written.append(os.path.relpath(path))
            except OSError as error:
                state.ending.append(f"--judge-report: {path} can't be written ({error.strerror})")
        if github:
            try:
                writing.append_to_summary(report, Path(github), root=state.root, environment=os.environ)
            except OSError as error:  # nobody asked for it
                state.notes.append(f"mllm-judge: GITHUB_STEP_SUMMARY can't be written ({error.strerror})")


def write(terminal: pytest.TerminalReporter, state: State) -> None:
    """Write the summary of every judge on every benchmark, and what was skipped."""
    if state.fault and state.told:
        return
    if state.fault:
        terminal.section("judges: nothing was asked", red=True)
        terminal.line(state.fault)
        return
    if state.ending:
        terminal.section("judges: not everything was kept as it should be", red=True)
        for told in state.ending:
            terminal.line(told)
    if state.without_judge:
        terminal.line(f"mllm-judge: {state.without_judge} test(s) skipped: {NO_JUDGE}")
    for note in state.notes:
        terminal.line(note)
    if not state.has_record:
        return
    from pytest_mllm_judge.reports.terminal import lines

    for title, body in lines(state.record):
        terminal.section(title)
        for line in body:
            terminal.line(line)
    if state.written:
        terminal.line(f"report: {', '.join(state.written)}")
