"""Put a multimodal judge model under test, in pytest.

The names below are loaded when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_mllm_judge.benchmarks import Benchmark, load
    from pytest_mllm_judge.claims import Claim, Estimate
    from pytest_mllm_judge.errors import ClaimFailed, MllmJudgeError, Undecided
    from pytest_mllm_judge.metrics import (
        agreement,
        assertions,
        attack,
        bias,
        coherence,
        consistency,
        grounding,
        hallucination,
        metric,
        probed,
        problems,
        reviews,
        robustness,
        spending,
    )
    from pytest_mllm_judge.model import Item, Judgement, Judgements, Reply, Response, Review
    from pytest_mllm_judge.runs.run import Run
    from pytest_mllm_judge.runs.session import Session

_HOMES = {
    "Benchmark": "benchmarks",
    "Claim": "claims",
    "ClaimFailed": "errors",
    "Estimate": "claims",
    "Item": "model",
    "Judgement": "model",
    "Judgements": "model",
    "MllmJudgeError": "errors",
    "Reply": "model",
    "Response": "model",
    "Review": "model",
    "Run": "runs.run",
    "Session": "runs.session",
    "Undecided": "errors",
    "agreement": "metrics",
    "assertions": "metrics",
    "attack": "metrics",
    "bias": "metrics",
    "coherence": "metrics",
    "consistency": "metrics",
    "grounding": "metrics",
    "hallucination": "metrics",
    "load": "benchmarks",
    "metric": "metrics",
    "probed": "metrics",
    "problems": "metrics",
    "reviews": "metrics",
    "robustness": "metrics",
    "spending": "metrics",
}

__all__ = [
    "Benchmark",
    "Claim",
    "ClaimFailed",
    "Estimate",
    "Item",
    "Judgement",
    "Judgements",
    "MllmJudgeError",
    "Reply",
    "Response",
    "Review",
    "Run",
    "Session",
    "Undecided",
    "agreement",
    "assertions",
    "attack",
    "bias",
    "coherence",
    "consistency",
    "grounding",
    "hallucination",
    "load",
    "metric",
    "probed",
    "problems",
    "reviews",
    "robustness",
    "spending",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
