"""What asking would come to, before anything is asked: questions, tokens, cost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil
from pathlib import Path

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Item, Picture, Question, Reply, Text, Usage
from pytest_mllm_judge.probes.probing import AGAIN, Ask
from pytest_mllm_judge.recording.answers import read_chat
from pytest_mllm_judge.recording.contents import read
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.runs.session import Session

ITEMS, REPEAT = "items", "repeat"
"""What asks about the items as they are, once and again."""
LETTERS_A_TOKEN = 4
TOKENS_A_PICTURE = 1000
TOKENS_A_REPLY = 200
"""What is assumed of a task of which nothing is recorded; providers count in ways of their own."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """The mean tokens, in and out, of some recorded replies."""

    replies: int
    input_tokens: float
    output_tokens: float


@dataclass
class Row:
    """What a probe asks: questions, and those that are not recorded: their tokens and what they would cost.

    `cost` is None where the judge has no prices.
    """

    name: str
    questions: int = 0
    unrecorded: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = 0.0

    def add(self, usage: Usage, cost: float | None) -> None:
        """One more question that is not recorded."""
        self.unrecorded += 1
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.cost = None if cost is None or self.cost is None else self.cost + cost


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What some items would be asked: a row for the items as they are and one for each probe.

    `known` says what the tokens of each task are estimated from.
    """

    judge: str
    benchmark: str
    rows: tuple[Row, ...]
    known: dict[str, Spent | None]
    unpriced: str

    @cached_property
    def together(self) -> Row:
        """All rows as one."""
        costs = [row.cost for row in self.rows]
        return Row(
            "together",
            sum(row.questions for row in self.rows),
            sum(row.unrecorded for row in self.rows),
            sum(row.input_tokens for row in self.rows),
            sum(row.output_tokens for row in self.rows),
            None if None in costs else sum(cost for cost in costs if cost is not None),
        )


def forecast(run: Run, items: Sequence[Item], *, repeats: int | None = None, probed: bool = True) -> Forecast:
    """What asking these items would come to: each so often (by default as declared), and its variants."""
    known = _spent(run)
    names = (ITEMS, REPEAT, *(asked.probe.name for asked in run.probing.asked), AGAIN)
    rows = {name: Row(name, cost=None if run.judge.unpriced() else 0.0) for name in names}
    for item in items:
        for ask in _asks(run, item, run.probing.repeat if repeats is None else repeats, probed=probed):
            row = rows[ask.probe]
            row.questions += 1
            question = run.question(item, variant=ask.variant, repeat=ask.repeat)
            if not _is_recorded(run, question):
                usage = _usage(question, known)
                row.add(usage, run.judge.cost(Reply(usage=usage)))
    tasks = {item.task for item in items}
    return Forecast(
        judge=run.judge.name,
        benchmark=run.benchmark.name,
        rows=tuple(row for row in rows.values() if row.questions),
        known={task: known.get(task) for task in sorted(tasks)},
        unpriced=run.judge.unpriced(),
    )


def merged(found: Iterable[Forecast]) -> list[Forecast]:
    """One forecast for each judge and benchmark; of rows that several have, the one that asks the most."""
    each: dict[tuple[str, str], Forecast] = {}
    for one in found:
        other = each.get((one.judge, one.benchmark), one)
        rows = {row.name: row for row in other.rows}
        for row in one.rows:
            rows[row.name] = max(rows.get(row.name, row), row, key=lambda some: some.questions)
        known = {**one.known, **other.known}
        each[one.judge, one.benchmark] = replace(other, rows=tuple(rows.values()), known=known)
    return list(each.values())


def fitting(run: Run, items: Sequence[Item], budget: float) -> int | None:
    """The most `items` that every probe may ask of each task within a budget, 0 if none; None if unpriced.

    What is recorded costs nothing any more.
    """
    by_task: dict[str, list[float]] = {}
    known = _spent(run)
    for item in items:
        costs = [
            run.judge.cost(Reply(usage=_usage(question, known)))
            for ask in run.probing.asks(item, run.probing.repeat)
            if not _is_recorded(run, question := run.question(item, variant=ask.variant, repeat=ask.repeat))
        ]
        if None in costs:
            return None
        by_task.setdefault(item.task, []).append(sum(cost for cost in costs if cost is not None))
    means = {task: (sum(costs) / len(costs), len(costs)) for task, costs in by_task.items()}
    most = max((count for _, count in means.values()), default=0)
    for chosen in range(most, 0, -1):
        if sum(mean * min(chosen, count) for mean, count in means.values()) <= budget:
            return chosen
    return 0


