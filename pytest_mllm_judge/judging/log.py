"""Judges that have spoken already: a log of replies or verdicts, read instead of asking."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TextIO, cast

from pydantic import ValidationError

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.judging.judge import Context, Identity, Judge
from pytest_mllm_judge.judging.parsers import parser_named
from pytest_mllm_judge.judging.settings import LogColumns, LogSettings, table
from pytest_mllm_judge.model import Item, Judgement, Parsed, Question, Reply

NOT_ASKED = "not_asked"
"""The finish reason of a reply that the log does not have; `parse` makes it the problem of that name."""
_AGAIN = "again"
"""The variant that is the item as it is, asked once more: a log knows it as the next repeat."""
_TOKENS = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
"""Usage as the chat API spells it, and as we do."""


class Asked(NamedTuple):
    """What a reply answers."""

    item: str
    variant: str
    repeat: int


@dataclass(frozen=True)
class Row:
    """One line of the log: where it stands, what it answers, and the fields of its reply."""

    line: int
    asked: Asked
    criterion: str | None
    reply: Any
    verdict: Any
    rest: Mapping[str, Any]


class LogJudge(Judge):
    """Looks replies up in a JSON Lines file. An item that the log lacks is `not_asked`, not an error.

    The file is read once, when the first question (or `check`) needs it.
    """

    Settings = LogSettings
    sends_images = False
    is_recorded = False

    def __init__(self, name: str, settings: LogSettings, context: Context) -> None:
        super().__init__(name, context)
        self.settings = settings
        self._path = self.replies = context.root / settings.path
        self._parser = parser_named(settings.parser, context.root)
        self._items: frozenset[str] = frozenset()
        if not self._path.is_file():
            raise SettingsError(f"{table(name)} path: there is no file {settings.path} in {context.root}")

    def check(self, items: Sequence[Item]) -> None:
        """Read the log, so that a broken line is found before the first question."""
        self._items = frozenset(item.id for item in items)
        _ = self._replies

    @property
    def unknown_items(self) -> int:
        """How many of the log's rows answer an item that `check` was not given."""
        return sum(count for item, count in self._rows_of.items() if item not in self._items)

    def identity(self) -> Identity:
        """The model that it is said to be, the parser, and which columns are read."""
        columns = self.settings.columns.model_dump(mode="json", exclude_defaults=True)
        return Identity(
            model=self.settings.model,
            parser=self.settings.parser,
            settings={"columns": columns} if columns else {},
        )

    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """A question without messages: what was asked then is not in the log."""
        # The item stands among the settings, so that two items' questions have different digests.
        return Question(
            item=item,
            judge=self.name,
            model=self.settings.model,
            messages=(),
            settings={"item": item.id, "variant": variant},
            variant=variant,
            repeat=repeat,
        )

    def ask(self, question: Question) -> Reply:
        """The log's reply; one with the finish reason `not_asked` if it has none.

        Where it has no row of the variant `again`, the item as it is in that repeat is the same question.
        """
        asked = Asked(question.item.id, question.variant, question.repeat)
        if asked.variant == _AGAIN and asked not in self._replies:
            asked = asked._replace(variant="")
        return self._replies.get(asked, Reply(finish_reason=NOT_ASKED))

    def parse(self, item: Item, reply: Reply) -> Parsed:
        """Read a reply by the parser of the settings."""
        if reply.finish_reason == NOT_ASKED:
            return Parsed(problem="not_asked", reason=self._absence(item.id, "", 0))
        return self._parser(item, reply, self.tasks)

    def read(self, question: Question, reply: Reply) -> Judgement:
        """The judgement; one that was not asked says for which variant and repeat."""
        judgement = super().read(question, reply)
        if judgement.problem != "not_asked":
            return judgement
        reason = self._absence(question.item.id, question.variant, question.repeat)
        return judgement.model_copy(update={"reason": reason, "finish_reason": None})

    def _absence(self, item: str, variant: str, repeat: int) -> str:
        what = f"item {item!r}" + (f", variant {variant!r}" if variant else "")
        what += f", repeat {repeat}" if repeat else ""
        first = next(iter(self._rows_of), None)
        holds = f"it holds {len(self._rows_of)} items, the first {first!r}" if first else "it is empty"
        return f"{self.settings.path} has no row for {what}; {holds}"

    @cached_property
    def _log(self) -> tuple[dict[Asked, Reply], dict[str, int]]:
        groups: dict[Asked, dict[str | None, Row]] = {}
        rows_of: dict[str, int] = {}
        for row in _rows(self._path, self.settings.columns):
            rows_of[row.asked.item] = rows_of.get(row.asked.item, 0) + 1
            group = groups.setdefault(row.asked, {})
            if row.criterion in group:
                raise _twice(self._path, group[row.criterion], row)
            group[row.criterion] = row
        return {asked: _reply(self._path, group) for asked, group in groups.items()}, rows_of

    @property
    def _replies(self) -> dict[Asked, Reply]:
        return self._log[0]

    @property
    def _rows_of(self) -> dict[str, int]:
        return self._log[1]


