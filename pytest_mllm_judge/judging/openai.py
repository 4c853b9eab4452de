"""Judges behind an OpenAI-compatible chat endpoint. The one file that imports openai.

A client of one's own, for Azure, a proxy or a token that expires, is a function that `client` names:

    import httpx2, openai

    def azure(*, wrap):
        transport = wrap(httpx2.HTTPTransport(proxy="http://proxy.example:3128"))
        return openai.AzureOpenAI(
            azure_endpoint="https://example.openai.azure.com", api_version="2024-10-21",
            azure_ad_token_provider=my_token,
            http_client=openai.DefaultHttpxClient(transport=transport))

`wrap` puts the cassette in front of a transport; a client that does not send through it is refused, since
nothing would be recorded, unless the settings say `patch = true`. On a replay the function may run too, so it
should not call out by itself.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import openai
from openai.types.chat import ChatCompletion
from pydantic import JsonValue

from pytest_mllm_judge.errors import JudgeError, SettingsError
from pytest_mllm_judge.judging.chat import chat_message, said, usage
from pytest_mllm_judge.judging.functions import load_function
from pytest_mllm_judge.judging.judge import Context, Judge
from pytest_mllm_judge.judging.parsers import parser_named
from pytest_mllm_judge.judging.pictures import change_of
from pytest_mllm_judge.judging.prompting import load_prompt
from pytest_mllm_judge.judging.settings import OpenAISettings, table
from pytest_mllm_judge.judging.threads import in_a_thread
from pytest_mllm_judge.model import Item, Parsed, Question, Reply

OPENAI = "https://api.openai.com/v1"
"""The address that the SDK has by itself, unless OPENAI_BASE_URL says another."""
PER_MILLION = 1_000_000
_ENV = "env:"
_UNSET = "unset"
"""Stands where a replay needs a key or a header and the environment has none."""
_FAULTS = (openai.OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, ValueError)
"""What the SDK raises where no chat completion came back; it lets some of its libraries' errors through."""
_OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
_PASSING = (408, 409, 429)
"""Statuses below 500 that may pass by themselves."""
_KEY = re.compile(r"\b(?:sk|Bearer)[-\s][\w*.-]{4,}")
_LONGEST_MESSAGE = 400


class OpenAIJudge(Judge):
    """Asks a chat endpoint through the openai SDK, once per question, without streams or retries."""

    Settings = OpenAISettings
    speaks_http = True

    def __init__(self, name: str, settings: OpenAISettings, context: Context) -> None:
        super().__init__(name, context)
        self.settings = settings
        self.model = settings.model
        self._context = context
        self._prompt = load_prompt(settings.prompt, root=context.root)
        self._parser = parser_named(settings.parser, context.root)
        self._change = change_of(settings)
        self._sampling = settings.sampling
        self._client: openai.OpenAI | None = None
        self._async_client: openai.AsyncOpenAI | None = None
        self._is_overridden = False
        self._patch = ExitStack()
        self._lock = threading.Lock()
        self.sends_images = self._prompt.shows_images
        self.time_limit = settings.time_limit

    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """The prompt, rendered, with the sampling settings as they are sent."""
        settings = self.settings
        return Question(
            item=item,
            judge=self.name,
            model=settings.model,
            messages=self._prompt.render(item, self.tasks, change=self._change, detail=settings.detail),
            settings=_of_repeat(self._sampling, settings.seed, repeat),
            variant=variant,
            repeat=repeat,
        )

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
        if self.settings.client or self._is_overridden:
            return await super().ask_async(question)
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
        return {
            "model": question.model,
            "messages": [chat_message(message) for message in question.messages],
            # Everything else as the question says it: nothing that the SDK would add or rename.
            "extra_body": dict(question.settings),
            "extra_headers": self._headers(),
        }

    def parse(self, item: Item, reply: Reply) -> Parsed:
        """Read a reply by the parser of the settings."""
        return self._parser(item, reply, self.tasks)

    def cost(self, reply: Reply) -> float | None:
        """What the exchange cost by the settings' prices; None without prices or usage."""
        prices, used = self.settings.prices, reply.usage
        if prices is None or used is None:
            return None
        return (used.input_tokens * prices.input + used.output_tokens * prices.output) / PER_MILLION

    def unpriced(self) -> str:
        """Whether the settings lack prices, in words."""
        return f"{table(self.name)} has no prices" if self.settings.prices is None else ""

    def missing_key(self) -> str | None:
        """The variable that a real call would need and that is not set, in a sentence."""
        key = None if self.settings.client else self.settings.key_variable
        if key and not os.environ.get(key):
            return f"judge {self.name!r} needs an API key: the environment variable {key} is not set"
        for header, value in self.settings.headers.items():
            variable = value.removeprefix(_ENV)
            if value.startswith(_ENV) and not os.environ.get(variable):
                return (
                    f"judge {self.name!r} sends the header {header} from the environment variable "
                    f"{variable}, which is not set"
                )
        return None

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

    def _new_client(self) -> openai.OpenAI:
        transport = httpx2.HTTPTransport(limits=openai.DEFAULT_CONNECTION_LIMITS, proxy=self._proxy)
        http_client = openai.DefaultHttpxClient(transport=self._recorded(transport))
        return openai.OpenAI(**self._common(), http_client=http_client)

    def _new_async_client(self) -> openai.AsyncOpenAI:
        transport = httpx2.AsyncHTTPTransport(limits=openai.DEFAULT_CONNECTION_LIMITS, proxy=self._proxy)
        http_client = openai.DefaultAsyncHttpxClient(transport=self._recorded(transport))
        return openai.AsyncOpenAI(**self._common(), http_client=http_client)

    def _recorded(self, transport: Any) -> Any:
        return self._context.wrap(_KeyAtTheDoor(self.missing_key, transport))

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
            name: os.environ.get(value.removeprefix(_ENV), "") or _UNSET if value.startswith(_ENV) else value
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
        variables += [v.removeprefix(_ENV) for v in self.settings.headers.values() if v.startswith(_ENV)]
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


def _of_repeat(sampling: Mapping[str, JsonValue], seed: int | None, repeat: int) -> dict[str, JsonValue]:
    """The sampling settings of a repeat: with a seed, each repeat has its own."""
    if seed is None or repeat == 0:
        return dict(sampling)
    return {**sampling, "seed": seed + repeat}


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
    """The seconds of the header `retry-after`; a date there is not read."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return None
