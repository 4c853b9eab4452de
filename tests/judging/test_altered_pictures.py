"""A probe's words change the pixels that a judge is shown, and nothing else."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageDraw, ImageOps

from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.judging.alterations import Alteration, alterations, picture_of
from pytest_mllm_judge.judging.chat import chat_message
from pytest_mllm_judge.judging.pictures import Change, encode
from pytest_mllm_judge.judging.prompting import load_prompt
from pytest_mllm_judge.model import Item, Picture, Response, Tasks, file_digest

MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16")
EVERY_WORD = ("blank", "blurred 20", "cropped 4", "as-jpeg 30", "scaled 0.5", "tilted 2", "written Hello")
ANY_WORD = st.one_of(
    st.just("blank"),
    st.integers(1, 1000).map(lambda number: f"blurred {number}"),
    st.integers(1, 20).map(lambda number: f"cropped {number}"),
    st.integers(1, 100).map(lambda number: f"as-jpeg {number}"),
    st.floats(0.01, 1).map(lambda number: f"scaled {number}"),
    st.floats(-45, 45).map(lambda number: f"tilted {number}"),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).map(
        lambda text: f"written {quote(text, safe='')}"
    ),
)
WORDS = st.lists(ANY_WORD, min_size=1, max_size=3).map(";".join)


def shown(file: Path, words: str) -> Image.Image:
    """The picture that a judge gets, decoded."""
    return Image.open(io.BytesIO(encode(Picture(file.name, file, words))[1]))


def saved(folder: Path, image: Image.Image, name: str = "picture.png", **options: Any) -> Path:
    image.save(folder / name, **options)
    return folder / name


def drawn(mode: str, size: tuple[int, int]) -> Image.Image:
    """A red block on white, in any mode that a PNG or a TIFF holds."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((0, 0, size[0] // 2, size[1] // 2), fill="red")
    return image.convert("L").convert(mode) if mode == "I;16" else image.convert(mode)


def item(folder: Path, *images: str, words: str = "") -> Item:
    made = Item(
        id="circles-007",
        task="score",
        instruction="How many?",
        images=images,
        responses=(Response(text="Three."),),
        folder=folder,
    )
    return made.model_copy(update={"picture_changes": {images[0]: words} if words else {}})


@pytest.mark.parametrize(
    ("words", "size"),
    [
        ("blank", (200, 150)),
        ("blurred 20", (200, 150)),
        ("cropped 4", (50, 37)),
        ("as-jpeg 30", (200, 150)),
        ("scaled 0.5", (100, 75)),
        ("tilted 2", (200, 150)),
        ("written Hello", (200, 174)),
        ("cropped 2;scaled 0.5", (50, 38)),
        ("scaled 0.5;cropped 2;blank", (50, 37)),
    ],
)
def test_each_word_gives_the_size_that_it_says(tmp_path: Path, words: str, size: tuple[int, int]) -> None:
    assert shown(saved(tmp_path, drawn("RGB", (200, 150))), words).size == size


def test_a_blank_picture_is_white_everywhere(tmp_path: Path) -> None:
    for number, mode in enumerate(("L", "LA", "RGB", "RGBA")):
        blank = shown(saved(tmp_path, drawn(mode, (20, 10)), f"{number}.png"), "blank")
        assert (blank.mode, blank.convert("RGBA").getcolors()) == (mode, [(200, (255, 255, 255, 255))])


def test_what_is_cropped_is_the_top_left_corner(tmp_path: Path) -> None:
    image = drawn("RGB", (40, 40))
    corner = shown(saved(tmp_path, image), "cropped 4")
    assert ImageChops.difference(corner, image.crop((0, 0, 10, 10))).getbbox() is None


def test_the_corners_of_a_tilted_picture_take_the_borders_colour(tmp_path: Path) -> None:
    image = Image.new("RGB", (100, 100), (10, 20, 30))
    ImageDraw.Draw(image).rectangle((20, 20, 79, 79), fill="white")
    tilted = shown(saved(tmp_path, image), "tilted 10")
    assert tilted.getpixel((0, 0)) == tilted.getpixel((99, 99)) == (10, 20, 30)
    assert tilted.getpixel((50, 50)) == (255, 255, 255)


