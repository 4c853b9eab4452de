"""Whether two asks of the same item give the same verdict."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.consistency.items import (
    alike,
    asked,
    asked_again,
    each_said,
    per_item,
    places_where,
)
from pytest_mllm_judge.metrics.consistency.told import NOTHING, telling
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.statistics.jackknife import Array


@declare("consistency.repeats", task=None, source="Fleiss 1971", options=("average", "by"), margin=0.05)
def repeats(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Probability that two asks of the same item give the same verdict, in [0, 1].

    The mean over items of the share of their pairs of repeats that agree, which is unbiased for any number of
    repeats, two or more. A problem agrees with nothing, another problem included; a verdict on several
    criteria agrees if all of it does. Raise SettingsError where an item was asked once. The interval is that
    of a sample of items, also where the items are fixed: then it is wider than need be.
    """
    rows = asked_again("consistency.repeats", judgements, options)
    measure = per_item("consistency.repeats", share_of_item)
    found = estimate("consistency.repeats", rows, measure, why_none=NOTHING)
    unsteady = places_where(rows, share_of_ask(rows) < 1)
    told = [each_said(rows, places) for places in unsteady[:3]]
    return telling(found, told, len(unsteady), less_steady)


def share_of_ask(rows: Rows) -> Array:
    """Of each ask the share of its item's other asks that say the same (n,)."""
    return np.asarray(np.maximum(alike(rows) - 1, 0) / np.maximum(asked(rows) - 1, 1))


def share_of_item(rows: Rows) -> Array:
    """Of the item of each ask the share of its pairs of asks that agree (n,)."""

    def share() -> Array:
        _, items = rows.asks()
        return np.asarray((np.bincount(items, weights=share_of_ask(rows)) / np.bincount(items))[items])

    return rows.once("share of pairs alike", share)


def less_steady(first: Rows, second: Rows) -> list[str]:
    """The items whose asks agree less than the other judge's, in words."""
    ours, theirs = share_of_item(first), share_of_item(second)
    return [
        f"{each_said(first, places)}, where the other's answers agree more"
        for places in places_where(first, ours < theirs - 1e-9)
    ]
