from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pytest_mllm_judge.model import Item, Response

from .loopback import Endpoint, running


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running() as endpoint:
        yield endpoint


@pytest.fixture
def pair(tmp_path: Path) -> Item:
    """A pair about one picture of 8 x 6 red pixels."""
    Image.new("RGB", (8, 6), "red").save(tmp_path / "red.png")
    return Item(
        id="circles-007",
        task="pair",
        instruction="How many circles?",
        images=("red.png",),
        responses=(Response(text="Three."), Response(text="Five.")),
        human=("B",),
        folder=tmp_path,
    )
