"""Whole sessions say of the simulation's data sets what the simulation counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.metrics.upgrade import Compared, Upgrade, compare, comparisons
from pytest_mllm_judge.model import Judgements
from pytest_mllm_judge.runs.record import read_record
from tests.benchmarks.gates.cells import CLUSTER, Cell, compared, drawn
from tests.benchmarks.gates.made import Made
from tests.benchmarks.gates.populations import OLD
from tests.benchmarks.gates.worlds import EQUAL, LOSSES, MARGIN
from tests.benchmarks.statistics.populations import layout

from .conftest import Project

SIZE = 240
CELLS = {name: Cell(name, SIZE) for name in ("pairs", "scores", "rankings")}
"""Large enough that the same judge against itself would hold in each figure; a smaller one is refused."""
SESSIONS = 20
TWO_PROCESSES = (4, 14)


@dataclass(frozen=True)
class DataSet:
    """One of the simulation's data sets, and which of its candidates is to replace the old judge."""

    number: int

    @property
    def cell(self) -> Cell:
        """The cells take turns."""
        return list(CELLS.values())[self.number % len(CELLS)]

    @property
    def candidate(self) -> str:
        """An equal judge, or one that loses a margin or two in the first figure."""
        loss = LOSSES[self.number // len(CELLS) % len(LOSSES)]
        return f"{self.checks[0]} {loss:g}" if loss else EQUAL

    @property
    def checks(self) -> list[str]:
        """What the population is simulated for."""
        return list(dict.fromkeys(trial.check for trial in self.cell.of.trials))

    def judgements(self, judge: str) -> Judgements:
        """What a judge said, as the simulation makes it."""
        made = Made(self.cell.of.population, layout(self.cell.n, size=CLUSTER))
        return made.judgements(drawn(self.cell, self.number), judge, asks=1)


def written(project: Project, data: DataSet) -> Path:
    """The data set as a benchmark and two verdict logs, `old` and `new`."""
    judged = {"old": data.judgements(OLD), "new": data.judgements(data.candidate)}
    for name, some in judged.items():
        project.write_log(name, {judgement.item.id: judgement.verdict for judgement in some})
    items = [judgement.item.to_json() for judgement in judged["old"]]
    (project.root / "bench" / "items.jsonl").write_text("\n".join(items) + "\n", encoding="utf-8")
    margins = ", ".join(f'"{check}" = {MARGIN}' for check in data.checks)
    project.write_manifest(f'[upgrade]\nmargin = {{ {margins} }}\nslices = ["source"]\n')
    return project.root / "bench" / "benchmark.toml"


def counted(data: DataSet) -> dict[str, Compared]:
    """What the simulation counts of this data set and candidate, by check."""
    trials = tuple(trial for trial in data.cell.of.trials if trial.judge == data.candidate)
    numbers = range(data.number, data.number + 1)
    return {trial.check: one.compared[0] for trial, one in compared(data.cell, numbers, trials)}


def called(manifest: Path, data: DataSet) -> Upgrade:
    """The function of the gate cases, called on the simulation's judgements."""
    benchmark = load(manifest)
    judged = (data.judgements(name) for name in (data.candidate, OLD))
    return compare(comparisons(benchmark), *judged, slices=benchmark.manifest.upgrade.slices)


@pytest.mark.parametrize("number", range(SESSIONS))
def test_a_session_decides_and_flags_as_the_simulation_does(project: Project, number: int) -> None:
    data = DataSet(number)
    manifest = written(project, data)
    spread: Sequence[str] = ("-n", "2") if number in TWO_PROCESSES else ()
    project.run(*spread, "--judge=new", "--judge-baseline=old", f"{manifest}::upgrade")
    record = read_record(project.root / ".pytest_cache" / "d" / "mllm-judge" / "run.json")
    direct = called(manifest, data)
    deciding = {each.name: each.outcome for each in direct.compared if each.decides}
    assert {gate["name"]: gate["outcome"] for gate in record.gates.values()} == deciding
    assert {name: one.outcome for name, one in counted(data).items()}.items() <= deciding.items()
    families = [gate["family"] for gate in record.gates.values()]
    flags = [(each.name, each.regressed) for each in direct.compared]
    assert all([(each["name"], each["regressed"]) for each in family] == flags for family in families)
    assert len(flags) > 20


def test_these_data_sets_have_every_outcome_and_some_regressed() -> None:
    found = [one for number in range(SESSIONS) for one in counted(DataSet(number)).values()]
    assert {one.outcome for one in found} == {"holds", "fails", "undecided"}
    assert {one.regressed for one in found} == {False, True}
