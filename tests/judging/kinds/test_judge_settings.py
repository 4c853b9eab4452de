from __future__ import annotations

from typing import Any

import pytest

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.settings import (
    CallableSettings,
    LogSettings,
    OpenAISettings,
    table,
    validated,
)

MODEL = {"kind": "openai", "model": "m"}
WHERE = "[tool.pytest-mllm-judge.judges.mine]"


@pytest.mark.parametrize(
    ("settings", "data", "message"),
    [
        (OpenAISettings, {"kind": "openai"}, f"{WHERE} model: is missing"),
        (
            OpenAISettings,
            {**MODEL, "model": ""},
            f"{WHERE} model: '' is wrong: string should have at least 1 character",
        ),
        (
            OpenAISettings,
            {**MODEL, "temprature": 0.5},
            f"{WHERE} temprature: unknown key; did you mean 'temperature'?",
        ),
        (OpenAISettings, {**MODEL, "zzz": 1}, f"{WHERE} zzz: unknown key"),
        (
            OpenAISettings,
            {**MODEL, "prices": {"inptu": 1, "output": 2}},
            f"{WHERE} prices.input: is missing\n{WHERE} prices.inptu: unknown key; did you mean 'input'?",
        ),
        (
            OpenAISettings,
            {**MODEL, "headers": {"X": 3}},
            f"{WHERE} headers.X: 3 is wrong: input should be a valid string",
        ),
        (
            OpenAISettings,
            {**MODEL, "detail": "hihg"},
            f"{WHERE} detail: 'hihg' is wrong: input should be 'auto', 'low', 'high' or 'original'",
        ),
        (
            OpenAISettings,
            {**MODEL, "max_side": 0},
            f"{WHERE} max_side: 0 is wrong: input should be greater than or equal to 1",
        ),
        (OpenAISettings, {**MODEL, "quality": 80}, f"{WHERE} quality is for encode = 'jpeg' only"),
        (
            OpenAISettings,
            {**MODEL, "temperature": float("nan")},
            f"{WHERE} temperature: nan is wrong: input should be a finite number",
        ),
        (OpenAISettings, {**MODEL, "stop": 3}, f"{WHERE} stop: 3 is wrong: input should be a valid string"),
        (LogSettings, {"kind": "log"}, f"{WHERE} path: is missing"),
        (
            LogSettings,
            {"kind": "log", "path": "x", "columns": {"itme": "id"}},
            f"{WHERE} columns.itme: unknown key; did you mean 'item'?",
        ),
        (
            LogSettings,
            {"kind": "log", "path": "x", "columns": {"reply": []}},
            f"{WHERE} columns.reply: [] is wrong: input should be a valid string",
        ),
        (
            CallableSettings,
            {"kind": "callable", "functoin": "a:b"},
            f"{WHERE} function: is missing\n{WHERE} functoin: unknown key; did you mean 'function'?",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_table_and_key(
    settings: Any, data: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        validated(settings, "mine", data)
    assert str(caught.value) == message


def test_a_name_that_toml_would_not_take_bare_is_quoted() -> None:
    assert table("gpt-4o") == "[tool.pytest-mllm-judge.judges.gpt-4o]"
    assert table("gpt-4.1") == '[tool.pytest-mllm-judge.judges."gpt-4.1"]'


def test_a_setting_that_is_not_set_is_not_sent() -> None:
    assert OpenAISettings(kind="openai", model="m").sampling == {}


def test_sampling_settings_and_the_extra_body_are_sent_under_their_own_names() -> None:
    settings = validated(
        OpenAISettings,
        "mine",
        {
            **MODEL,
            "temperature": 0,
            "seed": 7,
            "stop": ["x", "y"],
            "extra_body": {"top_k": 1, "nested": {"a": [1]}},
        },
    )
    assert settings.sampling == {
        "temperature": 0,
        "seed": 7,
        "stop": ["x", "y"],
        "top_k": 1,
        "nested": {"a": [1]},
    }


@pytest.mark.parametrize(
    ("data", "variable"),
    [
        ({}, "OPENAI_API_KEY"),
        ({"base_url": "http://localhost/v1"}, None),
        ({"base_url": "http://localhost/v1", "api_key_env": "MINE"}, "MINE"),
        ({"api_key_env": ""}, None),
    ],
)
def test_the_key_meant_for_openai_goes_to_openai_only(data: dict[str, Any], variable: str | None) -> None:
    assert validated(OpenAISettings, "mine", {**MODEL, **data}).key_variable == variable
