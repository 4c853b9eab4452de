"""Whether a pair's verdict is the same answer in both orders of the responses."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.consistency.told import NOTHING, said, telling
from pytest_mllm_judge.metrics.measure import share_of
from pytest_mllm_judge.metrics.noted import was_asked
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.probes import SWAPPED, turned

SAME, OTHER = "the same in both orders", "another answer in the other order"


@declare(
    "consistency.orders",
    task="pair",
    source="Shi et al. 2024 (arXiv 2406.07791)",
    options=("average", "by"),
    margin=0.05,
    probe="position",
)
def orders(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of pairs whose verdict is the same answer in both orders of the responses, in [0, 1].

    Each ask of a pair stands beside the ask of the same repeat with the responses swapped. A pair without a
    verdict in either order is not consistent. Wilson interval. Raise SettingsError if no pair was swapped.
    """
    bare = bare_rows(judgements, options)
    others = {_key(judgement): judgement for judgement in judgements if judgement.variant == SWAPPED}
    if len(bare) and not any(map(was_asked, others.values())):
        raise SettingsError(
            "consistency.orders needs pairs asked in both orders: say [probes] position = true"
        )
    rows = _both_orders(bare, others)
    found = estimate(
        "consistency.orders", rows, share_of(_same), wrong=lambda some: ~_same(some), why_none=NOTHING
    )
    return replace(telling(found, found.examples, found.wrong, _less_alike), lacking="the other order")


def _both_orders(rows: Rows, others: dict[tuple[str, str, int], Judgement]) -> Rows:
    """The asks that were made in both orders, their verdict being whether both name the same answer."""
    places = [place for place, judgement in enumerate(rows.judgements) if _key(judgement) in others]
    some = rows.take(np.array(places, dtype=np.intp))
    pairs = [(judgement, others[_key(judgement)]) for judgement in some.judgements]
    return replace(
        some,
        judgements=[other if said(plain) is not None else plain for plain, other in pairs],
        verdict=[_alike(plain, other) for plain, other in pairs],
        unlabelled=len(rows) - len(some),
        _made={},
    )


def _key(judgement: Judgement) -> tuple[str, str, int]:
    return judgement.item.id, judgement.item.task, judgement.repeat


def _alike(plain: Judgement, other: Judgement) -> str | None:
    """Whether both orders name the same answer; None if either has no verdict."""
    ours, theirs = said(plain), said(other)
    if ours is None or theirs is None:
        return None
    return SAME if turned(theirs) == ours else OTHER


def _same(rows: Rows) -> Truths:
    return np.array([verdict == SAME for verdict in rows.verdict], dtype=bool)


def _less_alike(first: Rows, second: Rows) -> list[str]:
    lost = np.flatnonzero(~_same(first) & _same(second))
    return [f"{first.says(place)}, where the other chose {SAME}" for place in lost.tolist()]
