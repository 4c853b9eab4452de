"""Chat completions of the shapes world: a request's body in, a response's body out. Knows no sockets."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic import Field, ValidationError

from pytest_mllm_judge.errors import did_you_mean
from pytest_mllm_judge.model import Usage
from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.model.question import canonical, text_digest
from pytest_mllm_judge.reference.dials import MODELS, Dials, draw
from pytest_mllm_judge.reference.look import NOTHING, Eyes, Sight
from pytest_mllm_judge.reference.opinion import REFUSAL, reply, tokens, usage
from pytest_mllm_judge.reference.sections import read

_DATA = re.compile(r"data:image/(?:png|jpeg|jpg|gif|webp);base64,")
_ROLES = ("system", "developer", "user", "assistant")

MALFORMED = "Both have their strengths; it is hard to say."
"""What a malformed reply says."""


class Failures(Frozen):
    """How often the server fails, each a share of the tries, 0 to 1; drawn by question and number of the try.

    `status_500`: an error of the server. `status_429`: too many requests, with `Retry-After: 1`.
    `refusal`: a refusal instead of a reply. `malformed`: a reply that states no verdict. `truncated`: a
    reply cut at half its length, with `finish_reason` `length`. `delay`: seconds to wait before every answer.
    """

    status_500: float = Field(default=0.0, ge=0, le=1)
    status_429: float = Field(default=0.0, ge=0, le=1)
    refusal: float = Field(default=0.0, ge=0, le=1)
    malformed: float = Field(default=0.0, ge=0, le=1)
    truncated: float = Field(default=0.0, ge=0, le=1)
    delay: float = Field(default=0.0, ge=0)

    def happens(self, name: str, digest: str, ask: int) -> bool:
        """Whether the failure of that name befalls this try."""
        return draw("failure", name, digest, ask) < float(getattr(self, name))


class Refused(Exception):
    """A request is answered by an error: `status`, and `body` in OpenAI's form."""

    def __init__(self, status: int, message: str, *, kind: str = "invalid_request_error", code: str = ""):
        self.status = status
        self.body = {"error": {"message": message, "type": kind, "param": None, "code": code or None}}
        super().__init__(message)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a request holds: the model, the user's text, the picture if any, and the longest reply wanted."""

    model: str
    dials: Dials
    text: str
    picture: bytes | None
    longest: int | None
    seed: int | None


def digest(body: Any) -> str:
    """The sha256 of a request's body, in hex, whatever the order of its keys."""
    return text_digest(canonical(body))


def understand(body: Any, models: Mapping[str, Dials] = MODELS) -> Asked:
    """Read a request's body. Refused (400, or 404 for the model) says what can't be understood."""
    if not isinstance(body, dict):
        raise Refused(400, "the body is no JSON object")
    dials = dials_of(body.get("model"), models)
    if body.get("stream"):
        raise Refused(400, "'stream' is not served here; leave it out")
    if body.get("n", 1) != 1:
        raise Refused(400, "'n' is not served here; ask once for each reply")
    parts = _parts(body.get("messages"))
    images = [_image(part) for part in parts if part["type"] == "image_url"]
    if len(images) > 1:
        raise Refused(400, f"the shapes world has one picture a question, got {len(images)}")
    return Asked(
        model=body["model"],
        dials=dials,
        text="\n".join(part["text"] for part in parts if part["type"] == "text"),
        picture=images[0] if images else None,
        longest=_whole(body, "max_completion_tokens") or _whole(body, "max_tokens"),
        seed=_whole(body, "seed"),
    )


def dials_of(model: Any, models: Mapping[str, Dials] = MODELS) -> Dials:
    """The dials of a model: `shapes-old`, or with some of them set otherwise `shapes-old?length=0.5&seed=7`.

    Refused (404) says which models there are, and (400) what is wrong with a dial.
    """
    if not isinstance(model, str):
        raise Refused(400, "'model' is missing, or no text")
    name, _, query = model.partition("?")
    if name not in models:
        near = did_you_mean(name, models)
        message = f"there is no model {name!r}{near} The models are: {', '.join(models)}."
        raise Refused(404, message if near else message.replace(" The", "; the", 1), code="model_not_found")
    said = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
    for dial in said:
        if dial not in Dials.model_fields:
            near = did_you_mean(dial, Dials.model_fields)
            raise Refused(400, f"model {model!r}: there is no dial {dial!r}{near or _known()}")
    try:
        return Dials.model_validate({**models[name].model_dump(), **said})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = f"dial {first['loc'][0]!r}: " if first["loc"] else ""
        raise Refused(400, f"model {model!r}: {where}{first['msg'].removeprefix('Value error, ')}") from error


