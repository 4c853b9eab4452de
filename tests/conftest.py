"""What every test can use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import tests.everything  # noqa: F401

pytest_plugins = ["pytester"]

PROJECT = Path(__file__).parents[1]
SHARED = PROJECT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def no_summary_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs inside of tests write nothing to the page of the job that runs the tests."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture(scope="session")
def project() -> Path:
    """The project's top folder."""
    return PROJECT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The real items and replies beside the project. `.ci/run` sets the variable, so CI can't skip them."""
    if not SHARED.is_dir():
        if os.environ.get("MLLM_JUDGE_SHARED_DATA") == "required":
            pytest.fail(f"{SHARED} is required here and missing")
        pytest.skip("the real data set is not beside this clone (../shared/data)")
    return SHARED
