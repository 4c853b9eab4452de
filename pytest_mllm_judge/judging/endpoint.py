"""A chat endpoint through the openai SDK. The one file that imports openai.

It is loaded when something is asked, or played over the wire: a replay that reads the cassette needs no SDK.
"""

from __future__ import annotations

import math
import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai
from openai.types.chat import ChatCompletion

from pytest_mllm_judge.errors import JudgeError, SettingsError
from pytest_mllm_judge.judging.chat import chat_message, said, usage
from pytest_mllm_judge.judging.functions import load_function
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.settings import ENV, OpenAISettings, table
from pytest_mllm_judge.judging.threads import in_a_thread
from pytest_mllm_judge.model import Question, Reply

OPENAI = "https://api.openai.com/v1"
"""The address that the SDK has by itself, unless OPENAI_BASE_URL says another."""
_UNSET = "unset"
"""Stands where a replay needs a key or a header and the environment has none."""
_FAULTS = (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, ValueError)
"""What the SDK raises where no chat completion came back; it lets some of its libraries' errors through."""
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
_PASSING = (408, 409, 429)
"""Statuses below 500 that may pass by themselves."""
_KEY = re.compile(r"\b(?:sk|Bearer)[-\s][\w*.-]{4,}")
_LONGEST_MESSAGE = 400


