"""Approved baselines: what a judge said of a whole benchmark when somebody approved of it, as a file in git.

    {
      "format": "mllm-judge-baseline/1",
      "judge": "gpt-4o",
      "reason": "first judge in use",
      "model": "gpt-4o",
      "answered_by": {"gpt-4o-2024-08-06": 400},
      "prompt": "no-cot.v1",
      "parser": "strict",
      "settings": {"temperature": 0},
      "digests": {
        "benchmark": "<64 hex>", ...
      },
      "tasks": {"score": {"scale": [1, 2, 3, 4, 5]}, "pair": {"labels": ["A", "B", "tie"]}, "batch": {}},
      "figures": [
        {"name": "pair.accuracy", "value": 0.812, "low": 0.783, "high": 0.838, "n": 400, "clusters": 400, ...}
      ],
      "gates": [],
      "items": {
        "circles-007": {"answers": [{"verdict": "A"}], "content": "<24 hex>", "labels": "<8 hex>"}
      },
      "spent": {
        "circles-007": [[0.0021, 1.9]]
      }
    }

It holds no reply, no picture, no date and no place on a machine. Items are sorted by id and stand on a line
each, so that a diff shows which verdicts changed; what each answer cost and how long it took, which changes
with every recording, stands apart from them. Of an answer, a variant, a repeat (from 1), a problem and what
humans said of the reply (`reviews`) are written where there are some; with a variant the digest of the item
as it was shown.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NoReturn, Self
from urllib.parse import quote, unquote

from pydantic import Field, JsonValue, ValidationError, model_validator

from pytest_mllm_judge.benchmarks import faults
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.judging.judge import Identity
from pytest_mllm_judge.model import Problem, Review, Tasks, Verdict, file_digest
from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.recording import disk

FAMILY = "mllm-judge-baseline/"
FORMAT: Literal["mllm-judge-baseline/1"] = "mllm-judge-baseline/1"
FOLDER = "baselines"
_ONE_A_LINE = ("digests", "figures", "gates", "items", "spent")
_MEND = "Take it from git again, or approve anew: "

Spent = tuple[float | None, float | None]
"""What one answer cost, in the currency of the judge's prices, and its latency in seconds, where known."""


