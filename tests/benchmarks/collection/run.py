"""Time and peak memory of a large benchmark, beside as many plain parametrized cases.

    python tests/benchmarks/collection/run.py [--items N] [--runs K] [--write]

Makes a plain project and the same items as a benchmark, without images, with few or many small ones and
with large ones. Each is collected, and then run, in a pytest process of its own; the projects take turns,
and every ratio is within one round, so that a busy machine slows both sides of it. Prints medians as a
Markdown table; `--write` puts it into docs/speed.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
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

PAGE = Path(__file__).resolve().parents[3] / "docs" / "speed.md"
BEGIN, END = "<!-- collection: begin -->\n", "<!-- collection: end -->\n"
SEED = 20261122
SMALL, LARGE = (32, 32), (1200, 1200)
"""Pixels of the images, each of three bytes."""
SHARED_BY = 10
"""So many items share an image where there are few."""
RIGHT = 0.85
"""How often the judge of the log says what the humans said."""
BLOCKED = ("randomly", "hypothesispytest", "cacheprovider")
"""Plugins that the test extra brings, and the one that writes into the project."""
PYTEST = (sys.executable, "-m", "pytest", "-q", *(f"-pno:{name}" for name in BLOCKED))

Plain = dict[str, Any]

PLAIN = """
import json
from pathlib import Path

import pytest

CASES = [json.loads(line) for line in Path(__file__).with_name("items.jsonl").open(encoding="utf-8")]


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_case(case):
    assert case["human"]
"""
BENCHMARK = """
format = "mllm-judge/1"
name = "made"
items = "items.jsonl"

[gates]
"scores follow humans" = { check = "score.pearson", at_least = 0.5 }
"scores agree" = { check = "score.accuracy", at_least = 0.6 }
"pairs agree" = { check = "pair.accuracy", at_least = 0.6 }
"pairs of charts and maps agree" = { check = "pair.accuracy", at_least = 0.6, where = { source = ["charts", "maps"] } }
"rankings are near" = { check = "batch.distance", at_most = 0.4 }
"few problems" = { check = "problems.rate", at_most = 0.05 }
"""
JUDGE = '[tool.pytest-mllm-judge.judges.made]\nkind = "log"\npath = "log.jsonl"\n'
WORDS = (
    "the a picture chart shows two three red blue circles beside under above left right of with and while "
    "label axis value largest smallest person street sign window table seems to be standing near answer "
    "describes counts mentions omits detail colour shape correctly instead background foreground"
).split()
SOURCES = ("charts", "maps", "photographs", "posters", "scenes")


@dataclass(frozen=True, kw_only=True)
class Project:
    """A folder to run pytest in, what pytest is told besides, and how many cases it has."""

    title: str
    folder: Path
    cases: int
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one process took: wall time in seconds, and its peak resident memory in MB (10^6 bytes)."""

    seconds: float
    megabytes: float


Costs = dict[str, list[Cost]]
"""By project, one for each round."""


def text(chance: random.Random, length: int) -> str:
    """Words up to about so many characters, as a sentence."""
    words = [chance.choice(WORDS)]
    while sum(map(len, words)) + len(words) < length:
        words.append(chance.choice(WORDS))
    return " ".join(words).capitalize() + "."


def items(number: int) -> Iterator[Plain]:
    """Items of the three tasks in turn; one in three was labelled by three annotators, who agree."""
    chance = random.Random(SEED)
    for place in range(number):
        task, responses = (("score", 1), ("pair", 2), ("batch", 4))[place % 3]
        label = _label(chance, task)
        yield {
            "id": f"{task}-{place:06}",
            "task": task,
            "instruction": text(chance, 120),
            "responses": [{"text": text(chance, 300), "author": f"model-{n}"} for n in range(responses)],
            "human": [label] * 3 if chance.random() < 1 / 3 else label,
            "source": chance.choice(SOURCES),
        }


