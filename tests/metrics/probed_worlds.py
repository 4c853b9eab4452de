"""Judgements of items as they are and altered, for the readings of probes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import numpy as np

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements
from pytest_mllm_judge.model import ScoreTask, Tasks
from pytest_mllm_judge.model.judgement import Verdict
from pytest_mllm_judge.model.judgements import Population

REASK = 0.15
FLIP = (1 - math.sqrt(1 - 2 * REASK)) / 2
"""How often one ask errs, so that two differ with probability 2 FLIP (1 - FLIP) = REASK."""
Said = Mapping[str, Sequence[Verdict | None]]
"""What was said of an item by variant, repeat by repeat; None is a refusal."""
RESPONSES = {"score": 1, "pair": 2, "batch": 4}
SCALE = Tasks(score=ScoreTask(scale=(1, 2, 3, 4, 5)))


@cache
def item(number: int, task: str = "pair", human: str | int | None = "A", source: str | None = None) -> Item:
    """An item whose favoured answer is B, or D of a batch, where humans say A, or ABCD."""
    answers = [{"text": letter} for letter in "ABCD"[: RESPONSES[task]]]
    labels = () if human is None else (human,)
    return Item.model_validate(
        {"id": f"i{number:04}", "task": task, "responses": answers, "human": labels, "source": source}
    )


def said(of: Item, rows: Said, *, judge: str = "j", reason: str = "") -> list[Judgement]:
    """The judgements of one item."""
    return [
        Judgement.model_construct(
            item=of,
            judge=judge,
            variant=variant,
            repeat=repeat,
            verdict=verdict,
            problem="refused" if verdict is None else None,
            reason=reason if verdict is None else "",
        )
        for variant, every in rows.items()
        for repeat, verdict in enumerate(every)
    ]


def asked(
    rows: Sequence[Said],
    *,
    task: str = "pair",
    human: str | int | None = "A",
    tasks: Tasks = SCALE,
    per_cluster: int = 1,
    sources: Sequence[str] = (),
    population: Population = "sampled",
) -> Judgements:
    """One item a row; so many in a row share a cluster."""
    items = [item(n, task, human, sources[n] if sources else None) for n in range(len(rows))]
    found = [one for each, row in zip(items, rows, strict=True) for one in said(each, row)]
    return Judgements(
        found,
        cluster_of=lambda one: str(int(one.id[1:]) // per_cluster),
        tasks=tasks,
        population=population,
    )


def unasked_of(name: str, probe: str) -> str:
    """What a check says where its probe was not asked."""
    return (
        f"{name} is read from what the probe {probe!r} asks, and nothing of it was asked"
        f"\n  Say [probes] {probe} = true in benchmark.toml, or mark the test: "
        f'@pytest.mark.judge_probes("{probe}")'
        "\n  Where that is said, no item here suits the probe, the log or the cassette lacks its answers, "
        "or the baseline was approved without it."
    )


def unasked(judgement: Judgement) -> Judgement:
    """The judgement had its question never been asked, as of a log without that row."""
    return judgement.model_copy(update={"verdict": None, "problem": "not_asked"})


def noisy_pairs(rng: np.random.Generator, n: int, variant: str, *, fault: float = 0.0) -> list[Said]:
    """Pairs of which humans prefer A, asked twice and altered once, by a judge that errs in FLIP of its asks.

    With probability `fault` it says B of an altered pair, whatever else it would.
    """
    err = rng.random((n, 3)) < FLIP
    hit = rng.random(n) < fault
    return [
        {"": ["AB"[e[0]]], "again": ["AB"[e[1]]], variant: ["B" if h else "AB"[e[2]]]}
        for e, h in zip(err.tolist(), hit.tolist(), strict=True)
    ]


def noisy_scores(rng: np.random.Generator, n: int, variant: str, *, points: float = 0.0) -> list[Said]:
    """Scores of 1 to 5 around 2 to 4 that noise moves by a point; altered ones gain `points` on average."""
    quality = rng.integers(2, 5, (n, 1))
    noise = rng.choice([-1, 0, 1], (n, 3), p=[0.1, 0.8, 0.1])
    noise[:, 2] += rng.random(n) < points
    found = np.clip(quality + noise, 1, 5).tolist()
    return [{"": [a], "again": [b], variant: [c]} for a, b, c in found]


def outcomes(
    check: Callable[[Judgements], Estimate],
    world: Callable[[np.random.Generator], list[Said]],
    claim: Callable[[Estimate], str],
    *,
    sets: int,
    task: str = "pair",
    seed: int = 7,
) -> dict[str, float]:
    """Of so many sets of judgements the share in which a claim holds, fails and is undecided."""
    rng = np.random.default_rng(seed)
    human = "A" if task == "pair" else None
    found = [claim(check(asked(world(rng), task=task, human=human))) for _ in range(sets)]
    return {outcome: found.count(outcome) / sets for outcome in ("holds", "fails", "undecided")}
