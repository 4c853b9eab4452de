"""A loaded benchmark: look-up, clusters, digest, where things stand, how fast it comes."""

from __future__ import annotations

import builtins
import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.benchmarks.loading import stream
from pytest_mllm_judge.benchmarks.native import NativeReader
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Item, Tasks
from tests.loading.conftest import Folder, pair_item, score_item


def test_a_benchmark_is_loaded_from_its_file_or_its_folder(folder: Folder) -> None:
    benchmark = folder.load(score_item(), pair_item())
    assert load(folder.toml) == benchmark
    assert benchmark.folder == folder.path
    assert benchmark.name == folder.path.name
    assert folder.load(score_item(), toml='name = "shapes"\n').name == "shapes"


def test_items_are_found_by_id(folder: Folder) -> None:
    benchmark = folder.load(score_item(id="circles-007"), pair_item(skip="disputed"))
    assert benchmark.item("circles-007") is benchmark.items[0]
    with pytest.raises(BenchmarkError) as caught:
        benchmark.item("circles-07")
    assert str(caught.value) == (
        f"{folder.toml}: item 'circles-07' does not exist; did you mean 'circles-007'?"
    )
    with pytest.raises(BenchmarkError) as caught:
        benchmark.item("p1")
    assert str(caught.value) == f"{folder.toml}: item 'p1' is skipped: disputed"


def test_messages_name_files_from_the_current_folder(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path.parent)
    with pytest.raises(BenchmarkError) as caught:
        folder.load("{")
    assert str(caught.value).startswith(f"{folder.path.name}/items.jsonl:1: this line is not JSON")


@pytest.mark.parametrize(
    ("changes", "cluster"),
    [
        ({}, "item:s1"),
        ({"cluster": "s1"}, "cluster:s1"),
        ({"images": ["there.png"]}, "sha256:" + hashlib.sha256(b"pixels").hexdigest()),
        ({"images": ["twin.png", "there.png"]}, "sha256:" + hashlib.sha256(b"pixels").hexdigest()),
        ({"images": ["./gone//a.png"]}, "path:gone/a.png"),
        ({"images": ["folder"]}, "path:folder"),
        ({"images": ["https://example.org/a.png"]}, "address:https://example.org/a.png"),
        ({"responses": [{"images": ["there.png"]}]}, "sha256:" + hashlib.sha256(b"pixels").hexdigest()),
        ({"images": ["there.png"], "cluster": "mine"}, "cluster:mine"),
    ],
)
def test_items_that_share_a_picture_share_a_cluster(
    folder: Folder, changes: dict[str, Any], cluster: str
) -> None:
    (folder.path / "there.png").write_bytes(b"pixels")
    (folder.path / "twin.png").write_bytes(b"pixels")
    (folder.path / "folder").mkdir()
    benchmark = folder.load(score_item(**changes))
    assert benchmark.cluster(benchmark.items[0]) == cluster


def test_a_field_of_choice_names_the_clusters(folder: Folder) -> None:
    lines = [
        score_item(scene="x", cluster="no"),
        score_item(id="b", scene=3),
        score_item(id="c", scene="3"),
        score_item(id="d"),
    ]
    benchmark = folder.load(*lines, toml='cluster = "scene"\n')
    assert [benchmark.cluster(item) for item in benchmark.items] == [
        'field:"x"', "field:3", 'field:"3"', "item:d"]  # fmt: skip


def test_a_cluster_field_that_no_item_has_is_an_error(folder: Folder) -> None:
    with pytest.raises(BenchmarkError) as caught:
        folder.load(score_item(scene="x"), toml='cluster = "scen"\n')
    assert str(caught.value) == (
        f"{folder.toml}: cluster: no item has the field 'scen'; did you mean 'scene' or 'source'?"
    )


@pytest.mark.parametrize(
    ("judge", "file"),
    [("gpt-4v", "gpt-4v.jsonl"), ("org/model:free", "org%2Fmodel%3Afree.jsonl"), ("../x", "..%2Fx.jsonl")],
)
def test_every_judge_has_a_cassette_of_its_own(folder: Folder, judge: str, file: str) -> None:
    assert folder.load(score_item()).cassette(judge) == folder.path / "cassettes" / file


def test_the_digest_changes_with_a_label_and_not_with_the_order_of_keys(folder: Folder) -> None:
    digest = folder.load(score_item(source="a")).digest
    assert folder.load(dict(reversed(score_item(source="a").items()))).digest == digest
    assert folder.load(score_item(source="a"), pair_item(skip="later")).digest == digest
    assert folder.load(score_item(source="a", human=5)).digest != digest
    assert folder.load(score_item(source="b")).digest != digest
    assert len(digest) == 64


def test_a_missing_items_file_is_an_error(folder: Folder) -> None:
    folder.manifest('items = "itmes.jsonl"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == f"{folder.toml}: items: there is no {folder.path}/itmes.jsonl"


def test_a_missing_image_folder_is_an_error(folder: Folder) -> None:
    with pytest.raises(BenchmarkError) as caught:
        folder.load(score_item(), toml='images = "pics"\n')
    assert str(caught.value) == f"{folder.toml}: images: there is no folder {folder.path}/pics"


def test_loading_opens_no_image(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("an image was opened")

    monkeypatch.setattr(Image, "open", refuse)
    monkeypatch.setattr("pytest_mllm_judge.benchmarks.benchmark.file_digest", refuse)
    (folder.path / "a.png").write_bytes(b"not an image")
    assert len(folder.load(score_item(images=["a.png"])).items) == 1


def test_items_are_read_one_line_at_a_time(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[str] = []
    original = NativeReader.item

    def spy(self: NativeReader, data: Mapping[str, Any]) -> Item:
        decoded.append(data["id"])
        return original(self, data)

    monkeypatch.setattr(NativeReader, "item", spy)
    folder.lines(*(score_item(id=str(number)) for number in range(5)))
    reading = stream(folder.items, NativeReader(), tasks=Tasks(), folder=folder.path)
    next(reading)
    next(reading)
    assert decoded == ["0", "1"]


def test_ten_thousand_items_load_in_a_second(folder: Folder) -> None:
    names = [f"circles-{number:05}" for number in range(10_000)]
    lines = [pair_item(id=name, images=[f"images/{name}.png"], source="circles", level=3) for name in names]
    took: list[float] = []
    for _ in range(3):
        start = time.process_time()
        benchmark = folder.load(*map(json.dumps, lines)) if not took else folder.load_again()
        took.append(time.process_time() - start)
    assert len(benchmark.items) == 10_000
    assert min(took) < 1


def test_a_manifest_may_stand_in_another_folder_than_the_current(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.load(score_item())
    monkeypatch.chdir(folder.path)
    assert load(Path("benchmark.toml")).name == folder.path.name
    assert load(Path()).items[0].id == "s1"


def test_only_the_benchmarks_own_files_are_opened(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.load(score_item(images=["a.png"]))
    opened: list[str] = []
    original = Path.open

    def spy(self: Path, *args: Any, **kwargs: Any) -> Any:
        opened.append(self.name)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", spy)
    monkeypatch.setattr(builtins, "open", None)
    folder.load_again()
    assert set(opened) == {"benchmark.toml", "items.jsonl"}