def _known() -> str:
    return f"; the dials are: {', '.join(Dials.model_fields)}"


def _whole(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise Refused(400, f"{name!r} is no whole number")
    return value


def _parts(messages: Any) -> list[dict[str, Any]]:
    """The parts of the user's messages, in order; a plain text counts as one part."""
    if not isinstance(messages, list) or not messages:
        raise Refused(400, "'messages' is missing, or no list with messages in it")
    parts: list[dict[str, Any]] = []
    for place, message in enumerate(messages):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise Refused(400, f"messages[{place}] is no message with one of the roles {', '.join(_ROLES)}")
        content = message.get("content")
        listed = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if not isinstance(listed, list):
            raise Refused(400, f"messages[{place}].content is neither a text nor a list of parts")
        for number, part in enumerate(listed):
            _refuse_part(part, f"messages[{place}].content[{number}]")
        if message["role"] == "user":
            parts += listed
    return parts


def _refuse_part(part: Any, where: str) -> None:
    """Let a part of text or an image through; refuse anything else."""
    if isinstance(part, dict):
        if part.get("type") == "text" and isinstance(part.get("text"), str):
            return
        image = part.get("image_url")
        if part.get("type") == "image_url" and isinstance(image, dict) and isinstance(image.get("url"), str):
            return
    raise Refused(400, f"{where} is neither a text part nor an image_url part with a url")


def _image(part: Mapping[str, Any]) -> bytes:
    url: str = part["image_url"]["url"]
    if (start := _DATA.match(url)) is None:
        raise Refused(400, "an image's url is no data: URI of a PNG, JPEG, GIF or WebP in base64")
    try:
        return base64.b64decode(url[start.end() :], validate=True)
    except binascii.Error as error:
        raise Refused(400, f"an image's base64 can't be decoded ({error})") from error


def complete(
    body: Any, *, ask: int, eyes: Eyes, failures: Failures, models: Mapping[str, Dials] = MODELS
) -> dict[str, Any]:
    """The response's body for a request asked for the `ask`-th time (from 0): the same for the same question.

    With a `seed` in the request, that counts as the number of the repeat, else `ask` does.
    """
    asked = understand(body, models)
    question = digest(body)
    _fail(failures, question, ask)
    try:
        sections = read(asked.text)
        sight, written = _look(asked.picture, eyes, asked.dials)
    except ValueError as error:
        raise Refused(400, str(error)) from error
    repeat = ask if asked.seed is None else asked.seed
    shown = "" if asked.picture is None else sha256(asked.picture).hexdigest()
    said = reply(sections, sight, asked.dials, repeat=repeat, shown=shown, written=written)
    if failures.happens("refusal", question, ask):
        said = None
    elif failures.happens("malformed", question, ask):
        said = MALFORMED
    text, finish = _cut(said, asked.longest, halve=failures.happens("truncated", question, ask))
    spent = usage(asked.text, sight, REFUSAL if text is None else text)
    name = "chatcmpl-" + text_digest(f"{question} {ask}")[:24]
    return {"id": name, "model": asked.model, **_completion(text, finish, spent)}


def _fail(failures: Failures, question: str, ask: int) -> None:
    if failures.happens("status_500", question, ask):
        raise Refused(500, "the server was told to fail", kind="server_error")
    if failures.happens("status_429", question, ask):
        raise Refused(429, "the server was told to be busy", kind="requests", code="rate_limit_exceeded")


def _look(picture: bytes | None, eyes: Eyes, dials: Dials) -> tuple[Sight, str]:
    """What is seen in the picture, and the text in it, which only a judge that may obey it reads."""
    if picture is None:
        return NOTHING, ""
    name = text_digest(base64.b64encode(picture).decode())
    written = eyes.read(name, lambda: picture) if dials.obeys_picture else ""
    return eyes.see(name, lambda: picture), written


def _cut(said: str | None, longest: int | None, *, halve: bool) -> tuple[str | None, str]:
    """A reply and its finish reason, cut to the tokens asked for, or to half of what it has."""
    if said is None:
        return None, "stop"
    pieces = tokens(said)
    room = len(pieces) // 2 if halve else len(pieces)
    room = min(room, longest) if longest else room
    return "".join(pieces[:room]), "length" if room < len(pieces) else "stop"


def _completion(text: str | None, finish: str, spent: Usage) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": REFUSAL if text is None else None}
    return {
        "object": "chat.completion",
        "created": 0,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": {
            "prompt_tokens": spent.input_tokens,
            "completion_tokens": spent.output_tokens,
            "total_tokens": spent.input_tokens + spent.output_tokens,
        },
    }
