"""Image files are checked by their headers, each once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

from pytest_mllm_judge.benchmarks import images
from pytest_mllm_judge.errors import BenchmarkError
from tests.loading.conftest import Folder, score_item

HINT = "\n  Mend these images, or skip their items."


def draw(path: Path, size: tuple[int, int] = (4, 4)) -> None:
    Image.new("RGB", size).save(path)


def refusal(folder: Folder, *names: str, count: int = 1) -> str:
    lines = [
        score_item(id=f"i{number}-{copy}", images=[name])
        for number, name in enumerate(names)
        for copy in range(count)
    ]
    benchmark = folder.load(*lines)
    with pytest.raises(BenchmarkError) as caught:
        benchmark.check_images(benchmark.items)
    return str(caught.value)


def test_sound_images_and_addresses_pass(folder: Folder) -> None:
    draw(folder.path / "a.png")
    draw(folder.path / "b.jpg")
    benchmark = folder.load(
        score_item(images=["a.png", "https://example.org/x.png"], responses=[{"images": ["b.jpg"]}])
    )
    benchmark.check_images(benchmark.items)


def test_only_the_items_given_are_checked(folder: Folder) -> None:
    benchmark = folder.load(score_item(images=["gone.png"]), score_item(id="b"))
    benchmark.check_images(benchmark.items[1:])


@pytest.mark.parametrize(("count", "more"), [(1, ""), (2, " and 1 more"), (3, " and 2 more")])
def test_a_missing_image_names_its_items(folder: Folder, count: int, more: str) -> None:
    assert refusal(folder, "gone.png", count=count) == (
        f"{folder.toml}: 1 image can't be used\n"
        f"  gone.png (item i0-0{more}) is missing from {folder.path}{HINT}"
    )


def test_the_first_few_of_many_are_named(folder: Folder) -> None:
    names = [f"{number}.png" for number in range(12)]
    lines = [f"  {name} (item i{n}-0) is missing from {folder.path}\n" for n, name in enumerate(names[:5])]
    assert refusal(folder, *names) == (
        f"{folder.toml}: 12 images can't be used\n{''.join(lines)}  and 7 more{HINT}"
    )


def test_a_file_that_is_no_image_is_refused(folder: Folder) -> None:
    (folder.path / "a.png").write_bytes(b"hello")
    (folder.path / "empty.png").write_bytes(b"")
    (folder.path / "folder").mkdir()
    assert refusal(folder, "a.png", "empty.png", "folder") == (
        f"{folder.toml}: 3 images can't be used\n"
        "  a.png (item i0-0) is not an image that Pillow can read\n"
        "  empty.png (item i1-0) is not an image that Pillow can read\n"
        f"  folder (item i2-0) can't be opened: Is a directory{HINT}"
    )


def test_a_broken_header_is_refused(folder: Folder) -> None:
    draw(folder.path / "a.png")
    whole = (folder.path / "a.png").read_bytes()
    (folder.path / "a.png").write_bytes(whole[:20])
    assert "a.png (item i0-0) " in refusal(folder, "a.png")


@pytest.mark.parametrize("limit", [99, 40])
def test_a_decompression_bomb_is_an_error(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    draw(folder.path / "big.png", (10, 10))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert refusal(folder, "big.png") == (
        f"{folder.toml}: 1 image can't be used\n  big.png (item i0-0) is larger than {limit} pixels{HINT}"
    )


def test_a_symbolic_link_out_of_the_folder_is_refused(folder: Folder, tmp_path_factory: Any) -> None:
    outside = tmp_path_factory.mktemp("outside")
    draw(outside / "a.png")
    draw(folder.path / "inside.png")
    (folder.path / "out.png").symlink_to(outside / "a.png")
    (folder.path / "fine.png").symlink_to(folder.path / "inside.png")
    assert refusal(folder, "fine.png", "out.png") == (
        f"{folder.toml}: 1 image can't be used\n"
        f"  out.png (item i1-0) leads out of the image folder through a symbolic link{HINT}"
    )


def test_each_file_is_opened_once_and_none_is_decoded(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(folder.path / "a.png")
    benchmark = folder.load(*(score_item(id=str(n), images=["a.png", "a.png"]) for n in range(5)))
    opened: list[Path] = []
    original = Image.open

    def spy(file: Path) -> Any:
        opened.append(file)
        return original(file)

    monkeypatch.setattr(Image, "open", spy)
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("decoded"))
    benchmark.check_images(benchmark.items)
    assert opened == [folder.path / "a.png"]


def test_a_check_can_say_where_it_was_made(folder: Folder) -> None:
    (item,) = folder.load(score_item(images=["gone.png"])).items
    with pytest.raises(BenchmarkError) as caught:
        images.check([item], where="here")
    assert caught.value.where == "here"
