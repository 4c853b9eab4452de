"""What changed from the baseline to the candidate, read from a run record, and told in few lines."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pytest_mllm_judge.benchmarks.images import is_address
from pytest_mllm_judge.claims.show import show, show_figure
from pytest_mllm_judge.metrics.changed_where import ALIKE, NEITHER, NO_MAJORITY, NOT_KNOWN, About
from pytest_mllm_judge.metrics.changes import Changes, changes
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.reports.document import Changed, Comparison, Flip, Row, Said, Table, Upgrade
from pytest_mllm_judge.runs.record import Plain, RunRecord, judgements_of, key_of

ASK_TWICE = "ask each item twice to tell noise: [probes] repeat = 2"
_FIRST = 2
_KINDS = {
    "score": ("right to wrong", "wrong to right", "wrong to another wrong"),
    "pair": ("right to wrong", "wrong to right", "wrong to another wrong"),
    "batch": ("farther from the humans", "nearer", "as far"),
}
_ABOUT: Mapping[str, tuple[About, ...]] = {
    "by source": ("source",),
    "by slot": ("human slot",),
    "by length": ("human length", "characters"),
}


def kinds(task: str) -> tuple[str, str, str]:
    """What worse, better and other are called in a task."""
    return _KINDS[task]


def of_run(entries: Mapping[str, Plain], run: Plain) -> list[Plain]:
    """The cases or gates of one judge on one benchmark."""
    wanted = run["judge"], run["benchmark"]
    return [entry for entry in entries.values() if (entry["judge"], entry["benchmark"]) == wanted]


def judged_by(record: RunRecord, judge: str, folder: str) -> list[Plain]:
    """The judged cases of a judge on a benchmark, in order of item, variant and repeat."""
    return [
        case
        for _, case in sorted(record.judged.items())
        if case["judge"] == judge and case["benchmark"] == folder
    ]


class Both(NamedTuple):
    """What two judges said, without the questions that one of them was `not_asked`, of `questions`."""

    candidate: Judgements
    baseline: Judgements
    not_asked: int
    questions: int


def both_judged(record: RunRecord, judge: str, baseline: str, folder: str) -> Both:
    """What is evidence for both judges: a question that a run did not ask of either is none."""
    runs = {run["judge"]: run for run in record.runs.values() if run["benchmark"] == folder}
    ours, theirs = (judged_by(record, name, folder) for name in (judge, baseline))
    unasked = [case for case in (*ours, *theirs) if not was_asked(case, runs[case["judge"]])]
    gone = {key_of(case)[2:] for case in unasked}
    facts = record.benchmarks[folder]
    mine, others = (
        judgements_of(
            [case for case in cases if key_of(case)[2:] not in gone],
            facts,
            population="fixed" if facts["fixed"] else "sampled",
        )
        for cases in (ours, theirs)
    )
    return Both(mine, others, len(unasked), len(ours) + len(theirs))


def was_asked(case: Plain, run: Plain) -> bool:
    """Whether the judge had its say. What a log lacks is its problem; what a run did not ask is not."""
    return case["problem"] != "not_asked" or run["cassette"] is None


def changed(record: RunRecord, both: Both, folder: str) -> tuple[Changed, ...]:
    """What changed in each task; empty where the baseline's own judgements are not in the record."""
    if not len(both.baseline):
        return ()
    cases = [case for case in record.judged.values() if case["benchmark"] == folder]
    lengths = {case["item"]: case["lengths"] for case in cases}
    folders = {case["item"]: case["folder"] for case in cases}
    found = changes(both.candidate, both.baseline, lengths=lambda item: lengths[item.id])
    return tuple(_changed(each, folders) for each in found)


def _changed(one: Changes, folders: Mapping[str, str]) -> Changed:
    return Changed(
        task=one.task,
        criterion=one.criterion,
        compared=one.compared,
        unpaired=one.unpaired,
        worse=one.count("worse"),
        better=one.count("better"),
        other=one.count("other"),
        noise=one.noise,
        tables=tuple(Table.model_validate(table.plain()) for table in one.tables),
        flips=tuple(_flips(one, folders)),
    )


def _flips(one: Changes, folders: Mapping[str, str]) -> Iterator[Flip]:
    for change in one.changes:
        before, now = change.said
        yield Flip(
            item=change.item.id,
            source=change.item.source,
            move=change.move,
            noise=change.noise,
            images=tuple(_place(image, folders[change.item.id]) for image in change.item.images),
            labels=change.labels,
            baseline=Said(verdict=before, analysis=change.baseline.reply, reason=change.baseline.reason),
            candidate=Said(verdict=now, analysis=change.candidate.reply, reason=change.candidate.reason),
            points=change.points,
            distances=change.distances,
        )


