"""The same data sets through others' gates, which run in an environment of their own."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

from tests.benchmarks.gates.cells import Block, drawn
from tests.benchmarks.kept import Counts

PROJECT = Path(__file__).resolve().parents[3]
PEERS = "peers"
"""The figure of a block whose data sets others' gates are asked about."""


def count(block: Block, python: str) -> Counts:
    """Alarms by candidate and tool, as `equal: truescore drift`; the versions are counted, too."""
    sets = [drawn(block.cell, number) for number in range(block.start, block.stop)]
    arrays = {name: np.stack([one.verdicts[name] for one in sets]) for name in block.cell.of.judges}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        np.savez_compressed(data, human=np.stack([one.human for one in sets]), **arrays)  # type: ignore[arg-type]
        told = json.loads(_asked(python, data))
    counts: Counts = Counter(sets=len(sets))
    for candidate, tools in told["alarms"].items():
        counts.update({f"{candidate}: {tool}": number for tool, number in tools.items()})
    counts.update(f"version: {name} {version}" for name, version in told["versions"].items())
    return counts


def _asked(python: str, data: Path) -> str:
    command = [python, "-m", "tests.benchmarks.gates.peers", str(data)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout
