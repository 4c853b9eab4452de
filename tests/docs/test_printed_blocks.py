"""docs/which-gate.md: its examples print what stands below them, and its gates may be written."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pytest_mllm_judge.benchmarks.manifest import Manifest
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.metrics.gates import OPTIONS
from tests.docs.fill import pages
from tests.docs.printed import BLOCK, with_printed

PAGE = Path(__file__).parents[2] / "docs" / "which-gate.md"
GATES = [
    pytest.param(body, id=f"{page.stem}-{number}")
    for page in pages()
    for number, body in enumerate(
        re.findall(r"^```toml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.M | re.S)
    )
    if "[gates." in body
]


@pytest.mark.parametrize("body", GATES)
def test_every_gate_in_the_pages_may_be_written(body: str) -> None:
    settings = {"format": "mllm-judge/1", "items": "items.jsonl", **tomllib.loads(body)}
    if "path" in settings:
        del settings["items"]
    for gate in Manifest.model_validate(settings).gates.values():
        given = {name for name in OPTIONS if getattr(gate, name) is not None}
        assert given <= CHECKS[gate.check].options, gate.check


def test_the_pages_hold_gates() -> None:
    assert len(GATES) >= 7


def test_every_question_of_the_table_has_its_part_with_an_example() -> None:
    text = PAGE.read_text(encoding="utf-8")
    asked = re.findall(r"^\| \[(.+?)\]\(#", text, re.M)
    parts = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", text, re.M))
    assert len(asked) >= 10
    for question in asked:
        assert BLOCK.search(parts[question]), question


def test_every_example_of_the_page_stands_above_what_it_prints() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == text.count("```python\n")


def test_every_check_can_be_found_from_a_question_or_is_named_in_the_statistics() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:pair|score|batch|problems)\.\w+)`", text))
    assert named <= CHECKS.keys()


def test_a_block_is_followed_by_what_it_prints_and_sees_the_names_above_it() -> None:
    page = (
        "```python\nx = 2\n```\n\n<!-- printed -->\n```text\nold\n```\n\n"
        "```python\nprint(x + 1)\n```\n\n<!-- printed -->\n"
    )
    assert with_printed(page) == (
        "```python\nx = 2\n```\n\n<!-- printed -->\n```text\n\n```\n\n"
        "```python\nprint(x + 1)\n```\n\n<!-- printed -->\n```text\n3\n```\n"
    )


def test_a_block_that_does_not_run_is_told() -> None:
    with pytest.raises(AssertionError, match=r"does not run(.|\n)*ZeroDivisionError"):
        with_printed("```python\n1 / 0\n```\n\n<!-- printed -->\n")
