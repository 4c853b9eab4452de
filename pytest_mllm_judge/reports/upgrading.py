"""From the cases of an upgrade to the answer whether the candidate may replace the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_mllm_judge.metrics.downstream import Downstream, downstream
from pytest_mllm_judge.reports import saying
from pytest_mllm_judge.reports.changed import Both, both_judged, changed, judged_by, of_run
from pytest_mllm_judge.reports.document import Comparison, Figure, Slice, Upgrade
from pytest_mllm_judge.runs.record import Plain, RunRecord

_FAMILY = ("name", "check", "options", "decides", "margin", "outcome", "p", "p_holm", "regressed")


def upgrades_of(record: RunRecord, run: Plain) -> list[Upgrade]:
    """What a judge's cases of an upgrade come to, for each baseline that it was compared with."""
    key = ("upgrades", run["judge"], run["benchmark"])
    return record.once(key, lambda: list(_upgrades_of(record, run)))


def _upgrades_of(record: RunRecord, run: Plain) -> Iterator[Upgrade]:
    cases = [gate for gate in of_run(record.gates, run) if "baseline" in gate]
    for baseline in sorted({case["baseline"] for case in cases}):
        yield _upgrade(record, run, [case for case in cases if case["baseline"] == baseline])


def _upgrade(record: RunRecord, run: Plain, cases: Sequence[Plain]) -> Upgrade:
    judge, baseline, folder = run["judge"], cases[0]["baseline"], run["benchmark"]
    family: list[Plain] = next((case["family"] for case in cases if "family" in case), [])
    compared = [comparison(member) for member in family]
    whole = [one for one in compared if one.slice is None]
    both = both_judged(record, judge, baseline, folder)
    conclusions = _downstream(both)
    answer, reason = saying.answer(
        compared, baseline=baseline, seen=_seen(record, run, both, whole=all("family" in c for c in cases))
    )
    return Upgrade(
        benchmark=record.benchmarks[folder]["name"],
        judge=judge,
        baseline=baseline,
        answer=answer,
        reason=reason,
        comparisons=tuple(one for one in whole if one.decides),
        slices=tuple(one for one in compared if one.slice is not None),
        properties=tuple(one for one in whole if not one.decides),
        changed=changed(record, both, folder),
        downstream=None if conclusions is None else conclusions.plain(),
        reversals=() if conclusions is None else tuple(_reversals(conclusions)),
        downstream_lines=() if conclusions is None else tuple(conclusions.lines(most=None)),
        notes=tuple(_approval(cases[0].get("approval"))),
        not_asked=both.not_asked,
    )


def _seen(record: RunRecord, run: Plain, both: Both, *, whole: bool) -> saying.Seen:
    """What else the answer rests on; `whole` says that every case of the upgrade could compare."""
    judged = judged_by(record, run["judge"], run["benchmark"])
    first = [case for case in judged if not case["variant"] and case["repeat"] == 0]
    unasked = ""
    if both.not_asked:
        unasked = f"{both.not_asked} of {both.questions} were not"
    elif not whole:
        unasked = "a comparison has none of its answers"
    return saying.Seen(
        unasked=unasked,
        red=(*_red_gates(record, run), *_red_anchors(first), *_red_tests(record, run)),
        lacking=(*_silent(first), *_gates_left_out(record, run)),
        part=_part(record, run),
    )


def _downstream(both: Both) -> Downstream | None:
    """Whether conclusions about the judged models would change, where both judges' judgements are at hand."""
    ours, theirs = both.candidate, both.baseline
    return downstream(ours, theirs) if len(ours) and len(theirs) else None


def _reversals(conclusions: Downstream) -> Iterator[str]:
    for ranking in conclusions.rankings:
        yield from (f"{swing.first} and {swing.second} ({ranking.name})" for swing in ranking.proven)


def _approval(approval: Plain | None) -> Iterator[str]:
    """Why the baseline was approved of, and what has changed since."""
    if approval is not None:
        yield f"approved: {approval['reason']} ({approval['file']})"
        yield from approval["lines"]


def _red_gates(record: RunRecord, run: Plain) -> Iterator[saying.Red]:
    """The judge's own gates that do not hold, as outcome and words."""
    for gate in own_gates(record, run):
        if gate["outcome"] != "holds":
            yield gate["outcome"], f"the gate {gate['name']!r} ({gate['line']})"


def _red_anchors(first: Sequence[Plain]) -> Iterator[saying.Red]:
    wrong = [case["item"] for case in first if case["must"] and not case["agreed"]]
    if wrong:
        yield "fails", f"{_count(wrong, 'anchor')} ({saying.names(wrong)})"


def _red_tests(record: RunRecord, run: Plain) -> Iterator[saying.Red]:
    """The tests of one's own that are red or undecided, as far as they are about this judge."""
    for test, told in sorted(record.tests.items()):
        if told["judge"] in (None, run["judge"]) and told["benchmark"] in (None, run["benchmark"]):
            yield told["outcome"], f"the test {test}"


def _silent(first: Sequence[Plain]) -> Iterator[str]:
    """Items whose cases are red since there is no answer."""
    silent = [case["item"] for case in first if case["problem"] in ("error", "not_asked")]
    if silent:
        have = "has" if len(silent) == 1 else "have"
        yield f"{_count(silent, 'item')} {have} no answer ({saying.names(silent)})"


def _gates_left_out(record: RunRecord, run: Plain) -> Iterator[str]:
    """The benchmark's gates that were not among the tests that were run."""
    known = {gate["name"] for gate in own_gates(record, run)}
    missing = [repr(name) for name in record.benchmarks[run["benchmark"]]["gates"] if name not in known]
    if missing:
        was = "was" if len(missing) == 1 else "were"
        yield f"{_count(missing, 'gate')} of benchmark.toml {was} not run ({saying.names(missing)})"


def _part(record: RunRecord, run: Plain) -> str:
    """Which part of the benchmark was asked about; '' for all of it."""
    items = record.benchmarks[run["benchmark"]]["items"]
    return "" if run["limit"] is None else f"{run['limit']} of {items} items"


def _count(some: Sequence[str], what: str) -> str:
    return f"{len(some)} {what}{'s' * (len(some) != 1)}"


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
