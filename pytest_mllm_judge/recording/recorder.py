"""Asking through a cassette: every reply is played from it, or written to it before it is handed on."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, get_args

from pytest_mllm_judge.errors import (
    CassetteError,
    CassetteMiss,
    JudgeError,
    MllmJudgeError,
    SettingsError,
    did_you_mean,
)
from pytest_mllm_judge.model import Question, Reply
from pytest_mllm_judge.recording.answers import of_reply, read_chat, to_reply
from pytest_mllm_judge.recording.asking import Asking, now_asking
from pytest_mllm_judge.recording.facts import digest_of, exchange_of
from pytest_mllm_judge.recording.format import Exchange, Failure
from pytest_mllm_judge.recording.guard import Guard
from pytest_mllm_judge.recording.miss import explain
from pytest_mllm_judge.recording.store import Store

Mode = Literal["none", "new_episodes", "all"]
MODES: tuple[Mode, ...] = get_args(Mode)


class Recorder:
    """One judge's cassette, played and recorded.

    `path` is the cassette, which need not exist. `mode` is what may be asked: `none` (nothing: an unknown
    question is a CassetteMiss, and nothing is locked or written), `new_episodes` (what is not recorded), or
    `all` (each question once more in this run; the old recording stays until the new one is there).
    `rerecord` is the command that a miss ends with. `run` is what the processes of one run have in common;
    without it this process is a run of its own. With `wire`, every reply of a judge that speaks HTTP is
    played through its client; otherwise it is read from the cassette directly. Nothing is written out of
    the folder `within` (by default the one that the cassette's own stands in). `guard` is shared by
    cassettes that share secrets.

    `played` and `recorded` count the replies that came from the cassette and those that were asked for.

    Raise SettingsError for an unknown mode; every method may raise CassetteError for files that are damaged,
    or can't be read or written.
    """

    def __init__(
        self,
        path: Path,
        mode: Mode,
        *,
        judge: str,
        rerecord: str,
        run: str = "",
        wire: bool = False,
        within: Path | None = None,
        guard: Guard | None = None,
    ) -> None:
        if mode not in MODES:
            raise SettingsError(
                f"record mode {mode!r} is none of {', '.join(MODES)}{did_you_mean(mode, MODES)}"
            )
        self.path = path
        self.mode = mode
        self.judge = judge
        self.rerecord = rerecord
        self.wire = wire
        self.played = 0
        self.recorded = 0
        self._written = 0
        self._on_disk = 0
        self._syncing = asyncio.Lock()
        run_id = "".join(filter(str.isalnum, run)) or uuid.uuid4().hex
        self._store = Store(
            path,
            run=run_id,
            again=mode == "all",
            records=mode != "none",
            rerecord=rerecord,
            within=within,
            guard=guard,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def exists(self) -> bool:
        """Whether anything is recorded: a cassette, or the journal of a run that was cut off."""
        return self.path.exists() or self._store.journal.exists()

    def wrap(self, transport: Any) -> Any:
        """The cassette in front of an httpx2 transport, sync or async. It answers only questions."""
        from pytest_mllm_judge.recording.transport import CassetteTransport

        return CassetteTransport(transport, self._store, mode=self.mode)

    def patch(self) -> AbstractContextManager[Any]:
        """A context in which requests past `wrap`'s transport are played and recorded too.

        vcrpy patches the HTTP libraries of the whole process; requests outside of a question go their way.
        """
        from pytest_mllm_judge.recording.cassette import PatchedCassette, patched

        return patched(PatchedCassette(self._store, mode=self.mode))

    def has(self, question: Question) -> bool:
        """Whether the reply would be played. In mode `all`: whether this run has asked already."""
        return self._store.settled(digest_of(question))

    def play(self, question: Question, ask: Callable[[], Reply], *, over_http: bool) -> Reply:
        """The recorded reply of a question that `has` knows; for `ask` and `over_http` see `exchange`.

        It has the latency that stands in the side file, if there is one.
        """
        exchange = self._found(question)
        self.played += 1
        reply = self._directly(exchange, over_http=over_http)
        if reply is None:
            with self._over_http(question):
                reply = ask()
        latency = self._store.times.latency(exchange.question)
        return reply if reply.latency == latency else reply.model_copy(update={"latency": latency})

    def exchange(self, question: Question, ask: Callable[[], Reply], *, over_http: bool) -> Reply:
        """The reply to a question: played, or asked for by `ask` and recorded.

        `over_http`: `ask` sends through the transport that `wrap` gave, and may be called for a replay too;
        otherwise the reply itself is what the cassette holds. While one process or thread asks, the others
        that record into this cassette wait, and then play what it recorded.
        Raise CassetteMiss in mode `none` for an unknown question, before `ask` is called.
        """
        digest = self._known(question)
        if not self._store.settled(digest):
            with self._store.locked():
                if not self._store.settled(digest):
                    return self._record(question, ask, over_http=over_http)
        self.rename(question)
        return self.play(question, ask, over_http=over_http)

    async def record(
        self, question: Question, ask: Callable[[], Awaitable[Reply]], *, over_http: bool
    ) -> Reply:
        """Ask once, and write the reply before it is given. Only between `lead` and `resign`."""
        if over_http:
            with self._over_http(question):
                reply = await ask()
        else:
            with self._masked():
                reply = await ask()
            self._store.append(exchange_of(question, of_reply(reply, asked=question.model)))
        self._note(question, reply)
        await self._synced()
        return reply

    async def _synced(self) -> None:
        """Wait for the disk. Those who wait at the same time share one wait."""
        written = self._written = self._written + 1
        async with self._syncing:
            if self._on_disk < written:
                everything = self._written
                await asyncio.to_thread(self._store.sync)
                self._on_disk = everything

    @contextmanager
    def asking(self, question: Question) -> Iterator[None]:
        """Ask over HTTP by hand, as an async client must: requests in this context belong to the question.

        Two tasks that ask the same unknown question at once both ask; `exchange` does not.
        Raise CassetteMiss in mode `none` for an unknown question.
        """
        known = self._store.settled(self._known(question))
        with self._over_http(question):
            yield
        if known:
            self.played += 1
        else:
            self.recorded += 1

    def lead(self) -> bool:
        """Take the right to ask and record, until `resign`; False if another process has it."""
        return self._store.lead()

    def resign(self) -> None:
        """Let another process ask and record."""
        self._store.resign()

    def refresh(self) -> None:
        """Read what other processes have recorded since the last look."""
        self._store.refresh()

    def fail(self, question: Question, error: MllmJudgeError) -> None:
        """Tell this run's other processes that the question got no reply. Between `lead` and `resign`."""
        status, passing = (error.status, error.passing) if isinstance(error, JudgeError) else (None, False)
        reason = str(error)
        self._store.fail(Failure(question=digest_of(question), reason=reason, status=status, passing=passing))

    def failure(self, question: Question) -> JudgeError | None:
        """What a process of this run met when it asked; None if it got a reply, or none has asked."""
        failed = self._store.failure(digest_of(question))
        return None if failed is None else _error(failed)

    def failures(self) -> list[JudgeError]:
        """What the processes of this run met, for every question that got no reply."""
        return list(map(_error, self._store.failures))

    @property
    def replies(self) -> int:
        """How many replies this run recorded, in any process."""
        return len(self._store.fresh)

    def fresh(self, since: int = 0) -> list[Reply]:
        """The replies that this run recorded, in any process, from the `since`-th on (counted from 0)."""
        found = map(self._store.find, list(islice(self._store.fresh, since, None)))
        return [to_reply(each.reply, asked=each.model) for each in found if each is not None]

    def rename(self, question: Question) -> None:
        """Let the first of the items that ask the same question name its exchange, whoever asked first."""
        if self.mode == "none":
            return
        exchange = self._found(question)
        named = replace(exchange, item=question.item.id, variant=question.variant)
        if named.name < exchange.name:
            self._store.append(named, asked=False)

    def close(self, *, merge: bool = True) -> None:
        """Move what was recorded into the sorted cassette.

        With `merge=False` it stays in the journal, which every reader of the cassette reads too, until
        `merge` is called: for the workers of one run, that in mode `all` must know what the run has asked.
        """
        if merge and self.mode != "none":
            self._store.merge()
        self._store.forget()

    def _known(self, question: Question) -> str:
        """The question's digest. Raise CassetteMiss if it may not be asked and is not recorded."""
        digest = digest_of(question)
        if self.mode == "none" and not self._store.settled(digest):
            told = explain(question, self._store.exchanges(), path=self.path, rerecord=self.rerecord)
            raise CassetteMiss(told)
        return digest

    def _record(self, question: Question, ask: Callable[[], Reply], *, over_http: bool) -> Reply:
        if over_http:
            with self._over_http(question):
                reply = ask()
        else:
            reply = ask()
            self._store.append(exchange_of(question, of_reply(reply, asked=question.model)))
        self._note(question, reply)
        self._store.sync()
        return reply

    def _note(self, question: Question, reply: Reply) -> None:
        self.recorded += 1
        if reply.latency is not None:
            self._store.note_time(digest_of(question), reply.latency)

    def _directly(self, exchange: Exchange, *, over_http: bool) -> Reply | None:
        """The reply without a client, where it need not be read by one."""
        if not over_http:
            return to_reply(exchange.reply, asked=exchange.model)
        return None if self.wire else read_chat(exchange.reply, asked=exchange.model)

    def _found(self, question: Question) -> Exchange:
        exchange = self._store.find(digest_of(question))
        if exchange is None:
            raise CassetteError(f"{self.path}: the exchange for {question.item.id} is gone since it was read")
        return exchange

    @contextmanager
    def _masked(self) -> Iterator[None]:
        """What a judge says of its failure tells no secret."""
        try:
            yield
        except JudgeError as error:
            error.args = (self._store.guard.masked(str(error)),)
            raise

    @contextmanager
    def _over_http(self, question: Question) -> Iterator[None]:
        """What the transport got is written once the judge has read it; what it can't read is asked again."""
        asking = Asking(question, digest_of(question), self.path)
        with self._masked(), now_asking(asking):
            yield
        if not asking.sent:
            raise CassetteError(
                f"{self.path}: judge {self.judge!r} answered {question.item.id} without a request through "
                "the cassette's transport\n"
                "  Build its client on the transport that wrap() returns."
            )
        if asking.packed is not None:
            self._store.append(exchange_of(question, asking.packed))


def _error(failed: Failure) -> JudgeError:
    return JudgeError(failed.reason, status=failed.status, passing=failed.passing)


def merge(path: Path) -> None:
    """Move what a cassette's journal holds into the sorted cassette at `path`. Nothing to do without one."""
    Store(path).merge()
