"""Named assertions, one for each check: `assert_pair_accuracy(judge_run.pair, at_least=0.60)`."""

from __future__ import annotations

from typing import Any, Protocol

from pytest_mllm_judge.claims import Claim
from pytest_mllm_judge.errors import ClaimFailed
from pytest_mllm_judge.metrics.checks import CHECKS, Check
from pytest_mllm_judge.model import Judgements

PREFIX = "assert_"


class Assertion(Protocol):
    """Raises ClaimFailed if the claim fails, Undecided if it can't be decided; returns the claim."""

    def __call__(
        self,
        judgements: Judgements,
        /,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        within: float | None = None,
        **options: Any,
    ) -> Claim:
        """Check exactly one bound; the options are the check's own."""


def names() -> list[str]:
    """The names of all assertions, sorted."""
    return sorted(name_of(check) for check in CHECKS)


def name_of(check: str) -> str:
    """`assert_pair_accuracy` for `pair.accuracy`."""
    return PREFIX + check.replace(".", "_")


def _assertion(check: Check) -> Assertion:
    def assert_(
        judgements: Judgements,
        /,
        *,
        at_least: float | None = None,
        at_most: float | None = None,
        within: float | None = None,
        **options: Any,
    ) -> Claim:
        given = [bound for bound in (at_least, at_most, within) if bound is not None]
        if len(given) != 1:
            raise TypeError(f"{name_of(check.name)} takes exactly one of at_least, at_most, within")
        estimate = check(judgements, **options)
        if at_least is not None:
            claim = estimate >= at_least
        else:
            claim = estimate <= at_most if at_most is not None else estimate.within(given[0])
        if not claim:
            raise ClaimFailed(claim.explain())
        return claim

    assert_.__name__ = assert_.__qualname__ = name_of(check.name)
    assert_.__doc__ = f"Claim: {check.about}"
    return assert_


def __getattr__(name: str) -> Assertion:
    for check in CHECKS.values():
        if name == name_of(check.name):
            return _assertion(check)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return names()
