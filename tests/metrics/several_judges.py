"""Made-up judges that are right equally often, in clusters; and how often some are told apart.

`python -m tests.metrics.several_judges 10000` prints the rates that the docs quote.
"""

from __future__ import annotations

import math
import sys

import numpy as np
from scipy.special import ndtri

from pytest_mllm_judge import Judgements
from pytest_mllm_judge.metrics.standings import standings

from .figures import judged

ITEMS = 200
PER_CLUSTER = 4
JUDGES = 5
ACCURACY = 0.80
WORSE = 0.50
SHARED = 0.5
"""Of the variance of being right: an item's difficulty, which all judges share."""
OWN_CLUSTER = 0.25
"""Of it: what a judge makes of a picture, in all items of the cluster; the rest is noise."""


def drawn(rng: np.random.Generator, accuracies: list[float]) -> dict[str, Judgements]:
    """Judges a, b, c, ... that are right with these probabilities on pairs whose human label is A or B."""
    human = rng.choice(["A", "B"], ITEMS)
    clusters = np.arange(ITEMS) // PER_CLUSTER
    item = rng.normal(size=ITEMS)
    found = {}
    for place, accuracy in enumerate(accuracies):
        picture = rng.normal(size=clusters[-1] + 1)[clusters]
        noise = rng.normal(size=ITEMS)
        parts = (SHARED, item), (OWN_CLUSTER, picture), (1 - SHARED - OWN_CLUSTER, noise)
        latent = sum(math.sqrt(share) * part for share, part in parts)
        verdict = np.where((latent < ndtri(accuracy)) == (human == "A"), "A", "B")
        name = "abcdefgh"[place]
        rows = list(zip(human.tolist(), verdict.tolist(), strict=True))
        found[name] = judged("pair", rows, judge=name, cluster_of=lambda item: f"{int(item.id[-3:]) // 4}")
    return found


def alarms(sets: int, *, seed: int) -> int:
    """In how many of so many data sets any two of five equally good judges are told apart."""
    rng = np.random.default_rng(seed)
    tables = (standings(drawn(rng, [ACCURACY] * JUDGES))[0] for _ in range(sets))
    return sum(any(each.apart for each in table.differences) for table in tables)


def finds(sets: int, *, seed: int) -> int:
    """In how many the last of five judges, which is worse, is told apart from all others."""
    rng = np.random.default_rng(seed)
    tables = (standings(drawn(rng, [ACCURACY] * (JUDGES - 1) + [WORSE]))[0] for _ in range(sets))
    return sum(
        all(each.apart for each in table.differences if "e" in (each.first, each.second)) for table in tables
    )


def main(sets: int) -> None:
    """Print both rates, and the standard error of a rate of 5 %."""
    some = sets // 10
    alarm, found = alarms(sets, seed=1) / sets, finds(some, seed=2) / some
    error = math.sqrt(0.05 * 0.95 / sets)
    print(
        f"any two of {JUDGES} equal judges told apart: {alarm:.2%} of {sets:,} (standard error {error:.2%})"
    )
    print(f"one of {WORSE:.2f} told from all {JUDGES - 1} of {ACCURACY:.2f}: {found:.1%} of {some:,}")


if __name__ == "__main__":
    main(int(sys.argv[1]))
