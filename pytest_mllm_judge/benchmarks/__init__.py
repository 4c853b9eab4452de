"""Benchmarks on disk: `benchmark.toml`, the native items, published sets as they were released.

Importing this package loads neither pydantic nor any reader; that waits until a benchmark is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pytest_mllm_judge.benchmarks.toml import is_manifest

if TYPE_CHECKING:
    from pytest_mllm_judge.benchmarks.benchmark import Benchmark
    from pytest_mllm_judge.benchmarks.lines import BadLine
    from pytest_mllm_judge.benchmarks.loading import load
    from pytest_mllm_judge.benchmarks.manifest import Gate, Manifest
    from pytest_mllm_judge.benchmarks.native import write_items
    from pytest_mllm_judge.benchmarks.readers import Reader

__all__ = ["BadLine", "Benchmark", "Gate", "Manifest", "Reader", "is_manifest", "load", "write_items"]

_HOMES = {
    "BadLine": "lines",
    "Benchmark": "benchmark",
    "Gate": "manifest",
    "Manifest": "manifest",
    "Reader": "readers",
    "load": "loading",
    "write_items": "native",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
