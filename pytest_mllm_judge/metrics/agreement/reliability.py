"""How far the annotators agree among themselves."""

from __future__ import annotations

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.agreement.core import NO_LABEL, named, undefined
from pytest_mllm_judge.metrics.agreement.tables import labels_of, points_at
from pytest_mllm_judge.metrics.reading import rows_of
from pytest_mllm_judge.model import Criterion, Judgements
from pytest_mllm_judge.statistics import alpha_figure, coincidence_sums, interval_of
from pytest_mllm_judge.statistics.coincidence import Level


def reliability(
    judgements: Judgements,
    /,
    *,
    level: Level = "nominal",
    criterion: Criterion | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """Krippendorff's alpha of the human labels themselves, at most 1; 0 is agreement by chance.

    Every item is a unit of all its annotators' labels; one may be missing, and items with fewer than two drop
    out. No judge takes part, so no problem does either: low, it says how far any judge could agree.
    """
    rows = rows_of(judgements, {"criterion": criterion, "annotators": "all"})
    metric = named(judgements, f"reliability_{level}")
    items = {(judgement.item.id, judgement.item.task): judgement.item for judgement in rows.judgements}
    units = [item.labels(criterion) for item in items.values()]
    clusters = [judgements.cluster_of(item) for item in items.values()]
    if not any(len(unit) > 1 for unit in units):
        reason = "no item has two human labels" if len(rows) else NO_LABEL
        return undefined(metric, "higher", rows, reason=reason)
    labels = labels_of(metric, judgements, rows)
    figure = alpha_figure(len(labels), level=level, points=points_at(metric, labels, level))
    kept = [place for place, unit in enumerate(units) if len(unit) > 1]
    sums = coincidence_sums(
        [units[place] for place in kept], [clusters[place] for place in kept], labels=labels.labels
    )
    counted = interval_of(figure, sums, n=len(kept), confidence=confidence)
    return Estimate(
        metric=metric, better="higher", counted=counted, unlabelled=rows.unlabelled + len(units) - len(kept)
    )
