"""What has changed since an approval, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import JsonValue

from pytest_mllm_judge.benchmarks.faults import short
from pytest_mllm_judge.judging.judge import Identity
from pytest_mllm_judge.model import Item, Judgements, Tasks
from pytest_mllm_judge.runs.approved import path_of, replies_digest
from pytest_mllm_judge.runs.approved_run import ApprovedRun
from pytest_mllm_judge.runs.run import Run

Plain = dict[str, Any]


def changes_since(candidate: Run, baseline: Run) -> dict[str, Plain]:
    """The approval that a candidate is compared with, under the key `approval`; empty for any other baseline.

    `left_out`, `gone` and `relabelled` name items; `lines` say for a reader all that has changed.
    """
    if not isinstance(baseline, ApprovedRun):
        return {}
    return {"approval": baseline.once(candidate, lambda: _approval(baseline, candidate))}


def _approval(baseline: ApprovedRun, candidate: Run) -> Plain:
    judgements, _ = baseline.beside(candidate)
    approved = baseline.approved
    return {
        "judge": approved.judge,
        "file": path_of(baseline.benchmark.folder, approved.judge)
        .relative_to(baseline.benchmark.folder)
        .as_posix(),
        "reason": approved.reason,
        "left_out": {
            "unknown": _names(baseline.unknown),
            "changed": _names(baseline.changed),
            "rescaled": _names(baseline.rescaled),
        },
        "gone": list(baseline.gone),
        "relabelled": _names(baseline.relabelled),
        "answered_by": {"then": approved.answered_by, "now": _answered_by(judgements)},
        "lines": [
            *_items(baseline),
            *_repeats(baseline, candidate),
            *_judge(baseline, candidate, judgements),
        ],
    }


def _names(items: Iterable[Item]) -> list[str]:
    return [item.id for item in items]


def _items(baseline: ApprovedRun) -> Iterator[str]:
    if some := _names(baseline.unknown):
        yield f"not compared: {_counted(some)} that the approval does not know, the first {some[0]}"
    if some := _names(baseline.changed):
        yield f"not compared: {_counted(some)} whose content changed since, the first {some[0]}"
    yield from _scales(baseline)
    if some := list(baseline.gone):
        yield f"not compared: {_counted(some)} that the benchmark has no more, the first {some[0]}"
    if some := _names(baseline.relabelled):
        yield f"compared by today's labels: {_counted(some)} whose labels changed since, the first {some[0]}"


def _scales(baseline: ApprovedRun) -> Iterator[str]:
    then, now = baseline.approved.tasks, baseline.benchmark.tasks
    counts = Counter(item.task for item in baseline.rescaled)
    for task, count in sorted(counts.items()):
        what = f"{count} {task} item{'s' * (count != 1)}"
        yield f"not compared: {what}, with the verdicts {_choice(then, task)} then, {_choice(now, task)} now"


def _choice(tasks: Tasks, task: str) -> str:
    """What a verdict is chosen from: the points, the criteria that get one each, the labels."""
    if task == "pair":
        return ", ".join(tasks.pair.labels)
    criteria = f" for {', '.join(tasks.score.criteria)}" if tasks.score.criteria else ""
    return ", ".join(map(str, tasks.score.scale)) + criteria


def _counted(some: list[str]) -> str:
    return f"{len(some)} item{'s' * (len(some) != 1)}"


def _repeats(baseline: ApprovedRun, candidate: Run) -> Iterator[str]:
    answers = (answer for item in baseline.approved.items.values() for answer in item.answers)
    then = max((answer.repeat + 1 for answer in answers if not answer.variant), default=0)
    now = candidate.benchmark.manifest.probes.repeat
    if then and then != now:
        yield f"asked {_times(then)} then and {_times(now)} now: compared on the first {min(then, now)}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _judge(baseline: ApprovedRun, candidate: Run, judgements: Judgements) -> Iterator[str]:
    then, now = baseline.judge.identity(), candidate.judge.identity()
    then_by, now_by = baseline.approved.answered_by, _answered_by(judgements)
    if then.model != now.model:
        yield f"model: {then.model}{_by(then_by, then.model)} then, {now.model}{_by(now_by, now.model)} now"
    elif _is_another(then_by, now_by, whole=len(baseline.items) == len(baseline.approved.items)):
        yield f"the snapshot that answers changed from {_listed(then_by)} to {_listed(now_by)}"
    yield from _prompts(then, now)
    if changes := list(_settings(then.settings, now.settings)):
        yield f"settings: {'; '.join(changes)}"
    if _has_other_replies(baseline, candidate):
        yield f"the {'log' if candidate.recorder is None else 'cassette'} has changed since"


def _answered_by(judgements: Judgements) -> dict[str, int]:
    return dict(sorted(Counter(each.model for each in judgements if each.model).items()))


def _is_another(then: Mapping[str, int], now: Mapping[str, int], *, whole: bool) -> bool:
    """Whether other snapshots answer. Of a part of the items, those that don't answer may answer the rest."""
    if not then or not now:
        return False
    return then.keys() != now.keys() if whole else not now.keys() <= then.keys()


def _listed(models: Mapping[str, int]) -> str:
    return " and ".join(models)


def _by(models: Mapping[str, int], asked: str) -> str:
    return f" (answered by {_listed(models)})" if models and list(models) != [asked] else ""


def _prompts(then: Identity, now: Identity) -> Iterator[str]:
    if then.prompt != now.prompt:
        yield f"prompt: {then.prompt or 'none'} then, {now.prompt or 'none'} now"
    elif then.prompt_digest != now.prompt_digest:
        yield f"prompt: the text of {now.prompt} has changed since"
    if then.parser != now.parser:
        yield f"parser: {then.parser or 'none'} then, {now.parser or 'none'} now"


def _settings(then: Mapping[str, JsonValue], now: Mapping[str, JsonValue]) -> Iterator[str]:
    for key in sorted(then.keys() | now.keys()):
        if (key in then) != (key in now) or then.get(key) != now.get(key):
            yield f"{key} {_setting(then, key)} then, {_setting(now, key)} now"


def _setting(settings: Mapping[str, JsonValue], key: str) -> str:
    return short(settings[key], limit=40) if key in settings else "not set"


def _has_other_replies(baseline: ApprovedRun, candidate: Run) -> bool:
    """Whether a judge that is compared with its own approval is read from another file than it was then."""
    if candidate.replies is None or candidate.judge.name != baseline.approved.judge:
        return False
    is_recording = candidate.recorder is not None and candidate.recorder.mode != "none"
    return not is_recording and replies_digest(candidate.replies) != baseline.approved.digests.cassette
