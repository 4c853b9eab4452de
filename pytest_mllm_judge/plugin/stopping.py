"""Whether somebody stopped the run: -x, Ctrl-C, pytest.exit. Under xdist the controller tells the workers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.errors import NotAsked

_ENDED_BY_ITSELF = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def is_stopped(session: pytest.Session) -> bool:
    """Whether this process's session was stopped before its end."""
    return bool(session.shouldstop or session.shouldfail) or session.exitstatus not in _ENDED_BY_ITSELF


def hurry(session: pytest.Session) -> Callable[[], bool]:
    """What says, at any later time, that the calls in flight should not be waited for to their end."""
    if is_stopped(session):
        return lambda: True
    config = session.config
    return lambda: _is_told(config)


def obey(config: pytest.Config) -> None:
    """On a worker that waits for a reply: raise NotAsked once the run was stopped, and run no more tests."""
    if _is_told(config):
        session: Any = config.pluginmanager.get_plugin("session")
        session.shouldstop = "the run was stopped"
        raise NotAsked("not asked to the end: the run was stopped")


def _is_told(config: pytest.Config) -> bool:
    run = getattr(config, "workerinput", {}).get("testrunuid", "")
    return bool(run) and _sign(run).exists()


def tell_workers(session: pytest.Session) -> None:
    """Leave a sign for the workers of a run that was stopped; a worker's own session can't know."""
    if (run := _run(session.config)) and is_stopped(session):
        _sign(run).touch()


def tell_workers_of_failures(config: pytest.Config, failed: int) -> None:
    """The same as soon as so many reports are red that xdist ends the run: it waits for the workers first."""
    most = config.getoption("maxfail", 0)
    if most and failed >= most and (run := _run(config)):
        _sign(run).touch()


def last_words(config: pytest.Config) -> Iterator[dict[str, Any]]:
    """What workers said when nobody listened any more: Ctrl-C ends the controller's loop at once."""
    controller = config.pluginmanager.get_plugin("dsession")
    for node in getattr(controller, "_active_nodes", ()):
        yield getattr(node, "workeroutput", {})


def forget(config: pytest.Config) -> None:
    """Take the sign away when all workers are gone."""
    if run := _run(config):
        _sign(run).unlink(missing_ok=True)


def _run(config: pytest.Config) -> str:
    """The id of the run whose workers this process controls; '' if it controls none."""
    controller = config.pluginmanager.get_plugin("dsession")
    nodes = getattr(controller, "nodemanager", None)
    return str(getattr(nodes, "testrunuid", ""))


def _sign(run: str) -> Path:
    return Path(tempfile.gettempdir()) / f"pytest-mllm-judge-{run}.stopped"
