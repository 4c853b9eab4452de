"""Time and peak memory of a large benchmark, beside as many plain parametrized cases.

    python tests/benchmarks/collection/run.py [--items N] [--runs K] [--write]

Makes a plain project and the same items as a benchmark, without images, with few or many small ones and
with large ones. Each is collected, and then run, in a pytest process of its own; the projects take turns,
and every ratio is within one round, so that a busy machine slows both sides of it. Prints medians as a
Markdown table; `--write` puts it into docs/speed.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.benchmarks.collection.made import Project, make_all

PAGE = Path(__file__).resolve().parents[3] / "docs" / "speed.md"
BEGIN, END = "<!-- collection: begin -->\n", "<!-- collection: end -->\n"
BLOCKED = ("randomly", "hypothesispytest", "cacheprovider")
"""Plugins that the test extra brings, and the one that writes into the project."""
PYTEST = (sys.executable, "-m", "pytest", "-q", *(f"-pno:{name}" for name in BLOCKED))


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one process took: wall time in seconds, and its peak resident memory in MB (10^6 bytes)."""

    seconds: float
    megabytes: float


Costs = dict[str, list[Cost]]
"""By project, one for each round."""


def environment(root: Path) -> dict[str, str]:
    """This process's own, without settings of Python and pytest; compiled files are kept below `root`."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "PYTHON"))}
    return clean | {"PYTHONPYCACHEPREFIX": str(root / "compiled")}


def measure(project: Project, *, collect_only: bool) -> Cost:
    """Run pytest in a project, and see that every case was collected or passed."""
    command = [*PYTEST, *(("--collect-only",) if collect_only else ()), *project.arguments]
    clean = environment(project.folder.parent)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=project.folder, env=clean, stdout=out, stderr=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
    last = said.rstrip().rpartition("\n")[2]
    if process.returncode or f"{project.cases} {'tests collected' if collect_only else 'passed'}" not in last:
        raise SystemExit(f"{project.title}: exit status {process.returncode}\n{said[-3000:]}")
    # Linux counts KiB, macOS bytes.
    return Cost(seconds=seconds, megabytes=usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)


def measure_all(projects: Sequence[Project], *, runs: int) -> tuple[Costs, Costs]:
    """The costs of collecting and of full runs, in rounds of all projects."""
    collected: Costs = {project.title: [] for project in projects}
    full: Costs = {project.title: [] for project in projects}
    for project in projects[:2]:  # so that everything is compiled before it is measured
        measure(project, collect_only=False)
    for turn in range(runs):
        for project in projects:
            collected[project.title].append(measure(project, collect_only=True))
            full[project.title].append(measure(project, collect_only=False))
        print(f"round {turn + 1} of {runs} is done", file=sys.stderr)
    return collected, full


def median(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    """The median of one of the figures."""
    return statistics.median(map(of, costs))


def seconds(cost: Cost) -> float:
    """Its wall time."""
    return cost.seconds


def megabytes(cost: Cost) -> float:
    """Its peak memory."""
    return cost.megabytes


def ratio(costs: Costs, title: str, plain: str) -> float:
    """The median over rounds of a project's time by the plain project's of the same round."""
    pairs = zip(costs[title], costs[plain], strict=True)
    return statistics.median(cost.seconds / other.seconds for cost, other in pairs)


def table(projects: Sequence[Project], collected: Costs, full: Costs) -> Iterator[str]:
    """The Markdown table, a line for each project."""
    yield "| project | collect, s | × plain | peak, MB | collect and run, s | × plain | peak, MB |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    plain = projects[0].title
    for title in (project.title for project in projects):
        cells = [
            f"{median(costs[title], seconds):.2f} | {ratio(costs, title, plain):.2f} | "
            f"{median(costs[title], megabytes):.0f}"
            for costs in (collected, full)
        ]
        yield f"| {title} | {' | '.join(cells)} |"


def findings(projects: Sequence[Project], collected: Costs, full: Costs) -> Iterator[str]:
    """What the table says of the two promises: time against plain pytest, memory against images."""
    plain, none, ungated, *pictured = (project.title for project in projects)
    slowest = max(ratio(collected, title, plain) for title in pictured)
    yield (
        f"Collecting without images takes {ratio(collected, none, plain):.2f} times as long as plain cases "
        f"({ratio(collected, ungated, plain):.2f} times without gates), with images at most {slowest:.2f} "
        f"times. Collecting and judging takes {ratio(full, none, plain):.2f} times as long as running those."
    )
    for what, costs in (("collecting", collected), ("collecting and judging", full)):
        bare = median(costs[none], megabytes)
        more = [median(costs[title], megabytes) - bare for title in pictured]
        yield (
            f"Peak memory of {what} with images, less that without: "
            + "; ".join(
                f"{title.partition(', ')[2]}: {extra:+.1f} MB"
                for title, extra in zip(pictured, more, strict=True)
            )
            + "."
        )


def machine() -> str:
    """The machine and the versions, in one line."""
    processor = platform.processor() or platform.machine()
    details = Path("/proc/cpuinfo")
    if details.is_file():
        lines = details.read_text(encoding="utf-8").splitlines()
        processor = next(
            (line.partition(": ")[2] for line in lines if line.startswith("model name")), processor
        )
    packages = ("pytest", "pytest-mllm-judge", "pydantic", "numpy", "scipy")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return (
        f"{processor}, {os.cpu_count()} cores, {platform.system()}, "
        f"{platform.python_implementation()} {platform.python_version()}, {versions}"
    )


def write(page: Path, lines: Sequence[str]) -> None:
    """Put the lines between the page's markers."""
    head, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise SystemExit(
            f"{page} lacks the lines {BEGIN.strip()} and {END.strip()}, so there is no place to write"
        )
    page.write_text(head + begin + "\n".join(lines) + "\n" + end + tail, encoding="utf-8")


def main(arguments: Mapping[str, Any]) -> None:
    """Make, measure, print, and write if asked to."""
    number, runs = arguments["items"], arguments["runs"]
    with tempfile.TemporaryDirectory() as root:
        projects = make_all(Path(root), number)
        collected, full = measure_all(projects, runs=runs)
    lines = [
        f"{number:,} items, medians of {runs} rounds on {machine()}.",
        "",
        *table(projects, collected, full),
        "",
        *findings(projects, collected, full),
    ]
    print("\n".join(lines))
    if arguments["write"]:
        write(PAGE, lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, default=10_000, metavar="N", help="items of each project")
    parser.add_argument("--runs", type=int, default=5, metavar="K", help="rounds (default: 5)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/speed.md")
    main(vars(parser.parse_args()))