def _place(image: str, folder: str) -> str:
    """An image's path from the project's folder, or its address."""
    return image if is_address(image) else posixpath.normpath(posixpath.join(folder, image))


def lines(upgrade: Upgrade) -> list[str]:
    """An upgrade's own lines for the terminal, at most ten.

    What was not asked, what flipped, where it fares otherwise, what regressed, which conclusions change, and
    the properties.
    """
    everything = (*upgrade.comparisons, *upgrade.slices, *upgrade.properties)
    return [
        *not_asked(upgrade),
        *_flipped(upgrade),
        *_where(upgrade.changed),
        *_listed("regressed", [_regressed(one) for one in everything if one.regressed], most=5),
        *_listed("change places for certain", upgrade.reversals, most=3),
        *_listed("properties", [_property(one) for one in upgrade.properties], most=6),
    ]


def not_asked(upgrade: Upgrade) -> list[str]:
    """How many questions were not asked, in a line; none if all were."""
    left = "left out of what changed, with the other judge's answer to them"
    return [f"not asked: {upgrade.not_asked} questions, {left}"] if upgrade.not_asked else []


def _listed(title: str, words: Sequence[str], *, most: int, rest: str = "more") -> Iterator[str]:
    """One line with the first of them, and how many more there are; none without any."""
    if words:
        more = [f"{len(words) - most} {rest}"] if len(words) > most else []
        yield f"{title}: " + " · ".join([*words[:most], *more])


def _flipped(upgrade: Upgrade) -> Iterator[str]:
    parts = upgrade.changed
    if not parts:
        return
    yield "changed: " + "; ".join(map(_count, parts))
    if any(part.worse + part.better for part in parts):
        known = [part.noise for part in parts if part.noise is not None and part.worse + part.better]
        noise = f"{sum(known)} of these flips also by asking again" if known else f"not known; {ASK_TWICE}"
        yield f"noise: {noise}"
    worse = [(part, flip) for part in parts for flip in part.flips if flip.move == "worse"]
    worse.sort(key=lambda one: one[1].noise is True)
    yield from _listed("first", [_flip(*one) for one in worse], most=_FIRST, rest="more in the report")


def name_of(part: Changed) -> str:
    """The task, and its criterion."""
    return f"{part.task} {part.criterion}" if part.criterion else part.task


def _count(part: Changed) -> str:
    worse, better, _ = kinds(part.task)
    return f"{name_of(part)} {part.worse} {worse}, {part.better} {better} (of {part.compared})"


def _flip(part: Changed, flip: Flip) -> str:
    criterion = f" {part.criterion}" if part.criterion else ""
    expected = " or ".join(dict.fromkeys(map(str, flip.labels)))
    was, now = flip.baseline.verdict, flip.candidate.verdict
    return f"{flip.item}{criterion} {now}, was {was}, expected {expected}"


def _where(parts: Sequence[Changed]) -> Iterator[str]:
    """One line each for source, slot and length, where the items of a row fare otherwise than the rest."""
    for title, abouts in _ABOUT.items():
        found = [
            _row(part, table.about, row)
            for part in parts
            for table in part.tables
            if table.about in abouts
            for row in table.rows
            if row.fares
        ]
        yield from _listed(title, found, most=3)


def _row(part: Changed, about: About, row: Row) -> str:
    worse, better, _ = kinds(part.task)
    flips = f"{row.worse} {worse}, {row.better} {better}, of {row.now}"
    return f"{_whose(part, about, row.value)} {row.fares} ({flips})"


def _whose(part: Changed, about: About, value: str) -> str:
    """Whose items a row holds, as the subject of a sentence, and its verb."""
    name = name_of(part)
    if about == "source":
        return f"{name} {value} fares"
    if about == "characters":
        size = "without text" if value == NOT_KNOWN else f"of {value} characters"
        return f"{name} responses {size} fare"
    told = {
        NEITHER: "of which humans prefer neither answer",
        NO_MAJORITY: "without a majority of humans",
        ALIKE: "with answers alike or not known in length",
    }
    return f"{name}s {told.get(value, f'whose {value} answer humans prefer')} fare"


def _regressed(one: Comparison) -> str:
    difference = one.difference
    p = "p < 0.001" if one.p_holm < 0.001 else f"p {one.p_holm:.3f}"
    return f"{one.name} {show_figure(difference.value, difference.low, difference.high, more=f'; {p}')}"


def _property(one: Comparison) -> str:
    told = f"{one.name} {show(one.candidate.value)} (was {show(one.baseline.value)})"
    if one.margin is None or one.outcome in (None, "holds"):
        return told
    return f"{told}, {one.outcome} at {one.margin:g}"
