"""The commands of the page on planning are run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.reports.plans import planned

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
COMMANDS = re.findall(
    r"^python -m pytest_mllm_judge plan (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_answers(
    command: str, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(project)
    assert len(planned(capsys, *shlex.split(command))) > 10


def test_the_page_has_commands() -> None:
    assert len(COMMANDS) >= 3
