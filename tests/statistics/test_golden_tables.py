"""Figures of tables and of two judges against the values of the statistics note, section 7."""

from __future__ import annotations

import itertools
import math

import pytest

from pytest_mllm_judge.statistics import (
    Figure,
    accuracy_figure,
    alpha_figure,
    coincidence_sums,
    f1_figure,
    gwet_figure,
    holm,
    interval_of,
    kappa_figure,
    mcnemar,
    mean_figure,
    mean_sums,
    paired_shares,
    recall_figure,
    spearman_figure,
    table_sums,
    tango,
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
    """[[118, 5], [2, 0]]: agreement .944, kappa -.023, AC1 .941 (the note, section 2 (1))."""
    human, judge = [0] * 123 + [1] * 2, [0] * 118 + [1] * 5 + [0] * 2
    sums = table_sums(judge, human, [str(i) for i in range(125)], labels=[0, 1])
    values = [figure(sums.sum(axis=0)) for figure in (accuracy_figure(2), kappa_figure(2), gwet_figure(2))]
    assert values == pytest.approx([0.944, -0.023, 0.941], abs=5e-4)


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorff_s_worked_example_with_missing_values(level: str, expected: float) -> None:
    """Krippendorff 2011, Computing Krippendorff's alpha-reliability: 4 observers, 12 units."""
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
    figure = alpha_figure(5, level=level)  # type: ignore[arg-type]
    assert float(figure(sums.sum(axis=0))) == pytest.approx(expected, abs=5e-4)


def test_tango_s_interval_of_a_published_example() -> None:
    """1 win, 7 losses of 21 (airway hyper-responsiveness), Fagerland et al. 2014."""
    assert tango(1, 7, 21, confidence=TWO_SIDED_95) == pytest.approx((-0.5172, -0.0260), abs=5e-5)


def test_without_discordance_tango_s_bound_is_its_closed_form() -> None:
    low, high = tango(0, 0, 60)
    assert (low, high) == pytest.approx((-0.043147, 0.043147), abs=1e-6)


@pytest.mark.parametrize(("margin", "items"), [(0.05, 52), (0.10, 25), (0.02, 133)])
def test_identical_judges_need_so_many_items_for_a_margin(margin: float, items: int) -> None:
    """The note, section 1.4."""
    right = [1.0] * items
    names = [str(i) for i in range(items)]
    enough, short = paired_shares(right, right, names), paired_shares(right[1:], right[1:], names[1:])
    assert enough.low is not None
    assert short.low is not None
    assert enough.low >= -margin > short.low


def test_mcnemar_s_mid_p() -> None:
    """7 wins, 1 loss: exact .0703125, mid-p .0390625 (Fagerland et al. 2013)."""
    assert mcnemar(7, 1) == pytest.approx(0.0390625, abs=1e-12)
    exact = 2 * sum(math.comb(8, k) for k in range(2)) / 2**8
    assert exact == 0.0703125
    assert mcnemar(7, 1) == pytest.approx(exact - math.comb(8, 1) / 2**8)


def test_holm_of_a_worked_example() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_tango_s_bounds_are_where_the_score_meets_z() -> None:
    """Against the constrained likelihood, maximised by brute force (Tango 1998, section 3)."""
    for wins, losses in itertools.product((0, 1, 4), (2, 7)):
        n, z = 30, 1.6448536269514722
        low, high = tango(wins, losses, n)
        for bound, expected in ((low, z), (high, -z)):
            assert _score(wins, losses, n, bound) == pytest.approx(expected, abs=2e-3)


def _score(wins: int, losses: int, n: int, difference: float) -> float:
    """The score statistic with the restricted estimate of P(loss) found on a grid."""
    least = max(0.0, -difference)
    most = (1 - difference) / 2
    same = n - wins - losses

    def likelihood(q: float) -> float:
        parts = ((wins, q + difference), (losses, q), (same, 1 - 2 * q - difference))
        if any(share <= 0 < count or share < 0 for count, share in parts):
            return -math.inf
        return sum(count * math.log(share) for count, share in parts if count)

    steps = 20_000
    best = max((least + (most - least) * k / steps for k in range(steps + 1)), key=likelihood)
    spread = math.sqrt(n * (2 * best + difference * (1 - difference)))
    return (wins - losses - n * difference) / spread