def _rows(path: Path, columns: LogColumns) -> Iterator[Row]:
    with _opened(path) as file:
        try:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield _row(path, number, _object(path, number, line), columns)
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path}: the log can't be read: {error}") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return cast("TextIO", gzip.open(path, "rt", encoding="utf-8-sig"))
    return path.open(encoding="utf-8-sig")


def _object(path: Path, number: int, line: str) -> dict[str, Any]:
    def no_number(word: str) -> None:
        raise ValueError(f"{word} is no JSON")

    try:
        row = json.loads(line, parse_constant=no_number)
    except ValueError as error:
        raise _wrong(path, number, f"this line is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise _wrong(
            path, number, f"a row is a JSON object, this is {json.dumps(row, ensure_ascii=False)[:60]}"
        )
    return row


def _row(path: Path, number: int, row: dict[str, Any], columns: LogColumns) -> Row:
    asked = Asked(
        item=_text(path, number, row, columns.item),
        variant=str(row.get(columns.variant) or ""),
        repeat=_repeat(path, number, row.get(columns.repeat)),
    )
    replies = columns.reply if isinstance(columns.reply, tuple) else (columns.reply,)
    if not any(key in row for key in (*replies, columns.verdict)):
        keys = " or ".join(repr(key) for key in (*replies, columns.verdict))
        near = did_you_mean(replies[0], row)
        raise _wrong(path, number, f"a row needs {keys}{near}; name the keys in `columns`")
    return Row(
        line=number,
        asked=asked,
        criterion=_text(path, number, row, columns.criterion) if columns.criterion else None,
        reply=_said(row, columns.reply),
        verdict=row.get(columns.verdict),
        rest=_rest(row, columns),
    )


def _text(path: Path, number: int, row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value:
        near = "" if key in row else did_you_mean(key, row)
        raise _wrong(path, number, f"a row needs a text under {key!r}{near}; name the keys in `columns`")
    return value


def _repeat(path: Path, number: int, value: Any) -> int:
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _wrong(path, number, f"the repeat is {value!r}; it counts from 0")
    return value


def _said(row: dict[str, Any], keys: str | tuple[str, ...]) -> Any:
    """The reply's text, or the JSON object of several keys; None if the row has none of them."""
    if isinstance(keys, str):
        return row.get(keys)
    return {key: row[key] for key in keys if key in row} or None


def _rest(row: dict[str, Any], columns: LogColumns) -> dict[str, Any]:
    names = {key: getattr(columns, key) for key in ("model", "refusal", "finish_reason", "usage", "latency")}
    rest = {field: row[name] for field, name in names.items() if row.get(name) is not None}
    if isinstance(rest.get("usage"), dict):
        spelled = {_TOKENS.get(key, key): value for key, value in rest["usage"].items()}
        counts = {key: spelled[key] for key in _TOKENS.values() if key in spelled}
        rest["usage"] = counts if len(counts) == len(_TOKENS) else None
    return rest


def _reply(path: Path, group: dict[str | None, Row]) -> Reply:
    """The one reply of a group of rows: a single row's, or that of all criteria by name."""
    rows = list(group.values())
    if None in group:
        text, verdict = group[None].reply, group[None].verdict
    else:
        text = {name: row.reply for name, row in group.items() if row.reply is not None} or None
        verdict = {str(name): row.verdict for name, row in group.items() if row.verdict is not None} or None
    if text is not None and not isinstance(text, str):
        text = json.dumps(text, ensure_ascii=False)
    try:
        # A row that holds null for its reply was answered with nothing, which is for the parser to say.
        empty = "" if text is None and verdict is None else text
        return Reply(text=empty, verdict=verdict, **rows[0].rest)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        what = f"{fault['loc'][0]} is {json.dumps(fault['input'], ensure_ascii=False)}, which can't be"
        raise _wrong(path, rows[0].line, what) from None


def _wrong(path: Path, number: int, what: str) -> SettingsError:
    return SettingsError(f"{path}:{number}: {what}")


def _twice(path: Path, first: Row, second: Row) -> SettingsError:
    asked = second.asked
    what = f"item {asked.item!r}" + (f", variant {asked.variant!r}" if asked.variant else "")
    what += f", repeat {asked.repeat}" + (f", criterion {second.criterion!r}" if second.criterion else "")
    return _wrong(path, second.line, f"{what} stands on line {first.line} already; give repeats a `repeat`")
