"""The pages are run: settings are validated, items are read, tests are tested, figures are made anew."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.benchmarks.manifest import read_manifest
from pytest_mllm_judge.judging.prompting import load_prompt
from pytest_mllm_judge.judging.registry import checked
from pytest_mllm_judge.model import Item, Tasks
from tests.docs.fill import filled, pages
from tests.docs.sheets import anchor

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str, *, holding: str) -> list[Any]:
    """Every fenced block of a language that holds a text, as a parameter."""
    found = []
    for page in pages():
        text = page.read_text(encoding="utf-8")
        bodies = [body for lang, body in FENCE.findall(text) if lang == language and holding in body]
        found += [pytest.param(body, id=f"{page.stem}-{number}") for number, body in enumerate(bodies)]
    return found


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.stem)
def test_what_the_code_fills_in_is_up_to_date(page: Path) -> None:
    """Mend with `python -m tests.docs.fill --write`."""
    text = page.read_text(encoding="utf-8")
    assert filled(text) == text


@pytest.mark.parametrize("body", blocks("toml", holding="format ="))
def test_every_benchmark_toml_is_valid(body: str, tmp_path: Path) -> None:
    (tmp_path / "benchmark.toml").write_text(body, encoding="utf-8")
    assert read_manifest(tmp_path / "benchmark.toml").format == "mllm-judge/1"


@pytest.mark.parametrize("body", blocks("toml", holding="[tool.pytest-mllm-judge."))
def test_every_judge_is_valid(body: str) -> None:
    tables = tomllib.loads(body)["tool"]["pytest-mllm-judge"]["judges"]
    for name in tables:
        assert checked(name, tables)


@pytest.mark.parametrize("body", blocks("json", holding='"task"'))
def test_every_item_is_valid(body: str) -> None:
    item = Item.model_validate(json.loads(body))
    assert Tasks().fault(item) is None


@pytest.mark.parametrize("body", blocks("text", holding="=== user"))
def test_every_prompt_is_valid(body: str, tmp_path: Path) -> None:
    (tmp_path / "ours.txt").write_text(body, encoding="utf-8")
    assert load_prompt("ours.txt", root=tmp_path).shows_images


@pytest.mark.parametrize("body", blocks("python", holding="def test_"))
def test_every_test_file_passes(body: str, pytester: pytest.Pytester, project: Path) -> None:
    (pytester.path / "fixtures").symlink_to(project / "fixtures")
    pytester.makepyfile(test_page=body)
    result = pytester.runpytest("-p", "no:randomly", "-q", "--judge=reference", "test_page.py")
    assert result.ret == 0


def test_the_pages_hold_something_to_run() -> None:
    assert len(blocks("python", holding="def test_")) >= 1
    assert len(blocks("toml", holding="format =")) >= 3
    assert len(blocks("toml", holding="[tool.pytest-mllm-judge.")) >= 6


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in pages():
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_link_to_a_heading_names_one() -> None:
    for page in pages():
        for target, name in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", page.read_text(encoding="utf-8")):
            text = (page.parent / target if target else page).read_text(encoding="utf-8")
            assert name in map(anchor, re.findall(r"^#+ (.+)$", text, re.MULTILINE)), f"{page.name}: #{name}"
