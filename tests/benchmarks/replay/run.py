"""What replaying and recording cost, beside the openai SDK alone and beside other cassettes.

    python -m tests.benchmarks.replay.run [--quick] [--no-peers] [--write]

Makes benchmarks of noise pictures and their cassettes, and sees that recording through a server writes the
same lines. Then measures, each cell in a Python process of its own: replays of both paths beside the SDK on a
transport in the process, bytes, load, peak memory in pytest, and recordings from a server on loopback,
without and with faults. Peers are vcrpy, pytest-recording and cassetter (`pip install -e '.[peers]'`, in an
environment of its own). Prints Markdown; `--write` puts it into docs/recording.md. `--quick` is smaller, and
its figures are no measure of anything.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.collection.run import machine
from tests.benchmarks.replay import table
from tests.benchmarks.replay.fresh import PROJECT, Cell, Told, fresh, peak
from tests.benchmarks.replay.made import POOL, as_cases, write_plain
from tests.benchmarks.replay.server import FAULTS

PAGE = PROJECT / "docs" / "recording.md"
BEGIN, END = "<!-- replay: begin -->\n", "<!-- replay: end -->\n"
PEERS = {
    "recording": "pytest-recording's defaults, a cassette for each test",
    "vcrpy": "vcrpy, JSON, matched on the body",
    "cassetter": "cassetter, matched on the body",
}
PACKAGES = ("openai", "httpx2", "vcrpy", "pytest-recording", "cassetter", "pillow")
BUSY = 0.3
"""Above this load average the machine had other work."""


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


def figures(bench: Bench, replays: dict[tuple[int, int], Told]) -> Iterator[table.Figure]:
    """Every figure that is to reach something; measured as it is asked for."""
    scale = bench.scale
    yield from table.replayed(replays)
    yield from table.weighed(bench.weights())
    yield table.loaded(bench.load(), scale.loaded)
    bench.said("loaded")
    yield table.remembered(*bench.memory(), scale.loaded)
    bench.said("remembered")
    each = f"{table.size_name(scale.sizes[-1])}, {scale.seconds * 1000:.0f} ms each"
    what = f"{scale.recorded:,} calls, {each}, concurrency {scale.concurrency}"
    yield table.recorded(bench.record(faulty=False), scale.ideal, what)
    bench.said("recorded")
    yield table.mended(bench.record(faulty=True), scale.ideal, _faults())
    bench.said("recorded with faults")


def _faults() -> str:
    cut = FAULTS["cut"] + FAULTS["closed"]
    return (
        f"{FAULTS['429']:.0%} 429 (Retry-After: 1), {FAULTS['500']:.0%} 500, {cut:.0%} cut replies, "
        f"{FAULTS['silent']:.0%} time-outs"
    )


def ours(bench: Bench, replays: dict[tuple[int, int], Told]) -> Iterator[table.Row]:
    """Our own cells of the numbers that others were asked for, as rows of their table."""
    for (number, size), told in replays.items():
        if number in bench.scale.peers:
            weight = bench.cell("cells", "weigh", folder=str(bench.made(number, size)))["bytes"]
            for kind in ("wire", "fast"):
                same = {"ms": table.median(told, kind), "floor": told["floor"], "bytes": weight}
                yield f"ours, {kind} path", number, size, {**same, "how": "every call"}


def notes(bench: Bench, compared: int) -> Iterator[str]:
    """How it was measured."""
    scale = bench.scale
    sizes = " and ".join(f"{mean / 1000:.1f}" for mean in bench.means.values())
    yield (
        f"Times are the processor's, medians of blocks that take turns with the floor in one process; a cell "
        f"is a fresh process. The floor is the openai SDK on an in-process `httpx2.MockTransport`, its "
        f"requests and answers made before; beside it stands the floor that makes its requests too, as our "
        f"judge does. Ours is `Run.ask`, from an item to its judgement: prompt, digest, look-up, reply, "
        f"verdict, and on the wire path the reading and encoding of the picture. At most {scale.calls:,} "
        f"calls of a cassette are played, spread over it; every reply is compared."
    )
    yield ""
    yield (
        f"Pictures are JPEGs of noise, {sizes} KB in the mean; {POOL} files of a size are shared among the "
        f"items, whose requests differ by their text. Large cassettes are written line by line without a "
        f"server; {compared} exchanges recorded through one gave the same lines. Items ask at temperature 0. "
        f"Files are in the machine's cache."
    )


def server_note(bench: Bench) -> str:
    """What the loopback server takes by itself."""
    told, ideal = bench.bare(), bench.scale.ideal
    return (
        f"The server, in a process of its own, is not what recording waits for: the same requests over "
        f"plain sockets take {told['seconds']:.1f} s ({told['seconds'] / ideal:.2f} × the ideal), of which "
        f"it works {told['server']['processor']:.1f} s, and no answer leaves it more than "
        f"{told['server']['late'] * 1000:.0f} ms late."
    )


def report(bench: Bench, *, peers: Sequence[str]) -> Iterator[str]:
    """What is printed and written."""
    load_before = os.getloadavg()[0]
    compared = bench.compare()
    replays = bench.replays()
    reached = list(figures(bench, replays))
    installed = [f"{name} {version(name)}" for name in PACKAGES if _is_installed(name)]
    yield f"On {machine()}, {', '.join(installed)}."
    if load_before > BUSY:
        yield f"**The machine had other work too**: its load average was {load_before:.1f} at the start."
    yield ""
    yield from notes(bench, compared)
    yield ""
    yield from table.figures_table(reached)
    yield ""
    yield server_note(bench)
    yield ""
    yield from table.replay_table(replays)
    if peers:
        yield ""
        yield from table.peers_table([*bench.peers(peers), *ours(bench, replays)])


def missing() -> str:
    """What to install, if a peer is missing."""
    if all(find_spec(name) for name in ("cassetter", "pytest_recording")):
        return ""
    return (
        "the peers are not installed: pip install -e '.[peers]', in an environment of its own, since two of "
        "their pytest plugins claim the same option and no pytest starts by itself with both"
    )


def _is_installed(name: str) -> bool:
    return find_spec(name.replace("-", "_").replace("vcrpy", "vcr").replace("pillow", "PIL")) is not None


def write(lines: Sequence[str]) -> None:
    """Put the lines between the page's markers."""
    head, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(f"{PAGE} lacks the lines {BEGIN.strip()} and {END.strip()}, so there is no place")
    PAGE.write_text(head + begin + "\n".join(lines) + "\n" + end + tail, encoding="utf-8")


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="smaller, to see that it runs")
    parser.add_argument("--no-peers", action="store_true", help="without other cassettes")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/recording.md")
    parser.add_argument("--folder", help="where to work (default: a temporary folder, which needs 2 GB)")
    options = parser.parse_args()
    if not options.no_peers and (lacking := missing()):
        raise SystemExit(f"{lacking}; or leave them out, with --no-peers")
    with tempfile.TemporaryDirectory(dir=options.folder) as root:
        bench = Bench(Path(root), QUICK if options.quick else Scale())
        lines = list(report(bench, peers=() if options.no_peers else tuple(PEERS)))
    print("\n".join(lines))
    if options.write:
        write(lines)


if __name__ == "__main__":
    main()
