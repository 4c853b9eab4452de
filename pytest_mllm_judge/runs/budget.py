"""What all judges of a run may cost together."""

from __future__ import annotations

from pytest_mllm_judge.judging.judge import Judge
from pytest_mllm_judge.recording.recorder import Recorder


class Budget:
    """Adds up, from the cassettes' journals, what every process of this run has spent on replies.

    `limit` is in the currency of the judges' prices. A failed try costs nothing here: its usage is unknown.
    """

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self._tills: dict[int, _Till] = {}

    def watch(self, judge: Judge, recorder: Recorder) -> None:
        """Count in what is recorded there, at that judge's prices."""
        self._tills.setdefault(id(recorder), _Till(judge, recorder))

    @property
    def counted(self) -> float:
        """What was spent when it was last looked at."""
        return sum(till.cost for till in self._tills.values())

    @property
    def spent(self) -> float:
        """What was spent so far."""
        return sum(till.count() for till in self._tills.values())

    def over(self) -> str:
        """Why nothing more may be asked, as a clause; '' as long as something may."""
        spent = self.spent
        if spent >= self.limit:
            return f"{spent:,.4f} of --judge-max-cost={self.limit:g} is spent"
        unpriced = sum(till.unpriced for till in self._tills.values())
        if unpriced:
            return f"--judge-max-cost={self.limit:g} can't be kept: {unpriced} replies came without usage"
        return ""


class _Till:
    """The cost of what this run recorded in one cassette, counted up to now."""

    def __init__(self, judge: Judge, recorder: Recorder) -> None:
        self.judge = judge
        self.recorder = recorder
        self.unpriced = 0
        self._counted = 0
        self.cost = 0.0

    def count(self) -> float:
        self.recorder.refresh()
        for reply in self.recorder.fresh(self._counted):
            self._counted += 1
            cost = self.judge.cost(reply)
            self.unpriced += cost is None
            self.cost += cost or 0.0
        return self.cost
