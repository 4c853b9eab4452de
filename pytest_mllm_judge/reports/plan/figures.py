"""Every figure of the judgements at hand, its spread, and the difference of two."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics import CHECKS, Check
from pytest_mllm_judge.model import Criterion, Judgements
from pytest_mllm_judge.probes import SWAPPED
from pytest_mllm_judge.reports.plan.general import TASKS
from pytest_mllm_judge.reports.plan.hand import Hand, differing, verdict_of
from pytest_mllm_judge.statistics.planning import spread_at_hand

_UNPLANNED = (".position", ".length", ".self_preference", ".constant")
"""Biases are claimed of a judge, not planned for: see `claim.settled_by()`."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A check, of one criterion where there are several."""

    check: Check
    criterion: Criterion | None = None

    @property
    def name(self) -> str:
        """`pair.accuracy`, or `score.pearson looks real`."""
        return self.check.name + (f" {self.criterion}" if self.criterion else "")

    def of(self, judgements: Judgements, *, confidence: float) -> Estimate:
        """Its estimate. Raise SettingsError where it makes no sense of such items."""
        options = {} if self.criterion is None else {"criterion": self.criterion}
        return self.check(judgements, confidence=confidence, **options)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A figure, or a difference of two, as the judgements at hand show it.

    `spread` is its standard error times the root of n, `noise` the part of it that asking again makes;
    each None where it is not known.
    """

    figure: Figure
    estimate: Estimate
    noise: float | None = None

    @property
    def spread(self) -> float | None:
        """The spread that its interval shows."""
        return spread_at_hand(self.estimate.counted)

    @property
    def is_share(self) -> bool:
        """Whether each item is worth 0 or 1 to it."""
        method = self.estimate.counted.method
        return method.startswith(("wilson", "tango")) and "discordan" not in method

    @property
    def why(self) -> str:
        """Why it shows no spread; '' if it does."""
        if self.spread is not None:
            return ""
        return self.estimate.counted.reason or "no spread: nearly all alike"


def figures_of(judgements: Judgements) -> Iterator[Figure]:
    """The figures of the tasks that have human labels here, for each criterion, by name.

    Consistency of orders is one where some pair is at hand in both.
    """
    swapped = any(judgement.variant == SWAPPED for judgement in judgements)
    for task in TASKS:
        labelled = [judgement.item for judgement in judgements.task(task) if judgement.item.human]
        if not labelled:
            continue
        criteria = sorted({name for item in labelled for name in judgements.tasks.criteria(item)})
        for check in sorted(CHECKS.values(), key=lambda check: check.name):
            if (
                check.task == task
                and (not check.probe or (swapped and check.name == "consistency.orders"))
                and not check.name.endswith(_UNPLANNED)
            ):
                yield from (Figure(check=check, criterion=one) for one in criteria or (None,))


def seen_of(hand: Hand, *, confidence: float) -> tuple[list[Seen], list[str]]:
    """Every figure of one judge, and the names of those that make no sense of its items."""
    found: list[Seen] = []
    senseless: list[str] = []
    for figure in figures_of(hand.first):
        try:
            estimate = figure.of(hand.first, confidence=confidence)
        except SettingsError:
            senseless.append(figure.name)
            continue
        if estimate.n:
            noise = noise_of(figure, hand, confidence=confidence)
            # A single figure has one judge's noise, its difference with itself that of two.
            found.append(Seen(figure=figure, estimate=estimate, noise=_times(noise, math.sqrt(1 / 2))))
    return found, senseless


def differences_of(new: Hand, old: Hand, *, confidence: float) -> list[Seen]:
    """Every figure's paired difference, the first judge less the second."""
    found: list[Seen] = []
    for seen in seen_of(new, confidence=confidence)[0]:
        figure = seen.figure
        difference = less(figure, new.first, old.first, confidence=confidence)
        if difference is not None:
            noises = [noise_of(figure, hand, confidence=confidence) for hand in (new, old)]
            found.append(Seen(figure=figure, estimate=difference, noise=_mean_square(noises)))
    return found


def noise_of(figure: Figure, hand: Hand, *, confidence: float) -> float | None:
    """The spread of a figure's difference with itself asked again, over all repeats; None without any."""
    squares: list[float] = []
    for again in hand.again:
        if differing(hand.first, again, verdict_of, task=figure.check.task) == 0:
            squares.append(0.0)
            continue
        difference = less(figure, again, hand.first, confidence=confidence)
        spread = None if difference is None else spread_at_hand(difference.counted)
        if spread is not None:
            squares.append(spread**2)
    return math.sqrt(sum(squares) / len(squares)) if squares else None


def less(figure: Figure, first: Judgements, second: Judgements, *, confidence: float) -> Estimate | None:
    """The paired difference on the items of both; None for a figure that has none here."""
    try:
        ours, theirs = (figure.of(part, confidence=confidence) for part in (first, second))
        return None if ours.pairing is None or theirs.pairing is None else ours - theirs
    except (SettingsError, ValueError):  # it makes no sense of these items; or none is common to both
        return None


def _mean_square(noises: Sequence[float | None]) -> float | None:
    """The root of the mean square; a judge that was not asked again counts as one without noise."""
    if all(noise is None for noise in noises):
        return None
    return math.sqrt(sum((noise or 0.0) ** 2 for noise in noises) / len(noises))


def _times(noise: float | None, factor: float) -> float | None:
    return None if noise is None else noise * factor
