"""VIEScore (Ku et al. 2024, arXiv 2312.14867): sub-scores from 0 to 10, the least of which counts."""

from __future__ import annotations

from pydantic import JsonValue

from pytest_mllm_judge.judging.parsing import fields as parts
from pytest_mllm_judge.judging.parsing import strict as strictly
from pytest_mllm_judge.judging.parsing.readings import Reading
from pytest_mllm_judge.model import Item, Label, Parsed, Reply, Tasks

TOP = 10
"""Sub-scores are divided by it, as upstream does."""


def parse(item: Item, reply: Reply, tasks: Tasks) -> Parsed:
    """Read `{"score": [...], "reasoning": "..."}`, or a table of such objects, one for each criterion.

    The verdict of a criterion is its least sub-score over 10, between 0 and 1. As upstream does, sub-scores
    in a list are cut to whole numbers, a single number is taken as it is. A criterion without a number, or
    with a result that the benchmark's scale does not hold, is malformed. Every sub-score stays in the fields.
    """
    thinking, answer = strictly.split_thinking(reply.text or "")
    text = strictly.without_end_marks(answer or "")
    found = _object(text)
    if thinking:
        found = {"Thinking": parts.plain_text(thinking), **found}
    if stopped := strictly.stopped(reply):
        return Parsed(problem=stopped[0], reason=stopped[1], fields=found)
    if reply.verdict is not None:
        return strictly.stated_apart(item, reply, tasks, found)
    criteria = tasks.criteria(item)
    readings = {name: _criterion(name, found, item, tasks) for name in criteria or ("",)}
    if not any(readings.values()):
        problem, reason = strictly.no_verdict(text, None, 'JSON with a "score" of numbers')
        return Parsed(problem=problem, reason=reason, fields=found)
    if criteria:
        return strictly.of_criteria(readings, found)
    only = readings[""]
    if only is None or only.unclear:
        return Parsed(problem="malformed", reason=only.unclear if only else "", fields=found)
    return Parsed(verdict=only.label, fields=found)


def _object(text: str) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    for each in parts.json_objects(text):
        found.update(each.data)
    return found


def _criterion(name: str, found: dict[str, JsonValue], item: Item, tasks: Tasks) -> Reading | None:
    own = found.get(name) if name else found
    if not name or (own is None and len(tasks.criteria(item)) == 1):
        own = found
    score = own.get("score") if isinstance(own, dict) else own
    if score is None:
        return None
    value = _least(score)
    if value is None:
        return Reading(unclear=f"its score {parts.plain_text(repr(score))[:60]} holds no number")
    return _point(value, item, tasks)


def _least(score: JsonValue) -> float | None:
    """The least sub-score over 10 and between 0 and 1; None unless every sub-score is a number."""
    if isinstance(score, list):
        whole = [_whole(each) for each in score]
        numbers = [each for each in whole if each is not None]
        value = float(min(numbers)) if numbers and len(numbers) == len(whole) else None
    else:
        value = float(score) if isinstance(score, int | float) and not isinstance(score, bool) else None
    return None if value is None else min(1.0, max(0.0, value / TOP))


def _whole(value: JsonValue) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _point(value: float, item: Item, tasks: Tasks) -> Reading:
    same: list[Label] = [point for point in tasks.score.scale if point == value]
    if same and tasks.allows(item, same[0]):
        return Reading(same[0])
    return Reading(unclear=f"its score comes to {value:g}, which is not {tasks.describe(item)}")
