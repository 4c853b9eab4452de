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
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks.collection.run import machine
from tests.benchmarks.pages import write_between
from tests.benchmarks.replay import table
from tests.benchmarks.replay.bench import PEERS, QUICK, Bench, Scale
from tests.benchmarks.replay.fresh import PROJECT, Told
from tests.benchmarks.replay.made import POOL
from tests.benchmarks.replay.server import FAULTS

PAGE = PROJECT / "docs" / "recording.md"
BEGIN, END = "<!-- replay: begin -->\n", "<!-- replay: end -->\n"
PACKAGES = ("openai", "httpx2", "vcrpy", "pytest-recording", "cassetter", "pillow")
BUSY = 0.3
"""Above this load average the machine had other work."""


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
        write_between(PAGE, BEGIN, END, lines)


if __name__ == "__main__":
    main()
