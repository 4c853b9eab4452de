"""Parsers by name: the strict one, those of published protocols, and your own."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.judging.parsing import genai_bench, parse, viescore
from pytest_mllm_judge.model import Item, Label, Parsed, Reply, Tasks

Parser = Callable[[Item, Reply, Tasks], Parsed]
"""Reads a reply about an item. Gives a problem where there is no verdict, and never raises."""

BUILT_IN: dict[str, Parser] = {
    "strict": parse,
    "genai-bench": genai_bench.published,
    "genai-bench-strict": genai_bench.strict,
    "viescore": viescore.parse,
}
GROUP = "pytest_mllm_judge.parsers"
"""The entry point group by which a package offers parsers."""


def parser_named(name: str, root: Path) -> Parser:
    """The parser of a judge's settings.

    `name` is a built-in name, one of the entry point group `pytest_mllm_judge.parsers`, `module:function`,
    or `file.py:function` with the file's path from `root`. A parser that is not built in is watched: what it
    raises, and a verdict that the benchmark does not allow, becomes a problem of that reply.
    Raises SettingsError if there is no such parser.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    if ":" in name:
        return _watched(name, _function(name, root))
    offered = {entry.name: entry for entry in importlib.metadata.entry_points(group=GROUP)}
    if name not in offered:
        known = sorted({*BUILT_IN, *offered})
        raise SettingsError(
            f"no parser is called {name!r}{did_you_mean(name, known)}\n"
            f"  choose one of: {', '.join(known)}; or write your own as module:function or file.py:function"
        )
    return _watched(name, _loaded(name, offered[name].load))


def _function(name: str, root: Path) -> Any:
    place, _, function = name.rpartition(":")
    module = _loaded(name, lambda: _file(root / place) if place.endswith(".py") else _module(place, root))
    if not hasattr(module, function):
        known = [each for each in vars(module) if not each.startswith("_")]
        raise SettingsError(f"parser {name!r}: {place} has no {function!r}{did_you_mean(function, known)}")
    return getattr(module, function)


def _loaded(name: str, load: Callable[[], Any]) -> Any:
    try:
        return load()
    except Exception as error:
        raise SettingsError(f"parser {name!r} can't be loaded: {type(error).__name__}: {error}") from error


@lru_cache(maxsize=64)
def _file(path: Path) -> ModuleType:
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    spec = importlib.util.spec_from_file_location(f"_mllm_judge_parser_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _module(name: str, root: Path) -> ModuleType:
    with _on_path(root):
        return importlib.import_module(name)


@contextmanager
def _on_path(root: Path) -> Iterator[None]:
    place = str(root.resolve())
    sys.path.insert(0, place)
    try:
        yield
    finally:
        sys.path.remove(place)


def _watched(name: str, parser: Any) -> Parser:
    if not callable(parser):
        raise SettingsError(f"parser {name!r} is {parser!r}, which can't be called")

    def watched(item: Item, reply: Reply, tasks: Tasks) -> Parsed:
        try:
            parsed = parser(item, reply, tasks)
        except Exception as error:  # the promise of every parser is kept for it
            return Parsed(problem="error", reason=f"parser {name!r} raised {type(error).__name__}: {error}")
        if not isinstance(parsed, Parsed):
            return Parsed(problem="error", reason=f"parser {name!r} gave {parsed!r:.80}, not a Parsed")
        return _allowed(name, item, parsed, tasks)

    return watched


def _allowed(name: str, item: Item, parsed: Parsed, tasks: Tasks) -> Parsed:
    labels: list[Label] = []
    if isinstance(parsed.verdict, dict):
        labels += parsed.verdict.values()
    elif parsed.verdict is not None:
        labels.append(parsed.verdict)
    for label in labels:
        if not tasks.allows(item, label):
            reason = f"parser {name!r} gave {label!r}, which is not {tasks.describe(item)}"
            return Parsed(problem="error", reason=reason, fields=parsed.fields)
    return parsed
