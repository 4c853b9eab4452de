"""Judges that are a function of the user's own: a transformers pipeline, another SDK, a rule.

    def judge(question):
        prompt = "\n".join(part.text for message in question.messages for part in message.parts
                           if hasattr(part, "text"))
        return my_pipeline(prompt, images=question.item.images)

The function is given the `Question` and returns the reply's text, a `Reply`, or a dict of a reply's fields.
Pictures that a probe changed are written to files of their own first, and the question names those.
An exception becomes a `JudgeError`. A plain function is called once at a time, since a model in this process
seldom bears more; with `concurrent = true` in its table from several threads at once. An `async def` function
is awaited many times at once, in a loop that runs beside the tests.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import ValidationError

from pytest_mllm_judge.errors import JudgeError, MllmJudgeError, did_you_mean
from pytest_mllm_judge.judging.alterations import picture_of, unchangeable
from pytest_mllm_judge.judging.changed_files import with_files
from pytest_mllm_judge.judging.functions import load_function
from pytest_mllm_judge.judging.judge import Context, Identity, Judge
from pytest_mllm_judge.judging.parsers import parser_named
from pytest_mllm_judge.judging.prompting import load_prompt
from pytest_mllm_judge.judging.settings import CallableSettings, table
from pytest_mllm_judge.judging.threads import in_a_thread
from pytest_mllm_judge.model import Item, Parsed, Picture, Question, Reply, Text
from pytest_mllm_judge.model.question import canonical

_SEEN = {"id", "task", "instruction", "responses", "source", "fields"}
_TURNS: dict[str, threading.Lock] = {}
"""Who is calling each plain function now: two judges, or two benchmarks, may share one."""


class CallableJudge(Judge):
    """Asks a function. Its replies stand in a cassette, as any other judge's."""

    Settings = CallableSettings

    def __init__(self, name: str, settings: CallableSettings, context: Context) -> None:
        super().__init__(name, context)
        self.model = settings.model or settings.function
        self._spec = settings.function
        self._function = load_function(settings.function, root=context.root, where=f"{table(name)} function")
        self._prompt = load_prompt(settings.prompt, root=context.root)
        self._parser = parser_named(settings.parser, context.root)
        self._parser_name = settings.parser
        self.sends_images = self._prompt.shows_images
        self._is_async = inspect.iscoroutinefunction(self._function)
        self.at_once = None if self._is_async or settings.concurrent else 1
        self.time_limit = settings.time_limit

    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """The prompt, rendered, and the item besides: the function may use either."""
        messages = self._prompt.render(item, self.tasks)
        return Question(
            item=item,
            judge=self.name,
            model=self.model,
            messages=messages,
            variant=variant,
            repeat=repeat,
            besides=_besides(item),
        )

    def identity(self) -> Identity:
        """The function, or the model that it is said to ask; prompt and parser."""
        return Identity(
            model=self.model,
            prompt=self._prompt.called,
            prompt_digest=self._prompt.digest,
            parser=self._parser_name,
        )

    def ask(self, question: Question) -> Reply:
        """Call the function once, when its turn has come."""
        with self._turn(question):
            shown = with_files(question)
            start = time.perf_counter()
            try:
                answer = self._function(shown)
                if self._is_async:
                    answer = asyncio.run(answer)
            except MllmJudgeError:
                raise
            except Exception as error:
                raise self._failure(question, error) from error
            return self._timed(question, answer, start)

    @contextmanager
    def _turn(self, question: Question) -> Iterator[None]:
        """Wait for a call that is still going on, even one that was given up: a thread can't be ended."""
        if self.at_once is None:
            yield
            return
        turn = _TURNS.setdefault(self._spec, threading.Lock())
        if not turn.acquire(timeout=min(self.time_limit, threading.TIMEOUT_MAX)):
            asked = f"judge {self.name!r}, item {question.item.id!r}"
            raise JudgeError(f"{asked}: {self._spec} is still busy with an earlier question", passing=True)
        try:
            yield
        finally:
            turn.release()

    async def ask_async(self, question: Question) -> Reply:
        """Call the function once: awaited if it is `async def`, else in a thread."""
        if not self._is_async:
            return await super().ask_async(question)
        shown = await in_a_thread(lambda: with_files(question)) if question.item.picture_changes else question
        start = time.perf_counter()
        try:
            answer = await self._function(shown)
        except MllmJudgeError:
            raise
        except Exception as error:
            raise self._failure(question, error) from error
        return self._timed(question, answer, start)

    def _failure(self, question: Question, error: Exception) -> JudgeError:
        what = f"{self._spec} raised {type(error).__name__}: {error}"
        return JudgeError(f"judge {self.name!r}, item {question.item.id!r}: {what}")

    def _timed(self, question: Question, answer: Any, start: float) -> Reply:
        reply = self._reply(question, answer)
        latency = time.perf_counter() - start
        return reply if reply.latency is not None else reply.model_copy(update={"latency": latency})

    def _reply(self, question: Question, answer: Any) -> Reply:
        if isinstance(answer, Reply):
            return answer
        if isinstance(answer, str):
            return Reply(text=answer)
        where = f"judge {self.name!r}, item {question.item.id!r}: {self._spec} returned"
        if not isinstance(answer, Mapping):
            kind = type(answer).__name__
            raise JudgeError(
                f"{where} {kind}; return the reply's text, a Reply, or a dict of a Reply's fields"
            )
        try:
            return Reply.model_validate(dict(answer))
        except ValidationError as error:
            raise JudgeError(f"{where} a dict that is no reply: {_first_fault(error)}") from None

    def parse(self, item: Item, reply: Reply) -> Parsed:
        """Read a reply by the parser of the settings."""
        return self._parser(item, reply, self.tasks)


def _besides(item: Item) -> tuple[Text | Picture, ...]:
    """What a function sees of an item: all but what humans said of it, and its pictures by their content."""
    seen = item.model_dump(
        mode="json", include={"id", "task", "instruction", "responses", "source", "fields"}
    )
    pictures = (_picture(item, address) for address in dict.fromkeys(item.every_image))
    return (Text(canonical(seen)), *pictures)


def _picture(item: Item, address: str) -> Picture:
    """A picture by its file; by its address where there is none, as the function would see it."""
    picture = picture_of(item, address)
    if picture.file is not None and picture.file.is_file():
        return picture
    if picture.change:
        raise unchangeable(item, address)
    return Picture(address, None)


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    key = str(fault["loc"][0])
    if fault["type"] == "extra_forbidden":
        return f"unknown field {key!r}{did_you_mean(key, Reply.model_fields)}"
    return f"{key}: {fault['input']!r} is wrong: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
