"""Nothing that looks like a secret is written to a cassette, or told, however it is spelled."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from pytest_mllm_judge.errors import HoldsSecret

_PATTERNS = {
    "an API key (sk-...)": re.compile(r"(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{16,}"),
    "an API key (AIza...)": re.compile(r"(?<![A-Za-z0-9])AIza[A-Za-z0-9_-]{30,}"),
    "a bearer token": re.compile(r"(?i)(?<![a-z])bearer +(?=[a-z._~+/-]*[0-9])[a-z0-9._~+/-]{16,}"),
    "an organisation's id (org-...)": re.compile(r"(?<![A-Za-z0-9])org-[A-Za-z0-9]{20,}"),
    "a cookie": re.compile(r"(?i)\b(?:set-)?cookie: *[^\s=;]+=[^\s;]+"),
}
_SECRET_HEADER = re.compile(
    r"(?i)(?:^|[-_])(?:auth|authorization|(?:api|access)?key|\w*token|\w*secret|cookie|credentials?"
    r"|organi[sz]ation)(?:$|[-_])|^openai-project$"
)
_SECRET_ANSWERS = ("set-cookie", "openai-organization", "openai-project")
_SECRET_VARIABLE = re.compile(r"(?:API_?KEY|ACCESS_KEY|PRIVATE_KEY|SECRET_KEY|TOKEN|SECRET|PASSWORD)$", re.I)
_NO_SECRET = re.compile(r"\s|://|^[/~.]")
"""What stands in a sentence, an address or a path, which such a variable may hold as well."""
_ADDRESS = re.compile(
    r"""(?P<scheme>\bhttps?://)(?P<user>[^\s/@?#"'<>]*@)?(?P<path>[^\s?#"'<>]*)(?P<query>\?[^\s#"'<>]*)?""",
    re.I,
)
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_DEEPEST = 3
"""How often a text may be JSON inside of JSON, the cassette's own line included."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{11,}")
"""What may be base64, also as addresses spell it, of a secret that is not too short to be one."""
_LIKENESS = 18
"""Characters of the shortest likeness of a key that is looked for inside base64: `sk-` and some."""
_SHORTEST = 8
"""Characters of a header's value that is still looked for: a stand-in for a key such as `none` is not one."""
_SHORTEST_VARIABLE = 16
"""The same of an environment variable's value: what its name says is less certain."""


class Guard:
    """Remembers the secrets of the requests it saw, and refuses lines that hold one, or a likeness.

    The values of environment variables that are named like secrets (`..._API_KEY`, `..._TOKEN`) count as
    seen: a judge that is a function sends its own key past us.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._seen: dict[str, str] = {
            value: f"the value of the environment variable {name}"
            for name, value in environment.items()
            if _SECRET_VARIABLE.search(name)
            and len(value) >= _SHORTEST_VARIABLE
            and not _NO_SECRET.search(value)
        }

    def see(self, headers: Iterable[tuple[str, str]], *, kind: str = "header") -> None:
        """Remember the secret values among a request's headers, or the parameters of its address."""
        for name, value in headers:
            if _SECRET_HEADER.search(name):
                told = f"the value of the {kind} {name.lower()!r}"
                kept = {one: told for one in _values(name, value) if len(one) >= _SHORTEST}
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
        shortest = min((_LIKENESS, *map(len, self._seen)))
        for text in _readings(line, shortest=shortest):
            for secret, what in self._seen.items():
                if secret in text:
                    return what
            for what, pattern in _PATTERNS.items():
                if pattern.search(text):
                    return what
        return ""

    def masked(self, text: str) -> str:
        """A text that is told, with `***` for every secret; nothing of it if one is spelled otherwise."""
        for secret in sorted(self._seen, key=len, reverse=True):
            text = text.replace(secret, "***")
        text = masked(text)
        held = self.held(text)
        return f"what was said can't be told: it holds {held}" if held else text


def masked(text: str) -> str:
    """A text with `***` for what looks like a secret, and for the user and the query of an address."""
    for pattern in _PATTERNS.values():
        text = pattern.sub("***", text)
    return _ADDRESS.sub(_place, text)


def _place(address: re.Match[str]) -> str:
    user, query = ("***@" if address["user"] else ""), ("?***" if address["query"] else "")
    return f"{address['scheme']}{user}{address['path']}{query}"


def _readings(line: str, *, shortest: int) -> Iterator[str]:
    """A line as it stands, and what becomes of it when its escapes, percent signs and base64 are undone.

    Base64 of less than `shortest` characters is left alone: most of it would be ordinary words.
    """
    texts = [line]
    while "\\" in texts[-1] and len(texts) <= _DEEPEST:
        texts.append(_ESCAPED.sub(_letter, texts[-1]))
    texts += [unquote(text) for text in texts if "%" in text]
    yield from texts
    runs = {run for text in texts for run in _BASE64.findall(text) if len(run) * 3 >= shortest * 4}
    yield "\n".join(said for run in runs for said in _decoded(run.replace("-", "+").replace("_", "/")))


def _letter(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else escape[2]


def _decoded(run: str) -> Iterator[str]:
    """What base64 says, wherever in the run it began."""
    for start in range(4):
        part = run[start:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        yield base64.b64decode(part + "=" * (-len(part) % 4)).decode("utf-8", "replace")


def _values(name: str, value: str) -> list[str]:
    """The secrets in a header: each cookie's value, what follows the scheme, or all of it."""
    if "cookie" in name.lower():
        pairs = value.split(";")
        own = pairs[:1] if name.lower() == "set-cookie" else pairs  # the rest are attributes
        return [pair.partition("=")[2].strip() for pair in own]
    return [value.split(" ", 1)[-1].strip()]
