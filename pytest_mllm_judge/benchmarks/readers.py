"""What a reader is, and which there are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Protocol

from pytest_mllm_judge.errors import BenchmarkError, did_you_mean
from pytest_mllm_judge.model import Item, Tasks

GROUP = "pytest_mllm_judge.readers"
BUILT_IN = {
    "native": "native:NativeReader",
    "mllm-as-a-judge": "mllm_as_a_judge:MllmAsAJudgeReader",
    "genai-bench": "genai_bench:GenAIBenchReader",
    "viescore": "viescore:VIEScoreReader",
}


class Reader(Protocol):
    """Reads one format of benchmark: JSON Lines records in, items out. Made anew for every load.

    Others register a class (or a function that makes a reader) by the entry point group
    `pytest_mllm_judge.readers`; the entry point's name is what `reader =` says in `benchmark.toml`.
    """

    tasks: Tasks
    """The format's own scale and labels; `benchmark.toml` goes before them."""

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """Whether a record has this format's keys. Looks at the keys, not at whether the values are right."""
        ...

    def item(self, record: Mapping[str, Any]) -> Item:
        """The item of a record. Raises ValueError with one sentence if the record can't be used."""
        ...

    def image_folder(self, file: Path) -> Path | None:
        """Where the image paths of this file's items start; None for the benchmark's own folder."""
        ...


def reader_named(name: str, *, where: object) -> Reader:
    """The reader of this name. Raises BenchmarkError if there is none, or it can't be loaded."""
    if name in BUILT_IN:
        return _built_in(name)
    others = {point.name: point for point in entry_points(group=GROUP)}
    if name in others:
        return _registered(others[name], where)
    known = [*BUILT_IN, *sorted(others)]
    raise BenchmarkError(
        where,
        f"reader: {name!r} is not known{did_you_mean(name, known)}",
        f"Known readers: {', '.join(known)}.",
    )


def reader_names(record: Mapping[str, Any], *, where: object) -> Iterator[str]:
    """The names of the readers that know such a record, our own first."""
    for name in (*BUILT_IN, *sorted(entry_points(group=GROUP).names)):
        if reader_named(name, where=where).recognises(record):
            yield name


def _built_in(name: str) -> Reader:
    module, _, made_by = BUILT_IN[name].partition(":")
    reader: Reader = getattr(import_module(f"{__package__}.{module}"), made_by)()
    return reader


def _registered(point: EntryPoint, where: object) -> Reader:
    try:
        reader: Reader = point.load()()
    except Exception as error:  # somebody else's code: name it, whatever it raised
        said = f"{type(error).__name__}: {error}"
        raise BenchmarkError(
            where, f"reader: {point.name!r} ({point.value}) can't be loaded: {said}"
        ) from error
    return reader
