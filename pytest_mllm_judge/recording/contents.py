"""Everything that a cassette's files hold, damaged lines included; and a cassette without some of it.

A recorder stops at the first line that it can't trust. Who looks after a cassette wants to see them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.recording import disk
from pytest_mllm_judge.recording.format import Exchange, FormatError, failure_from_line, from_line
from pytest_mllm_judge.recording.miss import name_of
from pytest_mllm_judge.recording.store import Store

_FAILED = b"!"
"""A journal's line that begins so, after its run, tells of a failure, not of an exchange."""


@dataclass(frozen=True)
class Held:
    """An exchange that stands in a file: the line's place (`shapes.jsonl:12`) and its bytes."""

    where: str
    exchange: Exchange
    text: bytes


@dataclass
class Contents:
    """What a cassette and its journal hold.

    `held` has what is played, by the question's digest; `superseded` the lines that another line of the
    same question stands in for, each with that other line. `damaged` says of each line that can't be used
    where it stands and why. `disorder` names the first line that is not sorted. `left` counts the journal's
    exchanges, None without a journal; `is_cut`: its last line was not written to its end.
    """

    path: Path
    held: dict[str, Held] = field(default_factory=dict)
    superseded: list[tuple[Held, Held]] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    disorder: str = ""
    left: int | None = None
    is_cut: bool = False

    @property
    def exchanges(self) -> list[Exchange]:
        """What is played, sorted as a cassette is."""
        return sorted((held.exchange for held in self.held.values()), key=_order)

    def take(self, held: Held) -> None:
        """Add an exchange, which is newer than what there is."""
        question = held.exchange.question
        if question in self.held:
            self.superseded.append((self.held[question], held))
        self.held[question] = held

    def damage(self, where: str, why: str) -> None:
        """Note a line that can't be used."""
        self.damaged.append(f"{where}: {why}")


def journal_of(path: Path) -> Path:
    """Where what is recorded stands until it is sorted into the cassette at `path`."""
    return path.with_name(path.name + ".journal")


def read(path: Path) -> Contents:
    """Read the cassette at `path` and its journal. Raise CassetteError only for files that can't be read."""
    contents = Contents(path)
    # The journal first: a merge in between moves its lines to the cassette that is read after it.
    journal = disk.read(journal_of(path)) if journal_of(path).exists() else None
    before: Held | None = None
    for held in _cassette_lines(contents):
        question = held.exchange.question
        if question in contents.held and contents.held[question].text != held.text:
            first = contents.held[question].where.rpartition(":")[2]
            contents.damage(held.where, f"line {first} has another reply to the same question")
            continue
        contents.take(held)
        if before is not None and _order(held.exchange) < _order(before.exchange) and not contents.disorder:
            names = f"{name_of(held.exchange)} stands after {name_of(before.exchange)}"
            contents.disorder = f"{held.where}: {names}"
        before = held
    if journal is not None:
        _take_journal(contents, journal)
    return contents


def _cassette_lines(contents: Contents) -> Iterator[Held]:
    for number, text in enumerate(disk.read(contents.path).split(b"\n"), start=1):
        if line := text.rstrip(b"\r"):
            yield from _held(contents, f"{contents.path.name}:{number}", line)


def _take_journal(contents: Contents, data: bytes) -> None:
    whole, _, cut = data.rpartition(b"\n")
    contents.left, contents.is_cut = 0, bool(cut)
    for number, text in enumerate(whole.split(b"\n") if whole else (), start=1):
        line = text.partition(b" ")[2]
        where = f"{journal_of(contents.path).name}:{number}"
        if line.startswith(_FAILED):
            _check_failure(contents, where, line[1:])
            continue
        for held in _held(contents, where, line):
            contents.take(held)
            contents.left += 1


def _held(contents: Contents, where: str, line: bytes) -> Iterator[Held]:
    """The line's exchange, unless the line is damaged, which is noted."""
    try:
        yield Held(where, from_line(line), line)
    except FormatError as error:
        contents.damage(where, str(error))


def _check_failure(contents: Contents, where: str, line: bytes) -> None:
    try:
        failure_from_line(line)
    except FormatError as error:
        contents.damage(where, str(error))


def _order(exchange: Exchange) -> tuple[str, str, int, str]:
    return (*exchange.name, exchange.question)


def without(path: Path, questions: Collection[str]) -> None:
    """Write the cassette at `path` anew, sorted, its journal taken in, without these questions' exchanges.

    By an atomic rename, under the cassette's lock. Raise CassetteError, with nothing changed, if another
    process is recording, if a line is damaged, or if the file can't be written.
    """
    with leading(path) as store:
        contents = read(path)
        refuse_damage(contents)
        kept = {
            e.question: contents.held[e.question] for e in contents.exchanges if e.question not in questions
        }
        try:
            disk.replace(path, b"".join(held.text + b"\n" for held in kept.values()))
            store.journal.unlink(missing_ok=True)
            store.times.tidy(list(kept))
        except OSError as error:
            raise disk.unwritable(path, error) from error


def refuse_damage(contents: Contents) -> None:
    """Raise CassetteError with every damaged line, if there is one."""
    if contents.damaged:
        lines = "\n".join(f"  {line}" for line in contents.damaged)
        raise CassetteError(
            f"{contents.path}: can't be pruned while lines of it are damaged:\n{lines}\n"
            "  Restore the file from version control, or delete these lines."
        )


@contextmanager
def leading(path: Path) -> Iterator[Store]:
    """The right to write into the cassette at `path`, as its store.

    Raise CassetteError at once if another process has it.
    """
    store = Store(path)
    if not store.lead():
        raise CassetteError(
            f"{path}: another process is recording into this cassette\n"
            "  Wait until it has ended, or end it, and try again."
        )
    try:
        yield store
    finally:
        store.resign()
    store.merge()  # sorts what was added, and leaves no lock behind
