"""What is planned for."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_mllm_judge.benchmarks.manifest import Upgrade
from pytest_mllm_judge.statistics.planning import (
    design_effect,
    items_for_margin,
    items_without_discordance,
    margin_for_items,
    margin_without_discordance,
)

MARGIN = 0.05
"""The margin where neither the command nor the benchmark names one."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is planned for: the margin, the clusters, the repeats, and the chance to show what is true.

    `margin` is None where it was not said: then the benchmark's `[upgrade]` says it for each check. `noise`
    is how often the same judge, asked again, gives another verdict: what repeats average out.
    `correlation` is how alike the items of a cluster are, 0 to 1.
    """

    margin: float | None = None
    power: float = 0.8
    confidence: float = 0.95
    repeats: int = 1
    noise: float = 0.0
    per_cluster: float = 1.0
    correlation: float = 0.0
    upgrade: Upgrade | None = None

    def margin_of(self, check: str = "") -> float:
        """The margin for a check such as `pair.accuracy`: the one said, the benchmark's, or 0.05."""
        if self.margin is not None:
            return self.margin
        said = self.upgrade.margin_of(check) if self.upgrade is not None else None
        return said or MARGIN

    @property
    def effect(self) -> float:
        """How many times as many items the clusters need."""
        return design_effect(self.per_cluster, self.correlation)

    def items(self, spread: float, *, check: str = "") -> int:
        """Items to show a difference of this spread to be within the margin, independent but for clusters."""
        margin = self.margin_of(check)
        independent = items_for_margin(margin, spread, power=self.power, confidence=self.confidence)
        return math.ceil(independent * self.effect - 1e-9)

    def items_at_hand(self, spread: float, *, check: str, is_share: bool = False) -> int | None:
        """The same of a spread that has its clusters in it. None without a spread, where it is no share.

        Of shares never fewer than Tango's bound asks when no verdict differs.
        """
        margin = self.margin_of(check)
        chances = {"power": self.power, "confidence": self.confidence}
        needed = items_for_margin(margin, spread, **chances) if spread else None
        if not is_share or margin >= 1:
            return needed
        return max(needed or 1, items_without_discordance(margin, confidence=self.confidence))

    def margin_at_hand(self, spread: float, *, n: int, clusters: int, is_share: bool) -> float:
        """The smallest margin that so many judgements show; of shares never less than Tango's bound."""
        chances = {"power": self.power, "confidence": self.confidence}
        smallest = margin_for_items(n, spread, **chances) if spread else 0.0
        least = margin_without_discordance(clusters, confidence=self.confidence) if is_share else 0.0
        return max(smallest, least)
