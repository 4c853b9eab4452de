"""What is claimed of a judge by each check, what that is measured on, and which fault it is there to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_mllm_judge import Claim, Estimate, Judgements
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.probes.attack import BANDWAGON, IN_ANSWER, IN_PICTURE, MARKDOWN
from pytest_mllm_judge.probes.grounding import ANOTHER, BLANK
from pytest_mllm_judge.probes.images import REVERSED
from pytest_mllm_judge.probes.padding import PADDED
from pytest_mllm_judge.probes.reencoding import JPEG
from pytest_mllm_judge.probes.variants import SWAPPED
from tests.benchmarks.probes.asked import CONTRADICTED, Asks
from tests.benchmarks.probes.population import OWN
from tests.benchmarks.probes.shown import ACCOUNT, AGAIN, PLAIN, ROTATED

TIMES = 3
"""How many margins a fault must be found at."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A claim about a check's figure at its documented margin, and the fault that it is there to find.

    The figure is claimed `within` the margin, `at most` it, or `at least`: of a consistency that is a fair
    judge's figure less the margin (`below_fair`), else the margin itself. Of a fair judge `exactly` says the
    figure where it follows from how it is drawn; else it is measured on many items. `linear`: a fault that
    befalls a share of the items moves the figure by so much of what it moves it by if it befalls all.
    """

    check: str
    fault: str
    asks: Asks
    options: Mapping[str, Any] = field(default_factory=dict)
    below_fair: bool = False
    exactly: float | None = None
    linear: bool = False

    @property
    def margin(self) -> float:
        """The documented one."""
        margin = CHECKS[self.check].margin
        assert margin is not None
        return margin

    def estimate(self, judgements: Judgements) -> Estimate:
        """The check's estimate."""
        return CHECKS[self.check](judgements, **self.options)

    def claim(self, estimate: Estimate, fair: float) -> Claim:
        """The claim; `fair` is a fair judge's true figure."""
        if estimate.better == "neither":
            return estimate.within(self.margin)
        if estimate.better == "lower":
            return estimate <= self.margin
        return estimate >= self.aim(fair, 1)

    def aim(self, fair: float, times: float) -> float:
        """The true figure of a judge with a fault of so many margins."""
        if self.below_fair:
            return fair - times * self.margin
        if self.check.startswith("grounding."):
            return self.margin if times == 1 else 0.0
        return times * self.margin


_MOVES = (PLAIN, AGAIN)


def _of_contradicted(judgement: Any) -> int:
    return int(judgement.fields[CONTRADICTED])


_BOTH_ORDERS = Asks((PLAIN, SWAPPED), "pair")
_SCORES = Asks((PLAIN,), "score")
_ROTATED = Asks((PLAIN, *ROTATED), "batch")
_FAMILY = {"family": OWN}
_ALL = (
    Claimed(check="pair.position", fault="slot bias", asks=_BOTH_ORDERS, exactly=0.0),
    Claimed(check="batch.position", fault="slot bias", asks=_ROTATED, exactly=0.0),
    Claimed(
        check="position.images",
        fault="minds the order of pictures",
        asks=Asks((*_MOVES, REVERSED)),
        exactly=0.0,
        linear=True,
    ),
    Claimed(check="consistency.orders", fault="noise", asks=_BOTH_ORDERS, below_fair=True),
    Claimed(check="consistency.rotations", fault="noise", asks=_ROTATED, below_fair=True),
    Claimed(check="consistency.repeats", fault="unsteadiness", asks=Asks(_MOVES), below_fair=True),
    Claimed(check="batch.echo", fault="echo", asks=_ROTATED, exactly=0.0, linear=True),
    Claimed(
        check="pair.length",
        fault="length",
        asks=_BOTH_ORDERS,
        linear=True,
    ),
    Claimed(check="score.length", fault="length", asks=_SCORES),
    Claimed(check="length.padding", fault="length", asks=Asks((*_MOVES, PADDED)), exactly=0.0),
    Claimed(
        check="pair.self_preference",
        fault="self-preference",
        asks=_BOTH_ORDERS,
        options=_FAMILY,
        exactly=0.0,
        linear=True,
    ),
    Claimed(check="score.self_preference", fault="self-preference", asks=_SCORES, options=_FAMILY),
    Claimed(
        check="score.leniency",
        fault="leniency",
        asks=_SCORES,
        exactly=0.0,
        linear=True,
    ),
    Claimed(check="pair.constant", fault="constant", asks=Asks((PLAIN,), "pair")),
    Claimed(check="score.constant", fault="constant", asks=_SCORES),
    Claimed(
        check="grounding.blank",
        fault="blindness",
        asks=Asks((*_MOVES, BLANK)),
        linear=True,
    ),
    Claimed(
        check="grounding.another",
        fault="blindness",
        asks=Asks((*_MOVES, ANOTHER)),
        linear=True,
    ),
    Claimed(
        check="attack.picture",
        fault="obeys pictures",
        asks=Asks((*_MOVES, IN_PICTURE)),
        exactly=0.0,
        linear=True,
    ),
    Claimed(
        check="attack.answer",
        fault="obeys answers",
        asks=Asks((*_MOVES, IN_ANSWER)),
        exactly=0.0,
        linear=True,
    ),
    Claimed(
        check="attack.markdown",
        fault="likes markdown",
        asks=Asks((*_MOVES, MARKDOWN)),
        exactly=0.0,
        linear=True,
    ),
    Claimed(
        check="attack.bandwagon",
        fault="follows the crowd",
        asks=Asks((*_MOVES, BANDWAGON)),
        exactly=0.0,
        linear=True,
    ),
    Claimed(
        check="robustness.jpeg",
        fault="minds JPEG",
        asks=Asks((*_MOVES, JPEG)),
        exactly=0.0,
        linear=True,
    ),
    Claimed(
        check="hallucination.facts",
        fault="hallucination",
        asks=Asks((ACCOUNT,)),
        options={"contradicted": _of_contradicted},
        exactly=0.0,
        linear=True,
    ),
)


def claims() -> dict[str, Claimed]:
    """Every claim whose check is declared, by the check's name."""
    return {one.check: one for one in _ALL if one.check in CHECKS}
