"""The names that people import, and that they come lazily."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

import pytest_mllm_judge

HEAVY = ("openai", "scipy", "numpy", "vcr", "PIL", "pydantic", "jinja2", "rapidfuzz")


def test_all_is_exact_and_sorted() -> None:
    assert list(pytest_mllm_judge.__all__) == sorted(pytest_mllm_judge._HOMES)
    for name in pytest_mllm_judge.__all__:
        assert getattr(pytest_mllm_judge, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'agreemnt'"):
        _ = pytest_mllm_judge.agreemnt


@pytest.mark.parametrize("module", ["pytest_mllm_judge", "pytest_mllm_judge.plugin.hooks"])
def test_importing_it_loads_nothing_heavy(module: str) -> None:
    importlib.import_module(module)
    code = f"import sys, {module}; print(sorted({set(HEAVY)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
