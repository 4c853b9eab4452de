"""Judgements of the same answers as scores, as pairs and in rankings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from pytest_mllm_judge import Item, Judgement, Judgements
from pytest_mllm_judge.model import Label, Tasks, Verdict

Said = Verdict | None
"""What a judge said; None for a problem."""


def asked(
    task: str,
    question: str,
    texts: Sequence[str],
    said: Said,
    *,
    repeat: int = 0,
    problem: str = "refused",
    **more: Any,
) -> Judgement:
    """What was said of these answers to a question about a picture of that name."""
    name = f"{question}-{task}-{'-'.join(texts)}"
    settings = {
        "id": name,
        "task": task,
        "instruction": f"What does {question} show?",
        "images": [f"{question}.png"],
        "responses": [{"text": text} for text in texts],
        **more,
    }
    answer = {"problem": problem} if said is None else {"verdict": said}
    return Judgement.model_validate({"item": settings, "judge": "j", "repeat": repeat, **answer})


def together(found: Iterable[Judgement], *, tasks: Tasks | None = None) -> Judgements:
    """In clusters of their picture."""
    return Judgements(found, cluster_of=picture, tasks=tasks or Tasks())


def picture(item: Item) -> str:
    """The item's picture, or the item."""
    return item.images[0] if item.images else item.id


def questions(count: int) -> list[str]:
    """Names of so many questions."""
    return [f"q{number:03}" for number in range(count)]


def coherent(question: str, worth: Mapping[str, Label], *, repeat: int = 0) -> list[Judgement]:
    """A judge that says of every answer what it is worth, in every task: scores, all pairs, a ranking."""
    found = [asked("score", question, [text], points, repeat=repeat) for text, points in worth.items()]
    for one, other in combinations(worth, 2):
        ours, theirs = float(worth[one]), float(worth[other])
        said = "A" if ours > theirs else "B" if ours < theirs else "tie"
        found.append(asked("pair", question, [one, other], said, repeat=repeat))
    texts = list(worth)
    best = sorted(range(len(texts)), key=lambda place: -float(worth[texts[place]]))
    ranking = "".join("ABCDEF"[place] for place in best)
    return [*found, asked("batch", question, texts, ranking, repeat=repeat)]
