"""What the `approve` verb says, as lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.claims.show import show_figure
from pytest_mllm_judge.runs.approved import Approved, Figure


def lines(approved: Approved, path: Path) -> Iterator[str]:
    """What was written where, the figures that were approved of, and what to do with the file."""
    answers = sum(len(item.answers) for item in approved.items.values())
    yield f"approved {approved.judge}: {len(approved.items):,} items, {answers:,} answers, in {shown(path)}"
    width = max((len(figure.name) for figure in approved.figures), default=0)
    for figure in approved.figures:
        yield f"  {figure.name:{width}}  {_figure(figure)}"
    yield "commit it: later runs without --judge-baseline are compared with it"


def _figure(figure: Figure) -> str:
    return show_figure(figure.value, figure.low, figure.high, reason=figure.reason)
