"""Whether a judge looks: how much its verdict moves when the picture says nothing any more."""

from __future__ import annotations

from typing import Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.checks import Metric, declare
from pytest_mllm_judge.metrics.probed.moving import moved
from pytest_mllm_judge.metrics.reading import BareOptions
from pytest_mllm_judge.model import Criterion, Judgements
from pytest_mllm_judge.probes import grounding as probe

_WHAT = {
    probe.BLANK: "every picture is blank",
    probe.ANOTHER: "another item's picture is shown",
    probe.BLURRED: "every picture is blurred beyond recognition",
    probe.CROPPED: "all but a corner of every picture is cut away",
}


def _of(variant: str) -> Metric:
    name = f"grounding.{variant}"

    def check(
        judgements: Judgements, /, *, criterion: Criterion | None = None, **options: Unpack[BareOptions]
    ) -> Estimate:
        return moved(
            name,
            judgements,
            options,
            variants=[variant],
            better="higher",
            criterion=criterion,
            looks=True,
        )

    check.__name__ = check.__qualname__ = variant
    check.__doc__ = (
        f"How much more often the verdict differs when {_WHAT[variant]} than when asked again.\n\n"
        "    In [-1, 1]. Higher is better: a judge that does not look comes to 0. A missing verdict has not\n"
        "    moved. See `probed.moves` for the rest.\n    "
    )
    return declare(
        name,
        task=None,
        source="this project",
        options=("average", "by", "criterion"),
        margin=0.1,
        probe="grounding",
        variants=(variant,),
    )(check)


blank, another, blurred, cropped = map(_of, probe.VARIANTS)
