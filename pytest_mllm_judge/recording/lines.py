"""A line of a cassette or a journal: where it stands, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.recording.format import (
    Exchange,
    Failure,
    FormatError,
    digest_of,
    failure_from_line,
    from_line,
)

Said = TypeVar("Said")


class Line(NamedTuple):
    """A line's text without its line feed, its file, and its number from 1.

    Every method raises CassetteError for a damaged line; `rerecord` is the command that its text ends with.
    """

    file: Path
    number: int
    text: bytes

    def digest(self, rerecord: str) -> str:
        """The digest of the question that it is about."""
        return self._read(digest_of, rerecord)

    def exchange(self, rerecord: str) -> Exchange:
        """The exchange that it holds."""
        return self._read(from_line, rerecord)

    def failure(self, rerecord: str) -> Failure:
        """The failure that it holds."""
        return self._read(failure_from_line, rerecord)

    def damaged(self, why: str, rerecord: str) -> CassetteError:
        """What to say of a line that can't be used; `why` is a clause."""
        again = f": {rerecord}" if rerecord else "."
        return CassetteError(
            f"{self.file}:{self.number}: this line can't be used: {why}\n"
            f"  Restore the file from version control, or delete the line and record it again{again}"
        )

    def _read(self, read: Callable[[bytes], Said], rerecord: str) -> Said:
        try:
            return read(self.text)
        except FormatError as error:
            raise self.damaged(str(error), rerecord) from error
