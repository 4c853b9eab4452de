"""Which answering model is the one that was asked for."""

from __future__ import annotations

import pytest

from pytest_mllm_judge.model.snapshots import answers_for


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o", "gpt-4o-2024-08-06"),
        ("gpt-4o-latest", "gpt-4o-2024-08-06"),
        ("openai/gpt-4o", "gpt-4o-2024-08-06"),
        ("gemini-2.5-flash", "models/gemini-2.5-flash-preview-05-20"),
        ("claude-sonnet", "claude-sonnet@20240229"),
        ("qwen3-vl:8b", "qwen3-vl:8b"),
        ("llava", "llava:latest"),
        ("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen/Qwen2.5-VL-7B-Instruct"),
    ],
)
def test_a_snapshot_behind_an_alias_is_the_model_asked_for(asked: str, answered: str) -> None:
    assert answers_for(answered, asked)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o-2024-05-13"),
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o", "gpt-4o-mini"),
        ("gpt-4o", "gpt-4o-mini-2024-07-18"),
        ("gpt-4", "gpt-4o"),
        ("qwen3-vl:8b", "qwen3-vl:32b"),
        ("gpt-5", "claude-opus-5-5"),
    ],
)
def test_another_snapshot_or_model_is_not(asked: str, answered: str) -> None:
    assert not answers_for(answered, asked)
