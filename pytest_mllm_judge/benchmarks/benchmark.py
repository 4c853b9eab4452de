"""A benchmark in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pytest_mllm_judge.benchmarks import images
from pytest_mllm_judge.benchmarks.lines import BadLine
from pytest_mllm_judge.benchmarks.manifest import Manifest
from pytest_mllm_judge.benchmarks.toml import FILE, shown
from pytest_mllm_judge.errors import BenchmarkError, did_you_mean
from pytest_mllm_judge.model import Item, Tasks, file_digest
from pytest_mllm_judge.model.judgements import field
from pytest_mllm_judge.model.question import canonical


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """Items with human labels, and what is claimed on them.

    `items` stand in the files' order, without the `skipped` ones. `warnings` are the lines that were left
    out because the benchmark is not strict.
    """

    manifest: Manifest
    name: str
    folder: Path
    tasks: Tasks
    items: tuple[Item, ...]
    skipped: tuple[Item, ...] = ()
    warnings: tuple[BadLine, ...] = ()

    @property
    def file(self) -> Path:
        """Its `benchmark.toml`."""
        return self.folder / FILE

    def item(self, id: str) -> Item:  # noqa: A002 - the word of the file
        """The item of this id. Raises BenchmarkError if there is none, or it is skipped."""
        if id in self._index:
            return self._index[id]
        skipped = next((item for item in self.skipped if item.id == id), None)
        what = f"is skipped: {skipped.skip}" if skipped else f"does not exist{did_you_mean(id, self._index)}"
        raise BenchmarkError(shown(self.file), f"item {id!r} {what}")

    def cluster(self, item: Item) -> str:
        """The name of the item's cluster: items of the same name are not counted as independent.

        The value of the field that `benchmark.toml` names; else the item's own `cluster`; else the sha256
        of its first image's file, or the path or address where there is no file; else the item alone.
        """
        if (name := self.manifest.cluster) and (value := field(item, name)) is not None:
            return "field:" + canonical(value)
        if item.cluster is not None:
            return "cluster:" + item.cluster
        if item.every_image:
            return _picture(item, item.every_image[0])
        return "item:" + item.id

    def cassette(self, judge: str) -> Path:
        """Where the exchanges of the judge of this name are recorded."""
        return self.folder / "cassettes" / f"{quote(judge, safe=' @+=,')}.jsonl"

    def check_images(self, items: Iterable[Item]) -> None:
        """Check the image files of these items by their headers; see `images.check`."""
        images.check(items, where=shown(self.file))

    @cached_property
    def digest(self) -> str:
        """The sha256 over the items, their labels included, in hex. Image files are not part of it."""
        digest = hashlib.sha256()
        for item in self.items:
            digest.update(canonical(json.loads(item.to_json())).encode("utf-8", "surrogatepass") + b"\n")
        return digest.hexdigest()

    @cached_property
    def _index(self) -> dict[str, Item]:
        return {item.id: item for item in self.items}


def _picture(item: Item, image: str) -> str:
    if images.is_address(image):
        return "address:" + image
    try:
        return "sha256:" + file_digest((item.folder or Path()) / image)
    except OSError:
        return "path:" + str(PurePosixPath(image))
