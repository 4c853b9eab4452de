"""How many items, clusters and repeats a claim needs, before anything is spent."""

from __future__ import annotations

import math
from types import MappingProxyType

from scipy.special import ndtr, ndtri, stdtrit

from pytest_mllm_judge.statistics.interval import Interval, check_confidence
from pytest_mllm_judge.statistics.paired import tango

PAIRED_SPREADS = MappingProxyType(
    {
        "accuracy": (0.24, 0.52),
        "kappa": (0.41, 0.91),
        "quadratic kappa": (0.13, 0.64),
        "pearson": (0.13, 0.75),
        "spearman": (0.14, 0.75),
        "tau-b": (0.20, 0.67),
        "mae": (0.41, 0.81),
        "mean score": (0.42, 0.91),
    }
)
"""The spread of a paired difference, its standard error times the root of n: lowest and highest of 18 pairs
of real judges on 9 data sets. Scores had 5 or 6 points."""


_HALVINGS = 60
_ROUNDING = 1e-9


def spread_of(error: float, n: int) -> float:
    """The spread c of a figure at hand: its standard error times the root of n."""
    return error * math.sqrt(n)


def spread_at_hand(interval: Interval) -> float | None:
    """The spread c that an interval shows, on the scale of its figure; None where it shows none.

    It shows none without bounds, where nothing may be decided on it, and where all are alike: such bounds
    speak of what may be unseen, not of a spread. Clusters are in it, so it is that of items gathered alike.
    A difference of shares without any discordance has the spread 0.
    """
    value, low, high = interval.value, interval.low, interval.high
    if interval.reason or value is None or low is None or high is None:
        return None
    if value in (low, high) or "alike" in interval.method or "discordan" in interval.method:
        return None
    if interval.method.startswith("tango"):
        return _spread_by_tango(interval, value, high - low)
    return spread_of(_half(interval.method, value, low, high) / _quantile(interval), interval.n)


def _spread_by_tango(interval: Interval, value: float, width: float) -> float:
    """The spread of the discordance whose own Tango interval of so many items is as wide; bisection.

    The bounds are wider than the spread asks, the more so the fewer differ, so it is not read off them.
    Of clustered items it is a little too wide, since how many they are worth does not stand in the interval.
    """

    def wide(share: float) -> float:
        counts = (interval.n * (share + value) / 2, interval.n * (share - value) / 2, interval.n)
        low, high = tango(*counts, confidence=interval.confidence)
        return high - low

    least, most = abs(value), 1.0
    if wide(most) <= width:  # clusters so much alike that no discordance of single items is as wide
        return spread_of(width / 2 / _quantile(interval), interval.n)
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        least, most = (middle, most) if wide(middle) <= width * (1 + _ROUNDING) else (least, middle)
    return math.sqrt(max(least - value * value, 0.0)) if least > _ROUNDING else 0.0


def _half(method: str, value: float, low: float, high: float) -> float:
    """Half the width around the value, as if no bound had been cut to what the figure can be."""
    if "arctanh" in method:
        return (1 - value * value) * (math.atanh(high) - math.atanh(low)) / 2
    if method.startswith("jackknife"):
        return max(value - low, high - value)
    return (high - low) / 2


def _quantile(interval: Interval) -> float:
    """How many standard errors a bound is away: the normal's, or t(G-1) where the method takes that."""
    is_normal = interval.method in ("wilson", "clopper-pearson") or interval.method.startswith("tango")
    if is_normal:
        return float(ndtri(interval.confidence))
    return float(stdtrit(max(interval.clusters - 1, 1), interval.confidence))


def spread_of_repeats(spread: float, *, noise: float, repeats: int) -> float:
    """What a spread falls to if each item is asked `repeats` times and the answers' worth is averaged.

    `noise` is the spread that asking again alone makes, at most the whole: the root of
    (spread^2 - noise^2) + noise^2 / repeats (Miller 2024, arXiv 2411.00640).
    """
    if not 0 <= noise <= spread:
        raise ValueError(f"need 0 <= noise <= spread, got {noise:g} and {spread:g}")
    if repeats < 1:
        raise ValueError(f"an item is asked at least once, got {repeats} repeats")
    return math.sqrt(spread**2 - noise**2 + noise**2 / repeats)


