"""Estimates made up for tests of claims: 100 judgements in 50 clusters, 0.7 (0.6 to 0.8)."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pytest_mllm_judge.claims import Claim, Estimate
from pytest_mllm_judge.statistics import Interval


def interval(
    value: float | None, low: float | None, high: float | None, reason: str = "", *, n: int = 100
) -> Interval:
    return Interval(
        value=value, low=low, high=high, n=n, clusters=50, method="wilson", confidence=0.95, reason=reason
    )


def estimate(
    value: float | None = 0.7,
    low: float | None = 0.6,
    high: float | None = 0.8,
    *,
    reason: str = "",
    metric: str = "pair.accuracy",
    n: int = 100,
    **more: Any,
) -> Estimate:
    counted = interval(value, low, high, reason, n=n)
    return Estimate(metric=metric, better="higher", counted=counted, **more)


def line(claim: Claim, name: str) -> str:
    """What a claim's text says in the line of that name; '' without one."""
    found = [text for text in claim.explain().splitlines() if text.split()[0] == name]
    return found[0].strip().removeprefix(name).strip() if found else ""


def made(side: str, of: Estimate, limit: float) -> Claim:
    if side == "within":
        return of.within(limit)
    return of >= limit if side == "at least" else of <= limit


BOUNDS = st.floats(-2, 2, allow_subnormal=False)


@st.composite
def estimates(draw: st.DrawFn) -> Estimate:
    """With problems or not, in one direction or both."""

    def some() -> tuple[float, float, float]:
        low, value, high = sorted(draw(st.tuples(BOUNDS, BOUNDS, BOUNDS)))
        return value, low, high

    more: dict[str, Any] = {name: interval(*some()) for name in ("without", "upper") if draw(st.booleans())}
    metric = draw(st.sampled_from(["m", "m, difference"]))
    return estimate(*some(), metric=metric, noise=draw(st.floats(0, 1)), **more)


SIDES = st.sampled_from(["at least", "at most", "within"])
