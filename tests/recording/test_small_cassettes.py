"""What an exchange costs on disk beside the reply's own words; recording twice gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import random
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pytest_mllm_judge.recording.format import PART, dumps

from .bench import item, running, written
from .loopback import Server, completion

FIRST, FURTHER = 300, 70
"""Bytes a call may take beside the reply's own text with one image, and for each further one."""
JSON = {"content-type": "application/json"}
SAID = '{"Analysis": "The second answer counts five circles; there are five.", "Judgement": "[[B]]"}'
LONG = "Größer ist 判断 the “second”. " * 200


def of_openai(body: dict[str, Any], said: str = SAID) -> dict[str, Any]:
    """A completion with everything that OpenAI sends today."""
    return {
        **completion(body),
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": said, "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 12345,
            "completion_tokens": 1234,
            "total_tokens": 13579,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
    }


TABLES: dict[str, dict[str, Any]] = {
    "no settings": {},
    "the usual settings": {"temperature": 0, "max_tokens": 1024, "seed": 7},
    "detail": {"temperature": 0, "detail": "high"},
    "pictures made smaller": {"temperature": 0.2, "max_side": 1024, "encode": "jpeg", "quality": 85},
    "a response format": {
        "temperature": 0,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "verdict", "schema": {"type": "object", "additionalProperties": False}},
        },
    },
}


def beside(line: bytes) -> int:
    """The bytes of a line, with its line feed, beside the reply's own text."""
    return len(line) - len(json.loads(line)["reply"].encode())


def verbatim(line: bytes) -> int:
    """The bytes that were written as somebody chose them: the settings, and the reply's JSON escapes."""
    exchange = json.loads(line)
    escapes = len(dumps(exchange["reply"])) - len(exchange["reply"].encode())
    settings = exchange.get("settings")
    return escapes + (len(dumps({"settings": settings})) if settings else 0)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A benchmark about five noisy pictures, the largest of 300 KB."""
    folder = written(tmp_path / "few", *(item(n, images=IMAGES[: n + 1]) for n in range(len(IMAGES))))
    draw = random.Random(3)
    for name, side in zip(IMAGES, (8, 40, 100, 200, 316), strict=True):
        Image.frombytes("RGB", (side, side), draw.randbytes(3 * side * side)).save(folder / name)
    return folder


IMAGES = [f"images/circles-{number:03}.png" for number in range(5)]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("said", [SAID, LONG], ids=["short", "long"])
def test_a_call_takes_few_bytes_beside_its_reply_whatever_its_pictures(
    table: str, said: str, pictures: Path, server: Server
) -> None:
    server.answer = lambda body, count: (200, JSON, json.dumps(of_openai(body, said)).encode())
    with running(pictures, "new_episodes", base_url=server.url, **TABLES[table]) as run:
        run.judgements()
    lines = (pictures / "cassettes" / "mine.jsonl").read_bytes().splitlines(keepends=True)
    sizes = [beside(line) - (verbatim(line) if TABLES[table] else 0) for line in lines]
    most = [FIRST + FURTHER * further for further in range(len(IMAGES))]
    assert [size for size, limit in zip(sizes, most, strict=True) if size >= limit] == [], sizes
    assert max(later - earlier for earlier, later in pairwise(sizes)) <= FURTHER


def test_what_is_not_zero_is_kept_and_still_small(pictures: Path, server: Server) -> None:
    """Cached and reasoning tokens, a repeat, and a variant's worth of room are all within the limit."""

    def counted(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
        answer = of_openai(body)
        answer["usage"]["prompt_tokens_details"]["cached_tokens"] = 12032
        answer["usage"]["completion_tokens_details"]["reasoning_tokens"] = 1024
        return 200, JSON, json.dumps(answer).encode()

    server.answer = counted
    with running(pictures, "new_episodes", base_url=server.url) as run:
        run.ask(run.items[0], repeat=2)
    (line,) = (pictures / "cassettes" / "mine.jsonl").read_bytes().splitlines(keepends=True)
    assert json.loads(line)["usage"] == [
        12345,
        1234,
        {
            "prompt_tokens_details": {"cached_tokens": 12032},
            "completion_tokens_details": {"reasoning_tokens": 1024},
        },
    ]
    assert beside(line) < FIRST + len(dumps(json.loads(line)["usage"][2]))


def test_nothing_of_a_picture_and_nothing_that_differs_from_time_to_time_is_written(
    pictures: Path, server: Server
) -> None:
    server.answer = lambda body, count: (200, JSON, json.dumps(of_openai(body)).encode())
    with running(pictures, "new_episodes", base_url=server.url) as run:
        run.judgements()
    written_down = (pictures / "cassettes" / "mine.jsonl").read_text()
    for word in ("base64", "data:", "circles-0", "chatcmpl", "created", "fp_", "127.0.0.1", "gpt-4o-2024-05"):
        assert word not in written_down
    whole = hashlib.sha256((pictures / IMAGES[4]).read_bytes()).hexdigest()
    assert whole[:PART] in written_down
    assert whole not in written_down


def recorded(folder: Path, server: Server, *, order: int, mode: Any = "new_episodes", **more: Any) -> bytes:
    """The bytes of a cassette that was recorded while the server took its time, each call another."""
    draw = random.Random(order)

    def slowly(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
        time.sleep(draw.random() / 100)
        told = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        return 200, JSON, json.dumps(of_openai(body, f"{told} [[{'AB'[int(told, 16) % 2]}]]")).encode()

    server.answer = slowly
    with running(folder, mode, base_url=server.url, seed=7, **more) as run:
        run.judgements(random.Random(order).sample(run.items, len(run.items)))
    return (folder / "cassettes" / "mine.jsonl").read_bytes()


def test_recording_again_gives_the_same_bytes_in_whatever_order_the_replies_came(
    server: Server, tmp_path: Path
) -> None:
    # The last two items ask the same question: one exchange, named by the first of them.
    items = [*(item(number) for number in range(6)), item(5, id="pair-99")]
    folders = [
        written(tmp_path / name, *items, top="[probes]\nrepeat = 2\n") for name in ("one", "two", "three")
    ]
    one, two, three = (
        recorded(folder, server, order=order, concurrency=concurrency)
        for folder, order, concurrency in zip(folders, (1, 2, 3), (8, 8, 1), strict=True)
    )
    again = recorded(folders[0], server, order=4, mode="all", concurrency=8)
    assert one == two == three == again
    assert one.count(b"\n") == 12
    assert server.total == 4 * 12
    names = [(line["item"], line.get("repeat", 0)) for line in map(json.loads, one.splitlines())]
    assert names == sorted(names)
    assert "pair-99" not in {name for name, _ in names}
