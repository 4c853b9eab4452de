"""When nothing more is asked of a judge in a run, and why."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

from pytest_mllm_judge.errors import CassetteError, HoldsSecret, JudgeError, MllmJudgeError, NotAsked
from pytest_mllm_judge.runs.budget import Budget

SHUT = (401, 403)
"""Statuses after which every further question would fail as well."""
DEAD = 5
"""Questions in a row without a reply, all tries used, after which a judge is not asked any more."""


class Halt:
    """Watches what comes of asking. `why` is None as long as more may be asked."""

    def __init__(self, budget: Budget | None) -> None:
        self.why: MllmJudgeError | None = None
        self._budget = budget
        self._in_vain = 0

    def check(self) -> None:
        """Raise what whoever asks must be told, if nothing more is asked."""
        if self.why is not None:
            raise copy(self.why)

    def look_at_the_budget(self) -> None:
        """Nothing more is asked once it is spent, or can't be counted."""
        if self.why is not None or self._budget is None:
            return
        try:
            over = self._budget.over()
        except CassetteError as error:
            self.why = error
        else:
            self.why = NotAsked(f"not asked: {over}") if over else None

    def heard(self, failures: Sequence[JudgeError], *, replies: int) -> None:
        """Take in what other processes of this run met, and how many replies they got."""
        for error in failures:
            self._if_shut(error)
        if not replies and sum(error.passing for error in failures) >= DEAD:
            self._in_vain = DEAD
            self._if_dead(failures[-1])

    def replied(self) -> None:
        """The judge lives."""
        self._in_vain = 0

    def failed(self, error: Exception) -> None:
        """See whether it is worth to go on after a question that got no reply."""
        if isinstance(error, CassetteError) and not isinstance(error, HoldsSecret):
            self.why = self.why or error  # what is paid for now could not be kept
            return
        self._if_shut(error)
        is_refused = isinstance(error, JudgeError) and error.status is not None and not error.passing
        if is_refused:  # by a server that lives
            self._in_vain = 0
        elif isinstance(error, HoldsSecret) or (isinstance(error, JudgeError) and error.passing):
            self._in_vain += 1
        self._if_dead(error)

    def _if_shut(self, error: Exception) -> None:
        if isinstance(error, JudgeError) and error.status in SHUT:
            self.why = self.why or JudgeError(str(error))

    def _if_dead(self, error: Exception) -> None:
        if self._in_vain >= DEAD and self.why is None:
            self.why = NotAsked(f"not asked: {DEAD} questions in a row got no reply, the last one: {error}")
