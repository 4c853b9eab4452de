"""Gates: a check on a slice of the benchmark, compared with its bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_mllm_judge.benchmarks import Benchmark, Gate
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.claims import Claim, Estimate
from pytest_mllm_judge.errors import BenchmarkError, MllmJudgeError, SettingsError
from pytest_mllm_judge.metrics.as_asked import as_asked, asks_of
from pytest_mllm_judge.metrics.checks import Check, check_named
from pytest_mllm_judge.metrics.reach import judges
from pytest_mllm_judge.metrics.suiting import unsuited
from pytest_mllm_judge.model import Item, Judgements
from pytest_mllm_judge.model.judgements import field, known_field

OPTIONS = ("annotators", "average", "by", "criterion", "epsilon", "family", "label", "ties")
"""What a gate may say of how its check reads judgements."""
_NOT_MADE_UP = ("coherence.", "consistency.alpha", "cost.", "hallucination.", "latency.", "reviews.")
"""What made-up verdicts say nothing about."""
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

    Out of reach is judged on the whole benchmark, with many made-up judges (`reach.judges`).
    """
    gate = benchmark.manifest.gates[name]
    try:
        check = check_named(gate.check)
        _check_options(gate, check)
        items = items_of(gate, benchmark.items)
        for field_name in gate.where:
            known_field(field_name, benchmark.items)
        if not items:
            raise SettingsError(f"no item of this benchmark is in it{_where(gate)}")
        claims = _claims(gate, check, items, benchmark)
    except (MllmJudgeError, ValueError) as error:
        if isinstance(error, BenchmarkError):
            raise
        raise BenchmarkError(shown(benchmark.file), f'gates."{name}": {error}') from error
    if claims:
        what = f'gates."{name}": {_out_of_reach(gate, claims)}'
        raise BenchmarkError(shown(benchmark.file), what, _reach_hint(gate, claims))


def _claims(gate: Gate, check: Check, items: Sequence[Item], benchmark: Benchmark) -> list[Claim]:
    """The gate's claims about judges none of whom passes; empty as soon as one does."""
    if reason := unsuited(check.name, items):
        raise SettingsError(f"{check.name}: {reason}")
    if check.name.startswith(_NOT_MADE_UP) or ("family" in check.options and gate.family is None):
        return []  # a made-up judge is of no family
    claims: list[Claim] = []
    asks = asks_of(check.probe or check.besides, items, benchmark)
    for verdicts in judges(
        items, benchmark.tasks, combine=gate.annotators or check.combine, criterion=gate.criterion
    ):
        judgements = Judgements(
            as_asked(verdicts, benchmark, asks),
            cluster_of=benchmark.cluster,
            tasks=benchmark.tasks,
            population=benchmark.manifest.population,
        )
        claims.append(claim(gate, judgements))
        if not claims[-1].estimate.n:
            raise SettingsError(f"{check.name}: {claims[-1].estimate.counted.reason}")
        if claims[-1].outcome == "holds":
            return []
    return claims


def _options(gate: Gate) -> dict[str, Any]:
    given = {name: getattr(gate, name) for name in OPTIONS}
    return {key: value for key, value in given.items() if value is not None}


def _check_options(gate: Gate, check: Check) -> None:
    if extra := sorted(_options(gate).keys() - check.options):
        takes = ", ".join(sorted(check.options)) or f"none of {', '.join(OPTIONS)}"
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


def _reach_hint(gate: Gate, claims: Sequence[Claim]) -> str:
    reasons = [one.estimate.counted.reason for one in claims]
    decided = [one.estimate for one in claims if not one.estimate.counted.reason]
    kind, _ = gate.bound
    lows = [one.low for one in decided if one.low is not None]
    highs = [one.high for one in decided if one.high is not None]
    if not lows or not highs:
        return f"Nothing can be decided on them: {reasons[0]}."
    if kind == "at_least":
        return f"The most they could show is at_least = {max(lows):.3f}; more items show more."
    if kind == "at_most":
        return f"The least they could show is at_most = {min(highs):.3f}; more items show less."
    reach = min(max(abs(low), abs(high)) for low, high in zip(lows, highs, strict=True))
    return f"The least they could show is within = {reach:.3f}; more items show less."
