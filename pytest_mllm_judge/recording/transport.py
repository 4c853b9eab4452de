"""The cassette in front of a judge's own HTTP transport. Nothing else in the process is touched."""

from __future__ import annotations

from typing import Any

import httpx2

from pytest_mllm_judge.recording.asking import Asking, asked_now, opened
from pytest_mllm_judge.recording.cassette import JudgeCassette, through, through_async
from pytest_mllm_judge.recording.store import Store


class CassetteTransport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Plays the answer to the question asked now, or sends by the inner transport and records.

    What is about to be recorded it hands on as it would be played, so that the run that records sees what
    every replay will see. It is as sync or async as the inner transport is.
    """

    def __init__(self, inner: Any, store: Store, *, mode: str) -> None:
        cassette = JudgeCassette(store, mode=mode)
        self._inner = inner
        self._store = store
        self._records = mode != "none"
        self._send = through(cassette, inner)
        self._send_async = through_async(cassette, inner)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Play or record. Raise CassetteError without a question, or after its answer."""
        asking = self._opened(request)
        response = self._send(request)
        if asking.packed is not None:
            response = self._send(request)
        asking.answered = response.is_success
        return response

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Play or record. Raise CassetteError without a question, or after its answer."""
        asking = self._opened(request)
        response = await self._send_async(request)
        if asking.packed is not None:
            response = await self._send_async(request)
        asking.answered = response.is_success
        return response

    def close(self) -> None:
        """Close the inner transport."""
        self._inner.close()

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()

    def _opened(self, request: httpx2.Request) -> Asking:
        """The question that the request belongs to; its secrets are remembered, to be kept off the disk."""
        asking = asked_now(self._store.path)
        if self._records:
            self._store.guard.see(request.headers.multi_items())
            self._store.guard.see(request.url.params.multi_items(), kind="parameter")
        opened(asking)
        return asking
