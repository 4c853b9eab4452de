"""Pictures that a probe changed, as files: for a judge that is given paths and opens them itself."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from pytest_mllm_judge.judging.alterations import picture_of
from pytest_mllm_judge.judging.pictures import encode
from pytest_mllm_judge.model import Item, Message, Picture, Question, Text
from pytest_mllm_judge.model.question import text_digest

_Parts = tuple[Text | Picture, ...]
_ONE_AT_A_TIME = threading.Lock()


def with_files(question: Question) -> Question:
    """The question with its changed pictures as files, which the item, its responses and the parts name.

    The files stand in a folder for temporary things that goes with this process, one for each source and
    change; they are named by absolute path. A question without changed pictures is given back as it is.
    Raises what `encode` raises.
    """
    if not question.item.picture_changes:
        return question
    return replace(
        question,
        item=_item(question.item),
        messages=tuple(Message(one.role, _parts(one.parts)) for one in question.messages),
        besides=_parts(question.besides),
    )


def _item(item: Item) -> Item:
    files = {
        address: str(changed_file(picture_of(item, address)))
        for address in dict.fromkeys(item.every_image)
        if item.picture_changes.get(address)
    }
    responses = tuple(one.model_copy(update={"images": _named(one.images, files)}) for one in item.responses)
    images = _named(item.images, files)
    return item.model_copy(update={"images": images, "responses": responses, "picture_changes": {}})


def _named(addresses: Iterable[str], files: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(files.get(address, address) for address in addresses)


def _parts(parts: _Parts) -> _Parts:
    return tuple(_part(one) if isinstance(one, Picture) and one.change else one for one in parts)


def _part(picture: Picture) -> Picture:
    file = changed_file(picture)
    return Picture(str(file), file, detail=picture.detail)


def changed_file(picture: Picture) -> Path:
    """The file with a changed picture's pixels; made if it is not there. Whole at any time."""
    stem = text_digest(picture.identity())
    folder = _folder(os.getpid())
    with _ONE_AT_A_TIME:
        for ending in ("png", "jpeg"):
            if (file := folder / f"{stem}.{ending}").is_file():
                return file
        kind, data = encode(picture)
        file = folder / f"{stem}.{kind.removeprefix('image/')}"
        part = file.with_suffix(".part")
        part.write_bytes(data)
        return part.replace(file)


@cache
def _folder(process: int) -> Path:
    """This process's own folder: a fork makes another one, and leaves its parent's alone."""
    folder = Path(tempfile.mkdtemp(prefix="mllm-judge-")).resolve()
    atexit.register(_clear, folder, process)
    return folder


def _clear(folder: Path, process: int) -> None:
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
