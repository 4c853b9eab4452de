"""What should be reviewed next, and the empty lines for it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_mllm_judge.benchmarks.lines import Record, records
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.errors import BenchmarkError, SettingsError
from pytest_mllm_judge.metrics.changes import changes
from pytest_mllm_judge.metrics.changes import said as said_by
from pytest_mllm_judge.model import Judgement, Judgements, Question
from pytest_mllm_judge.model.judgement import agrees
from pytest_mllm_judge.model.review import DIGITS
from pytest_mllm_judge.recording import disk
from pytest_mllm_judge.runs.record import RunRecord, judgements_of, read_record
from pytest_mllm_judge.runs.reviews import Name, Reviews, has_reply, name_of, reply_digest
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.runs.saved import PLACE
from pytest_mllm_judge.runs.session import Session

DISAGREES = "disagrees with the humans"
DRAWN = "drawn at random"


@dataclass(frozen=True, kw_only=True)
class Next:
    """A reply that should be reviewed, why, and what the baseline said where its verdict flipped."""

    judgement: Judgement
    question: Question
    why: str
    before: str = ""

    def line(self) -> dict[str, Any]:
        """The review's line, to be filled in."""
        judgement = self.judgement
        known: dict[str, Any] = {"item": judgement.item.id}
        if judgement.repeat:
            known["repeat"] = judgement.repeat
        if self.question.messages:
            known["question"] = self.question.digest[:DIGITS]
        else:
            known["judge"] = judgement.judge
        known["reply"] = reply_digest(judgement)
        return {**known, "agrees": None, "analysis": None, "hallucination": None, "reviewer": ""}


@dataclass(frozen=True, kw_only=True)
class ToReview:
    """What there is of a judge's reviews on a benchmark, and what is `next`, of `waiting` replies.

    `replies` counts the items' first replies, `reviewed` those with a review; `unreplied` the items without
    any reply. `stale` and `unmatched` say where lines stand whose reply has changed, and whose question is
    not asked any more; `open` counts those that are not filled in. `baseline` names what flips were looked
    for against, '' for nothing.
    """

    judge: str
    benchmark: str
    path: Path
    replies: int
    reviewed: int
    unreplied: int
    stale: Sequence[str]
    unmatched: Sequence[str]
    open: int
    baseline: str
    waiting: int
    next: Sequence[Next]


def to_review(
    *,
    root: Path,
    judge: str,
    record: Path | None = None,
    benchmark: Path | None = None,
    most: int = 10,
    seed: int = 0,
    sample: bool = False,
) -> ToReview:
    """What should be reviewed next of a judge's replies: at most `most`, those that matter most first.

    Verdicts that flipped from right to wrong since the baseline, then those that disagree with the humans,
    then others drawn at random by `seed`; with `sample` only the random draw, from all replies. The baseline
    is the one in the last run's record (`record`, by default the one in pytest's cache, if it is there), else
    what was approved of. Every reply is replayed, nobody is asked. Raise SettingsError where no benchmark is
    named and the record does not know one, and for what a replay needs and does not find.
    """
    if most < 1:
        raise SettingsError(f"--most {most}: say 1 or more")
    place = record or root / PLACE
    known = read_record(place) if record or place.is_file() else RunRecord()
    session = Session(root=root)
    try:
        run = session.run(judge, benchmark or _only(known, place, judge))
        run.prepare(run.items)
        judgements = run.judgements()
        name, baseline = ("", None) if sample else _baseline(known, session, run)
        first = [each for each in judgements if not each.variant and not each.repeat]
        waiting = [each for each in first if has_reply(each) and not each.reviews]
        ordered = _ordered(waiting, _flips(judgements, baseline), name, seed=seed, sample=sample)
        return ToReview(
            judge=judge,
            benchmark=run.benchmark.name,
            path=run.reviews.path,
            replies=sum(map(has_reply, first)),
            reviewed=sum(bool(each.reviews) for each in first),
            unreplied=sum(not has_reply(each) for each in first),
            **_lines(run.reviews),
            baseline=name,
            waiting=len(waiting),
            next=[_next(run, *one) for one in ordered[:most]],
        )
    finally:
        session.close()


def _only(record: RunRecord, path: Path, judge: str) -> Path:
    """The only benchmark that the last run asked the judge about."""
    folders = sorted({run["benchmark"] for run in record.runs.values() if run["judge"] == judge})
    if len(folders) == 1:
        return Path(folders[0])
    told = ", ".join(shown(Path(folder)) for folder in folders) or "none"
    what = f"of which benchmark? The last run asked judge {judge!r} about {told}"
    raise SettingsError(f"{path}: {what}\n  Name one: python -m pytest_mllm_judge reviews {judge} BENCHMARK")


