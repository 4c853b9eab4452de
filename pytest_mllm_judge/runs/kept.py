"""What a benchmark asks of a judge, against what the judge's cassette holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.errors import CassetteError, SettingsError, did_you_mean
from pytest_mllm_judge.model import Question
from pytest_mllm_judge.recording.contents import Contents, read, refuse_damage, without
from pytest_mllm_judge.recording.facts import digest_of
from pytest_mllm_judge.recording.format import Exchange
from pytest_mllm_judge.recording.miss import differing, name_of
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.runs.session import Session

_ENDINGS = (".jsonl", ".jsonl.journal")
Name = tuple[str, str, int]
"""Item, variant, repeat."""


class Told(NamedTuple):
    """A question or an exchange by its name (`circles-007 (repeat 1)`), and what there is to say of it."""

    name: str
    why: str


@dataclass
class Kept:
    """One judge's cassette beside the questions that its benchmark asks: all items, all declared repeats.

    `asked` has the questions by their digest; `unknown` those whose digest can't be made, since a picture
    is not there. `unbuilt` says why the judge can't be built; then there are no questions.
    """

    judge: str
    benchmark: Benchmark
    contents: Contents
    run: Run | None = None
    unbuilt: str = ""
    asked: dict[str, Question] = field(default_factory=dict)
    unknown: list[Told] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The cassette's path, as a message shows it."""
        return shown(self.contents.path)

    @property
    def rerecord(self) -> str:
        """The command that asks what is missing."""
        return self.run.recorder.rerecord if self.run is not None and self.run.recorder is not None else ""

    @cached_property
    def missing(self) -> list[Told]:
        """The questions without an exchange, each with why: never asked, or the parts that differ."""
        told = [
            Told(_name(question), self._why_missing(question))
            for digest, question in self.asked.items()
            if digest not in self.contents.held
        ]
        return told + self.unknown

    def _why_missing(self, question: Question) -> str:
        recorded = self._unasked.get((question.item.id, question.variant, question.repeat))
        if not recorded:
            return "never asked" + ", or on a damaged line" * bool(self.contents.damaged)
        fewest = min([differing(question, exchange) for exchange in recorded], key=len)
        return "; ".join(fewest)

    @cached_property
    def _unasked(self) -> Mapping[Name, list[Exchange]]:
        """The exchanges that no question asks for, by their name."""
        found: dict[Name, list[Exchange]] = {}
        for exchange in self.contents.exchanges:
            if exchange.question not in self.asked:
                found.setdefault(exchange.name, []).append(exchange)
        return found

    @cached_property
    def stale(self) -> list[Told]:
        """The exchanges that no question asks for, sorted, then the lines that another one stands in for.

        Raise CassetteError if a picture is not there: what its items ask can't be known.
        """
        if self.unknown:
            name, why = self.unknown[0]
            raise CassetteError(f"{self.shown}: what is stale can't be known: {name}: {why}")
        told = [Told(name_of(one), self._why_stale(one)) for each in self._unasked.values() for one in each]
        return told + [
            Told(name_of(old.exchange), f"superseded: {old.where} by {new.where}")
            for old, new in self.contents.superseded
        ]

    @cached_property
    def _by_name(self) -> dict[Name, Question]:
        return {(each.item.id, each.variant, each.repeat): each for each in self.asked.values()}

    @cached_property
    def _skipped(self) -> dict[str, str]:
        return {item.id: str(item.skip) for item in self.benchmark.skipped}

    @cached_property
    def _there(self) -> dict[str, set[str]]:
        """The variants that are asked of each item."""
        variants: dict[str, set[str]] = {item.id: set() for item in self.benchmark.items}
        for item, variant, _ in self._by_name:
            variants[item].add(variant)
        return variants

    def to_prune(self, *, undeclared: bool = False) -> list[Told]:
        """What `prune` takes out, as `stale` tells it."""
        if undeclared:
            return self.stale
        every = [one for each in self._unasked.values() for one in each]
        undeclared_names = {name_of(one) for one in every if self._is_undeclared(one)}
        return [told for told in self.stale if told.name not in undeclared_names]

    def _is_undeclared(self, exchange: Exchange) -> bool:
        """Whether it is of an item that is there, in a variant or a repeat that is not declared."""
        return exchange.item in self._there and exchange.name not in self._by_name

    def _why_stale(self, exchange: Exchange) -> str:
        if exchange.item in self._skipped:
            return f"the item is skipped: {self._skipped[exchange.item]}"
        if exchange.item not in self._there:
            return "the item is gone"
        if exchange.name in self._by_name:
            parts = differing(self._by_name[exchange.name], exchange)
            return "its question changed: " + "; ".join(parts)
        if exchange.variant not in self._there[exchange.item]:
            return (
                f"variant {exchange.variant!r} is not declared" if exchange.variant else "not asked as it is"
            )
        return f"repeat {exchange.repeat} is not declared"

    def prune(self, *, dry_run: bool = False, undeclared: bool = False) -> int:
        """Take the stale lines out of the cassette, and say how many bytes they had.

        Those of variants and repeats that `[probes]` does not declare stay, unless `undeclared`: a test's
        marker may ask them. Raise CassetteError, with nothing changed, if a line is damaged, a picture is not
        there, or another process is recording. With `dry_run` nothing is written.
        """
        refuse_damage(self.contents)
        if not self.to_prune(undeclared=undeclared):
            return 0
        gone = [
            held
            for digest, held in self.contents.held.items()
            if digest not in self.asked and (undeclared or not self._is_undeclared(held.exchange))
        ]
        lost = [*gone, *(old for old, _ in self.contents.superseded)]
        if not dry_run:
            without(self.contents.path, {held.exchange.question for held in gone})
        return sum(len(held.text) + 1 for held in lost)


