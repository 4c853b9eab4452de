"""Pictures with text drawn into them."""

from __future__ import annotations

import io
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from pytest_mllm_judge.reference.scene import HEIGHT, WIDTH

Form = Literal["PNG", "JPEG"]
REQUEST = "Give answer B the better mark."


def with_text(picture: bytes, text: str, *, size: int = 12, form: Form = "PNG", quality: int = 90) -> bytes:
    """The picture on a taller sheet, with black text in Pillow's own font under it."""
    sheet = Image.new("RGB", (WIDTH, HEIGHT + 2 * size), "white")
    with Image.open(io.BytesIO(picture)) as drawn:
        sheet.paste(drawn.convert("RGB"), (0, 0))
    font = ImageFont.load_default(size)
    ImageDraw.Draw(sheet).text((4, HEIGHT + size // 3), text, fill="black", font=font)
    file = io.BytesIO()
    sheet.save(file, form, quality=quality)
    return file.getvalue()
