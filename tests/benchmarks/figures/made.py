"""Made-up judgements of every task, as a benchmark of that size would give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from pytest_mllm_judge.model import Item, Judgement, Judgements, Label, ScoreTask, Tasks

SEED = 20_240_101
RIGHT = 0.6
"""The share of verdicts that are the human's label; the others are drawn at random."""


@dataclass(frozen=True, kw_only=True)
class World:
    """A task, what its labels may be, and how many responses an item has."""

    title: str
    task: str
    labels: Sequence[Label]
    responses: int
    tasks: Tasks = field(default_factory=Tasks)
    unlabelled: float = 0.0


WORLDS = (
    World(title="scores 1 to 5", task="score", labels=(1, 2, 3, 4, 5), responses=1),
    World(
        title="pass or fail, half without a label",
        task="score",
        labels=("fail", "pass"),
        responses=1,
        tasks=Tasks(score=ScoreTask(scale=("fail", "pass"))),
        unlabelled=0.5,
    ),
    World(title="pairs with ties", task="pair", labels=("A", "B", "tie"), responses=2),
    World(
        title="rankings of four",
        task="batch",
        labels=tuple(map("".join, permutations("ABCD"))),
        responses=4,
    ),
)


def made(world: World, items: int, *, problems: float = 0.0) -> list[Judgement]:
    """One judgement of each item; a share of them are problems."""
    random = np.random.default_rng([SEED, items])
    count = len(world.labels)
    human = random.integers(0, count, items)
    judge = np.where(random.random(items) < RIGHT, human, random.integers(0, count, items))
    unlabelled = random.random(items) < world.unlabelled
    lost = random.random(items) < problems
    responses = [{"text": str(number)} for number in range(world.responses)]
    like = Item.model_validate({"id": "item", "task": world.task, "responses": responses})
    return [
        Judgement.model_construct(
            item=like.model_copy(
                update={
                    "id": f"{world.task}-{place:06}",
                    "human": () if unlabelled[place] else (world.labels[human[place]],),
                }
            ),
            judge="made-up",
            verdict=None if lost[place] else world.labels[judge[place]],
            problem="refused" if lost[place] else None,
            fields={},
        )
        for place in range(items)
    ]


def clustered(judgements: Sequence[Judgement], world: World, *, size: int) -> Judgements:
    """Judgements that nothing was read of yet, so many items sharing a picture."""

    def cluster_of(item: Item) -> str:
        return str(int(item.id.rpartition("-")[2]) // size)

    return Judgements(judgements, cluster_of=cluster_of, tasks=world.tasks)
