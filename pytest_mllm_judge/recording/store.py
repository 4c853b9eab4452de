"""A cassette's files: the sorted cassette, and beside it the journal that recording appends to.

A journal's line is the run that asked, a space, and an exchange as `format` writes it. Where both files
know a question, the journal is newer. Everything that writes holds one lock for all threads and processes.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.recording.format import Exchange, FormatError, digest_of, from_line, to_line
from pytest_mllm_judge.recording.guard import Guard


class _Line(NamedTuple):
    """A line that stands in a file, and where."""

    file: Path
    number: int
    text: bytes

    @property
    def where(self) -> str:
        return f"{self.file}:{self.number}"


class Store:
    """The exchanges of one cassette, found by the question's digest.

    `run` names the run that this process belongs to. With `again`, only what that run recorded counts as
    settled. `rerecord` is the command that a message ends with.
    """

    def __init__(self, path: Path, *, run: str = "-", again: bool = False, rerecord: str = "") -> None:
        self.path = path
        self.journal = path.with_name(path.name + ".journal")
        self.rerecord = rerecord
        self.guard = Guard()
        self._run = run.encode()
        self._again = again
        self._lines: dict[str, _Line] = {}
        self._fresh: set[str] = set()
        self._stamp: tuple[int, int, int] | None = None
        self._read = 0
        self._numbered = 0
        self._loaded = False
        self._has_locked = False
        self._threads = threading.RLock()
        self._lock_path = path.with_name(path.name + ".lock")
        self._lock = FileLock(self._lock_path, thread_local=False, poll_interval=0.005)

    def __len__(self) -> int:
        self._load()
        return len(self._lines)

    def settled(self, digest: str) -> bool:
        """Whether the question is answered by what is recorded, so that it must not be asked (again)."""
        self._load()
        return digest in (self._fresh if self._again else self._lines)

    def find(self, digest: str) -> Exchange | None:
        """The recorded exchange of a question; None if there is none."""
        self._load()
        line = self._lines.get(digest)
        return None if line is None else self._parse(line)

    def exchanges(self) -> list[Exchange]:
        """Every exchange, sorted by item, variant, repeat and digest."""
        self._load()
        return [exchange for exchange, _ in self._sorted()]

    def append(self, exchange: Exchange) -> None:
        """Write an exchange to the journal. Raise CassetteError if it can't be, or must not be, written."""
        text = to_line(exchange)
        self.guard.check(text.decode(), item=exchange.item, path=self.path)
        with self.locked():
            self._write(self._run + b" " + text + b"\n")
            self._numbered += 1
            self._lines[exchange.question] = _Line(self.journal, self._numbered, text)
            self._fresh.add(exchange.question)

    def refresh(self) -> None:
        """Read what other processes have written since the last look."""
        stamp = _stamp(self.path)
        if self._loaded and stamp == self._stamp:
            self._take_journal(self._journal_from(self._read))
            return
        # The journal first: a merge in between moves its lines to the cassette that is read after it.
        journal = self._journal_from(0)
        self._stamp, self._read, self._numbered = stamp, 0, 0
        self._lines = self._read_cassette()
        self._loaded = True
        self._take_journal(journal)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock of this cassette, and know all that was written before. Reentrant within a thread."""
        with self._threads:
            first = not self._lock.is_locked
            self._acquire()
            try:
                if first:
                    self._mend()
                    self.refresh()
                yield
            finally:
                self._lock.release()

    def merge(self) -> None:
        """Move the journal into the cassette, sorted, by an atomic rename; leave no lock behind."""
        if not self.journal.exists() and not self._has_locked:
            return
        with self.locked():
            if self.journal.exists():
                lines = [text + b"\n" for _, text in self._sorted()]
                self._replace(b"".join(lines))
            # The lock sees to it that whoever waits on this very file starts over with a new one.
            with suppress(OSError):
                self._lock_path.unlink()

    def _load(self) -> None:
        if not self._loaded:
            self.refresh()

    def _sorted(self) -> list[tuple[Exchange, bytes]]:
        pairs = [(self._parse(line), line.text) for line in self._lines.values()]
        return sorted(pairs, key=lambda pair: (*pair[0].name, pair[0].question))

    def _parse(self, line: _Line) -> Exchange:
        try:
            return from_line(line.text)
        except FormatError as error:
            raise self._damaged(line, str(error)) from error

    def _damaged(self, line: _Line, why: str) -> CassetteError:
        again = f": {self.rerecord}" if self.rerecord else "."
        return CassetteError(
            f"{line.where}: this line can't be used: {why}\n"
            f"  Restore the file from version control, or delete the line and record it again{again}"
        )

    def _read_cassette(self) -> dict[str, _Line]:
        lines: dict[str, _Line] = {}
        for number, text in enumerate(_bytes_of(self.path).split(b"\n"), start=1):
            line = _Line(self.path, number, text.rstrip(b"\r"))
            if line.text:
                known = lines.setdefault(self._digest(line), line)
                if known.text != line.text:
                    raise self._damaged(line, f"line {known.number} has another reply to the same question")
        return lines

    def _journal_from(self, offset: int) -> bytes:
        return _bytes_of(self.journal, offset)

    def _take_journal(self, data: bytes) -> None:
        whole, _, cut = data.rpartition(b"\n")
        if cut:
            self._warn_of_a_cut()
        if not whole:
            return
        for text in whole.split(b"\n"):
            self._numbered += 1
            run, _, exchange = text.partition(b" ")
            line = _Line(self.journal, self._numbered, exchange)
            digest = self._digest(line)
            self._lines[digest] = line
            if run == self._run:
                self._fresh.add(digest)
        self._read += len(whole) + 1

    def _digest(self, line: _Line) -> str:
        try:
            return digest_of(line.text)
        except FormatError as error:
            raise self._damaged(line, str(error)) from error

    def _mend(self) -> None:
        """Cut off what a killed process left of a line; the lock is held, so nobody is writing it."""
        size = self.journal.stat().st_size if self.journal.exists() else 0
        if not size or self._journal_from(size - 1) == b"\n":
            return
        self._warn_of_a_cut()
        try:
            os.truncate(self.journal, self._journal_from(0).rfind(b"\n") + 1)
        except OSError as error:
            raise self._unwritable(error) from error

    def _warn_of_a_cut(self) -> None:
        warnings.warn(
            f"{self.journal}: the last line is cut, as a killed run leaves it; it was dropped, and its "
            "question counts as not asked",
            stacklevel=2,
        )

    def _acquire(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._has_locked = True
        except OSError as error:
            raise self._unwritable(error) from error

    def _write(self, data: bytes) -> None:
        """Append all of it or nothing."""
        try:
            with self.journal.open("ab", buffering=0) as file:
                start = file.tell()
                try:
                    while data:
                        data = data[file.write(data) :]
                except OSError:
                    file.truncate(start)
                    raise
                self._read = file.tell()
        except OSError as error:
            raise self._unwritable(error) from error

    def _replace(self, data: bytes) -> None:
        """Put the new cassette in the place of the old one and of the journal."""
        new = self.path.with_name(self.path.name + ".new")
        try:
            with new.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
            self.journal.unlink()
        except OSError as error:
            with suppress(OSError):
                new.unlink()
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> CassetteError:
        return CassetteError(
            f"{self.path}: can't be written ({error.strerror})\n"
            "  Make its folder writable and see that the disk has room, or replay only, "
            "with --judge-record=none."
        )


def _bytes_of(path: Path, offset: int = 0) -> bytes:
    """What a file holds from `offset` on; nothing if there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise CassetteError(
            f"{path}: can't be read ({error.strerror})\n  See that it is a file, and that you may read it."
        ) from error


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)
