"""The cases of a benchmark: of an item, a probe, a gate, and a comparison with the baseline."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pytest

from pytest_mllm_judge.errors import ClaimFailed, MllmJudgeError, Undecided
from pytest_mllm_judge.plugin.outcomes import CASE, GATE, NO_JUDGE
from pytest_mllm_judge.plugin.state import state_of

if TYPE_CHECKING:
    from pytest_mllm_judge.metrics.upgrade import Comparison
    from pytest_mllm_judge.model import Item, Judgement, Judgements, Label
    from pytest_mllm_judge.runs.run import Run


class CaseFailed(Exception):
    """A case is red, for a reason that its text tells in full."""


class Case(pytest.Item):
    """A case of ours: red with one text, no traceback."""

    mark: ClassVar[Literal["judge_case", "judge_gate", "judge_probe"]]

    def __init__(self, *, judge: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.judge = judge
        self.add_marker(self.mark)

    @property
    def run_of(self) -> Run:
        """The run of this case's judge on its benchmark."""
        assert self.judge is not None
        return state_of(self.config).session.run(self.judge, self.path)

    @abstractmethod
    def asks(self) -> Iterator[tuple[Run, Sequence[Item], int]]:
        """What it will ask: runs, their items, and how often each."""

    def setup(self) -> None:
        """Without a judge there is nothing to do."""
        if self.judge is None:
            pytest.skip(NO_JUDGE)

    def reportinfo(self) -> tuple[Path, None, str]:
        """The benchmark's file and the case's name."""
        parent = self.parent.name if self.parent else ""
        return self.path, None, f"{parent}: {self.name}"

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], *args: Any, **kwargs: Any) -> Any:
        """Our own errors say all there is to say."""
        return told(excinfo) or super().repr_failure(excinfo, *args, **kwargs)


