"""Nothing that looks like a secret is written to a cassette."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from pytest_mllm_judge.errors import CassetteError

_PATTERNS = {
    "an API key (sk-...)": re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}"),
    "an API key (AIza...)": re.compile(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}"),
    "a bearer token": re.compile(r"(?i)(?<![a-z])bearer +(?=[a-z._~+/-]*[0-9])[a-z0-9._~+/-]{16,}"),
    "an organisation's id (org-...)": re.compile(r"(?<![A-Za-z0-9])org-[A-Za-z0-9]{20,}"),
    "a cookie": re.compile(r"(?i)\b(?:set-)?cookie: *[^\s=;]+=[^\s;]+"),
}
_SECRET_HEADER = re.compile(r"(?i)auth|key|token|secret|cookie|credential|organi[sz]ation|project")
_SECRET_ANSWERS = ("set-cookie", "openai-organization", "openai-project")
_SHORTEST = 8
"""Characters of a header's value that is still looked for: a stand-in for a key such as `none` is not one."""


class Guard:
    """Remembers the secrets of the requests it saw, and refuses lines that hold one, or a likeness."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def see(self, headers: Iterable[tuple[str, str]]) -> None:
        """Remember the secret values among a request's headers."""
        for name, value in headers:
            if _SECRET_HEADER.search(name):
                kept = {_escaped(secret): name.lower() for secret in _values(name, value)}
                self._seen |= {secret: name for secret, name in kept.items() if len(secret) >= _SHORTEST}

    def see_answer(self, headers: Iterable[tuple[str, str]]) -> None:
        """Remember the secrets among a response's headers. Rate limits speak of tokens too, so by name."""
        self.see((name, value) for name, value in headers if name.lower() in _SECRET_ANSWERS)

    def check(self, line: str, *, item: str, path: object) -> None:
        """Raise CassetteError, naming the kind of secret and never its value, if the line holds one."""
        what = self._held(line)
        if what:
            raise CassetteError(
                f"{path}: the exchange for {item} was not written: it holds {what}\n"
                "  Take it out of the prompt, the settings or the image addresses; if the judge said it, "
                "change that key first, for it has leaked."
            )

    def _held(self, line: str) -> str:
        for secret, header in self._seen.items():
            if secret in line:
                return f"the value of the header {header!r}"
        return next((what for what, pattern in _PATTERNS.items() if pattern.search(line)), "")


def _escaped(secret: str) -> str:
    """The secret as it would stand inside a line's JSON."""
    return json.dumps(secret, ensure_ascii=False)[1:-1]


def _values(name: str, value: str) -> list[str]:
    """The secrets in a header: each cookie's value, what follows the scheme, or all of it."""
    if "cookie" in name.lower():
        pairs = value.split(";")
        own = pairs[:1] if name.lower() == "set-cookie" else pairs  # the rest are attributes
        return [pair.partition("=")[2].strip() for pair in own]
    return [value.split(" ", 1)[-1].strip()]