def spread_of_pairs(discordance: float, *, repeats: int = 1, noise: float = 0.0) -> float:
    """The spread of a paired difference of shares, both judges being equally good.

    `discordance` is the share of items where their verdicts differ; `noise` is the part of it that asking
    again averages out (an unchanged judge's run-to-run disagreement is all noise): the root of
    (discordance - noise) + noise / repeats.
    """
    if not 0 <= noise <= discordance <= 1:
        raise ValueError(f"need 0 <= noise <= discordance <= 1, got {noise:g} and {discordance:g}")
    return spread_of_repeats(math.sqrt(discordance), noise=math.sqrt(noise), repeats=repeats)


def items_for_margin(margin: float, spread: float, *, power: float = 0.8, confidence: float = 0.95) -> int:
    """Items to show a difference within `margin` of nothing: ((z + z_power) spread / margin)^2, rounded up.

    It is the chance `power` that an unchanged judge is shown to be not worse, one-sided at `confidence`.
    Never fewer than `items_without_discordance` for shares: a judge that changes nothing needs so many.
    """
    _positive(margin=margin, spread=spread)
    return math.ceil((_quantiles(power, confidence) * spread / margin) ** 2 - 1e-9)


def margin_for_items(n: float, spread: float, *, power: float = 0.8, confidence: float = 0.95) -> float:
    """The smallest margin that `n` independent items can show: (z + z_power) spread / sqrt(n)."""
    _positive(n=n, spread=spread)
    return _quantiles(power, confidence) * spread / math.sqrt(n)


def power_of(n: float, margin: float, spread: float, *, confidence: float = 0.95) -> float:
    """The chance that `n` independent items show an unchanged judge to be not worse by `margin`."""

    check_confidence(confidence)
    _positive(n=n, margin=margin, spread=spread)
    return float(ndtr(margin * math.sqrt(n) / spread - ndtri(confidence)))


def items_without_discordance(margin: float, *, confidence: float = 0.95) -> int:
    """Items with no verdict that differs from which Tango's bound z^2 / (n + z^2) is within `margin`."""
    check_confidence(confidence)
    if not 0 < margin < 1:
        raise ValueError(f"the margin of a share lies between 0 and 1, got {margin:g}")
    z = float(ndtri(confidence))
    return math.ceil(z * z * (1 - margin) / margin - 1e-9)


def margin_without_discordance(n: float, *, confidence: float = 0.95) -> float:
    """The smallest margin of shares that `n` items show without a verdict that differs: z^2 / (n + z^2)."""
    check_confidence(confidence)
    _positive(n=n)
    z = float(ndtri(confidence))
    return z * z / (n + z * z)


def half_width(share: float, n: float, *, confidence: float = 0.95) -> float:
    """Half the width of the Wilson interval of a share of `n` independent items (Wilson 1927)."""
    check_confidence(confidence)
    _positive(n=n)
    if not 0 <= share <= 1:
        raise ValueError(f"a share lies between 0 and 1, got {share:g}")
    z = float(ndtri(confidence))
    return z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))


def items_for_half_width(share: float, width: float, *, confidence: float = 0.95) -> int:
    """The fewest items for which half the Wilson interval of a share is at most `width`."""
    _positive(width=width)
    low, high = 0, 1
    while half_width(share, high, confidence=confidence) > width:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        wide = half_width(share, middle, confidence=confidence) > width
        low, high = (middle, high) if wide else (low, middle)
    return high


def items_without_events(rate: float, *, confidence: float = 0.95) -> int:
    """Items, none of them an event, from which the exact upper bound of the rate is at most `rate`."""
    check_confidence(confidence)
    if not 0 < rate < 1:
        raise ValueError(f"a rate lies between 0 and 1, got {rate:g}")
    return math.ceil(math.log(1 - confidence) / math.log1p(-rate) - 1e-9)


def design_effect(items_per_cluster: float, correlation: float) -> float:
    """How many times as many items clusters need: 1 + (m - 1) rho (Kish 1965), at least 1."""
    if items_per_cluster < 1 or not -1 <= correlation <= 1:
        raise ValueError(
            f"need 1 item a cluster or more and a correlation, got {items_per_cluster:g} and {correlation:g}"
        )
    return max(1.0, 1 + (items_per_cluster - 1) * correlation)


def _quantiles(power: float, confidence: float) -> float:
    check_confidence(confidence)
    if not 0 < power < 1:
        raise ValueError(f"power is a chance between 0 and 1, got {power:g}")
    return float(ndtri(confidence) + ndtri(power))


def _positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not number > 0:
            raise ValueError(f"{name} is above 0, got {number:g}")
