"""GenAI-Bench v1 (Jiang et al. 2024, arXiv 2406.04485): pairs of generated pictures and clips with votes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_mllm_judge.benchmarks.faults import short
from pytest_mllm_judge.model import Item, PairTask, Response, Tasks

VOTES = {"leftvote": "A", "rightvote": "B", "tievote": "tie", "bothbad_vote": "both_bad"}
_READ = {"item", "task", "human_vote", "prompt"}


class GenAIBenchReader:
    """Pair items: A is upstream's left model. The source is upstream's task (`image_generation` and so on).

    The instruction is `prompt`, or for edits `instruct_prompt`; the prompts of an edit stay as fields. Pairs
    made for one prompt are one cluster: a hard prompt is hard for all of them. Pictures are not part of these
    files: they are expected at `<item>/left.jpg` and `<item>/right.jpg` below the image folder (`.mp4` for
    clips, and `<item>/source.jpg` for what is edited).
    """

    tasks = Tasks(pair=PairTask(labels=("A", "B", "tie", "both_bad")))

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """Whether it has an item, a task and a human vote."""
        return {"item", "task", "human_vote"} <= record.keys()

    def item(self, record: Mapping[str, Any]) -> Item:
        """The pair of a record."""
        name, task, vote = (record.get(key) for key in ("item", "task", "human_vote"))
        if not isinstance(name, str) or not isinstance(task, str):
            raise ValueError(f"item and task must be texts, got {short(name)} and {short(task)}")
        if not isinstance(vote, str) or vote not in VOTES:
            raise ValueError(f"human_vote must be one of {', '.join(VOTES)}, got {short(vote)}")
        instruction = _instruction(record)
        ending = "mp4" if task.startswith("video") else "jpg"
        return Item(
            id=name,
            task="pair",
            instruction=instruction,
            responses=tuple(Response(images=(f"{name}/{side}.{ending}",)) for side in ("left", "right")),
            images=(f"{name}/source.{ending}",) if "source_prompt" in record else (),
            human=(VOTES[vote],),
            source=task,
            cluster=f"{task}: {instruction}",
            fields={key: value for key, value in record.items() if key not in _READ},
        )

    def image_folder(self, file: Path) -> Path | None:
        """The benchmark's own folder."""
        del file
        return None


def _instruction(record: Mapping[str, Any]) -> str:
    for key in ("prompt", "instruct_prompt", "target_prompt"):
        if isinstance(text := record.get(key), str):
            return text
    raise ValueError("this record has no prompt and no instruct_prompt")
