"""Judgements made up of what was said of each item, repeat by repeat."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_mllm_judge import Item, Judgement, Judgements
from pytest_mllm_judge.model import Tasks, Verdict
from pytest_mllm_judge.model.judgements import Population
from pytest_mllm_judge.probes import SWAPPED

LOST = "lost"
"""Stands for a problem where a verdict would."""
Said = Sequence[Verdict]


def item(number: int) -> Item:
    responses = [{"text": "one"}, {"text": "other"}]
    source = "maps" if number % 2 else "charts"
    return Item.model_validate(
        {"id": f"p{number:03}", "task": "pair", "responses": responses, "source": source}
    )


def judgement(number: int, repeat: int, said: Verdict, variant: str = "") -> Judgement:
    answer = {"problem": "refused"} if said == LOST else {"verdict": said}
    return Judgement.model_validate(
        {"item": item(number), "judge": "j", "repeat": repeat, "variant": variant, **answer}
    )


def together(
    found: Sequence[Judgement], *, per_cluster: int = 1, population: Population = "sampled"
) -> Judgements:
    return Judgements(
        found,
        cluster_of=lambda item: str(int(item.id[1:]) // per_cluster),
        tasks=Tasks(),
        population=population,
    )


def asked(rows: Sequence[Said], *, per_cluster: int = 1, population: Population = "sampled") -> Judgements:
    """Each row is what was said of one item, repeat by repeat."""
    found = [
        judgement(number, repeat, said) for number, row in enumerate(rows) for repeat, said in enumerate(row)
    ]
    return together(found, per_cluster=per_cluster, population=population)


def both(rows: Sequence[tuple[Said, Said]], *, per_cluster: int = 1) -> Judgements:
    """Each row is what was said of one pair as it is, and swapped, repeat by repeat."""
    found = [
        judgement(number, repeat, said, variant)
        for number, row in enumerate(rows)
        for variant, every in zip(("", SWAPPED), row, strict=True)
        for repeat, said in enumerate(every)
    ]
    return together(found, per_cluster=per_cluster)