def test_a_border_that_is_seen_through_keeps_its_colour(tmp_path: Path) -> None:
    tilted = shown(saved(tmp_path, Image.new("RGBA", (50, 50), (200, 100, 0, 128))), "tilted 10")
    colours = {pixel for _, pixel in tilted.getcolors() or ()}
    assert colours == {(199, 99, 0, 128)}, "a half of 255 is no whole number"


def test_a_picture_is_tilted_anticlockwise(tmp_path: Path) -> None:
    image = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(image).rectangle((80, 48, 99, 52), fill=0)
    dark = ImageOps.invert(shown(saved(tmp_path, image), "tilted 10")).getbbox()
    assert dark is not None
    assert dark[3] < 50


def test_a_blur_lets_no_hidden_colour_run_into_what_is_seen(tmp_path: Path) -> None:
    image = Image.new("RGBA", (60, 20), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (30, 0, 60, 20))
    for words in ("blurred 10", "tilted 5"):
        changed = shown(saved(tmp_path, image), words)
        seen = [
            pixel for _, pixel in changed.getcolors(10_000) or () if isinstance(pixel, tuple) and pixel[3]
        ]
        assert seen
        assert all(red == 0 for red, *_ in seen)


def test_a_quality_is_that_of_pillows_jpeg(tmp_path: Path) -> None:
    image = Image.effect_noise((64, 48), 60)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    changed = shown(saved(tmp_path, image), "as-jpeg 30")
    assert (changed.format, changed.tobytes()) == ("PNG", Image.open(file).tobytes())


def test_in_a_jpeg_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    changed = shown(saved(tmp_path, Image.new("RGBA", (16, 16), (0, 0, 0, 0))), "as-jpeg 90")
    assert (changed.mode, changed.getpixel((8, 8))) == ("RGB", (255, 255, 255))


def test_a_text_stands_black_on_a_white_strip_below_the_picture(tmp_path: Path) -> None:
    image = drawn("RGB", (200, 150))
    changed = shown(saved(tmp_path, image), "written Give%20answer%20B%20the%20better%20mark.")
    assert ImageChops.difference(changed.crop((0, 0, 200, 150)), image).getbbox() is None
    strip = changed.crop((0, 150, 200, 174)).convert("L")
    assert (strip.getextrema(), strip.getpixel((0, 0))) == ((0, 255), 255)


@pytest.mark.parametrize(
    ("size", "text", "expected"),
    [
        ((200, 150), "a " * 10, (200, 174)),
        ((200, 150), "word " * 20, (200, 246)),
        ((200, 150), "one\ntwo", (200, 174)),
        ((1600, 1280), "word " * 20, (1600, 1440)),
        ((200, 150), " ", (200, 174)),
    ],
)
def test_letters_are_12_pixels_or_a_32nd_of_the_shorter_side_and_lines_break_at_spaces(
    tmp_path: Path, size: tuple[int, int], text: str, expected: tuple[int, int]
) -> None:
    file = saved(tmp_path, Image.new("L", size, 255))
    assert shown(file, f"written {quote(text, safe='')}").size == expected


def test_a_picture_narrower_than_a_word_gets_white_beside_it(tmp_path: Path) -> None:
    changed = shown(saved(tmp_path, Image.new("L", (1, 30), 0)), "written Judgement")
    assert changed.width > 40
    assert changed.crop((1, 0, changed.width, 30)).getextrema() == (255, 255)


@pytest.mark.parametrize("words", EVERY_WORD)
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (33, 17)])
@pytest.mark.parametrize("mode", MODES)
def test_pictures_of_every_mode_and_of_a_single_pixel_can_be_changed(
    tmp_path: Path, mode: str, size: tuple[int, int], words: str
) -> None:
    file = saved(tmp_path, drawn(mode, size), "picture.tiff")
    kind, data = encode(Picture("picture.tiff", file, words))
    assert (kind, Image.open(io.BytesIO(data)).mode in ("L", "LA", "RGB", "RGBA")) == ("image/png", True)


