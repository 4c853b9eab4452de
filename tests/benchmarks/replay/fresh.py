"""A cell of the benchmark in a Python process of its own.

    python -m tests.benchmarks.replay.fresh MODULE FUNCTION ARGUMENTS

The arguments, and what the function gives, are JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[3]
Told = dict[str, Any]
Cell = Callable[..., Told]
"""Called with a cell's `module` and name, and its arguments by name; gives what the cell told."""


def clean() -> dict[str, str]:
    """This process's environment without settings of Python, pytest and the SDK."""
    mine = ("PYTEST_", "PYTHON", "OPENAI_")
    return {key: value for key, value in os.environ.items() if not key.startswith(mine)}


def here(module: str, function: str, **arguments: Any) -> Told:
    """Run the cell in this process."""
    cell = getattr(import_module(f"tests.benchmarks.replay.{module}"), function)
    told: Told = json.loads(json.dumps(cell(**arguments)))
    return told


def fresh(module: str, function: str, **arguments: Any) -> Told:
    """Run the cell in a new process. Exit with what it said if it fails."""
    command = [sys.executable, "-m", __name__, module, function, json.dumps(arguments)]
    process = subprocess.run(
        command, cwd=PROJECT, env=clean(), capture_output=True, encoding="utf-8", check=False
    )
    if process.returncode:
        said = (process.stdout + process.stderr)[-3000:]
        raise SystemExit(f"{module}.{function} {arguments}: exit status {process.returncode}\n{said}")
    told: Told = json.loads(process.stdout.rstrip().rpartition("\n")[2])
    return told


if __name__ == "__main__":
    print(json.dumps(here(sys.argv[1], sys.argv[2], **json.loads(sys.argv[3]))))
