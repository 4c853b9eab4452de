"""GenAI-Bench's choices (Jiang et al. 2024, arXiv 2406.04485): as published, and read strictly."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from pydantic import JsonValue

from pytest_mllm_judge.judging.parsing import fields as parts
from pytest_mllm_judge.judging.parsing import strict as strictly
from pytest_mllm_judge.judging.parsing.readings import Reading, agreed, quoted
from pytest_mllm_judge.model import Item, Parsed, Reply, Tasks

# From the protocol's judge prompts and its evaluation script.
CHOICES = {
    "A>B": "A",
    "A>>B": "A",
    "B>A": "B",
    "B>>A": "B",
    "A=B=Good": "tie",
    "A=B=Bad": "both_bad",
}
EITHER = "A=B"
"""Upstream counts it as right for both kinds of tie; read strictly it states neither."""

_BRACKETS = re.compile(r"\[\[([^\[\]]{1,60})\]\]")
_EXPECTED = "one of the choices " + ", ".join(f"[[{choice}]]" for choice in CHOICES)


def published(item: Item, reply: Reply, tasks: Tasks) -> Parsed:
    """The protocol as upstream ran it, so that its published accuracies can be had again.

    The choice is everything from the first `[[` to the last `]]` on the first line that has both, and counts
    if it is exactly one of the six choices or `[[A=B]]`. Upstream counts `[[A=B]]` as right for both kinds of
    tie: so its verdict here is the humans' label where that is `tie` or `both_bad`, else `tie`. No other
    verdict looks at the humans' label. `fields["choice"]` is the choice as it was written.
    """
    written = _greedy(reply.text or "")
    fields: dict[str, JsonValue] = {"choice": written} if written else {}
    choice = written[2:-2]
    verdict = _either(item) if choice == EITHER else CHOICES.get(choice)
    if verdict is not None and tasks.allows(item, verdict):
        return Parsed(verdict=verdict, fields=fields)
    reason = "the reply has no [[choice]] on one line"
    if written:
        reason = f"the reply states {quoted(written)}, which is not {_EXPECTED}"
    return Parsed(problem="malformed", reason=reason, fields=fields)


def _greedy(text: str) -> str:
    r"""What upstream's search for `\[\[.*\]\]` finds, in linear time; empty if it finds nothing."""
    for line in text.split("\n"):
        start, end = line.find("[["), line.rfind("]]")
        if 0 <= start <= end - 2:
            return line[start : end + 2]
    return ""


def _either(item: Item) -> str:
    label = item.majority()
    return label if label in ("tie", "both_bad") and isinstance(label, str) else "tie"


def strict(item: Item, reply: Reply, tasks: Tasks) -> Parsed:
    """The protocol's choices, read as strictly as everything else here.

    Every choice in double brackets must say the same; spaces inside do not matter; `[[A=B]]` is malformed, as
    it leaves open which kind of tie is meant. Without brackets a choice counts only as the whole reply.
    Refused and truncated replies are told apart as the default parser does. `fields["choice"]` is the
    first choice as it was written.
    """
    thinking, answer = strictly.split_thinking(reply.text or "")
    text = strictly.without_end_marks(answer or "")
    fields: dict[str, JsonValue] = {"Thinking": parts.plain_text(thinking)} if thinking else {}
    if (match := _BRACKETS.search(text)) is not None:
        fields["choice"] = match[0]
    if stopped := strictly.stopped(reply):
        return Parsed(problem=stopped[0], reason=stopped[1], fields=fields)
    if reply.verdict is not None:
        return strictly.stated_apart(item, reply, tasks, fields)
    reading = agreed(_in_brackets(text)) or _choice(text)
    if reading and reading.label is not None and tasks.allows(item, reading.label):
        return Parsed(verdict=reading.label, fields=fields)
    problem, reason = strictly.no_verdict(text, reading if reading and reading.unclear else None, _EXPECTED)
    return Parsed(problem=problem, reason=reason, fields=fields)


def _in_brackets(text: str) -> Iterator[Reading | None]:
    for match in _BRACKETS.finditer(unicodedata.normalize("NFKC", text)):
        yield _choice(match[1])


def _choice(text: str) -> Reading | None:
    written = "".join(text[:80].split())
    if written == EITHER:
        return Reading(unclear=f"[[{EITHER}]] leaves open whether both are good or both are bad")
    return Reading(CHOICES[written]) if written in CHOICES else None
