"""A benchmark of pairs with logs of two judges, whose figures can be worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge import Session
from pytest_mllm_judge.__main__ import main

Rows = Iterable[Mapping[str, Any]]


def write_lines(path: Path, rows: Rows) -> None:
    """Write rows as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def pairs(count: int, **more: Any) -> list[dict[str, Any]]:
    """So many pairs that humans gave to A, each a cluster of its own."""
    return [
        {
            "id": f"p{n:04}",
            "task": "pair",
            "responses": [{"text": f"{n} is even"}, {"text": f"{n} is odd"}],
            "human": "A",
            **more,
        }
        for n in range(count)
    ]


def log(items: Sequence[Mapping[str, Any]], wrong: Iterable[int], *, repeat: int = 0) -> list[dict[str, Any]]:
    """A log that chooses B on the items of these numbers, and A on the others."""
    numbers = set(wrong)
    return [
        {"item": item["id"], "verdict": "B" if n in numbers else "A", "repeat": repeat}
        for n, item in enumerate(items)
    ]


def write_benchmark(
    folder: Path, items: Sequence[Mapping[str, Any]], logs: Mapping[str, Rows], *, settings: str = ""
) -> None:
    """A project with one benchmark in the folder `bench` and a judge for each log."""
    (folder / "bench").mkdir()
    head = f'format = "mllm-judge/1"\nitems = "items.jsonl"\n{settings}'
    (folder / "bench" / "benchmark.toml").write_text(head, encoding="utf-8")
    write_lines(folder / "bench" / "items.jsonl", items)
    tables = []
    for name, rows in logs.items():
        write_lines(folder / f"{name}.jsonl", rows)
        tables.append(f'[tool.pytest-mllm-judge.judges.{name}]\nkind = "log"\npath = "{name}.jsonl"\n')
    (folder / "pyproject.toml").write_text("\n".join(tables), encoding="utf-8")


def write_function(folder: Path, body: str) -> None:
    """A judge `own` that is a function of a question with this body."""
    table = '[tool.pytest-mllm-judge.judges.own]\nkind = "callable"\nfunction = "own.py:ask"\n'
    (folder / "pyproject.toml").write_text(table, encoding="utf-8")
    (folder / "own.py").write_text(f"def ask(question):\n    {body}\n", encoding="utf-8")


def record(folder: Path, *, limit: int | None = None, repeats: int = 1) -> None:
    """Record the judge `own` on the benchmark, as a test run does."""
    session = Session(root=folder, mode="new_episodes", limit=limit)
    run = session.run("own", folder / "bench")
    for repeat in range(repeats):
        for item in run.items:
            run.ask(item, repeat=repeat)
    session.close()


def planned(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """The lines that the verb prints."""
    assert main(["plan", *arguments]) == 0
    return capsys.readouterr().out.splitlines()


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The message that the verb ends with."""
    assert main(["plan", *arguments]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    return printed.err.removeprefix("error: ").rstrip("\n")


def row(lines: Iterable[str], start: str) -> list[str]:
    """The cells of the first line that begins so, without that beginning; cells stand two spaces apart."""
    line = next(line for line in lines if line.strip().startswith(start + "  "))
    return [cell.strip() for cell in line.strip().removeprefix(start).split("  ") if cell.strip()]
