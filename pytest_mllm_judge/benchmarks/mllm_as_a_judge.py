"""MLLM-as-a-Judge (Chen et al. 2024, arXiv 2402.04788) as it was released.

Every file of Benchmark/, Benchmark_Lite/, HQ/, Hard/ and raw_data/step3/ is read; a record's shape decides,
not its file's name:

- one `answer` (text, or an object with `name` and `answer`): a score item;
- `answer1` and `answer2`, without `answer0`: a pair item;
- `answers`, or `answer0` ... `answer3`: a batch item. The records of Hard/Score.jsonl have this shape too,
  and the replies recorded in them rank the answers: they are batch items, not scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pytest_mllm_judge.benchmarks.faults import short
from pytest_mllm_judge.model import Item, Label, Response, Task, Tasks

FOLDER = "image"
LEVELS = 4
"""The image folder stands beside a file or up to three levels above (raw_data/step3/Score)."""

_HUMAN = ("human", "human_answer", "Human_answer")
_RECORDED = ("result", "result1", "result2", "evaluator", "gpt_output")
_READ = {"id", "instruction", "image_path", "original_dataset", "name", "answer", "answers",
         "answer0", "answer1", "answer2", "answer3", *_HUMAN, *_RECORDED}  # fmt: skip


class MllmAsAJudgeReader:
    """Score, pair and batch items with ids such as `score-100-llava`, `pair-0-llava-cogvlm`, `batch-200`.

    Ids are made of the picture's id and the answers' models, since `score_id` repeats and `pair_id` is
    numbered anew in each file; the second record of the same id gets `~2`. `C` is a tie. `original_dataset`
    is the source. Verdicts recorded in the files (`result`, `result1`, `result2`, `evaluator`) stand in the
    field `recorded` as they are; `picture` is the record's own id.
    """

    def __init__(self) -> None:
        self.tasks = Tasks()
        self._seen: Counter[str] = Counter()

    def recognises(self, record: Mapping[str, Any]) -> bool:
        """Whether it has an image path, an original data set and answers."""
        return {"image_path", "original_dataset"} <= record.keys() and _task(record) is not None

    def item(self, record: Mapping[str, Any]) -> Item:
        """The score, pair or batch item of a record."""
        task = _task(record)
        if task is None:
            raise ValueError("this record has no answer, no answer1 and answer2, and no answers")
        responses = _responses(record, task)
        image = _image(record)
        picture = record.get("id", PurePosixPath(image).stem)
        return Item(
            id=self._unique(_id(task, picture, responses)),
            task=task,
            instruction=record.get("instruction", ""),
            responses=responses,
            images=(image,),
            human=_human(record, task),
            source=record.get("original_dataset"),
            fields=_fields(record, picture),
        )

    def image_folder(self, file: Path) -> Path | None:
        """The nearest folder `image` beside the file or above it; where it should be if there is none."""
        above = [file.parent, *file.parent.absolute().parents][:LEVELS]
        return next((folder / FOLDER for folder in above if (folder / FOLDER).is_dir()), file.parent / FOLDER)

    def _unique(self, name: str) -> str:
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}~{self._seen[name]}"


def _task(record: Mapping[str, Any]) -> Task | None:
    if "answers" in record or "answer0" in record:
        return "batch"
    if "answer1" in record and "answer2" in record:
        return "pair"
    return "score" if "answer" in record else None


def _responses(record: Mapping[str, Any], task: Task) -> tuple[Response, ...]:
    if task == "score":
        return (_response(record["answer"], record.get("name")),)
    if "answers" in record:
        listed = record["answers"]
        if not isinstance(listed, list):
            raise ValueError(f"answers must be a list, got {short(listed)}")
        return tuple(_response(answer) for answer in listed)
    numbered = [f"answer{number}" for number in range(4)]
    return tuple(_response(record[key]) for key in numbered if record.get(key) is not None)


def _response(answer: Any, author: Any = None) -> Response:
    """An answer: its text, or an object with the model's name and its text."""
    if isinstance(answer, Mapping):
        answer, author = answer.get("answer"), answer.get("name", author)
    if not isinstance(answer, str) or not isinstance(author, str | None):
        raise ValueError(
            f"an answer must be a text with a model's name, got {short(answer)} by {short(author)}"
        )
    return Response(text=answer, author=author)


def _image(record: Mapping[str, Any]) -> str:
    """The path below the image folder: the files say `N.jpg` or `image/N.jpg`."""
    path = record.get("image_path")
    if not isinstance(path, str) or not path:
        raise ValueError(f"image_path must be a path, got {short(path)}")
    return path.removeprefix(f"{FOLDER}/")


def _id(task: Task, picture: Any, responses: tuple[Response, ...]) -> str:
    authors = () if task == "batch" else tuple(response.author or "unnamed" for response in responses)
    return "-".join((task, str(picture), *authors))


def _human(record: Mapping[str, Any], task: Task) -> Label | None:
    """The human label, which is an int or a numeric text within one file."""
    label = next((record[key] for key in _HUMAN if record.get(key) is not None), None)
    if not isinstance(label, str):
        return label
    return _READ_AS[task](label.strip())


def _number(label: str) -> Label:
    try:
        return int(label)
    except ValueError:
        return label


_READ_AS: dict[Task, Callable[[str], Label]] = {
    "score": _number,
    "pair": lambda label: "tie" if label == "C" else label,
    "batch": str,
}


def _fields(record: Mapping[str, Any], picture: Any) -> dict[str, Any]:
    fields = {key: value for key, value in record.items() if key not in _READ}
    recorded = {key: record[key] for key in _RECORDED if key in record}
    return {**fields, "picture": picture, **({"recorded": recorded} if recorded else {})}
