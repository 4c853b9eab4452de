"""What stands where a rater's value is missing: the completion of units that makes a coefficient worst."""

from __future__ import annotations

import numpy as np

from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Places

_SWEEPS = 20
_FEW = 300
"""Of so many missing values or fewer several starts are tried."""
MOST_COMPLETIONS = 4096
"""So many completions are all looked at; of more, the lowest that a search comes to."""
_NOTHING = 1e-13


def coincidences(counts: Array) -> Array:
    """Each unit's coincidences (..., K * K) from how many raters gave it each value (..., K).

    n_c (n_k - [c = k]) / (m - 1) for its m values; 0 for fewer than two (Krippendorff 2011).
    """
    size = counts.shape[-1]
    pairs = counts[..., :, None] * counts[..., None, :] - counts[..., :, None] * np.eye(size)
    pairs /= np.maximum(counts.sum(axis=-1) - 1, 1)[..., None, None]
    return np.asarray(pairs.reshape(*counts.shape[:-1], size * size))


def worst_units(figure: Figure, known: Array, missing: Places) -> Array:
    """How many raters give each unit each value (U, K), the missing ones put where the figure is smallest.

    `known` (U, K) counts the values there are, `missing` (U,) those that are not; `figure` is of the sum of
    `coincidences`. All completions are tried up to `MOST_COMPLETIONS`; of more, the values are put one after
    the other where it is smallest, and moved singly while it falls, few of them also starting from each value
    in the place of all.
    """
    if not missing.any():
        return known
    units = np.repeat(np.arange(len(known)), missing)
    size = known.shape[1]
    if size ** min(len(units), MOST_COMPLETIONS.bit_length()) <= MOST_COMPLETIONS:
        return _lowest_of_all(figure, known, units)
    starts = [-1, *(range(size) if len(units) <= _FEW else ())]
    found = [_descend(figure, known, units, np.full(len(units), start)) for start in starts]
    return min(found, key=lambda one: one[0])[1]


def _lowest_of_all(figure: Figure, known: Array, units: Places) -> Array:
    """The completion of which the figure is smallest, of every one there is."""
    size = known.shape[1]
    every = np.indices((size,) * len(units)).reshape(len(units), -1)
    touched, place = np.unique(units, return_inverse=True)
    counts = np.repeat(known[touched][None], every.shape[1], axis=0)
    for unit, values in zip(place.tolist(), every, strict=True):
        counts[np.arange(every.shape[1]), unit, values] += 1
    rest = np.delete(known, touched, axis=0)
    with np.errstate(all="ignore"):
        found = figure.value(coincidences(counts).sum(axis=1) + coincidences(rest).sum(axis=0))
    filled = known.copy()
    filled[touched] = counts[int(np.where(np.isnan(found), np.inf, found).argmin())]
    return filled


def _descend(figure: Figure, known: Array, units: Places, values: Places) -> tuple[float, Array]:
    """Give one missing value after the other the place where the figure is smallest, while it falls."""
    counts, values = known.copy(), values.copy()
    given = values >= 0
    np.add.at(counts, (units[given], values[given]), 1)
    total = coincidences(counts).sum(axis=0)
    best = np.inf
    for _ in range(_SWEEPS):
        before = best
        for place, unit in enumerate(units.tolist()):
            total = total - coincidences(counts[unit])
            if values[place] >= 0:
                counts[unit, values[place]] -= 1
            added = coincidences(counts[unit] + np.eye(counts.shape[1]))
            value, best = _lowest(figure, total + added, values[place])
            values[place] = value
            counts[unit, value] += 1
            total = total + added[value]
        if not best < before - _NOTHING:
            break
    return best, counts


def _lowest(figure: Figure, sums: Array, now: int) -> tuple[int, float]:
    """The value (and its figure) where the figure of sums (K, K * K) is smallest; as it is `now` on a tie."""
    with np.errstate(all="ignore"):
        found = figure.value(sums)
    found = np.where(np.isnan(found), np.inf, found)
    value = int(found.argmin())
    if now >= 0 and found[now] <= found[value] + _NOTHING:
        value = int(now)
    return value, float(found[value])
