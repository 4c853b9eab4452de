"""`benchmark.toml` as pytest sees it: collectors for its items, its probes, its gates and an upgrade."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mllm_judge.plugin.cases import GateCase, ItemCase, ProbeCase, UpgradeCase, told
from pytest_mllm_judge.plugin.state import state_of

if TYPE_CHECKING:
    from pytest_mllm_judge.benchmarks import Benchmark
    from pytest_mllm_judge.model import Item


class JudgeFile(pytest.File):
    """A benchmark.toml: a collector for each task that has items, one for the gates, one for an upgrade."""

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """The tasks' collectors, the gates', and where a baseline is named the upgrade's."""
        from pytest_mllm_judge.runs.run import limited

        state = state_of(self.config)
        benchmark = state.session.benchmark(self.path)
        items = limited(benchmark.items, state.session.limit)
        for task in ("score", "pair", "batch"):
            some = [item for item in items if item.task == task]
            if some:
                yield TaskNode.from_parent(self, name=task, items=some)
        if probes := benchmark.manifest.probes.names:
            yield ProbesNode.from_parent(self, name="probes", probes=probes)
        if benchmark.manifest.gates:
            yield GatesNode.from_parent(self, name="gates", benchmark=benchmark)
        named = state.options["judge_baseline"]
        if any(state.session.has_baseline(judge, self.path, named) for judge in state.judges):
            yield UpgradeNode.from_parent(self, name="upgrade", benchmark=benchmark)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """Our own errors say all there is to say."""
        return told(excinfo) or super().repr_failure(excinfo, *args, **kwargs)


class TaskNode(pytest.Collector):
    """The items of one task."""

    def __init__(self, *, items: list[Item], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.items = items

    def collect(self) -> Iterator[pytest.Item]:
        """One case for each item and judge."""
        for item in self.items:
            for judge, name in _named(self.config, item.id):
                yield ItemCase.from_parent(self, name=name, judge=judge, item=item)


class GatesNode(pytest.Collector):
    """The gates of one benchmark."""

    def __init__(self, *, benchmark: Benchmark, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.benchmark = benchmark

    def collect(self) -> Iterator[pytest.Item]:
        """One case for each gate and judge."""
        for gate in self.benchmark.manifest.gates:
            for judge, name in _named(self.config, gate):
                yield GateCase.from_parent(self, name=name, judge=judge, gate=gate)


class ProbesNode(pytest.Collector):
    """The probes that `[probes]` asks."""

    def __init__(self, *, probes: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.probes = probes

    def collect(self) -> Iterator[pytest.Item]:
        """One case for each probe and judge."""
        for probe in self.probes:
            for judge, name in _named(self.config, probe):
                yield ProbeCase.from_parent(self, name=name, judge=judge, probe=probe)


class UpgradeNode(pytest.Collector):
    """What the judges under test are compared with the baseline by."""

    def __init__(self, *, benchmark: Benchmark, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.benchmark = benchmark

    def collect(self) -> Iterator[pytest.Item]:
        """One case for each comparison that decides, and judge."""
        from pytest_mllm_judge.metrics.upgrade import check_names, comparisons  # numpy: only with a baseline

        check_names(self.benchmark)
        state = state_of(self.config)
        named = state.options["judge_baseline"]
        for comparison in comparisons(self.benchmark):
            for judge, name in _named(self.config, comparison.name) if comparison.decides else ():
                if judge is not None and state.session.has_baseline(judge, self.path, named):
                    yield UpgradeCase.from_parent(self, name=name, judge=judge, comparison=comparison)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """Our own errors say all there is to say."""
        return told(excinfo) or super().repr_failure(excinfo, *args, **kwargs)


def _named(config: pytest.Config, name: str) -> list[tuple[str | None, str]]:
    """The judges and the case's name for each: the bare name while there is at most one judge."""
    judges = state_of(config).judges
    if len(judges) < 2:
        return [(judges[0] if judges else None, name)]
    return [(judge, f"{name}[{judge}]") for judge in judges]
