"""Pairs in both orders as single rows, and what the figures of them share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgement, Judgements, Label
from pytest_mllm_judge.probes import SWAPPED
from pytest_mllm_judge.statistics import Interval, Places, paired_shares
from pytest_mllm_judge.statistics.jackknife import Array

Twins = dict[tuple[str, str, int], Judgement]


def twins_of(judgements: Judgements) -> Twins:
    """The judgements of swapped pairs, by item and repeat."""
    return {key(one): one for one in judgements if one.variant == SWAPPED}


def key(judgement: Judgement) -> tuple[str, str, int]:
    """What two judgements of one ask share, whatever the order."""
    return judgement.item.id, judgement.item.task, judgement.repeat


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


def is_plain(rows: Rows) -> bool:
    """Whether neither slices nor fixed items stand against the closed forms of shares."""
    return not rows.grouped and rows.population == "sampled"
