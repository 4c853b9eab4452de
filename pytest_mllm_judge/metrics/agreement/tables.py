"""Agreement from the table of human labels against verdicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Unpack

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import (
    NO_LABEL,
    READING,
    estimate,
    is_wrong,
    named,
    one_of,
    undefined,
)
from pytest_mllm_judge.metrics.checks import Scale, declare
from pytest_mllm_judge.metrics.measure import End, Measure, with_worst
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.statistics import (
    Sample,
    alpha_table_figure,
    gwet_figure,
    kappa_figure,
    points_used_figure,
)
from pytest_mllm_judge.statistics.coincidence import Level
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.tables import Weights

COHEN = "Cohen 1960"
COHEN_WEIGHTED = "Cohen 1968"
GWET = "Gwet 2008"
KRIPPENDORFF = "Krippendorff 2011"


@dataclass(frozen=True)
class Labels:
    """The labels of a table, in their order, and as numbers where they are."""

    labels: Sequence[Label]

    @property
    def points(self) -> list[float] | None:
        """The labels as numbers; None for words."""
        words = any(isinstance(label, str) for label in self.labels)
        return None if words else [float(label) for label in self.labels]

    def __len__(self) -> int:
        return len(self.labels)


@declare("pair.kappa", task="pair", source=COHEN, options=READING)
@declare("score.kappa", task="score", source=COHEN, options=READING)
def kappa(
    judgements: Judgements,
    /,
    *,
    weights: Weights = "unweighted",
    **options: Unpack[Options],
) -> Estimate:
    """Cohen's kappa of verdicts with the humans' majority label, in [-1, 1]; 0 is agreement by chance.

    Weights count a near miss less, on scales: "linear" or "quadratic" in the points' distance. A problem
    counts as the label that makes kappa smallest.
    """
    one_of(weights, Weights, "weights")
    name = "kappa" if weights == "unweighted" else f"kappa_{weights}"
    return of_table(
        name,
        lambda labels: kappa_figure(len(labels), weights=weights, points=labels.points),
        judgements,
        options,
    )


@declare("score.kappa_linear", task="score", source=COHEN_WEIGHTED, options=READING)
def kappa_linear(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Linearly weighted kappa of scores with the humans' majority label, in [-1, 1].

    A miss counts by its distance in points. A problem counts as the point that makes kappa smallest.
    """
    return kappa(judgements, weights="linear", **options)


