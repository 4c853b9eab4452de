"""Would conclusions change: the ranking of the answering models under two judges."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from pytest_mllm_judge.metrics.answering import Answers, Field, fields
from pytest_mllm_judge.metrics.conclusions import Downstream, Model, Ranking, Swing
from pytest_mllm_judge.model import Judgements, Task
from pytest_mllm_judge.statistics import Interval, Places, Sample, holm, interval_of, mean_figure, ppi_mean
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.reversals import Contrast, change, difference, reversal

__all__ = ["MIN_LABELS", "UNITS", "Downstream", "downstream"]

MIN_LABELS = 100
"""With fewer labels of a model's answers its figure is not corrected by them."""

UNITS: dict[Task, str] = {"score": "mean score", "pair": "win rate", "batch": "share of answers beaten"}
"""What an answering model is ranked by; a win rate counts a verdict for neither as half a win."""

_TIED = 1e-12


def downstream(candidate: Judgements, baseline: Judgements, *, confidence: float = 0.95) -> Downstream | None:
    """The answering models (the responses' authors) under both judges, each task by itself.

    On items that both judges were asked about; None where no task has two known authors. Figures are those
    of `UNITS`, in points of the scale or shares in [0, 1], with the jackknife's interval over clusters; asks
    of one item are averaged. An item without a verdict from either judge is left out of both judges'
    figures and counted, so that both speak of the same items; for a reversal to be proven the missing
    verdicts are drawn against it too. `confidence` is that of each bound, and 1 - it the level of Holm.
    """
    found = [_ranking(field, confidence) for field in fields(candidate, baseline)]
    if not found:
        return None
    adjusted = iter(holm([swing.p for ranking in found for swing in ranking.swings]))
    return Downstream(
        confidence=confidence,
        rankings=tuple(
            replace(
                ranking, swings=tuple(_judged(swing, next(adjusted), confidence) for swing in ranking.swings)
            )
            for ranking in found
        ),
    )


def _judged(swing: Swing, p: float, confidence: float) -> Swing:
    return replace(swing, p=p, proven=p <= 1 - confidence)


def _ranking(field: Field, confidence: float) -> Ranking:
    models = [_model(field, number, confidence) for number in range(len(field.names))]
    return Ranking(
        task=field.task,
        criterion=field.criterion,
        unit=UNITS[field.task],
        items=field.count(field.both),
        missing=field.count() - field.count(field.both),
        unnamed=field.unnamed,
        models=tuple(sorted(_placed(models), key=lambda model: (model.places, model.name))),
        swings=tuple(_swings(field, confidence)),
    )


def _model(field: Field, number: int, confidence: float) -> Model:
    """One model's figures; its places are not known yet."""
    at = field.both[field.models[field.both] == number]
    labelled = at[~np.isnan(field.human[at])]
    ours, theirs = (
        _mean(field, answers.known, at, confidence) for answers in (field.candidate, field.baseline)
    )
    corrected = None
    if len(labelled):
        one, other = (
            _corrected(field, answers.known, at, confidence) for answers in (field.candidate, field.baseline)
        )
        corrected = (one, other)
    return Model(
        name=field.names[number],
        items=len(at),
        candidate=ours,
        baseline=theirs,
        places=(0, 0),
        labels=len(labelled),
        corrected=corrected,
    )


def _mean(field: Field, worth: Array, at: Places, confidence: float) -> Interval:
    if not len(at):
        return _nothing(0, confidence, "no item has a verdict from both judges")
    sample = Sample(
        clusters=np.unique(field.clusters[at], return_inverse=True)[1],
        slices=np.zeros(len(at), dtype=np.intp),
        moments=np.column_stack([worth[at], np.ones(len(at))]),
    )
    return interval_of(mean_figure(field.bounds), sample, confidence=confidence)


def _nothing(n: int, confidence: float, reason: str) -> Interval:
    return Interval(
        value=None, low=None, high=None, n=n, clusters=0, method="none", confidence=confidence, reason=reason
    )


def _corrected(field: Field, worth: Array, at: Places, confidence: float) -> Interval:
    """The figure that humans would give these answers of one model."""
    known = ~np.isnan(field.human[at])
    labelled, others = at[known], at[~known]
    if len(others) < 2:
        return _mean(field, field.human, labelled, confidence)
    if len(labelled) < MIN_LABELS:
        why = f"{len(labelled)} human label(s) of this model's answers, fewer than {MIN_LABELS}"
        return _nothing(len(at), confidence, why)
    found = ppi_mean(
        worth[labelled].tolist(),
        field.human[labelled].tolist(),
        worth[others].tolist(),
        clusters=[str(cluster) for cluster in field.clusters[labelled]],
        unlabelled_clusters=[str(cluster) for cluster in field.clusters[others]],
        confidence=confidence,
    )
    low, high = (
        None if bound is None else float(np.clip(bound, *field.bounds)) for bound in (found.low, found.high)
    )
    return replace(found, low=low, high=high)


def _placed(models: Sequence[Model]) -> Iterator[Model]:
    """The models with their places; one without a figure comes last."""
    ours, theirs = ([_figure(each) for each in side] for side in zip(*map(_sides, models), strict=True))
    for model, mine, other in zip(models, ours, theirs, strict=True):
        yield replace(model, places=(_place(mine, ours), _place(other, theirs)))


def _sides(model: Model) -> tuple[Interval, Interval]:
    return model.candidate, model.baseline


def _figure(interval: Interval) -> float:
    return -math.inf if interval.value is None else interval.value


def _place(own: float, every: Sequence[float]) -> int:
    return 1 + sum(each > own + _TIED for each in every)


def _swings(field: Field, confidence: float) -> list[Swing]:
    """Every pair of models."""
    now, before = _Judged(field, field.candidate), _Judged(field, field.baseline)
    found = []
    for pair in combinations(range(len(field.names)), 2):
        ours, theirs = now.contrast(pair, confidence), before.contrast(pair, confidence)
        moved = change(now.both, before.both, pair, span=field.span, confidence=confidence)
        found.append(
            Swing(
                first=field.names[pair[0]],
                second=field.names[pair[1]],
                candidate=ours.interval,
                baseline=theirs.interval,
                change=moved.interval,
                p=reversal(theirs, ours),
            )
        )
    return found


class _Judged:
    """The models' means under one judge: as both judges answered, and with what is missing drawn."""

    def __init__(self, field: Field, answers: Answers) -> None:
        self.span = field.span
        self.both = field.means(answers.known, at=field.both)
        self.down, self.up = field.means(answers.down), field.means(answers.up)

    def contrast(self, pair: tuple[int, int], confidence: float) -> Contrast:
        """The difference of two models, proven only if no missing verdict could undo it."""
        seen = difference(self.both, self.both, pair, span=self.span, confidence=confidence)
        low = difference(self.down, self.up, pair, span=self.span, confidence=confidence)
        high = difference(self.up, self.down, pair, span=self.span, confidence=confidence)
        return seen.or_worse(low, high)
