"""Real photographs, in every shape that cameras and editors save them, as they reach a server."""

from __future__ import annotations

import base64
import io
import json
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage
import sklearn.datasets
from PIL import Image

from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Response

SKIMAGE = Path(skimage.__file__).parent / "data"
SKLEARN = Path(sklearn.datasets.__file__).parent / "images"
"""Only what the two packages ship: nothing is fetched."""
EIGHT = 8
"""Photographs are compared after both are shrunk to 8 x 8 pixels."""
TOLERANCE = 12.0
"""How far apart such pixels may lie, of 255: JPEG and the plain CMYK formula cost a few."""


def photograph(name: str) -> Image.Image:
    folder = SKLEARN if (SKLEARN / name).exists() else SKIMAGE
    return Image.open(folder / name).convert("RGB")


def coarse(image: Image.Image) -> np.ndarray[Any, Any]:
    return np.asarray(image.convert("RGB").resize((EIGHT, EIGHT), Image.Resampling.BOX), dtype=float)


def apart(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(coarse(one) - coarse(other)).max())


# Each maker saves a photograph in one shape and returns what a person sees who opens the file.


def plain_jpeg(file: Path) -> Image.Image:
    image = photograph("china.jpg")
    image.save(file, "JPEG", quality=92)
    return image


def plain_png(file: Path) -> Image.Image:
    image = photograph("chelsea.png")
    image.save(file, "PNG")
    return image


def turned_jpeg(orientation: int) -> Callable[[Path], Image.Image]:
    """A camera held sideways: the pixels lie, the EXIF mark says how to turn them."""
    turns = {2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}
    # Image.Transpose by number; the inverse of what a viewer does for that orientation.

    def make(file: Path) -> Image.Image:
        seen = photograph("rocket.jpg")
        stored = seen
        for turn in turns[orientation]:
            stored = stored.transpose(Image.Transpose(turn))
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored.save(file, "JPEG", quality=92, exif=exif)
        return seen

    make.__name__ = f"turned_jpeg_{orientation}"
    return make


def cmyk_jpeg(file: Path) -> Image.Image:
    image = photograph("flower.jpg")
    image.convert("CMYK").save(file, "JPEG", quality=92)
    return image


def grey_16_bit_png(file: Path) -> Image.Image:
    grey = photograph("coffee.png").convert("L")
    Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257).save(file, "PNG")
    return grey