def _baseline(record: RunRecord, session: Session, run: Run) -> tuple[str, Judgements | None]:
    """The judge that this one was compared with in the last run, else the approved one; and what it said."""
    folders = {
        folder for folder in record.benchmarks if Path(folder).resolve() == run.benchmark.folder.resolve()
    }
    names = sorted(
        gate["baseline"]
        for gate in record.gates.values()
        if gate["judge"] == run.judge.name and gate["benchmark"] in folders and "baseline" in gate
    )
    if names:
        cases = [
            case
            for case in record.judged.values()
            if case["judge"] == names[0] and case["benchmark"] in folders
        ]
        return names[0], judgements_of(cases, record.benchmarks[min(folders)])
    if session.has_baseline(run.judge.name, run.benchmark.folder, None):
        approved = session.baseline(run.judge.name, run.benchmark.folder, None)
        return approved.judge.name, approved.judgements()
    return "", None


def _flips(judgements: Judgements, baseline: Judgements | None) -> Mapping[Name, str]:
    """What the baseline said of each item that the judge has wrong now, in the order of what changed."""
    if baseline is None:
        return {}
    return {
        name_of(change.candidate): said_by(change.baseline, change.criterion)
        for group in changes(judgements, baseline)
        for change in group.changes
        if change.move == "worse"
    }


def _ordered(
    waiting: Sequence[Judgement], flips: Mapping[Name, str], baseline: str, *, seed: int, sample: bool
) -> list[tuple[Judgement, str, str]]:
    """The replies with why they are to be reviewed, and what the baseline said."""
    drawn = sorted(waiting, key=lambda judgement: _lot(judgement, seed))
    if sample:
        return [(each, DRAWN, "") for each in drawn]
    by_name = {name_of(each): each for each in waiting}
    why = f"right to wrong since {baseline}"
    found = [(by_name[name], why, before) for name, before in flips.items() if name in by_name]
    rest = [each for each in drawn if name_of(each) not in flips]
    found += [(each, DISAGREES, "") for each in rest if _disagrees(each)]
    return found + [(each, DRAWN, "") for each in rest if not _disagrees(each)]


def _disagrees(judgement: Judgement) -> bool:
    return judgement.problem is None and agrees(judgement) is False


def _lot(judgement: Judgement, seed: int) -> bytes:
    return hashlib.sha256(f"{seed} {judgement.item.id}".encode("utf-8", "surrogatepass")).digest()


def _next(run: Run, judgement: Judgement, why: str, before: str) -> Next:
    question = run.question(judgement.item, repeat=judgement.repeat)
    return Next(judgement=judgement, question=question, why=why, before=before)


def _lines(reviews: Reviews) -> dict[str, Any]:
    """Where the file's lines stand that are not used, and how many are not filled in."""
    unmatched = [
        placed.where
        for placed in reviews.lines
        if not placed.line.is_open and placed.where not in reviews.stale | reviews.used
    ]
    stale = [placed.where for placed in reviews.lines if placed.where in reviews.stale]
    return {"stale": stale, "unmatched": unmatched, "open": len(reviews.open)}


def write(following: Sequence[Next], path: Path) -> int:
    """Add an empty line for each to a file, which is made if need be; gives back how many were added.

    Replies that the file has a line of already are passed over. Raise BenchmarkError if it can't be read or
    written.
    """
    there = _replies(path) if path.exists() else set()
    made = (each.line() for each in following)
    lines = [line for line in made if (line["item"], line["reply"]) not in there]
    if not lines:
        return 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_bytes() if path.exists() else b""
        end = b"\n" if before and not before.endswith(b"\n") else b""
        disk.replace(path, before + end + b"".join(_encoded(line) for line in lines))
    except OSError as error:
        hint = "Make its folder writable and see that the disk has room."
        raise BenchmarkError(shown(path), f"can't be written ({error.strerror})", hint) from error
    return len(lines)


def _replies(path: Path) -> set[tuple[Any, Any]]:
    return {(line.data.get("item"), line.data.get("reply")) for line in _sound(path)}


def _sound(path: Path) -> Iterator[Record]:
    return (record for record in records(path) if isinstance(record, Record))


def _encoded(line: Mapping[str, Any]) -> bytes:
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace") + b"\n"
