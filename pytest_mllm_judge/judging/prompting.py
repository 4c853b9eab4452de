"""Prompts: text files that say how an item is put to a judge.

A prompt file has header lines `=== system`, `=== user` or `=== assistant`, each followed by that message's
text as a Jinja2 template. Its variables:

    task          score, pair or batch
    item          id, task, instruction, images, source and fields of the item; never its labels
    instruction   the user's instruction
    responses     each with letter, text (None for a picture alone) and images; never its author
    letters       the responses' letters
    scale         the points of the scale, worst first
    labels        the labels of a pair
    criteria      what a score is asked for; empty for a single verdict

`{{ image(address) }}` and `{{ images(item.images) }}` mark where a picture goes.
`{% include "parts/..." %}` takes one of the built-in parts, such as `parts/input.v1.txt`. What an item says
is put in as it is: it is never read as a template.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from pytest_mllm_judge.errors import BenchmarkError, SettingsError, did_you_mean
from pytest_mllm_judge.judging.alterations import alterations, picture_of
from pytest_mllm_judge.judging.prompts.templates import (
    BUILT_IN,
    digest_of,
    inlined,
    place_of,
    said,
    sections,
    template,
)
from pytest_mllm_judge.model import (
    BatchTask,
    Item,
    Message,
    PairTask,
    Picture,
    Response,
    ScoreTask,
    Task,
    Tasks,
    Text,
)
from pytest_mllm_judge.model.question import Role

if TYPE_CHECKING:
    import jinja2

DEFAULT = "no-cot"

_VERSIONED = re.compile(r"(.+)\.v(\d+)")
_MARK = secrets.token_hex(16)
"""Marks the places of pictures in a rendering. Drawn anew in each process, so no item's text can hold it."""
_MARKED = re.compile(rf"{_MARK}:(\d+);")


@dataclass(slots=True, kw_only=True)
class _Shown:
    """What a template sees of an item: nothing that humans said of it."""

    SHOWN: ClassVar = frozenset({"id", "task", "instruction", "images", "source", "fields"})

    id: str
    task: Task
    instruction: str
    images: tuple[str, ...]
    source: str | None
    fields: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class _ShownResponse:
    SHOWN: ClassVar = frozenset({"letter", "text", "images"})

    letter: str
    text: str | None
    images: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Section:
    """One message: its role, its template, and one that says the same and is quicker."""

    role: Role
    template: jinja2.Template
    quick: jinja2.Template


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A prompt that was read and tried.

    `name` has its version (`no-cot.v1`), or is the file's path as it was given. `digest` is the sha256, in
    hex, of the file and of the parts that it includes. `shows_images` says whether a picture of an item
    reaches the judge. `tasks` are those that the prompt can be rendered for.
    """

    name: str
    file: Path
    digest: str
    shows_images: bool = True
    tasks: frozenset[Task] = frozenset(get_args(Task))
    _sections: tuple[_Section, ...] = field(repr=False, compare=False)

    @property
    def called(self) -> str:
        """Its name; of a file that is named by its whole path, the file's name alone."""
        return self.file.name if Path(self.name).is_absolute() else self.name

    def render(
        self,
        item: Item,
        tasks: Tasks,
        *,
        change: str = "",
        detail: str | None = None,
        order: str | None = None,
    ) -> tuple[Message, ...]:
        """The messages in which the item is put to a judge. Opens no picture.

        `change` and `detail` go into each picture. `order` gives the letters in the order in which the
        responses are shown, each under its own letter; None keeps the item's order.
        Raises SettingsError if the prompt can't be rendered for this item, ValueError and BenchmarkError if
        its pictures can't be changed as the item asks.
        """
        for words in item.picture_changes.values():
            alterations(words)
        order = order or item.letters
        with suppress(Exception):  # what follows meets the same error, and tells its place
            return self._rendered(item, tasks, change, detail, order, quickly=True)
        try:
            return self._rendered(item, tasks, change, detail, order)
        except BenchmarkError:
            raise
        except Exception as error:
            raise SettingsError(
                f"{place_of(self.file, error)}: prompt {self.name!r} can't be rendered for item {item.id!r}: "
                f"{said(error)}"
            ) from error

    def _rendered(
        self,
        item: Item,
        tasks: Tasks,
        change: str,
        detail: str | None,
        order: str,
        *,
        quickly: bool = False,
    ) -> tuple[Message, ...]:
        pictures = _Pictures(item, change, detail)
        variables = _variables(item, tasks, pictures, order)
        messages = []
        for section in self._sections:
            text = (section.quick if quickly else section.template).render(variables)
            if parts := pictures.split(text):
                messages.append(Message(section.role, parts))
        return tuple(messages)


class _Pictures:
    """Marks the places of pictures in one rendering, and puts the pictures there."""

    def __init__(self, item: Item, change: str, detail: str | None) -> None:
        self._item = item
        self._change = change
        self._detail = detail
        self._addresses: list[str] = []

    def image(self, address: str) -> str:
        """The mark of one picture."""
        self._addresses.append(address)
        return f"{_MARK}:{len(self._addresses) - 1};"

    def images(self, addresses: Iterable[str]) -> str:
        """The marks of several pictures, each on a line."""
        return "\n".join(map(self.image, addresses))

    def split(self, rendered: str) -> tuple[Text | Picture, ...]:
        """Text and pictures in order; text of white space alone is left out."""
        pieces = _MARKED.split(rendered.strip())
        parts: list[Text | Picture] = []
        for place, piece in enumerate(pieces):
            if place % 2:
                address = self._addresses[int(piece)]
                parts.append(picture_of(self._item, address, change=self._change, detail=self._detail))
            elif piece.strip():
                parts.append(Text(piece))
        return tuple(parts)