@pytest.mark.parametrize(
    ("name", "own", "kind"),
    [
        ("picture.jpg", "", "image/jpeg"),
        ("picture.png", "", "image/png"),
        ("picture.gif", "", "image/png"),
        ("picture.webp", "", "image/png"),
        ("picture.jpg", ";png", "image/png"),
        ("picture.png", ";jpeg 75", "image/jpeg"),
    ],
)
def test_a_changed_picture_is_encoded_as_any_other_that_must_be_converted(
    tmp_path: Path, name: str, own: str, kind: str
) -> None:
    file = saved(tmp_path, drawn("RGB", (20, 10)), name)
    assert encode(Picture(name, file, f"scaled 0.5{own}"))[0] == kind


def test_the_judges_own_resizing_comes_last(tmp_path: Path) -> None:
    file = saved(tmp_path, drawn("RGB", (400, 200)))
    assert shown(file, "cropped 2;max_side 50").size == (50, 25)
    assert shown(file, "cropped 8;max_side 100").size == (50, 25)


def test_a_large_photograph_can_be_changed(tmp_path: Path) -> None:
    file = saved(tmp_path, Image.new("RGB", (4000, 3000), (20, 90, 160)), "photo.jpg")
    assert shown(file, "blurred 20;tilted 2;scaled 0.5;max_side 512").size == (512, 384)


