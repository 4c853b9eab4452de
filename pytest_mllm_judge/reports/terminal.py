"""The terminal summary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.claims.show import show, show_figure
from pytest_mllm_judge.metrics.standings import main_checks
from pytest_mllm_judge.metrics.upgrade import MAIN
from pytest_mllm_judge.model import PROBLEMS, Judgements, Task
from pytest_mllm_judge.model.snapshots import answers_for
from pytest_mllm_judge.reports import probed
from pytest_mllm_judge.reports.candidates import candidates
from pytest_mllm_judge.reports.changed import judged_by, of_run
from pytest_mllm_judge.reports.changed import lines as lines_of
from pytest_mllm_judge.reports.oddities import nearly_constant, no_picture_seen
from pytest_mllm_judge.reports.portable import portable
from pytest_mllm_judge.reports.upgrading import upgrades_of
from pytest_mllm_judge.runs.record import Plain, RunRecord, judgements_of

_ASKED = re.compile(r"^judge '[^']*', item '[^']*': ")
_OUTCOMES = {"holds": "held", "fails": "failed", "undecided": "undecided"}


def lines(record: RunRecord) -> Iterator[tuple[str, list[str]]]:
    """A title and its lines for each judge on each benchmark, then of several judges on one benchmark.

    Sorted, so that no spread of tests shows.
    """
    for place, (_, run) in enumerate(sorted(record.runs.items())):
        facts = record.benchmarks[run["benchmark"]]
        cases = of_run(record.cases, run)
        decided = of_run(record.gates, run)
        gates = [gate for gate in decided if "baseline" not in gate]
        gates.sort(key=lambda gate: facts["gates"].index(gate["name"]))
        upgrade = sorted((gate for gate in decided if "baseline" in gate), key=lambda gate: str(gate["name"]))
        asked = judged_by(record, run["judge"], run["benchmark"])
        probes = list(probed.lines(asked, facts))
        if cases or decided or (probes and run["under_test"]):
            told = _upgrades(record, place) if upgrade else []
            table = _table(cases, facts) if cases else ()
            more = [*no_picture_seen(asked), *_further_problems(asked), *probes]
            body = [*table, *more, *_decided(run, facts, gates, upgrade), *told, *_costs(run, asked)]
            yield f"judge {run['judge']} on {facts['name']}", body
    for several in candidates(record):
        yield f"several judges on {several.benchmark}", list(several.lines())


def _upgrades(record: RunRecord, place: int) -> list[str]:
    """The lines of the upgrades of the run at this place, made as for a report: once for both."""
    same = portable(record)
    return [line for one in upgrades_of(same, list(same.runs.values())[place]) for line in lines_of(one)]


def _decided(run: Plain, facts: Plain, gates: Sequence[Plain], upgrade: Sequence[Plain]) -> Iterator[str]:
    yield from _gates("gates", gates)
    if upgrade:
        yield from _gates(f"not worse than {upgrade[0]['baseline']}", upgrade)
        yield from _approval(upgrade[0].get("approval"))
    if run.get("unchosen"):
        yield run["unchosen"]
    yield from run_notes(run, facts)


def run_notes(run: Plain, facts: Plain) -> Iterator[str]:
    """What a run left out, in lines."""
    if run["limit"] is not None:
        yield f"limit: {run['limit']} of {facts['items']} items, so no gate speaks for the whole benchmark"
    if facts["skipped"]:
        yield f"skipped: {facts['skipped']} item(s) that the benchmark says to leave out"
    if facts["left_out"]:
        first = facts["warnings"][0]
        yield f"left out: {facts['left_out']} bad line(s) (strict = false), the first at {first}"
    if stale := run.get("stale_reviews"):
        yield f"reviews: {len(stale)} left out, their replies have changed since; the first at {stale[0]}"
    if facts["fixed"]:
        yield "population: gates are about exactly these items; the table's intervals are those of a sample"


def _table(cases: Sequence[Plain], facts: Plain) -> Iterator[str]:
    rows = [("task", "items", "verdicts", "problems", "agreement with humans")]
    for task in MAIN:
        some = [case for case in cases if case["task"] == task]
        if some:
            rows += _rows(task, some, judgements_of(some, facts))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for name, *numbers, figure in rows:
        cells = [name.ljust(widths[0]), *(n.rjust(w) for n, w in zip(numbers, widths[1:], strict=False))]
        yield "  ".join([*cells, figure]).rstrip()
    problems = Counter(case["problem"] for case in cases if case["problem"])
    if problems:
        yield "problems: " + ", ".join(f"{problems[kind]} {kind}" for kind in PROBLEMS if problems[kind])
        yield from _first_reasons(cases)
    yield from nearly_constant(cases)


def _further_problems(asked: Sequence[Plain]) -> Iterator[str]:
    """The problems that no case of an item tells: those of its variants, and of asking again."""
    variants = [case["problem"] for case in asked if case["variant"]]
    repeats = [case["problem"] for case in asked if case["repeat"] and not case["variant"]]
    for name, found in (("variants", Counter(variants)), ("repeats", Counter(repeats))):
        told = [f"{found[kind]} {kind}" for kind in PROBLEMS if found[kind]]
        if told:
            yield f"problems of {name}: {', '.join(told)}"


def _rows(task: Task, cases: Sequence[Plain], judgements: Judgements) -> list[tuple[str, str, str, str, str]]:
    problems = sum(case["problem"] is not None for case in cases)
    counts = (task, str(len(cases)), str(len(cases) - problems), str(problems))
    figures = [_figure(*one) for one in main_estimates(task, judgements)]
    rows = [(*counts, figures[0])]
    return rows + [("", "", "", "", figure) for figure in figures[1:]]


def main_estimates(task: Task, judgements: Judgements) -> list[tuple[str | None, Estimate]]:
    """The task's main figure, one for each criterion."""
    checks = main_checks(task, judgements, judgements.tasks)
    return [(criterion, check(judgements, criterion=criterion)) for check, criterion in checks]


