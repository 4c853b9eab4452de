"""What stands where a verdict is missing: the completion of a table that makes a figure worst."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.sample import Places

MOST_CHOICES = 20_000
"""So many completions are all looked at; of more, the best that a search comes to."""
_MOST_STARTS = 5_000
_DESCENTS = 4
_MOST_HELD = 20_000_000
_MOST_SWAPPED = 3_000_000
"""So many cells are held at a time where two moves at once are tried."""


def worst_cells(figure: Figure, known: Array, missing: Places, *, highest: bool = False) -> Places:
    """How many of the missing verdicts stand in each cell (R, C), so that the figure is smallest.

    `known` (R, C) counts the verdicts there are, by human label and verdict; `missing` (R,) those that are
    not, by human label. With `highest` the figure is made largest. All completions are tried up to
    `MOST_CHOICES`; of more, each label's missing verdicts are put together at one column in every way (where
    the least of a ratio of sums lies), and the best of those descend one move, then two moves at a time. A
    completion of which the figure is undefined is not taken while there is another.
    """
    rows, columns = known.shape
    sign = -1.0 if highest else 1.0

    def values(choices: Places) -> Array:
        with np.errstate(all="ignore"):
            found = sign * figure.value((known + choices).reshape(len(choices), -1))
        return np.where(np.isnan(found), np.inf, found)

    if not missing.any():
        return np.zeros((rows, columns), dtype=np.intp)
    if _choices(missing, columns) <= min(MOST_CHOICES, max(1, _MOST_HELD // known.size)):
        every = _every(missing, columns)
        return np.asarray(every[int(values(every).argmin())])
    starts = _starts(missing, columns)
    found = values(starts)
    best = [starts[place] for place in np.argsort(found, kind="stable")[:_DESCENTS]]
    descended = [_descend(one, values) for one in best]
    return min(descended, key=lambda one: one[0])[1]


def _choices(missing: Places, columns: int) -> int:
    return math.prod(math.comb(int(count) + columns - 1, columns - 1) for count in missing)


def _every(missing: Places, columns: int) -> Places:
    """Every way to put each row's missing into columns: (N, R, C)."""
    concerned = np.flatnonzero(missing).tolist()
    ways = [np.array(list(_compositions(int(missing[row]), columns)), dtype=np.intp) for row in concerned]
    picks = np.indices([len(way) for way in ways]).reshape(len(ways), -1)
    every = np.zeros((picks.shape[1], len(missing), columns), dtype=np.intp)
    for row, way, pick in zip(concerned, ways, picks, strict=True):
        every[:, row] = way[pick]
    return every


def _compositions(total: int, places: int) -> Iterator[tuple[int, ...]]:
    if places == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, places - 1):
            yield (first, *rest)


def _starts(missing: Places, columns: int) -> Places:
    """Each row's missing together in one column: in every way, or where those are too many falling ones."""
    concerned = np.flatnonzero(missing)
    most = max(columns, min(_MOST_STARTS, _MOST_HELD // (len(missing) * columns)))
    if columns ** len(concerned) <= most:
        chosen: Sequence[Sequence[int]] = list(itertools.product(range(columns), repeat=len(concerned)))
    else:
        falling = itertools.combinations_with_replacement(range(columns - 1, -1, -1), len(concerned))
        chosen = list(itertools.islice(falling, most))
        chosen += [[column] * len(concerned) for column in range(columns)]
    starts = np.zeros((len(chosen), len(missing), columns), dtype=np.intp)
    for place, row in enumerate(concerned):
        starts[np.arange(len(chosen)), row, [choice[place] for choice in chosen]] = missing[row]
    return starts


def _descend(choice: Places, values: Callable[[Places], Array]) -> tuple[float, Places]:
    """Move ever fewer of a row's missing from one column to another while the figure falls."""
    best = float(values(choice[None])[0])
    moves = int((choice.sum(axis=1) > 0).sum()) * choice.shape[1] ** 2
    step = int(choice.max()) if moves * choice.size <= _MOST_HELD else 0
    while step:
        moved = _moved(choice, step)
        better = _better(moved, values, best)
        if better is None and step == 1 and len(moved) ** 2 * choice.size <= _MOST_SWAPPED:
            better = _better(_moved_twice(choice), values, best)
        if better is None:
            step //= 2
        else:
            best, choice = better
    return best, choice


def _better(tries: Places, values: Callable[[Places], Array], best: float) -> tuple[float, Places] | None:
    if not len(tries):
        return None
    found = values(tries)
    place = int(found.argmin())
    return (float(found[place]), tries[place]) if found[place] < best - 1e-13 else None


def _moved(choice: Places, step: int) -> Places:
    """The choice with up to `step` of a row's missing in another column, in every way: (N, R, C)."""
    rows, columns = choice.shape
    row, source, target = (axis.ravel() for axis in np.indices((rows, columns, columns)))
    count = np.minimum(choice[row, source], step)
    real = (source != target) & (count > 0)
    row, source, target, count = row[real], source[real], target[real], count[real]
    moved = np.repeat(choice[None], len(row), axis=0)
    number = np.arange(len(row))
    moved[number, row, source] -= count
    moved[number, row, target] += count
    return moved


def _moved_twice(choice: Places) -> Places:
    return np.concatenate([_moved(once, 1) for once in _moved(choice, 1)])
