"""A report as Markdown: the answer first, then what it rests on, then everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from pytest_mllm_judge.benchmarks.images import is_address
from pytest_mllm_judge.claims.show import show, show_figure
from pytest_mllm_judge.metrics.changed_where import OF_ITEMS
from pytest_mllm_judge.reports import saying
from pytest_mllm_judge.reports.changed import ASK_TWICE, kinds, name_of, not_asked
from pytest_mllm_judge.reports.document import (
    Candidates,
    Changed,
    Claim,
    Comparison,
    Figure,
    Flip,
    JudgeOf,
    Report,
    Row,
    Said,
    Table,
    Upgrade,
)
from pytest_mllm_judge.reports.escaping import block, cell, inline, picture, point

Place = Callable[[str], str]
"""From an image's path below the project's folder to its path from where the report stands."""
_MOVES = ("worse", "better", "other")
_FIRST_CELL = {
    "source": "source",
    "human slot": "answer that humans prefer",
    "human length": "answer that humans prefer",
    "characters": "characters of the response",
    "verdict": "verdict before and now",
    "slot": "answer preferred now",
    "length": "answer preferred now",
}
_CUTS = (1000, 300, 100, 30, 10, 3, 0)


def markdown(report: Report, *, place: Place = str, most: int | None = None) -> str:
    """The report as one text; of each kind of flip, and of rows by verdict, at most `most` are shown."""
    lines: list[str] = []
    for upgrade in report.upgrades:
        lines += _upgrade(upgrade, most)
    for several in report.candidates:
        lines += _candidates(several)
    for judge in report.judges:
        lines += _judge(judge)
    if report.claims:
        lines += _claims(report.claims)
    for upgrade in report.upgrades:
        lines += _every_change(upgrade, place, most)
    return "\n".join(lines) + "\n"


def cut_to(report: Report, *, room: int, place: Place = str) -> str:
    """The report in at most so many bytes of UTF-8: the long lists are cut, and last the end, with a word."""
    text = markdown(report, place=place)
    for most in _CUTS:
        if len(text.encode()) <= room:
            return text
        text = markdown(report, place=place, most=most)
    told = "\n\nThe rest of this report is cut: there is no more room here. --judge-report=run.md has all.\n"
    if len(text.encode()) <= room:
        return text
    head = text.encode()[: max(0, room - len(told.encode()))].decode(errors="ignore")
    return (head.rpartition("\n")[0] + told) if room >= len(told.encode()) else ""


def _upgrade(upgrade: Upgrade, most: int | None) -> Iterator[str]:
    new, old = inline(upgrade.judge), inline(upgrade.baseline)
    yield from (f"# May {new} replace {old} on {inline(upgrade.benchmark)}?", "")
    yield from (f"**{upgrade.answer.capitalize()}.** {inline(upgrade.reason)}", "")
    yield from _bullets([*upgrade.notes, *not_asked(upgrade)])
    if upgrade.comparisons:
        yield from ("## What decides", "", *_comparisons(upgrade.comparisons))
    flagged = [one for one in upgrade.slices if one.regressed]
    if upgrade.slices:
        told = f"{len(flagged)} of {len(upgrade.slices)} regressed" if flagged else "none regressed"
        yield from ("## Slices", "", f"{len(upgrade.slices)} looked at, {told}. They decide nothing.", "")
    if flagged:
        yield from _comparisons(flagged)
    if upgrade.properties:
        yield from ("## Properties", "", "Measured besides; they decide nothing.", "")
        yield from _comparisons(upgrade.properties)
    if upgrade.downstream_lines:
        yield from ("## Would conclusions change?", "", *_bullets(upgrade.downstream_lines))
    if upgrade.changed:
        yield from ("## What changed", "")
    for part in upgrade.changed:
        yield from (f"### {inline(name_of(part))}", "", _counts(part), "")
        for table in part.tables:
            yield from _where(table, part.task, most)


def _comparisons(some: Sequence[Comparison]) -> Iterator[str]:
    heading = ("comparison", "outcome", "candidate", "baseline", "difference", "margin", "n", "regressed")
    yield from _table(heading, (_comparison(one) for one in some))


def _comparison(one: Comparison) -> tuple[str, ...]:
    p = "p < 0.001" if one.p_holm < 0.001 else f"p {one.p_holm:.3f}"
    return (
        one.name,
        one.outcome or "-",
        show(one.candidate.value),
        show(one.baseline.value),
        figure(one.difference),
        saying.margin(one),
        str(one.difference.n),
        f"yes ({p})" if one.regressed else "no",
    )


def figure(one: Figure) -> str:
    """`0.812 (0.783 to 0.838)`, or why there is no interval."""
    return show_figure(one.value, one.low, one.high, reason=one.reason)


def _every_change(upgrade: Upgrade, place: Place, most: int | None) -> Iterator[str]:
    if any(part.flips for part in upgrade.changed):
        new, old = inline(upgrade.judge), inline(upgrade.baseline)
        yield from (f"# Every change from {old} to {new} on {inline(upgrade.benchmark)}", "")
    for part in upgrade.changed:
        for move, kind in zip(_MOVES, kinds(part.task), strict=True):
            flips = [flip for flip in part.flips if flip.move == move]
            if flips:
                yield from (f"## {inline(name_of(part))}: {kind} ({len(flips)})", "")
            for flip in flips[:most]:
                yield from _flip(flip, upgrade, place)
            yield from _left_out(flips, most)


def _counts(part: Changed) -> str:
    worse, better, other = kinds(part.task)
    what = "rankings" if part.task == "batch" else "items"
    told = (
        f"Of {part.compared} {what} {part.worse} went {worse}, {part.better} {better}, {part.other} {other}."
    )
    if part.worse + part.better:
        noise = (
            f"Whether that is noise is not known: {ASK_TWICE}."
            if part.noise is None
            else (f"{part.noise} of these flips are noise: asking the same judge again also produces them.")
        )
        told += f" {noise}"
    if part.unpaired:
        told += f" {part.unpaired} items that only one of both was asked about are left out."
    return told


def _where(table: Table, task: str, most: int | None) -> Iterator[str]:
    most = most if table.about == "verdict" else None
    columns = ("before", "now") if table.moves else ("items",)
    fares = ("fares",) if table.about in OF_ITEMS else ()
    yield from _table(
        (_FIRST_CELL[table.about], *columns, *kinds(task), *fares),
        (_row(row, moves=table.moves, fares=bool(fares)) for row in table.rows[:most]),
    )
    yield from _left_out(table.rows, most)


def _row(row: Row, *, moves: bool, fares: bool) -> tuple[str, ...]:
    counts = (*((row.before,) if moves else ()), row.now, row.worse, row.better, row.other)
    return (row.value, *map(str, counts), *((row.fares,) if fares else ()))


def _left_out(things: Sequence[object], most: int | None) -> Iterator[str]:
    if most is not None and len(things) > most:
        told = (
            f"{len(things) - most} more are left out: there is no room here. --judge-report=run.md has all."
        )
        yield from (told, "")


def _flip(flip: Flip, upgrade: Upgrade, place: Place) -> Iterator[str]:
    labels = " or ".join(dict.fromkeys(map(str, flip.labels)))
    source = f" ({inline(flip.source)})" if flip.source is not None else ""
    was, now = inline(flip.baseline.verdict), inline(flip.candidate.verdict)
    told = f"<b>{inline(flip.item)}</b>{source}: {was} → {now}, humans {inline(labels)}{_move(flip)}"
    yield from (f"<details><summary>{told}</summary>", "")
    for image in flip.images:
        yield from (picture(image if is_address(image) else place(image), name=flip.item), "")
    labels = ", ".join(map(str, flip.labels))
    yield from (
        f"humans: {inline(labels)}{' · ' + inline(' · '.join(flip.images)) if flip.images else ''}",
        "",
    )
    yield from _said(upgrade.baseline, flip.baseline)
    yield from _said(upgrade.judge, flip.candidate)
    yield from ("</details>", "")


def _move(flip: Flip) -> str:
    """How far it moved, and whether that is noise."""
    told = ""
    if flip.points is not None:
        told += f", {flip.points:+g} points"
    if flip.distances is not None:
        told += ", distance {} → {}".format(*map(show, flip.distances))
    return told + {True: ", noise", False: ", not noise", None: ""}[flip.noise]


def _said(judge: str, said: Said) -> Iterator[str]:
    why = f" ({cell(said.reason)})" if said.reason else ""
    yield from (f"{inline(judge)} said {inline(said.verdict)}{why}", "")
    if said.analysis:
        yield from (*block(said.analysis), "")


def _candidates(several: Candidates) -> Iterator[str]:
    yield from (f"# Several judges on {inline(several.benchmark)}", "", f"{inline(several.legend)}", "")
    for sheet in several.sheets:
        yield from (f"## {inline(sheet.title)}", "")
        yield from _table(sheet.heading, sheet.rows)
        yield from _bullets(sheet.notes)


def _judge(judge: JudgeOf) -> Iterator[str]:
    yield from (f"# Judge {inline(judge.judge)} on {inline(judge.benchmark)}", "")
    rows = [
        (
            each.task,
            str(each.items),
            str(each.verdicts),
            str(each.problems),
            _agreement(one.check, one.criterion, one.figure),
        )
        for each in judge.tasks
        for one in each.agreement
    ]
    if rows:
        yield from _table(("task", "items", "verdicts", "problems", "agreement with humans"), rows)
    if judge.probes:
        yield from _table(("probed", "seen"), ((one.check, one.line) for one in judge.probes))
    if judge.gates:
        yield from _table(("gate", "outcome", "seen"), ((g.name, g.outcome, g.line) for g in judge.gates))
    if judge.problems:
        heading = ("problem", "questions", "reason")
        yield from _table(heading, ((r.problem, str(r.count), r.reason) for r in judge.reasons))
    yield from _bullets([*_settings(judge), *_spent(judge), *judge.notes])


def _agreement(check: str, criterion: str | None, one: Figure) -> str:
    return f"{check}{' ' + criterion if criterion else ''} {figure(one)}"


def _settings(judge: JudgeOf) -> Iterator[str]:
    answered = ", ".join(f"{model} ({count})" for model, count in judge.answered_by.items())
    if judge.model:
        yield f"model asked for: {judge.model}"
    if answered:
        yield f"answered by: {answered}"
    for name in ("prompt", "prompt_digest", "parser"):
        if said := judge.identity.get(name):
            yield f"{name.replace('_', ' ')}: {said}"
    settings = judge.identity.get("settings")
    if isinstance(settings, dict) and settings:
        yield "settings: " + ", ".join(f"{name} = {value}" for name, value in sorted(settings.items()))


def _spent(judge: JudgeOf) -> Iterator[str]:
    spent = judge.spent
    told = [f"{spent.questions:,} questions"]
    if spent.input_tokens is not None and spent.output_tokens is not None:
        told.append(f"{spent.input_tokens:,} input and {spent.output_tokens:,} output tokens")
    if spent.cost is not None:
        unpriced = f" ({spent.unpriced} replies without a price)" if spent.unpriced else ""
        told.append(f"cost {spent.cost:,.4f}{unpriced}")
    yield ", ".join(told)


def _claims(claims: Sequence[Claim]) -> Iterator[str]:
    yield from ("# Claims of tests", "")
    for claim in claims:
        yield from (f"<details><summary>{inline(claim.test)}: {claim.outcome}</summary>", "")
        yield from (*block(claim.text), "", "</details>", "")


def _table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(map(cell, heading))} |"
    yield "|" + "---|" * len(heading)
    for row in rows:
        yield f"| {' | '.join(map(cell, row))} |"
    yield ""


def _bullets(lines: Sequence[str]) -> Iterator[str]:
    if lines:
        yield from (*(f"- {point(line)}" for line in lines), "")
