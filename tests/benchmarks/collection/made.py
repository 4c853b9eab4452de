"""The made projects: items as plain parametrized cases, and as benchmarks with and without images."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SEED = 20261122
SMALL, LARGE = (32, 32), (1200, 1200)
"""Pixels of the images, each of three bytes."""
SHARED_BY = 10
"""So many items share an image where there are few."""
RIGHT = 0.85
"""How often the judge of the log says what the humans said."""

Plain = dict[str, Any]

PLAIN = """
import json
from pathlib import Path

import pytest

CASES = [json.loads(line) for line in Path(__file__).with_name("items.jsonl").open(encoding="utf-8")]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case):
    assert case["human"]
"""
BENCHMARK = """
format = "mllm-judge/1"
name = "made"
items = "items.jsonl"

[gates]
"scores follow humans" = { check = "score.pearson", at_least = 0.5 }
"scores agree" = { check = "score.accuracy", at_least = 0.6 }
"pairs agree" = { check = "pair.accuracy", at_least = 0.6 }
"pairs of charts agree" = { check = "pair.accuracy", at_least = 0.6, where = { source = "charts" } }
"rankings are near" = { check = "batch.distance", at_most = 0.4 }
"few problems" = { check = "problems.rate", at_most = 0.05 }
"""
JUDGE = '[tool.pytest-mllm-judge.judges.made]\nkind = "log"\npath = "log.jsonl"\n'
WORDS = """
the a picture chart shows two three red blue circles beside under above left right of with and while label
axis value largest smallest person street sign window table seems to be standing near answer describes counts
mentions omits detail colour shape correctly instead background foreground
"""
SOURCES = ("charts", "maps", "photographs", "posters", "scenes")


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder to run pytest in, what pytest is told besides, and how many cases it has."""

    title: str
    folder: Path
    cases: int
    arguments: tuple[str, ...] = ()


def text(chance: random.Random, length: int) -> str:
    """Words up to about so many characters, as a sentence."""
    known = WORDS.split()
    words = [chance.choice(known)]
    while sum(map(len, words)) + len(words) < length:
        words.append(chance.choice(known))
    return " ".join(words).capitalize() + "."


def items(number: int) -> Iterator[Plain]:
    """Items of the three tasks in turn; one in three was labelled by three annotators, who agree."""
    chance = random.Random(SEED)
    for place in range(number):
        task, responses = (("score", 1), ("pair", 2), ("batch", 4))[place % 3]
        label = _label(chance, task)
        yield {
            "id": f"{task}-{place:06}",
            "task": task,
            "instruction": text(chance, 120),
            "responses": [{"text": text(chance, 300), "author": f"model-{n}"} for n in range(responses)],
            "human": [label] * 3 if chance.random() < 1 / 3 else label,
            "source": chance.choice(SOURCES),
        }


def _label(chance: random.Random, task: str) -> int | str:
    if task == "score":
        return chance.randint(1, 5)
    return chance.choice("AB") if task == "pair" else "".join(chance.sample("ABCD", 4))


def replies(benchmark: Iterator[Plain]) -> Iterator[Plain]:
    """A reply to each item: an analysis, then a judgement that is mostly the humans'."""
    chance = random.Random(SEED + 1)
    for item in benchmark:
        human = item["human"][0] if isinstance(item["human"], list) else item["human"]
        says = human if chance.random() < RIGHT else _label(chance, item["task"])
        yield {
            "item": item["id"],
            "reply": f"Analysis: {text(chance, 300)}\nJudgement: {says}",
            "usage": {"input_tokens": chance.randint(500, 2000), "output_tokens": chance.randint(50, 200)},
            "latency": round(chance.uniform(1, 5), 3),
        }


def with_images(benchmark: Iterator[Plain], *, shared_by: int) -> Iterator[Plain]:
    """The same items, each with an image."""
    for place, item in enumerate(benchmark):
        yield item | {"images": [f"images/{place // shared_by:06}.ppm"]}


def write_lines(file: Path, lines: Iterator[Plain]) -> None:
    """Write a JSON Lines file."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


def write_images(folder: Path, number: int, size: tuple[int, int]) -> None:
    """Images that differ in their first pixels; the rest is a hole in the file, which takes no disk."""
    folder.mkdir()
    for place in range(number):
        with (folder / f"{place:06}.ppm").open("wb") as file:
            file.write(b"P6 %d %d 255\n" % size + place.to_bytes(6, "big"))
            file.truncate(file.tell() - 6 + size[0] * size[1] * 3)


def make_plain(folder: Path, number: int) -> Project:
    """The items as cases of one test."""
    folder.mkdir()
    write_lines(folder / "items.jsonl", items(number))
    (folder / "test_plain.py").write_text(PLAIN, encoding="utf-8")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    return Project(title="plain parametrized cases", folder=folder, cases=number)


def make_benchmark(
    folder: Path, number: int, *, gated: bool = True, shared_by: int = 0, size: tuple[int, int] = SMALL
) -> Project:
    """The items as a benchmark, with the log of a judge. Without `shared_by` there are no images."""
    bench = folder / "bench"
    bench.mkdir(parents=True)
    pictured = with_images(items(number), shared_by=shared_by) if shared_by else items(number)
    write_lines(bench / "items.jsonl", pictured)
    write_lines(folder / "log.jsonl", replies(items(number)))
    manifest = BENCHMARK.lstrip() if gated else BENCHMARK.lstrip().partition("[gates]")[0]
    (bench / "benchmark.toml").write_text(manifest, encoding="utf-8")
    (folder / "pyproject.toml").write_text(JUDGE + "[tool.pytest.ini_options]\n", encoding="utf-8")
    title = "benchmark, no images" + ("" if gated else ", no gates")
    if shared_by:
        images = -(-number // shared_by)
        write_images(bench / "images", images, size)
        title = f"benchmark, {images:,} images of {_bytes(size[0] * size[1] * 3)}"
    gates = manifest.count("check =")
    return Project(title=title, folder=folder, cases=number + gates, arguments=("--judge=made", "bench"))


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} KB"


def make_all(root: Path, number: int) -> list[Project]:
    """Every project, the plain one first."""
    return [
        make_plain(root / "plain", number),
        make_benchmark(root / "none", number),
        make_benchmark(root / "ungated", number, gated=False),
        make_benchmark(root / "many", number, shared_by=1),
        make_benchmark(root / "few", number, shared_by=SHARED_BY),
        make_benchmark(root / "large", number, shared_by=SHARED_BY, size=LARGE),
    ]
