"""The run record's file: JSON, written whole or not at all, and read with every fault told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.recording import disk

FORMAT = "mllm-judge-run/1"
PLACE = Path(".pytest_cache", "d", "mllm-judge", "run.json")
"""Where a run leaves its record, below the project's folder (pytest's cache)."""
AGAIN = "Run pytest with --judge again: it writes the record anew."
_TABLES: dict[str, type] = {
    "root": str,
    "benchmarks": dict,
    "runs": dict,
    "cases": dict,
    "gates": dict,
    "claims": list,
    "judged": list,
}
_KNOWN_BY: dict[str, type] = {"judge": str, "benchmark": str, "item": str, "variant": str, "repeat": int}


def encoded(plain: Mapping[str, Any], *, indent: int | None = None) -> bytes:
    """JSON in UTF-8. Half a surrogate pair, which a judge's reply may hold, is written as its escape."""
    text = json.dumps(plain, ensure_ascii=False, indent=indent)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def write(plain: Mapping[str, Any], path: Path) -> None:
    """Write a record's tables to a file, whose folder is made. Raise OSError if it can't be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    disk.replace(path, encoded({"format": FORMAT, **plain}))


def read(path: Path) -> dict[str, Any]:
    """The record's tables, from its own file or from a JSON report.

    Raise SettingsError if there is no such file, or it is damaged or something else.
    """
    data = _parsed(path)
    record = data["record"] if isinstance(data, dict) and "record" in data else data
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise SettingsError(f"{path}: is neither a run record nor a JSON report of this version\n  {AGAIN}")
    if fault := _fault(record):
        raise SettingsError(f"{path}: is damaged: {fault}\n  {AGAIN}")
    return {name: record[name] for name in _TABLES}


def _parsed(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no run record\n  {AGAIN}") from None
    except OSError as error:
        raise SettingsError(f"{path}: can't be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise SettingsError(f"{path}: is damaged: {error.msg} at {where}\n  {AGAIN}") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: is damaged: not UTF-8 at byte {error.start}\n  {AGAIN}") from None


def _fault(record: Mapping[str, Any]) -> str:
    """What is wrong with a record's tables, as a sentence; '' if nothing is."""
    for name, kind in _TABLES.items():
        if not isinstance(record.get(name), kind):
            return f"{name!r} is missing or no {kind.__name__}"
    for place, case in enumerate(record["judged"]):
        for name, kind in _KNOWN_BY.items():
            if not isinstance(case, dict) or not isinstance(case.get(name), kind):
                return f"judged[{place}] has no {name!r}"
        if case["benchmark"] not in record["benchmarks"]:
            return f"judged[{place}] is of a benchmark that the record does not have, {case['benchmark']!r}"
    return ""
