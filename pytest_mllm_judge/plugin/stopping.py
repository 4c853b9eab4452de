"""Whether somebody stopped the run: -x, Ctrl-C, pytest.exit. Under xdist the controller tells the workers."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

_ENDED_BY_ITSELF = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)


def is_stopped(session: pytest.Session) -> bool:
    """Whether this process's session was stopped before its end."""
    return bool(session.shouldstop or session.shouldfail) or session.exitstatus not in _ENDED_BY_ITSELF


def hurry(session: pytest.Session) -> Callable[[], bool]:
    """What says, at any later time, that the calls in flight should not be waited for to their end."""
    if is_stopped(session):
        return lambda: True
    run = getattr(session.config, "workerinput", {}).get("testrunuid", "")
    sign = _sign(run)
    return lambda: bool(run) and sign.exists()


def tell_workers(session: pytest.Session) -> None:
    """Leave a sign for the workers of a run that was stopped; a worker's own session can't know."""
    if (run := _run(session.config)) and is_stopped(session):
        _sign(run).touch()


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
