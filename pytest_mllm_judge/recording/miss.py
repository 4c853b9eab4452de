"""The message of a miss: the nearest recorded question, where it differs, and how to record this one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from pytest_mllm_judge.model import Picture, Question, Text
from pytest_mllm_judge.model.question import BESIDES
from pytest_mllm_judge.recording.facts import exchange_of
from pytest_mllm_judge.recording.format import Exchange
from pytest_mllm_judge.recording.guard import masked

_COMPARED = 1000
"""Exchanges of other items that are looked through at most: a run may miss thousands of questions."""
_SHOWN = 40
"""Characters of a text or an address that are shown."""

Content = TypeVar("Content")


def explain(question: Question, exchanges: Sequence[Exchange], *, path: Path, rerecord: str) -> str:
    """Why the question can't be played from the exchanges of the cassette at `path`."""
    asked = exchange_of(question, {})
    lines = [f"judge {question.judge!r} has no recorded reply for {name_of(asked)}"]
    if exchanges:
        nearest = _nearest(asked, exchanges)
        lines.append(f"  cassette  {path} ({len(exchanges)} exchange{'s' * (len(exchanges) != 1)})")
        lines.append(f"  nearest   {name_of(nearest)}")
        lines += _column("differs", _differences(asked, nearest, _previews(question)))
    else:
        lines.append(f"  cassette  {path} ({'holds no exchange' if path.exists() else 'does not exist'})")
    return "\n".join([*lines, f"  record    {rerecord}"])


def differing(question: Question, recorded: Exchange) -> list[str]:
    """Each part in which a recorded exchange is not this question's, as a clause."""
    return _differences(exchange_of(question, {}), recorded, _previews(question))


def name_of(exchange: Exchange) -> str:
    """The exchange's item, with its variant and repeat where it has one."""
    variant = [f"variant {exchange.variant!r}"] if exchange.variant else []
    repeat = [f"repeat {exchange.repeat}"] if exchange.repeat else []
    told = ", ".join(variant + repeat)
    return f"{exchange.item} ({told})" if told else exchange.item


def _column(title: str, entries: Sequence[str]) -> Iterator[str]:
    for entry in entries:
        yield f"  {title:<8}  {entry}"
        title = ""


def _nearest(asked: Exchange, exchanges: Sequence[Exchange]) -> Exchange:
    """Of the same item if there is one, with the fewest parts that differ, of the same variant."""
    own = [exchange for exchange in exchanges if exchange.item == asked.item]
    parts = _parts(asked)

    def distance(exchange: Exchange) -> tuple[int, bool]:
        return len(_unequal(parts, _parts(exchange))), exchange.variant != asked.variant

    return min(own or islice(exchanges, _COMPARED), key=distance)


def _differences(asked: Exchange, recorded: Exchange, previews: Mapping[str, str]) -> list[str]:
    ours, theirs = _parts(asked), _parts(recorded)
    told = [
        masked(
            f"{part}: asked {ours.get(part, 'nothing')}{previews.get(part, '')}, "
            f"recorded {theirs.get(part, 'nothing')}"
        )
        for part in _unequal(ours, theirs)
    ]
    return told or ["in no part that is kept: another version of this package recorded it"]


def _unequal(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[str]:
    return [part for part in {**ours, **theirs} if ours.get(part) != theirs.get(part)]


def _parts(exchange: Exchange) -> dict[str, str]:
    """Each part that can differ, by the name a message gives it, as it is shown."""
    parts = {"model": repr(exchange.model)}
    messages = [(role, contents) for role, *contents in exchange.prompt]
    for name, content in _named(messages, _is_image):
        parts |= _image(name, content) if _is_image(content) else {name: content}
    parts |= {f"setting {key}": repr(exchange.settings[key]) for key in sorted(exchange.settings)}
    return parts | {"repeat": str(exchange.repeat)}


def _is_image(content: str) -> bool:
    return content.startswith("image:")


def _image(name: str, content: str) -> dict[str, str]:
    source, _, asked = content.removeprefix("image:").partition(";")
    change, _, detail = asked.rpartition(";")
    told = {name: source}
    if change:
        told[f"{name}, change"] = repr(change)
    if detail:
        told[f"{name}, detail"] = repr(detail)
    return told


def _previews(question: Question) -> dict[str, str]:
    """How the asked texts begin, and the addresses of the asked images: their digests say little."""
    return {
        name: f" ({_short(part.text if isinstance(part, Text) else part.address)})"
        for name, part in _named(question.shown, lambda part: isinstance(part, Picture))
    }


def _short(text: str) -> str:
    text = masked(text)
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _named(
    messages: Sequence[tuple[str, Sequence[Content]]], is_image: Callable[[Content], bool]
) -> Iterator[tuple[str, Content]]:
    """Every part with its name: `system message, text 1`, `user message 2, image 1`."""
    roles = Counter[str]()
    for role, contents in messages:
        roles[role] += 1
        where = "item" if role == BESIDES else f"{role} message"
        where += f" {roles[role]}" if roles[role] > 1 else ""
        kinds = Counter[str]()
        for content in contents:
            kind = "image" if is_image(content) else "text"
            kinds[kind] += 1
            yield f"{where}, {kind} {kinds[kind]}", content
