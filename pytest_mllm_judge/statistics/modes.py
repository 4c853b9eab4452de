"""How often the commonest of several answers comes up by chance."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, xlogy

from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Places


def majority_by_chance(options: int, times: int) -> float:
    """Probability that one of `options` answers is given in more than half of `times` asks at random.

    Each ask picks an answer alone and all alike: options * P(Binomial(times, 1 / options) > times / 2).
    """
    _check(options, times)
    many = np.arange(times // 2 + 1, times + 1)
    return min(1.0, options * math.fsum(_chance(times, many, 1 / options).tolist()))


def modal_share_by_chance(options: int, times: int) -> float:
    """Mean share of the commonest answer in `times` asks at random among `options` answers.

    Exact: the sum over m of P(some answer is given more than m times), divided by `times`.
    """
    _check(options, times)
    return math.fsum((1 - _at_most(options, times)[:, times]).tolist()) / times


def _check(options: int, times: int) -> None:
    if options < 1 or times < 1:
        raise ValueError(f"need one answer and one ask or more, got {options} answers and {times} asks")


def _at_most(options: int, times: int) -> Array:
    """Probability that no answer is given more than m times, of 0, 1, ... asks: (m, asks), m below `times`.

    Of one option it is 0 or 1; two groups of options are put together by how the asks fall on them, so that
    all numbers are probabilities, and groups of the same size need be counted once.
    """
    one = (np.arange(times + 1)[None, :] <= np.arange(times)[:, None]).astype(float)
    found, size = one, 1
    for bit in bin(options)[3:]:
        found, size = _together(found, size, found, size), 2 * size
        if bit == "1":
            found, size = _together(found, size, one, 1), size + 1
    return found


def _together(first: Array, size: int, second: Array, other: int) -> Array:
    """The probabilities that it holds in both of two groups of options."""
    found = np.zeros_like(first)
    for asks in range(first.shape[1]):
        here = np.arange(asks + 1)
        chance = _chance(asks, here, size / (size + other))
        found[:, asks] = first[:, : asks + 1] * second[:, asks::-1] @ chance
    return found


def _chance(times: int, many: Places, share: float) -> Array:
    """The binomial probabilities of so many in `times`."""
    ways = gammaln(times + 1) - gammaln(many + 1) - gammaln(times - many + 1)
    return np.asarray(np.exp(ways + xlogy(many, share) + xlogy(times - many, 1 - share)))
