"""The question now being asked: how a transport knows which exchange a request belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.model import Question


@dataclass
class Asking:
    """A question while it is asked over HTTP, and how far that got.

    `sent`: a request has come to the transport. `packed`: its reply, to be written once the judge could
    read it. `answered`: the reply has been handed to the client.
    """

    question: Question
    digest: str
    path: object
    sent: bool = False
    packed: dict[str, Any] | None = None
    answered: bool = False


_NOW: ContextVar[Asking | None] = ContextVar("pytest_mllm_judge_asking", default=None)


@contextmanager
def now_asking(asking: Asking) -> Iterator[Asking]:
    """Mark the question as the one being asked, in this thread or task and those it starts."""
    token = _NOW.set(asking)
    try:
        yield asking
    finally:
        _NOW.reset(token)


def asked_now(path: object) -> Asking:
    """The question being asked, on the cassette at `path`. Raise CassetteError if there is none."""
    asking = _NOW.get()
    if asking is None:
        raise CassetteError(
            f"{path}: a request was sent while no question was asked\n"
            "  A cassette finds a reply by its question. Ask through the judge (judge.ask(item)), from "
            "the thread that the judge asks in, or use a client of its own for anything else."
        )
    if asking.path != path:
        raise CassetteError(
            f"{path}: a request for {asking.question.item.id} was sent while the judge "
            f"{asking.question.judge!r} asked, whose cassette is {asking.path}\n"
            "  Two judges share one client. Build one for each, on the transport it was given."
        )
    return asking


def question_of(path: object) -> Asking | None:
    """The question being asked on the cassette at `path`; None outside of one, or in another cassette's."""
    asking = _NOW.get()
    return asking if asking is not None and asking.path == path else None


def opened(asking: Asking) -> None:
    """Note that a request came. Raise CassetteError for a second one after the answer to the first."""
    if asking.answered:
        raise CassetteError(
            f"{asking.path}: judge {asking.question.judge!r} sent a second request for "
            f"{asking.question.item.id}\n"
            "  A cassette holds one exchange a question. Send whatever comes beside it, such as signing in, "
            "by a client of its own."
        )
    asking.sent = True
