"""Nothing that looks like a secret is written to a cassette."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping

from pytest_mllm_judge.errors import HoldsSecret

_PATTERNS = {
    "an API key (sk-...)": re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}"),
    "an API key (AIza...)": re.compile(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}"),
    "a bearer token": re.compile(r"(?i)(?<![a-z])bearer +(?=[a-z._~+/-]*[0-9])[a-z0-9._~+/-]{16,}"),
    "an organisation's id (org-...)": re.compile(r"(?<![A-Za-z0-9])org-[A-Za-z0-9]{20,}"),
    "a cookie": re.compile(r"(?i)\b(?:set-)?cookie: *[^\s=;]+=[^\s;]+"),
}
_SECRET_HEADER = re.compile(r"(?i)auth|key|token|secret|cookie|credential|organi[sz]ation|project")
_SECRET_ANSWERS = ("set-cookie", "openai-organization", "openai-project")
_SECRET_VARIABLE = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$", re.I)
_SHORTEST = 8
"""Characters of a header's value that is still looked for: a stand-in for a key such as `none` is not one."""
_SHORTEST_VARIABLE = 16
"""The same of an environment variable's value: what its name says is less certain."""


class Guard:
    """Remembers the secrets of the requests it saw, and refuses lines that hold one, or a likeness.

    The values of environment variables whose names end in KEY, TOKEN, SECRET or PASSWORD count as seen:
    a judge that is a function sends its own key past us.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._seen: dict[str, str] = {
            _escaped(value): f"the value of the environment variable {name}"
            for name, value in environment.items()
            if _SECRET_VARIABLE.search(name)
            and len(value) >= _SHORTEST_VARIABLE
            and not re.search(r"[\s/\\]", value)
        }

    def see(self, headers: Iterable[tuple[str, str]]) -> None:
        """Remember the secret values among a request's headers."""
        for name, value in headers:
            if _SECRET_HEADER.search(name):
                told = f"the value of the header {name.lower()!r}"
                kept = {_escaped(one): told for one in _values(name, value) if len(one) >= _SHORTEST}
                # A new table: another thread may be reading the old one.
                self._seen = self._seen | kept

    def see_answer(self, headers: Iterable[tuple[str, str]]) -> None:
        """Remember the secrets among a response's headers. Rate limits speak of tokens too, so by name."""
        self.see((name, value) for name, value in headers if name.lower() in _SECRET_ANSWERS)

    def check(self, line: str, *, item: str, path: object) -> None:
        """Raise HoldsSecret, naming the kind of secret and never its value, if the line holds one."""
        what = self.held(line)
        if what:
            raise HoldsSecret(
                f"{path}: the exchange for {item} was not written: it holds {what}\n"
                "  Take it out of the prompt, the settings or the image addresses; if the judge said it, "
                "change that key first, for it has leaked."
            )

    def held(self, line: str) -> str:
        """What secret a line holds, in words; '' if none."""
        for secret, what in self._seen.items():
            if secret in line:
                return what
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
