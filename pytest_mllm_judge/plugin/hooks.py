"""The plugin's hooks. Loaded in every pytest run: nothing heavy is imported on the way here."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.claims.claim import keep_claims, on_undecided
from pytest_mllm_judge.plugin import options, outcomes, stopping, summary
from pytest_mllm_judge.plugin.fixtures import (
    baseline_run,
    judge,
    judge_client,
    judge_item,
    judge_run,
    judge_runs,
    judgement,
    mllm_judge_benchmark,
    mllm_judge_item,
    mllm_judge_place,
    parametrize,
)
from pytest_mllm_judge.plugin.state import STATE, State, state_of

__all__ = [
    "baseline_run",
    "judge",
    "judge_client",
    "judge_item",
    "judge_run",
    "judge_runs",
    "judgement",
    "mllm_judge_benchmark",
    "mllm_judge_item",
    "mllm_judge_place",
]

MARKERS = (
    "judge_benchmark(path): the benchmark that this test's judge fixtures are about",
    "judge_case: the case of one item of a benchmark",
    "judge_gate: the case of one gate of a benchmark",
    "judge_probe: the case of one probe that a benchmark's [probes] asks",
    "judge_probes(*names, repeat=..., name=settings): what this test's runs ask besides [probes]",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and ini keys."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Settle the options, and check the judges that the command line names before anything else happens.

    Those of the ini file wait until a benchmark turns up: a session without one pays nothing for them.
    """
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)
    state = config.stash[STATE] = State(config, options.settled(config))
    if named := options.named_on_the_command_line(config):
        from pytest_mllm_judge.errors import SettingsError

        try:
            for name in named:
                state.session.check_judge(name)
        except SettingsError as error:
            raise pytest.UsageError(str(error)) from None


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say the settled options."""
    return options.header(state_of(config).options)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a benchmark.toml that is ours."""
    if file_path.name != "benchmark.toml":
        return None
    from pytest_mllm_judge.plugin.collection import JudgeFile
    from pytest_mllm_judge.plugin.finding import is_ours

    return JudgeFile.from_parent(parent, path=file_path) if is_ours(file_path) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize tests that use judge fixtures."""
    parametrize(metafunc)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Before the first question: is there a judge, can it be asked, are the selected images sound?"""
    state = state_of(session.config)
    if not state.has_session:
        return
    from pytest_mllm_judge.plugin.finding import find_fault, tell_costs

    if session.config.option.collectonly:
        with state.telling():
            tell_costs(session, state)
        return
    state.fault = find_fault(session, state)
    if state.fault and not hasattr(session.config, "workerinput"):
        state.told = True
        raise pytest.UsageError(state.fault)
    with state.telling():
        tell_costs(session, state)


@pytest.hookimpl(tryfirst=True, wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep every claim whose truth a test asks for, fixtures' included."""
    state = state_of(item.config)
    with keep_claims() as claims, on_undecided(state.options["judge_undecided"]):
        item.stash[outcomes.CLAIMS] = claims
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """On a worker a fault can't stop the run by itself; the first test tells it, and is the last."""
    outcomes.begin(item)
    if fault := state_of(item.config).fault:
        item.session.shouldstop = "nothing was asked"
        pytest.fail(fault, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put what came of a case and its claims on the report."""
    report = yield
    outcomes.put_on_report(item, call, report, state_of(item.config).options["judge_undecided"])
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: Any) -> tuple[str, str, str] | None:
    """`d` for disagreed, `p` for a problem, `u` for undecided."""
    return outcomes.status(report)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where reports arrive (the controller of an xdist run, or the only process), take them in."""
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Receiver(state_of(session.config)), "mllm-judge-receiver")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was recorded, and hand over what this process knows."""
    state = state_of(session.config)
    output = getattr(session.config, "workeroutput", None)
    if state.has_session:
        with state.telling():
            summary.gather(state)
        with state.telling():
            state.session.close(merge=output is None, hurry=stopping.hurry(session))
    if output is not None:
        summary.send(state, output)
        return
    for words in stopping.last_words(session.config):
        summary.receive(state, words)
    stopping.forget(session.config)
    if state.has_record:
        with state.telling():
            state.record.merge_cassettes()
    summary.keep(state)
    summary.write_reports(state)
    session.exitstatus = outcomes.exit_status(state, int(session.exitstatus))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the judges' summary."""
    summary.write(terminalreporter, state_of(terminalreporter.config))


class Receiver:
    """Takes in reports and the workers' last words."""

    def __init__(self, state: State) -> None:
        self.state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take in what a report carries; the live line goes before pytest writes on."""
        self._clear()
        outcomes.take_in(self.state, report)
        if report.failed and self.state.options["judge_record"] != "none":
            stopping.tell_workers_of_failures(self.state.config, self.state.failed)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Before the workers are shut down: tell them if nobody waits for the calls in flight."""
        self._clear()
        if self.state.options["judge_record"] != "none":
            stopping.tell_workers(session)

    def _clear(self) -> None:
        if self.state.has_session and self.state.progress is not None:
            self.state.progress.clear()

    def pytest_collectreport(self, report: Any) -> None:
        """Count what could not be collected."""
        self.state.failed += bool(report.failed)
        self.state.unread += bool(
            report.failed and report.nodeid.partition("::")[0].endswith("benchmark.toml")
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take in what a worker knew."""
        summary.receive(self.state, getattr(node, "workeroutput", {}))
