"""How numbers are written, for a reader and for another process."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # so that importing claims loads no numpy
    from pytest_mllm_judge.claims.beside import Beside
    from pytest_mllm_judge.statistics import Interval


def show(value: float | None) -> str:
    """A figure with three decimals: .1234 -> 0.123, None -> undefined."""
    return "undefined" if value is None else f"{value:z.3f}"


def show_range(low: float | None, high: float | None) -> str:
    """`0.630 to 0.740`, or `no interval`."""
    return "no interval" if low is None or high is None else f"{show(low)} to {show(high)}"


def show_figure(
    value: float | None, low: float | None, high: float | None, *, reason: str = "", more: str = ""
) -> str:
    """`0.812 (0.783 to 0.838)`, `more` behind the bounds; without bounds the reason for that."""
    bounds = reason if reason and (low is None or high is None) else show_range(low, high) + more
    return f"{show(value)} ({bounds})"


def show_down(value: float) -> str:
    """Three decimals, never above the value."""
    near = float(f"{value:.3f}")
    return show(near if near <= value else near - 0.001)


def show_up(value: float) -> str:
    """Three decimals, never below the value."""
    return show(-float(show_down(-value)))


def plain(record: Interval | Beside | None) -> dict[str, Any] | None:
    """An interval or a line beside, in builtin types that JSON has: what is not finite becomes None."""
    return None if record is None else {name: builtin(value) for name, value in asdict(record).items()}


def builtin(value: Any) -> Any:
    """A number of Python for one of numpy's, None for one that is not finite; anything else as it is."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def shown(interval: Interval) -> str:
    """`0.812, 0.783 to 0.838, n = 500`."""
    return f"{show(interval.value)}, {show_range(interval.low, interval.high)}, n = {interval.n}"
