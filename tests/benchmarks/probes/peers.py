"""What others say of a liking for a slot, on the same verdicts, each at its defaults.

    python -m tests.benchmarks.probes.peers DATA.npz

Runs in an environment of its own: `pip install judgebias truescore`, which bring numpy and scipy. `DATA.npz`
holds for each world an array of 0 and 1 (data sets, n, 2): whether a pair's verdict is for the answer that is
shown first, in the one order and in the other. Prints JSON: for each world and tool how many data sets raised
its alarm, and versions.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any

ALPHA = 0.05


def judgebias(chose: Any) -> bool:
    """Whether `judgebias` flags a position bias: the same slot in both orders is another answer."""
    return bool(import_module("judgebias").position_bias(chose[:, 0] == chose[:, 1]).present)


def truescore(chose: Any) -> bool:
    """Whether `truescore` finds p < .05."""
    found = import_module("truescore.bias").position_bias(chose[:, 0], chose[:, 1])
    return bool(found.p_value < ALPHA)


def sign_test(chose: Any) -> bool:
    """Whether of the pairs that go with a slot too many or few go with the first (exact, p < .05)."""
    both = chose.sum(axis=1)
    first, second = int((both == 2).sum()), int((both == 0).sum())
    if not first + second:
        return False
    return bool(import_module("scipy.stats").binomtest(first, first + second).pvalue < ALPHA)


TOOLS: dict[str, Callable[[Any], bool]] = {
    "`judgebias.position_bias`, flagged": judgebias,
    "`truescore` position bias, p < .05": truescore,
    "exact test on conflicts, p < .05": sign_test,
}
"""What is asked about each data set."""
PACKAGES = ("judgebias", "truescore", "scipy")


def main() -> None:
    """Read the data sets, and tell."""
    import numpy as np

    with np.load(sys.argv[1]) as data:
        alarms = {
            world: {name: sum(map(tool, data[world])) for name, tool in TOOLS.items()} for world in data.files
        }
    print(json.dumps({"alarms": alarms, "versions": {name: version(name) for name in PACKAGES}}))


if __name__ == "__main__":
    main()
