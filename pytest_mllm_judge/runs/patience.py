"""Asking again what failed in passing: the one place with retries, above the cassette.

A failure that may pass by itself (no connection, a time-out, HTTP 408, 409, 429 and 5xx, an answer that is
cut) is asked again after a wait that doubles from half a second to half a minute, each wait drawn below that
bound; at least as long as the server's Retry-After asks. It ends after eight tries, or before a wait that
would reach past the question's time limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from pytest_mllm_judge.errors import JudgeError
from pytest_mllm_judge.model import Reply

TRIES = 8
_BACK_OFF = wait_random_exponential(multiplier=0.5, max=30)


async def patiently(ask: Callable[[], Awaitable[Reply]], *, limit: float, who: str) -> Reply:
    """The reply, with as many tries as it needs within `limit` seconds.

    Raise JudgeError: that of the last try, or one that begins with `who` if a try reaches past the limit.
    """
    retrying = AsyncRetrying(
        retry=retry_if_exception(lambda error: isinstance(error, JudgeError) and error.passing),
        wait=_wait,
        stop=stop_after_attempt(TRIES) | stop_before_delay(limit),
        reraise=True,
    )
    try:
        async with asyncio.timeout(limit):
            return await retrying(ask)
    except TimeoutError:
        raise JudgeError(f"{who}: no reply within {limit:g} s, retries included", passing=True) from None


def _wait(state: RetryCallState) -> float:
    assert state.outcome is not None
    error = state.outcome.exception()
    asked = error.retry_after if isinstance(error, JudgeError) else None
    return max(_BACK_OFF(state), asked or 0.0)