def answer(judge: str, folder: Path, *, root: Path, budget: float | None) -> Iterator[str]:
    """What asking a judge about a whole benchmark would come to, and what of it fits a budget, in lines.

    Asks nobody. Raise SettingsError for an unknown judge, BenchmarkError for a benchmark that can't be read.
    """
    if budget is not None and not budget > 0:
        raise SettingsError(f"--budget is {budget:g}; it takes a number above 0")
    session = Session(root=root)
    try:
        run = session.run(judge, folder)
        found = forecast(run, run.items)
        yield from lines(found)
        if budget is not None:
            yield from _fitting_lines(run, budget)
    finally:
        session.close()


def _fitting_lines(run: Run, budget: float) -> Iterator[str]:
    most = None if run.judge.unpriced() else fitting(run, run.items, budget)
    if most is None:
        yield f"  no budget can be kept: {run.judge.unpriced()}"
    elif not run.probing.asked:
        yield "  [probes] asks nothing, so there is nothing to fit into a budget"
    elif most == 0:
        yield f"  within {budget:,.2f} no probe can be asked of one item of each task"
    else:
        yield f"  within {budget:,.2f} beside the items as they are: items = {most} for each probe"


def _asks(run: Run, item: Item, repeats: int, *, probed: bool) -> Iterator[Ask]:
    yield Ask(ITEMS, "", 0)
    for repeat in range(1, repeats):
        yield Ask(REPEAT, "", repeat)
    if probed:
        yield from run.probing.asks(item, repeats)


def _is_recorded(run: Run, question: Question) -> bool:
    return run.recorder is not None and run.recorder.has(question)


def _usage(question: Question, known: dict[str, Spent]) -> Usage:
    spent = known.get(question.item.task)
    sent, given = _of_size(question) if spent is None else (spent.input_tokens, spent.output_tokens)
    return Usage(input_tokens=ceil(sent), output_tokens=ceil(given))


def _of_size(question: Question) -> tuple[float, float]:
    parts = [part for message in question.messages for part in message.parts]
    letters = sum(len(part.text) for part in parts if isinstance(part, Text))
    pictures = sum(isinstance(part, Picture) for part in parts)
    return letters / LETTERS_A_TOKEN + pictures * TOKENS_A_PICTURE, TOKENS_A_REPLY


def _spent(run: Run) -> dict[str, Spent]:
    """What replies of each task took, as far as the cassette knows their usage."""
    recorder = run.recorder
    if recorder is None or not recorder.exists:
        return {}
    tasks = {item.id: item.task for item in (*run.benchmark.items, *run.benchmark.skipped)}
    usages: dict[str, list[Usage]] = {}
    for exchange in read(recorder.path).exchanges:
        reply = read_chat(exchange.reply, asked=exchange.model)
        if reply is not None and reply.usage is not None and exchange.item in tasks:
            usages.setdefault(tasks[exchange.item], []).append(reply.usage)
    return {task: _mean(some) for task, some in usages.items()}


def _mean(usages: Sequence[Usage]) -> Spent:
    count = len(usages)
    return Spent(
        replies=count,
        input_tokens=sum(usage.input_tokens for usage in usages) / count,
        output_tokens=sum(usage.output_tokens for usage in usages) / count,
    )


def lines(found: Forecast) -> Iterator[str]:
    """A title, a table, and what the cost is estimated from."""
    yield f"mllm-judge: {found.judge} on {found.benchmark}: {_asked(found.together)}"
    head = ("", "questions", "to ask", "tokens in", "out", "cost")
    table = [head, *map(_cells, (*found.rows, found.together))]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for name, *numbers in table:
        cells = (number.rjust(width) for number, width in zip(numbers, widths[1:], strict=True))
        yield "  ".join(["  " + name.ljust(widths[0]), *cells]).rstrip()
    yield "  estimated from " + "; ".join(_basis(found.known))
    if found.unpriced:
        yield f"  cost unknown: {found.unpriced}"


def _asked(row: Row) -> str:
    recorded = row.questions - row.unrecorded
    return f"{row.questions:,} questions, {recorded:,} of them recorded"


def _cells(row: Row) -> tuple[str, ...]:
    counts = (row.questions, row.unrecorded, row.input_tokens, row.output_tokens)
    return row.name, *(f"{count:,}" for count in counts), "" if row.cost is None else f"{row.cost:,.2f}"


def _basis(known: dict[str, Spent | None]) -> Iterable[str]:
    replies = [f"{spent.replies:,} {task}" for task, spent in known.items() if spent is not None]
    if replies:
        yield f"the tokens of recorded replies ({', '.join(replies)})"
    guessed = [task for task, spent in known.items() if spent is None]
    if guessed:
        yield (
            f"sizes ({', '.join(guessed)}): {LETTERS_A_TOKEN} letters a token, {TOKENS_A_PICTURE:,} tokens a "
            f"picture, {TOKENS_A_REPLY} a reply"
        )
