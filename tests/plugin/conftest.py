"""A small benchmark with a verdict log, in a project of its own."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SPREADS = [(), ("-n", "0"), ("-n", "2")]
SOURCES = ("charts", "maps")


@pytest.fixture(params=SPREADS, ids=["plain", "n0", "n2"])
def spread(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """How tests are spread over processes."""
    options: tuple[str, ...] = request.param
    return options


@dataclass
class Project:
    """A project with one benchmark in `bench`, and judges of kind log."""

    pytester: pytest.Pytester
    judges: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.pytester.path

    def write_items(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Write the benchmark's items."""
        folder = self.root / "bench"
        folder.mkdir(exist_ok=True)
        lines = [json.dumps(item, ensure_ascii=False) for item in items]
        (folder / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def write_manifest(self, text: str = "") -> None:
        """Write benchmark.toml: its head, then `text`."""
        (self.root / "bench").mkdir(exist_ok=True)
        head = 'format = "mllm-judge/1"\nname = "bench"\nitems = "items.jsonl"\n'
        (self.root / "bench" / "benchmark.toml").write_text(head + text, encoding="utf-8")

    def write_log(self, name: str, rows: Mapping[str, Any]) -> None:
        """Write a verdict log (item id to verdict, or to a whole row) and declare its judge."""
        lines = [
            json.dumps({"item": item, **(row if isinstance(row, dict) else {"verdict": row})})
            for item, row in rows.items()
        ]
        (self.root / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        self.judges[name] = {"kind": "log", "path": f"{name}.jsonl"}
        self.write_judges()

    def write_judges(self, *, ini: str = "") -> None:
        """Write pyproject.toml: the judges, and pytest's own settings."""
        tables = [
            f"[tool.pytest-mllm-judge.judges.{name}]\n"
            + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
            for name, table in self.judges.items()
        ]
        text = "\n".join([*tables, f"[tool.pytest.ini_options]\n{ini}"])
        (self.root / "pyproject.toml").write_text(text, encoding="utf-8")

    def run(self, *args: str) -> pytest.RunResult:
        """Run pytest in the project."""
        return self.pytester.runpytest("-p", "no:randomly", *args)


def pair(number: int, *, human: str = "A", **more: Any) -> dict[str, Any]:
    """A pair item without images."""
    return {
        "id": f"pair-{number:02}",
        "task": "pair",
        "instruction": "What is it?",
        "responses": [{"text": "A cat.", "author": "m1"}, {"text": "A dog.", "author": "m2"}],
        "human": human,
        "source": SOURCES[number % 2],
        **more,
    }


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """Forty pairs labelled A; judge `good` is wrong on two of them, `bad` on half, `odd` has problems."""
    made = Project(pytester)
    made.write_items([pair(number) for number in range(40)])
    made.write_manifest('[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.7\n')
    ids = [f"pair-{number:02}" for number in range(40)]
    made.write_log("good", {item: "B" if place < 2 else "A" for place, item in enumerate(ids)})
    made.write_log("bad", {item: "B" if place % 2 else "A" for place, item in enumerate(ids)})
    odd = {item: {"reply": "I can't judge that."} if place < 3 else "A" for place, item in enumerate(ids)}
    made.write_log("odd", odd)
    return made


@pytest.fixture
def test_file(project: Project) -> Callable[[str], Path]:
    """Write a test file of the user's own, about the benchmark."""

    def write(source: str) -> Path:
        head = "import pytest\nfrom pytest_mllm_judge import agreement, problems\n"
        head += 'pytestmark = pytest.mark.judge_benchmark("bench")\n'
        return project.pytester.makepyfile(test_own=head + textwrap.dedent(source))

    return write
