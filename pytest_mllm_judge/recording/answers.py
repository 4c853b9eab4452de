"""A reply on disk, and back: as the chat completion that an SDK reads, or as a `Reply`.

A packed reply is a table. `reply` (its text), `refusal` and `verdict` are left out where there is none,
`finish_reason` where it is `stop`, `by` where the model asked for answered. `usage` is the tokens in
and out, and a table of whatever else the provider counted and is not zero. `message`, `choice` and `body`
hold every further field of those three places as it came. An answer that is no chat completion is kept
whole: `raw` (its text) or `raw64`, with its `content_type` and, unless it is 200, its `status`.

Ids, times of creation and the fingerprint of the machine that answered are not kept: they differ each time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from pytest_mllm_judge.model import Reply, Usage
from pytest_mllm_judge.recording.format import dumps

_FORGOTTEN = ("id", "object", "created", "system_fingerprint")
_USUAL: dict[str, tuple[Any, ...]] = {
    "role": ("assistant",),
    "index": (0,),
    "service_tier": ("default",),
    "annotations": ([],),
    "tool_calls": ([],),
}
"""Values that say nothing; a null says nothing anywhere."""


class Answer(NamedTuple):
    """An HTTP response, decoded: status, media type, content."""

    status: int
    content_type: str
    content: bytes


def pack(answer: Answer, *, asked: str) -> dict[str, Any] | None:
    """What is kept of an answer; None for one that must not be: a failure is asked again, not replayed.

    `asked` is the model asked for. Failures are statuses other than 2xx, a proxy's web page, JSON that
    does not parse, an error in the place of choices, and no choice at all.
    """
    media = answer.content_type.partition(";")[0].strip().lower()
    if not 200 <= answer.status < 300 or media == "text/html":
        return None
    if media != "application/json" and not media.endswith("+json"):
        return _pack_raw(answer)
    try:
        body = json.loads(answer.content)
    except ValueError:
        return None
    if isinstance(body, dict) and not body.get("choices") and ("choices" in body or body.get("error")):
        return None
    return _pack_chat(body, asked) if answer.status == 200 and _is_chat(body) else _pack_raw(answer)


def unpack(reply: Mapping[str, Any], *, asked: str) -> Answer:
    """The answer that an SDK reads the same reply from."""
    if "raw" in reply or "raw64" in reply:
        content = reply["raw"].encode() if "raw" in reply else base64.b64decode(reply["raw64"])
        return Answer(reply.get("status", 200), reply.get("content_type", ""), content)
    return Answer(200, "application/json", dumps(_unpack_chat(reply, asked)))


def of_reply(reply: Reply, *, asked: str) -> dict[str, Any]:
    """What is kept of a reply that did not come over HTTP: all but its latency."""
    said = {"reply": reply.text, "refusal": reply.refusal, "verdict": reply.verdict}
    packed: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
    _pack_ending(packed, reply.finish_reason, reply.model, asked)
    if reply.usage is not None:
        packed["usage"] = [reply.usage.input_tokens, reply.usage.output_tokens]
    return packed


def to_reply(reply: Mapping[str, Any], *, asked: str) -> Reply:
    """The same `Reply` again, without a latency."""
    usage = reply.get("usage")
    return Reply(
        text=reply.get("reply"),
        verdict=reply.get("verdict"),
        refusal=reply.get("refusal"),
        finish_reason=reply.get("finish_reason", "stop"),
        model=reply.get("by", asked),
        usage=Usage(input_tokens=usage[0], output_tokens=usage[1]) if isinstance(usage, list) else None,
    )


def read_chat(reply: Mapping[str, Any], *, asked: str) -> Reply | None:
    """What an SDK would read from a packed chat completion; None where only an SDK can tell.

    That is an answer kept whole, and one whose content, refusal, ending, model or usage is of another type
    than the chat API says.
    """
    message = reply.get("message", ())
    if "raw" in reply or "raw64" in reply or "content" in message or "refusal" in message:
        return None
    if any(not isinstance(reply.get(key), str | None) for key in ("finish_reason", "by")):
        return None
    if not isinstance(reply.get("usage"), list | None):
        return None
    read = to_reply(reply, asked=asked)
    if read.refusal == "" or read.model == "":
        return read.model_copy(update={"refusal": read.refusal or None, "model": read.model or None})
    return read


def _pack_raw(answer: Answer) -> dict[str, Any]:
    packed: dict[str, Any] = {}
    try:
        packed["raw"] = answer.content.decode()
    except UnicodeDecodeError:
        packed["raw64"] = base64.b64encode(answer.content).decode()
    if answer.content_type:
        packed["content_type"] = answer.content_type
    if answer.status != 200:
        packed["status"] = answer.status
    return packed


def _is_chat(body: Any) -> bool:
    if not isinstance(body, dict) or body.get("object", "chat.completion") != "chat.completion":
        return False
    choices = body.get("choices")
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return False
    return isinstance(choices[0].get("message"), dict)


def _pack_chat(body: dict[str, Any], asked: str) -> dict[str, Any]:
    choice = body["choices"][0]
    message = choice["message"]
    packed = {
        name: message[key]
        for name, key in (("reply", "content"), ("refusal", "refusal"))
        if isinstance(message.get(key), str)
    }
    _pack_ending(packed, choice.get("finish_reason"), body.get("model"), asked)
    if body.get("usage") is not None:
        packed["usage"] = _pack_usage(body["usage"])
    read = [key for key in ("content", "refusal") if isinstance(message.get(key), str)]
    further = {
        "message": _further(message, read),
        "choice": _further(choice, ["message", "finish_reason"]),
        "body": _further(body, ["choices", "model", "usage", *_FORGOTTEN]),
    }
    return packed | {place: table for place, table in further.items() if table}


def _pack_ending(packed: dict[str, Any], finish_reason: Any, model: Any, asked: str) -> None:
    if finish_reason != "stop":
        packed["finish_reason"] = finish_reason
    if model != asked:
        packed["by"] = model


def _further(table: dict[str, Any], read: list[str]) -> dict[str, Any]:
    return {
        key: value
        for key, value in table.items()
        if key not in read and value is not None and value not in _USUAL.get(key, ())
    }


def _pack_usage(usage: Any) -> Any:
    """`[in, out]`, with a third element for what else was counted; anything unheard of as it came."""
    if not isinstance(usage, dict):
        return {"as_it_came": usage}
    sent, given = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if not (type(sent) is int and type(given) is int) or min(sent, given) < 0:
        return usage
    further = {
        key: value for key, value in usage.items() if key not in ("prompt_tokens", "completion_tokens")
    }
    if further.get("total_tokens") == sent + given:
        del further["total_tokens"]
    further = _counted(further)
    return [sent, given, further] if further else [sent, given]


def _counted(table: dict[str, Any]) -> dict[str, Any]:
    """Without the zeros, nulls and empty tables that providers fill their usage with."""
    slim = {key: _counted(value) if isinstance(value, dict) else value for key, value in table.items()}
    return {key: value for key, value in slim.items() if value or value is False or isinstance(value, str)}


def _unpack_usage(usage: Any) -> Any:
    if isinstance(usage, dict):
        return usage["as_it_came"] if usage.keys() == {"as_it_came"} else usage
    sent, given, *further = usage
    counts = {"prompt_tokens": sent, "completion_tokens": given, "total_tokens": sent + given}
    return counts | (further[0] if further else {})


def _unpack_chat(reply: Mapping[str, Any], asked: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": reply.get("reply")}
    if "refusal" in reply:
        message["refusal"] = reply["refusal"]
    choice = {
        "index": 0,
        "message": message | reply.get("message", {}),
        "finish_reason": reply.get("finish_reason", "stop"),
    }
    body: dict[str, Any] = {
        "id": "recorded",
        "object": "chat.completion",
        "created": 0,
        "model": reply.get("by", asked),
        "choices": [choice | reply.get("choice", {})],
    }
    if "usage" in reply:
        body["usage"] = _unpack_usage(reply["usage"])
    return {**body, **reply.get("body", {})}
