"""What humans said of a judge's replies: hallucinations, agreement, the quality of the analysis.

Only judgements that were reviewed count; the others are left out and counted. They speak of the replies that
somebody chose to review.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.estimate import Better
from pytest_mllm_judge.metrics.agreement.core import PAPER, estimate, undefined
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import Measure, mean_of, share_of
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgement, Judgements, Label
from pytest_mllm_judge.statistics.jackknife import Array

LACKING = "a review that says so"
NO_REVIEW = (
    "none of these judgements has a review that says so: reviews stand in reviews/<judge>.jsonl of the "
    "benchmark's folder"
)
YES, NO = "yes", "no"
WORST, BEST = 1.0, 5.0
"""The grades of an analysis."""
Say = Callable[[Judgement], Label | None]
"""What a reply's reviewers say together; None where none of them says anything."""
HowBad = Callable[[Rows], Array]
Tell = Callable[[Judgement], str]


@declare("reviews.hallucination", task=None, source=PAPER, options=("average", "by"), margin=0.05)
def hallucination(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of reviewed replies that hallucinate, in [0, 1]; lower is better; Clopper-Pearson bounds.

    Several reviewers of one reply decide by majority; where they are split it counts as a hallucination.
    """
    return _estimate(
        "reviews.hallucination",
        judgements,
        options,
        better="lower",
        say=_hallucinates,
        measure=share_of(_said_yes, rare=True),
        bad=lambda rows: _said_yes(rows).astype(float),
        tell=_tells_hallucination,
    )


@declare("reviews.agrees", task=None, source=PAPER, options=("average", "by"), margin=0.05)
def agrees(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of reviewed judgements that their reviewers agree with, in [0, 1]; Wilson interval.

    Several reviewers of one reply decide by majority; where they are split it is not agreed with. Nor is a
    reply without a verdict, whatever is said of it.
    """
    return _estimate(
        "reviews.agrees",
        judgements,
        options,
        better="higher",
        say=_is_agreed_with,
        measure=share_of(_said_yes),
        bad=lambda rows: (~_said_yes(rows)).astype(float),
        tell=_tells_agreement,
        problems=True,
    )


@declare("reviews.analysis", task=None, source=PAPER, options=("average", "by"), margin=0.25)
def analysis(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Mean grade of the analysis of reviewed replies, in [1, 5]; several reviewers of one reply by mean."""
    return _estimate(
        "reviews.analysis",
        judgements,
        options,
        better="higher",
        say=_grade,
        measure=mean_of(lambda rows, _: _grades(rows), bounds=(WORST, BEST), name="reviews.analysis"),
        bad=lambda rows: BEST - _grades(rows),
        tell=_tells_grade,
    )


def _estimate(
    metric: str,
    judgements: Judgements,
    options: BareOptions,
    *,
    better: Better,
    say: Say,
    measure: Measure,
    bad: HowBad,
    tell: Tell,
    problems: bool = False,
) -> Estimate:
    """The estimate of what reviewers say; with `problems`, they say nothing of a reply without a verdict."""
    bare = bare_rows(judgements, options)
    said = [say(judgement) for judgement in bare.judgements]
    reviewed = np.array([each is not None for each in said], dtype=bool)
    lost = [problems and judgement.problem is not None for judgement in bare.judgements]
    rows = bare.saying([None if gone else each for gone, each in zip(lost, said, strict=True)])
    kept = replace(rows.keep(reviewed), unlabelled=int((~reviewed).sum()))
    found = estimate(metric, kept, measure, better=better, wrong=bad, why_none=NO_REVIEW)
    pairing = _OfBoth(metric=metric, better=better, rows=kept, measure=measure, bad=bad, tell=tell)
    return replace(found, pairing=pairing, lacking=LACKING, examples=_worst(kept, bad, tell))


def _worst(rows: Rows, bad: HowBad, tell: Tell, *, most: int = 3) -> tuple[str, ...]:
    """The first few of the worst rows in words."""
    how = bad(rows)
    places = np.argsort(-how, kind="stable")[:most].tolist()
    return tuple(_told(rows, place, tell) for place in places if how[place] > 0)


def _told(rows: Rows, place: int, tell: Tell) -> str:
    judgement = rows.judgements[place]
    return f"{judgement.item.id} {rows.problem(place) or tell(judgement)}"


@dataclass(frozen=True, kw_only=True)
class _OfBoth(Pairing):
    """The difference on the questions whose replies by both judges were reviewed."""

    bad: HowBad
    tell: Tell

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one; where no question has both, an estimate that says so."""
        lost = self.rows.unlabelled + other.rows.unlabelled
        if self.metric == other.metric and not set(self.rows.keys()) & set(other.rows.keys()):
            reason = "no question has a review of both judges' replies"
            nothing = undefined(f"{self.metric}, difference", self.better, self.rows, reason=reason)
            return replace(nothing, unlabelled=lost, lacking=LACKING)
        found = super().minus(other)
        first, second = self._side_by_side(other)
        worse = np.flatnonzero(self.bad(first) > self.bad(second)).tolist()
        told = [
            f"{_told(first, place, self.tell)}; the other's reply {self.tell(second.judgements[place])}"
            for place in worse[:3]
        ]
        return replace(found, examples=told, wrong=len(worse), unlabelled=lost, lacking=LACKING)


# What reviewers say


def _said_yes(rows: Rows) -> Truths:
    return np.array([verdict == YES for verdict in rows.verdict], dtype=bool)


def _grades(rows: Rows) -> Array:
    return np.array(rows.verdict, dtype=float)


def _hallucinations(judgement: Judgement) -> list[bool]:
    return [each.hallucination for each in judgement.reviews if each.hallucination is not None]


def _agreements(judgement: Judgement) -> list[bool]:
    return [each.agrees for each in judgement.reviews if each.agrees is not None]


def _marks(judgement: Judgement) -> list[int]:
    return [each.analysis for each in judgement.reviews if each.analysis is not None]


def _hallucinates(judgement: Judgement) -> Label | None:
    said = _hallucinations(judgement)
    return (YES if 2 * sum(said) >= len(said) else NO) if said else None


def _is_agreed_with(judgement: Judgement) -> Label | None:
    said = _agreements(judgement)
    return (YES if 2 * sum(said) > len(said) else NO) if said else None


def _grade(judgement: Judgement) -> Label | None:
    marks = _marks(judgement)
    return sum(marks) / len(marks) if marks else None


def _tells_hallucination(judgement: Judgement) -> str:
    return f"hallucinates to {_votes(_hallucinations(judgement))}"


def _tells_agreement(judgement: Judgement) -> str:
    return f"is agreed with by {_votes(_agreements(judgement))}"


def _tells_grade(judgement: Judgement) -> str:
    return f"has an analysis of grade {_grade(judgement):.3g}"


def _votes(said: Sequence[bool]) -> str:
    return f"{sum(said)} of {len(said)} reviewer{'s' * (len(said) != 1)}"
