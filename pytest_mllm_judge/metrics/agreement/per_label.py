"""Recall, precision and F1: of one label, or averaged over labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import READING
from pytest_mllm_judge.metrics.agreement.tables import Labels, of_table
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.reading import Options
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.statistics import f1_figure, precision_figure, recall_figure
from pytest_mllm_judge.statistics.figure import Figure

LABELLED = (*READING, "label")


@declare("pair.recall", task="pair", source="van Rijsbergen 1979", options=LABELLED)
@declare("score.recall", task="score", source="van Rijsbergen 1979", options=LABELLED)
def recall(
    judgements: Judgements,
    /,
    *,
    label: Label | None = None,
    **options: Unpack[Options],
) -> Estimate:
    """Share of the items with a human label that the judge gave it too: the mean over labels, or of `label`.

    A problem counts as the label that makes it smallest.
    """
    return _per_label("recall", recall_figure, judgements, label, options)


@declare("pair.precision", task="pair", source="van Rijsbergen 1979", options=LABELLED)
@declare("score.precision", task="score", source="van Rijsbergen 1979", options=LABELLED)
def precision(
    judgements: Judgements,
    /,
    *,
    label: Label | None = None,
    **options: Unpack[Options],
) -> Estimate:
    """Share of the judge's verdicts of a label that humans gave too: the mean over labels, or of `label`.

    A problem counts as the label that makes it smallest.
    """
    return _per_label("precision", precision_figure, judgements, label, options)


@declare("pair.f1", task="pair", source="van Rijsbergen 1979", options=LABELLED)
@declare("score.f1", task="score", source="van Rijsbergen 1979", options=LABELLED)
def f1(
    judgements: Judgements,
    /,
    *,
    label: Label | None = None,
    **options: Unpack[Options],
) -> Estimate:
    """F1, the harmonic mean of precision and recall: the mean over labels (macro), or of `label`.

    A problem counts as the label that makes it smallest. Undecided where a label was given less than 15
    times by humans or judge: no interval is right there.
    """
    return _per_label("f1", f1_figure, judgements, label, options)


def _per_label(
    name: str,
    make: Callable[..., Figure],
    judgements: Judgements,
    label: Label | None,
    options: Options,
) -> Estimate:
    def figure(labels: Labels) -> Figure:
        if label is not None and label not in labels.labels:
            known = ", ".join(map(str, labels.labels))
            raise SettingsError(f"{name}: there is no label {label!r} (known: {known})")
        return make(len(labels), label=None if label is None else list(labels.labels).index(label))

    shown = name if label is None else f"{name} of {label}"
    return of_table(shown, figure, judgements, options)
