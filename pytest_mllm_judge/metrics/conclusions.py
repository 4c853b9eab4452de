"""What becomes of the answering models under another judge: the result, in words and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pytest_mllm_judge.claims.show import builtin, plain, show, show_range
from pytest_mllm_judge.model import Criterion, Task
from pytest_mllm_judge.statistics import Interval

MOST_LINES = 8
_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class Model:
    """An answering model's figure under both judges, on `items` items with a verdict from both.

    `places`, by the candidate and by the baseline, count from 1 for the best; those with the same figure
    share one. `labels` counts the items among them with a human label. `corrected` are the figures that
    humans would give, estimated by each judge (PPI++), or the humans' own where all items have a label; None
    without labels. Several annotators of an item count alike.
    """

    name: str
    items: int
    candidate: Interval
    baseline: Interval
    places: tuple[int, int]
    labels: int
    corrected: tuple[Interval, Interval] | None

    def plain(self) -> dict[str, Any]:
        """In builtin types: the candidate's place and figures, and the baseline's."""
        both = zip(("candidate", "baseline"), (self.candidate, self.baseline), self.places, strict=True)
        corrected = dict(zip(("candidate", "baseline"), self.corrected or (None, None), strict=True))
        return {
            "name": self.name,
            "items": self.items,
            "labels": self.labels,
            **{
                who: {"place": place, "figure": plain(figure), "corrected": plain(corrected[who])}
                for who, figure, place in both
            },
        }


@dataclass(frozen=True, kw_only=True)
class Swing:
    """Two answering models: the first's figure less the second's, by both judges, and how much that changed.

    `p` is that of a reversal, corrected by Holm for all pairs of models of every task. A reversal is `proven`
    where `p` is at most 1 - confidence: either judge shows its own order, whatever verdicts are missing.
    """

    first: str
    second: str
    candidate: Interval
    baseline: Interval
    change: Interval
    p: float
    proven: bool = False

    def plain(self) -> dict[str, Any]:
        """In builtin types."""
        parts = {"candidate": self.candidate, "baseline": self.baseline, "change": self.change}
        return {
            "first": self.first,
            "second": self.second,
            **{name: plain(part) for name, part in parts.items()},
            "p": builtin(self.p),
            "proven": self.proven,
        }


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The answering models of one task (and criterion) under both judges.

    `items` have a verdict from both, `missing` from one or neither, `unnamed` an author unknown or answering
    twice: the latter two are in no figure. But no reversal is proven that a missing verdict could undo.
    """

    task: Task
    criterion: Criterion | None
    unit: str
    items: int
    missing: int
    unnamed: int
    models: tuple[Model, ...]
    swings: tuple[Swing, ...]

    @property
    def name(self) -> str:
        """`pair`, or `score, clarity` for a criterion."""
        return f"{self.task}, {self.criterion}" if self.criterion else self.task

    @property
    def proven(self) -> tuple[Swing, ...]:
        """The proven reversals."""
        return tuple(swing for swing in self.swings if swing.proven)

    @property
    def largest(self) -> Swing | None:
        """The pair of models whose difference changed most; None where none is known."""
        known = [swing for swing in self.swings if swing.change.value is not None]
        return max(known, key=lambda swing: abs(swing.change.value or 0.0), default=None)

    def lines(self) -> list[str]:
        """The ranking, its reversals, its largest change and the corrected figures, most telling first."""
        return [self._ranked(), self._reversed(), *self._changed(), *self._corrected()]

    def plain(self) -> dict[str, Any]:
        """In builtin types; `pairs` are the pairs of models."""
        counts = {"items": self.items, "missing": self.missing, "unnamed": self.unnamed}
        return {
            "task": self.task,
            "criterion": self.criterion,
            "unit": self.unit,
            **{name: builtin(count) for name, count in counts.items()},
            "models": [model.plain() for model in self.models],
            "pairs": [swing.plain() for swing in self.swings],
        }

    def _ranked(self) -> str:
        left = f", {self.missing} left out for want of a verdict" if self.missing else ""
        head = f"{self.name}: {self.unit} on {self.items} items{left}"
        return f"{head}: {_listed([_moved(model) for model in self.models])}"

    def _reversed(self) -> str:
        if not self.proven:
            return f"{self.name}: proven reversals: none of {len(self.swings)} pairs of models"
        return f"{self.name}: proven reversals: {_listed([_told(swing) for swing in self.proven])}"

    def _changed(self) -> list[str]:
        most = self.largest
        if most is None:
            return []
        of = f"{most.first} against {most.second} {_signed(most.change.value)}"
        return [f"{self.name}: largest change: {of} ({show_range(most.change.low, most.change.high)})"]

    def _corrected(self) -> list[str]:
        told = [_by_labels(model) for model in self.models if model.corrected is not None]
        return [f"{self.name}: by human labels: {_listed(told)}"] if told else []


@dataclass(frozen=True, kw_only=True)
class Downstream:
    """What becomes of the answering models when the candidate judges instead of the baseline."""

    confidence: float
    rankings: tuple[Ranking, ...]

    @property
    def proven(self) -> tuple[Swing, ...]:
        """The proven reversals of every task."""
        return tuple(swing for ranking in self.rankings for swing in ranking.proven)

    def lines(self, *, most: int | None = MOST_LINES) -> list[str]:
        """Lines for a reader, at most so many: of many rankings each gets fewer."""
        told = [ranking.lines() for ranking in self.rankings]
        if most is None or sum(map(len, told)) <= most:
            return [line for lines in told for line in lines]
        each = most // len(told)
        if each:
            return [line for lines in told for line in lines[:each]]
        return [*(lines[0] for lines in told[: most - 1]), f"{len(told) - most + 1} more rankings"]

    def plain(self) -> dict[str, Any]:
        """Everything in builtin types."""
        return {
            "confidence": self.confidence,
            "lines": self.lines(),
            "rankings": [ranking.plain() for ranking in self.rankings],
        }


def _listed(parts: Sequence[str]) -> str:
    more = [f"{len(parts) - _SHOWN} more"] if len(parts) > _SHOWN else []
    return " · ".join([*parts[:_SHOWN], *more])


def _moved(model: Model) -> str:
    """`2 model-b 0.512 (was 0.490, place 3)`."""
    now, before = model.places
    place = f", place {before}" if before != now else ""
    return f"{now} {model.name} {show(model.candidate.value)} (was {show(model.baseline.value)}{place})"


def _told(swing: Swing) -> str:
    was, now = swing.baseline.value or 0.0, swing.candidate.value or 0.0
    ahead, behind = (swing.first, swing.second) if was > 0 else (swing.second, swing.first)
    return f"{ahead} led {behind} by {show(abs(was))}, now trails by {show(abs(now))} ({_p(swing.p)})"


def _p(value: float) -> str:
    return f"p {show(value)}" if value >= 0.001 else "p below 0.001"


def _signed(value: float | None) -> str:
    return show(value) if value is None else f"{value:+z.3f}"


def _by_labels(model: Model) -> str:
    assert model.corrected is not None
    now, before = model.corrected
    if now.value is None:
        return f"{model.name} undecided on {model.labels} labels"
    was = "" if now == before else f", was {show(before.value)}"
    return f"{model.name} {show(now.value)} ({show_range(now.low, now.high)}{was})"
