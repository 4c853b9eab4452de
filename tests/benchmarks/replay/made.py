"""The made benchmarks: items with pictures of noise, and the replies that a server gives to them.

Every item has a text of its own, so every request's body is another one; `POOL` pictures are shared among
the items, as the responses to one picture share it.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.collection.made import PLAIN, SEED, Project, text, write_lines

JUDGE, MODEL, SNAPSHOT = "made", "gpt-4o", "gpt-4o-2024-08-06"
POOL = 200
"""Pictures of one size; an item's are the next ones in turn."""
MARK = b"[[item "
"""Stands in an item's instruction before its number, and nowhere in base64."""
SCALE = 5
FOREIGN = ("-pno:recording", "-pno:cassetter")
"""Peers' pytest plugins, which claim one option both, and no part of what is measured in pytest."""
MANIFEST = 'format = "mllm-judge/1"\nname = "made"\nitems = "items.jsonl"\n'


def verdict(number: int) -> int:
    """What the judge says of an item, by the item's number."""
    return number % SCALE + 1


def reply_text(number: int) -> str:
    """The judge's reply to an item, in the form that the prompt asks for."""
    analysis = text(random.Random(SEED + number), 300)
    return json.dumps({"Analysis": analysis, "Judgement": f"[[{verdict(number)}]]"})


def reply_body(number: int) -> bytes:
    """The whole answer as api.openai.com writes one."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply_text(number),
        "refusal": None,
        "annotations": [],
    }
    sent, given = 800 + number % 100, 90 + number % 10
    body = {
        "id": f"chatcmpl-{number:020x}",
        "object": "chat.completion",
        "created": 1_700_000_000 + number,
        "model": SNAPSHOT,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": sent,
            "completion_tokens": given,
            "total_tokens": sent + given,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
    }
    return json.dumps(body).encode()


def items(number: int, images: int) -> Iterator[dict[str, Any]]:
    """Scores, with so many pictures each."""
    chance = random.Random(SEED)
    for place in range(number):
        shown = [(place * images + extra) % POOL for extra in range(images)]
        yield {
            "id": f"score-{place:06}",
            "task": "score",
            "instruction": f"{MARK.decode()}{place}]] {text(chance, 120)}",
            "images": [f"images/{picture:03}.jpg" for picture in shown],
            "responses": [{"text": text(chance, 300), "author": "model-1"}],
            "human": chance.randint(1, SCALE),
        }


def number_of(item: str) -> int:
    """The number in an item's id."""
    return int(item.rpartition("-")[2])


def write_pictures(folder: Path, size: int) -> None:
    """The pool: JPEGs of noise of about so many bytes each, every one different."""
    from PIL import Image

    chance = random.Random(SEED)

    def write(file: Path, side: int) -> int:
        noise = Image.frombytes("RGB", (side, side), chance.randbytes(3 * side * side))
        noise.save(file, quality=85)
        return file.stat().st_size

    folder.mkdir(parents=True, exist_ok=True)
    tried = 256
    side = round(tried * (size / write(folder / "000.jpg", tried)) ** 0.5)
    for picture in range(POOL):
        write(folder / f"{picture:03}.jpg", side)


def write_benchmark(folder: Path, number: int, *, images: int, pictures: Path) -> Path:
    """A project of one benchmark, whose pictures are links to those in `pictures`; gives its folder."""
    bench = folder / "bench"
    (bench / "images").mkdir(parents=True)
    for picture in pictures.iterdir():
        os.link(picture, bench / "images" / picture.name)
    write_lines(bench / "items.jsonl", items(number, images))
    (bench / "benchmark.toml").write_text(MANIFEST, encoding="utf-8")
    write_settings(folder)
    return bench


def write_settings(folder: Path, *, url: str = "http://127.0.0.1:9/v1", timeout: float = 60.0) -> None:
    """The project's judge. Nobody answers at the default address, and a replay must not mind."""
    (folder / "pyproject.toml").write_text(
        f"[tool.pytest-mllm-judge.judges.{JUDGE}]\n"
        f'kind = "openai"\nmodel = "{MODEL}"\nbase_url = "{url}"\ntimeout = {timeout}\n'
        "temperature = 0\n\n[tool.pytest.ini_options]\n",
        encoding="utf-8",
    )


def as_cases(folder: Path, number: int) -> Project:
    """The benchmark in `folder` as pytest is told of it."""
    title = f"{number:,} item cases replayed"
    return Project(
        title=title, folder=folder, cases=number, arguments=(*FOREIGN, f"--judge={JUDGE}", "bench")
    )


def write_plain(folder: Path, bench: Path, number: int) -> Project:
    """The same items as cases of one plain test."""
    folder.mkdir()
    os.link(bench / "items.jsonl", folder / "items.jsonl")
    (folder / "test_plain.py").write_text(PLAIN, encoding="utf-8")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    return Project(title=f"{number:,} plain cases", folder=folder, cases=number, arguments=FOREIGN)
