"""Can a judge stand in for an annotator: the alternative annotator test (Calderon, Reichart & Dror 2025).

Each annotator in turn is held against the judge, by how near both come to the other annotators.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtr

from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.interval import MIN_CLUSTERS
from pytest_mllm_judge.statistics.jackknife import Array, cluster_sums
from pytest_mllm_judge.statistics.sample import Places

MIN_ITEMS = 30
"""With fewer items an annotator is not tested, as in the authors' code."""

FALSE_DISCOVERIES = 0.05
"""The share of annotators wrongly called beaten that is accepted, as in the authors' code."""

_SAME = 1e-12


def counting(items: Sequence[int]) -> list[int]:
    """The annotators who count in the advantage probability, by how many items each labelled.

    Those with 30 items or more; where nobody has so many, everybody with any.
    """
    enough = [place for place, count in enumerate(items) if count >= MIN_ITEMS]
    return enough or [place for place, count in enumerate(items) if count]


def advantage_figure(counts: Array) -> Figure:
    """The advantage probability, in [0, 1]: the share of items not lost, averaged over annotators.

    Sums (..., 2 J) of J annotators: the items where the judge comes as near to the others or nearer, then
    all items of the annotator. `counts` (J,) are all judgements held against each.
    """
    size = len(counts)

    def value(sums: Array) -> Array:
        won, of = sums[..., :size], sums[..., size:]
        known = of > _SAME
        shares = np.where(known, won / np.where(known, of, 1.0), 0.0)
        return np.asarray(shares.sum(axis=-1) / known.sum(axis=-1))

    alike = np.asarray(counts, dtype=float) / max(float(np.sum(counts)), 1.0)
    none, every = np.zeros(size), np.ones(size)
    return Figure(
        name="advantage probability",
        value=value,
        scale="logit",
        bounds=(0.0, 1.0),
        corners=np.array([[*none, *alike], [*alike, *alike]]),
        mass=np.concatenate([none, every]),
        off=np.concatenate([-every, every]),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class WinningRate:
    """The share of annotators whom the judge beats by more than epsilon allows; None if none was tested.

    `p` holds an adjusted p value for each annotator, None for one with too few items to be tested.
    """

    value: float | None
    beaten: int
    p: tuple[float | None, ...]

    @property
    def tested(self) -> int:
        """How many annotators were tested."""
        return sum(p is not None for p in self.p)


def winning_rate(
    lead: Array, annotators: Places, clusters: Places, items: Sequence[int], *, epsilon: float
) -> WinningRate:
    """The winning rate: on how many annotators the judge wins.

    `lead` (n,) is, of an annotator on an item, 1 where the annotator alone comes nearer to the others, -1
    where the judge does, 0 where neither; `annotators` (n,) are numbered from 0, as in `items`, which
    counts the items of each. An annotator is beaten whose mean lead is below `epsilon`, what the judge's
    low price is worth: one-sided t over clusters, Benjamini & Yekutieli (2001) at 5 % over annotators. With
    fewer than 30 items, or 10 clusters, one is not tested. Where every lead is the same there is no spread
    to go by; then p is the exact one of a share of other clusters that stayed unseen.
    """
    if not 0 <= epsilon < 1:
        raise ValueError(f"epsilon is 0 or more and below 1, got {epsilon}")
    found: list[float | None] = []
    for place, count in enumerate(items):
        mine = annotators == place
        enough = count >= MIN_ITEMS and len(np.unique(clusters[mine])) >= MIN_CLUSTERS
        found.append(_p_below(lead[mine], clusters[mine], epsilon) if enough else None)
    adjusted = iter(benjamini_yekutieli([p for p in found if p is not None]))
    p = tuple(None if each is None else next(adjusted) for each in found)
    known = [each for each in p if each is not None]
    beaten = sum(each <= FALSE_DISCOVERIES for each in known)
    return WinningRate(value=beaten / len(known) if known else None, beaten=beaten, p=p)


def _p_below(values: Array, clusters: Places, limit: float) -> float:
    """The p value against "the mean is at least `limit`": a t test, on clusters."""
    n, mean = len(values), math.fsum(values.tolist()) / len(values)
    _, numbers = np.unique(clusters, return_inverse=True)
    sums = cluster_sums((values - mean)[:, None], numbers)
    groups = len(sums)
    error = math.sqrt(groups / (groups - 1) * math.fsum((sums**2).ravel().tolist())) / n
    if error <= _SAME:
        return 1.0 if mean >= limit else ((1 - limit) / (1 - mean)) ** groups
    return float(stdtr(groups - 1, (mean - limit) / error))


def benjamini_yekutieli(p_values: Sequence[float]) -> list[float]:
    """The p values adjusted so that few of those rejected are false, however they depend on each other.

    Benjamini & Yekutieli 2001; in the order given. Reject those at most the share of false ones accepted.
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ValueError(f"p values lie between 0 and 1, got {list(p_values)}")
    size = len(p_values)
    price = size * math.fsum(1 / rank for rank in range(1, size + 1))
    adjusted, least = [0.0] * size, 1.0
    order = sorted(range(size), key=p_values.__getitem__)
    for rank in range(size, 0, -1):
        place = order[rank - 1]
        least = min(least, p_values[place] * price / rank)
        adjusted[place] = least
    return adjusted
