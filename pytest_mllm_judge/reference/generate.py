"""Draws the shapes benchmark into a folder: pictures, questions, answers, labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from pathlib import Path
from random import Random
from typing import TypeVar

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Item, Response, Task
from pytest_mllm_judge.reference import WORLD
from pytest_mllm_judge.reference.answers import AUTHORS, answer, instruction
from pytest_mllm_judge.reference.draw import png
from pytest_mllm_judge.reference.opinion import truth
from pytest_mllm_judge.reference.scene import HEIGHT, SOURCES, WIDTH, Scene, scene
from pytest_mllm_judge.reference.topics import topics

PICTURES = 25
"""Pictures of each source."""
ERRORS = range(5)
"""How many wrong claims an answer may have."""

_ANCHORS = 1
"""Anchors of each source: its first pairs of a faultless answer and one with the most errors."""

MANIFEST = """\
format = "mllm-judge/1"
name = "shapes"
items = "items.jsonl"
population = "sampled"

[score]
scale = [1, 2, 3, 4, 5]

[pair]
labels = ["A", "B", "tie"]

[gates."pairs agree with the labels"]
check = "pair.accuracy"
at_least = 0.75

[gates."scores follow the labels"]
check = "score.pearson"
at_least = 0.60

[gates."rankings stay close to the labels"]
check = "batch.distance"
at_most = 0.30

[gates."few problems"]
check = "problems.rate"
at_most = 0.05

[upgrade]
margin = { score = 0.10, pair = 0.05, batch = 0.10 }
"""

README = """\
# The shapes benchmark

{items} items ({tasks}) about {pictures} pictures of {sources} sources ({names}),
{width} x {height} pixels each.

**The labels hold by construction, not by annotators.** Nobody looked at these pictures. A program drew each
of them from a list of shapes, wrote answers to questions about it, and planted errors in the answers: claims
that the list contradicts. The label follows from the number of wrong claims in each answer:

- score: 5 points less one for each wrong claim, at least 1;
- pair: the answer with fewer wrong claims, or `tie`;
- batch: fewest wrong claims first; the answers of one item differ in their numbers.

So agreement with these labels says how well a judge checks plain claims against plain pictures. It says
nothing of how well it agrees with people on real ones.

Answer models (`{authors}`) wrote the answers. They differ in style,
and no one makes more errors than another; slot and length say nothing of quality either. `errors` holds the
number of wrong claims of each answer, `world` the version of the generator. Anchors (`"must": true`) set a
faultless answer beside one with {worst} wrong claims.

Drawn by `python -m pytest_mllm_judge init shapes DIR`, which gives the same bytes every time. Don't edit
these files: a test compares them with a new drawing.
"""

Thing = TypeVar("Thing")


def write(folder: Path) -> None:
    """Draw the benchmark into `folder`, which is made if need be. SettingsError if it holds anything."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise SettingsError(
            f"{folder} is not an empty folder; the shapes benchmark is only drawn into a new or empty one"
            "\n  Name another folder, or remove this one first."
        )
    (folder / "images").mkdir(parents=True)
    for name, picture in pictures():
        (folder / name).write_bytes(picture)
    drawn = items()
    lines = "".join(item.to_json() + "\n" for item in drawn)
    for name, text in (("items.jsonl", lines), ("benchmark.toml", MANIFEST), ("README.md", _readme(drawn))):
        (folder / name).write_bytes(text.encode())


def pictures() -> Iterator[tuple[str, bytes]]:
    """Every picture's path below the folder, and its PNG."""
    for source, number in product(SOURCES, range(1, PICTURES + 1)):
        yield _path(source, number), png(scene(source, number))


def items() -> list[Item]:
    """Every item: sources in order; in each the score items, then pairs, then batches."""
    return [item for source in SOURCES for item in (*_scores(source), *_pairs(source), *_batches(source))]


def _path(source: str, number: int) -> str:
    return f"images/{source}-{number:03}.png"


def _scores(source: str) -> Iterator[Item]:
    """Every author with every number of errors, twice."""
    rng = Random(f"{WORLD} score {source}")
    plan = _shuffled(list(product(ERRORS, AUTHORS)) * 2, rng)
    for turn, (errors, author) in enumerate(plan):
        yield _item(("score", source, turn), errors=[errors], authors=[author], rng=rng)


def _pairs(source: str) -> Iterator[Item]:
    """Every ordered pair of error numbers four times (one in five is a tie), authors independent of them."""
    rng = Random(f"{WORLD} pair {source}")
    plan = _shuffled(list(product(ERRORS, ERRORS)) * 4, rng)
    authors = _deck(list(permutations(AUTHORS, 2)), len(plan), rng)
    anchors = [turn for turn, errors in enumerate(plan) if abs(errors[0] - errors[1]) == max(ERRORS)]
    for turn, (errors, pair) in enumerate(zip(plan, authors, strict=True)):
        must = turn in anchors[:_ANCHORS]
        yield _item(("pair", source, turn), errors=errors, authors=pair, rng=rng, must=must)


def _batches(source: str) -> Iterator[Item]:
    """Three and four answers by turns, each with another number of errors, authors independent of them."""
    rng = Random(f"{WORLD} batch {source}")
    for turn in range(15):
        many = 3 + turn % 2
        errors, authors = rng.sample(ERRORS, many), rng.sample(list(AUTHORS), many)
        yield _item(("batch", source, turn), errors=errors, authors=authors, rng=rng)


def _shuffled(things: list[Thing], rng: Random) -> list[Thing]:
    return rng.sample(things, len(things))


def _deck(things: list[Thing], many: int, rng: Random) -> list[Thing]:
    """So many things, every one of them as often as the others (give or take one), in random order."""
    cards: list[Thing] = []
    while len(cards) < many:
        cards += _shuffled(things, rng)
    return _shuffled(cards[:many], rng)


def _item(
    place: tuple[Task, str, int],
    *,
    errors: Sequence[int],
    authors: Sequence[str],
    rng: Random,
    must: bool = False,
) -> Item:
    """The item in a place (task, source, turn): about the picture whose turn it is, with these errors."""
    task, source, turn = place
    number = turn % PICTURES + 1
    drawn = scene(source, number)
    asked, texts = _exchange(drawn, errors, authors, rng)
    return Item(
        id=f"{source}-{number:03}-{task}-{turn // PICTURES + 1}",
        task=task,
        instruction=asked,
        responses=tuple(Response(text=text, author=name) for text, name in zip(texts, authors, strict=True)),
        images=(_path(source, number),),
        human=(truth([float(count) for count in errors]),),
        source=source,
        must=must,
        fields={"world": WORLD, "errors": list(errors)},
    )


def _exchange(
    drawn: Scene, errors: Sequence[int], authors: Sequence[str], rng: Random
) -> tuple[str, list[str]]:
    sayable = topics(drawn)
    asked = rng.choice(sayable)
    said = [
        answer(asked, sayable, author=author, errors=count, rng=rng)
        for author, count in zip(authors, errors, strict=True)
    ]
    return instruction(asked, rng), said


def _readme(drawn: Sequence[Item]) -> str:
    tasks = ", ".join(
        f"{sum(item.task == task for item in drawn)} {task}" for task in ("score", "pair", "batch")
    )
    return README.format(
        items=len(drawn),
        tasks=tasks,
        pictures=len({item.images for item in drawn}),
        sources=len(SOURCES),
        names=", ".join(SOURCES),
        width=WIDTH,
        height=HEIGHT,
        authors="`, `".join(AUTHORS),
        worst=max(ERRORS),
    )
