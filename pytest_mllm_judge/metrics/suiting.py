"""Whether a figure makes sense of some items at all, before any judge is asked about them."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_mllm_judge.metrics import hallucination
from pytest_mllm_judge.metrics.answers_judged import lacks
from pytest_mllm_judge.metrics.consistency.reliability import ALONE, NAME
from pytest_mllm_judge.model import Item


def unsuited(check: str, items: Sequence[Item]) -> str:
    """Why no judge has this figure on these items, as a sentence without stop; '' if one may."""
    if check == NAME and {item.task for item in items} not in ({"score"}, {"pair"}):
        return ALONE
    if check == hallucination.NAME:
        return hallucination.unknown(items)
    return lacks(check, items)
