"""The shapes of the chat API: messages on their way out, content and usage on their way back."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, cast

from pytest_mllm_judge.judging.pictures import encode
from pytest_mllm_judge.model import Message, Picture, Text, Usage


def chat_message(message: Message) -> dict[str, Any]:
    """A message as the chat API takes it; plain text where there is no picture."""
    texts = [part.text for part in message.parts if isinstance(part, Text)]
    if len(texts) == len(message.parts):
        return {"role": message.role, "content": "".join(texts)}
    return {"role": message.role, "content": [_part(part) for part in message.parts]}


def _part(part: Text | Picture) -> dict[str, Any]:
    if isinstance(part, Text):
        return {"type": "text", "text": part.text}
    image = {"url": part.address if part.file is None else data_uri(part)}
    return {"type": "image_url", "image_url": {**image, "detail": part.detail} if part.detail else image}


def data_uri(picture: Picture) -> str:
    """A picture's bytes as they are sent, in a `data:` address."""
    kind, data = encode(picture)
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"


def said(content: Any) -> tuple[str | None, str | None]:
    """The text and the refusal in a reply's content, which some providers send in parts."""
    if isinstance(content, str) or not isinstance(content, Iterable):
        return content if isinstance(content, str) else None, None
    parts = [part for part in content if isinstance(part, Mapping)]
    texts = [str(part["text"]) for part in parts if part.get("text") is not None]
    refusals = [str(part["refusal"]) for part in parts if part.get("refusal")]
    return "".join(texts) if texts else None, "".join(refusals) or None


def usage(counted: Any) -> Usage | None:
    """The tokens, if the provider gave both counts."""
    counts = getattr(counted, "prompt_tokens", None), getattr(counted, "completion_tokens", None)
    if not all(isinstance(count, int) and count >= 0 for count in counts):
        return None
    return Usage(input_tokens=cast("int", counts[0]), output_tokens=cast("int", counts[1]))