def _label(chance: random.Random, task: str) -> int | str:
    if task == "score":
        return chance.randint(1, 5)
    return chance.choice("AB") if task == "pair" else "".join(chance.sample("ABCD", 4))


def replies(benchmark: Iterator[Plain]) -> Iterator[Plain]:
    """A reply to each item: an analysis, then a judgement that is mostly the humans'."""
    chance = random.Random(SEED + 1)
    for item in benchmark:
        human = item["human"][0] if isinstance(item["human"], list) else item["human"]
        says = human if chance.random() < RIGHT else _label(chance, item["task"])
        yield {
            "item": item["id"],
            "reply": f"Analysis: {text(chance, 300)}\nJudgement: {says}",
            "usage": {"input_tokens": chance.randint(500, 2000), "output_tokens": chance.randint(50, 200)},
            "latency": round(chance.uniform(1, 5), 3),
        }


def with_images(benchmark: Iterator[Plain], *, shared_by: int) -> Iterator[Plain]:
    """The same items, each with an image."""
    for place, item in enumerate(benchmark):
        yield item | {"images": [f"images/{place // shared_by:06}.ppm"]}


def write_lines(file: Path, lines: Iterator[Plain]) -> None:
    """Write a JSON Lines file."""
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)


def write_images(folder: Path, number: int, size: tuple[int, int]) -> None:
    """Different images: the first pixels count upwards, the rest is a hole in the file, which takes no disk."""
    folder.mkdir()
    for place in range(number):
        with (folder / f"{place:06}.ppm").open("wb") as file:
            file.write(b"P6 %d %d 255\n" % size + place.to_bytes(6, "big"))
            file.truncate(file.tell() - 6 + size[0] * size[1] * 3)


def make_plain(folder: Path, number: int) -> Project:
    """The items as cases of one test."""
    folder.mkdir()
    write_lines(folder / "items.jsonl", items(number))
    (folder / "test_plain.py").write_text(PLAIN, encoding="utf-8")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n", encoding="utf-8")
    return Project(title="plain parametrized cases", folder=folder, cases=number)


def make_benchmark(
    folder: Path, number: int, *, shared_by: int = 0, size: tuple[int, int] = SMALL
) -> Project:
    """The items as a benchmark, with the log of a judge. Without `shared_by` there are no images."""
    bench = folder / "bench"
    bench.mkdir(parents=True)
    pictured = with_images(items(number), shared_by=shared_by) if shared_by else items(number)
    write_lines(bench / "items.jsonl", pictured)
    write_lines(folder / "log.jsonl", replies(items(number)))
    (bench / "benchmark.toml").write_text(BENCHMARK.lstrip(), encoding="utf-8")
    (folder / "pyproject.toml").write_text(JUDGE + "[tool.pytest.ini_options]\n", encoding="utf-8")
    title = "benchmark, no images"
    if shared_by:
        images = -(-number // shared_by)
        write_images(bench / "images", images, size)
        title = f"benchmark, {images:,} images of {_bytes(size[0] * size[1] * 3)}"
    gates = BENCHMARK.count("check =")
    return Project(title=title, folder=folder, cases=number + gates, arguments=("--judge=made", "bench"))


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} KB"


def make_all(root: Path, number: int) -> list[Project]:
    """Every project, the plain one first."""
    return [
        make_plain(root / "plain", number),
        make_benchmark(root / "none", number),
        make_benchmark(root / "many", number, shared_by=1),
        make_benchmark(root / "few", number, shared_by=SHARED_BY),
        make_benchmark(root / "large", number, shared_by=SHARED_BY, size=LARGE),
    ]


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
    plain, none, *pictured = (project.title for project in projects)
    slowest = max(ratio(collected, title, plain) for title in (none, *pictured))
    yield (
        f"Collecting takes {ratio(collected, none, plain):.2f} times as long as plain pytest without images "
        f"and at most {slowest:.2f} times with them; collecting and judging without images takes "
        f"{ratio(full, none, plain):.2f} times as long as collecting and running the plain cases."
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
