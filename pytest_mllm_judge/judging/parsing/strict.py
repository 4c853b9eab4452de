"""The strict reader: what a reply says, or why it says nothing."""

from __future__ import annotations

import re

from pydantic import JsonValue

from pytest_mllm_judge.judging.parsing import fields as parts
from pytest_mllm_judge.judging.parsing.criteria import read_criteria
from pytest_mllm_judge.judging.parsing.problems import declined
from pytest_mllm_judge.judging.parsing.readings import Reading, agreed, quoted
from pytest_mllm_judge.judging.parsing.vocabulary import Vocabulary, vocabulary
from pytest_mllm_judge.model import Item, Label, Parsed, Problem, Reply, Tasks

BARE = 400
"""A reply that is a verdict and nothing else has at most so many characters."""

_SPECIAL = re.compile(r"(?:</s>|<\|[\w-]{1,30}\|>)$")


def parse(item: Item, reply: Reply, tasks: Tasks) -> Parsed:
    """Read a reply strictly: a verdict is taken only where the reply states it, and states one.

    In this order: the provider's own word (a refusal, a content filter, a stop at the token limit); the
    reply's `verdict`; every `Judgement` in JSON or before a colon, which must agree; verdicts in double
    brackets anywhere, which must agree; a reply that is nothing but a verdict. Text before `</think>` is a
    field of its own and states nothing. With criteria there is a verdict for each, found at its own name.

    A reply that was cut off is `truncated` even after a verdict: what was cut might have taken it back.
    Never raises. The verdict is always one that `tasks` allows; numbers are never rounded, and where two
    verdicts are stated neither is chosen.
    """
    thinking, answer = split_thinking(reply.text or "")
    text = without_end_marks(answer or "")
    objects = parts.json_objects(text)
    found = parts.named_parts(text, objects)
    if thinking:
        found = {"Thinking": parts.plain_text(thinking), **found}
    if stop := stopped(reply):
        return Parsed(problem=stop[0], reason=stop[1], fields=found)
    if reply.verdict is not None:
        return stated_apart(item, reply, tasks, found)
    if answer is None:
        return Parsed(problem="truncated", reason="the reply's thoughts never end", fields=found)
    if criteria := tasks.criteria(item):
        return _with_criteria(vocabulary(item, tasks), criteria, text, objects, found)
    reading = _read(vocabulary(item, tasks), text, objects)
    if reading is not None and not reading.unclear:
        return Parsed(verdict=reading.label, fields=found)
    problem, reason = no_verdict(text, reading, tasks.describe(item))
    return Parsed(problem=problem, reason=reason, fields=found)


def split_thinking(text: str) -> tuple[str, str | None]:
    """A reasoning model's thoughts, and its answer: None if the thoughts never end."""
    thoughts, end, answer = text.rpartition("</think>")
    begun = (thoughts if end else text).lstrip()
    if end or begun.startswith("<think>"):
        return begun.removeprefix("<think>").strip(), answer if end else None
    return "", text


def without_end_marks(text: str) -> str:
    """A text without the tokens that end a model's turn, such as `</s>`."""
    text = text.rstrip()
    for _ in range(8):
        match = _SPECIAL.search(text, max(len(text) - 40, 0))
        if match is None:
            break
        text = text[: match.start()].rstrip()
    return text


def stopped(reply: Reply) -> tuple[Problem, str] | None:
    """The problem by the provider's own word, and a sentence on it."""
    if reply.refusal:
        return "refused", f"the provider refused: {quoted(reply.refusal, limit=160)}"
    if reply.finish_reason == "content_filter":
        return "refused", "the provider's content filter stopped the reply"
    if reply.finish_reason in ("length", "max_tokens"):
        return (
            "truncated",
            f"the reply was cut off at the token limit (finish reason {reply.finish_reason!r})",
        )
    return None


def stated_apart(item: Item, reply: Reply, tasks: Tasks, found: dict[str, JsonValue]) -> Parsed:
    """The verdict that a judge gave beside any text, if `tasks` allows it."""
    words, criteria, given = vocabulary(item, tasks), tasks.criteria(item), reply.verdict
    if not criteria:
        reading = words.read_value(given)  # type: ignore[arg-type]
        if reading.unclear:
            return Parsed(problem="malformed", reason=f"the verdict: {reading.unclear}", fields=found)
        return Parsed(verdict=reading.label, fields=found)
    table = given if isinstance(given, dict) else {}
    return of_criteria(
        {name: words.read_value(table[name]) if name in table else None for name in criteria}, found
    )


def _read(words: Vocabulary, text: str, objects: list[parts.JsonObject]) -> Reading | None:
    rest = parts.outside(text, objects)
    after = parts.after_verdict_markers(rest)
    readings = [words.read_value(value) for each in objects for value in each.verdicts]
    if reading := agreed([*readings, *map(words.read, after)]):
        return None if _may_be_cut(words, text, after) else reading
    if after or parts.opens_without_closing(text):
        return None
    return words.anywhere(rest) or (words.bare(rest) if len(rest) <= BARE else None)


def _may_be_cut(words: Vocabulary, text: str, after: list[str]) -> bool:
    """Whether an object that never closes ends in what may be half a verdict, such as the 1 of 10."""
    return bool(after) and parts.opens_without_closing(text) and words.may_go_on(after[-1])


def _with_criteria(
    words: Vocabulary,
    criteria: tuple[str, ...],
    text: str,
    objects: list[parts.JsonObject],
    found: dict[str, JsonValue],
) -> Parsed:
    readings = read_criteria(words, criteria, text, objects)
    if any(readings.values()):
        return of_criteria(readings, found)
    problem, reason = no_verdict(text, None, "a verdict for each of " + ", ".join(map(repr, criteria)))
    return Parsed(problem=problem, reason=reason, fields=found)


def of_criteria(readings: dict[str, Reading | None], found: dict[str, JsonValue]) -> Parsed:
    """A table of verdicts; malformed where a criterion has none, with what was found kept."""
    table: dict[str, Label] = {}
    faults = []
    for name, reading in readings.items():
        if reading is not None and reading.label is not None:
            table[name] = reading.label
        else:
            faults.append(f"{name}: {reading.unclear if reading else 'no verdict is stated'}")
    if not faults:
        return Parsed(verdict=table, fields=found)
    return Parsed(verdict=table or None, problem="malformed", reason="; ".join(faults), fields=found)


def no_verdict(text: str, reading: Reading | None, expected: str) -> tuple[Problem, str]:
    """The problem of a reply that states no verdict, or no single one, and a sentence on it."""
    if reading is None and parts.opens_without_closing(text):
        return "truncated", "the reply begins what it never ends, and states no verdict"
    if sentence := declined(text):
        return "refused", f"the judge declined: {sentence}"
    if reading is not None:
        return "malformed", f"the reply states no single verdict: {reading.unclear}"
    if not text.strip():
        return "malformed", "the reply is empty"
    return "malformed", f"the reply states no verdict; expected {expected}"