class Endpoint:
    """One judge's clients, made when they are first needed, and what comes back through them.

    `name` is the judge's; `missing_key` says what a real call needs and does not find.
    """

    def __init__(
        self, name: str, settings: OpenAISettings, context: Context, missing_key: Callable[[], str | None]
    ) -> None:
        self.name = name
        self.settings = settings
        self._context = context
        self._missing_key = missing_key
        self._client: openai.OpenAI | None = None
        self._async_client: openai.AsyncOpenAI | None = None
        self._is_overridden = False
        self._patch = ExitStack()
        self._lock = threading.Lock()

    @property
    def asks_in_threads(self) -> bool:
        """Whether its client is the user's own, which is not async."""
        return self.settings.client is not None or self._is_overridden

    def ask(self, question: Question) -> Reply:
        """Send the question once. Raises JudgeError if no chat completion came back."""
        request = self._request(question)
        client = self.client
        start = time.perf_counter()
        try:
            completion = client.chat.completions.create(**request)
        except _FAULTS as error:
            raise self._failure(question, error, client.base_url.host) from error
        return self._reply(question, completion, latency=time.perf_counter() - start)

    async def ask_async(self, question: Question) -> Reply:
        """The same, many at once. A client of the user's own is called from threads."""
        if self.asks_in_threads:
            return await in_a_thread(lambda: self.ask(question))
        request = await in_a_thread(lambda: self._request(question))  # pictures take their time
        client = self._async_client = self._async_client or self._new_async_client()
        start = time.perf_counter()
        try:
            completion = await client.chat.completions.create(**request)
        except _FAULTS as error:
            raise self._failure(question, error, client.base_url.host) from error
        return self._reply(question, completion, latency=time.perf_counter() - start)

    def _request(self, question: Question) -> dict[str, Any]:
        """What the SDK is given. Raises BenchmarkError for a picture that can't be sent."""
        messages = [chat_message(message) for message in question.messages]
        return {
            "model": question.model,
            "messages": [],
            # As the question says it: nothing that the SDK would add or rename. It would also look at every
            # part of the messages, which takes longer than all that we do.
            "extra_body": {"messages": messages, **question.settings},
            "extra_headers": self._headers(),
        }

    @property
    def client(self) -> openai.OpenAI:
        """The one client of this judge, on the cassette's transport; made when it is first needed."""
        with self._lock:
            if self._client is None:
                self._client = self._own_client() if self.settings.client else self._new_client()
            return self._client

    def use(self, client: openai.OpenAI) -> None:
        """Ask through this client from now on; it must send through this judge's own transport."""
        with self._lock:
            self._client = client.with_options(max_retries=0)
            self._is_overridden = True

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = None
            self._patch.close()

    async def aclose(self) -> None:
        """Close the connections of `ask_async`."""
        client, self._async_client = self._async_client, None
        if client is not None:
            await client.close()

    def _new_client(self) -> openai.OpenAI:
        transport = httpx2.HTTPTransport(limits=openai.DEFAULT_CONNECTION_LIMITS, proxy=self._proxy)
        http_client = openai.DefaultHttpxClient(transport=self._recorded(transport))
        return openai.OpenAI(**self._common(), http_client=http_client)

    def _new_async_client(self) -> openai.AsyncOpenAI:
        transport = httpx2.AsyncHTTPTransport(limits=openai.DEFAULT_CONNECTION_LIMITS, proxy=self._proxy)
        http_client = openai.DefaultAsyncHttpxClient(transport=self._recorded(transport))
        return openai.AsyncOpenAI(**self._common(), http_client=http_client)

    def _recorded(self, transport: Any) -> Any:
        return self._context.wrap(_KeyAtTheDoor(self._missing_key, transport))

    def _common(self) -> dict[str, Any]:
        """What a client is told, sync or async."""
        return {
            "api_key": os.environ.get(self.settings.key_variable or "") or _UNSET,
            "base_url": self._address,
            "max_retries": 0,
            "timeout": self._timeout,
        }

    @property
    def _address(self) -> str:
        return self.settings.base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI

    @property
    def _proxy(self) -> str | None:
        """The environment's proxy for this address: a client that is given a transport looks for none.

        One's own machine is never behind one.
        """
        address = urlsplit(self._address)
        host = address.hostname or ""
        proxies = {} if host in _OWN_MACHINE or proxy_bypass(host) else getproxies()
        return proxies.get(address.scheme) or proxies.get("all")

    @property
    def _timeout(self) -> httpx2.Timeout:
        """The whole wait for an answer is the settings'; connecting is not waited for as long."""
        connect = min(self.settings.timeout, 5.0)
        return httpx2.Timeout(self.settings.timeout, connect=connect)

    def _own_client(self) -> openai.OpenAI:
        where = f"{table(self.name)} client"
        spec = str(self.settings.client)
        wrapped: list[Any] = []

        def wrap(transport: Any) -> Any:
            wrapped.append(transport)
            return self._recorded(transport)

        function = load_function(spec, root=self._context.root, where=where)
        try:
            client = function(wrap=wrap)
        except Exception as error:
            raise SettingsError(f"{where}: {spec} raised {type(error).__name__}: {error}") from error
        if not isinstance(client, openai.OpenAI):
            raise SettingsError(
                f"{where}: {spec} returned {type(client).__name__}, not an openai.OpenAI client"
            )
        if not wrapped and not self.settings.patch:
            raise SettingsError(
                f"{where}: {spec} did not send through `wrap`, so nothing would be recorded"
                "\n  Build the client on http_client=openai.DefaultHttpxClient(transport=wrap(...)), or, if "
                "that can't be, set patch = true."
            )
        if not wrapped:
            self._patch.enter_context(self._context.patch())
        return client.with_options(max_retries=0)

    def _headers(self) -> dict[str, str]:
        return {
            name: os.environ.get(value.removeprefix(ENV), "") or _UNSET if value.startswith(ENV) else value
            for name, value in self.settings.headers.items()
        }

    def _reply(self, question: Question, completion: Any, *, latency: float) -> Reply:
        choices = completion.choices if isinstance(completion, ChatCompletion) else None
        if not choices or choices[0].message is None:
            raise JudgeError(f"{self._asked(question)}: {self._clean(_what_came(completion))}", passing=True)
        message = choices[0].message
        try:
            text, refusal = said(message.content)
            return Reply(
                text=text,
                refusal=message.refusal or refusal,
                finish_reason=choices[0].finish_reason,
                model=completion.model or None,
                usage=usage(completion.usage),
                latency=latency,
            )
        except (ValueError, AttributeError) as error:  # fields of other types than the API's
            what = self._clean(f"the answer is no chat completion: {completion}")
            raise JudgeError(f"{self._asked(question)}: {what}", passing=True) from error

    def _asked(self, question: Question) -> str:
        return f"judge {self.name!r}, item {question.item.id!r}"

    def _failure(self, question: Question, error: Exception, host: str) -> JudgeError:
        """What went wrong, in one sentence that never holds a key."""
        asked = self._asked(question)
        if isinstance(error, openai.APIStatusError):
            status = error.status_code
            what = f"{asked}: {host} answered HTTP {status}: {self._clean(_message(error))}"
            passing = status >= 500 or status in _PASSING
            return JudgeError(what, status=status, passing=passing, retry_after=_retry_after(error))
        if isinstance(error, openai.APITimeoutError):
            return JudgeError(
                f"{asked}: no answer from {host} within {self.settings.timeout:g} s", passing=True
            )
        cause = error.__cause__ or error
        if isinstance(error, openai.APIConnectionError | httpx2.HTTPError):
            return JudgeError(f"{asked}: no connection to {host}: {self._clean(str(cause))}", passing=True)
        what = f"{type(error).__name__}: {self._clean(str(error))}"
        passing = not isinstance(error, UnicodeError | httpx2.InvalidURL)  # these could not be sent
        return JudgeError(f"{asked}: no chat completion from {host}: {what}", passing=passing)

    def _clean(self, text: str) -> str:
        """A provider's text without line breaks, keys and secret headers, and not too long."""
        variables = [self.settings.key_variable or ""]
        variables += [v.removeprefix(ENV) for v in self.settings.headers.values() if v.startswith(ENV)]
        for variable in variables:
            if secret := os.environ.get(variable):
                text = text.replace(secret, "***")
        text = " ".join(_KEY.sub("***", text).split())
        return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + " ..."


