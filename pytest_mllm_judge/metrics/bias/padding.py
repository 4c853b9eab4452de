"""Whether an answer gains by being made longer without content."""

from __future__ import annotations

from typing import Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.probed.favouring import favouring
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.model import Criterion, Judgements
from pytest_mllm_judge.probes.padding import PADDED


@declare(
    "length.padding",
    task=None,
    source="this project",
    options=("average", "by", "criterion"),
    margin=0.05,
    worse="away from zero",
    probe="padding",
)
def padding(
    judgements: Judgements, /, *, criterion: Criterion | None = None, **options: Unpack[BareOptions]
) -> Estimate:
    """How much more the judge prefers an answer that was made longer without content, in [-1, 1].

    The same item with and without the padding: nothing but length differs, so that neither longer answers
    that are better nor the use of the scale can show. Claim it `within` a margin. See `probed.favours` for
    what a verdict is worth, and which answer it is.
    """
    return favouring(
        "length.padding", judgements, options, variants=[PADDED], better="neither", criterion=criterion
    )
