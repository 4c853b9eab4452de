"""What the page about reports shows: one run of the bundled judges, on the terminal and in Markdown."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
JUDGES = ("--judge=shapes-worse", "--judge-baseline=shapes-old")


@lru_cache
def run() -> tuple[list[str], str]:
    """The lines of the summary from the comparisons on, and the report."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.md"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *JUDGES, f"--judge-report={path}", "fixtures/shapes"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        report = re.sub(r"\]\([^()]*/fixtures/", "](../fixtures/", path.read_text(encoding="utf-8"))
    lines = done.stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("not worse than"))
    end = next(place for place, line in enumerate(lines) if line.startswith("asked: "))
    return lines[start:end], report


def terminal() -> str:
    """An upgrade's lines in the summary."""
    return "\n".join(["```text", *run()[0], "```"])


def answer() -> str:
    """The report's first part."""
    return _fenced(run()[1].partition("\n## Properties")[0])


def table() -> str:
    """What changed among the pairs, by the answer that humans prefer."""
    pairs = run()[1].partition("\n### pair\n")[2]
    rows = pairs[pairs.index("| answer that humans prefer") :]
    return rows.partition("\n\n")[0]


def flip() -> str:
    """The first flip."""
    text = run()[1]
    start = text.index("<details><summary><b>")
    return _fenced(text[start : text.index("</details>", start) + len("</details>")])


def _fenced(text: str) -> str:
    return f"````markdown\n{text.strip()}\n````"


BLOCKS: dict[str, Callable[[], str]] = {
    "output: what changed": terminal,
    "output: the answer": answer,
    "output: by slot": table,
    "output: a flip": flip,
}
