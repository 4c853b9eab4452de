"""What an approval says of a run: the answers, the figures, and digests of what decided them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.model.question import canonical, text_digest
from pytest_mllm_judge.runs.approved import (
    Answer,
    Approved,
    ApprovedItem,
    Digests,
    Figure,
    Spent,
    replies_digest,
)
from pytest_mllm_judge.runs.contents import content_of, labels_of
from pytest_mllm_judge.runs.run import Run


def approval(run: Run, judgements: Judgements, reason: str) -> Approved:
    """The approval of what a run says, with this reason on one line."""
    identity, benchmark = run.judge.identity(), run.benchmark
    return Approved(
        judge=run.judge.name,
        reason=reason,
        model=identity.model,
        answered_by=dict(sorted(Counter(each.model for each in judgements if each.model).items())),
        prompt=identity.prompt,
        parser=identity.parser,
        settings=dict(sorted(identity.settings.items())),
        digests=Digests(
            prompt=identity.prompt_digest,
            settings=text_digest(canonical(identity.settings)),
            benchmark=_benchmark_digest(benchmark),
            cassette=replies_digest(run.replies),
        ),
        tasks=benchmark.tasks,
        figures=tuple(_figures(benchmark, judgements)),
        gates=tuple(_gates(run)),
        **_answers(run, judgements),
    )


def _benchmark_digest(benchmark: Benchmark) -> str:
    manifest = benchmark.manifest.model_dump(mode="json", exclude_defaults=True)
    return text_digest(canonical([manifest, benchmark.digest]))


def _answers(run: Run, judgements: Judgements) -> dict[str, Any]:
    """`items` and `spent`, by item, sorted."""
    by_item: dict[str, list[Judgement]] = {}
    for judgement in sorted(judgements, key=lambda one: (one.item.id, one.variant, one.repeat)):
        by_item.setdefault(judgement.item.id, []).append(judgement)
    spent = {name: tuple(map(_spent, some)) for name, some in by_item.items()}
    return {
        "items": {name: _item(run, some) for name, some in by_item.items()},
        "spent": {name: each for name, each in spent.items() if any(one != (None, None) for one in each)},
    }


def _item(run: Run, judgements: Sequence[Judgement]) -> ApprovedItem:
    item = judgements[0].item
    answers = tuple(
        Answer(
            variant=each.variant,
            repeat=each.repeat,
            shown=run.shown(item, each.variant),
            verdict=each.verdict,
            problem=each.problem,
            reviews=each.reviews,
        )
        for each in judgements
    )
    return ApprovedItem(answers=answers, content=content_of(item), labels=labels_of(item))


def _spent(judgement: Judgement) -> Spent:
    return judgement.cost, judgement.latency


def _figures(benchmark: Benchmark, judgements: Judgements) -> Iterator[Figure]:
    """What an upgrade is compared by, of this judge."""
    from pytest_mllm_judge.metrics.upgrade import comparisons

    for comparison in comparisons(benchmark):
        try:
            figure = comparison.check(
                judgements, **{**comparison.options, "confidence": comparison.confidence}
            )
        except SettingsError:  # what it needs was not asked
            continue
        if figure.n or comparison.decides:
            yield _figure(comparison.name, figure)


def _gates(run: Run) -> Iterator[Figure]:
    from pytest_mllm_judge.metrics import gates

    for name, gate in run.benchmark.manifest.gates.items():
        judgements = run.judgements(gates.items_of(gate, run.items))
        yield _figure(name, gates.estimate(gate, judgements))


def _figure(name: str, estimate: Estimate) -> Figure:
    counted = estimate.counted
    return Figure(
        name=name,
        value=_rounded(counted.value),
        low=_rounded(counted.low),
        high=_rounded(counted.high),
        n=counted.n,
        clusters=counted.clusters,
        method=counted.method,
        reason=counted.reason,
    )


def _rounded(value: float | None) -> float | None:
    """Six digits: the last ones of a float differ between machines, and a diff would show them."""
    return None if value is None else float(f"{value:.6g}")
