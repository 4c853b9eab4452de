"""Whether a verdict stands when the picture is encoded anew, scaled or tilted a little."""

from __future__ import annotations

from typing import Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.checks import Metric, declare
from pytest_mllm_judge.metrics.probed.moving import moved
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.model import Criterion, Judgements
from pytest_mllm_judge.probes import reencoding as probe

_WHAT = {
    probe.JPEG: "every picture is compressed as JPEG",
    probe.RESIZED: "every picture is scaled",
    probe.TILTED: "every picture is tilted a little",
}


def _of(variant: str) -> Metric:
    name = f"robustness.{variant}"

    def check(
        judgements: Judgements, /, *, criterion: Criterion | None = None, **options: Unpack[BareOptions]
    ) -> Estimate:
        return moved(name, judgements, options, variants=[variant], better="lower", criterion=criterion)

    check.__name__ = check.__qualname__ = variant
    check.__doc__ = (
        f"How much more often the verdict differs when {_WHAT[variant]} than when asked again.\n\n"
        "    In [-1, 1]. Lower is better: what is seen is the same. A missing verdict has moved. See\n"
        "    `probed.moves` for the rest.\n    "
    )
    return declare(
        name,
        task=None,
        source="this project",
        options=("average", "by", "criterion"),
        margin=0.05,
        probe="reencoding",
        variants=(variant,),
    )(check)


jpeg, resized, tilted = map(_of, probe.VARIANTS)
