"""What docs/statistics.md says of each check and the code knows: source, value, interval, coverage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pytest_mllm_judge.metrics import CHECKS
from tests.benchmarks.probes.claimed import claims
from tests.docs.references import REFERENCES, found, methods

DOCS = Path(__file__).parents[2] / "docs"
SIMULATION = DOCS / "statistics-simulation.md"
PARTS = ("Formula", "Assumes", "Source", "Annotators", "Reference value", "Interval", "Coverage")
"""What every check's section holds, the first two written by hand."""

_METHODS = {
    "wilson": "Wilson's score",
    "clopper-pearson": "Clopper and Pearson's exact bounds",
    "jackknife-t, plain": "jackknife",
    "jackknife-t, arctanh": "jackknife on the arctanh scale",
    "tango": "Tango's score",
    "wilson of each label, mover": "Wilson's score of each label, put together (MOVER)",
    "jackknife-t, log": "jackknife on the log scale, its bias taken off",
    "jackknife-t, logit": "jackknife on the logit scale",
    "jackknife-t, ratio, least and most": "jackknife of a ratio, over what single labels may err by",
    "jackknife-t, half a pseudo-pair": "jackknife with half a pseudo-pair",
    "jackknife-t, skewness off": "jackknife, skewness taken off",
    "jackknife-t, skewness off, half a pseudo-pair": "jackknife with half a pseudo-pair, skewness taken off",
}
_COMBINED = {
    "majority": "the label that most gave",
    "mean": "their mean",
    "all": "each one's label",
}
_UNREAD = (
    *("coherence.", "consistency.", "cost.", "grounding.", "hallucination.", "latency.", "pair.position"),
    *("position.", "reviews.", "robustness.", "batch.position", "batch.echo"),
)
"""Figures that read no human label."""
_SIMULATED = {
    "alpha_nominal": "alpha, nominal",
    "alpha_ordinal": "alpha, ordinal",
    "alpha_interval": "alpha, interval",
    "f1": "f1, macro",
    "precision": "precision, macro",
    "recall": "recall, macro",
    "rate": "problems.rate",
}
"""Figures whose name in the simulation's tables is not the check's own."""
_POPULATIONS = {"score": ("score", "binary", "sources")}
"""Those that a task's figures are counted on, where they are not named for it."""


def sheet(names: Sequence[str]) -> str:
    """The lines about some checks that share a section."""
    lines = [
        ("Source", _each(names, lambda name: CHECKS[name].source)),
        ("Annotators", _each(names, _annotators)),
        ("Reference value", _each(names, _reference)),
        ("Interval", _each(names, _interval)),
        ("Coverage", _each(names, _coverage)),
    ]
    return "\n".join(f"- **{part}**: {text}" for part, text in lines)


def _each(names: Sequence[str], of: Callable[[str], str]) -> str:
    """What holds for every name, once; else each name with its own."""
    said: dict[str, list[str]] = {}
    for name in names:
        said.setdefault(of(name), []).append(f"`{name}`")
    if len(said) == 1:
        return f"{next(iter(said))}."
    return "; ".join(f"{text} ({', '.join(some)})" for text, some in said.items()) + "."


def _annotators(name: str) -> str:
    return "not read" if name.startswith(_UNREAD) else _COMBINED[CHECKS[name].combine]


def _reference(name: str) -> str:
    reference, estimate = REFERENCES[name], found(name)
    return f"{estimate.value:.4f} [{estimate.low:.3f}, {estimate.high:.3f}] on {reference.on}, {reference.by}"


def _interval(name: str) -> str:
    one, two = (_METHODS[method] for method in methods(name))
    return f"{one}; of a difference {two}"


@dataclass(frozen=True)
class Row:
    """A row of the simulation: its heading, its figure, the share of data sets that its interval covers."""

    heading: str
    figure: str
    coverage: float


def rows(page: str) -> Iterator[Row]:
    """The rows of the simulation's coverage tables that have a figure."""
    heading = ""
    for line in page.splitlines():
        if line.startswith("### "):
            heading = line.removeprefix("### ")
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) > 5 and re.fullmatch(r"[01]?\.\d+", cells[4]):
            yield Row(heading, cells[0], float(cells[4]))


@cache
def simulated() -> tuple[Row, ...]:
    """The rows of the page as it is."""
    return tuple(rows(SIMULATION.read_text(encoding="utf-8")))


def _coverage(name: str) -> str:
    return coverage(name, simulated())


def coverage(name: str, every: Iterable[Row]) -> str:
    """What the simulation says of a check, with links to the tables."""
    task, _, figure = name.partition(".")
    figure = _SIMULATED.get(figure, figure)
    populations = _POPULATIONS.get(task, (task,))
    some = [row for row in every if row.heading.partition(",")[0] in populations]
    one = [row for row in some if row.figure == figure or row.figure.startswith(f"{figure}, mean of")]
    two = [row for row in some if row.figure == f"{figure}, difference"]
    said = [f"{_range(one)} ({_links(one)})"] if one else []
    said += [f"of differences {_range(two)}"] if two else []
    if name in claims():
        said.append("how often faults of known size are found is counted [here](probes-simulation.md)")
    return ", ".join(said) or "not counted in [the simulation](statistics-simulation.md)"


def _range(some: Sequence[Row]) -> str:
    shares = [row.coverage for row in some]
    cells = f"{len(some)} cell{'s' if len(some) > 1 else ''}"
    return f"{min(shares):.3f} to {max(shares):.3f} in {cells}"


def _links(some: Sequence[Row]) -> str:
    headings = dict.fromkeys(row.heading for row in some)
    return ", ".join(f"[{heading}](statistics-simulation.md#{anchor(heading)})" for heading in headings)


def section_anchor(name: str) -> str:
    """The name that a check's section in docs/statistics.md is linked by."""
    page = (DOCS / "statistics.md").read_text(encoding="utf-8")
    headings = re.findall(r"^### (.+)$", page, re.MULTILINE)
    return next(anchor(heading) for heading in headings if f"`{name}`" in heading)


def anchor(heading: str) -> str:
    """The name that a heading is linked by."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
