"""The reviews of a judge's replies, each put to the judgement that it is of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from pydantic import JsonValue

from pytest_mllm_judge.benchmarks.reviews import Placed, path_of, read, recorded
from pytest_mllm_judge.model import Judgement, Question
from pytest_mllm_judge.model.question import canonical
from pytest_mllm_judge.model.review import DIGITS, Review, digest_of

Name = tuple[str, str, int]
"""Item, variant, repeat."""


class Reviews:
    """What a benchmark's folder holds of human words on one judge's replies.

    A review is used only of the reply that it was written of. `stale` says where those stand whose reply, or
    question, is another one now, and `used` those that count, as far as judgements were made; `open` are the
    lines that nobody has filled in.
    """

    def __init__(self, folder: Path, judge: str) -> None:
        self.path = path_of(folder, judge)
        self.judge = judge
        self.stale: set[str] = set()
        self.used: set[str] = set()

    @cached_property
    def lines(self) -> tuple[Placed, ...]:
        """The file's lines. Raise BenchmarkError with file and line at one that can't be used."""
        return read(self.path, self.judge)

    @property
    def open(self) -> tuple[Placed, ...]:
        """The lines that somebody still has to fill in."""
        return tuple(placed for placed in self.lines if placed.line.is_open)

    def of(self, judgement: Judgement, question: Question) -> tuple[Review, ...]:
        """The reviews of this judgement's reply, one of each reviewer; those of another reply are `stale`."""
        if not (self.lines or "recorded" in judgement.item.fields) or not has_reply(judgement):
            return ()
        reply = reply_digest(judgement)
        released = recorded(judgement.item)
        found = [] if released is None or released[0] != reply else [released[1]]
        if self.lines:
            asked = question.digest[:DIGITS]
            for placed in self._about(judgement, asked):
                fits = placed.line.fits(asked, reply)
                (self.used if fits else self.stale).add(placed.where)
                if fits:
                    found.append(placed.line.review)
        return tuple(_once(found))

    def _about(self, judgement: Judgement, asked: str) -> list[Placed]:
        """The lines that name the judgement or its question, each once."""
        names, questions = self._index
        return [*names.get(name_of(judgement), ()), *questions.get(asked, ())]

    @cached_property
    def _index(self) -> tuple[dict[Name, list[Placed]], dict[str, list[Placed]]]:
        names: dict[Name, list[Placed]] = defaultdict(list)
        questions: dict[str, list[Placed]] = defaultdict(list)
        for placed in self.lines:
            line = placed.line
            if line.is_open:
                continue
            if line.name is not None:
                names[line.name].append(placed)
            elif line.question is not None:
                questions[line.question[:DIGITS]].append(placed)
        return names, questions


def _once(reviews: Iterable[Review]) -> Iterator[Review]:
    """Each reviewer's first one, where a reply was named in two ways; who has no name is somebody else."""
    seen = set()
    for review in reviews:
        if not review.reviewer or review.reviewer not in seen:
            seen.add(review.reviewer)
            yield review


def has_reply(judgement: Judgement) -> bool:
    """Whether the judge said anything."""
    return judgement.reply is not None or judgement.verdict is not None


def reply_digest(judgement: Judgement) -> str:
    """What the judgement's reply is known by: the digest of its text, or of the verdict without one."""
    if judgement.reply is not None:
        return digest_of(judgement.reply)
    verdict: JsonValue = dict(judgement.verdict) if isinstance(judgement.verdict, dict) else judgement.verdict
    return digest_of(canonical(verdict))


def name_of(judgement: Judgement) -> Name:
    """Item, variant and repeat."""
    return judgement.item.id, judgement.variant, judgement.repeat
