"""A session that judges nothing pays for nothing."""

from __future__ import annotations

import pytest

CONFTEST = """
import sys

def pytest_unconfigure(config):
    heavy = {"openai", "scipy", "numpy", "vcr", "PIL", "pydantic", "jinja2", "httpx2"} & sys.modules.keys()
    print("HEAVY:", ", ".join(sorted(heavy)) or "none")
"""


@pytest.mark.parametrize("planted", ["", *(["openai", "scipy", "numpy", "vcr", "PIL", "pydantic"])])
def test_an_idle_session_imports_nothing_heavy(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    """With our plugin alone and surely loaded; and the same test sees a library that is planted."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST + (f"import {planted}\n" if planted else ""))
    pytester.makepyfile("def test_nothing(): assert 1 <= 2")
    result = pytester.runpytest_subprocess("-s", "-p", "pytest_mllm_judge.plugin.hooks")
    assert result.ret == 0
    heavy = next(line for line in result.outlines if line.startswith("HEAVY:"))
    assert ("none" in heavy) == (not planted)
    assert planted in heavy


def test_somebody_elses_benchmark_toml_loads_nothing_heavy(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    pytester.makefile(".toml", benchmark='name = "criterion"')
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_subprocess("-s", "-p", "pytest_mllm_judge.plugin.hooks", ".")
    result.stdout.fnmatch_lines(["*HEAVY: none"])


def test_a_judge_in_the_ini_file_costs_a_session_without_benchmarks_nothing(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeconftest(CONFTEST)
    pytester.makeini("[pytest]\njudge = gpt-4o\n")
    pytester.makepyfile("def test_nothing(): pass")
    result = pytester.runpytest_subprocess("-s", "-p", "pytest_mllm_judge.plugin.hooks", ".")
    result.stdout.fnmatch_lines(["*HEAVY: none"])
