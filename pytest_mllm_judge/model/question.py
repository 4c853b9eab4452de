"""What is asked of a judge once, and the digest by which a recorded exchange is found again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from pytest_mllm_judge.model.item import Item

Role = Literal["system", "user", "assistant"]
BESIDES = "item"
"""Stands where a role would for what a judge is given besides the messages."""


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(data: JsonValue) -> str:
    """JSON that does not depend on the order of keys."""
    return _CANONICAL.encode(data)


@lru_cache(maxsize=256)
def text_digest(text: str) -> str:
    """The sha256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=65536)
def _file_digest(path: str, size: int, modified: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_digest(path: Path) -> str:
    """The sha256 of a file, in hex. Read once: kept until its size or time of change differs."""
    name = str(path)
    status = os.stat(name)
    return _file_digest(name, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Text:
    """A piece of a message's text."""

    text: str

    def identity(self) -> str:
        """`text:` and the digest of the text."""
        return "text:" + text_digest(self.text)


@dataclass(frozen=True, slots=True)
class Picture:
    """An image in a message: the file it comes from, and what is asked to be done to it before sending.

    `address` is the image as the item writes it; `file` is None for an http(s) address, which is sent as
    it is. `change` says in words what the item asks to be altered, then what resizing and encoding the judge
    asks for; '' for the file's own bytes. `detail` is the API's setting of that name.
    """

    address: str
    file: Path | None
    change: str = ""
    detail: str | None = None

    def identity(self) -> str:
        """`image:`, the digest of the file (or the address), and the change and detail asked for."""
        source = file_digest(self.file) if self.file is not None else "url " + self.address
        return "image:" + ";".join(part for part in (source, self.change, self.detail) if part)


@dataclass(frozen=True, slots=True)
class Message:
    """One message: a role, and text and pictures in order."""

    role: Role
    parts: tuple[Text | Picture, ...]


@dataclass(frozen=True)
class Question:
    """An item as it is put to a judge, once.

    `settings` are the sampling settings, tools and response format that go into the request, as they are
    sent. `besides` is what a judge of one's own may look at besides the messages. `digest` covers model,
    messages, `besides`, settings and repeat: nothing else decides the reply.
    """

    item: Item
    judge: str
    model: str
    messages: tuple[Message, ...]
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    variant: str = ""
    repeat: int = 0
    besides: tuple[Text | Picture, ...] = ()

    @property
    def shown(self) -> tuple[tuple[str, tuple[Text | Picture, ...]], ...]:
        """All that the judge is shown: each message's role and parts, and what it is given besides."""
        messages = tuple((message.role, message.parts) for message in self.messages)
        return (*messages, (BESIDES, self.besides)) if self.besides else messages

    @cached_property
    def facts(self) -> dict[str, JsonValue]:
        """The plain data that the digest covers: model, prompt (each part's identity), settings, repeat."""
        prompt: list[JsonValue] = [[role, *(part.identity() for part in parts)] for role, parts in self.shown]
        return {"model": self.model, "prompt": prompt, "settings": dict(self.settings), "repeat": self.repeat}

    @cached_property
    def digest(self) -> str:
        """The sha256 of the facts, in hex."""
        return text_digest(canonical(self.facts))
