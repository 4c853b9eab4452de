"""Is this toml file a benchmark of ours, and what does it hold? Asked of every `benchmark.toml` met."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_mllm_judge.errors import BenchmarkError

FILE = "benchmark.toml"
FAMILY = "mllm-judge/"
FORMAT = "mllm-judge/1"

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ERROR_LINE = re.compile(r" \(at line (\d+), (column \d+)\)$")
_UNSELECTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def is_manifest(path: Path) -> bool:
    """Whether `path` is a benchmark of this package: a `benchmark.toml` with our `format` line.

    Somebody else's `benchmark.toml` is left alone, also one that isn't toml. One of ours that isn't toml
    raises BenchmarkError.
    """
    if path.name != FILE or not path.is_file():
        return False
    try:
        found = read(path).get("format")
    except BenchmarkError:
        if FAMILY in path.read_bytes().decode("utf-8", "replace"):
            raise
        return False
    return isinstance(found, str) and found.startswith(FAMILY)


def read(path: Path) -> dict[str, Any]:
    """The file's tables. Raises BenchmarkError with the line if it isn't toml."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BenchmarkError(shown(path), f"can't be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise BenchmarkError(f"{shown(path)}:{line}", "this line is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        place = _ERROR_LINE.search(text := str(error))
        where = f"{shown(path)}:{place[1]}" if place else shown(path)
        what = f"{text[: place.start()]} at {place[2]}" if place else text
        raise BenchmarkError(where, f"this is not toml: {what}") from error


def misfits(data: Any, loc: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where a value is neither text, a truth value nor a finite number: its keys, and what is wrong."""
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from misfits(value, (*loc, key))
    elif isinstance(data, float) and not math.isfinite(data):
        yield loc, f"must be a finite number, got {data}"
    elif not isinstance(data, str | int | float):
        yield loc, f"must be text, a number, true or false, got {data}"


def key_path(loc: tuple[str | int, ...]) -> str:
    """The keys to a value as toml writes them: `gates."few problems".at_most`, `score.scale[2]`."""
    path = ""
    for key in loc:
        if isinstance(key, int):
            path += f"[{key}]"
        else:
            path += "." + (key if _BARE_KEY.fullmatch(key) else '"' + key.replace('"', '\\"') + '"')
    return path.removeprefix(".")


def unselectable(name: str) -> str | None:
    """Why pytest could not select a case of this name, as the end of a sentence; None if it can."""
    if not name:
        return "is empty"
    if "::" in name:
        return "holds '::', which pytest takes for a separator"
    if _UNSELECTABLE.search(name):
        return "holds a line break or a control character"
    return "begins or ends with a space" if name != name.strip() else None


def shown(path: Path) -> str:
    """A path as a message shows it: from the current folder if it is below it."""
    try:
        return str(Path(os.path.abspath(path)).relative_to(Path.cwd()))
    except ValueError:
        return str(path)
