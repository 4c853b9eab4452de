"""Blocks of Python in a page, and what they print: `<!-- printed -->` below one stands above its output."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
BLOCK = re.compile(
    r"^```python\n(?P<code>(?:(?!```).*\n)*)```\n\n<!-- printed -->\n(?:```text\n(?:(?!```).*\n)*```\n)?",
    re.MULTILINE,
)
_DRIVER = """
import contextlib, io, json, sys
names = {"__name__": "page"}
said = []
for code in json.load(sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, "block of the page", "exec"), names)
    said.append(out.getvalue())
print(json.dumps(said))
"""


def with_printed(text: str) -> str:
    """The page, every marked block followed by what it prints now.

    The blocks of a page are one program: each sees the names of those above it.
    """
    codes = [found["code"] for found in BLOCK.finditer(text)]
    if not codes:
        return text
    outputs = iter(run(codes))
    return BLOCK.sub(lambda found: _shown(found["code"], next(outputs)), text)


def run(codes: list[str]) -> list[str]:
    """What each block prints, in one process whose working folder is the project's."""
    done = subprocess.run(
        [sys.executable, "-c", _DRIVER],
        input=json.dumps(codes),
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"a block of the page does not run:\n{done.stderr}")
    outputs: list[str] = json.loads(done.stdout)
    return outputs


def _shown(code: str, output: str) -> str:
    return f"```python\n{code}```\n\n<!-- printed -->\n```text\n{output.rstrip()}\n```\n"
