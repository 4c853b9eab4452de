"""One exchange as one line of a cassette.

    {"question":"<24 hex>","item":"circles-007","variant":"swap","repeat":1,"model":"gpt-4o",
     "prompt":[["system","<8 hex>"],["user","<8 hex>","image:<8 hex>;max_side 1024;low"]],
     "settings":{"temperature":0},"reply":"...","by":"gpt-4o-2024-08-06","usage":[812,96],"sum":"<8 hex>"}

What `answers` packs of the reply begins after the settings. `question` stands first and `sum`, the CRC-32
of all before it, stands last, each at a fixed distance from its end of the line: a cassette is indexed and
checked without parsing JSON. What has its usual value (no variant, repeat 0, no settings) is left out.
"""

from __future__ import annotations

import json
import sys
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

DIGEST = 24
"""Hex digits of a question's digest on disk: 96 of its 256 bits."""
PART = 8
"""Hex digits of a part's digest: they name what differs in a miss, and never decide a match."""

_START, _SUM, _END = b'{"question":"', b',"sum":"', b'"}'
_CRC = 8
_TAIL = len(_SUM) + _CRC + len(_END)


class FormatError(ValueError):
    """A line is not an exchange; the text says why, as a clause."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A question and its reply, as a cassette keeps them.

    `question` is the start of the question's digest. `prompt` holds a message each: the role, then its
    parts in order, a text as its short digest, an image as `image:digest;change;detail`. `settings` are
    as sent, long tables and lists as short digests. `reply` is what `answers` packs: a table without any
    key of the other fields.
    """

    question: str
    item: str
    model: str
    reply: Mapping[str, Any]
    variant: str = ""
    repeat: int = 0
    prompt: tuple[tuple[str, ...], ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> tuple[str, str, int]:
        """Item, variant and repeat: what a cassette is sorted by."""
        return (self.item, self.variant, self.repeat)


_ASKED = tuple(each.name for each in fields(Exchange) if each.name != "reply")


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A question that got no reply in a run: why, the HTTP status if there was one, and whether it may pass.

    It stands in a journal only, so that all processes of the run know; it is asked again by the next run.
    """

    question: str
    reason: str
    status: int | None = None
    passing: bool = False


def dumps(data: Any) -> bytes:
    """Compact JSON in UTF-8; escaped ASCII where a lone surrogate has no UTF-8."""
    try:
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(data, separators=(",", ":")).encode()


def to_line(exchange: Exchange) -> bytes:
    """The exchange as a line, without its line feed."""
    data: dict[str, Any] = {"question": exchange.question, "item": exchange.item}
    if exchange.variant:
        data["variant"] = exchange.variant
    if exchange.repeat:
        data["repeat"] = exchange.repeat
    data["model"] = exchange.model
    if exchange.prompt:
        data["prompt"] = exchange.prompt
    if exchange.settings:
        data["settings"] = dict(sorted(exchange.settings.items()))
    return _summed({**data, **exchange.reply})


def failure_to_line(failure: Failure) -> bytes:
    """The failure as a line, without its line feed."""
    return _summed(asdict(failure))


def failure_from_line(line: bytes) -> Failure:
    """Read a failure's line back. Raise FormatError if it is damaged."""
    digest_of(line)
    try:
        data = json.loads(line)
        del data["sum"]
        return Failure(**data)
    except (ValueError, TypeError) as error:
        raise FormatError("it is not a failure") from error


def _summed(data: Mapping[str, Any]) -> bytes:
    body = dumps(data)[:-1]
    return body + _SUM + _crc(body) + _END


def _crc(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


def digest_of(line: bytes) -> str:
    """The question's digest of a line whose checksum holds. Raise FormatError otherwise."""
    body, tail = line[:-_TAIL], line[-_TAIL:]
    if not (body.startswith(_START) and tail.startswith(_SUM) and tail.endswith(_END)):
        raise FormatError("it is not an exchange")
    if tail[len(_SUM) : -len(_END)] != _crc(body):
        raise FormatError("its checksum does not match")
    return body[len(_START) : len(_START) + DIGEST].decode()


def from_line(line: bytes) -> Exchange:
    """Read a line back. Raise FormatError if it is damaged."""
    digest_of(line)
    try:
        data = json.loads(line)
        del data["sum"]
        data["prompt"] = tuple(tuple(message) for message in data.get("prompt", ()))
        asked = {name: data.pop(name) for name in _ASKED if name in data}
        asked["model"] = sys.intern(asked["model"])
        return Exchange(**asked, reply=data)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FormatError("it is not an exchange") from error
