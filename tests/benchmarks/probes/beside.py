"""Liking for a slot as others test it, and as `pair.position` does, on the same verdicts."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.probes import SWAPPED
from pytest_mllm_judge.reference.dials import Choice, Dials, apply
from tests.benchmarks.kept import Counts
from tests.benchmarks.probes.faults import SEED
from tests.benchmarks.probes.population import OTHER, response

PROJECT = Path(__file__).resolve().parents[3]
SETS = 1_000
TWO_SIDED = 0.975
"""The confidence of one side at which the interval of both is at 95 %, as others' tests are."""
CHOICE = Choice(task="pair", options=("A", "B"))
"""Without ties: not every tool knows them."""
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class World:
    """Pairs of which either answer is as often the better one, and a judge of them."""

    name: str
    n: int
    dials: Dials

    def drawn(self, number: int) -> Codes:
        """One data set: 1 where the answer shown first is preferred (n, 2), by order."""
        return np.array([self._pair(f"{self.name} {number} {place}") for place in range(self.n)])

    def _pair(self, name: str) -> tuple[int, int]:
        """The first answer is the better one: which has a name does not matter."""
        said = (
            apply(self.dials, right, choice=CHOICE, key=f"{name} {right}", item=name)
            for right in CHOICE.options
        )
        first, other = said
        return int(first == "A"), int(other == "A")


FAIR = World(name="a fair judge that errs in one verdict of ten", n=100, dials=Dials(noise=0.1, seed=SEED))
BIASED = World(
    name="one that errs in one of twenty and prefers the first slot by 6 points",
    n=200,
    dials=Dials(noise=0.05, slot_bias=0.06, seed=SEED),
)
WORLDS = (FAIR, BIASED)


def theirs(python: str, sets: Mapping[str, Codes]) -> tuple[dict[str, Counts], dict[str, str]]:
    """Of each world the alarms by tool, and the versions."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data.npz"
        np.savez_compressed(data, **dict(sets))  # type: ignore[arg-type]
        command = [python, "-m", "tests.benchmarks.probes.peers", str(data)]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    return {world: Counter(alarms) for world, alarms in told["alarms"].items()}, told["versions"]


def ours(sets: Codes) -> Counts:
    """What our check says of them: whether its interval is off 0, and the claim `within` its margin."""
    counts: Counts = Counter()
    for chose in sets:
        two_sided = estimate(chose, confidence=TWO_SIDED).counted
        assert two_sided.low is not None
        assert two_sided.high is not None
        counts["off 0"] += two_sided.low > 0 or two_sided.high < 0
        margin = CHECKS["pair.position"].margin
        assert margin is not None
        counts[estimate(chose).within(margin).outcome] += 1
    return counts


def estimate(chose: Codes, *, confidence: float = 0.95) -> Estimate:
    """`pair.position` of one data set."""
    judgements = Judgements(_judgements(chose), cluster_of=lambda item: item.id, tasks=Tasks())
    return CHECKS["pair.position"](judgements, confidence=confidence)


def _judgements(chose: Codes) -> Iterator[Judgement]:
    answers = (response(100, OTHER), response(200, OTHER))
    for place, orders in enumerate(chose.tolist()):
        item = Item.model_construct(id=f"pair-{place}", task="pair", responses=answers)
        for variant, first in zip(("", SWAPPED), orders, strict=True):
            yield Judgement.model_construct(
                item=item, judge="judge", variant=variant, verdict="A" if first else "B"
            )


def table(python: str) -> Iterator[str]:
    """All tools on all worlds, as Markdown."""
    sets = {world.name: np.stack([world.drawn(number) for number in range(SETS)]) for world in WORLDS}
    alarms, versions = theirs(python, sets)
    told = ", ".join(f"{name} {number}" for name, number in versions.items())
    mine = {name: ours(some) for name, some in sets.items()}
    yield from ("### A liking for a slot, as others see it", "", _about(told), "")
    yield "| of data sets | " + " | ".join(f"{world.name}, n = {world.n}" for world in WORLDS) + " |"
    yield "|---|" + "--:|" * len(WORLDS)
    for tool in next(iter(alarms.values())):
        yield _line(tool, {name: alarms[name][tool] for name in sets})
    yield _line("**ours**: 95 % interval off 0", {name: mine[name]["off 0"] for name in sets})
    for outcome in ("holds", "undecided", "fails"):
        said = f"**ours**: within {CHECKS['pair.position'].margin:g} {outcome}"
        yield _line(said, {name: mine[name][outcome] for name in sets})


def _about(versions: str) -> str:
    return (
        "Pairs without ties, of which either answer is as often the better one, in both orders; verdicts "
        f"by the same dials, {SETS:,} data sets a column, the same for all. `judgebias` flags a rate of "
        "conflicts that is not 0, which any judge has that errs; `truescore` takes both orders of a pair for "
        f"two that have nothing to do with each other. Versions: {versions}."
    )


def _line(what: str, counts: Mapping[str, int]) -> str:
    return f"| {what} | {' | '.join(f'{count / SETS:.3f}' for count in counts.values())} |"
