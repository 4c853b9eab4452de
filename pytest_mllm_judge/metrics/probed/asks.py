"""Each item's asks as it is and of its variants, side by side: one row for an item."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.metrics.checks import needs
from pytest_mllm_judge.metrics.consistency.told import said
from pytest_mllm_judge.metrics.measure import End
from pytest_mllm_judge.metrics.noted import ByVariant, asked, told, was_asked
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Criterion, Item, Judgement, Judgements, Label
from pytest_mllm_judge.probes.probing import AGAIN
from pytest_mllm_judge.statistics.jackknife import Array

Answers = Callable[[Judgement], Label | None]


@dataclass(frozen=True, kw_only=True)
class Asks:
    """What came of asking about one item as it is, `again` included, and about variants of it."""

    item: Item
    plain: Sequence[Judgement]
    altered: Sequence[Judgement]


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a figure makes of an item's asks.

    `low` and `high` are what it is worth, problems drawing it down and up. `plain` and `altered` are the
    answers, None where there is no verdict; `plain_for` and `altered_for` what they are worth to the answer
    that the item speaks for, if it does. `says` is all of it in words, None if a verdict lacks.
    """

    asks: Asks
    plain: Sequence[Label | None]
    altered: Sequence[Label | None]
    low: float
    high: float
    says: str | None
    plain_for: Sequence[float | None] = ()
    altered_for: Sequence[float | None] = ()


def asks_of(
    metric: str, judgements: Judgements, rows: Rows, variants: Collection[str], *, least: int
) -> list[Asks | None]:
    """The asks of each row's item; None where no variant was asked, or the item as it is too seldom.

    Raise SettingsError where that holds for every item; what is `not_asked` everywhere was not asked.
    """
    by_item = asked(judgements)
    found = [_asks(one.item, by_item[one.item.id, one.item.task], variants) for one in rows.judgements]
    if found and not any(was_asked(one) for each in found for one in each.altered):
        raise _nothing_of(metric, judgements, variants)
    kept = [each if each.altered and len(each.plain) >= least else None for each in found]
    if found and not any(each is not None and _often(each, least) for each in kept):
        raise SettingsError(
            f"{metric} is read beside asking again, and no item was asked twice as it is: "
            "say [probes] repeat = 2"
        )
    return kept


def _often(asks: Asks, least: int) -> bool:
    """Whether the judge was asked of the item as it is so often; once is any figure's problem."""
    return least < 2 or sum(map(was_asked, asks.plain)) >= least


def _asks(item: Item, by_variant: ByVariant, variants: Collection[str]) -> Asks:
    return Asks(
        item=item,
        plain=[*by_variant.get("", ()), *by_variant.get(AGAIN, ())],
        altered=[one for variant in variants for one in by_variant.get(variant, ())],
    )


def _nothing_of(metric: str, judgements: Judgements, variants: Collection[str]) -> SettingsError:
    """What to say where no variant was asked: how to ask it, or which ones there are."""
    if "." in metric:
        return needs(metric)
    there = sorted({one.variant for one in judgements if was_asked(one)} - {"", AGAIN})
    hint = did_you_mean(next(iter(variants), ""), there)
    return SettingsError(
        f"{metric}: nothing was asked of the variant {' or '.join(map(repr, variants))}{hint} "
        f"(asked: {', '.join(there) or 'none'})"
    )


def noting(rows: Rows, asks: Sequence[Asks | None], note: Callable[[Asks], Note]) -> Rows:
    """The rows of the items with asks, each saying what is noted of its item; the others are left out."""
    kept = rows.keep(np.array([each is not None for each in asks], dtype=bool))
    notes = [note(each) for each in asks if each is not None]
    found = told(kept, [_as_one(each) for each in notes], [each.says for each in notes])
    blank: list[Label | None] = [None] * len(found)
    return replace(found, human=blank, unlabelled=len(asks) - len(found))


def _as_one(note: Note) -> Judgement:
    """The asks as one judgement: that of the first without a verdict, if there is one."""
    every = [*note.asks.plain, *note.asks.altered]
    one = next((one for one in every if one.verdict is None), every[0])
    return one.model_copy(update={"fields": {"note": note}, "repeat": 0, "variant": ""})


def notes_of(rows: Rows) -> list[Note]:
    """What is noted of each row's item."""
    return [cast("Note", one.fields["note"]) for one in rows.judgements]


def worth(rows: Rows, end: End) -> Array:
    """What each item is worth (n,), its problems drawing it to the end."""
    return np.array([each.low if end == "low" else each.high for each in notes_of(rows)], dtype=float)


def answers_by(judgements: Judgements, criterion: Criterion | None) -> Answers:
    """How a verdict is read: of one criterion, if the item has it; else all of it as one label."""
    if criterion is None:
        return said
    tasks = judgements.tasks
    return lambda one: one.answer(criterion if tasks.criteria(one.item) else None)


def in_words(plain: Sequence[Label | None], altered: Sequence[Label | None], variant: str) -> str | None:
    """`A, then B, and B when blank`; None if a verdict lacks."""
    if None in plain or None in altered:
        return None
    return f"{', then '.join(map(_shown, plain))}, and {', then '.join(map(_shown, altered))} when {variant}"


def _shown(answer: Label | None) -> str:
    return f"{answer:.3g}" if isinstance(answer, float) else str(answer)
