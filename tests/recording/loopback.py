"""A judge on loopback that counts what it is asked, and how its questions and replies look to the SDK."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx2

from pytest_mllm_judge.model import Picture, Question, Reply, Text, Usage
from pytest_mllm_judge.recording import Recorder

AskedFor = Callable[..., Question]
Record = Callable[..., Recorder]
Plain = Callable[[Recorder], httpx2.Client]
Sdk = Callable[[Recorder], Callable[[Question], Reply]]
RERECORD = "pytest --judge=shapes-old --judge-record=new_episodes"
KEY = "loopback-key-0123456789"
SECRETS = (KEY, "org-acme0123456789abcdefgh", "cookie-0123456789", "req_0123456789")


def completion(body: dict[str, Any]) -> dict[str, Any]:
    """What the judge answers: the same for the same request, but for its id and its time."""
    told = hashlib.sha256(json.dumps(body["messages"], sort_keys=True).encode()).hexdigest()[:8]
    return {
        "id": f"chatcmpl-{threading.get_ident()}-{id(body)}",
        "object": "chat.completion",
        "created": 1700000000 + id(body) % 1000,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": "stop",
                "logprobs": None,
                "message": {"role": "assistant", "content": f"Seen {told}: [[A]]", "refusal": None},
            }
        ],
        "usage": {"prompt_tokens": 812, "completion_tokens": 9, "total_tokens": 821},
        "system_fingerprint": "fp_0123456789",
    }


@dataclass
class Server:
    """A loopback judge. `answer` may be set: a request's body and its count -> status, headers, content."""

    url: str
    stop: Callable[[], None]
    asked: Counter[str] = field(default_factory=Counter)
    answer: Callable[[dict[str, Any], int], tuple[int, dict[str, str], bytes]] | None = None

    @property
    def total(self) -> int:
        return sum(self.asked.values())

    def respond(self, body: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        key = json.dumps(body, sort_keys=True)
        self.asked[key] += 1
        if self.answer is not None:
            return self.answer(body, self.asked[key])
        return 200, {"content-type": "application/json"}, json.dumps(completion(body)).encode()


def handler(server: Callable[[], Server]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status, headers, content = server().respond(body)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("set-cookie", "session=cookie-0123456789; Path=/")
            self.send_header("openai-organization", "org-acme0123456789abcdefgh")
            self.send_header("x-request-id", "req_0123456789")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Keep the tests' output clean."""

    return Handler


def messages_of(question: Question) -> list[Any]:
    def part(piece: Text | Picture) -> dict[str, Any]:
        if isinstance(piece, Text):
            return {"type": "text", "text": piece.text}
        assert piece.file is not None
        return {"type": "image_url", "image_url": {"url": "data:," + piece.file.read_text()}}

    return [{"role": m.role, "content": [part(p) for p in m.parts]} for m in question.messages]


def reply_of(completion: Any) -> Reply:
    (choice,) = completion.choices
    usage = completion.usage
    return Reply(
        text=choice.message.content,
        refusal=choice.message.refusal,
        finish_reason=choice.finish_reason,
        model=completion.model,
        usage=Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens),
        latency=0.25,
    )
