"""How much a verdict moves towards one answer when the item is altered to speak for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import sliceable
from pytest_mllm_judge.metrics.consistency.told import NOTHING, telling
from pytest_mllm_judge.metrics.noted import heads
from pytest_mllm_judge.metrics.probed.asks import (
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
from pytest_mllm_judge.metrics.reading import BareOptions, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Criterion, Item, Judgements, Label, ScoreTask
from pytest_mllm_judge.probes.favoured import favoured
from pytest_mllm_judge.statistics import clopper_pearson
from pytest_mllm_judge.statistics.jackknife import Array

_NOTHING = 1e-9
Of = Callable[[Item], int]
"""The place, from 0, of the answer that an altered item speaks for."""


@sliceable
def favours(
    judgements: Judgements,
    /,
    *,
    variant: str | Collection[str],
    of: Of = favoured,
    better: Better = "neither",
    criterion: Criterion | None = None,
    **options: Unpack[BareOptions],
) -> Estimate:
    """How much more the judge prefers one answer when the item is altered than as it is, in [-1, 1].

    A verdict is worth 1 where it is all for the answer and 0 where it is all against it: of a pair 1, 0, and
    one half for neither; of a score its place on the scale; of a ranking the answer's place in it. The mean
    over items of what the asks as `variant` are worth less the asks as the item is, `again` included. `of`
    gives the place of the answer, by default the one that our own probes speak for. `better` says whether a
    move towards it is bad: "lower". A missing verdict counts as the worse, and either way where neither is
    said. Raise SettingsError if the variant was not asked.
    """
    names = (variant,) if isinstance(variant, str) else tuple(variant)
    return favouring(
        "favours", judgements, options, variants=names, of=of, better=better, criterion=criterion
    )


def favouring(
    metric: str,
    judgements: Judgements,
    options: BareOptions,
    *,
    variants: Sequence[str],
    better: Better,
    criterion: Criterion | None,
    of: Of = favoured,
) -> Estimate:
    """`favours` under a check's name. Raise SettingsError where one of several criteria must be said."""
    rows_of(judgements, {"criterion": criterion}, unlabelled=True)
    every = heads(judgements, options, criterion=criterion)
    asks = asks_of(metric, judgements, every, variants, least=1)
    rows = noting(every, asks, _noting(judgements, of, criterion, " or ".join(variants)))
    measure = mean_of_items(metric, _is_graded, own=(tuple(variants), of, better))
    found = estimate(metric, rows, measure, better=better, wrong=_towards, why_none=NOTHING)
    told = telling(found, found.examples, found.wrong, _more)
    return replace(
        told, lacking=f"an ask as {' or '.join(variants)}", beside=Lazily(lambda: list(_beside(rows)))
    )


def _noting(
    judgements: Judgements, of: Of, criterion: Criterion | None, variant: str
) -> Callable[[Asks], Note]:
    answers, scale = answers_by(judgements, criterion), judgements.tasks.score

    def note(asks: Asks) -> Note:
        place = of(asks.item)
        plain, altered = [answers(one) for one in asks.plain], [answers(one) for one in asks.altered]
        before, after = (
            [_worth(label, asks.item, place, scale) for label in some] for some in (plain, altered)
        )
        low, high = (_mean(after, lacking) - _mean(before, 1 - lacking) for lacking in (0.0, 1.0))
        return Note(
            asks=asks,
            plain=plain,
            altered=altered,
            low=low,
            high=high,
            says=in_words(plain, altered, variant),
            plain_for=before,
            altered_for=after,
        )

    return note


def _worth(label: Label | None, item: Item, place: int, scale: ScoreTask) -> float | None:
    """How far a verdict is for the answer at that place, in [0, 1]; None without a verdict."""
    if label is None:
        return None
    if item.task == "score":
        return _on_scale(label, scale)
    letter = item.letters[place]
    if item.task == "pair":
        return float(label == letter) if label in ("A", "B") else 0.5
    return 1 - str(label).index(letter) / (len(item.letters) - 1)


def _on_scale(label: Label, scale: ScoreTask) -> float:
    """Where a score stands between the scale's ends; points of words lie equally far apart."""
    points = scale.scale
    low, high = points[0], points[-1]
    if isinstance(low, str) or isinstance(high, str) or isinstance(label, str):
        return points.index(label) / (len(points) - 1)
    return (float(label) - low) / (high - low)


def _mean(values: Sequence[float | None], lacking: float) -> float:
    return math.fsum(lacking if value is None else value for value in values) / len(values)


def _is_graded(rows: Rows) -> bool:
    """Whether verdicts have many worths, as scores and rankings do."""
    return any(one.item.task != "pair" for one in rows.judgements)


def _towards(rows: Rows) -> Array:
    """How far each item's verdict moves towards the answer at most (n,)."""
    return np.maximum(worth(rows, "high"), 0.0)


def _more(first: Rows, second: Rows) -> list[str]:
    """The items that went further towards the answer than by the other judge, in words."""
    more = worth(first, "high") - worth(second, "high") > _NOTHING
    return [
        f"{first.says(place)}, where the other chose {second.verdict[place] or second.problem(place)}"
        for place in np.flatnonzero(more).tolist()
    ]


def _beside(rows: Rows) -> Iterator[Beside]:
    """How often a verdict turns to the answer wholly, when altered and when asked again, and away from it."""
    both = rows.keep(np.array([_says_both(each) for each in notes_of(rows)], dtype=bool))
    wholly = np.array([each.plain_for[0] == 1 for each in notes_of(both)], dtype=bool)
    against, towards = both.keep(~wholly), both.keep(wholly)
    if len(against):
        turned = [each.altered_for[0] == 1 for each in notes_of(against)]
        yield _share("success", against, turned, "not all for the answer", "the altered item turns to it")
    twice = against.keep(np.array([_says_again(each) for each in notes_of(against)], dtype=bool))
    if len(twice):
        turned = [each.plain_for[1] == 1 for each in notes_of(twice)]
        yield _share("again", twice, turned, "not all for the answer", "asking again turns to it")
    if len(towards):
        turned = [each.altered_for[0] != 1 for each in notes_of(towards)]
        yield _share("away", towards, turned, "all for the answer", "the altered item turns away from it")


def _says_both(note: Note) -> bool:
    """Whether the first asks of the item as it is and of the altered one have a verdict."""
    return note.plain_for[0] is not None and note.altered_for[0] is not None


def _says_again(note: Note) -> bool:
    """Whether a second ask of the item as it is has a verdict."""
    return len(note.plain_for) > 1 and note.plain_for[1] is not None


def _share(name: str, rows: Rows, turned: Sequence[bool], which: str, what: str) -> Beside:
    found = clopper_pearson(turned, rows.clusters, confidence=rows.confidence)
    about = f"of {found.n} verdicts that are {which}, those that {what}"
    return Beside(name=name, value=found.value, low=found.low, high=found.high, about=about)
