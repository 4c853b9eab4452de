"""What a judge's analysis states of a picture, held against what the picture shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from numbers import Integral
from typing import TYPE_CHECKING, Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import estimate, undefined
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import share_of
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Key, Rows, Truths
from pytest_mllm_judge.model import Item, Judgement, Judgements, file_digest

if TYPE_CHECKING:
    from pytest_mllm_judge.reference.look import Eyes
    from pytest_mllm_judge.reference.scene import Marks
    from pytest_mllm_judge.reference.statements import Count

NAME = "hallucination.facts"
FOREIGN = (
    "facts are known of the bundled benchmark's pictures alone, and none of these items is of it; "
    "reviews.hallucination is what people say of replies"
)
WITH_OWN = "With facts of your own say contradicted=, a function from a judgement to a number of claims."
LACKING = "a reply, or facts to hold it against"
NO_REPLY = "none of these judgements has a reply, and facts to hold it against"
SILENT = "none of these replies states a fact as the bundled judges do: “I see 3 circles, 1 square.”"
SILENT_BESIDE = "one of the judges states in no reply a fact that is read: “I see 3 circles, 1 square.”"
NOTHING_COMMON = "no question has replies of both judges, and facts to hold them against"
YES, NO = "contradicted", "not contradicted"
Contradicted = Callable[[Judgement], int | None]
"""How many claims of a reply are contradicted by what is known; None where nothing is known."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a reply comes to: contradicted claims, in words too, and facts stated (None where not counted)."""

    contradicted: int
    stated: int | None = None
    words: str = ""


@declare(NAME, task=None, source="this project", options=("average", "by"), margin=0.05)
def facts(
    judgements: Judgements,
    /,
    *,
    contradicted: Contradicted | None = None,
    **options: Unpack[BareOptions],
) -> Estimate:
    """Share of replies that state of the picture what it contradicts, in [0, 1]; Clopper-Pearson bounds.

    Lower is better. The facts are those that the bundled benchmark's own judge states in its analysis, held
    against the pixels of the item's picture; items of other benchmarks, and judgements without a reply or a
    picture's file, are left out and counted. `contradicted` is a function of one's own, from a judgement to
    the number of its claims that one's own facts contradict (None leaves it out), for any benchmark. A
    problem counts as a hallucination. Where no reply states a fact nothing is decided. Raise SettingsError
    where no item is of the bundled benchmark.
    """
    bare = bare_rows(judgements, options)
    items = [judgement.item for judgement in bare.judgements]
    if contradicted is None and (reason := unknown(items)):
        raise SettingsError(f"{NAME}: {reason}\n  {WITH_OWN}")
    tell = _by_the_picture if contradicted is None else _by(contradicted)
    return _estimate(bare, [tell(judgement) for judgement in bare.judgements], own=contradicted)


def unknown(items: Sequence[Item]) -> str:
    """Why no fact is known of these items, as a sentence without stop; '' if there is one, or no item."""
    from pytest_mllm_judge.reference import WORLD

    return FOREIGN if items and all(item.fields.get("world") != WORLD for item in items) else ""


def _estimate(bare: Rows, told: Sequence[Told | None], *, own: Contradicted | None) -> Estimate:
    lost = [judgement.problem is not None for judgement in bare.judgements]
    rows = bare.saying([None if gone else _verdict(each) for gone, each in zip(lost, told, strict=True)])
    known = np.array([each is not None for each in told], dtype=bool)
    kept = replace(rows.keep(known), unlabelled=int((~known).sum()))
    said = {key: each for key, each in zip(rows.keys(), told, strict=True) if each is not None}
    measure = replace(share_of(_is_bad, rare=True), own=own)
    found = estimate(NAME, kept, measure, better="lower", wrong=_is_bad, why_none=NO_REPLY)
    silent = _is_silent(kept, said)
    if silent and len(kept) and not kept.missing.all():
        found = undefined(NAME, "lower", kept, reason=SILENT)
    pairing = _OfBoth(metric=NAME, better="lower", rows=kept, measure=measure, told=said, silent=silent)
    return replace(
        found,
        pairing=pairing,
        lacking=LACKING,
        examples=[_told(kept, place, said) for place in np.flatnonzero(_is_bad(kept))[:3].tolist()],
        beside=_beside(kept, said),
    )


def _verdict(told: Told | None) -> str | None:
    return None if told is None else YES if told.contradicted else NO


