"""Readers of others come by entry point; a reader that nobody has is named."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.benchmarks import readers
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Item, PairTask, Response, Tasks
from tests.loading.conftest import MEND, Folder


class Duels:
    """Records such as `{"duel": "d1", "left": "x", "right": "y", "won": "L"}`."""

    tasks = Tasks(pair=PairTask(labels=("A", "B")))

    def recognises(self, record: Mapping[str, Any]) -> bool:
        return "duel" in record

    def item(self, record: Mapping[str, Any]) -> Item:
        sides = (Response(text=record["left"]), Response(text=record["right"]))
        human = ({"L": "A", "R": "B"}[record["won"]],)
        return Item(id=record["duel"], task="pair", responses=sides, human=human)

    def image_folder(self, file: Path) -> Path | None:
        return file.parent / "pictures"


class Broken(Duels):
    def __init__(self) -> None:
        raise RuntimeError("no licence")


DUEL = {"duel": "d1", "left": "x", "right": "y", "won": "L"}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints([EntryPoint("duels", f"{__name__}:Duels", readers.GROUP)])
    monkeypatch.setattr(readers, "entry_points", lambda *, group: points.select(group=group))


@pytest.mark.usefixtures("registered")
@pytest.mark.parametrize("named", ['reader = "duels"\n', ""])
def test_a_registered_reader_is_used_by_name_or_by_its_records(folder: Folder, named: str) -> None:
    folder.lines(DUEL)
    folder.manifest('path = "items.jsonl"\n' + named)
    benchmark = folder.load_again()
    assert benchmark.tasks.pair.labels == ("A", "B")
    assert (benchmark.items[0].id, benchmark.items[0].folder) == ("d1", folder.path / "pictures")


@pytest.mark.usefixtures("registered")
def test_what_a_registered_reader_stumbles_over_is_a_bad_line(folder: Folder) -> None:
    folder.lines(DUEL, {"duel": "d2", "left": "x", "right": "y", "won": "?"})
    folder.manifest('path = "items.jsonl"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == f"{folder.items}:2: the reader failed: KeyError: '?'\n  {MEND}"


def test_a_registered_reader_that_breaks_is_named(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints([EntryPoint("duels", f"{__name__}:Broken", readers.GROUP)])
    monkeypatch.setattr(readers, "entry_points", lambda *, group: points.select(group=group))
    folder.lines(DUEL)
    folder.manifest('path = "items.jsonl"\nreader = "duels"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == (
        f"{folder.toml}: reader: 'duels' ({__name__}:Broken) can't be loaded: RuntimeError: no licence"
    )


def test_an_unknown_reader_is_named_with_the_nearest(folder: Folder) -> None:
    folder.lines(DUEL)
    folder.manifest('path = "items.jsonl"\nreader = "vie-score"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == (
        f"{folder.toml}: reader: 'vie-score' is not known; did you mean 'viescore'?\n"
        "  Known readers: native, mllm-as-a-judge, genai-bench, viescore."
    )


def test_records_that_no_reader_knows_are_an_error(folder: Folder) -> None:
    folder.lines(DUEL)
    folder.manifest('path = "items.jsonl"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == (
        f"{folder.toml}: path: no reader knows the first record of {folder.items}\n"
        "  Name one with reader = ..."
    )


def test_a_folder_without_files_of_the_named_reader_is_an_error(folder: Folder) -> None:
    folder.lines(DUEL)
    folder.manifest('path = "."\nreader = "native"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == f"{folder.toml}: path: no file in {folder.path} is known to reader 'native'"


def test_a_first_line_that_is_not_json_is_not_passed_over(folder: Folder) -> None:
    folder.lines("oops", DUEL)
    folder.manifest('path = "."\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == (
        f"{folder.items}:1: this line is not JSON: Expecting value at column 1\n  {MEND}"
    )
