"""JSON Lines, plain or gzipped, one record at a time."""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.errors import BenchmarkError

ENDINGS = (".jsonl", ".jsonl.gz")


@dataclass(frozen=True, slots=True)
class Record:
    """One line's object, and `where` it stands (`file:line`)."""

    where: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that can't be used: `where` (`file:line`) and `what` is wrong with it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def records(file: Path) -> Iterator[Record | BadLine]:
    """Read a `.jsonl` or `.jsonl.gz` line by line. Blank lines, a BOM and CRLF are passed over.

    Raises BenchmarkError if the file itself can't be read; a line that holds no JSON object is a BadLine.
    """
    line, name = 0, shown(file)
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as stream:
            for line, raw in enumerate(stream, 1):
                content = (raw.removeprefix(b"\xef\xbb\xbf") if line == 1 else raw).rstrip()
                if content:
                    yield _record(f"{name}:{line}", content)
    except (OSError, EOFError, zlib.error) as error:
        where = f"{name}:{line + 1}" if line else name
        raise BenchmarkError(where, f"can't be read: {getattr(error, 'strerror', None) or error}") from error


def _record(where: str, content: bytes) -> Record | BadLine:
    try:
        data = _DECODER.decode(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        return BadLine(
            where, f"this line is not UTF-8: byte 0x{content[error.start]:02x} at {error.start + 1}"
        )
    except json.JSONDecodeError as error:
        return BadLine(where, f"this line is not JSON: {error.msg} at column {error.colno}")
    except RecursionError:
        return BadLine(where, "this line is nested too deeply")
    except ValueError as error:
        return BadLine(where, f"this line is not JSON: {error}")
    if not isinstance(data, dict):
        return BadLine(where, f"this line is not a JSON object but {_KINDS.get(type(data), 'a number')}")
    return Record(where, data)


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        _refuse(digits)
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_KINDS = {list: "a list", str: "a text", type(None): "null", bool: "a truth value"}
