"""Benchmarks made for one test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.benchmarks import Benchmark, load

FORMAT = 'format = "mllm-judge/1"\n'
MEND = "Mend the line, or set strict = false in benchmark.toml to count such lines and leave them out."


def score_item(**changes: Any) -> dict[str, Any]:
    """A native score item, with changes."""
    base = {"id": "s1", "task": "score", "instruction": "What is it?", "responses": [{"text": "A cat."}]}
    return {**base, "human": 4, **changes}


def pair_item(**changes: Any) -> dict[str, Any]:
    """A native pair item, with changes."""
    return {
        "id": "p1",
        "task": "pair",
        "responses": [{"text": "Two."}, {"text": "Three."}],
        "human": "B",
        **changes,
    }


class Folder:
    """A benchmark's folder that a test fills."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.toml = path / "benchmark.toml"
        self.items = path / "items.jsonl"

    def manifest(self, text: str) -> None:
        """Write `benchmark.toml` with the format line."""
        self.toml.write_text(FORMAT + text)

    def lines(self, *lines: str | dict[str, Any], name: str = "items.jsonl") -> None:
        """Write a JSON Lines file."""
        texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
        (self.path / name).write_text("".join(text + "\n" for text in texts))

    def load_again(self) -> Benchmark:
        """Load what is there."""
        return load(self.path)

    def load(self, *lines: str | dict[str, Any], toml: str = "") -> Benchmark:
        """Write both, then load."""
        self.manifest('items = "items.jsonl"\n' + toml)
        self.lines(*lines)
        return load(self.path)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def load_path(tmp_path: Path) -> Callable[..., Benchmark]:
    """Load a published file or folder through a manifest of its own."""

    def loaded(path: Path, toml: str = "") -> Benchmark:
        own = tmp_path / "own"
        own.mkdir(exist_ok=True)
        (own / "benchmark.toml").write_text(f"{FORMAT}path = '{path}'\n{toml}")
        return load(own)

    return loaded
