"""Whether the order of an item's images decides."""

from __future__ import annotations

from typing import Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.probed.moving import moved
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.model import Criterion, Judgements
from pytest_mllm_judge.probes.images import VARIANTS


@declare(
    "position.images",
    task=None,
    source="this project",
    options=("average", "by", "criterion"),
    margin=0.05,
    probe="images",
)
def images(
    judgements: Judgements, /, *, criterion: Criterion | None = None, **options: Unpack[BareOptions]
) -> Estimate:
    """How much more often the verdict differs when the images are in another order than when asked again.

    In [-1, 1], over items with several images, the orders of one item by their mean; lower is better. A
    missing verdict has moved. See `probed.moves` for the rest.
    """
    return moved(
        "position.images", judgements, options, variants=VARIANTS, better="lower", criterion=criterion
    )
