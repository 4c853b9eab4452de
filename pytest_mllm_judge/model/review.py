"""A human's word on a judge's reply."""

from __future__ import annotations

from pydantic import Field, StrictInt

from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.model.question import text_digest

DIGITS = 24
"""Hex digits of a reply's digest: 96 of its 256 bits."""


class Review(Frozen):
    """What one human said of one reply; None where they said nothing.

    `agrees`: the verdict is right. `analysis`: how good the reply's analysis is, 1 (worst) to 5.
    `hallucination`: it says of the picture what the picture does not show. `reviewer` is a name, or ''.
    """

    agrees: bool | None = None
    analysis: StrictInt | None = Field(default=None, ge=1, le=5)
    hallucination: bool | None = None
    reviewer: str = ""

    @property
    def is_open(self) -> bool:
        """Whether nothing is said yet."""
        return self.agrees is None and self.analysis is None and self.hallucination is None


def digest_of(reply: str) -> str:
    """What a reply is known by in a review: the start of its text's sha256, in hex."""
    return text_digest(reply)[:DIGITS]
