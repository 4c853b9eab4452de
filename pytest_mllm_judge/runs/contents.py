"""What an approval remembers of an item: digests of what is asked about, and of what humans said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from pytest_mllm_judge.benchmarks.images import is_address
from pytest_mllm_judge.model import Item, file_digest
from pytest_mllm_judge.model.question import canonical, text_digest
from pytest_mllm_judge.recording.format import DIGEST, PART


def content_of(item: Item) -> str:
    """The digest of what is asked about: task, instruction, responses, and every picture by its content.

    A picture without a file counts by its address or path, a changed one also by the words of its change. Who
    gave a response does not count.
    """
    responses: list[JsonValue] = [[each.text, _pictures(item, each.images)] for each in item.responses]
    asked: list[JsonValue] = [item.task, item.instruction, responses, _pictures(item, item.images)]
    if item.picture_changes:
        asked.append(dict(item.picture_changes))
    return text_digest(canonical(asked))[:DIGEST]


def labels_of(item: Item) -> str:
    """The short digest of what humans said of an item."""
    return text_digest(canonical(item.model_dump(mode="json", include={"human"})))[:PART]


def _pictures(item: Item, addresses: Sequence[str]) -> list[JsonValue]:
    return [_picture(item, address) for address in addresses]


def _picture(item: Item, address: str) -> str:
    if is_address(address):
        return address
    try:
        return "sha256:" + file_digest((item.folder or Path()) / address)
    except OSError:
        return "path:" + address
