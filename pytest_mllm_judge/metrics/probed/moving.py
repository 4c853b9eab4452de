"""How much a verdict moves when the item is altered, against how much it moves when simply asked again."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.judging.parsing.unseen import no_picture
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import sliceable
from pytest_mllm_judge.metrics.consistency.told import NOTHING, telling
from pytest_mllm_judge.metrics.measure import End
from pytest_mllm_judge.metrics.noted import heads
from pytest_mllm_judge.metrics.probed.asks import (
    Answers,
    Asks,
    Note,
    answers_by,
    asks_of,
    in_words,
    notes_of,
    noting,
    worth,
)
from pytest_mllm_judge.metrics.probed.items import mean_of_items
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Criterion, Judgements, Label, Tasks
from pytest_mllm_judge.statistics.jackknife import Array

_NOTHING = 1e-9


@sliceable
def moves(
    judgements: Judgements,
    /,
    *,
    variant: str | Collection[str],
    better: Better = "neither",
    criterion: Criterion | None = None,
    **options: Unpack[BareOptions],
) -> Estimate:
    """How much more often the verdict differs when the item is altered than when it is asked again.

    Of an item the share of its asks as it is and as the `variant` that differ, two by two, less the share of
    two asks as it is that do; the mean over items, in [-1, 1]. A judge that is only noisy comes to 0. Items
    need two asks as they are, repeats or `again`. `better` says whether the verdict should move: "higher",
    or stay: "lower". What lacks a verdict counts as the worse of both, and either way where neither is said.
    Verdicts are compared as they are said; a table of criteria differs if any of it does, unless `criterion`
    names one. Raise SettingsError if the variant was not asked.
    """
    names = (variant,) if isinstance(variant, str) else tuple(variant)
    return moved("moves", judgements, options, variants=names, better=better, criterion=criterion)


def moved(
    metric: str,
    judgements: Judgements,
    options: BareOptions,
    *,
    variants: Sequence[str],
    better: Better,
    criterion: Criterion | None,
    looks: bool = False,
) -> Estimate:
    """`moves` under a check's name; with `looks` replies without a verdict are told of."""
    every = heads(judgements, options, criterion=criterion)
    asks = asks_of(metric, judgements, every, variants, least=2)
    shown = " or ".join(variants)
    answers = answers_by(judgements, criterion)
    rows = noting(every, asks, lambda each: _note(each, answers, shown))
    measure = mean_of_items(metric, lambda _: False, own=(variants, better))
    found = estimate(
        metric, rows, measure, better=better, wrong=lambda some: _wrong(some, better), why_none=NOTHING
    )
    told = telling(found, found.examples, found.wrong, _teller(better))
    return replace(
        told,
        lacking=f"an ask as {shown}, or a second one of the item as it is",
        beside=Lazily(lambda: list(_beside(rows, judgements.tasks, looks=looks))),
    )


def _note(asks: Asks, answers: Answers, variant: str) -> Note:
    plain, altered = [answers(one) for one in asks.plain], [answers(one) for one in asks.altered]
    low, high = (
        differs(product(plain, altered), lacking) - differs(combinations(plain, 2), 1 - lacking)
        for lacking in (0.0, 1.0)
    )
    return Note(
        asks=asks, plain=plain, altered=altered, low=low, high=high, says=in_words(plain, altered, variant)
    )


def differs(pairs: Iterable[tuple[Label | None, Label | None]], lacking: float) -> float:
    """The share of pairs of answers that differ, one without a verdict counting as `lacking`."""
    found = [lacking if None in pair else float(pair[0] != pair[1]) for pair in pairs]
    return math.fsum(found) / len(found)


def _wrong(rows: Rows, better: Better) -> Array:
    """How far each item's verdict goes where it should not (n,); that it differs, where nobody says."""
    lacking = 0.0 if better == "higher" else 1.0
    apart = np.array([differs(product(each.plain, each.altered), lacking) for each in notes_of(rows)])
    return 1 - apart if better == "higher" else apart


def _teller(better: Better) -> Callable[[Rows, Rows], list[str]]:
    """The items that went further where they should not than by the other judge, in words."""

    def tell(first: Rows, second: Rows) -> list[str]:
        end: End = "low" if better == "higher" else "high"
        change = worth(first, end) - worth(second, end)
        more = (-change if better == "higher" else change) > _NOTHING
        return [
            f"{first.says(place)}, where the other chose {second.verdict[place] or second.problem(place)}"
            for place in np.flatnonzero(more).tolist()
        ]

    return tell


def _beside(rows: Rows, tasks: Tasks, *, looks: bool) -> Iterator[Beside]:
    """How often and how far the verdict moves, and how often when asked again."""
    every = notes_of(rows)
    known = [each for each in every if each.says is not None]
    if known:
        altered = [differs(product(each.plain, each.altered), 0.0) for each in known]
        again = [differs(combinations(each.plain, 2), 0.0) for each in known]
        yield Beside(name="differs", value=_mean(altered), about="how often the verdict differs when altered")
        yield Beside(name="again", value=_mean(again), about="how often it does when asked again")
        yield from _how_far(known, tasks)
    if looks and every:
        yield _silent(every)


def _how_far(known: Sequence[Note], tasks: Tasks) -> Iterator[Beside]:
    """How far scores and rankings move; pairs have nothing between."""
    for task, name, distance, unit in (
        ("score", "points", _points(tasks), "how many points the score moves"),
        ("batch", "places", _places, "how many places each answer of a ranking moves"),
    ):
        some = [each for each in known if each.asks.item.task == task]
        found = [_mean([distance(*pair) for pair in product(each.plain, each.altered)]) for each in some]
        if found and not math.isnan(value := _mean(found)):
            yield Beside(name=name, value=value, about=f"{unit}, on average")


def _points(tasks: Tasks) -> Callable[[Label | None, Label | None], float]:
    """How far two scores lie apart: in points, of words in places on the scale; NaN for whole tables."""
    order = {point: float(place) for place, point in enumerate(tasks.score.scale)}

    def number(label: Label | None) -> float:
        if isinstance(label, str):
            return order.get(label, math.nan)
        return math.nan if label is None else float(label)

    return lambda one, other: abs(number(one) - number(other))


def _places(one: Label | None, other: Label | None) -> float:
    ranking, another = str(one), str(other)
    return _mean([abs(place - another.index(letter)) for place, letter in enumerate(ranking)])


def _silent(every: Sequence[Note]) -> Beside:
    """How many replies on altered pictures have no verdict, and how many say that they see no picture."""
    asks = [one for each in every for one in each.asks.altered]
    lost = sum(answer is None for each in every for answer in each.altered)
    blind = sum(no_picture(one.reply or one.reason) is not None for one in asks)
    about = f"{lost} of {len(asks)} replies on altered pictures without a verdict; {blind} say they see none"
    return Beside(name="silent", value=lost / len(asks), about=about)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
