"""What a run of the replay benchmark makes below its folder, and the cells that it measures there."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.replay import table
from tests.benchmarks.replay.fresh import Cell, Told, fresh, peak
from tests.benchmarks.replay.made import as_cases, write_plain

PEERS = {
    "recording": "pytest-recording's defaults, a cassette for each test",
    "vcrpy": "vcrpy, JSON, matched on the body",
    "cassetter": "cassetter, matched on the body",
}
"""What others are called in the table, by their cell in `peers`."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured.

    `numbers` of calls and `sizes` of pictures (bytes) make the replay cells, in each of which `calls` are
    played; `peers` are the numbers for others. `images` in an item are weighed in cassettes of `weighed`
    exchanges. `loaded` exchanges are loaded and are cases of a pytest run, in `rounds`. `recorded` calls take
    `seconds` each, `concurrency` at a time. Recorded lines are compared with made ones on `compared` items.
    """

    numbers: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    sizes: tuple[int, ...] = (50_000, 200_000)
    calls: int = 2_000
    peers: tuple[int, ...] = (100, 1_000)
    images: tuple[int, ...] = (1, 3)
    weighed: int = 1_000
    loaded: int = 10_000
    rounds: int = 5
    recorded: int = 1_000
    seconds: float = 0.3
    concurrency: int = 32
    compared: int = 50

    @property
    def ideal(self) -> float:
        """Seconds that a recording takes if nothing but the server's answers is waited for."""
        return self.recorded * self.seconds / self.concurrency


QUICK = Scale(
    numbers=(100, 1_000),
    calls=200,
    peers=(100,),
    weighed=100,
    loaded=1_000,
    rounds=1,
    recorded=200,
    seconds=0.1,
)


class Bench:
    """The made benchmarks of one run below `root`, and the cells measured in them by `cell`."""

    def __init__(self, root: Path, scale: Scale, cell: Cell = fresh) -> None:
        self.root = root
        self.scale = scale
        self.cell = cell
        self.means: dict[int, float] = {}
        self._clean = 0

    def made(self, number: int, size: int, *, images: int = 1) -> Path:
        """The folder of a recorded benchmark, made when it is first asked for."""
        folder = self.root / f"{number}-of-{size}-{images}"
        return folder if folder.exists() else self._build(folder, number, size, images=images)

    def unrecorded(self, number: int, size: int) -> Path:
        """The folder of a new benchmark without a cassette."""
        self._clean += 1
        return self._build(self.root / f"clean-{self._clean}", number, size, recorded=False)

    def _build(self, folder: Path, number: int, size: int, *, images: int = 1, recorded: bool = True) -> Path:
        pool = self.root / f"pictures-{size}"
        if not pool.exists():
            self.means[size] = self.cell("cells", "pictures", folder=str(pool), size=size)["mean"]
        where = {"folder": str(folder), "pool": str(pool)}
        self.cell("cells", "build", **where, number=number, images=images, recorded=recorded)
        return folder

    def said(self, what: str) -> None:
        """Say how far this run is."""
        print(f"{time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)

    def compare(self) -> int:
        """Exit unless recording writes the lines that the made cassettes have; gives how many were seen."""
        number = self.scale.compared
        seen = 0
        for size in self.scale.sizes:
            recorded, like = self.unrecorded(number, size), self.made(number, size)
            told = self.cell("cells", "compare", made_in=str(like), recorded_in=str(recorded))
            if not told["same"] or told["lines"] != number:
                raise SystemExit(f"a recorded cassette is not the made one: {recorded} and {like}")
            seen += told["lines"]
        return seen

    def replays(self) -> dict[tuple[int, int], Told]:
        """Both paths beside the floor, by number and size."""
        found = {}
        for size in self.scale.sizes:
            for number in self.scale.numbers:
                folder = str(self.made(number, size))
                found[number, size] = self.cell("cells", "replay", folder=folder, calls=self.scale.calls)
                self.said(f"replayed {number:,} of {size:,} bytes")
        return found

    def weights(self) -> dict[tuple[int, int], Told]:
        """Cassette bytes, by pictures in an item and their size."""
        return {
            (images, size): self.cell(
                "cells", "weigh", folder=str(self.made(self.scale.weighed, size, images=images))
            )
            for images in self.scale.images
            for size in self.scale.sizes
        }

    def load(self) -> Told:
        """The load of a cassette."""
        folder = str(self.made(self.scale.loaded, self.scale.sizes[0]))
        return self.cell("cells", "load", folder=folder, rounds=self.scale.rounds)

    def memory(self) -> tuple[list[float], list[float]]:
        """Peak MB of a pytest run of item cases, and of plain ones, by round."""
        number = self.scale.loaded
        folder = self.made(number, self.scale.sizes[0])
        ours = as_cases(folder, number)
        plain = write_plain(self.root / "plain", folder / "bench", number)
        rounds = [[peak(project) for project in (ours, plain)] for _ in range(self.scale.rounds)]
        return [one for one, _ in rounds], [other for _, other in rounds]

    def record(self, *, faulty: bool) -> Told:
        """A recording of the largest pictures."""
        folder = str(self.unrecorded(self.scale.recorded, self.scale.sizes[-1]))
        how = {"seconds": self.scale.seconds, "concurrency": self.scale.concurrency}
        return self.cell("recorded", "record", folder=folder, **how, faulty=faulty)

    def bare(self) -> Told:
        """The same requests to the server over plain sockets."""
        folder = str(self.unrecorded(self.scale.recorded, self.scale.sizes[-1]))
        how = {"seconds": self.scale.seconds, "concurrency": self.scale.concurrency}
        return self.cell("recorded", "bare", folder=folder, **how)

    def peers(self, names: Sequence[str]) -> list[table.Row]:
        """What these others take, by number and size."""
        found: list[table.Row] = []
        for size in self.scale.sizes:
            for number in self.scale.peers:
                folder = str(self.made(number, size))
                for name in names:
                    found.append(
                        (PEERS[name], number, size, self.cell("peers", name, folder=folder, number=number))
                    )
                    self.said(f"{name} replayed {number:,} of {size:,} bytes")
        return found
