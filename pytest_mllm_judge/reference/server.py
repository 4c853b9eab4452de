"""The shapes world's judges over HTTP: an OpenAI-compatible server on loopback."""

from __future__ import annotations

import hmac
import ipaddress
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.reference import chat
from pytest_mllm_judge.reference.chat import Failures, Refused
from pytest_mllm_judge.reference.dials import MODELS, Dials
from pytest_mllm_judge.reference.look import Eyes

__all__ = ["LARGEST", "PORT", "Failures", "Server", "running", "serve"]

PORT = 8377
"""The port that the presets `shapes-old`, `shapes-new` and `shapes-worse` expect."""
LARGEST = 64 * 2**20
"""A longer request body, in bytes, is refused."""


class Server:
    """Answers `POST /v1/chat/completions` and `GET /v1/models`.

    `asked` counts, by the sha256 of the request's body, how often each question came. `failures` may be
    replaced while it runs. Raises SettingsError for a host that other machines can reach, for an empty key,
    and for a port that is taken.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        key: str,
        failures: Failures | None = None,
        models: Mapping[str, Dials] = MODELS,
    ) -> None:
        _refuse_open(host)
        if not key:
            raise SettingsError("the server needs a key that its clients must send; the one given is empty")
        self.key = key
        self.failures = failures or Failures()
        self.models = dict(models)
        self._asked: Counter[str] = Counter()
        self._lock = Lock()
        self._eyes = Eyes()
        try:
            self._http = _Listener((host, port), partial(_Handler, self))
        except OSError as error:
            what = error.strerror or error
            raise SettingsError(
                f"can't serve on {host}, port {port}: {what}\n  Name another port."
            ) from error

    @property
    def url(self) -> str:
        """The base address for a client, such as `http://127.0.0.1:8377/v1`."""
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}/v1"

    @property
    def asked(self) -> dict[str, int]:
        """How often each question came, failed tries too."""
        with self._lock:
            return dict(self._asked)

    def run(self) -> None:
        """Answer requests until `close` is called from another thread."""
        self._http.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """Stop answering, and free the port. Only after `run`."""
        self._http.shutdown()
        self._http.server_close()

    def abandon(self) -> None:
        """Free the port of a server that is not running, or that was interrupted."""
        self._http.server_close()

    def answer(self, body: Any) -> dict[str, Any]:
        """The response to a chat request. Refused if it gets an error."""
        digest = chat.digest(body)
        with self._lock:
            ask = self._asked[digest]
            self._asked[digest] += 1
        if self.failures.delay:
            time.sleep(self.failures.delay)
        return chat.complete(body, ask=ask, eyes=self._eyes, failures=self.failures, models=self.models)

    def listing(self) -> dict[str, Any]:
        """The response to a request for the models."""
        made = {"object": "model", "created": 0, "owned_by": "pytest-mllm-judge"}
        return {"object": "list", "data": [{"id": name, **made} for name in self.models]}

    def refuse_key(self, header: str | None) -> None:
        """Raise Refused (401) unless the Authorization header holds the key."""
        sent = (header or "").removeprefix("Bearer ").strip()
        if not sent:
            raise Refused(401, "no key was sent; send 'Authorization: Bearer KEY'", code="missing_api_key")
        if not hmac.compare_digest(sent.encode("utf-8", "replace"), self.key.encode()):
            raise Refused(401, "the key that was sent is not this server's", code="invalid_api_key")


def _refuse_open(host: str) -> None:
    try:
        is_loopback = ipaddress.IPv4Address(host).is_loopback
    except ValueError:
        is_loopback = host == "localhost"
    if not is_loopback:
        raise SettingsError(
            f"host {host!r} is not on loopback: this server is for tests on one machine"
            "\n  Use 127.0.0.1 or localhost."
        )


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that hang up."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "pytest-mllm-judge"
    sys_version = ""
    # Head and body leave in one piece, or the client waits for them.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 60

    def __init__(self, server: Server, *args: Any) -> None:
        self._shapes = server
        super().__init__(*args)

    def do_GET(self) -> None:
        """Models."""
        self._respond("/v1/models", lambda _: self._shapes.listing())

    def do_POST(self) -> None:
        """Chat completions."""
        self._respond("/v1/chat/completions", lambda body: self._shapes.answer(_json(body)))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keep standard error clean."""

    def _respond(self, path: str, answer: Callable[[bytes], dict[str, Any]]) -> None:
        try:
            # The body is read before anything is refused, or the connection could not be used again.
            body = self._body()
            self._shapes.refuse_key(self.headers.get("Authorization"))
            if self.path.partition("?")[0] != path:
                raise Refused(404, f"{self.command} {self.path} is not served here; {path} is")
            status, said = 200, answer(body)
        except Refused as refused:
            status, said = refused.status, refused.body
        self._send(status, said)

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.headers or not length.isdigit() or int(length) > LARGEST:
            self.close_connection = True
            raise Refused(400, f"the body needs a Content-Length of at most {LARGEST} bytes")
        return self.rfile.read(int(length))

    def _send(self, status: int, said: dict[str, Any]) -> None:
        data = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "1")
        self.end_headers()
        self.wfile.write(data)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is no JSON ({error})") from error


@contextmanager
def running(
    *,
    key: str = "shapes",
    port: int = 0,
    failures: Failures | None = None,
    models: Mapping[str, Dials] = MODELS,
) -> Iterator[Server]:
    """A server on loopback for the length of a `with` block; on a free port unless one is named."""
    server = Server(port=port, key=key, failures=failures, models=models)
    thread = Thread(target=server.run, name="shapes server", daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()


def serve(
    host: str = "127.0.0.1",
    port: int = PORT,
    *,
    key: str,
    failures: Failures | None = None,
    models: Mapping[str, Dials] = MODELS,
    say: Callable[[str], None] = print,
) -> None:
    """Serve until interrupted, and say where. SettingsError as for `Server`."""
    server = Server(host=host, port=port, key=key, failures=failures, models=models)
    say(f"serving {', '.join(server.models)} at {server.url}; stop with Ctrl-C")
    try:
        server.run()
    except KeyboardInterrupt:
        say("stopped")
    finally:
        server.abandon()