def _figure(criterion: str | None, estimate: Estimate) -> str:
    if not estimate.n:
        return "no human label"
    return f"{criterion + ' ' if criterion else ''}{estimate.metric.partition('.')[2]} {figure(estimate)}"


def figure(estimate: Estimate) -> str:
    """`0.690 (0.630 to 0.740, 51 clusters); constant 0.460`, what it is to be read against behind it.

    The figure without problems stands before that, where there are any.
    """
    clusters = f", {estimate.clusters} clusters" if estimate.clusters != estimate.n else ""
    text = show_figure(
        estimate.value, estimate.low, estimate.high, reason=estimate.counted.reason, more=clusters
    )
    without = f", {show(estimate.without.value)} without problems" if estimate.without else ""
    beside = [f"{each.name} {show(each.value)}" for each in estimate.beside]
    return "; ".join([text + without, *beside])


def _first_reasons(cases: Sequence[Plain], *, most: int = 3) -> Iterator[str]:
    seen = Counter((case["problem"], first_line(case["reason"])) for case in cases if case["problem"])
    for (problem, reason), count in sorted(seen.items(), key=lambda one: (-one[1], one[0]))[:most]:
        yield f"  {count} {problem}: {reason}"


def first_line(text: str) -> str:
    """The first line of a reason, without the judge and the item that it begins with."""
    line = _ASKED.sub("", text.partition("\n")[0])
    return line if len(line) <= 160 else line[:159] + "…"


def _gates(title: str, gates: Sequence[Plain]) -> Iterator[str]:
    if not gates:
        return
    outcomes = Counter(gate["outcome"] for gate in gates)
    yield f"{title}: " + ", ".join(
        f"{outcomes[kind]} {word}" for kind, word in _OUTCOMES.items() if outcomes[kind]
    )
    width = max(len(gate["name"]) for gate in gates)
    for gate in gates:
        yield f"  {gate['outcome']:9}  {gate['name']:{width}}  {gate['line']}"


def _approval(approval: Plain | None) -> Iterator[str]:
    """Why the baseline was approved of, and what has changed since."""
    if approval is not None:
        yield f"approved: {approval['reason']} ({approval['file']})"
        yield from (f"  {line}" for line in approval["lines"])


def gate_line(claim: Mapping[str, Any]) -> str:
    """`pair.accuracy at least 0.75: 0.812 (0.783 to 0.838)` of a plain claim."""
    seen = claim["seen"]
    figure = show_figure(seen["value"], seen["low"], seen["high"], reason=seen["reason"])
    return f"{claim['metric']} {claim['side']} {claim['threshold']:g}: {figure}"


def _replies(run: Plain, cases: Sequence[Plain]) -> Iterator[str]:
    """What came back: recorded or replayed, and what did not."""
    silent = sum(case["problem"] in ("error", "not_asked") for case in cases)
    if run["recorded"]:
        yield f"{run['recorded']} replies recorded"
    elif silent < len(cases):
        yield "every reply replayed" if not silent else f"{len(cases) - silent} replies replayed"
    if silent:
        yield f"{silent} questions without a reply"


def _costs(run: Plain, cases: Sequence[Plain]) -> Iterator[str]:
    parts: list[str] = []
    if run["cassette"] is not None:
        parts += _replies(run, cases)
    tokens = [case["tokens"] for case in cases if case["tokens"]]
    if tokens:
        parts.append(f"{sum(t[0] for t in tokens):,} input and {sum(t[1] for t in tokens):,} output tokens")
    costs = [case["cost"] for case in cases if case["cost"] is not None]
    if costs:
        unpriced = f" ({len(cases) - len(costs)} replies without a price)" if len(costs) < len(cases) else ""
        parts.append(f"cost {sum(costs):,.4f}{unpriced}")
    models = Counter(case["model"] for case in cases if case["model"])
    if models:
        parts.append("answered by " + ", ".join(sorted(models)))
    if parts:
        yield "asked: " + "; ".join(parts)
    yield from _strangers(run["model"], models)
    if run["cancelled"]:
        yield f"cancelled in flight, to be asked by the next run: {', '.join(sorted(run['cancelled']))}"
    if run["halted"]:
        yield f"stopped asking: {first_line(run['halted']).removeprefix('not asked: ')}"


def _strangers(asked: str, models: Mapping[str, int]) -> Iterator[str]:
    """Replies that did not come from the model asked for."""
    others = {model: count for model, count in sorted(models.items()) if not answers_for(model, asked)}
    if asked and others:
        told = ", ".join(f"{model} ({count} of {sum(models.values())})" for model, count in others.items())
        yield f"another model than the one asked for, {asked}, answered: {told}"
    elif asked and len(models) > 1:
        told = ", ".join(f"{model} ({count})" for model, count in sorted(models.items()))
        yield f"more than one snapshot of {asked} answered: {told}"
