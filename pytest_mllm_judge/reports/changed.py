"""What changed from the baseline to the candidate, read from a run record, and told in few lines."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from pytest_mllm_judge.benchmarks.images import is_address
from pytest_mllm_judge.claims.show import show, show_range
from pytest_mllm_judge.metrics.changes import Changes, changes
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.reports.document import Changed, Comparison, Flip, Row, Said, Table, Upgrade
from pytest_mllm_judge.runs.record import Plain, RunRecord, judgements_of

ASK_TWICE = "ask each item twice to tell noise: [probes] repeat = 2"
_FIRST = 2
_KINDS = {
    "score": ("right to wrong", "wrong to right", "wrong to another wrong"),
    "pair": ("right to wrong", "wrong to right", "wrong to another wrong"),
    "batch": ("farther from the humans", "nearer", "as far"),
}
_ABOUT = {"source": "by source", "slot": "by slot preferred", "length": "by length"}


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


def judgements_by(record: RunRecord, judge: str, folder: str) -> Judgements:
    """The same as judgements."""
    facts = record.benchmarks[folder]
    cases = judged_by(record, judge, folder)
    return judgements_of(cases, facts, population="fixed" if facts["fixed"] else "sampled")


def changed(record: RunRecord, *, judge: str, baseline: str, folder: str) -> tuple[Changed, ...]:
    """What changed in each task; empty where the baseline's own judgements are not in the record."""
    if not judged_by(record, baseline, folder):
        return ()
    cases = [case for case in record.judged.values() if case["benchmark"] == folder]
    lengths = {case["item"]: case["lengths"] for case in cases}
    folders = {case["item"]: case["folder"] for case in cases}
    found = changes(
        judgements_by(record, judge, folder),
        judgements_by(record, baseline, folder),
        lengths=lambda item: lengths[item.id],
    )
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
    """An upgrade's own lines for the terminal, at most nine.

    What flipped, where it fares otherwise, what regressed, which conclusions change, and the properties.
    """
    everything = (*upgrade.comparisons, *upgrade.slices, *upgrade.properties)
    return [
        *_flipped(upgrade),
        *_where(upgrade.changed),
        *_listed("regressed", [_regressed(one) for one in everything if one.regressed], most=5),
        *_listed("change places for certain", upgrade.reversals, most=3),
        *_listed("properties", [_property(one) for one in upgrade.properties], most=6),
    ]


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
    """One line each for source, slot and length, where a row fares otherwise than the rest."""
    for about, title in _ABOUT.items():
        found = [
            _row(part, row)
            for part in parts
            for table in part.tables
            if table.about == about
            for row in table.rows
            if row.fares
        ]
        yield from _listed(title, found, most=3)


def _row(part: Changed, row: Row) -> str:
    worse, better, _ = kinds(part.task)
    flips = f"{row.worse} {worse}, {row.better} {better}, of {row.now}"
    return f"{name_of(part)} {row.value} fares {row.fares} ({flips})"


def _regressed(one: Comparison) -> str:
    difference = one.difference
    p = "p < 0.001" if one.p_holm < 0.001 else f"p {one.p_holm:.3f}"
    return f"{one.name} {show(difference.value)} ({show_range(difference.low, difference.high)}; {p})"


def _property(one: Comparison) -> str:
    return f"{one.name} {show(one.candidate.value)} (was {show(one.baseline.value)})"
