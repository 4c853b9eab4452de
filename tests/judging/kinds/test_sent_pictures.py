from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.judging.pictures import Change, change_of, encode
from pytest_mllm_judge.judging.settings import OpenAISettings
from pytest_mllm_judge.model import Picture


def sent(file: Path, **change: Any) -> tuple[str, Image.Image, bytes]:
    kind, data = encode(Picture(file.name, file, Change(**change).words))
    return kind, Image.open(io.BytesIO(data)), data


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, ""),
        ({"max_side": 1024}, "max_side 1024"),
        ({"encode": "jpeg"}, "jpeg 90"),
        ({"encode": "png"}, "png"),
        ({"max_side": 1024, "encode": "jpeg", "quality": 75}, "max_side 1024;jpeg 75"),
    ],
)
def test_the_change_asked_for_stands_in_words(table: dict[str, Any], words: str) -> None:
    assert change_of(OpenAISettings(kind="openai", model="m", **table)) == words


@given(
    max_side=st.none() | st.integers(1, 10_000),
    encoding=st.one_of(
        st.sampled_from([("as_is", 90), ("png", 90)]), st.tuples(st.just("jpeg"), st.integers(1, 100))
    ),
)
def test_the_words_say_the_whole_change(max_side: int | None, encoding: tuple[str, int]) -> None:
    change = Change(max_side=max_side, encode=encoding[0], quality=encoding[1])
    assert Change.of_words(change.words) == change


@pytest.mark.parametrize("format_", ["png", "jpeg", "gif", "webp"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_plain_picture_goes_as_it_is(tmp_path: Path, format_: str, mode: str) -> None:
    file = tmp_path / "picture"
    Image.new(mode, (20, 10), 90 if mode == "L" else (10, 90, 10)).save(file, format_)
    kind, _, data = sent(file, max_side=20)
    assert (kind, data) == (f"image/{format_}", file.read_bytes())


@pytest.mark.parametrize("format_", ["tiff", "bmp", "ppm"])
def test_a_format_that_endpoints_do_not_take_becomes_png(tmp_path: Path, format_: str) -> None:
    file = tmp_path / "picture"
    Image.new("RGB", (20, 10), (1, 2, 3)).save(file, format_)
    kind, image, _ = sent(file)
    assert (kind, image.format, image.size, image.getpixel((0, 0))) == (
        "image/png",
        "PNG",
        (20, 10),
        (1, 2, 3),
    )


def test_a_small_picture_is_never_enlarged(tmp_path: Path) -> None:
    file = tmp_path / "picture.bmp"
    Image.new("RGB", (20, 10)).save(file)
    assert sent(file, max_side=40)[1].size == (20, 10)


def test_a_narrow_picture_keeps_a_pixel(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    Image.new("RGB", (300, 1)).save(file)
    assert sent(file, max_side=10)[1].size == (10, 1)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_in_a_jpeg_what_is_transparent_lies_on_white(tmp_path: Path, mode: str) -> None:
    file = tmp_path / "picture.png"
    Image.new(mode, (16, 16), (0, 0) if mode == "LA" else (0, 0, 0, 0)).save(file)
    kind, image, _ = sent(file, encode="jpeg")
    assert (kind, image.mode, image.getpixel((8, 8))) == ("image/jpeg", "RGB", (255, 255, 255))


def test_sixteen_bits_are_divided_over_the_full_range(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    image = Image.new("I;16", (3, 1))
    for x, value in enumerate((0, 257 * 100, 65535)):
        image.putpixel((x, 0), value)
    image.save(file)
    _, small, _ = sent(file)
    assert (small.mode, [small.getpixel((x, 0)) for x in range(3)]) == ("L", [0, 100, 255])


def test_a_colour_profile_goes_along_and_other_metadata_stays_behind(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "somebody")
    Image.new("RGB", (20, 10)).save(file, icc_profile=profile, pnginfo=notes)
    _, image, _ = sent(file, max_side=10)
    assert image.info.get("icc_profile") == profile
    assert "Author" not in image.info


def test_a_profile_of_inks_does_not_go_along_with_rgb(tmp_path: Path) -> None:
    file = tmp_path / "picture.jpg"
    Image.new("CMYK", (20, 10)).save(file, icc_profile=b"a profile of inks")
    _, image, _ = sent(file)
    assert (image.mode, image.info.get("icc_profile")) == ("RGB", None)


def no_file(file: Path) -> None:
    pass


def no_picture(file: Path) -> None:
    file.write_text("hello")


def empty(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    Image.effect_noise((64, 64), 50).save(file, "PNG")
    file.write_bytes(file.read_bytes()[:500])


def floats(file: Path) -> None:
    Image.new("F", (4, 4)).save(file, "TIFF")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_file, "the picture can't be read: No such file or directory"),
        (
            no_picture,
            "the picture can't be decoded: no picture format that Pillow knows"
            "\n  Repair the file or skip its items.",
        ),
        (
            empty,
            "the picture can't be decoded: no picture format that Pillow knows"
            "\n  Repair the file or skip its items.",
        ),
        (
            cut,
            "the picture can't be decoded: image file is truncated\n  Repair the file or skip its items.",
        ),
        (
            floats,
            "the picture can't be decoded: its pixels are of Pillow's mode F, which has no range of its own"
            "\n  Repair the file or skip its items.",
        ),
    ],
)
def test_a_file_that_is_no_sound_picture_is_named(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    file = tmp_path / "picture"
    make(file)
    with pytest.raises(BenchmarkError) as caught:
        sent(file, max_side=32)
    assert str(caught.value) == f"{file}: {message}"


@pytest.mark.parametrize("limit", [150, 50])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    file = tmp_path / "picture.png"
    Image.new("RGB", (20, 10)).save(file)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    with pytest.raises(BenchmarkError) as caught:
        sent(file)
    assert str(caught.value) == (
        f"{file}: the picture has more than {limit} pixels, which may be a decompression bomb"
        "\n  Shrink the file, or raise PIL.Image.MAX_IMAGE_PIXELS in a conftest.py if you trust it."
    )
