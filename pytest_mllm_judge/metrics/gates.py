"""Gates: a check on a slice of the benchmark, compared with its bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_mllm_judge.benchmarks import Benchmark, Gate
from pytest_mllm_judge.claims import Claim, Estimate
from pytest_mllm_judge.errors import BenchmarkError, MllmJudgeError, SettingsError
from pytest_mllm_judge.metrics.checks import Check, check_named
from pytest_mllm_judge.model import Item, Judgement, Judgements, Label, Tasks, Verdict
from pytest_mllm_judge.model.judgements import field

_SIDES = {"at_least": "at least", "at_most": "at most", "within": "within"}


def items_of(gate: Gate, items: Sequence[Item]) -> tuple[Item, ...]:
    """The items that a gate is about: of its check's task, and in its `where`."""
    task = check_named(gate.check).task
    return tuple(
        item
        for item in items
        if task in (None, item.task)
        and all(field(item, name) in values for name, values in gate.where.items())
    )


def estimate(gate: Gate, judgements: Judgements) -> Estimate:
    """The gate's figure of these judgements, which must be of its items."""
    return check_named(gate.check)(judgements, confidence=gate.confidence, **_options(gate))


def claim(gate: Gate, judgements: Judgements) -> Claim:
    """The gate's claim about these judgements."""
    figure = estimate(gate, judgements)
    kind, limit = gate.bound
    if kind == "at_least":
        return figure >= limit
    return figure <= limit if kind == "at_most" else figure.within(limit)


def check_gate(name: str, benchmark: Benchmark) -> None:
    """Raise BenchmarkError for a gate that makes no sense here, or that no judge could ever pass.

    Out of reach is judged on the whole benchmark, with a judge that is always right, one that errs once,
    one that is always wrong and one that never answers.
    """
    gate = benchmark.manifest.gates[name]
    try:
        check = check_named(gate.check)
        _check_options(gate, check)
        items = items_of(gate, benchmark.items)
        if not items:
            raise SettingsError(f"no item of this benchmark is in it{_where(gate)}")
        best = _claims(gate, items, benchmark)
    except (MllmJudgeError, ValueError) as error:
        if isinstance(error, BenchmarkError):
            raise
        raise BenchmarkError(benchmark.file, f'gates."{name}": {error}') from error
    if all(one.outcome != "holds" for one in best):
        raise BenchmarkError(
            benchmark.file, f'gates."{name}": {_out_of_reach(gate, best)}', _reach_hint(gate, best)
        )


def _claims(gate: Gate, items: Sequence[Item], benchmark: Benchmark) -> list[Claim]:
    """The gate's claim about each of the four judges, up to the first that holds."""
    claims: list[Claim] = []
    for judge in (_right, _once_wrong, _wrong, _silent):
        claims.append(claim(gate, _judged(judge(items, gate), benchmark)))
        if claims[-1].outcome == "holds":
            break
    return claims


def _options(gate: Gate) -> dict[str, Any]:
    given = {"criterion": gate.criterion, "by": gate.by, "average": gate.average}
    return {key: value for key, value in given.items() if value is not None}


def _check_options(gate: Gate, check: Check) -> None:
    if extra := sorted(_options(gate).keys() - check.options):
        takes = ", ".join(sorted(check.options)) or "none of criterion, by, average"
        raise SettingsError(f"{check.name} takes no {extra[0]} (it takes {takes})")


def _where(gate: Gate) -> str:
    if not gate.where:
        return f": {gate.check} is about {check_named(gate.check).task} items"
    return ": where " + " and ".join(
        f"{name} is {' or '.join(map(str, v))}" for name, v in gate.where.items()
    )


def _out_of_reach(gate: Gate, best: Sequence[Claim]) -> str:
    kind, limit = gate.bound
    n = best[0].estimate.n
    return f"no judge could pass {gate.check} {_SIDES[kind]} {limit:g} on these {n} items"


def _reach_hint(gate: Gate, best: Sequence[Claim]) -> str:
    reasons = [one.estimate.counted.reason for one in best]
    if all(reasons):
        return f"Nothing can be decided on them: {reasons[0]}."
    kind, _ = gate.bound
    lows = [one.estimate.low for one in best if one.estimate.low is not None]
    highs = [one.estimate.high for one in best if one.estimate.high is not None]
    if kind == "at_least":
        return f"The most they could show is at_least = {max(lows):.3f}; more items show more."
    if kind == "at_most":
        return f"The least they could show is at_most = {min(highs):.3f}; more items show less."
    reach = min(max(abs(low), abs(high)) for low, high in zip(lows, highs, strict=True))
    return f"The least they could show is within = {reach:.3f}; more items show less."


def _right(items: Sequence[Item], gate: Gate) -> list[Judgement]:
    return [_judgement(item, _human(item, gate.criterion), gate) for item in items]


def _once_wrong(items: Sequence[Item], gate: Gate) -> list[Judgement]:
    """All right but the first item that has a label: an interval needs some spread."""
    judgements = _right(items, gate)
    for place, item in enumerate(items):
        human = _human(item, gate.criterion)
        if human is not None:
            judgements[place] = _judgement(item, _other(item, human), gate)
            break
    return judgements


def _wrong(items: Sequence[Item], gate: Gate) -> list[Judgement]:
    humans = [_human(item, gate.criterion) for item in items]
    return [
        _judgement(item, None if human is None else _other(item, human), gate)
        for item, human in zip(items, humans, strict=True)
    ]


def _silent(items: Sequence[Item], gate: Gate) -> list[Judgement]:
    del gate
    return [Judgement(item=item, judge="", problem="refused") for item in items]


def _human(item: Item, criterion: str | None) -> Label | None:
    labels = item.labels(criterion)
    if not labels:
        return None
    mean = item.mean(criterion) if item.task == "score" and len(labels) > 1 else None
    return item.majority(criterion) if mean is None else mean


def _other(item: Item, human: Label) -> Label:
    if item.task == "batch":
        return str(human)[:-2] + str(human)[:-3:-1]
    if item.task == "pair":
        return "A" if human != "A" else "B"
    return float(human) + 0.5 if not isinstance(human, str) else human + "?"


def _judgement(item: Item, label: Label | None, gate: Gate) -> Judgement:
    verdict: Verdict | None = label
    if gate.criterion is not None and label is not None:
        verdict = {gate.criterion: label}
    return Judgement(item=item, judge="", verdict=verdict)


def _judged(judgements: list[Judgement], benchmark: Benchmark) -> Judgements:
    return Judgements(judgements, cluster_of=benchmark.cluster, tasks=benchmark.tasks or Tasks())
