"""What is drawn is read back from the pixels alone."""

from __future__ import annotations

import io
from dataclasses import astuple, replace
from pathlib import Path

import pytest
from PIL import Image

from pytest_mllm_judge.reference.draw import paint, png
from pytest_mllm_judge.reference.look import Eyes, look
from pytest_mllm_judge.reference.scene import COLOURS, SOURCES, Mark, Marks, Scene, scene

SCENES = [scene(source, number) for source in SOURCES for number in range(1, 31)]


def sorted_marks(marks: Marks) -> list[tuple[object, ...]]:
    return sorted(map(astuple, marks))


def jpeg(data: bytes, quality: int = 90) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(file, "JPEG", quality=quality)
    return file.getvalue()


def loosely(marks: Marks) -> list[tuple[object, ...]]:
    """Marks without what a lossy picture may move by a pixel or two."""
    return [(mark.noun, mark.colour, mark.row, mark.column) for mark in sorted(marks, key=in_place)]


def in_place(mark: Mark) -> tuple[int, int]:
    return round(mark.x / 8), round(mark.y / 8)


def test_every_mark_is_read_with_its_exact_box() -> None:
    for one in SCENES:
        assert sorted_marks(look(png(one)).marks) == sorted_marks(one.marks)


def test_a_jpeg_of_quality_90_shows_the_same_marks() -> None:
    for one in SCENES:
        seen = look(jpeg(png(one))).marks
        assert sorted(loosely(seen)) == sorted(loosely(one.marks))
        for mark in one.marks:
            assert any(abs(mark.x - other.x) <= 2 and abs(mark.y - other.y) <= 2 for other in seen)


def test_a_picture_of_twice_the_size_shows_the_same_nouns_and_colours() -> None:
    for one in SCENES[::5]:
        large = Image.open(io.BytesIO(png(one))).convert("RGB").resize((400, 300), Image.Resampling.NEAREST)
        file = io.BytesIO()
        large.save(file, "PNG")
        seen = look(file.getvalue()).marks
        assert sorted((mark.noun, mark.colour) for mark in seen) == sorted(
            (mark.noun, mark.colour) for mark in one.marks
        )


def test_the_png_holds_the_painted_pixels() -> None:
    for one in SCENES[::10]:
        with Image.open(io.BytesIO(png(one))) as picture:
            assert (picture.mode, picture.size) == ("P", (200, 150))
            assert picture.tobytes() == b"".join(paint(one))


def test_a_scene_is_the_same_every_time() -> None:
    assert [scene(one.source, number % 30 + 1) for number, one in enumerate(SCENES)] == SCENES


def test_a_blank_picture_shows_nothing() -> None:
    assert look(png(Scene(source="circles", marks=()))).marks == ()


def test_a_repainted_mark_is_seen_in_its_new_colour() -> None:
    one = SCENES[0]
    other = next(colour for colour in COLOURS if colour != one.marks[0].colour)
    repainted = (replace(one.marks[0], colour=other), *one.marks[1:])
    assert sorted_marks(look(png(replace(one, marks=repainted))).marks) == sorted_marks(repainted)


def test_bytes_that_are_no_picture_are_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^the bytes are no picture that can be read \(cannot identify image"
    ):
        look(b"no picture")


def test_a_picture_cut_short_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the bytes are no picture that can be read"):
        look(png(SCENES[0])[:5000])


def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    file = io.BytesIO()
    Image.new("1", (4097, 4096)).save(file, "PNG")
    with pytest.raises(ValueError, match=r"^the picture has more than 16777216 pixels$"):
        look(file.getvalue())


def test_a_picture_is_read_once_for_each_digest(tmp_path: Path) -> None:
    loads: list[str] = []

    def load(name: str) -> bytes:
        loads.append(name)
        return png(SCENES[0])

    eyes = Eyes(remember=2)
    for name in ("a", "a", "b", "a", "c", "b"):
        eyes.see(name, lambda name=name: load(name))  # type: ignore[misc]
    # `a` was used after `b`, so `c` made `b` forgotten.
    assert loads == ["a", "b", "c", "b"]
