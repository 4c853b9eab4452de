"""Figures of tables against the values of other packages and of published examples."""

from __future__ import annotations

import pytest

from pytest_mllm_judge.statistics import (
    Figure,
    accuracy_figure,
    alpha_figure,
    coincidence_sums,
    f1_figure,
    gwet_figure,
    interval_of,
    kappa_figure,
    mean_figure,
    mean_sums,
    recall_figure,
    spearman_figure,
    table_sums,
    tau_b_figure,
)
from tests.statistics.golden import ALONE, COINCIDENCES, HUMAN, JUDGE, SUMS, TWO_SIDED_95

FIGURES = [
    (accuracy_figure(3), 0.78),
    (f1_figure(3), 0.7670150554),
    (recall_figure(3), 0.7667797307),
    (kappa_figure(3), 0.6527229676),
    (kappa_figure(3, weights="linear"), 0.6856810244),
    (kappa_figure(3, weights="quadratic"), 0.7175572519),
    (gwet_figure(3), 0.6780919633),
    (gwet_figure(3, weights="quadratic"), 0.7478533461),
    (spearman_figure(3, 3), 0.7133025112),
    (tau_b_figure(3, 3), 0.6836381865),
]


@pytest.mark.parametrize(("figure", "expected"), FIGURES, ids=lambda one: getattr(one, "name", ""))
def test_the_golden_table_has_the_values_of_other_packages(figure: Figure, expected: float) -> None:
    assert interval_of(figure, SUMS, n=100).value == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("level", "expected"), [("nominal", 0.6542683408), ("ordinal", 0.7146118336), ("interval", 0.7189587389)]
)
def test_the_golden_alphas_are_those_of_krippendorff_s_package(level: str, expected: float) -> None:
    figure = alpha_figure(3, level=level)  # type: ignore[arg-type]
    assert interval_of(figure, COINCIDENCES, n=100).value == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(
    ("figure", "bounds"),
    [
        (kappa_figure(3), (0.501503, 0.765242)),
        (kappa_figure(3, weights="quadratic"), (0.538846, 0.834462)),
    ],
)
def test_the_golden_jackknife_intervals(figure: Figure, bounds: tuple[float, float]) -> None:
    result = interval_of(figure, SUMS, n=100, confidence=TWO_SIDED_95)
    assert (result.low, result.high) == pytest.approx(bounds, abs=1e-6)


def test_the_golden_error_and_bias() -> None:
    off = [abs(j - h) for j, h in zip(JUDGE, HUMAN, strict=True)]
    lenient = [j - h for j, h in zip(JUDGE, HUMAN, strict=True)]
    assert interval_of(mean_figure((0, 2)), mean_sums(off, ALONE), n=100).value == pytest.approx(0.27)
    assert interval_of(mean_figure((-2, 2)), mean_sums(lenient, ALONE), n=100).value == pytest.approx(-0.01)


def test_agreement_of_a_rare_label_has_a_low_kappa_and_a_high_ac1() -> None:
    """[[118, 5], [2, 0]]: agreement .944, kappa -.023, AC1 .941 by hand.

    Gwet 2008, British Journal of Mathematical and Statistical Psychology 61, on why kappa falls so low.
    """
    human, judge = [0] * 123 + [1] * 2, [0] * 118 + [1] * 5 + [0] * 2
    sums = table_sums(judge, human, [str(i) for i in range(125)], labels=[0, 1])
    values = [
        figure.value(sums.sum(axis=0)) for figure in (accuracy_figure(2), kappa_figure(2), gwet_figure(2))
    ]
    assert values == pytest.approx([0.944, -0.023, 0.941], abs=5e-4)


KRIPPENDORFF_S = [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]


@pytest.mark.parametrize(("level", "expected"), KRIPPENDORFF_S)
def test_krippendorff_s_worked_example_with_missing_values(level: str, expected: float) -> None:
    """4 observers, 12 units: Krippendorff 2011, Computing Krippendorff's alpha-reliability, its example."""
    observers = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    units = list(
        zip(*([None if v == "." else int(v) for v in row.split()] for row in observers), strict=True)
    )
    sums = coincidence_sums(units, [str(i) for i in range(12)], labels=[1, 2, 3, 4, 5])
    assert sums.sum() == 40  # pairable values: the last unit has one value and drops out
    figure = alpha_figure(5, level=level, points=[1, 2, 3, 4, 5])  # type: ignore[arg-type]
    assert float(figure.value(sums.sum(axis=0))) == pytest.approx(expected, abs=5e-4)
