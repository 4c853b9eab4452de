"""A project whose judge asks a server on loopback, and pytest runs of it in processes of their own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.runs.crowd import JUDGE, Crowd, items_in, table, write_bench

ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|[78])")


@dataclass
class Recording:
    """A project with the benchmark `bench` and the judge `mine`."""

    pytester: pytest.Pytester
    crowd: Crowd

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.pytester.path

    def write(self, count: int, *, top: str = "", ini: str = "", tables: Any = None, **more: Any) -> None:
        """Write the benchmark, and pyproject.toml with the judges' tables."""
        write_bench(self.root / "bench", count, top=top, **more)
        text = ""
        for name, settings in (tables or {JUDGE: table(self.crowd)}).items():
            text += f"[tool.pytest-mllm-judge.judges.{name}]\n"
            text += "".join(f"{key} = {_toml(value)}\n" for key, value in settings.items())
        text += f"[tool.pytest.ini_options]\n{ini}\n"
        (self.root / "pyproject.toml").write_text(text, encoding="utf-8")

    def start(self, *args: str, record: str = "new_episodes", **more: Any) -> subprocess.Popen[str]:
        """Start pytest, in a process group of its own."""
        command = [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "no:cacheprovider"]
        more = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, **more}
        return subprocess.Popen(
            [*command, *_options(args, record)], cwd=self.root, start_new_session=True, **more
        )

    def run(self, *args: str, record: str = "new_episodes", apart: bool = False) -> tuple[int, str]:
        """Run pytest to its end: the exit status and what it wrote.

        In this process, which is fast, unless it is spread over several, or is to stand apart.
        """
        if apart or "-n" in args:
            return ended(self.start(*args, record=record))
        result = self.pytester.runpytest_inprocess("-p", "no:randomly", *_options(args, record))
        return int(result.ret), ANSI.sub("", f"{result.stdout}\n{result.stderr}")

    def cassette(self, judge: str = JUDGE) -> Path:
        """A judge's cassette."""
        return self.root / "bench" / "cassettes" / f"{judge}.jsonl"

    def recorded(self, judge: str = JUDGE) -> list[str]:
        """The items in a judge's cassette."""
        return items_in(self.cassette(judge))


def _options(args: tuple[str, ...], record: str) -> list[str]:
    named = any(arg.startswith("--judge=") for arg in args)
    return [f"--judge-record={record}", *([] if named else [f"--judge={JUDGE}"]), *args]


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end of a run: the exit status and what it wrote."""
    try:
        out, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    return process.returncode, ANSI.sub("", out)


def summary(out: str) -> str:
    """The judges' part of what pytest wrote."""
    _, _, rest = out.partition(f"judge {JUDGE}")
    return re.sub(r"=+ .*in [\d.]+s.*", "", rest).strip()


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)
