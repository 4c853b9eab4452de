"""A chat endpoint on loopback that keeps what arrives and answers what it is told to."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Arrived:
    path: str
    headers: dict[str, str]
    body: dict[str, Any]


@dataclass
class Endpoint:
    url: str = ""
    arrived: list[Arrived] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    answer: bytes = b""
    delay: float = 0.0

    def says(self, content: Any = '{"Judgement": "[[B]]"}', **message: Any) -> None:
        """Answer with a chat completion of this content."""
        self.completes(message={"role": "assistant", "content": content, **message})

    def completes(self, *, message: Mapping[str, Any], finish_reason: str = "stop", **top: Any) -> None:
        """Answer with a chat completion; `top` overrides its own keys."""
        choice = {"index": 0, "message": message, "finish_reason": finish_reason}
        self.sends(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": "model-2026-11-01",
                "choices": [choice],
                "usage": {"prompt_tokens": 1200, "completion_tokens": 30, "total_tokens": 1230},
                **top,
            }
        )

    def sends(self, body: Any, *, status: int = 200, **headers: str) -> None:
        """Answer with a status and this JSON, or these bytes as they are."""
        self.status = status
        self.answer = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers |= {name.replace("_", "-"): value for name, value in headers.items()}

    def fails(self, status: int, message: str, **headers: str) -> None:
        """Answer with an error as OpenAI spells it."""
        self.sends({"error": {"message": message, "type": "x", "code": None}}, status=status, **headers)


@contextmanager
def running() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    endpoint.says()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            endpoint.arrived.append(Arrived(self.path, headers, json.loads(body)))
            time.sleep(endpoint.delay)
            self.send_response(endpoint.status)
            for name, value in endpoint.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(endpoint.answer)))
            self.end_headers()
            with suppress(ConnectionError):  # a client that waited long enough is gone
                self.wfile.write(endpoint.answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
