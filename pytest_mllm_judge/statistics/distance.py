"""Distances between rankings."""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import combinations, permutations

import numpy as np
from rapidfuzz.distance import Levenshtein

_ENUMERATED = 5
_MOST_PERMUTED = 8


def levenshtein(judge: str, human: str) -> float:
    """Normalised Levenshtein distance of two rankings: edits / length of the longer, in [0, 1].

    The measure of MLLM-as-a-Judge's batch ranking. A random ranking of 4 scores .65625 on average, of 3
    .5556.
    """
    return float(Levenshtein.normalized_distance(judge, human))


@lru_cache
def farthest(answers: int) -> float:
    """The largest distance that a ranking of so many answers can have: 2/3 for three, else 1."""
    if answers > _ENUMERATED:
        return 1.0
    gold = "ABCDEFGH"[:answers]
    return max(levenshtein("".join(order), gold) for order in permutations(gold))


@lru_cache
def random_levenshtein(answers: int) -> float:
    """The mean distance of a ranking at random, all orders being equally likely: .5556 for three answers.

    By enumeration up to 8 answers; beyond, by 40,320 drawn orders (numpy's generator, seed 0).
    """
    letters = "".join(map(chr, range(65, 65 + answers)))
    if answers <= _MOST_PERMUTED:
        orders = ["".join(order) for order in permutations(letters)]
    else:
        random = np.random.default_rng(0)
        orders = ["".join(random.permutation(list(letters))) for _ in range(math.factorial(_MOST_PERMUTED))]
    return math.fsum(levenshtein(order, letters) for order in orders) / len(orders)


def kendall(judge: str, human: str) -> float:
    """Kendall's tau of two rankings of the same letters: 1 - 2 * share of discordant pairs, in [-1, 1].

    Kendall 1938; without ties tau-a and tau-b are the same.
    """
    place = {letter: number for number, letter in enumerate(judge)}
    pairs = list(combinations(human, 2))
    return 1 - 2 * sum(place[first] > place[second] for first, second in pairs) / len(pairs)
