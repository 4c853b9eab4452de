"""Counts of blocks of data sets, kept in a folder, so that an interrupted simulation goes on where it was."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar

Counts = Counter[str]
"""What is counted over data sets; sums of whole numbers, of figures and of widths."""


class Block(Protocol):
    """Some data sets of a cell, and the figures that are wanted of them, by name."""

    @property
    def cell(self) -> object:
        """What the data sets are drawn from, in words as a string."""

    @property
    def start(self) -> int:
        """The number of the first data set."""

    @property
    def stop(self) -> int:
        """The number after the last one."""

    @property
    def figures(self) -> tuple[str, ...]:
        """What is counted of each data set."""


B = TypeVar("B", bound=Block)


def digest_of(files: Iterable[Path]) -> str:
    """A digest of the code that results come from, so that none is taken for another's."""
    digest = hashlib.sha256(f"{version('numpy')} {version('scipy')}".encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


class Kept:
    """The counts of blocks, in a folder; those of other code count only if `any_code`."""

    def __init__(self, cache: Path, *, code: str, any_code: bool) -> None:
        self.cache, self.code, self.any_code = cache, code, any_code
        cache.mkdir(parents=True, exist_ok=True)

    def read(self, block: Block) -> dict[str, Counts]:
        """What is kept of a block, by figure."""
        return {
            name: Counter(each["counts"])
            for name, each in self._all(block).items()
            if name in block.figures and (self.any_code or each["code"] == self.code)
        }

    def codes(self, some: Iterable[Block]) -> int:
        """How many versions of the code the results of these blocks come from."""
        return len(
            {
                each["code"]
                for block in some
                for name, each in self._all(block).items()
                if name in block.figures
            }
        )

    def lacks(self, block: Block) -> tuple[str, ...]:
        """The figures of a block that are not kept."""
        there = self.read(block)
        return tuple(name for name in block.figures if name not in there)

    def write(self, block: Block, found: dict[str, Counts]) -> None:
        """Keep what was found, beside what is kept of other figures."""
        new = {name: {"code": self.code, "counts": dict(counts)} for name, counts in found.items()}
        file = self._file(block)
        unfinished = file.with_suffix(".part")
        unfinished.write_text(json.dumps(self._all(block) | new), encoding="utf-8")
        unfinished.replace(file)

    def _file(self, block: Block) -> Path:
        words = "".join(letter if letter.isalnum() else "-" for letter in str(block.cell))
        return self.cache / f"{words}--{block.start}-{block.stop}.json"

    def _all(self, block: Block) -> dict[str, Any]:
        file = self._file(block)
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return found


def run(
    kept: Kept, todo: Sequence[B], count: Callable[[B], tuple[B, dict[str, Counts]]], *, jobs: int
) -> None:
    """Count the blocks, in several processes, and keep each."""
    began = time.monotonic()
    with multiprocessing.Pool(jobs) as pool:
        for number, (block, found) in enumerate(pool.imap_unordered(count, todo), start=1):
            kept.write(block, found)
            spent = (time.monotonic() - began) / 60
            left = spent / number * (len(todo) - number)
            said = f"{number} of {len(todo)} blocks, {spent:.1f} min, about {left:.0f} more: {block.cell}"
            print(said, file=sys.stderr)
