"""What every kind of judge is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field, JsonValue

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.threads import in_a_thread
from pytest_mllm_judge.model import Item, Judgement, Parsed, Question, Reply, Tasks
from pytest_mllm_judge.model.frozen import Frozen


def _as_it_is(transport: Any) -> Any:
    return transport


@dataclass(frozen=True, kw_only=True)
class Context:
    """Where a judge stands: the benchmark's tasks, the folder that its paths start from, and the cassette.

    `wrap` puts the cassette in front of an httpx2 transport; a judge that speaks HTTP sends through it. While
    a context that `patch` gives is open, the cassette also stands in front of every other HTTP library.
    """

    tasks: Tasks = field(default_factory=Tasks)
    root: Path = field(default_factory=Path)
    wrap: Callable[[Any], Any] = _as_it_is
    patch: Callable[[], AbstractContextManager[Any]] = nullcontext


class Identity(Frozen):
    """What decides a judge's replies besides the item; no secret, no address and no folder of a machine.

    `prompt` is the prompt's name and `prompt_digest` its sha256 in hex, both '' without one; `settings` are
    those that go into a question, or change how the reply is read.
    """

    model: str = ""
    prompt: str = ""
    prompt_digest: str = ""
    parser: str = ""
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class Judge(ABC):
    """A judge of one benchmark's items: asks a question, and reads the reply.

    The runner does the asking: it takes `question`, finds the reply in the cassette or calls `ask`, and
    hands it to `read`. Subclasses say by attributes what the runner must know.
    """

    Settings: ClassVar[type[Frozen]]
    """What a table of this kind may hold; a judge is made by `(name, settings, context)`."""
    sends_images: bool = True
    """The images are opened: they must exist and be sound before the first question."""
    is_recorded: ClassVar[bool] = True
    """Its exchanges stand in a cassette; without one, record mode `none` refuses to ask."""
    speaks_http: ClassVar[bool] = False
    """It sends through `context.wrap`, so its HTTP exchanges are what the cassette holds."""

    model: str = ""
    """The model that its questions ask for; '' for a judge that is not asked."""
    replies: Path | None = None
    """The file that its replies are read from; None for a judge that is asked."""
    at_once: int | None = None
    """How many questions it can be asked at a time; None for any number."""
    time_limit: float = 900.0
    """Seconds after which a question is given up, retries included."""

    def __init__(self, name: str, context: Context) -> None:
        self.name = name
        self.tasks = context.tasks

    def check(self, items: Sequence[Item]) -> None:  # noqa: B027 - most judges take any item
        """Raise SettingsError if these items can't be judged at all; called before the first question."""

    def missing_key(self) -> str | None:
        """What a real call needs of the environment and does not find, as a sentence; None if nothing.

        A replay needs no key, so this is asked only where a call is about to be made.
        """
        return None

    def identity(self) -> Identity:
        """What an approval of this judge remembers of it, so that a change can be told."""
        return Identity(model=self.model)

    @property
    def client(self) -> Any:
        """The SDK client that it asks through; None for a judge without one."""
        return None

    def use(self, client: Any) -> None:
        """Ask through this client from now on. Raise SettingsError for a judge without one."""
        raise SettingsError(f"judge {self.name!r} asks through no client, so {client!r} can't replace it")

    def close(self) -> None:  # noqa: B027 - most judges hold nothing open
        """Let go of connections. Safe to call twice; a judge that is asked again opens them anew."""

    @abstractmethod
    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """The question as this judge puts it. Opens no image."""

    @abstractmethod
    def ask(self, question: Question) -> Reply:
        """Ask once, without retries. Raise JudgeError if nothing came back."""

    async def ask_async(self, question: Question) -> Reply:
        """The same as `ask`, awaited: in a thread, unless a kind of judge has a way of its own."""
        return await in_a_thread(lambda: self.ask(question))

    async def aclose(self) -> None:  # noqa: B027 - most judges hold nothing open
        """Let go of what `ask_async` opened, in the loop that it was awaited in."""

    @abstractmethod
    def parse(self, item: Item, reply: Reply) -> Parsed:
        """Read a reply. Never raises on any text."""

    def cost(self, reply: Reply) -> float | None:
        """What the exchange cost by the settings' prices; None if unknown."""
        del reply
        return None

    def unpriced(self) -> str:
        """Why `cost` is not known, as a sentence without its full stop; '' if it is."""
        return f"judge {self.name!r} has no prices"

    def read(self, question: Question, reply: Reply) -> Judgement:
        """The judgement that a reply to a question comes to."""
        parsed = self.parse(question.item, reply)
        return Judgement(
            item=question.item,
            judge=self.name,
            variant=question.variant,
            repeat=question.repeat,
            reply=reply.text if reply.text is not None else reply.refusal,
            verdict=parsed.verdict,
            problem=parsed.problem,
            reason=parsed.reason,
            fields=parsed.fields,
            usage=reply.usage,
            cost=self.cost(reply),
            # To the digits that a replay finds beside the cassette: nothing may tell the two apart.
            latency=None if reply.latency is None else round(reply.latency, 4),
            finish_reason=reply.finish_reason,
            model=reply.model,
        )
