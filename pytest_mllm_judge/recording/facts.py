"""What a cassette keeps of a question: enough to find it exactly, and to say where another one differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.model import Picture, Question, Text, file_digest
from pytest_mllm_judge.model.question import canonical, text_digest
from pytest_mllm_judge.recording.format import DIGEST, PART, Exchange

LONGEST = 60
"""Characters of a table or list among the settings that is still kept verbatim."""


def digest_of(question: Question) -> str:
    """The question's digest as a cassette writes it. Raise CassetteError if an image can't be read."""
    try:
        return question.digest[:DIGEST]
    except OSError as error:
        raise CassetteError(
            f"{question.item.id}: the image {error.filename} can't be read ({error.strerror})\n"
            "  A question is known by its images' content, also on replay: put the file back."
        ) from error


def exchange_of(question: Question, reply: Mapping[str, Any]) -> Exchange:
    """The exchange that a cassette keeps of a question and its packed reply."""
    return Exchange(
        question=digest_of(question),
        item=question.item.id,
        variant=question.variant,
        repeat=question.repeat,
        model=question.model,
        prompt=tuple((role, *map(_part, parts)) for role, parts in question.shown),
        settings={key: _setting(value) for key, value in question.settings.items()},
        reply=reply,
    )


def _part(part: Text | Picture) -> str:
    if isinstance(part, Text):
        return text_digest(part.text)[:PART]
    source = text_digest("url " + part.address) if part.file is None else file_digest(part.file)
    # The detail stands last and holds no semicolon, so a change may hold some.
    asked = f";{part.change};{part.detail or ''}" if part.change or part.detail else ""
    return "image:" + source[:PART] + asked


def _setting(value: Any) -> Any:
    """Tools and response formats would dwarf the reply: long tables and lists become short digests."""
    if not isinstance(value, dict | list) or len(text := canonical(value)) <= LONGEST:
        return value
    return "json:" + text_digest(text)[:PART]
