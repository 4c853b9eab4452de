"""A benchmark of a few items with pictures, and sessions of a judge that asks a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from pytest_mllm_judge import Session
from pytest_mllm_judge.recording import Mode
from pytest_mllm_judge.runs.run import Run

Way = Literal["fast", "wire"]
WAYS: tuple[Way, ...] = ("fast", "wire")
"""From an exchange to its judgement: without HTTP, and through the whole SDK."""
JUDGE = "mine"
COLOURS = ("red", "green", "blue")


def item(number: int, **more: Any) -> dict[str, Any]:
    """A pair about the picture of this number, and whatever else is said of it."""
    colour = COLOURS[number % len(COLOURS)]
    return {
        "id": f"pair-{number}",
        "task": "pair",
        "instruction": f"Which colour is it? ({number})",
        "images": [f"images/{colour}.png"],
        "responses": [{"text": "Red."}, {"text": "Green."}],
        "human": "A",
        **more,
    }


def written(folder: Path, *items: Mapping[str, Any], top: str = "") -> Path:
    """A benchmark folder with these items, and a picture of each colour."""
    (folder / "images").mkdir(parents=True)
    for colour in COLOURS:
        Image.new("RGB", (12, 9), colour).save(folder / "images" / f"{colour}.png")
    (folder / "benchmark.toml").write_text(
        f'format = "mllm-judge/1"\nname = "few"\nitems = "items.jsonl"\n{top}'
    )
    (folder / "items.jsonl").write_text("\n".join(json.dumps(each) for each in items), encoding="utf-8")
    return folder


@contextmanager
def running(
    folder: Path, mode: Mode, *, way: Way = "fast", concurrency: int = 8, **table: Any
) -> Iterator[Run]:
    """The run of a judge with this table, of the kind `openai` unless it says another."""
    tables = {JUDGE: {"kind": "openai", "model": "gpt-4o", **table}}
    session = Session(root=folder, mode=mode, tables=tables, replay=way, concurrency=concurrency)
    try:
        yield session.run(JUDGE, folder)
    finally:
        session.close()
