"""Projects around the real data that stands beside this clone."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

MakeProject = Callable[..., pytest.Pytester]


@pytest.fixture
def real_project(pytester: pytest.Pytester, shared: Path) -> MakeProject:
    """A project with log judges and one benchmark read from the real data."""

    def make(
        judges: Mapping[str, Mapping[str, Any]], *, reader: str, path: str, rest: str = ""
    ) -> pytest.Pytester:
        tables = [
            f"[tool.pytest-mllm-judge.judges.{json.dumps(name)}]\n"
            + "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())
            for name, table in judges.items()
        ]
        (pytester.path / "pyproject.toml").write_text("\n".join(tables), encoding="utf-8")
        folder = pytester.path / "bench"
        folder.mkdir()
        head = f'format = "mllm-judge/1"\nname = "{reader}"\nreader = "{reader}"\npath = "{shared / path}"\n'
        (folder / "benchmark.toml").write_text(head + rest, encoding="utf-8")
        return pytester

    return make


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)
