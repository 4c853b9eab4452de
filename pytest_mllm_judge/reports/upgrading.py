"""From the cases of an upgrade to the answer whether the candidate may replace the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_mllm_judge.metrics.downstream import Downstream, downstream
from pytest_mllm_judge.reports import saying
from pytest_mllm_judge.reports.changed import changed, judgements_by, of_run
from pytest_mllm_judge.reports.document import Comparison, Figure, Slice, Upgrade
from pytest_mllm_judge.runs.record import Plain, RunRecord

_FAMILY = ("name", "check", "options", "decides", "margin", "outcome", "p", "p_holm", "regressed")


def upgrades_of(record: RunRecord, run: Plain) -> list[Upgrade]:
    """What a judge's cases of an upgrade come to, for each baseline that it was compared with."""
    cases = [gate for gate in of_run(record.gates, run) if "baseline" in gate]
    return [
        _upgrade(record, run, [case for case in cases if case["baseline"] == baseline])
        for baseline in sorted({case["baseline"] for case in cases})
    ]


def _upgrade(record: RunRecord, run: Plain, cases: Sequence[Plain]) -> Upgrade:
    judge, baseline, folder = run["judge"], cases[0]["baseline"], run["benchmark"]
    family: list[Plain] = next((case["family"] for case in cases if "family" in case), [])
    compared = [comparison(member) for member in family]
    whole = [one for one in compared if one.slice is None]
    deciding = [one for one in whole if one.decides]
    unasked = next((case["line"] for case in cases if "family" not in case), "")
    red = [*_red_gates(record, run), *_red_anchors(record, run)]
    conclusions = _downstream(record, judge, baseline, folder)
    answer, reason = saying.answer(deciding, compared, baseline=baseline, unasked=unasked, red=red)
    return Upgrade(
        benchmark=record.benchmarks[folder]["name"],
        judge=judge,
        baseline=baseline,
        answer=answer,
        reason=reason,
        comparisons=tuple(deciding),
        slices=tuple(one for one in compared if one.slice is not None),
        properties=tuple(one for one in whole if not one.decides),
        changed=changed(record, judge=judge, baseline=baseline, folder=folder),
        downstream=None if conclusions is None else conclusions.plain(),
        reversals=() if conclusions is None else tuple(_reversals(conclusions)),
        downstream_lines=() if conclusions is None else tuple(conclusions.lines(most=None)),
        notes=tuple(_approval(cases[0].get("approval"))),
    )


def _downstream(record: RunRecord, judge: str, baseline: str, folder: str) -> Downstream | None:
    """Whether conclusions about the judged models would change, where both judges' judgements are at hand."""
    ours, theirs = (judgements_by(record, name, folder) for name in (judge, baseline))
    return downstream(ours, theirs) if len(ours) and len(theirs) else None


def _reversals(conclusions: Downstream) -> Iterator[str]:
    for ranking in conclusions.rankings:
        yield from (f"{swing.first} and {swing.second} ({ranking.name})" for swing in ranking.proven)


def _approval(approval: Plain | None) -> Iterator[str]:
    """Why the baseline was approved of, and what has changed since."""
    if approval is not None:
        yield f"approved: {approval['reason']} ({approval['file']})"
        yield from approval["lines"]


def _red_gates(record: RunRecord, run: Plain) -> Iterator[tuple[str, str]]:
    """The judge's own gates that do not hold, as outcome and words."""
    for gate in own_gates(record, run):
        if gate["outcome"] != "holds":
            yield gate["outcome"], f"the gate {gate['name']!r} ({gate['line']})"


def _red_anchors(record: RunRecord, run: Plain) -> Iterator[tuple[str, str]]:
    wrong = [case for case in of_run(record.cases, run) if case["must"] and not case["agreed"]]
    if wrong:
        first = ", ".join(case["item"] for case in wrong[:3]) + (", ..." if len(wrong) > 3 else "")
        yield "fails", f"{len(wrong)} anchor{'s' * (len(wrong) > 1)} ({first})"


def own_gates(record: RunRecord, run: Plain) -> list[Plain]:
    """The judge's own gates, in the order of benchmark.toml."""
    order = record.benchmarks[run["benchmark"]]["gates"]
    own = [gate for gate in of_run(record.gates, run) if "baseline" not in gate]
    return sorted(own, key=lambda gate: order.index(gate["name"]))


def comparison(member: Plain) -> Comparison:
    """A member of a family, as a document holds it."""
    claim = member["claim"] or {}
    tightest = claim.get("would_hold")
    at_least = claim.get("side") == "at least"
    where = member["slice"]
    return Comparison(
        **{name: member[name] for name in _FAMILY},
        slice=None if where is None else Slice(**where),
        candidate=figure(member["candidate"]),
        baseline=figure(member["baseline"]),
        difference=figure(claim.get("estimate") or member["difference"]),
        smallest_margin=None if tightest is None else max(0.0, -tightest if at_least else tightest),
        items_to_settle=claim.get("settled_by"),
        repeats_to_settle=claim.get("repeats_to_settle"),
    )


def figure(plain: Mapping[str, Any]) -> Figure:
    """A plain estimate, as a document holds it."""
    return Figure(**{name: plain[name] for name in Figure.model_fields})
