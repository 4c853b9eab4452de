"""A cell of the benchmark in a Python process of its own, or pytest.

    python -m tests.benchmarks.replay.fresh MODULE FUNCTION ARGUMENTS

The arguments, and what the function gives, are JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.benchmarks.collection.made import Project

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


def peak(project: Project) -> float:
    """MB (10^6 bytes) of memory that pytest needs at most to run the project's cases, which all must pass.

    A process begins with its parent's peak, so call this from a small one.
    """
    blocked = (f"-pno:{name}" for name in ("randomly", "hypothesispytest", "cacheprovider"))
    command = [sys.executable, "-m", "pytest", "-q", *blocked, *project.arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen(command, cwd=project.folder, env=clean(), stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    if process.returncode or f"{project.cases} passed" not in said:
        raise SystemExit(f"{project.title}: exit status {process.returncode}\n{said[-3000:]}")
    # Linux counts KiB, macOS bytes.
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


if __name__ == "__main__":
    print(json.dumps(here(sys.argv[1], sys.argv[2], **json.loads(sys.argv[3]))))
