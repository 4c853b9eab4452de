"""From a run record to its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_mllm_judge.metrics.upgrade import MAIN
from pytest_mllm_judge.model import PROBLEMS
from pytest_mllm_judge.reports.candidates import candidates
from pytest_mllm_judge.reports.changed import judged_by
from pytest_mllm_judge.reports.document import (
    Agreement,
    Candidates,
    Claim,
    Gate,
    JudgeOf,
    Probed,
    Reason,
    Report,
    Sheet,
    Spent,
    TaskOf,
    Upgrade,
)
from pytest_mllm_judge.reports.oddities import nearly_constant, no_picture_seen
from pytest_mllm_judge.reports.portable import portable
from pytest_mllm_judge.reports.probed import Found, found_by_probes
from pytest_mllm_judge.reports.terminal import first_line, main_estimates, run_notes
from pytest_mllm_judge.reports.upgrading import figure, own_gates, upgrades_of
from pytest_mllm_judge.runs.record import Plain, RunRecord, judgements_of
from pytest_mllm_judge.runs.saved import FORMAT


def report(record: RunRecord) -> Report:
    """The report on a run: the same from its own record, from a saved one, and from a JSON report."""
    record = portable(record)
    return Report(
        upgrades=tuple(_upgrades(record)),
        candidates=tuple(_candidates(record)),
        judges=tuple(_judge(record, run) for _, run in sorted(record.runs.items())),
        claims=tuple(
            Claim(test=test, number=number, outcome=claim["outcome"], text=claim["text"])
            for (test, number), claim in sorted(record.claims.items())
            if test not in record.gates
        ),
        record={"format": FORMAT, **record.plain()},
    )


def _upgrades(record: RunRecord) -> Iterator[Upgrade]:
    for _, run in sorted(record.runs.items()):
        yield from upgrades_of(record, run)


def _candidates(record: RunRecord) -> Iterator[Candidates]:
    for several in candidates(record):
        sheets = (
            Sheet(title=s.title, heading=s.heading, rows=s.rows, notes=s.notes) for s in several.sheets()
        )
        yield Candidates(
            benchmark=several.benchmark,
            legend=several.legend,
            sheets=tuple(sheets),
            plain=several.plain(),
        )


def _judge(record: RunRecord, run: Plain) -> JudgeOf:
    facts = record.benchmarks[run["benchmark"]]
    judged = judged_by(record, run["judge"], run["benchmark"])
    first = [case for case in judged if not case["variant"] and case["repeat"] == 0]
    reasons = Counter((case["problem"], first_line(case["reason"])) for case in judged if case["problem"])
    problems = Counter(case["problem"] for case in judged)
    return JudgeOf(
        judge=run["judge"],
        benchmark=facts["name"],
        folder=run["benchmark"],
        under_test=run.get("under_test", True),
        tasks=tuple(_tasks(first, facts)),
        probes=tuple(_probed(found) for found in found_by_probes(judged, facts)),
        gates=tuple(
            Gate(name=gate["name"], outcome=gate["outcome"], line=gate["line"])
            for gate in own_gates(record, run)
        ),
        problems={kind: problems[kind] for kind in PROBLEMS if problems[kind]},
        reasons=tuple(
            Reason(problem=problem, reason=reason, count=count)
            for (problem, reason), count in sorted(reasons.items(), key=lambda one: (-one[1], one[0]))
        ),
        spent=_spent(judged),
        model=run["model"],
        answered_by=dict(sorted(Counter(case["model"] for case in judged if case["model"]).items())),
        identity=run.get("identity", {}),
        notes=(*run_notes(run, facts), *nearly_constant(first), *no_picture_seen(judged)),
    )


def _probed(found: Found) -> Probed:
    estimate = found.estimate
    return Probed(
        check=found.check,
        criterion=found.criterion,
        items=estimate.items,
        figure=figure(estimate.plain()),
        line=found.line,
    )


def _tasks(cases: Sequence[Plain], facts: Plain) -> Iterator[TaskOf]:
    for task in MAIN:
        some = [case for case in cases if case["task"] == task]
        if not some:
            continue
        problems = sum(case["problem"] is not None for case in some)
        estimates = main_estimates(task, judgements_of(some, facts))
        yield TaskOf(
            task=task,
            items=len(some),
            verdicts=len(some) - problems,
            problems=problems,
            agreement=tuple(
                Agreement(check=one.metric, criterion=criterion, figure=figure(one.plain()))
                for criterion, one in estimates
                if one.n
            ),
        )


def _spent(cases: Sequence[Plain]) -> Spent:
    tokens = [case["tokens"] for case in cases if case["tokens"]]
    costs = [case["cost"] for case in cases if case["cost"] is not None]
    return Spent(
        questions=len(cases),
        input_tokens=sum(each[0] for each in tokens) if tokens else None,
        output_tokens=sum(each[1] for each in tokens) if tokens else None,
        cost=sum(costs) if costs else None,
        unpriced=len(cases) - len(costs),
    )
