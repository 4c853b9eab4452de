"""Blocking calls, awaited."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

Given = TypeVar("Given")


async def in_a_thread(call: Callable[[], Given]) -> Given:
    """What a blocking call gives, made in a daemon thread of its own, which sees this task's context.

    If the task is cancelled, the thread is left to itself: whatever it gives then is dropped, and it does
    not keep the process from ending, as a thread of an executor would.
    """
    given: Future[Given] = Future()
    context = contextvars.copy_context()

    def work() -> None:
        try:
            result = context.run(call)
        except BaseException as error:  # handed to whoever waits
            if given.set_running_or_notify_cancel():
                given.set_exception(error)
        else:
            if given.set_running_or_notify_cancel():
                given.set_result(result)

    threading.Thread(target=work, name="judge", daemon=True).start()
    return await asyncio.wrap_future(given)
