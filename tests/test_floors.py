"""Imports go down only; the heavy libraries have one home each."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pytest_mllm_judge"
NAME = PACKAGE.name
FLOORS = {
    "errors": 0,
    "model": 1,
    "statistics": 2,
    "benchmarks": 3,
    "judging": 3,
    "recording": 3,
    "probes": 3,
    "asked": 4,  # what the three above ask together
    "reference": 4,  # beside judging, whose Judge it is one of
    "claims": 5,
    "metrics": 6,
    "runs": 7,
    "reports": 8,
    "plugin": 9,
    "__main__": 9,
    "__init__": 9,
}
HOMES: dict[str, str | tuple[str, ...]] = {
    "openai": "judging/endpoint.py",
    "vcr": "recording/cassette.py",
    "pytest": "plugin/",
    "_pytest": "nowhere",
    "filelock": "recording/",
    "jinja2": "judging/",
    "PIL": ("judging/alterations.py", "judging/pictures.py", "benchmarks/images.py", "reference/"),
}


def imports(file: Path) -> Iterator[tuple[str, bool]]:
    """Every imported module of a file, and whether it is imported for types only."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{file}: relative import"
            yield node.module, id(node) in typing_only


def floor_of(file: Path) -> str:
    """The folder below the package that a file stands in, or its own name."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_imports_go_down_only(file: Path) -> None:
    here = floor_of(file)
    assert here in FLOORS, f"{here} has no floor"
    for module, typing_only in imports(file):
        parts = module.split(".")
        if parts[0] != NAME or len(parts) < 2 or typing_only:
            continue
        there = parts[1]
        assert there == here or FLOORS[there] < FLOORS[here], f"{here} imports {there}"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(PACKAGE)))
def test_each_heavy_library_has_its_home(file: Path) -> None:
    inside = file.relative_to(PACKAGE).as_posix()
    for module, typing_only in imports(file):
        homes = HOMES.get(module.split(".")[0])
        if homes is not None and not typing_only:
            assert inside.startswith(homes), f"{inside} imports {module}"


def test_the_test_reads_files() -> None:
    assert len(FILES) > 50
    assert {floor_of(file) for file in FILES} == set(FLOORS)
