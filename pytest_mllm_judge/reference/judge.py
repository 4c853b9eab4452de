"""The embedded judge of the bundled benchmark: it looks at the pixels, and checks what the answers claim."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal

from pydantic import Field

from pytest_mllm_judge.errors import JudgeError, SettingsError
from pytest_mllm_judge.judging.alterations import picture_of
from pytest_mllm_judge.judging.judge import Context, Identity, Judge
from pytest_mllm_judge.judging.parsing import parse
from pytest_mllm_judge.judging.pictures import encode
from pytest_mllm_judge.model import Item, Message, Parsed, Picture, Question, Reply, Text
from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.reference import WORLD
from pytest_mllm_judge.reference.dials import PAIR, SCORE, Dials
from pytest_mllm_judge.reference.look import NOTHING, Eyes, Sight
from pytest_mllm_judge.reference.opinion import REFUSAL, reply, usage
from pytest_mllm_judge.reference.sections import Sections, read, write


class ReferenceSettings(Frozen):
    """The embedded judge, with the faults that `dials` give it (none unless set)."""

    kind: Literal["reference"] = "reference"
    dials: Dials = Field(default_factory=Dials)


class ReferenceJudge(Judge):
    """Judges items of the shapes world by their pixels and nothing else: no label, no name, no metadata.

    That holds for what its dials make it fall for, too: it knows an author by style, and a request that is
    drawn into the picture by its letters. It asks nobody, so nothing of it is recorded. Without a picture it
    finds every claim contradicted.
    """

    Settings = ReferenceSettings
    is_recorded = False

    def __init__(self, name: str, settings: ReferenceSettings, context: Context) -> None:
        super().__init__(name, context)
        self._dials = settings.dials
        self._eyes = Eyes()

    def check(self, items: Sequence[Item]) -> None:
        """Raise SettingsError unless this world's generator drew every item."""
        for item in items:
            if item.fields.get("world") != WORLD:
                raise SettingsError(self._refusal(f'item {item.id!r} has no "world": "{WORLD}"'))
        if tuple(self.tasks.score.scale) != SCORE.options or self.tasks.score.criteria:
            raise SettingsError(self._refusal("its scale is not 1 to 5, or has criteria"))
        if set(self.tasks.pair.labels) != set(PAIR.options):
            raise SettingsError(self._refusal("its pair labels are not A, B and tie"))

    def _refusal(self, why: str) -> str:
        return (
            f"judge {self.name!r} (kind reference) judges only what its own generator drew: {why}"
            "\n  Name another judge, or draw that benchmark: python -m pytest_mllm_judge init shapes DIR"
        )

    def identity(self) -> Identity:
        """Its dials, as far as they are set."""
        return Identity(model="reference", settings=self._dials.model_dump(exclude_defaults=True))

    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """The item's sections and its pictures; the dials that are set stand as settings."""
        answers = tuple(response.text or "" for response in item.responses)
        text = Text(write(Sections(item.instruction, answers)))
        pictures = (
            Picture(address, None) if item.folder is None else picture_of(item, address)
            for address in item.every_image
        )
        return Question(
            item=item,
            judge=self.name,
            model="reference",
            messages=(Message("user", (*pictures, text)),),
            settings=self._dials.model_dump(exclude_defaults=True),
            variant=variant,
            repeat=repeat,
        )

    def ask(self, question: Question) -> Reply:
        """Look, check the claims, and say what came of it. JudgeError if the question can't be understood."""
        parts = [part for message in question.messages for part in message.parts]
        text = "\n".join(part.text for part in parts if isinstance(part, Text))
        try:
            picture = _one([part for part in parts if isinstance(part, Picture)])
            sight, written = self._look(picture)
            shown = sha256(_pixels(picture)).hexdigest() if picture and self._dials.reask else ""
            said = reply(read(text), sight, self._dials, repeat=question.repeat, shown=shown, written=written)
        except (ValueError, OSError) as error:
            where = f"judge {self.name!r}, item {question.item.id!r}"
            raise JudgeError(f"{where}: {error}") from error
        spent = usage(text, sight, REFUSAL if said is None else said)
        refusal = REFUSAL if said is None else None
        return Reply(text=said, refusal=refusal, finish_reason="stop", model="reference", usage=spent)

    def _look(self, picture: Picture | None) -> tuple[Sight, str]:
        """What is seen in the picture, and the text in it, which only a judge that may obey it reads."""
        if picture is None:
            return NOTHING, ""
        shown = picture.identity()
        written = self._eyes.read(shown, lambda: _pixels(picture)) if self._dials.obeys_picture else ""
        return self._eyes.see(shown, lambda: _pixels(picture)), written

    def parse(self, item: Item, reply: Reply) -> Parsed:
        """Read a reply as every other judge's replies are read by default."""
        return parse(item, reply, self.tasks)


def _one(pictures: Sequence[Picture]) -> Picture | None:
    """The question's picture, if it has one. ValueError for several, and for one that is no file."""
    if len(pictures) > 1:
        raise ValueError(f"the shapes world has one picture a question, got {len(pictures)}")
    if pictures and pictures[0].file is None:
        raise ValueError(f"the picture {pictures[0].address!r} is no file")
    return pictures[0] if pictures else None


def _pixels(picture: Picture) -> bytes:
    """The file's own bytes, or those of the changed picture."""
    assert picture.file is not None, picture.address
    return encode(picture)[1] if picture.change else picture.file.read_bytes()
