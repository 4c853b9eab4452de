"""The native `items.jsonl`: one item a line, as `Item` is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pytest_mllm_judge.model import Item, Tasks

_RESERVED = ("fields", "folder", "picture_changes")


class NativeReader:
    """Items as this package writes them; every key that `Item` doesn't know becomes one of its fields."""

    tasks = Tasks()

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """Whether it has an id, a task and responses."""
        return {"id", "task", "responses"} <= record.keys()

    def item(self, record: Mapping[str, Any]) -> Item:
        """The item as it is written."""
        for key in _RESERVED:
            if key in record:
                raise ValueError(f"the key {key!r} is reserved; further fields stand beside the others")
        return Item.model_validate(record)

    def image_folder(self, file: Path) -> Path | None:
        """The benchmark's own folder."""
        del file
        return None


def write_items(path: Path, items: Iterable[Item]) -> None:
    """Write items as a native `items.jsonl`, UTF-8 with a line feed after each; reading gives them back."""
    with path.open("wb") as file:
        for item in items:
            # A lone surrogate becomes its JSON escape, which UTF-8 can hold.
            file.write(item.to_json().encode("utf-8", "backslashreplace") + b"\n")
