from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging import registry
from pytest_mllm_judge.judging.judge import Context, Judge
from pytest_mllm_judge.judging.settings import OpenAISettings, validated

PRESETS = ", ".join(registry.presets())


def test_a_preset_needs_no_table() -> None:
    assert registry.settings_of("gpt-4o", {}) == {
        "kind": "openai",
        "model": "gpt-4o",
        "api_key_env": "OPENAI_API_KEY",
    }


def test_a_table_without_a_kind_is_laid_over_the_preset_of_its_name() -> None:
    settings = registry.settings_of("gpt-4o", {"gpt-4o": {"temperature": 0.2}})
    assert settings == {**registry.presets()["gpt-4o"], "temperature": 0.2}


def test_a_table_with_a_kind_stands_alone() -> None:
    own = {"kind": "log", "path": "verdicts.jsonl"}
    assert registry.settings_of("gpt-4v", {"gpt-4v": own}) == own


def test_a_table_can_take_another_preset_as_its_base() -> None:
    settings = registry.settings_of("mine", {"mine": {"preset": "ollama", "model": "llava"}})
    assert settings == {**registry.presets()["ollama"], "model": "llava"}


def test_a_user_changes_neither_the_presets_nor_the_tables() -> None:
    tables = {"mine": {"preset": "ollama"}}
    registry.settings_of("mine", tables)["model"] = "changed"
    registry.presets()["ollama"]["model"] = "changed"
    assert registry.presets()["ollama"]["model"] != "changed"
    assert tables == {"mine": {"preset": "ollama"}}


MISSES: list[tuple[str, dict[str, Any], str]] = [
    (
        "gpt4v",
        {},
        "there is no judge 'gpt4v'; did you mean 'gpt-4v' or 'gpt-4o' or 'gpt-4.1'?"
        "\n  Declare it in pyproject.toml under [tool.pytest-mllm-judge.judges.gpt4v]."
        f"\n  Presets: {PRESETS}.",
    ),
    (
        "zzz",
        {"mine": {"kind": "log"}, "yours": {"kind": "log"}},
        "there is no judge 'zzz'"
        "\n  Declare it in pyproject.toml under [tool.pytest-mllm-judge.judges.zzz]."
        "\n  Declared judges: mine, yours."
        f"\n  Presets: {PRESETS}.",
    ),
    (
        "mine",
        {"mine": {"model": "m"}},
        "[tool.pytest-mllm-judge.judges.mine] kind: is missing, and no preset has this name"
        "\n  Write a kind (callable, log, openai, reference) or a preset."
        f"\n  The presets are: {PRESETS}.",
    ),
    (
        "mine",
        {"mine": {"preset": "olama"}},
        "[tool.pytest-mllm-judge.judges.mine] preset: there is no preset 'olama'; did you mean 'ollama'?"
        f"\n  The presets are: {PRESETS}.",
    ),
    (
        "mine",
        {"mine": {"kind": "opneai"}},
        "[tool.pytest-mllm-judge.judges.mine] kind: there is no kind 'opneai'; did you mean 'openai'?"
        "\n  The kinds are: callable, log, openai, reference.",
    ),
]


@pytest.mark.parametrize(("name", "tables", "message"), MISSES)
def test_a_judge_that_is_not_there_is_explained(name: str, tables: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        registry.build(name, tables, Context())
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "name", [name for name in registry.presets() if name not in ("reference", "openrouter")]
)
def test_every_preset_is_sound(name: str) -> None:
    validated(OpenAISettings, name, registry.settings_of(name, {}))


def test_openrouter_asks_for_a_model() -> None:
    with pytest.raises(SettingsError) as caught:
        registry.build("openrouter", {}, Context())
    assert str(caught.value) == "[tool.pytest-mllm-judge.judges.openrouter] model: is missing"


def test_a_preset_is_built_into_a_judge_without_any_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    judge = registry.build("gpt-4v", {}, Context(root=tmp_path))
    assert (judge.name, judge.speaks_http, judge.sends_images) == ("gpt-4v", True, True)


def test_a_kind_can_be_added_by_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Judge):
        Settings = OpenAISettings
        question = ask = parse = None  # type: ignore[assignment]
        __abstractmethods__: frozenset[str] = frozenset()

        def __init__(self, name: str, settings: OpenAISettings, context: Context) -> None:
            super().__init__(name, context)
            self.settings = settings

    point = EntryPoint(name="own", value=f"{__name__}:own_kind", group=registry.ENTRY_POINTS)
    monkeypatch.setattr(
        registry, "entry_points", lambda group: [point] if group == registry.ENTRY_POINTS else []
    )
    monkeypatch.setattr(sys.modules[__name__], "own_kind", Own, raising=False)
    assert registry.kinds()["own"] == point.value
    with pytest.raises(SettingsError, match=r"\[tool.pytest-mllm-judge.judges.mine\] kind: 'own' is wrong"):
        registry.build("mine", {"mine": {"kind": "own", "model": "m"}}, Context())


def test_reading_settings_imports_nothing_heavy() -> None:
    code = (
        "import sys; from pytest_mllm_judge.judging import registry; registry.settings_of('gpt-4o', {});"
        "print(sorted({'openai', 'PIL', 'httpx2', 'vcr', 'numpy', 'scipy', 'jinja2'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