def _is_bad(rows: Rows) -> Truths:
    """Where a reply is contradicted, or there is a problem (n,)."""
    return np.array([verdict != NO for verdict in rows.verdict], dtype=bool)


def _is_silent(rows: Rows, told: Mapping[Key, Told]) -> bool:
    """Whether no reply with a verdict states a fact, where facts are counted."""
    return all(told[key].stated == 0 for key, gone in zip(rows.keys(), rows.missing, strict=True) if not gone)


def _beside(rows: Rows, told: Mapping[Key, Told]) -> list[Beside]:
    """How many facts a reply states in the mean, where they are counted."""
    some = [told[key].stated for key in rows.answered().keys()]  # noqa: SIM118
    stated = [count for count in some if count is not None]
    if not stated:
        return []
    return [Beside(name="facts", value=sum(stated) / len(stated), about="stated by a reply, in the mean")]


def _told(rows: Rows, place: int, told: Mapping[Key, Told]) -> str:
    return f"{rows.judgements[place].item.id} {rows.problem(place) or told[rows.keys()[place]].words}"


@dataclass(frozen=True, kw_only=True)
class _OfBoth(Pairing):
    """The difference on the questions of whose replies by both judges facts are known."""

    told: Mapping[Key, Told]
    silent: bool

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one; an estimate that says why where there is nothing to compare."""
        lost = self.rows.unlabelled + other.rows.unlabelled
        if isinstance(other, _OfBoth) and (reason := self._nothing(other)):
            none = undefined(f"{self.metric}, difference", self.better, self.rows, reason=reason)
            return replace(none, unlabelled=lost, lacking=LACKING)
        found = super().minus(other)
        first, second = self._side_by_side(other)
        worse = np.flatnonzero(_is_bad(first) & ~_is_bad(second)).tolist()
        told = [f"{_told(first, place, self.told)}; the other does not" for place in worse[:3]]
        return replace(found, examples=told, wrong=len(worse), unlabelled=lost, lacking=LACKING)

    def _nothing(self, other: _OfBoth) -> str:
        if not set(self.rows.keys()) & set(other.rows.keys()):
            return NOTHING_COMMON
        return SILENT_BESIDE if self.silent or other.silent else ""


# What a reply states


def _by(contradicted: Contradicted) -> Callable[[Judgement], Told | None]:
    """What a function of one's own says of a reply; a problem is one, whatever it says."""

    def tell(judgement: Judgement) -> Told | None:
        if judgement.problem is not None:
            return Told(contradicted=0)
        if judgement.reply is None or (count := contradicted(judgement)) is None:
            return None
        if not isinstance(count, Integral) or count < 0:
            raise SettingsError(
                f"{NAME}: contradicted= gave {count!r} for item {judgement.item.id}; give a whole number, "
                "0 or more, or None where nothing is known"
            )
        return Told(contradicted=int(count), words=f"states {count} contradicted claim{'s' * (count != 1)}")

    return tell


def _by_the_picture(judgement: Judgement) -> Told | None:
    """What the picture says of a reply's facts; None where it is of another world, or there is none."""
    marks = _marks(judgement.item)
    analysis = judgement.fields.get("Analysis") or judgement.reply
    if marks is None or (analysis is None and judgement.problem is None):
        return None
    from pytest_mllm_judge.reference import opinion

    wrong = opinion.hallucinated(str(analysis), marks)
    words = "states " + ", ".join(_in_words(fact, marks) for fact in wrong)
    return Told(contradicted=len(wrong), stated=len(opinion.facts(str(analysis))), words=words)


def _in_words(fact: Count, marks: Marks) -> str:
    from pytest_mllm_judge.reference.statements import named

    return f"{fact.number} {fact.noun}{'s' * (fact.number != 1)} (shown: {len(named(marks, fact.noun))})"


def _marks(item: Item) -> Marks | None:
    """What the item's picture shows; None if it is of another world, or no file."""
    from pytest_mllm_judge.reference import WORLD

    if item.fields.get("world") != WORLD or item.folder is None or len(item.every_image) != 1:
        return None
    file = item.folder / item.every_image[0]
    try:
        return _eyes().see(file_digest(file), file.read_bytes).marks
    except (OSError, ValueError):
        return None


@cache
def _eyes() -> Eyes:
    """Each picture is looked at once in a process, as its file's digest tells it."""
    from pytest_mllm_judge.reference.look import Eyes

    return Eyes()