class Answer(Frozen):
    """What came of one question about an item: a verdict, a problem, or with criteria some of both.

    `shown` is the digest of the altered item, '' for the item as it is. `reviews` are what humans had said of
    the reply.
    """

    variant: str = ""
    repeat: int = Field(default=0, ge=0)
    shown: str = ""
    verdict: Verdict | None = None
    problem: Problem | None = None
    reviews: tuple[Review, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.verdict is None and self.problem is None:
            raise ValueError("neither a verdict nor a problem")
        return self


class ApprovedItem(Frozen):
    """The answers about an item, in order of variant and repeat.

    `content` is the digest of what was asked about (instruction, responses, pictures), `labels` that of what
    humans had said.
    """

    answers: tuple[Answer, ...] = Field(min_length=1)
    content: str
    labels: str

    @model_validator(mode="after")
    def _answers_each_once(self) -> Self:
        names = [(answer.variant, answer.repeat) for answer in self.answers]
        if names != sorted(set(names)):
            raise ValueError("its answers are not in order of variant and repeat, each once")
        return self


class Figure(Frozen):
    """A figure of the judge with its interval: without one, `reason` says why."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    clusters: int
    method: str = ""
    reason: str = ""


class Digests(Frozen):
    """Sha256, in hex: of the prompt and of the cassette or log ('' without), the settings, the benchmark."""

    prompt: str
    settings: str
    benchmark: str
    cassette: str


class Approved(Frozen):
    """An approved baseline. `answered_by` counts the answers of each snapshot that answered."""

    format: Literal["mllm-judge-baseline/1"] = FORMAT
    judge: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    model: str
    answered_by: dict[str, int]
    prompt: str
    parser: str
    settings: dict[str, JsonValue]
    digests: Digests
    tasks: Tasks
    figures: tuple[Figure, ...]
    gates: tuple[Figure, ...]
    items: dict[str, ApprovedItem]
    spent: dict[str, tuple[Spent, ...]]

    @model_validator(mode="after")
    def _spent_on_its_answers(self) -> Self:
        for item, spent in self.spent.items():
            if item not in self.items:
                raise ValueError(f"spent: {item!r} is not among its items")
            if len(spent) != len(self.items[item].answers):
                raise ValueError(f"spent: {item!r} has {len(spent)} entries, not one for each of its answers")
        return self

    @property
    def identity(self) -> Identity:
        """What decided the judge's replies besides the items."""
        return Identity(
            model=self.model,
            prompt=self.prompt,
            prompt_digest=self.digests.prompt,
            parser=self.parser,
            settings=self.settings,
        )

    def to_text(self) -> str:
        """The file's text: the same for the same approval, with each item on a line of its own."""
        plain = self.model_dump(mode="json")
        for item in plain["items"].values():
            item["answers"] = [_short(answer) for answer in item["answers"]]
        for figure in (*plain["figures"], *plain["gates"]):
            if not figure["reason"]:
                del figure["reason"]
        members = [f"  {_json(key)}: {_member(key, value)}" for key, value in plain.items()]
        return "{\n" + ",\n".join(members) + "\n}\n"


def _short(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: [_short(each) for each in value] if key == "reviews" else value
        for key, value in answer.items()
        if value not in ("", None, []) and (key, value) != ("repeat", 0)
    }


def _member(key: str, value: Any) -> str:
    if key not in _ONE_A_LINE or not value:
        return _json(value)
    if isinstance(value, list):
        return "[\n" + ",\n".join(f"    {_json(each)}" for each in value) + "\n  ]"
    lines = (f"    {_json(name)}: {_json(each)}" for name, each in sorted(value.items()))
    return "{\n" + ",\n".join(lines) + "\n  }"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def path_of(folder: Path, judge: str) -> Path:
    """Where the approval of a judge stands in a benchmark's folder."""
    return folder / FOLDER / f"{quote(judge, safe=' @+=,')}.json"


def replies_digest(path: Path | None) -> str:
    """The sha256, in hex, of the file that replies are in; '' if there is none."""
    return file_digest(path) if path is not None and path.is_file() else ""


def approved_judges(folder: Path) -> list[str]:
    """The judges that a benchmark's folder holds an approval of, sorted."""
    below = folder / FOLDER
    files = below.glob("*.json") if below.is_dir() else ()
    return sorted(unquote(file.stem) for file in files)


def chosen(folder: Path, judge: str) -> str | None:
    """The judge whose approval a judge is compared with: its own, else the only one there is."""
    there = approved_judges(folder)
    if judge in there:
        return judge
    return there[0] if len(there) == 1 else None


def unchosen(folder: Path, judge: str) -> str:
    """Why a judge is compared with no approval although there are some, as a line; '' if it is."""
    there = approved_judges(folder)
    if not there or chosen(folder, judge):
        return ""
    told = f"{len(there)} approved baselines ({', '.join(there)}) and none of {judge} itself"
    return f"no baseline: {told}; name one: --judge-baseline=NAME"


def write(approved: Approved, path: Path) -> None:
    """Write the file, whole or not at all. Raise BenchmarkError if it can't be written."""
    try:
        path.parent.mkdir(exist_ok=True)
        disk.replace(path, approved.to_text().encode())
    except OSError as error:
        hint = "Make its folder writable and see that the disk has room."
        raise BenchmarkError(shown(path), f"can't be written ({error.strerror})", hint) from error


def read(path: Path) -> Approved:
    """Read an approval. Raise BenchmarkError with the line or the key that is wrong, and what to do."""
    data = _loaded(path)
    _check_format(path, data)
    try:
        approved = Approved.model_validate(data)
    except ValidationError as error:
        told = faults.sentences(error, data, known=_known())
        _refuse(path, f"\n{shown(path)}: ".join(told))
    if path != path_of(path.parents[1], approved.judge):
        _refuse(
            path, f"judge: this is the approval of {approved.judge!r}, and the file's name says another judge"
        )
    return approved


def _loaded(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchmarkError(shown(path), f"can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        _refuse(path, "this line is not UTF-8", line=error.object[: error.start].count(b"\n") + 1)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        _refuse(path, f"this is not JSON: {error.msg} at column {error.colno}", line=error.lineno)
    except ValueError as error:
        _refuse(path, str(error))


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} stands there twice")
    return table


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON")


def _check_format(path: Path, data: Any) -> None:
    found = data.get("format") if isinstance(data, dict) else None
    if found == FORMAT:
        return
    if isinstance(found, str) and found.startswith(FAMILY):
        hint = f"This version reads {FORMAT!r}; a newer pytest-mllm-judge may read this one."
        raise BenchmarkError(shown(path), f"format: {found!r} is not known", hint)
    _refuse(path, "this is not an approved baseline")


def _refuse(path: Path, what: str, *, line: int | None = None) -> NoReturn:
    where = shown(path) if line is None else f"{shown(path)}:{line}"
    raise BenchmarkError(where, what, _MEND + command(unquote(path.stem), path.parents[1])) from None


def command(judge: str, folder: Path) -> str:
    """The command that approves of a judge."""
    return (
        f"python -m pytest_mllm_judge approve {shlex.quote(judge)} {shlex.quote(shown(folder))} --reason TEXT"
    )


def _known() -> dict[faults.Loc, list[str]]:
    tables: dict[faults.Loc, type[Frozen]] = {
        (): Approved,
        ("digests",): Digests,
        ("figures", "*"): Figure,
        ("gates", "*"): Figure,
        ("items", "*"): ApprovedItem,
        ("items", "*", "answers", "*"): Answer,
        ("items", "*", "answers", "*", "reviews", "*"): Review,
    }
    return {loc: list(table.model_fields) for loc, table in tables.items()}
