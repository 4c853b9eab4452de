"""What a judge said as what can be compared, and differences that tell where it is less consistent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgement, Label, Verdict

NOTHING = "there is no judgement here"
Tell = Callable[[Rows, Rows], list[str]]


@dataclass(frozen=True, kw_only=True)
class Told(Pairing):
    """A difference whose examples say what is less consistent than by the other judge."""

    tell: Tell

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one, on what both have."""
        told = self.tell(*self._side_by_side(other))
        return replace(super().minus(other), examples=told[:3], wrong=len(told))


def telling(found: Estimate, examples: Sequence[str], wrong: int, tell: Tell) -> Estimate:
    """The estimate with these examples, and a difference that tells its own."""
    own = found.pairing
    if not isinstance(own, Pairing):
        return found
    pairing = Told(metric=own.metric, better=own.better, rows=own.rows, measure=own.measure, tell=tell)
    return replace(found, examples=examples, wrong=wrong, pairing=pairing)


def said(judgement: Judgement) -> Label | None:
    """The verdict as what can be compared; None for a problem."""
    verdict: Verdict | None = judgement.verdict
    if judgement.problem is not None or verdict is None:
        return None
    return (
        ", ".join(f"{name} {verdict[name]}" for name in sorted(verdict))
        if isinstance(verdict, dict)
        else verdict
    )