class ItemCase(Case):
    """The case of one item: red if there is no answer, or if an anchor is not right."""

    mark = "judge_case"

    def __init__(self, *, item: Item, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.item = item

    def asks(self) -> Iterator[tuple[Run, Sequence[Item], int]]:
        """Its item, once."""
        yield self.run_of, [self.item], 1

    def runtest(self) -> None:
        """Ask the judge, and put the judgement on the report."""
        from pytest_mllm_judge.runs.record import case_of

        run = self.run_of
        judgement = run.ask(self.item)
        case = case_of(judgement, run)
        self.stash[CASE] = case
        for key in ("judge", "verdict", "problem", "agreed"):
            self.user_properties.append((key, _property(case[key])))
        if why := _why_red(self.item, judgement, agreed=case["agreed"]):
            raise CaseFailed(why)


class ProbeCase(Case):
    """The case of one probe: asks what it asks. Its figures stand in the summary; gates decide."""

    mark = "judge_probe"

    def __init__(self, *, probe: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.probe = probe

    @property
    def run_of(self) -> Run:
        """The run of this case's judge on its benchmark, asking this probe alone."""
        return state_of(self.config).session.probed(super().run_of, self.probe)

    def asks(self) -> Iterator[tuple[Run, Sequence[Item], int]]:
        """The items that the probe asks further questions about, as often as is declared."""
        run = self.run_of
        yield run, _probed(run), run.probing.repeat

    def runtest(self) -> None:
        """Ask about the probe's items."""
        run = self.run_of
        items = _probed(run)
        if not items and len(run.items) < len(run.benchmark.items):
            pytest.skip(f"no item that --judge-limit leaves suits the probe {self.probe!r}")
        if not items:
            raise CaseFailed(f"no item of this benchmark suits the probe {self.probe!r}: nothing was asked")
        if why := _unasked(run.judgements(items), run, "probe"):
            raise CaseFailed(why)


def _probed(run: Run) -> list[Item]:
    """The items that have variants in this run."""
    return [item for item in run.items if run.probing.variants(item)]


class GateCase(Case):
    """The case of one gate: asks for its own items, whatever else is selected."""

    mark = "judge_gate"

    def __init__(self, *, gate: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate = gate

    @property
    def run_of(self) -> Run:
        """The run of this case's judge on its benchmark, asking the probe alone that the check reads."""
        from pytest_mllm_judge.metrics.checks import check_named  # numpy and scipy, not needed without a gate

        run = super().run_of
        check = check_named(run.benchmark.manifest.gates[self.gate].check)
        return state_of(self.config).session.probed(run, check.probe or check.besides)

    @property
    def items(self) -> tuple[Item, ...]:
        """The items that the gate is about."""
        from pytest_mllm_judge.metrics.gates import items_of

        run = self.run_of
        return items_of(run.benchmark.manifest.gates[self.gate], run.items)

    def asks(self) -> Iterator[tuple[Run, Sequence[Item], int]]:
        """The gate's items, as often as is declared."""
        run = self.run_of
        yield run, self.items, run.benchmark.manifest.probes.repeat

    def runtest(self) -> None:
        """Ask about the gate's items and decide its claim."""
        from pytest_mllm_judge.metrics import gates
        from pytest_mllm_judge.reports.terminal import gate_line

        run = self.run_of
        gate = run.benchmark.manifest.gates[self.gate]
        facts = {"benchmark": str(run.benchmark.folder), "judge": self.judge, "name": self.gate}
        judgements = run.judgements(self.items)
        if why := _unasked(judgements, run, "gate"):
            self.stash[GATE] = {**facts, "outcome": "fails", "line": why.partition("\n")[0]}
            raise CaseFailed(why)
        claim = gates.claim(gate, judgements)
        plain = claim.plain()
        self.stash[GATE] = {**facts, "outcome": claim.outcome, "line": gate_line(plain), "claim": plain}
        if not claim:
            raise ClaimFailed(claim.explain())


class UpgradeCase(Case):
    """The case of one comparison with the baseline: not worse, worse, or not enough data.

    It asks for everything that the two judges are compared by: which of it regressed is told by a
    correction over all of it, and must not depend on which cases are selected.
    """

    mark = "judge_gate"

    def __init__(self, *, comparison: Comparison, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.comparison = comparison

    @property
    def baseline(self) -> Run:
        """The run of the judge in use: the one that is named, else as it was approved of."""
        assert self.judge is not None
        state = state_of(self.config)
        return state.session.baseline(self.judge, self.path, state.options["judge_baseline"])

    def asks(self) -> Iterator[tuple[Run, Sequence[Item], int]]:
        """All items, of both judges."""
        for run in (self.run_of, self.baseline):
            yield run, run.items, run.benchmark.manifest.probes.repeat

    def runtest(self) -> None:
        """Ask both judges about the same items and decide the claim about their difference."""
        from pytest_mllm_judge.reports.terminal import gate_line
        from pytest_mllm_judge.runs.since import changes_since

        runs = (self.run_of, self.baseline)
        facts = {
            "benchmark": str(self.run_of.benchmark.folder),
            "judge": self.judge,
            "baseline": self.baseline.judge.name,
            "name": self.comparison.name,
            **changes_since(*runs),
        }
        for run in runs:
            if why := _unasked(run.judgements(), run, "upgrade"):
                self.stash[GATE] = {**facts, "outcome": "fails", "line": why.partition("\n")[0]}
                raise CaseFailed(why)
        upgrade = state_of(self.config).session.upgrade(*runs)
        compared = upgrade.of(self.comparison)
        assert compared is not None
        assert compared.claim is not None
        claim, plain = compared.claim, compared.claim.plain()
        decided = {"outcome": claim.outcome, "line": gate_line(plain), "claim": plain}
        self.stash[GATE] = {**facts, **decided, "family": upgrade.plain()}
        if not claim:
            regressed = f"\n  regressed {_p(compared.p_holm)}" if compared.regressed else ""
            raise ClaimFailed(claim.explain() + regressed)


def _p(p_holm: float) -> str:
    return f"worse than the baseline for certain (p {p_holm:.2g}, corrected for all that is compared)"


def _unasked(judgements: Judgements, run: Run, what: str) -> str:
    """Why `what` can't rest on these: its cassette lacks some questions. A log may lack what it likes."""
    missing = [j for j in judgements if j.problem == "not_asked"] if run.recorder is not None else []
    if not missing:
        return ""
    of = f"{len(missing)} of {len(judgements)} questions of this {what}"
    return f"not asked: {of}; the first:\n{missing[0].reason}"


def _why_red(item: Item, judgement: Judgement, *, agreed: bool | None) -> str:
    """Why an item's case is red; '' if it is not."""
    if judgement.problem in ("error", "not_asked"):
        return f"{judgement.problem}: {judgement.reason}"
    if item.must and not agreed:
        said = judgement.problem if judgement.verdict is None else f"chose {judgement.verdict}"
        why = f"\n  {judgement.reason}" if judgement.problem else ""
        return (
            f"anchor: {item.id} may not be got wrong, but the judge {said}, expected {_expected(item)}{why}"
        )
    return ""


def _expected(item: Item) -> str:
    """What the annotators said, in words."""
    if isinstance(item.human, dict):
        return "; ".join(f"{name} {_said(labels)}" for name, labels in item.human.items())
    return _said(item.human)


def _said(labels: Iterable[Label | None]) -> str:
    return " or ".join(dict.fromkeys(str(label) for label in labels if label is not None))


def _property(value: Any) -> str:
    return "" if value is None else str(value)


def told(excinfo: pytest.ExceptionInfo[BaseException]) -> str | None:
    """What an error of ours says, which is all there is to say; None for any other."""
    ours = CaseFailed | ClaimFailed | MllmJudgeError | Undecided
    return str(excinfo.value) if isinstance(excinfo.value, ours) else None
