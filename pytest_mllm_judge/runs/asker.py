"""Asking the questions of one cassette, many at a time, and keeping every reply before it is handed on."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future, wait
from copy import copy
from dataclasses import dataclass, field

from pytest_mllm_judge.errors import CassetteError, HoldsSecret, JudgeError, MllmJudgeError, NotAsked
from pytest_mllm_judge.judging.judge import Judge
from pytest_mllm_judge.model import Question, Reply
from pytest_mllm_judge.recording.facts import digest_of
from pytest_mllm_judge.recording.recorder import Recorder
from pytest_mllm_judge.runs.background import Background
from pytest_mllm_judge.runs.budget import Budget
from pytest_mllm_judge.runs.halt import Halt
from pytest_mllm_judge.runs.patience import patiently

POLL = 0.02
"""Seconds between looks at what another process has recorded."""
PATIENCE = 0.5
"""Seconds for which another process is waited for before this one tries to take over."""
GRACE = 1.5
"""Seconds that calls in flight still get when a run is stopped."""
TICK = 0.1
"""Seconds between two calls of `meanwhile`."""

Make = Callable[[], Question]


@dataclass
class _Call:
    """A question on its way, and who waits for it. None stands for: look at the cassette again."""

    judge: Judge
    question: Question
    waiting: list[Future[Reply | None]] = field(default_factory=list)
    twins: list[Question] = field(default_factory=list)
    """Questions of other items that ask the same; the first of them all names the exchange."""


class Asker:
    """Asks, in the background, what was planned, and first what somebody waits for.

    At most `concurrency` questions are asked at once. Of all processes, the one that holds the cassette's
    lock asks; the others read along, and take over when it ends. `budget` may forbid to go on.

    `cancelled` names the items whose questions were given up in flight; `halted` is why nothing more is asked
    before the session is over.
    """

    def __init__(
        self, recorder: Recorder, background: Background, *, concurrency: int, budget: Budget | None = None
    ) -> None:
        self.recorder = recorder
        self.cancelled: list[str] = []
        self._background = background
        self._concurrency = concurrency
        self._halt = Halt(budget)
        self._plan: deque[tuple[Judge, Make]] = deque()
        self._urgent: deque[_Call] = deque()
        self._calls: dict[str, _Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._judges: dict[int, Judge] = {}
        self._leads = False
        self._is_over = False

    @property
    def halted(self) -> MllmJudgeError | None:
        """Why nothing more is asked before the session is over; None if more may be."""
        return self._halt.why

    @property
    def in_flight(self) -> int:
        """Questions that are being asked now."""
        return len(self._calls)

    @property
    def left(self) -> int:
        """Planned questions that were not looked at yet; some may be recorded already."""
        return len(self._plan) + len(self._urgent)

    def plan(self, judge: Judge, questions: Iterable[Make]) -> None:
        """Ask these too, in their order, as soon as anything is asked at all."""
        self._background.call(self._plan.extend, [(judge, make) for make in questions])

    def reply(self, judge: Judge, question: Question, *, meanwhile: Callable[[], None]) -> Reply:
        """The reply to a question: played, or asked for by this process or another one.

        `meanwhile` is called again and again while it waits. Raise what the asking raised: JudgeError if
        there was no reply, NotAsked if nothing is asked any more, CassetteError if nothing can be kept.
        """
        while not self._is_settled(question):
            if self._is_over:
                raise _over()
            given: Future[Reply | None] = Future()
            self._background.call(self._take, _Call(judge, question, [given]))
            reply = _await(given, meanwhile)
            if reply is not None:
                return reply
            self._read_along(question, meanwhile)
        if not self.recorder.has(question) and (failed := self.recorder.failure(question)):
            raise failed
        return self.recorder.play(question, lambda: judge.ask(question), over_http=judge.speaks_http)

    def _read_along(self, question: Question, meanwhile: Callable[[], None]) -> None:
        """Wait for what another process records, for a while: it may have died."""
        end = time.monotonic() + PATIENCE
        while not self._is_settled(question) and time.monotonic() < end:
            meanwhile()
            time.sleep(POLL)
            self.recorder.refresh()

    # What follows runs in the background's loop only.

    def _take(self, call: _Call) -> None:
        try:
            asked = self._calls.get(digest_of(call.question))
            if asked is not None:
                asked.waiting += call.waiting
                asked.twins.append(call.question)
            elif self._may_ask(call.question):
                self._urgent.append(call)
            else:
                _tell(call, None)
            self._fill()
        except Exception as error:  # whoever waits must hear of it
            _tell(call, error)

    def _may_ask(self, question: Question) -> bool:
        """Whether this process is to ask a question that the one who waits knew no reply of."""
        if not self._leads:
            self.recorder.refresh()
        if self._is_settled(question):  # since then
            return False
        if self._is_over:
            raise _over()
        self._halt.check()
        if not self._leads:
            self._lead()
            self._halt.check()
        return self._leads and not self._is_settled(question)

    def _lead(self) -> None:
        self._leads = self.recorder.lead()
        if self._leads:
            self._halt.heard(self.recorder.failures(), replies=self.recorder.replies)

    def _is_settled(self, question: Question) -> bool:
        return self.recorder.has(question) or self.recorder.failure(question) is not None

    def _fill(self) -> None:
        """Ask as many as may be asked at once; without any left, let another process ask."""
        while self._leads and (call := self._next()) is not None:
            self._start(call)
        if self._leads and not self._calls:
            self._leads = False
            self.recorder.resign()

    def _next(self) -> _Call | None:
        if len(self._calls) >= self._concurrency:
            return None
        call = self._urgent.popleft() if self._urgent else self._planned()
        if call is not None:
            self._halt.look_at_the_budget()
        if self.halted is None:
            return call
        if call is not None:
            self._urgent.append(call)
        self._turn_away(self.halted)
        return None

    def _turn_away(self, error: MllmJudgeError) -> None:
        for unasked in self._urgent:
            _tell(unasked, copy(error))
        self._urgent.clear()

    def _planned(self) -> _Call | None:
        """The next of the planned questions that is still to be asked."""
        while self._plan and self.halted is None:
            judge, make = self._plan.popleft()
            try:
                question = make()
                if (asked := self._calls.get(digest_of(question))) is not None:
                    asked.twins.append(question)
                    continue
                if not self._is_settled(question):
                    return _Call(judge, question)
                if self.recorder.has(question):
                    self.recorder.rename(question)
            except Exception:  # the case that asks it meets the same error, and tells it
                continue
        return None

    def _start(self, call: _Call) -> None:
        digest = digest_of(call.question)
        if (asked := self._calls.get(digest)) is not None:
            asked.waiting += call.waiting
            asked.twins.append(call.question)
            return
        if self._is_settled(call.question):  # since it was put in the queue
            _tell(call, None)
            return
        self._calls[digest] = call
        self._judges[id(call.judge)] = call.judge
        task = asyncio.get_running_loop().create_task(self._ask(digest, call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask(self, digest: str, call: _Call) -> None:
        outcome: Reply | Exception
        try:
            outcome = await self._patiently(call)
            for twin in call.twins:
                self.recorder.rename(twin)
            self._halt.replied()
        except asyncio.CancelledError:
            self.cancelled.append(call.question.item.id)
            outcome = NotAsked("not asked to the end: it was cancelled when the run was stopped")
        except BaseException as error:  # a judge's own code may raise anything, sys.exit() included
            outcome = error if isinstance(error, MllmJudgeError) else _raised(call, error)
            self._take_note(call.question, outcome)
        del self._calls[digest]
        _tell(call, outcome)
        self._fill()

    async def _patiently(self, call: _Call) -> Reply:
        judge, question = call.judge, call.question

        async def once() -> Reply:
            return await self.recorder.record(
                question, lambda: judge.ask_async(question), over_http=judge.speaks_http
            )

        return await patiently(
            once, limit=judge.time_limit, who=f"judge {judge.name!r}, item {question.item.id!r}"
        )

    def _take_note(self, question: Question, error: MllmJudgeError) -> None:
        """Tell the other processes of a failure, and see whether it is worth to go on."""
        if isinstance(error, HoldsSecret) or not isinstance(error, CassetteError):
            try:
                self.recorder.fail(question, error)
            except CassetteError as worse:
                self._halt.failed(worse)
        self._halt.failed(error)

    async def end(self, hurry: Callable[[], bool]) -> None:
        """Ask nothing more, and wait for what is in flight; whoever still waits then is told.

        From when `hurry` says so, that has `GRACE` seconds; what has no reply then is cancelled.
        """
        self._is_over = True
        self._plan.clear()
        self._turn_away(_over())
        late = await self._late(hurry)
        for task in late:
            task.cancel()
        if late:  # a judge's own code may refuse to be cancelled
            await asyncio.wait(late, timeout=GRACE)
        for call in self._calls.values():
            _tell(call, _over())
        self._fill()
        judges, self._judges = self._judges, {}
        await _all(judge.aclose() for judge in judges.values())

    async def _late(self, hurry: Callable[[], bool]) -> set[asyncio.Task[None]]:
        """What is still in flight when its time is over."""
        clock = asyncio.get_running_loop().time
        end = math.inf
        while self._tasks and clock() < end:
            await asyncio.wait(self._tasks, timeout=min(TICK, end - clock()))
            if end == math.inf and hurry():
                end = clock() + GRACE
        return set(self._tasks)


async def end_all(askers: Iterable[Asker], hurry: Callable[[], bool]) -> None:
    """End several askers at the same time."""
    await _all(asker.end(hurry) for asker in askers)


async def _all(work: Iterable[Awaitable[None]]) -> None:
    """Do all of it, then raise the first of what was raised."""
    for fault in filter(None, await asyncio.gather(*work, return_exceptions=True)):
        raise fault


def _over() -> NotAsked:
    return NotAsked("not asked: the run is over")


def _tell(call: _Call, outcome: Reply | Exception | None) -> None:
    """Hand an outcome to everybody who waits for it."""
    for waiting in call.waiting:
        if waiting.done():
            continue
        if isinstance(outcome, Exception):
            waiting.set_exception(outcome)
        else:
            waiting.set_result(outcome)


def _raised(call: _Call, error: BaseException) -> JudgeError:
    """What judges don't raise on purpose, as a failure that is noted: the question isn't asked twice."""
    what = f"{type(error).__name__}: {error}"
    return JudgeError(f"judge {call.judge.name!r}, item {call.question.item.id!r}: it raised {what}")


def _await(given: Future[Reply | None], meanwhile: Callable[[], None]) -> Reply | None:
    while not wait([given], timeout=TICK).done:
        meanwhile()
    return given.result()
