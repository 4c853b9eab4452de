"""A picture that is cut off is an error that says so, however it would have been sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.judging.pictures import encode
from pytest_mllm_judge.model import Picture


@pytest.mark.parametrize("change", ["", "max_side 20", "jpeg 90"])
def test_a_truncated_png_says_what_to_do(tmp_path: Path, change: str) -> None:
    whole = tmp_path / "whole.png"
    Image.effect_noise((80, 60), 50).save(whole)
    file = tmp_path / "cut.png"
    file.write_bytes(whole.read_bytes()[:400])
    with pytest.raises(BenchmarkError) as told:
        encode(Picture(address="cut.png", file=file, change=change))
    assert str(told.value).startswith(f"{file}: the picture can't be decoded: ")
    assert str(told.value).endswith("\n  Repair the file or skip its items.")