class _KeyAtTheDoor(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Below the cassette: reached by real calls only, which must not go out without their key."""

    def __init__(self, missing: Callable[[], str | None], transport: Any) -> None:
        self._missing = missing
        self._transport = transport

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self._check()
        response: httpx2.Response = self._transport.handle_request(request)
        return response

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._check()
        response: httpx2.Response = await self._transport.handle_async_request(request)
        return response

    def _check(self) -> None:
        if (missing := self._missing()) is not None:
            raise SettingsError(f"{missing}\n  Set it, or replay a cassette, which needs none.")

    def close(self) -> None:
        self._transport.close()

    async def aclose(self) -> None:
        await self._transport.aclose()


def _what_came(completion: Any) -> str:
    """Why an answer is no chat completion; some providers send an error with status 200."""
    if isinstance(completion, ChatCompletion):
        error = (completion.model_extra or {}).get("error")
        said = error.get("message", error) if isinstance(error, Mapping) else error
        return f"the answer is an error: {said}" if error else "the answer holds no choices"
    return f"the answer is no chat completion: {completion}"


def _message(error: openai.APIStatusError) -> str:
    """What the server said, without the SDK's frame around it."""
    body = error.body
    if isinstance(body, Mapping):
        said = body.get("message") or body.get("detail") or body.get("error") or body
        return str(said)
    return error.response.text or error.response.reason_phrase


def _retry_after(error: openai.APIStatusError) -> float | None:
    """How long the server asks to be left alone: `retry-after-ms`, or `retry-after`, seconds or a date."""
    headers = error.response.headers
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        with suppress(ValueError):
            seconds = float(headers.get(name, "")) / unit
            return None if math.isnan(seconds) else max(0.0, seconds)
    with suppress(ValueError, TypeError):
        until = parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, (until - datetime.now(until.tzinfo)).total_seconds())
    return None
