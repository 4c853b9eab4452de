"""The live line on a terminal while a reply is waited for."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pytest_mllm_judge.plugin.state import State

_SAVE, _RESTORE, _ERASE = "\x1b7", "\x1b8", "\x1b[K"
_NARROW = 20
"""Columns right of pytest's own output below which nothing is shown."""


class Progress:
    """Writes behind pytest's own line, leaves the cursor where it was, and takes its words back."""

    def __init__(self, state: State, writer: Any, file: Any) -> None:
        self._state = state
        self._writer = writer
        self._file = file
        self._is_shown = False

    @classmethod
    def on_terminal(cls, state: State) -> Self | None:
        """A live line, if this process writes to a terminal that takes one."""
        if hasattr(state.config, "workerinput") or not state.config.pluginmanager.has_plugin(
            "terminalreporter"
        ):
            return None
        writer = state.config.get_terminal_writer()
        # Past the writer, which would count these columns as pytest's own.
        file = getattr(writer, "_file", None)
        takes_one = writer.hasmarkup and file is not None and file.isatty()
        return cls(state, writer, file) if takes_one else None

    def show(self) -> None:
        """Say what is being asked now."""
        room = self._writer.fullwidth - self._writer.width_of_current_line - 2
        if room < _NARROW:
            return
        with self._uncaptured():
            self._file.write(f"{_SAVE} {self._words()[: room - 1]}{_ERASE}{_RESTORE}")
            self._file.flush()
        self._is_shown = True

    def _uncaptured(self) -> AbstractContextManager[None]:
        """While a test waits for a reply, pytest captures what is written, to the terminal too."""
        capture = self._state.config.pluginmanager.get_plugin("capturemanager")
        return nullcontext() if capture is None else capture.global_and_fixture_disabled()

    def clear(self) -> None:
        """Take the words back, before pytest writes on."""
        if self._is_shown:
            self._file.write(_ERASE)
            self._file.flush()
            self._is_shown = False

    def _words(self) -> str:
        runs = [run for run in self._state.session.runs.values() if run.asker is not None]
        recorded = sum(run.recorder.recorded for run in runs if run.recorder is not None)
        flying = sum(run.asker.in_flight for run in runs if run.asker is not None)
        left = sum(run.asker.left for run in runs if run.asker is not None)
        budget = self._state.session.budget
        spent = "" if budget is None else f", {budget.counted:,.2f} spent"
        return f"asking: {recorded} recorded, {flying} in flight, {left} to go{spent}"