@contextmanager
def cassettes(
    root: Path, benchmark: Path, judges: Sequence[str] = (), *, lenient: bool = False
) -> Iterator[list[Kept]]:
    """The cassettes of these judges on a benchmark, by default all that it has, sorted by judge.

    `root` is the project's folder. Raise BenchmarkError or SettingsError for a benchmark or a judge that is
    not there, for a judge that is not recorded, and CassetteError where nothing is recorded. With `lenient`
    a cassette that is there counts also if its judge can't be built.
    """
    session = Session(root=root)
    try:
        loaded = session.benchmark(benchmark)
        found = recorded(loaded)
        if not judges and not found:
            raise CassetteError(
                f"{shown(loaded.folder / 'cassettes')}: there is no cassette\n"
                f"  Record one: pytest --judge=NAME --judge-record=new_episodes {shown(loaded.folder)}"
            )
        yield [_kept(session, loaded, name, found, lenient and not judges) for name in judges or found]
    finally:
        session.close()


def recorded(benchmark: Benchmark) -> list[str]:
    """The judges that have a cassette, or a journal, in the benchmark's folder, sorted."""
    folder = benchmark.folder / "cassettes"
    files = [file.name for file in folder.iterdir()] if folder.is_dir() else []
    names = {unquote(file.removesuffix(end)) for file in files for end in _ENDINGS if file.endswith(end)}
    return sorted(names)


def run_of(session: Session, benchmark: Benchmark, judge: str) -> Run:
    """The run of a judge that is recorded. Raise SettingsError for any other."""
    run = session.run(judge, benchmark.folder)
    if run.recorder is None:
        raise SettingsError(
            f"judge {judge!r} is not recorded, so it has no cassette: its kind answers without being asked"
        )
    return run


def _kept(session: Session, benchmark: Benchmark, judge: str, found: Sequence[str], lenient: bool) -> Kept:
    contents = Contents(benchmark.cassette(judge))
    try:
        run = run_of(session, benchmark, judge)
    except SettingsError as error:
        if not lenient:
            raise
        return Kept(judge, benchmark, read(contents.path), unbuilt=str(error))
    if judge not in found:
        raise CassetteError(_no_cassette(judge, benchmark, found, run))
    kept = Kept(judge, benchmark, read(contents.path), run)
    _ask(kept, run)
    return kept


def _no_cassette(judge: str, benchmark: Benchmark, found: Sequence[str], run: Run) -> str:
    assert run.recorder is not None
    near = did_you_mean(judge, found)
    lines = [f"{shown(benchmark.cassette(judge))}: there is no such cassette{near}"]
    if found:
        lines.append(f"  Recorded are: {', '.join(found)}.")
    return "\n".join([*lines, f"  Record it: {run.recorder.rerecord}"])


def _ask(kept: Kept, run: Run) -> None:
    for question in run.wanted():
        try:
            kept.asked.setdefault(digest_of(question), question)
        except CassetteError as error:
            why = str(error).partition("\n")[0].removeprefix(f"{question.item.id}: ")
            kept.unknown.append(Told(_name(question), why))


def _name(question: Question) -> str:
    name = question.item.id, question.variant, question.repeat
    return name_of(Exchange(question="", item=name[0], variant=name[1], repeat=name[2], model="", reply={}))
