"""Replies out of plain vcrpy cassettes, recorded elsewhere: which interaction answers which question.

A request answers a question if it says the same: model, messages, pictures by the sha256 of their bytes,
`detail`, and every setting that bears on the reply. How the text is cut into parts, how a number is
written (`0` or `0.0`), keys that are null, host and headers make no difference.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from pytest_mllm_judge.errors import HoldsSecret
from pytest_mllm_judge.model import Question
from pytest_mllm_judge.model.question import canonical, text_digest
from pytest_mllm_judge.recording.answers import Answer, pack
from pytest_mllm_judge.recording.contents import leading
from pytest_mllm_judge.recording.facts import digest_of, exchange_of
from pytest_mllm_judge.recording.format import PART
from pytest_mllm_judge.recording.miss import name_of
from pytest_mllm_judge.recording.store import Store

Saying = Mapping[str, str]
"""What a request says: each part by its name (`user message, image 1`)."""

VOLATILE = ("user", "metadata", "store", "stream", "stream_options", "service_tier")
"""Keys of a request that don't bear on what the model says."""
_RETRIED = (408, 409, 429)
_EXPLAINED = 3
"""Interactions that match no question and are explained: the next ones differ in the same way, mostly."""
_SHOWN = 30
"""Characters of a text that are shown from where it differs."""


class Interaction(NamedTuple):
    """A request and its answer in a vcrpy cassette, both decoded, and where they stand."""

    where: str
    sent: bytes
    headers: Sequence[tuple[str, str]]
    answer: Answer
    answer_headers: Sequence[tuple[str, str]]


@dataclass
class Brought:
    """What became of the interactions.

    `imported` and `there` count the questions that were answered now and before; `surplus` the interactions
    that repeat a request more often than the benchmark asks it; `unmatched` those that answer no question,
    and `nearest` tells of the first of them where the nearest question differs. `streams`, `retried`,
    `failed` and `foreign` (no chat request) were never looked up. `refused` tells what was not written
    since it holds a secret, and `unanswered` names the questions that still have no reply.
    """

    imported: int = 0
    there: int = 0
    surplus: int = 0
    unmatched: int = 0
    nearest: list[list[str]] = field(default_factory=list)
    streams: int = 0
    retried: int = 0
    failed: int = 0
    foreign: int = 0
    refused: list[str] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)


def saying(body: Any) -> Saying | None:
    """What a chat request says, part by part; None for any other body."""
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        return None
    if not all(isinstance(message, dict) for message in body["messages"]):
        return None
    roles = ", ".join(str(message.get("role")) for message in body["messages"])
    parts = {"model": canonical(body.get("model")), "messages": roles, **dict(_messages(body["messages"]))}
    for key in sorted(body.keys() - {"model", "messages", *VOLATILE}):
        if body[key] is not None and (key, body[key]) != ("n", 1):
            parts[f"setting {key}"] = canonical(_plain(body[key]))
    return parts


