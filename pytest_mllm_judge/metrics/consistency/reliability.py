"""Whether repeats tell items apart: Krippendorff's alpha with the repeats as raters."""

from __future__ import annotations

from dataclasses import replace
from typing import Unpack, cast

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import estimate, one_of, undefined
from pytest_mllm_judge.metrics.agreement.tables import KRIPPENDORFF, Labels, points_at
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.consistency.again import less_steady, share_of_ask
from pytest_mllm_judge.metrics.consistency.items import each_said, need_repeats, places_where
from pytest_mllm_judge.metrics.consistency.told import NOTHING, telling
from pytest_mllm_judge.metrics.measure import Build, End, Measure
from pytest_mllm_judge.metrics.reading import BareOptions, Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Criterion, Judgements, Label
from pytest_mllm_judge.statistics import Places, Sample, alpha_figure
from pytest_mllm_judge.statistics.coincidence import Level
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.worst_units import coincidences, worst_units

NAME = "consistency.alpha"
ALONE = (
    "scores and pairs have an alpha each, rankings none: give it one task's judgements, as judge_run.pair, "
    'or say where = { task = ["pair"] }'
)


@declare(NAME, task=None, source=KRIPPENDORFF, options=("average", "by", "criterion"), margin=0.05)
def alpha(
    judgements: Judgements,
    /,
    *,
    level: Level | None = None,
    criterion: Criterion | None = None,
    **options: Unpack[BareOptions],
) -> Estimate:
    """Krippendorff's alpha of a judge's repeats, at most 1; 0 where asking again tells nothing of an item.

    Each item is a unit that its repeats rate, and what chance alone would agree on is taken off. It is about
    scores or pairs, each alone: pairs nominal, scales of numbers "interval", of words "ordinal", unless
    `level` says; rankings have none. A problem counts as the verdict that makes it smallest, of those given
    and the scale's ends. Fixed items are taken as a sample. Raise SettingsError where an item was asked once.
    """
    if level is not None:
        one_of(level, Level, "level")
    some = rows_of(judgements, cast("Options", {"criterion": criterion, **options}), unlabelled=True)
    reading = some.reading if level is None else {**some.reading, "level": level}
    blank: list[Label | None] = [None] * len(some)
    rows = replace(some, human=blank, population="sampled", reading=reading, _made={})
    if not len(rows):
        return undefined(NAME, "higher", rows, reason=NOTHING)
    labels = _labels(judgements, rows)
    if labels is None:
        return undefined(NAME, "higher", rows, reason=ALONE)
    need_repeats(NAME, rows)
    measure = _Alpha(build=_build(labels, level or _level_of(rows, labels)), name=NAME)
    found = estimate(NAME, rows, measure, wrong=lambda some: 1 - share_of_ask(some))
    unsteady = places_where(rows, share_of_ask(rows) < 1)
    told = [each_said(rows, places) for places in unsteady[:3]]
    return telling(found, told, len(unsteady), less_steady)


def _labels(judgements: Judgements, rows: Rows) -> Labels | None:
    """What they may say; None for rankings, and for several tasks at once."""
    tasks = sorted({judgement.item.task for judgement in rows.judgements})
    if tasks == ["score"]:
        return Labels(judgements.tasks.score.scale)
    if tasks == ["pair"]:
        return Labels(judgements.tasks.pair.labels)
    return None


def _level_of(rows: Rows, labels: Labels) -> Level:
    if rows.judgements[0].item.task == "pair":
        return "nominal"
    return "ordinal" if labels.points is None else "interval"


class _Alpha(Measure):
    """A coefficient of whole items; how it varies when asked again is not known."""

    def noise(self, rows: Rows, *, end: End) -> float | None:
        """Not known: how an item's repeats agree says nothing of how their agreement varies."""
        del rows, end
        return None


def _build(labels: Labels, level: Level) -> Build:
    points_at(NAME, labels, level)

    def build(rows: Rows, _: End) -> tuple[Figure, Sample]:
        used = _used(labels, rows)
        figure = replace(
            alpha_figure(len(used), level=level, points=points_at(NAME, used, level)), undefined=_why_none
        )
        return figure, rows.sample(moments=_moments(figure, rows, used))

    return build


def _used(labels: Labels, rows: Rows) -> Labels:
    """The labels that were given, and the first and the last: others count nowhere, and tables grow large."""
    given = {*rows.verdict, labels.labels[0], labels.labels[-1]}
    if unknown := given - {None, *labels.labels}:
        raise SettingsError(
            f"{NAME}: {min(map(repr, unknown))} is none of {', '.join(map(str, labels.labels))}"
        )
    return Labels([label for label in labels.labels if label in given])


def _why_none(sums: Array) -> str:
    """Why there is no alpha of these coincidences (K * K,)."""
    if not sums.any():
        return "no item has two verdicts"
    return "every verdict is the same, so that chance would agree as well"


def _moments(figure: Figure, rows: Rows, labels: Labels) -> Array:
    """What each ask adds to the coincidences (n, K * K): the first of an item all, the others none."""
    _, value = rows.places(labels.labels, NAME)
    _, items = rows.asks()
    _, first, unit = np.unique(items, return_index=True, return_inverse=True)
    counts = np.zeros((len(first), len(labels)))
    there = value >= 0
    np.add.at(counts, (unit[there], value[there]), 1)
    missing = np.bincount(unit[~there], minlength=len(first))
    moments = np.zeros((len(rows), len(labels) ** 2))
    moments[first] = coincidences(_filled(figure, counts, missing, rows.slices[first]))
    return moments


def _filled(figure: Figure, counts: Array, missing: Places, slices: Places) -> Array:
    """The counts (U, K) with the missing ones where they make each slice's figure smallest."""
    filled = counts.copy()
    for number in np.unique(slices[missing > 0]).tolist():
        inside = slices == number
        filled[inside] = worst_units(figure, counts[inside], missing[inside])
    return filled