def _variables(item: Item, tasks: Tasks, pictures: _Pictures, order: str) -> dict[str, Any]:
    if sorted(order) != sorted(item.letters):
        raise ValueError(f"order is {order!r}, not an order of the letters {item.letters}")
    by_letter = dict(zip(item.letters, item.responses, strict=True))
    return {
        "task": item.task,
        "item": _shown(item),
        "instruction": item.instruction,
        "responses": [_shown_response(letter, by_letter[letter]) for letter in order],
        "letters": item.letters,
        "scale": tasks.score.scale,
        "labels": tasks.pair.labels,
        "criteria": tasks.criteria(item),
        "image": pictures.image,
        "images": pictures.images,
    }


def _shown(item: Item) -> _Shown:
    return _Shown(
        id=item.id,
        task=item.task,
        instruction=item.instruction,
        images=item.images,
        source=item.source,
        fields=item.fields,
    )


def _shown_response(letter: str, response: Response) -> _ShownResponse:
    return _ShownResponse(letter=letter, text=response.text, images=response.images)


def load_prompt(name_or_path: str, *, root: Path) -> Prompt:
    """Read a prompt, and try it on made-up items.

    A name with a slash or an ending is a file below `root`; any other is a built-in prompt, the newest
    version unless one is named: `no-cot` or `no-cot.v1`. Raises SettingsError, with file and line, if there
    is no such prompt, if its template is broken, or if it can be rendered for no task.
    """
    file = _file(name_or_path, root)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"prompt {name_or_path!r} can't be read: {error}") from error
    name = file.stem if file.parent == BUILT_IN else name_or_path
    parts = tuple(_section(file, role, body) for role, body in sections(file, text))
    return _tried(Prompt(name=name, file=file, digest=digest_of(text), _sections=parts))


def _section(file: Path, role: Role, body: str) -> _Section:
    made = template(file, body)
    return _Section(role=role, template=made, quick=inlined(body) if file.parent == BUILT_IN else made)


def prompt_names() -> tuple[str, ...]:
    """The built-in prompts with their versions."""
    return tuple(sorted(path.stem for path in BUILT_IN.glob("*.txt")))


def _file(name: str, root: Path) -> Path:
    if "/" in name or "\\" in name or Path(name).suffix in (".txt", ".j2", ".jinja", ".md"):
        return root / name
    versions = {
        int(match[2]): stem
        for stem in prompt_names()
        if (match := _VERSIONED.fullmatch(stem)) and name in (stem, match[1])
    }
    if not versions:
        raise SettingsError(_unknown(name))
    return BUILT_IN / f"{versions[max(versions)]}.txt"


def _unknown(name: str) -> str:
    known = sorted({match[1] for stem in prompt_names() if (match := _VERSIONED.fullmatch(stem))})
    return (
        f"no prompt is called {name!r}{did_you_mean(name, known)}\n"
        f"  built in: {', '.join(known)}; your own is a path that ends in .txt"
    )


class _AnyField(dict[str, Any]):
    """A made-up item's fields: whatever a prompt asks for is there."""

    def __missing__(self, key: str) -> str:
        return f"the field {key}"


def _tried(prompt: Prompt) -> Prompt:
    """The prompt with what a trial on made-up items shows: its tasks, and whether it shows pictures."""
    served: set[Task] = set()
    shows, failed = False, None
    for item, tasks in _made_up():
        try:
            messages = prompt._rendered(item, tasks, "", None, item.letters)
        except Exception as error:
            failed = failed or error
            continue
        if not messages:
            raise SettingsError(f"{prompt.file}: the prompt renders to nothing for a {item.task} item")
        served.add(item.task)
        shows |= any(isinstance(part, Picture) for message in messages for part in message.parts)
    if failed is not None and not served:
        place = place_of(prompt.file, failed)
        raise SettingsError(f"{place}: the prompt can't be rendered for any task: {said(failed)}") from failed
    return Prompt(
        name=prompt.name,
        file=prompt.file,
        digest=prompt.digest,
        shows_images=shows,
        tasks=frozenset(served),
        _sections=prompt._sections,
    )


def _made_up() -> Sequence[tuple[Item, Tasks]]:
    tasks = Tasks(score=ScoreTask(), pair=PairTask(), batch=BatchTask())
    judged = Tasks(score=ScoreTask(criteria=("detail", "truth")))
    return (
        (_item("score", Response(text="A cat.")), tasks),
        (_item("score", Response(images=("b.png",))), judged),
        (_item("pair", Response(text="A cat."), Response(text="A dog.", images=("c.png",))), tasks),
        (_item("batch", *(Response(text=text) for text in ("A cat.", "A dog.", "A fox."))), tasks),
    )


def _item(task: Task, *responses: Response) -> Item:
    item = Item(id="made up", task=task, instruction="What is this?", responses=responses, images=("a.png",))
    return item.model_copy(update={"fields": _AnyField()})
