"""Reviews: `reviews/<judge>.jsonl` in a benchmark's folder, and those that MLLM-as-a-Judge was released with.

    {"item":"circles-007","question":"<24 hex>","reply":"<24 hex>","agrees":true,"analysis":4,
     "hallucination":false,"reviewer":"ann"}

`question` is the digest by which the cassette knows the question, `reply` that of the reply's text. Where
there is no question, as in a verdict log, `item` and `judge` stand for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import quote

from pydantic import Field, StrictInt, StrictStr, ValidationError, model_validator

from pytest_mllm_judge.benchmarks import faults
from pytest_mllm_judge.benchmarks.lines import BadLine, Record, records
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.model.review import DIGITS, Review, digest_of

FOLDER = "reviews"
MEND = "Mend the line, or delete it: what is not reviewed is left out and counted."
_YES_OR_NO = "true or false"
_WHOLE: dict[faults.Loc, str] = {
    ("agrees",): _YES_OR_NO,
    ("hallucination",): _YES_OR_NO,
    ("analysis",): "a whole number from 1 to 5",
    ("question",): f"a sha256 in hex, its first {DIGITS} digits or more",
    ("reply",): f"a sha256 in hex, its first {DIGITS} digits or more",
}
Digest = Annotated[StrictStr, Field(pattern=f"^[0-9a-f]{{{DIGITS},64}}$")]


class Line(Review):
    """A line of a file of reviews: what is said, and the reply that it is said of."""

    item: Annotated[StrictStr, Field(min_length=1)] | None = None
    judge: StrictStr | None = None
    variant: StrictStr = ""
    repeat: Annotated[StrictInt, Field(ge=0)] = 0
    question: Digest | None = None
    reply: Digest | None = None

    @model_validator(mode="after")
    def _is_of_a_reply(self) -> Self:
        if self.question is None and (self.item is None or self.judge is None):
            raise ValueError("needs the question's digest, or an item and a judge")
        if self.question is not None and self.reply is None:
            raise ValueError("needs the reply's digest: without it nobody can tell whether the reply changed")
        return self

    @property
    def name(self) -> tuple[str, str, int] | None:
        """Item, variant and repeat; None where only the question is named."""
        return None if self.item is None else (self.item, self.variant, self.repeat)

    @property
    def review(self) -> Review:
        """What is said, without the reply that it is said of."""
        return Review.model_construct(**{name: getattr(self, name) for name in Review.model_fields})

    def fits(self, question: str, reply: str) -> bool:
        """Whether it is of this reply to this question, given by the first digits of their digests."""
        asked = self.question is None or self.question[:DIGITS] == question
        return asked and (self.reply is None or self.reply[:DIGITS] == reply)


@dataclass(frozen=True)
class Placed:
    """A line, and `where` it stands (`file:line`)."""

    where: str
    line: Line


def path_of(folder: Path, judge: str) -> Path:
    """Where the reviews of a judge's replies stand in a benchmark's folder."""
    return folder / FOLDER / f"{quote(judge, safe=' @+=,')}.jsonl"


def read(path: Path, judge: str) -> tuple[Placed, ...]:
    """The lines of a file of reviews of this judge; none if there is no file.

    Raise BenchmarkError with file and line at the first line that can't be used.
    """
    if not path.is_file():
        return ()
    found = [_placed(record, judge) for record in records(path)]
    _check_once(found)
    return tuple(found)


def _placed(record: Record | BadLine, judge: str) -> Placed:
    if isinstance(record, BadLine):
        raise BenchmarkError(record.where, record.what, MEND)
    try:
        line = Line.model_validate(record.data)
    except ValidationError as error:
        known: dict[faults.Loc, list[str]] = {(): list(Line.model_fields)}
        told = "; ".join(faults.sentences(error, record.data, known=known, whole=_WHOLE))
        raise BenchmarkError(record.where, f"this review can't be used: {told}", MEND) from None
    if line.judge is not None and line.judge != judge:
        what = f"this is a review of judge {line.judge!r} in the file of {judge!r}"
        raise BenchmarkError(record.where, what, "Move it to that judge's file.")
    return Placed(record.where, line)


def _check_once(lines: Iterable[Placed]) -> None:
    """Nobody has two votes on one reply."""
    seen: dict[tuple[Any, ...], str] = {}
    for placed in lines:
        line = placed.line
        key = (line.name, line.question, line.reply, line.reviewer)
        if line.reviewer and (first := seen.setdefault(key, placed.where)) != placed.where:
            number = first.rpartition(":")[2]
            what = f"reviewer {line.reviewer!r} has reviewed this reply on line {number} already"
            raise BenchmarkError(placed.where, what, "Keep one of the two.")


def recorded(item: Item) -> tuple[str, Review] | None:
    """The review that MLLM-as-a-Judge's HQ files hold of a recorded reply, and the reply's digest.

    `judge_human` is `agrees`. None for an item without one, or whose values can't be a review's.
    """
    found = item.fields.get("recorded")
    said = found.get("evaluator") if isinstance(found, Mapping) else None
    if not isinstance(found, Mapping) or not isinstance(said, Mapping):
        return None
    result = found.get("result")
    reply = result.get("analysis") if isinstance(result, Mapping) else said.get("judge")
    values = {name: said.get(key) for name, key in _RELEASED.items()}
    try:
        review = Review.model_validate(values)
    except ValidationError:
        return None
    return (digest_of(reply), review) if isinstance(reply, str) and not review.is_open else None


_RELEASED = {"agrees": "judge_human", "analysis": "analysis", "hallucination": "hallucination"}
"""Our words, and the released files'."""
