"""The run record's file: JSON, written whole or not at all, and read with every fault told."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_mllm_judge.errors import MllmJudgeError, SettingsError
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
    "tests": dict,
    "judged": list,
}
_KNOWN_BY: dict[str, type] = {"judge": str, "benchmark": str, "item": str, "variant": str, "repeat": int}
OF_EACH = {
    "benchmarks": "name tasks items skipped warnings left_out fixed gates",
    "runs": "judge benchmark limit cassette recorded records model identity cancelled halted",
    "cases": "judge benchmark task item human verdict problem reason agreed must model tokens cost",
    "gates": "judge benchmark name outcome line",
    "tests": "judge benchmark outcome",
    "claims": "test number outcome text",
    "judged": "judge benchmark item variant repeat task source cluster human verdict problem reason agreed "
    "must model tokens cost latency analysis images folder authors lengths fields",
}
"""What each entry of a table holds at least."""
_READING = (
    MllmJudgeError,
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    RecursionError,
    AssertionError,
)


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
        raise _damaged(path, fault)
    return {name: record[name] for name in _TABLES}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Inside, where a report is made from the record of this file, whatever is amiss is told of the file."""
    try:
        yield
    except _READING as error:
        what = f"there is no {error}" if isinstance(error, KeyError) else str(error).partition("\n")[0]
        raise _damaged(path, what or type(error).__name__) from error


def _damaged(path: Path, fault: str) -> SettingsError:
    return SettingsError(f"{path}: is damaged or of another version: {fault}\n  {AGAIN}")


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
    except RecursionError:
        raise SettingsError(f"{path}: is damaged: it is nested too deeply\n  {AGAIN}") from None


def _fault(record: Mapping[str, Any]) -> str:
    """What is wrong with a record's tables, as a sentence; '' if nothing is."""
    for name, kind in _TABLES.items():
        if not isinstance(record.get(name), kind):
            return f"{name!r} is missing or no {kind.__name__}"
    for table, names in OF_EACH.items():
        for place, entry in _entries(record[table]):
            missing = names.split() if not isinstance(entry, dict) else set(names.split()) - entry.keys()
            if missing:
                return f"{table}[{place!r}] has no {min(missing)!r}"
    for place, case in enumerate(record["judged"]):
        for name, kind in _KNOWN_BY.items():
            if not isinstance(case.get(name), kind):
                return f"judged[{place}] has no {name!r}"
    for table in ("cases", "gates", "judged"):
        for place, entry in _entries(record[table]):
            if (folder := entry["benchmark"]) not in record["benchmarks"]:
                return f"{table}[{place!r}] is of a benchmark that the record does not have, {folder!r}"
    return ""


def _entries(table: Any) -> Iterable[tuple[Any, Any]]:
    return table.items() if isinstance(table, dict) else enumerate(table)
