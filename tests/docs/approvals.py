"""What docs/approval.md shows: a judge is approved of, the benchmark changes, another judge is compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

SHAPES = Path(__file__).parents[2] / "fixtures" / "shapes"
REASON = "in use since the pilot"
WIDTH = 110


class Shown(NamedTuple):
    """What the verb said, the file's lines, and the comparison's part of a later run's summary."""

    verb: list[str]
    file: list[str]
    later: list[str]


@lru_cache(maxsize=1)
def shown() -> Shown:
    """All of it, from one story in a folder of its own."""
    with TemporaryDirectory() as name:
        root = Path(name)
        shutil.copytree(SHAPES, root / "shapes")
        (root / "pyproject.toml").touch()
        _run(root, "pytest", "-q", "--judge=shapes-old", "shapes/benchmark.toml::gates")
        verb = _run(root, "pytest_mllm_judge", "approve", "shapes-old", "--reason", REASON)
        file = (root / "shapes" / "baselines" / "shapes-old.json").read_text(encoding="utf-8").splitlines()
        _change(root / "shapes" / "items.jsonl")
        later = _run(root, "pytest", "-q", "--judge=reference", "shapes/benchmark.toml::upgrade")
    first = next(place for place, line in enumerate(later) if line.startswith("not worse"))
    last = next(place for place, line in enumerate(later) if line.startswith("  model: "))
    return Shown(verb, file, later[first : last + 1])


def _run(root: Path, module: str, *words: str) -> list[str]:
    paths = os.pathsep.join([str(SHAPES.parents[1]), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", module, *words],
        cwd=root,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.splitlines()


def _change(path: Path) -> None:
    """Take two items out, ask another one otherwise, and label one anew."""
    items = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    pairs = [item for item in items if item["task"] == "pair"]
    gone = {pairs[0]["id"], pairs[1]["id"]}
    pairs[2]["responses"][0]["text"] += " That is all."
    pairs[3]["human"] = "tie" if pairs[3]["human"] != "tie" else "A"
    kept: list[dict[str, Any]] = [item for item in items if item["id"] not in gone]
    path.write_text("".join(json.dumps(item) + "\n" for item in kept), encoding="utf-8")


def _fenced(lines: list[str], language: str) -> str:
    cut = (line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for line in lines)
    return "\n".join([f"```{language}", *cut, "```"])


def _beginning(file: list[str]) -> list[str]:
    """The head of the file, its first figure and its first items."""
    figures = file.index('  "figures": [')
    gates = next(place for place, line in enumerate(file) if line.startswith('  "gates": '))
    items = file.index('  "items": {')
    more = "    …"
    return [
        *file[: figures + 2],
        more,
        *file[gates - 1 : gates + 2],
        more,
        *file[items - 1 : items + 4],
        more,
    ]


BLOCKS: dict[str, Callable[[], str]] = {
    "output: approve": lambda: _fenced(shown().verb, "text"),
    "output: approved file": lambda: _fenced(_beginning(shown().file), "text"),
    "output: approved comparison": lambda: _fenced(shown().later, "text"),
}