@declare("score.kappa_quadratic", task="score", source=COHEN_WEIGHTED, options=READING)
def kappa_quadratic(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """Quadratically weighted kappa of scores with the humans' majority label, in [-1, 1].

    It falls with leniency too, which a correlation does not see. A problem counts as the worst point.
    """
    return kappa(judgements, weights="quadratic", **options)


@declare("pair.ac1", task="pair", source=GWET, options=READING)
@declare("score.ac1", task="score", source=GWET, options=READING)
def ac1(
    judgements: Judgements,
    /,
    *,
    weights: Weights = "unweighted",
    **options: Unpack[Options],
) -> Estimate:
    """Gwet's AC1 of verdicts with the humans' majority label, at most 1; 0 is agreement by chance.

    Read it beside kappa where one label is nearly all there is: kappa then falls to 0 however often they
    agree. With `weights` it is AC2. A problem counts as the label that makes it smallest.
    """
    one_of(weights, Weights, "weights")
    name = "ac1" if weights == "unweighted" else f"ac2_{weights}"
    return of_table(
        name,
        lambda labels: gwet_figure(len(labels), weights=weights, points=labels.points),
        judgements,
        options,
    )


@declare("pair.alpha", task="pair", source=KRIPPENDORFF, options=READING)
def alpha(
    judgements: Judgements,
    /,
    *,
    level: Level = "nominal",
    **options: Unpack[Options],
) -> Estimate:
    """Krippendorff's alpha of verdicts with the humans' majority label, at most 1; 0 is agreement by chance.

    `level` says how far labels lie apart: "nominal", "ordinal" (by their ranks), "interval" or "ratio" (by
    their numbers). Each item is a unit of two values; with `annotators = "all"` each annotator who gave a
    label makes one with the judge. A problem counts as the label that makes alpha smallest.
    """
    one_of(level, Level, "level")
    name = "alpha" if level == "nominal" and named(judgements, "x") == "pair.x" else f"alpha_{level}"
    return of_table(
        name,
        lambda labels: alpha_table_figure(len(labels), level=level, points=points_at(name, labels, level)),
        judgements,
        options,
    )


def _alpha(level: Level) -> Callable[..., Estimate]:
    def of_level(
        judgements: Judgements,
        /,
        **options: Unpack[Options],
    ) -> Estimate:
        return alpha(judgements, level=level, **options)

    of_level.__name__ = of_level.__qualname__ = f"alpha_{level}"
    of_level.__doc__ = f"Krippendorff's {level} alpha of scores with the humans' majority label, at most 1."
    name = f"score.alpha_{level}"
    scale: Scale = "numbers" if level == "interval" else "any"
    return declare(name, task="score", source=KRIPPENDORFF, options=READING, scale=scale)(of_level)


alpha_nominal, alpha_ordinal, alpha_interval = _alpha("nominal"), _alpha("ordinal"), _alpha("interval")


def points_at(metric: str, labels: Labels, level: Level) -> list[float] | None:
    """The labels as numbers, where they are. Raise SettingsError for words at a level that needs numbers."""
    if level in ("interval", "ratio") and labels.points is None:
        raise SettingsError(f"{metric} needs numbers, and this scale is made of words: use alpha_ordinal")
    return labels.points


@declare("score.scale_use", task="score", source="Hill 1973", options=READING, margin=0.5, worse="lower")
def scale_use(
    judgements: Judgements,
    /,
    **options: Unpack[Options],
) -> Estimate:
    """How many points of the scale the judge uses in effect: 1 if always the same, K if all equally often.

    It is 1 / the sum of the points' squared shares. A problem counts as the point that makes it smallest
    where it must not be small, and largest where it must not be large.
    """
    return of_table(
        "scale_use",
        lambda labels: points_used_figure(len(labels)),
        judgements,
        options,
        better="neither",
    )


def of_table(
    name: str,
    figure_of: Callable[[Labels], Figure],
    judgements: Judgements,
    options: Options,
    *,
    better: Better = "higher",
) -> Estimate:
    """The estimate of a figure of the table of human labels against verdicts.

    `name` is the metric's without its task; `figure_of` makes the figure for the labels there are.
    """
    rows = rows_of(judgements, options)
    metric = named(judgements, name)
    labels = labels_of(metric, judgements, rows)
    if not len(rows):
        return undefined(metric, better, rows, reason=NO_LABEL)
    figure, size = figure_of(labels), len(labels)

    def build(some: Rows, end: End) -> tuple[Figure, Sample]:
        human, judge = some.places(labels.labels, metric)
        judge = with_worst(figure, human, judge, some.slices, shape=(size, size), end=end)
        return figure, some.sample(cells=human * size + judge, width=size * size)

    measure = Measure(build=build, name=metric)
    return estimate(metric, rows, measure, better=better, wrong=is_wrong)


def labels_of(metric: str, judgements: Judgements, rows: Rows) -> Labels:
    """The labels of the table: the task's own. Raise SettingsError for rankings, which have none."""
    tasks = {judgement.item.task for judgement in rows.judgements} or {"score"}
    if tasks == {"score"}:
        return Labels(judgements.tasks.score.scale)
    if tasks == {"pair"}:
        return Labels(judgements.tasks.pair.labels)
    raise SettingsError(f"{metric} is about score or pair items, each alone, not about {' and '.join(tasks)}")
