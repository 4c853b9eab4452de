"""Which benchmark.toml files are ours, and what would go wrong before the first question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_mllm_judge.errors import MllmJudgeError
from pytest_mllm_judge.plugin.cases import Case, ItemCase, UpgradeCase
from pytest_mllm_judge.plugin.fixtures import asked_by, marked_by
from pytest_mllm_judge.plugin.options import REQUIRED
from pytest_mllm_judge.plugin.outcomes import NO_JUDGE

if TYPE_CHECKING:
    from pytest_mllm_judge.model import Item
    from pytest_mllm_judge.plugin.state import State
    from pytest_mllm_judge.runs.run import Run


def is_ours(path: Path) -> bool:
    """Whether a benchmark.toml is for us; one that can't be read but names our format is, too."""
    from pytest_mllm_judge.benchmarks import is_manifest
    from pytest_mllm_judge.errors import BenchmarkError

    try:
        return is_manifest(path)
    except BenchmarkError:
        return True  # collecting it tells the error


def find_fault(session: pytest.Session, state: State) -> str:
    """What is wrong with the whole run before anything is asked; '' if nothing is."""
    cases = [case for case in session.items if isinstance(case, Case)]
    if not state.judges:
        return _without_judge(session, state, cases)
    try:
        for judge in state.judges:
            state.session.check_judge(judge)
        for path in sorted({case.path for case in cases}):
            state.session.check_gates(path)
        if any(isinstance(case, UpgradeCase) for case in cases):
            state.session.check_upgrades({case.path for case in cases})
        if state.options[REQUIRED] and state.options["judge_baseline"] is None:
            for case in cases:
                state.session.check_chosen(str(case.judge), case.path)
        for run, items, repeats, probed in _asked(cases):
            run.prepare(items, repeats=repeats, probed=probed)
            state.prepared[run.judge.name, run.benchmark.folder, ""] = ""
        _expect(session.items, state)
    except (MllmJudgeError, UserWarning) as error:  # a cut journal warns, and warnings may be errors
        return str(error)
    return ""


def _expect(items: list[pytest.Item], state: State) -> None:
    """Tell each run what the selected cases and tests will ask, in their order."""
    for case in items:
        if isinstance(case, Case):
            for run, some, repeats in case.asks():
                run.expect(some, repeats=repeats, probed=not isinstance(case, ItemCase))
        elif isinstance(case, pytest.Function) and (asked := asked_by(case)) is not None:
            judge, path, item = asked
            state.session.run(judge, path).expect([item])


def _asked(cases: list[Case]) -> list[tuple[Run, list[Item], int, bool]]:
    """What the selected cases will ask about: each run's items, how often each at most, and variants too."""
    asked: dict[int, tuple[Run, dict[str, Item], int, bool]] = {}
    for case in cases:
        for run, items, repeats in case.asks():
            _, known, most, probed = asked.get(id(run), (run, {}, 1, False))
            known.update({item.id: item for item in items})
            probed = probed or not isinstance(case, ItemCase)
            asked[id(run)] = run, known, max(most, repeats), probed
    return [(run, list(items.values()), most, probed) for run, items, most, probed in asked.values()]


def tell_costs(session: pytest.Session, state: State) -> None:
    """Before anything is asked, say what asking comes to, probe by probe. Workers of xdist say nothing."""
    terminal = session.config.pluginmanager.get_plugin("terminalreporter")
    if terminal is None or state.options["judge_record"] == "none" or state.fault or not state.judges:
        return
    from pytest_mllm_judge.runs.forecast import forecast, lines, merged

    cases = [case for case in session.items if isinstance(case, Case)]
    asked = [*_asked(cases), *_marked(session.items, state)]
    found = [
        forecast(run, items, repeats=repeats, probed=probed)
        for run, items, repeats, probed in asked
        if run.asker is not None
    ]
    for each in merged(found):
        for line in lines(each) if each.together.unrecorded else ():
            terminal.write_line(line)


def _marked(items: Sequence[pytest.Item], state: State) -> Iterator[tuple[Run, Sequence[Item], int, bool]]:
    """What tests with a marker `judge_probes` ask at most: everything, as their markers say."""
    for place in dict.fromkeys(filter(None, map(marked_by, items))):
        with suppress(MllmJudgeError):  # which the test tells
            run = state.session.asking(state.session.run(place.judge, place.path), place.asks)
            yield run, run.items, run.probing.repeat, True


def _without_judge(session: pytest.Session, state: State, cases: list[Case]) -> str:
    named = {path for path in {case.path for case in cases} if _is_named(session.config, path)}
    if not named and not (cases and state.options[REQUIRED]):
        return ""
    from pytest_mllm_judge.judging.registry import presets

    known = ", ".join(sorted({*presets(), *state.session.tables}))
    path = min(named or {case.path for case in cases})
    asked = "" if named else f", and the ini key {REQUIRED} asks for one"
    return f"{path.parent} is a benchmark, but {NO_JUDGE}{asked}\n  Known judges: {known}"


def _is_named(config: pytest.Config, path: Path) -> bool:
    """Whether the command line names the benchmark itself, not a folder it was found in."""
    if config.args_source != pytest.Config.ArgsSource.ARGS:
        return False
    here = config.invocation_params.dir
    named = {(here / arg.split("::", 1)[0]).resolve() for arg in config.args}
    return bool(named & {path.resolve(), path.parent.resolve()})
