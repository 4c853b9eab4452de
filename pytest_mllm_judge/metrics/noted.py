"""Rows of which each stands for several asks of an item, and the mean of what they are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from pytest_mllm_judge.metrics.reading import BareOptions, Options, bare_rows, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Criterion, Judgement, Judgements, Label
from pytest_mllm_judge.statistics import Interval, Places, paired_shares
from pytest_mllm_judge.statistics.jackknife import Array

Of = tuple[str, str]
ByVariant = Mapping[str, Sequence[Judgement]]
"""Judgements of one item by variant, in the order of repeats; the item as it is stands under ''."""


def asked(judgements: Judgements) -> Mapping[Of, ByVariant]:
    """The judgements of each item, by its id and task, by variant, in the order of repeats."""
    return judgements.once("asked by item", lambda: _asked(judgements))


def _asked(judgements: Judgements) -> Mapping[Of, ByVariant]:
    found: dict[Of, dict[str, list[Judgement]]] = {}
    for one in sorted(judgements, key=lambda one: (one.variant, one.repeat)):
        found.setdefault((one.item.id, one.item.task), {}).setdefault(one.variant, []).append(one)
    return found


def was_asked(judgement: Judgement) -> bool:
    """Whether the judge was asked at all: what a log or a cassette lacks is no answer."""
    return judgement.problem != "not_asked"


def heads(judgements: Judgements, options: BareOptions, *, criterion: Criterion | None = None) -> Rows:
    """The first ask of each item as it is.

    Fixed items are taken as a sample: a variant that is asked once does not tell how its verdict varies.
    """
    rows = bare_rows(judgements, options)
    if criterion is not None:
        read = rows_of(judgements, cast("Options", {"criterion": criterion, **options}), unlabelled=True)
        rows = replace(rows, reading=read.reading)
    _, items = rows.asks()
    _, first = np.unique(items, return_index=True)
    return replace(rows.take(first) if len(rows) else rows, population="sampled", _made={})


def noted(judgement: Judgement, **notes: object) -> Judgement:
    """The judgement, its fields being what a figure is made of: two judges' rows then carry their own."""
    return judgement.model_copy(update={"fields": notes})


def told(rows: Rows, judgements: Sequence[Judgement], verdict: Sequence[Label | None]) -> Rows:
    """The same rows with these judgements and verdicts."""
    return replace(rows, judgements=judgements, verdict=verdict, _made={})


def shares(rows: Rows, values: Array) -> Interval:
    """The mean of values from -1 to 1, as a difference of two shares: Tango's, or the jackknife's of means.

    The asks of one item are averaged first, so that they count as one item.
    """
    clusters: Places = rows.clusters
    if rows.items < len(rows):
        _, items = rows.asks()
        _, first, where = np.unique(items, return_index=True, return_inverse=True)
        values = np.bincount(where, weights=values) / np.bincount(where)
        clusters = np.unique(rows.clusters[first], return_inverse=True)[1]
    up, down = np.maximum(values, 0.0), np.maximum(-values, 0.0)
    return replace(paired_shares(up, down, clusters, confidence=rows.confidence), n=len(rows))
