"""VIEScore's items (Ku et al., ACL 2024, arXiv 2312.14867): ImagenHub's pictures, three raters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_mllm_judge.benchmarks.faults import short
from pytest_mllm_judge.model import Item, Response, ScoreTask, Tasks

CRITERIA = ("SC", "PQ")
"""Semantic consistency, perceptual quality."""
SCALE = tuple(tenths / 10 for tenths in range(11))
"""Judges score 0 to 10, which upstream divides by 10; raters gave 0, 0.5 or 1."""
_READ = {"item", "task", "model", "human_SC_PQ", "images_SC", "images_PQ"}


class VIEScoreReader:
    """Score items with the criteria SC and PQ; author is the generator, source its task, cluster task/uid.

    The last picture of `images_SC` is the generated one, those before it are what it was made from. Where
    no judge was shown the item upstream gives no pictures, and the generated one is expected at `<item>`
    below the image folder. Raters stand in the order of their names.
    """

    tasks = Tasks(score=ScoreTask(scale=SCALE, criteria=CRITERIA))

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """Whether it has an item and the raters' table."""
        return {"item", "human_SC_PQ"} <= record.keys()

    def item(self, record: Mapping[str, Any]) -> Item:
        """The score item of a record."""
        name, task, model = (record.get(key) for key in ("item", "task", "model"))
        if not all(isinstance(text, str) for text in (name, task, model)):
            raise ValueError(f"item, task and model must be texts, got {name!r}, {task!r} and {model!r}")
        *inputs, generated = record.get("images_SC") or record.get("images_PQ") or [name]
        return Item(
            id=name,
            task="score",
            responses=(Response(images=(generated,), author=model),),
            images=tuple(inputs),
            human=_human(record["human_SC_PQ"]),
            source=task,
            cluster=f"{task}/{record['uid']}" if "uid" in record else None,
            fields={key: value for key, value in record.items() if key not in _READ},
        )

    def image_folder(self, file: Path) -> Path | None:
        """The benchmark's own folder."""
        del file
        return None


def _human(raters: Any) -> dict[str, tuple[Any, ...]]:
    """A table of raters with [SC, PQ] each, turned into a table of criteria with one label per rater."""
    said = [raters[name] for name in sorted(raters)] if isinstance(raters, Mapping) else []
    if not said or not all(isinstance(both, list) and len(both) == len(CRITERIA) for both in said):
        raise ValueError(f"human_SC_PQ must be a table of raters with [SC, PQ] each, got {short(raters)}")
    return dict(zip(CRITERIA, zip(*said, strict=True), strict=True))
