"""A cassette's files: the sorted cassette, and beside it the journal that recording appends to.

A journal's line is the run that asked, a space, and an exchange as `format` writes it; or, after a `!`, a
question that got no reply. Where both files know a question, the journal is newer. Whoever writes holds the
file lock: for one exchange, or for as long as it asks (`lead`), while the others read the journal along.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.recording import disk
from pytest_mllm_judge.recording.format import (
    Exchange,
    Failure,
    failure_to_line,
    to_line,
)
from pytest_mllm_judge.recording.guard import Guard
from pytest_mllm_judge.recording.lines import Line
from pytest_mllm_judge.recording.times import Times

_NOBODY = b"-"
"""Stands for the run where an exchange is no run's own."""


class Store:
    """The exchanges of one cassette, found by the question's digest.

    `run` names the run that this process belongs to. With `again`, only what that run recorded counts as
    settled. `rerecord` is the command that a message ends with. `within` is the folder that nothing may be
    written out of (by default the one that the cassette's own stands in), `guard` what knows the secrets.
    Where something is going to be recorded (`records`), a cut journal is told when it is mended, not before.
    `fresh` are the questions that this run recorded, in the order in which this process learned of them.
    """

    def __init__(
        self,
        path: Path,
        *,
        run: str = "-",
        again: bool = False,
        rerecord: str = "",
        within: Path | None = None,
        records: bool = False,
        guard: Guard | None = None,
    ) -> None:
        self.path = path
        self.journal = path.with_name(path.name + ".journal")
        self.times = Times(path)
        self.rerecord = rerecord
        self.guard = guard or Guard()
        self.fresh: dict[str, None] = {}
        self._within = within or path.parent.parent
        self._records = records
        self._run = run.encode()
        self._again = again
        self._lines: dict[str, Line] = {}
        self._failed: dict[str, Failure] = {}
        self._stamp: tuple[int, int, int] | None = None
        self._journal_id: int | None = None
        self._read = 0
        self._numbered = 0
        self._loaded = False
        self._has_locked = False
        self._memory = threading.RLock()  # for what is remembered, held for moments
        self._threads = threading.RLock()  # for the right to write, held while a question is asked
        self._lock_path = path.with_name(path.name + ".lock")
        self._lock = FileLock(self._lock_path, thread_local=False, poll_interval=0.005)

    def __len__(self) -> int:
        self._load()
        return len(self._lines)

    def settled(self, digest: str) -> bool:
        """Whether the question is answered by what is recorded, so that it must not be asked (again)."""
        self._load()
        return digest in (self.fresh if self._again else self._lines)

    def failure(self, digest: str) -> Failure | None:
        """Why the question got no reply in this run; None if it was not asked, or was answered."""
        return None if digest in self.fresh else self._failed.get(digest)

    @property
    def failures(self) -> list[Failure]:
        """Every question that got no reply in this run."""
        return list(self._failed.values())

    def find(self, digest: str) -> Exchange | None:
        """The recorded exchange of a question; None if there is none."""
        self._load()
        line = self._lines.get(digest)
        return None if line is None else line.exchange(self.rerecord)

    def exchanges(self) -> list[Exchange]:
        """Every exchange, sorted by item, variant, repeat and digest."""
        self._load()
        return [exchange for exchange, _ in self._sorted()]

    def append(self, exchange: Exchange, *, asked: bool = True) -> None:
        """Write an exchange to the journal. Raise CassetteError if it can't be, or must not be, written.

        With `asked=False` it is an earlier run's, told anew: no run asked for it.
        """
        text = to_line(exchange)
        self.guard.check(text.decode(), item=exchange.item, path=self.path)
        with self.locked(), self._memory:
            ours = asked or exchange.question in self.fresh
            self._write((self._run if ours else _NOBODY) + b" " + text + b"\n")
            self._lines[exchange.question] = Line(self.journal, self._numbered, text)
            if ours:
                self.fresh[exchange.question] = None

    def fail(self, failure: Failure) -> None:
        """Note in the journal, for the processes of this run, that a question got no reply."""
        if held := self.guard.held(failure_to_line(failure).decode()):
            failure = replace(failure, reason=f"why it failed is not told here, since that holds {held}")
        with self.locked(), self._memory:
            self._write(self._run + b" !" + failure_to_line(failure) + b"\n")
            self._failed[failure.question] = failure

    def sync(self) -> None:
        """Wait until everything that was written so far is on the disk."""
        try:
            disk.sync(self.journal)
        except OSError as error:
            raise disk.unwritable(self.path, error) from error

    def note_time(self, digest: str, seconds: float) -> None:
        """Note beside the cassette when a question was asked, and how long its reply took."""
        try:
            self.times.note(digest, seconds)
        except OSError as error:
            raise disk.unwritable(self.times.path, error) from error

    def refresh(self) -> None:
        """Read what other processes have written since the last look."""
        with self._memory:
            stamp = disk.stamp(self.path)
            if self._loaded and stamp == self._stamp and self._is_same_journal():
                self._take_journal(disk.read(self.journal, self._read), along=True)
                return
            # The journal first: a merge in between moves its lines to the cassette that is read after it.
            journal = disk.read(self.journal)
            self._stamp, self._read, self._numbered = stamp, 0, 0
            self._loaded = False
            self._lines = self._read_cassette()
            self._take_journal(journal, along=self._records)
            self._loaded = True

    def _is_same_journal(self) -> bool:
        """Whether the journal is the one that was read before, with perhaps more in it."""
        now = disk.stamp(self.journal)
        known, self._journal_id = self._journal_id, now[0] if now is not None else None
        if now is None:
            return self._read == 0
        return now[1] >= self._read and (self._read == 0 or known == now[0])

    def forget(self) -> None:
        """Let go of what was read; the next look reads it again."""
        with self._memory:
            self._lines = {}
            self._loaded = False

    def lead(self) -> bool:
        """Take the right to write until `resign`, if nobody else has it; then know all that was written.

        Once for each `resign`. Raise CassetteError if the cassette can't be written.
        """
        with self._threads:
            first = not self._lock.is_locked
            if not self._acquire(wait=False):
                return False
            if first:
                try:
                    self._mend()
                    self.refresh()
                except BaseException:
                    self._lock.release()
                    raise
            return True

    def resign(self) -> None:
        """Give the right to write back."""
        with self._threads:
            self._lock.release()

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
                self._settle()
            # The lock sees to it that whoever waits on this very file starts over with a new one.
            with suppress(OSError):
                self._lock_path.unlink()

    def _settle(self) -> None:
        pairs = self._sorted()
        try:
            if pairs or self.path.exists():  # what failed leaves no cassette behind
                disk.replace(self.path, b"".join(text + b"\n" for _, text in pairs))
            self.journal.unlink()
            self.times.tidy([exchange.question for exchange, _ in pairs])
        except OSError as error:
            raise disk.unwritable(self.path, error) from error

    def _load(self) -> None:
        if not self._loaded:
            self.refresh()

    def _sorted(self) -> list[tuple[Exchange, bytes]]:
        pairs = [(line.exchange(self.rerecord), line.text) for line in self._lines.values()]
        return sorted(pairs, key=lambda pair: (*pair[0].name, pair[0].question))

    def _read_cassette(self) -> dict[str, Line]:
        lines: dict[str, Line] = {}
        for number, text in enumerate(disk.read(self.path).split(b"\n"), start=1):
            line = Line(self.path, number, text.rstrip(b"\r"))
            if line.text:
                known = lines.setdefault(line.digest(self.rerecord), line)
                if known.text != line.text:
                    raise line.damaged(
                        f"line {known.number} has another reply to the same question", self.rerecord
                    )
        return lines

    def _take_journal(self, data: bytes, *, along: bool = False) -> None:
        """Read whole lines; one without an end may still be being written by whom this reads along."""
        whole, _, cut = data.rpartition(b"\n")
        if cut and not along:
            self._warn_of_a_cut()
        if not whole:
            return
        try:
            for text in whole.split(b"\n"):
                self._numbered += 1
                self._take_line(text)
        except CassetteError:
            self._loaded = False  # so that everyone who looks again is told the same
            raise
        self._read += len(whole) + 1

    def _take_line(self, text: bytes) -> None:
        run, _, content = text.partition(b" ")
        ours = run == self._run
        line = Line(self.journal, self._numbered, content.removeprefix(b"!"))
        digest = line.digest(self.rerecord)
        if not content.startswith(b"!"):
            self._lines[digest] = line
            if ours:
                self.fresh[digest] = None
        elif ours:
            self._failed[digest] = line.failure(self.rerecord)

    def _mend(self) -> None:
        """Cut off what a killed process left of a line; the lock is held, so nobody is writing it."""
        data = disk.read(self.journal)
        if not data or data.endswith(b"\n"):
            return
        try:
            os.truncate(self.journal, data.rfind(b"\n") + 1)
        except OSError as error:
            raise disk.unwritable(self.path, error) from error
        self._warn_of_a_cut()

    def _warn_of_a_cut(self) -> None:
        warnings.warn(
            f"{self.journal}: the last line is cut, as a killed run leaves it; it was dropped, and its "
            "question counts as not asked",
            stacklevel=2,
        )

    def _acquire(self, *, wait: bool = True) -> bool:
        if not self._lock.is_locked:
            for file in (self.path, self.journal, self.times.path, self._lock_path):
                disk.refuse_outside(file, self._within)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=wait)
        except Timeout:
            return False
        except OSError as error:
            raise disk.unwritable(self.path, error) from error
        self._has_locked = True
        return True

    def _write(self, data: bytes) -> None:
        """Append a line to the journal. The memory of it is locked."""
        try:
            self._read = disk.append(self.journal, data)
        except OSError as error:
            raise disk.unwritable(self.path, error) from error
        self._numbered += 1
