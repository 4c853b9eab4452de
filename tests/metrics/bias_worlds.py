"""Judgements of judges with a bias of known size, for the checks that look for it.

Verdicts are drawn at random by a seed. Two asks of a pair differ with probability `REASK`; a score's noise is
normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements, Response
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.probes import SWAPPED

REASK = 0.15
FLIP = (1 - math.sqrt(1 - 2 * REASK)) / 2
"""How often one ask errs, so that two differ with probability 2 FLIP (1 - FLIP) = REASK."""
LENGTHS = (40, 80, 160, 320)
"""Characters: up to three doublings."""
OWN, OTHERS = "gpt-4v", "llava-1.5"


@cache
def _response(length: int, author: str) -> Response:
    return Response.model_construct(text="x" * length, images=(), author=author)


@cache
def _pair(number: int, first: tuple[int, str], second: tuple[int, str], human: str) -> Item:
    responses = (_response(*first), _response(*second))
    return Item.model_construct(id=f"p{number:04}", task="pair", responses=responses, human=(human,))


def _score(number: int, length: int, author: str, human: tuple[float, ...]) -> Item:
    responses = (_response(length, author),)
    return Item.model_construct(id=f"s{number:04}", task="score", responses=responses, human=human)


def judgement(item: Item, verdict: str | float | None, variant: str = "", repeat: int = 0) -> Judgement:
    """What the judge gpt-4v said; None is a refusal."""
    return Judgement.model_construct(
        item=item,
        judge=OWN,
        variant=variant,
        repeat=repeat,
        verdict=verdict,
        problem="refused" if verdict is None else None,
        fields={},
    )


def together(found: list[Judgement], *, per_cluster: int = 1) -> Judgements:
    """Judgements of which so many items in a row share a cluster."""
    return Judgements(
        found,
        cluster_of=lambda item: str(int(item.id[1:]) // per_cluster),
        tasks=Tasks(),
        population="sampled",
    )


Said = Sequence[str | None]


def both(rows: Sequence[tuple[Said, Said]], *, per_cluster: int = 1) -> Judgements:
    """Each row is what was said of one pair as it is, and swapped, repeat by repeat; None is a refusal."""
    items = [_pair(number, (40, OWN), (80, OTHERS), "A") for number in range(len(rows))]
    found = [
        judgement(item, said, variant, repeat)
        for item, row in zip(items, rows, strict=True)
        for variant, every in zip(("", SWAPPED), row, strict=True)
        for repeat, said in enumerate(every)
    ]
    return together(found, per_cluster=per_cluster)


def pairs(
    rng: np.random.Generator,
    n: int,
    *,
    slot: float = 0.0,
    longer: float = 0.0,
    own: float = 0.0,
    both: bool = False,
    repeats: int = 1,
    per_cluster: int = 1,
    longer_is_better: float = 0.5,
    own_first: float = 0.5,
    first_is_better: float = 0.5,
) -> Judgements:
    """n pairs of an own answer and another's, of different lengths, all at random slots.

    With probability `slot` the judge takes the first slot, whatever stands there; with `longer` the longer
    answer, with `own` its own. Else it says as humans do, but for noise. With `both` pairs are swapped too.
    """
    own_is_first = rng.random(n) < own_first
    shorter, more = rng.integers(0, 3, n), rng.integers(1, 3, n)
    better_is_longer = rng.random(n) < longer_is_better
    longest_is_first = (rng.random(n) < first_is_better) == better_is_longer
    found = []
    for number in range(n):
        low = LENGTHS[shorter[number]]
        lengths = (low, low * 2 ** int(more[number]))[:: -1 if longest_is_first[number] else 1]
        authors = (OWN, OTHERS)[:: 1 if own_is_first[number] else -1]
        human = "A" if better_is_longer[number] == longest_is_first[number] else "B"
        item = _pair(number, (lengths[0], authors[0]), (lengths[1], authors[1]), human)
        for repeat in range(repeats):
            for variant in ("", SWAPPED) if both else ("",):
                said = _answer(rng, item, human, slot=slot, longer=longer, own=own, swap=bool(variant))
                found.append(judgement(item, said, variant, repeat))
    return together(found, per_cluster=per_cluster)


def _answer(
    rng: np.random.Generator, item: Item, human: str, *, slot: float, longer: float, own: float, swap: bool
) -> str:
    """What is said of the pair as it is shown: A is the first slot."""
    lot, flips = rng.random(2)
    first, second = item.responses
    right = human if flips >= FLIP else "AB"[human == "A"]
    if lot < slot:
        return "A"
    if lot < slot + longer:
        right = "A" if len(first.text or "") > len(second.text or "") else "B"
    elif lot < slot + longer + own:
        right = "A" if first.author == OWN else "B"
    return right if not swap else "AB"[right == "A"]


def scores(
    rng: np.random.Generator,
    n: int,
    *,
    per_doubling: float = 0.0,
    own: float = 0.0,
    gain: float = 1.0,
    raters: int = 1,
    human_noise: float = 0.0,
    judge_noise: float = 0.35,
    longer_is_better: float = 0.25,
    own_is_better: float = 0.0,
    per_cluster: int = 1,
) -> Judgements:
    """n scores from 1 to 5; better answers are longer, and `own_is_better` says by how many points.

    The judge adds points per doubling of length, and to its own answers, both in the humans' points, and
    uses the scale `gain` times as widely as they do.
    """
    doublings = rng.integers(0, len(LENGTHS), n)
    mine = rng.random(n) < 0.5
    quality = 3 + rng.normal(0, 0.4, n) + longer_is_better * (doublings - 1.5) + own_is_better * (mine - 0.5)
    labels = quality[:, None] + rng.normal(0, 1, (n, raters)) * human_noise
    seen = quality + per_doubling * (doublings - 1.5) + own * (mine - 0.5)
    said = 3 + gain * (seen - 3) + rng.normal(0, judge_noise * gain, n)
    found = []
    for number in range(n):
        author = OWN if mine[number] else OTHERS
        item = _score(number, LENGTHS[doublings[number]], author, tuple(labels[number].tolist()))
        found.append(judgement(item, float(np.clip(said[number], 1, 5))))
    return together(found, per_cluster=per_cluster)


def outcomes(
    check: Callable[[Judgements], Estimate],
    world: Callable[[np.random.Generator], Judgements],
    *,
    margin: float,
    sets: int,
    seed: int = 6,
) -> dict[str, float]:
    """Of so many sets of judgements the share in which `within(margin)` holds, fails and is undecided."""
    rng = np.random.default_rng(seed)
    found = [check(world(rng)).within(margin).outcome for _ in range(sets)]
    return {outcome: found.count(outcome) / sets for outcome in ("holds", "fails", "undecided")}
