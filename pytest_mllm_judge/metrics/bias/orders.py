"""Pairs in both orders as single rows, and what the figures of them share."""

from __future__ import annotations

from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.probes import SWAPPED

Twins = dict[tuple[str, str, int], Judgement]


def twins_of(judgements: Judgements) -> Twins:
    """The judgements of swapped pairs, by item and repeat."""
    return {key(one): one for one in judgements if one.variant == SWAPPED}


def key(judgement: Judgement) -> tuple[str, str, int]:
    """What two judgements of one ask share, whatever the order."""
    return judgement.item.id, judgement.item.task, judgement.repeat


def is_plain(rows: Rows) -> bool:
    """Whether neither slices nor fixed items stand against the closed forms of shares."""
    return not rows.grouped and rows.population == "sampled"
