"""What the judge said where humans said what: a table to look at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Unpack

from pytest_mllm_judge.metrics.agreement.tables import labels_of
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.model import Judgements, Label


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Counts by human label (rows) and verdict (columns); problems have columns of their own, by kind."""

    labels: Sequence[Label]
    verdicts: Sequence[Label]
    counts: Sequence[Sequence[int]]

    def count(self, human: Label, verdict: Label) -> int:
        """How many items humans gave this label and the judge that verdict, or problem."""
        return self.counts[list(self.labels).index(human)][list(self.verdicts).index(verdict)]

    def __str__(self) -> str:
        table = [["human \\ judge", *map(str, self.verdicts)]]
        table += [[str(label), *map(str, row)] for label, row in zip(self.labels, self.counts, strict=True)]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        return "\n".join(
            "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in table
        )


def confusion(judgements: Judgements, /, **options: Unpack[Options]) -> Confusion:
    """The table of human majority labels against verdicts, problems beside them by kind."""
    rows = rows_of(judgements, options)
    labels = labels_of("confusion", judgements, rows).labels
    rows.places(labels, "confusion")
    kinds = sorted(rows.problems())
    said = [rows.problem(place) or verdict for place, verdict in enumerate(rows.verdict)]
    counts = Counter(zip(rows.human, said, strict=True))
    verdicts: list[Label] = [*labels, *kinds]
    return Confusion(
        labels=labels,
        verdicts=verdicts,
        counts=[[counts[human, verdict] for verdict in verdicts] for human in labels],
    )