def _messages(messages: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    roles = Counter[str]()
    for message in messages:
        role = str(message.get("role"))
        roles[role] += 1
        where = f"{role} message" + (f" {roles[role]}" if roles[role] > 1 else "")
        contents = list(_merged(_contents(message.get("content"))))
        yield f"{where}, parts", ", ".join(content.kind for content in contents)
        kinds = Counter[str]()
        for kind, value, detail in contents:
            kinds[kind] += 1
            yield f"{where}, {kind} {kinds[kind]}", value
            if detail:
                yield f"{where}, {kind} {kinds[kind]}, detail", detail
        for key in sorted(message.keys() - {"role", "content"}):
            if message[key] is not None:
                yield f"{where}, {key}", canonical(_plain(message[key]))


class _Content(NamedTuple):
    """A part of a message: a text as it is, an image by its address or the sha256 of its bytes."""

    kind: str
    value: str
    detail: str = ""


def _contents(content: Any) -> Iterator[_Content]:
    for part in content if isinstance(content, list) else [content]:
        table = part if isinstance(part, dict) else {"type": "text", "text": part or ""}
        kind = table.get("type")
        image = table.get("image_url")
        if kind == "text" and isinstance(table.get("text"), str):
            yield _Content("text", table["text"])
        elif kind == "image_url" and isinstance(image, str):
            yield _Content("image", _image(image))
        elif kind == "image_url" and isinstance(image, dict):
            yield _Content("image", _image(str(image.get("url"))), str(image.get("detail") or ""))
        else:
            yield _Content(str(kind), canonical(_plain(part)))


def _merged(contents: Iterable[_Content]) -> Iterator[_Content]:
    """With texts that stand beside each other as one; no empty ones."""
    text = ""
    for content in contents:
        if content.kind == "text":
            text += content.value
            continue
        if text:
            yield _Content("text", text)
        yield content
        text = ""
    if text:
        yield _Content("text", text)


def _image(address: str) -> str:
    """The sha256 of the bytes in a `data:` address, in hex; any other address as it is."""
    if not address.startswith("data:"):
        return address
    head, _, data = address.partition(",")
    if not head.endswith(";base64"):
        return hashlib.sha256(unquote_to_bytes(data)).hexdigest()
    try:
        return hashlib.sha256(base64.b64decode(data)).hexdigest()
    except binascii.Error:
        return address


def _plain(value: Any) -> Any:
    """The value with its whole numbers as integers: 0.0 and 0 ask for the same."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Asked:
    """The questions, found by what is said: those of each repeat that has words of its own."""

    def __init__(self, questions: Iterable[tuple[Question, Saying]]) -> None:
        self.names: dict[str, str] = {}
        self.sayings: dict[str, Saying] = {}
        self._repeats: dict[str, dict[int, dict[str, Question]]] = {}
        for question, said in questions:
            self._add(question, digest_of(question), said)

    def _add(self, question: Question, digest: str, said: Saying) -> None:
        name = name_of(exchange_of(question, {}))
        known = self._repeats.setdefault(_signature(said), {}).setdefault(question.repeat, {})
        # Of the items that ask the same question the first one names the exchange, as when it is recorded.
        if digest not in known or _order(question) < _order(known[digest]):
            known[digest] = question
            self.names[digest], self.sayings[digest] = name, said

    def of(self, said: Saying) -> list[list[Question]]:
        """The questions that say this, by their repeat: the first interaction answers the first of them."""
        repeats = self._repeats.get(_signature(said), {})
        return [list(repeats[repeat].values()) for repeat in sorted(repeats)]

    def explain(self, where: str, said: Saying) -> list[str]:
        """Where an interaction that answers no question stands, and each part where the nearest differs."""
        if not self.sayings:
            return [where]
        nearest = min(self.sayings, key=lambda digest: len(_unequal(said, self.sayings[digest])))
        asked = self.sayings[nearest]
        parts = [_difference(part, said, asked) for part in _unequal(said, asked)]
        return [f"{where}: nearest to {self.names[nearest]}", *parts]


def _order(question: Question) -> tuple[str, str]:
    return (question.item.id, question.variant)


def _signature(said: Saying) -> str:
    return text_digest(canonical(dict(said)))


def _unequal(recorded: Saying, asked: Saying) -> list[str]:
    return [part for part in {**asked, **recorded} if recorded.get(part) != asked.get(part)]


def _difference(part: str, recorded: Saying, asked: Saying) -> str:
    ours, theirs = recorded.get(part), asked.get(part)
    if ours is None or theirs is None:
        return f"{part}: recorded {_short(part, ours)}, asked {_short(part, theirs)}"
    start = 0
    if ", text " in part:
        start = next((n for n, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), 0)
        start = start or min(len(ours), len(theirs)) * (ours[:1] == theirs[:1])
    place = f" from character {start}" if start else ""
    return f"{part}{place}: recorded {_short(part, ours[start:])}, asked {_short(part, theirs[start:])}"


def _short(part: str, value: str | None) -> str:
    if value is None:
        return "nothing"
    if ", image " in part and "detail" not in part and len(value) == hashlib.sha256().digest_size * 2:
        return value[:PART]
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return repr(shown) if ", text " in part else shown


def bring(
    path: Path, questions: Iterable[tuple[Question, Saying]], interactions: Iterable[Interaction]
) -> Brought:
    """Write the interactions that answer one of the questions into the cassette at `path`.

    The k-th interaction that says the same answers its k-th repeat. What is recorded already stays. Raise
    CassetteError if another process is recording, or the cassette is damaged or can't be written.
    """
    asked, brought = _Asked(questions), Brought()
    seen = Counter[str]()
    with leading(path) as store:
        for interaction in interactions:
            said = _worth(interaction, brought)
            if said is None:
                continue
            repeats, number = asked.of(said), seen[_signature(said)]
            seen[_signature(said)] += 1
            if number < len(repeats):
                for question in repeats[number]:
                    _write(store, question, interaction, brought)
            elif repeats:
                brought.surplus += 1
            else:
                brought.unmatched += 1
                if len(brought.nearest) < _EXPLAINED:
                    brought.nearest.append(asked.explain(interaction.where, said))
        brought.unanswered = [name for digest, name in asked.names.items() if not store.settled(digest)]
    return brought


def _worth(interaction: Interaction, brought: Brought) -> Saying | None:
    """What an interaction says, if it is a chat request that was answered; else it is counted."""
    try:
        body = json.loads(interaction.sent)
    except ValueError:
        body = None
    said, answer = saying(body), interaction.answer
    if said is None:
        brought.foreign += 1
    elif answer.status in _RETRIED or answer.status >= 500:
        brought.retried += 1
    elif answer.content_type.startswith("text/event-stream"):
        brought.streams += 1
    elif not _is_completion(pack(answer, asked="")):
        brought.failed += 1
    else:
        return said
    return None


def _is_completion(packed: Mapping[str, Any] | None) -> bool:
    return packed is not None and not {"raw", "raw64"} & packed.keys()


def _write(store: Store, question: Question, interaction: Interaction, brought: Brought) -> None:
    if store.settled(digest_of(question)):
        brought.there += 1
        return
    exchange = exchange_of(question, pack(interaction.answer, asked=question.model) or {})
    store.guard.see(interaction.headers)
    store.guard.see_answer(interaction.answer_headers)
    try:
        store.append(exchange)
        brought.imported += 1
    except HoldsSecret as error:
        brought.refused.append(f"{interaction.where}: {error}")
