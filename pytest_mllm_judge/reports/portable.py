"""A run record as a report holds it: the same on every machine and under every spread of tests."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pytest_mllm_judge.runs import saved
from pytest_mllm_judge.runs.record import Plain, RunRecord, record_of

_VERBATIM = ("analysis", "human", "verdict", "fields", "tasks", "options", "identity")
"""What the user's data and the judges said: nothing there is taken for a path of ours."""
_OF_THE_MACHINE = {"recorded": 0, "records": False}
"""What tells a recording run from its replay."""


def portable(record: RunRecord) -> RunRecord:
    """The record with paths from the project's folder, and nothing that a replay would not show.

    Its runs stand in the order of the record's, sorted by name.
    """
    return record.once("portable", lambda: _portable(record))


def _portable(record: RunRecord) -> RunRecord:
    plain: Plain = json.loads(saved.encoded(record.plain()))
    told = _shortened(plain, _shortener(record))
    told["root"] = ""
    told["runs"] = {name: {**run, **_OF_THE_MACHINE} for name, run in told["runs"].items()}
    return record_of(told)


def _shortener(record: RunRecord) -> Callable[[str], str]:
    """What takes the project's folder out of a text; a folder elsewhere is told from there."""
    root = record.root
    if len(Path(root).parts) < 2:
        return lambda text: text
    folders = {*record.benchmarks, *(case["folder"] for case in record.judged.values())}
    elsewhere = [folder for folder in folders if not Path(folder).is_relative_to(root)]
    names = {folder: Path(os.path.relpath(folder, root)).as_posix() for folder in elsewhere} | {root: "."}
    known = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    found = re.compile(rf"(?<![\w/.-])({known})(/|(?![\w.-]))")

    def short(match: re.Match[str]) -> str:
        name, slash = names[match[1]], match[2]
        return "" if slash and name == "." else name + slash

    return lambda text: found.sub(short, text)


def _shortened(value: Any, shorten: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return shorten(value)
    if isinstance(value, list):
        return [_shortened(each, shorten) for each in value]
    if isinstance(value, dict):
        return {
            shorten(key): each if key in _VERBATIM else _shortened(each, shorten)
            for key, each in value.items()
        }
    return value
