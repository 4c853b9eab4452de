"""Approving of a judge: from the record of a whole run to a file in git."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pytest_mllm_judge.benchmarks.faults import short
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.model import Judgement, Judgements
from pytest_mllm_judge.recording.guard import Guard
from pytest_mllm_judge.runs import approved as file
from pytest_mllm_judge.runs.approval import approval
from pytest_mllm_judge.runs.approved import Approved
from pytest_mllm_judge.runs.approved_run import AS_APPROVED
from pytest_mllm_judge.runs.record import Plain, RunRecord, judged_of, key_of, read_record
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.runs.session import Session

_TOLD = (
    "task", "human", "must", "source", "fields", "images", "lengths", "authors",
    "verdict", "problem", "reason", "model", "tokens", "cost",
)  # fmt: skip
"""What the record and a replay must say alike: not latencies, whose side file may be missing."""


def approve(
    *, root: Path, record: Path, judge: str, benchmark: Path | None = None, reason: str
) -> tuple[Approved, Path]:
    """Write the approval of a judge on a benchmark, by default the only one that it was asked about.

    Gives it back, and where it stands. `root` is the project's folder, `record` the file of the last run's
    record. Everything that the approval says is replayed, and must be what the record says; nobody is asked.
    Raise SettingsError where there is no record, it has not this judge on all of this benchmark with a reply
    to every question, or it says something else than what is there now; and where `reason` is blank.
    Raise BenchmarkError where no judge could be called not worse, as the next run would.
    """
    reason = _checked(reason)
    known = read_record(record)
    facts = _run_of(known, record, judge, benchmark)
    session = Session(root=root)
    try:
        run = session.run(judge, Path(facts["benchmark"]) if benchmark is None else benchmark)
        judged = {key: case for key, case in known.judged.items() if key[:2] == (judge, facts["benchmark"])}
        _check_whole(run, facts, judged)
        judgements = run.judgements()
        _check_replies(run, judgements)
        _check_same(run, judgements, facts, judged)
        session.check_upgrades([run.benchmark.folder])  # the next run is compared, and would be told then
        made = approval(run, judgements, reason)
        path = file.path_of(run.benchmark.folder, judge)
        _check_secrets(made, path)
        file.write(made, path)
        return made, path
    finally:
        session.close()


def _checked(reason: str) -> str:
    """The reason on one line. Raise SettingsError if it is blank."""
    try:
        text = " ".join(reason.encode().decode().split())
    except UnicodeError:
        raise SettingsError("approve: the reason is not UTF-8") from None
    if not text:
        raise SettingsError(
            "approve: the reason is blank\n"
            "  Say in a sentence why this judge may be in use: whoever reviews the file reads it."
        )
    return text


def _run_of(record: RunRecord, path: Path, judge: str, benchmark: Path | None) -> Plain:
    """The facts of the judge's run on the benchmark."""
    runs = [run for run in record.runs.values() if not run["judge"].endswith(AS_APPROVED)]
    of_judge = [run for run in runs if run["judge"] == judge]
    if not of_judge:
        names = sorted({run["judge"] for run in runs})
        told = f"; it has {', '.join(names)}" if names else ""
        what = f"the last run did not ask judge {judge!r}{told}{did_you_mean(judge, names)}"
        raise SettingsError(_told(path, what, judge, benchmark))
    found = [run for run in of_judge if benchmark is None or _is_of(run, benchmark)]
    if len(found) == 1:
        return found[0]
    folders = sorted(run["benchmark"] for run in of_judge)
    told = ", ".join(shown(Path(folder)) for folder in folders)
    if not found:
        here = shown(benchmark or Path())
        what = f"the last run did not ask judge {judge!r} about {here}; it did about {told}"
        raise SettingsError(_told(path, what, judge, benchmark))
    first = file.command(judge, Path(folders[0]))
    raise SettingsError(
        f"{path}: judge {judge!r} was asked about several benchmarks: {told}\n  Name one: {first}"
    )


def _is_of(run: Mapping[str, Any], benchmark: Path) -> bool:
    """Whether a run was on this benchmark: in this folder, or in one of its name on another machine."""
    folder = Path(run["benchmark"])
    here = benchmark if benchmark.is_dir() else benchmark.parent
    if folder.resolve() == here.resolve():
        return True
    return not folder.exists() and folder.name == here.resolve().name


def _told(path: Path, what: str, judge: str, benchmark: Path | None) -> str:
    where = "BENCHMARK" if benchmark is None else shown(benchmark)
    return f"{path}: {what}\n  Run all of it first: pytest --judge={judge} {where}"


def _again(run: Run, what: str) -> SettingsError:
    command = f"pytest --judge={run.judge.name} {shown(run.benchmark.folder)}"
    return SettingsError(f"{what}\n  An approval is of the whole benchmark. Run all of it: {command}")


def _check_whole(run: Run, facts: Plain, judged: Mapping[tuple[Any, ...], Plain]) -> None:
    """Refuse the record of a part."""
    total = len(run.benchmark.items)
    if facts["limit"] is not None:
        some = f"{facts['limit']} of {total} items (--judge-limit)"
        raise _again(run, f"the last run asked judge {run.judge.name!r} about {some}")
    asked = {key[2] for key in judged}
    missing = [item.id for item in run.items if item.id not in asked]
    if missing:
        what = (
            f"the last run did not ask judge {run.judge.name!r} about {len(missing)} of {total} items, "
            f"the first {missing[0]!r} (-k, -x, --lf, a shard or a test of one's own asks about a part)"
        )
        raise _again(run, what)


def _check_replies(run: Run, judgements: Judgements) -> None:
    """Refuse errors, and questions that were not asked."""
    silent = [each for each in judgements if each.problem in ("error", "not_asked")]
    if silent:
        kinds = Counter(each.problem for each in silent)
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=str))
        first = f"the first {_name(silent[0])}: {silent[0].reason.partition(chr(10))[0]}"
        what = (
            f"judge {run.judge.name!r} has no reply to {len(silent)} of {len(judgements)} questions ({told})"
        )
        raise _again(run, f"{what}, {first}")


def _name(judgement: Judgement) -> str:
    told = [f"variant {judgement.variant}"] if judgement.variant else []
    told += [f"repeat {judgement.repeat}"] if judgement.repeat else []
    return repr(judgement.item.id) + (f" ({', '.join(told)})" if told else "")


def _check_same(
    run: Run, judgements: Judgements, facts: Plain, judged: Mapping[tuple[Any, ...], Plain]
) -> None:
    """Refuse a record that says something else than the items and the cassette, or the log, say now."""
    for judgement in judgements:
        now = json.loads(json.dumps(judged_of(judgement, run)))
        then = judged.get(key_of({**now, "benchmark": facts["benchmark"]}))
        if then is not None and (told := next(_differing(then, now), "")):
            what = f"the last run is older than what is there now: {_name(judgement)}: {told}"
            raise _again(run, what)


def _differing(then: Plain, now: Plain) -> Iterator[str]:
    for key in _TOLD:
        if then.get(key) != now[key]:
            yield f"{key} was {short(then.get(key))}, is {short(now[key])}"


def _check_secrets(made: Approved, path: Path) -> None:
    text = made.model_copy(update={"items": {}, "spent": {}}).to_text()
    if held := Guard().held(text):
        raise SettingsError(
            f"{shown(path)}: it was not written: it would hold {held}\n"
            "  Take it out of the reason or the settings."
        )
