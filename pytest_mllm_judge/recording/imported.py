"""Replies out of plain vcrpy cassettes, recorded elsewhere: which interaction answers which question.

An interaction answers a question if its request says the same (see `saying`); host and headers don't count.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pytest_mllm_judge.errors import HoldsSecret
from pytest_mllm_judge.model import Question
from pytest_mllm_judge.model.question import canonical, text_digest
from pytest_mllm_judge.recording.answers import Answer, pack
from pytest_mllm_judge.recording.contents import leading
from pytest_mllm_judge.recording.facts import digest_of, exchange_of
from pytest_mllm_judge.recording.guard import Guard
from pytest_mllm_judge.recording.miss import name_of
from pytest_mllm_judge.recording.saying import Saying, difference, saying, unequal
from pytest_mllm_judge.recording.store import Store

_RETRIED = (408, 409, 429)
_EXPLAINED = 3
"""Interactions that match no question and are explained: the next ones differ in the same way, mostly."""


class Interaction(NamedTuple):
    """A request and its answer in a vcrpy cassette, both decoded, and where they stand."""

    where: str
    address: str
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

    def explain(self, where: str, said: Saying, *, masked: Callable[[str], str]) -> list[str]:
        """Where an interaction that answers no question stands, and each part where the nearest differs."""
        if not self.sayings:
            return [where]
        nearest = min(self.sayings, key=lambda digest: len(unequal(said, self.sayings[digest])))
        asked = self.sayings[nearest]
        parts = [difference(part, said, asked, masked=masked) for part in unequal(said, asked)]
        return [f"{where}: nearest to {self.names[nearest]}", *parts]


def _order(question: Question) -> tuple[str, str]:
    return (question.item.id, question.variant)


def _signature(said: Saying) -> str:
    return text_digest(canonical(dict(said)))


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
            _see(store.guard, interaction)
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
                    brought.nearest.append(asked.explain(interaction.where, said, masked=store.guard.masked))
        brought.unanswered = [name for digest, name in asked.names.items() if not store.settled(digest)]
    return brought


def _see(guard: Guard, interaction: Interaction) -> None:
    """Remember the secrets that the request and its answer held, to keep them off the disk and the screen."""
    guard.see(interaction.headers)
    guard.see(parse_qsl(urlsplit(interaction.address).query), kind="parameter")
    guard.see_answer(interaction.answer_headers)


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
    try:
        store.append(exchange)
        brought.imported += 1
    except HoldsSecret as error:
        brought.refused.append(f"{interaction.where}: {error}")
