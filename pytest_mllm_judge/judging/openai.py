"""Judges behind an OpenAI-compatible chat endpoint.

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
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from pytest_mllm_judge.judging.judge import Context, Identity, Judge
from pytest_mllm_judge.judging.parsers import parser_named
from pytest_mllm_judge.judging.pictures import change_of
from pytest_mllm_judge.judging.prompting import load_prompt
from pytest_mllm_judge.judging.settings import ENV, OpenAISettings, table
from pytest_mllm_judge.model import Item, Parsed, Question, Reply

if TYPE_CHECKING:
    from pytest_mllm_judge.judging.endpoint import Endpoint

PER_MILLION = 1_000_000


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

    def identity(self) -> Identity:
        """Model, prompt and parser, and the settings that a question says."""
        shown = {"detail": self.settings.detail, "change": self._change or None}
        return Identity(
            model=self.model,
            prompt=self._prompt.called,
            prompt_digest=self._prompt.digest,
            parser=self.settings.parser,
            settings={**self._sampling, **{key: value for key, value in shown.items() if value is not None}},
        )

    @cached_property
    def _endpoint(self) -> Endpoint:
        """The SDK's side. It takes half a second to load, and a replay seldom needs it."""
        from pytest_mllm_judge.judging.endpoint import Endpoint

        return Endpoint(self.name, self.settings, self._context, self.missing_key)

    def ask(self, question: Question) -> Reply:
        """Send the question once. Raises JudgeError if no chat completion came back."""
        return self._endpoint.ask(question)

    async def ask_async(self, question: Question) -> Reply:
        """The same, many at once. A client of the user's own is called from threads."""
        return await self._endpoint.ask_async(question)

    @property
    def client(self) -> Any:
        """The one client of this judge, on the cassette's transport; made when it is first needed."""
        return self._endpoint.client

    def use(self, client: Any) -> None:
        """Ask through this client from now on; it must send through this judge's own transport."""
        self._endpoint.use(client)

    def close(self) -> None:
        """Close the connections."""
        if "_endpoint" in self.__dict__:
            self._endpoint.close()

    async def aclose(self) -> None:
        """Close the connections of `ask_async`."""
        if "_endpoint" in self.__dict__:
            await self._endpoint.aclose()

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
            variable = value.removeprefix(ENV)
            if value.startswith(ENV) and not os.environ.get(variable):
                return (
                    f"judge {self.name!r} sends the header {header} from the environment variable "
                    f"{variable}, which is not set"
                )
        return None


def _of_repeat(sampling: Mapping[str, JsonValue], seed: int | None, repeat: int) -> dict[str, JsonValue]:
    """The sampling settings of a repeat: with a seed, each repeat has its own."""
    if seed is None or repeat == 0:
        return dict(sampling)
    return {**sampling, "seed": seed + repeat}
