"""What a chat request says, part by part: two requests that say the same ask the same question.

That is model, messages, pictures by the sha256 of their bytes, `detail`, and every setting that bears on the
reply. How a text is cut into parts, how a number is written (`0` or `0.0`) and keys that are null make no
difference.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from pytest_mllm_judge.model.question import canonical
from pytest_mllm_judge.recording.format import PART

Saying = Mapping[str, str]
"""What a request says: each part by its name (`user message, image 1`)."""

VOLATILE = ("user", "metadata", "store", "stream", "stream_options", "service_tier")
"""Keys of a request that don't bear on what the model says."""
_SHA256 = re.compile("[0-9a-f]{64}")
_SHOWN = 30
"""Characters of a text that are shown from where it differs."""


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


def unequal(recorded: Saying, asked: Saying) -> list[str]:
    """The names of the parts that differ."""
    return [part for part in {**asked, **recorded} if recorded.get(part) != asked.get(part)]


def difference(part: str, recorded: Saying, asked: Saying, *, masked: Callable[[str], str]) -> str:
    """How a part differs, as a clause; a text from where it does. `masked` takes secrets out of a text."""
    ours, theirs = (None if said is None else masked(said) for said in (recorded.get(part), asked.get(part)))
    if ours == theirs:
        return f"{part}: differs in what is not told here"
    if ours is None or theirs is None:
        return f"{part}: recorded {_short(part, ours)}, asked {_short(part, theirs)}"
    start = 0
    if ", text " in part:
        pairs = enumerate(zip(ours, theirs, strict=False))
        start = next((n for n, (one, other) in pairs if one != other), min(len(ours), len(theirs)))
    place = f" from character {start}" if start else ""
    return f"{part}{place}: recorded {_short(part, ours[start:])}, asked {_short(part, theirs[start:])}"


def _short(part: str, value: str | None) -> str:
    if value is None:
        return "nothing"
    if _SHA256.fullmatch(value):
        return value[:PART]
    shown = value if len(value) <= _SHOWN else value[:_SHOWN] + "…"
    return repr(shown) if ", text " in part else shown