def colour_16_bit_png(file: Path) -> Image.Image:
    """Pillow can't write these, so the file is put together by hand."""
    import struct
    import zlib

    image = photograph("coffee.png")
    deep = (np.asarray(image, dtype=np.uint16) * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    header = struct.pack(">IIBBBBB", image.width, image.height, 16, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")]
    parts = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return image


def palette_png_with_alpha(file: Path) -> Image.Image:
    """An astronaut cut out: the left half of the picture is transparent."""
    image = photograph("astronaut.png")
    palette = image.quantize(255)
    colours = palette.getpalette() or []
    palette.putpalette(colours + [0] * (768 - len(colours)))
    palette.paste(255, (0, 0, image.width // 2, image.height))
    palette.save(file, "PNG", transparency=255)
    seen = image.copy()
    seen.paste("white", (0, 0, image.width // 2, image.height))
    return seen


def animated_gif(file: Path) -> Image.Image:
    frames = [photograph(name).resize((300, 200)).quantize(255) for name in ("chelsea.png", "coffee.png")]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return frames[0]


def lossy_webp(file: Path) -> Image.Image:
    image = photograph("chelsea.png")
    image.save(file, "WEBP", quality=90)
    return image


def animated_webp(file: Path) -> Image.Image:
    frames = [photograph(name).resize((300, 200)) for name in ("chelsea.png", "coffee.png")]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:], duration=100, quality=90)
    return frames[0]


def thirty_megapixels(file: Path) -> Image.Image:
    image = photograph("china.jpg")
    image.resize((6708, 4472), Image.Resampling.BILINEAR).save(file, "JPEG", quality=60)
    return image


def tiff(file: Path) -> Image.Image:
    image = photograph("chelsea.png")
    image.save(file, "TIFF", compression="tiff_deflate")
    return image


TURNED = [turned_jpeg(orientation) for orientation in range(2, 9)]
OWN, JPEG, PNG = "own bytes", "jpeg", "png"

Row = tuple[Callable[[Path], Image.Image], dict[str, Any], str, str, tuple[int, int]]
"""A photograph, what is asked for, what arrives, in which mode, and in which size."""

TABLE: list[Row] = [
    (plain_jpeg, {}, OWN, "RGB", (640, 427)),
    (plain_jpeg, {"encode": "jpeg"}, JPEG, "RGB", (640, 427)),
    (plain_jpeg, {"encode": "png"}, PNG, "RGB", (640, 427)),
    (plain_jpeg, {"max_side": 320}, JPEG, "RGB", (320, 214)),
    (plain_png, {}, OWN, "RGB", (451, 300)),
    (plain_png, {"encode": "jpeg"}, JPEG, "RGB", (451, 300)),
    (plain_png, {"encode": "png"}, OWN, "RGB", (451, 300)),
    (plain_png, {"max_side": 100}, PNG, "RGB", (100, 67)),
    *((turned, {}, JPEG, "RGB", (640, 427)) for turned in TURNED),
    *((turned, {"max_side": 320}, JPEG, "RGB", (320, 214)) for turned in TURNED),
    (TURNED[4], {"encode": "jpeg"}, JPEG, "RGB", (640, 427)),
    (TURNED[4], {"encode": "png"}, PNG, "RGB", (640, 427)),
    (cmyk_jpeg, {}, JPEG, "RGB", (640, 427)),
    (cmyk_jpeg, {"encode": "jpeg"}, JPEG, "RGB", (640, 427)),
    (cmyk_jpeg, {"max_side": 320}, JPEG, "RGB", (320, 214)),
    (grey_16_bit_png, {}, PNG, "L", (600, 400)),
    (grey_16_bit_png, {"encode": "jpeg"}, JPEG, "L", (600, 400)),
    (grey_16_bit_png, {"max_side": 300}, PNG, "L", (300, 200)),
    (colour_16_bit_png, {}, PNG, "RGB", (600, 400)),
    (colour_16_bit_png, {"encode": "jpeg"}, JPEG, "RGB", (600, 400)),
    (colour_16_bit_png, {"max_side": 300}, PNG, "RGB", (300, 200)),
    (palette_png_with_alpha, {}, OWN, "P", (512, 512)),
    (palette_png_with_alpha, {"encode": "jpeg"}, JPEG, "RGB", (512, 512)),
    (palette_png_with_alpha, {"max_side": 256}, PNG, "RGBA", (256, 256)),
    (animated_gif, {}, PNG, "RGB", (300, 200)),
    (animated_gif, {"encode": "jpeg"}, JPEG, "RGB", (300, 200)),
    (animated_gif, {"max_side": 150}, PNG, "RGB", (150, 100)),
    (lossy_webp, {}, OWN, "RGB", (451, 300)),
    (lossy_webp, {"encode": "jpeg"}, JPEG, "RGB", (451, 300)),
    (lossy_webp, {"max_side": 100}, PNG, "RGB", (100, 67)),
    (animated_webp, {}, PNG, "RGB", (300, 200)),
    (animated_webp, {"max_side": 150}, PNG, "RGB", (150, 100)),
    (tiff, {}, PNG, "RGB", (451, 300)),
    (tiff, {"encode": "jpeg"}, JPEG, "RGB", (451, 300)),
    (thirty_megapixels, {}, OWN, "RGB", (6708, 4472)),
    (thirty_megapixels, {"max_side": 1024}, JPEG, "RGB", (1024, 683)),
    (thirty_megapixels, {"max_side": 1024, "encode": "png"}, PNG, "RGB", (1024, 683)),
]


@dataclass
class Server:
    url: str
    bodies: list[dict[str, Any]]

    def picture(self) -> tuple[str, bytes]:
        """The media type and the bytes of the one picture that arrived last."""
        parts = [part for message in self.bodies[-1]["messages"] for part in message["content"]]
        (url,) = [
            part["image_url"]["url"] for part in parts if isinstance(part, dict) and "image_url" in part
        ]
        kind, _, data = url.removeprefix("data:").partition(";base64,")
        return kind, base64.b64decode(data)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A chat endpoint on loopback that keeps what arrives."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            message = {"role": "assistant", "content": "[[4]]"}
            answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    yield Server(f"http://127.0.0.1:{http.server_port}/v1", bodies)
    http.shutdown()
    http.server_close()
    thread.join()


def send(server: Server, file: Path, **table: Any) -> tuple[str, bytes]:
    settings = {"kind": "openai", "model": "m", "base_url": server.url, **table}
    judge = build("mine", {"mine": settings}, Context(root=file.parent))
    responses = (Response(text="A photograph."),)
    item = Item(id="1", task="score", images=(file.name,), responses=responses, folder=file.parent)
    judge.ask(judge.question(item))
    judge.close()
    return server.picture()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], tuple[Path, Image.Image]]:
    """A maker's file and what a person sees in it, made once."""
    folder = tmp_path_factory.mktemp("photographs")
    made: dict[str, tuple[Path, Image.Image]] = {}

    def save(make: Callable[[Path], Image.Image]) -> tuple[Path, Image.Image]:
        if make.__name__ not in made:
            file = folder / make.__name__
            made[make.__name__] = (file, make(file))
        return made[make.__name__]

    return save


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row[0].__name__}-{'-'.join(map(str, row[1].values())) or 'as_is'}")
        for row in TABLE
    ],
)
def test_a_photograph_reaches_the_server_as_it_is_seen(
    server: Server,
    saved: Callable[[Any], tuple[Path, Image.Image]],
    row: Row,
) -> None:
    make, table, arrives, mode, size = row
    file, seen = saved(make)
    kind, data = send(server, file, **table)
    image = Image.open(io.BytesIO(data))
    assert (image.mode, image.size) == (mode, size)
    assert kind == f"image/{str(image.format).lower()}"
    assert (data == file.read_bytes()) is (arrives == OWN)
    assert arrives in (OWN, str(image.format).lower())
    assert image.getexif().get(0x0112, 1) == 1, "upright, whatever a server makes of EXIF"
    assert getattr(image, "n_frames", 1) == 1
    shown = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    assert apart(shown, seen) < TOLERANCE


def test_the_comparison_would_see_a_photograph_that_is_turned() -> None:
    seen = photograph("rocket.jpg")
    turns = [seen.transpose(turn) for turn in Image.Transpose]
    assert min(apart(seen, turned) for turned in turns) > TOLERANCE


def test_thirty_megapixels_become_small(
    server: Server, saved: Callable[[Any], tuple[Path, Image.Image]]
) -> None:
    file, _ = saved(thirty_megapixels)
    tracemalloc.start()
    _, data = send(server, file, max_side=1024)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(data) < 400_000 < file.stat().st_size
    assert peak < 4 * file.stat().st_size + 8_000_000, "the file, its encoding, and no copies of the pixels"