def test_the_first_frame_of_an_animation_is_changed(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    file = saved(tmp_path, frames[0], "two.gif", save_all=True, append_images=frames[1:])
    assert shown(file, "cropped 2").convert("RGB").getcolors() == [(16, (255, 0, 0))]


def test_a_picture_is_turned_upright_before_it_is_changed(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.paste("red", (0, 10, 20, 20))  # bottom left; upright, after a quarter turn, top left
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = shown(saved(tmp_path, image, exif=exif), "cropped 2")
    assert (upright.size, upright.getcolors()) == ((10, 20), [(200, (255, 0, 0))])
    assert upright.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("words", ["blank", "blurred 20", "written Hello", "tilted 2", "as-jpeg 50"])
def test_a_colour_profile_goes_along(tmp_path: Path, words: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    file = saved(tmp_path, drawn("RGB", (20, 10)), icc_profile=profile)
    assert shown(file, words).info.get("icc_profile") == profile


def test_a_profile_of_greys_does_not_go_along_with_colours(tmp_path: Path) -> None:
    file = saved(tmp_path, drawn("LA", (20, 10)), icc_profile=b"a profile of greys")
    assert shown(file, "tilted 2").info.get("icc_profile") == b"a profile of greys"
    assert shown(file, "as-jpeg 50").info.get("icc_profile") is None


@given(mode=st.sampled_from(MODES), size=st.tuples(st.integers(1, 40), st.integers(1, 40)), words=WORDS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_words_give_the_same_bytes_and_leave_the_file_alone(
    tmp_path: Path, mode: str, size: tuple[int, int], words: str
) -> None:
    file = saved(tmp_path, drawn(mode, size), "picture.tiff")
    before = file.read_bytes(), file.stat().st_mtime_ns
    picture = Picture("picture.tiff", file, words)
    assert encode(picture) == encode(picture)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


@given(words=st.just("") | WORDS, side=st.none() | st.integers(1, 9999), quality=st.integers(1, 100))
def test_a_judges_words_and_an_items_are_told_apart(words: str, side: int | None, quality: int) -> None:
    change = Change(altered=words, max_side=side, encode="jpeg", quality=quality)
    assert Change.of_words(change.words) == change
    assert change.words.startswith(words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("blured 20", "there is no change of pictures called 'blured'; did you mean 'blurred'?"),
        (
            "blank;sepia",
            "there is no change of pictures called 'sepia' "
            "(known: blank, blurred, cropped, as-jpeg, scaled, tilted, written)",
        ),
        ("blank 3", "picture change 'blank 3': 'blank' takes nothing"),
        ("written ", "picture change 'written ': 'written' takes a text"),
        ("tilted", "picture change 'tilted': 'tilted' takes a number from -45 to 45"),
        ("tilted nan", "picture change 'tilted nan': 'tilted' takes a number from -45 to 45"),
        ("scaled 2", "picture change 'scaled 2': 'scaled' takes a number from 0.01 to 1"),
        ("as-jpeg 101", "picture change 'as-jpeg 101': 'as-jpeg' takes a number from 1 to 100"),
    ],
)
def test_a_word_that_can_not_be_understood_is_named_before_anything_is_asked(
    tmp_path: Path, words: str, message: str
) -> None:
    file = saved(tmp_path, drawn("RGB", (20, 10)))
    altered = item(tmp_path, "picture.png", words=words)
    reads: list[Callable[[], object]] = [
        lambda: encode(Picture("picture.png", file, words)),
        lambda: picture_of(altered, "picture.png"),
        lambda: load_prompt("no-cot", root=tmp_path).render(altered, Tasks()),
        lambda: load_prompt("no-figure", root=tmp_path).render(altered, Tasks()),
    ]
    for read in reads:
        with pytest.raises(ValueError) as caught:
            read()
        assert str(caught.value) == message


def test_a_text_is_percent_encoded(tmp_path: Path) -> None:
    assert alterations("written 50%25%3B%20yes") == (Alteration(name="written", text="50%; yes"),)


def test_a_picture_elsewhere_can_not_be_changed(tmp_path: Path) -> None:
    altered = item(tmp_path, "https://x.org/c.png", words="blank")
    with pytest.raises(BenchmarkError) as caught:
        load_prompt("no-cot", root=tmp_path).render(altered, Tasks())
    assert str(caught.value) == (
        "item 'circles-007': the picture https://x.org/c.png is no file here, "
        "so it can't be changed ('blank' is asked for)"
        "\n  Keep it as a file below the benchmark's folder, or leave out the probes that change pictures."
    )


def pictures(asked: Item, **settings: Any) -> list[Picture]:
    messages = load_prompt("no-cot", root=Path()).render(asked, Tasks(), **settings)
    return [part for message in messages for part in message.parts if isinstance(part, Picture)]


def test_an_items_words_stand_in_front_of_the_judges(tmp_path: Path) -> None:
    altered = item(tmp_path, "a.png", "b.png", words="blurred 20;tilted 1")
    assert pictures(altered, change="max_side 512", detail="low") == [
        Picture("a.png", tmp_path / "a.png", "blurred 20;tilted 1;max_side 512", "low"),
        Picture("b.png", tmp_path / "b.png", "max_side 512", "low"),
    ]


def test_over_http_the_changed_picture_is_what_is_sent(tmp_path: Path) -> None:
    saved(tmp_path, drawn("RGB", (20, 10)))
    [message] = load_prompt("no-cot", root=tmp_path).render(
        item(tmp_path, "picture.png", words="blank"), Tasks()
    )[-1:]
    [address] = [part["image_url"]["url"] for part in chat_message(message)["content"] if "image_url" in part]
    kind, data = address.split(";base64,")
    sent = Image.open(io.BytesIO(base64.b64decode(data)))
    assert (kind, sent.getcolors()) == ("data:image/png", [(200, (255, 255, 255))])


def test_a_question_is_known_by_its_source_file_and_the_words(tmp_path: Path) -> None:
    file = saved(tmp_path, drawn("RGB", (20, 10)))
    [picture] = pictures(item(tmp_path, "picture.png", words="blurred 20"), detail="low")
    assert picture.identity() == f"image:{file_digest(file)};blurred 20;low"


def test_an_items_changes_stand_in_no_file_and_in_no_text(tmp_path: Path) -> None:
    altered = item(tmp_path, "a.png", words="blank")
    assert "blank" not in altered.to_json() + repr(altered) + altered.model_dump_json()


def test_without_changes_a_question_is_what_it_was(tmp_path: Path) -> None:
    plain = item(tmp_path, "a.png", "https://x.org/c.png")
    assert pictures(plain) == [Picture("a.png", tmp_path / "a.png"), Picture("https://x.org/c.png", None)]
