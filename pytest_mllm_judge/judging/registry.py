"""From a judge's name to the judge: presets, the user's tables, the kinds."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files
from typing import Any

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.judging.judge import Context, Judge
from pytest_mllm_judge.judging.settings import table, validated
from pytest_mllm_judge.model.frozen import Frozen

Tables = Mapping[str, Mapping[str, Any]]
"""`[tool.pytest-mllm-judge.judges]`: a table of settings by the judge's name."""

ENTRY_POINTS = "pytest_mllm_judge.judges"
"""The group of entry points that add kinds: `name = "module:Class"`, the class being a `Judge`."""

KINDS: dict[str, str] = {
    "openai": "pytest_mllm_judge.judging.openai:OpenAIJudge",
    "log": "pytest_mllm_judge.judging.log:LogJudge",
    "callable": "pytest_mllm_judge.judging.callable:CallableJudge",
    "reference": "pytest_mllm_judge.reference.judge:ReferenceJudge",
}
"""Where each kind's class is; imported when a judge of that kind is built."""


@lru_cache(maxsize=1)
def _presets() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files(__package__).joinpath("presets.toml").read_text(encoding="utf-8"))


def presets() -> dict[str, dict[str, Any]]:
    """The settings of the judges that need no table, by name."""
    return {name: dict(settings) for name, settings in _presets().items()}


def kinds() -> dict[str, str]:
    """Every kind's class as `module:Class`: our own, and those that entry points add."""
    return {**{point.name: point.value for point in entry_points(group=ENTRY_POINTS)}, **KINDS}


def settings_of(name: str, tables: Tables) -> dict[str, Any]:
    """The settings of the judge `name`, before they are checked.

    A table with a `kind` stands alone, whatever preset has its name. One without is laid over the preset
    of its name, and one with `preset = "other"` over that preset. Raises SettingsError for a judge that
    is neither declared nor a preset.
    """
    known = presets()
    own = dict(tables.get(name, {}))
    base = own.pop("preset", name)
    if name not in tables and name not in known:
        raise SettingsError(_unknown(name, tables))
    if "kind" in own and base == name:
        return own
    if base not in known:
        raise SettingsError(_no_base(name, base, known))
    return {**known[base], **own}


def build(name: str, tables: Tables, context: Context) -> Judge:
    """The judge `name`, of whatever kind. Raises SettingsError if its settings are wrong."""
    made, settings = checked(name, tables)
    return made(name, settings, context)  # type: ignore[call-arg, arg-type]


def checked(name: str, tables: Tables) -> tuple[type[Judge], Frozen]:
    """The class and the checked settings of the judge `name`. Raises SettingsError if they are wrong."""
    settings = settings_of(name, tables)
    made = _kind(name, settings["kind"])
    return made, validated(made.Settings, name, settings)


def _kind(name: str, kind: Any) -> type[Judge]:
    known = kinds()
    if kind not in known:
        what = f"there is no kind {kind!r}{did_you_mean(str(kind), known)}"
        raise SettingsError(f"{table(name)} kind: {what}\n  The kinds are: {', '.join(sorted(known))}.")
    module, _, attribute = known[kind].partition(":")
    return getattr(import_module(module), attribute)  # type: ignore[no-any-return]


def _unknown(name: str, tables: Tables) -> str:
    known = presets()
    near = did_you_mean(name, [*tables, *known])
    declared = f"\n  Declared judges: {', '.join(tables)}." if tables else ""
    return (
        f"there is no judge {name!r}{near}\n  Declare it in pyproject.toml under {table(name)}."
        f"{declared}\n  Presets: {', '.join(known)}."
    )


def _no_base(name: str, base: Any, known: Mapping[str, Any]) -> str:
    presets_ = f"The presets are: {', '.join(known)}."
    if base != name:
        return (
            f"{table(name)} preset: there is no preset {base!r}{did_you_mean(str(base), known)}\n  {presets_}"
        )
    return (
        f"{table(name)} kind: is missing, and no preset has this name{did_you_mean(name, known)}"
        f"\n  Write a kind ({', '.join(sorted(kinds()))}) or a preset.\n  {presets_}"
    )
