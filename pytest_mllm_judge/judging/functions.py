"""Functions of the user's own, named in settings as `module:function` or `file.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from pytest_mllm_judge.errors import SettingsError, did_you_mean

FORMS = "write 'module:function' or 'file.py:function'"


def load_function(spec: str, *, root: Path, where: str) -> Callable[..., Any]:
    """The function that `spec` names; a file is found from `root`, and so is a module.

    `root` stands on the import path for the import only. Raises SettingsError, which begins with
    `where`, if there is no such module, file or function, or if importing it fails.
    """
    place, colon, name = spec.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise SettingsError(f"{where}: {spec!r} names no function; {FORMS}")
    module = _load(place, root, where)
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise SettingsError(f"{where}: {place} has no function {name!r}{did_you_mean(name, known)}")
    return function  # type: ignore[no-any-return]


def _load(place: str, root: Path, where: str) -> ModuleType:
    if place.endswith(".py") and not (root / place).is_file():
        raise SettingsError(f"{where}: there is no file {place} in {root}")
    try:
        with _on_the_path(root):
            return _from_file(root / place) if place.endswith(".py") else importlib.import_module(place)
    except Exception as error:
        raise SettingsError(f"{where}: importing {place} raised {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> ModuleType:
    """Import a file once, under a name that no other file has."""
    name = f"{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, path
    assert spec.loader is not None, path
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _on_the_path(root: Path) -> Iterator[None]:
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))
