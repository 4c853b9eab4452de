"""Agreement beyond chance, from the table of human labels against verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import READING, estimate, is_right
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.pairing import figures
from pytest_mllm_judge.metrics.rows import Reading, Rows, rows_of
from pytest_mllm_judge.model import Judgements, Label
from pytest_mllm_judge.statistics import Interval, interval_of, kappa_figure, sliced_sums
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.tables import Weights, apart

Places = npt.NDArray[np.intp]
COHEN = "Cohen 1960; weighted: Cohen 1968"


@declare("pair.kappa", task="pair", source=COHEN, options=READING)
def kappa(
    judgements: Judgements,
    /,
    *,
    weights: Weights = "unweighted",
    confidence: float = 0.95,
    **reading: Unpack[Reading],
) -> Estimate:
    """Cohen's kappa of verdicts with the humans' majority label, in [-1, 1]; 0 is agreement by chance.

    Weights count a near miss less, on scales: "linear" or "quadratic" in the points' distance. A problem
    counts as the label that makes kappa smallest. With `by` it is the mean of the slices' kappas.
    """
    rows = rows_of(judgements, combine="majority", **reading)
    tasks = sorted({judgement.item.task for judgement in judgements})
    name = "kappa" if weights == "unweighted" else f"kappa_{weights}"
    return _kappa(f"{tasks[0]}.{name}" if len(tasks) == 1 else name, judgements, rows, weights, confidence)


@declare("score.kappa", task="score", source=COHEN, options=READING)
def kappa_quadratic(
    judgements: Judgements, /, *, confidence: float = 0.95, **reading: Unpack[Reading]
) -> Estimate:
    """Quadratically weighted kappa of scores with the humans' majority label, in [-1, 1].

    It falls with leniency too, which a correlation does not see. A problem counts as the worst point.
    """
    rows = rows_of(judgements, combine="majority", **reading)
    return _kappa("score.kappa", judgements, rows, "quadratic", confidence)


def _kappa(metric: str, judgements: Judgements, rows: Rows, weights: Weights, confidence: float) -> Estimate:
    labels = _labels(metric, judgements, rows)
    points = None if any(isinstance(label, str) for label in labels) else [float(label) for label in labels]
    figure = kappa_figure(len(labels), weights=weights, points=points)
    gaps = apart(len(labels), weights, points)

    def moments(some: Rows) -> Array:
        return _cells(metric, some, labels, gaps)

    def interval(some: Rows) -> Interval:
        groups = some.groups or [""] * len(some)
        sums = sliced_sums(moments(some), groups, some.clusters)
        return interval_of(figure.over(len(set(groups))), sums, n=len(some), confidence=confidence)

    wrong = [row for row in rows.rows if not is_right(row)]
    both = figures(figure, moments)
    return estimate(metric, "higher", rows, interval, wrong=wrong, confidence=confidence, both=both)


def _labels(metric: str, judgements: Judgements, rows: Rows) -> Sequence[Label]:
    """The labels of the table: the task's own. Raise SettingsError for rankings, which have none."""
    tasks = {row.item.task for row in rows.rows} or {"pair"}
    if tasks == {"score"}:
        return judgements.tasks.score.scale
    if tasks == {"pair"}:
        return judgements.tasks.pair.labels
    raise SettingsError(f"{metric} is about score or pair items, each alone, not about {' and '.join(tasks)}")


def _cells(metric: str, rows: Rows, labels: Sequence[Label], gaps: Array) -> Array:
    """Each row's cell of the table, as ones among zeros: (n, K * K). Problems stand at the worst label."""
    place = {label: number for number, label in enumerate(labels)}
    try:
        human = np.array([place[row.human] for row in rows.rows], dtype=np.intp)
        given = [-1 if row.verdict is None else place[row.verdict] for row in rows.rows]
    except KeyError as error:
        raise SettingsError(f"{metric}: {error.args[0]!r} is none of {', '.join(map(str, labels))}") from None
    judge = _with_worst(human, np.array(given, dtype=np.intp), gaps)
    cells = np.zeros((len(rows), len(labels) ** 2))
    cells[np.arange(len(rows)), human * len(labels) + judge] = 1
    return cells


def _with_worst(human: Places, judge: Places, gaps: Array) -> Places:
    """The verdicts, the missing ones (-1) being those that make kappa smallest.

    1 - kappa is observed over expected disagreement. Both are linear in the missing verdicts, so the ratio
    is largest where one label each maximizes observed - ratio * expected (Dinkelbach 1967).
    """
    missing = judge < 0
    if not missing.any():
        return judge
    size = len(gaps)
    expected = np.bincount(human, minlength=size) @ gaps / len(human)
    filled = np.where(missing, gaps[human].argmax(axis=1), judge)
    ratio = _ratio(human, filled, gaps, expected)
    while True:
        better = np.where(missing, (gaps - ratio * expected)[human].argmax(axis=1), judge)
        if (found := _ratio(human, better, gaps, expected)) <= ratio + 1e-12:
            return filled
        filled, ratio = better, found


def _ratio(human: Places, judge: Places, gaps: Array, expected: Array) -> float:
    chance = float(expected[judge].sum())
    return float(gaps[human, judge].sum()) / chance if chance > 0 else -1.0
