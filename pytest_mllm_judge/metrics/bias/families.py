"""Which answers are a judge's own: families of models by pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Judgements

FAMILIES: Mapping[str, str] = {
    "gpt": r"gpt|davinci|\bo[134]\b",
    "gemini": r"gemini|bard|\bpalm",
    "claude": r"claude",
    "qwen": r"qwen|qwq|qvq",
    "llava": r"llava",
    "cogvlm": r"cogvlm|cogagent",
    "internvl": r"internvl|internlm",
    "minicpm": r"minicpm",
    "deepseek": r"deepseek|janus",
    "idefics": r"idefics|smolvlm",
    "pixtral": r"pixtral|mistral|ministral",
    "glm": r"\bglm|chatglm",
    "gemma": r"gemma",
    "llama": r"\bllama",
    "phi": r"\bphi",
    "grok": r"grok",
}
"""Families of models: what their names match, whatever the case. The first that matches counts."""


def pattern_of(judgements: Judgements, family: str | None, metric: str) -> re.Pattern[str]:
    """What the authors of the judge's own answers match: `family`, else its model's or its name's family.

    Raise SettingsError for a `family` that is no pattern, and where the judge's family is not known.
    """
    try:
        if family is not None:
            return re.compile(family, re.IGNORECASE)
    except re.error as error:
        raise SettingsError(f"{metric}: family = {family!r} is no regular expression: {error}") from error
    names = dict.fromkeys(name for one in judgements for name in (one.model, one.judge) if name)
    for name in names:
        for pattern in FAMILIES.values():
            if re.search(pattern, name, re.IGNORECASE):
                return re.compile(pattern, re.IGNORECASE)
    if not len(judgements):
        return re.compile(r"(?!)")
    shown = " or ".join(map(repr, list(names)[:2])) or "it"
    raise SettingsError(
        f"{metric}: the judge's family can't be told from {shown}: say family = a pattern that the authors "
        f"of its own answers match (known by name: {', '.join(FAMILIES)})"
    )
