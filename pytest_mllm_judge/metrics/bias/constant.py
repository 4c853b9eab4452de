"""Whether a judge says the same of everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.metrics.agreement.core import READING
from pytest_mllm_judge.metrics.agreement.tables import of_table
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import Options
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.statistics import commonest_figure


@declare("score.constant", task="score", source="this project", options=READING, margin=0.1, worse="higher")
@declare("pair.constant", task="pair", source="this project", options=READING, margin=0.1, worse="higher")
def constant(judgements: Judgements, /, **options: Unpack[Options]) -> Estimate:
    """Share of the judge's commonest verdict less that of the humans' commonest label, in [-1, 1].

    Lower is better: a judge with one verdict for all has what humans' labels lack to being all alike. A
    problem counts as the verdict that makes it largest.
    """
    found = of_table(
        "constant", lambda labels: commonest_figure(len(labels)), judgements, options, better="lower"
    )
    if not isinstance(found.pairing, Pairing):
        return found
    rows = found.pairing.rows
    pairing = replace(found.pairing, measure=replace(found.pairing.measure, alone=True))
    return replace(found, pairing=pairing, beside=Lazily(lambda: _beside(rows.answered())))


def _beside(rows: Rows) -> list[Beside]:
    """The commonest verdict and the commonest label, with their shares."""
    if not len(rows):
        return []
    return [_commonest("judge", "verdict", rows.verdict), _commonest("humans", "label", rows.human)]


def _commonest(name: str, what: str, said: Sequence[Label | None]) -> Beside:
    label, count = max(Counter(said).items(), key=lambda pair: (pair[1], str(pair[0])))
    return Beside(name=name, value=count / len(said), about=f"the commonest {what}, {label}")
