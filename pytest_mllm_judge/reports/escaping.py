"""What comes from items and replies, made harmless in Markdown: it can't draw a table, a link or a tag."""

from __future__ import annotations

import re
from urllib.parse import quote

from pytest_mllm_judge.benchmarks.images import is_address

_SPECIAL = re.compile(r"[&<>|`*\[\]\\~#$@]|_(?![^\W_])|(?<![^\W_])_|:(?=//)|(?<=www)\.")
_STARTS_A_LIST = re.compile(r"[-+=]|\d+[.)]")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_OTHER_KIND = re.compile(r"[a-zA-Z][\w+.-]*:")
_TICKS = re.compile("`+")


def inline(text: object) -> str:
    """Text on one line, every character that means something in Markdown or HTML as its number."""
    line = _SPACES.sub(" ", _seen(str(text))).strip()
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", line)


def point(text: object) -> str:
    """The same as the point of a list, which can't begin another list."""
    line = inline(text)
    return f"&#{ord(line[0])};{line[1:]}" if _STARTS_A_LIST.match(line) else line


def cell(text: object) -> str:
    """The same, shortened to what a table's cell can show."""
    line = str(text)
    return inline(line if len(line) <= 160 else line[:159] + "…")


def block(text: str) -> list[str]:
    """Text with its lines as they are, in a fence longer than any that it holds."""
    lines = _seen(text.replace("\r\n", "\n").replace("\r", "\n")).rstrip("\n")
    longest = max((len(run) for run in _TICKS.findall(lines)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}text", *lines.split("\n"), fence]


def picture(path: str, *, name: str) -> str:
    """A picture shown, from a relative path or an http(s) address; a link of any other kind is text."""
    if _OTHER_KIND.match(path) and not is_address(path):
        return inline(path)
    safe = "/%:?#=&+,;@~" if is_address(path) else "/"
    return f"![{inline(name)}]({quote(_seen(path), safe=safe)})"


def _seen(text: str) -> str:
    """Without what a terminal or a browser would obey instead of showing it."""
    return _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", text)
