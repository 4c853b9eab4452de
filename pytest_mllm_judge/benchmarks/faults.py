"""What pydantic found wrong, in sentences."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from pytest_mllm_judge.benchmarks.toml import key_path
from pytest_mllm_judge.errors import did_you_mean

Loc = tuple[str | int, ...]

_MUST_BE = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "finite_number": "a finite number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "{ge} or more",
    "int_type": "a whole number",
    "less_than": "less than {lt}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "string_too_short": "at least {min_length} character long",
    "string_type": "text",
    "tuple_type": "a list",
}


def sentences(
    error: ValidationError,
    data: Any,
    *,
    known: Mapping[Loc, Iterable[str]] | None = None,
    whole: Mapping[Loc, str] | None = None,
) -> list[str]:
    """One sentence per fault, each beginning with the keys to it.

    `data` is what was validated. `known` lists the keys that a table may have, for "did you mean"; `*` in
    its locations stands for any key. `whole` says what a value must be that has several shapes: every fault
    below its location becomes that one sentence.
    """
    found: dict[str, None] = {}
    for detail in error.errors(include_url=False):
        loc: Loc = detail["loc"]
        shape = next((key for key in whole or () if loc[: len(key)] == key), None)
        if shape is not None and detail["type"] != "missing":
            value = _at(data, shape)
            said = f"must be {(whole or {})[shape]}, got {short(detail['input'] if value is None else value)}"
            found[_joined(shape, said)] = None
        else:
            found[_joined(loc, _said(dict(detail), data, _keys(loc, known or {})))] = None
    return list(found)


def short(value: Any, *, limit: int = 60) -> str:
    """A value as a message shows it, cut to `limit` characters."""
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _joined(loc: Loc, said: str) -> str:
    return f"{key_path(loc)}: {said}" if loc else said


def _said(detail: Mapping[str, Any], data: Any, keys: Iterable[str]) -> str:
    kind, loc, context = detail["type"], detail["loc"], detail.get("ctx", {})
    if kind == "missing":
        beside = _at(data, loc[:-1])
        unknown = beside.keys() - set(keys) if isinstance(beside, Mapping) else ()
        return "is missing" + did_you_mean(loc[-1], map(str, unknown)).replace("did you mean", "is it")
    if kind == "extra_forbidden":
        return "is not a known key" + did_you_mean(str(loc[-1]), keys)
    if kind == "value_error":
        return str(context["error"])
    if kind in _MUST_BE:
        return f"must be {_MUST_BE[kind].format(**context)}, got {short(detail['input'])}"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, got {short(detail['input'])}"


def _keys(loc: Loc, known: Mapping[Loc, Iterable[str]]) -> Iterable[str]:
    parents: Iterator[Iterable[str]] = (
        keys
        for pattern, keys in known.items()
        if len(pattern) == len(loc) - 1 and all(p in ("*", k) for p, k in zip(pattern, loc[:-1], strict=True))
    )
    return next(parents, ())


def _at(data: Any, loc: Loc) -> Any:
    for key in loc:
        try:
            data = data[key]
        except (LookupError, TypeError):
            return None
    return data
