"""The files of prompts: their sections, their templates, and where in them something is wrong."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, get_args

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.model.question import Role

if TYPE_CHECKING:
    import jinja2

BUILT_IN = Path(__file__).parent
VARIABLES = (
    "criteria",
    "image",
    "images",
    "instruction",
    "item",
    "labels",
    "letters",
    "responses",
    "scale",
    "task",
)

_HEADER = re.compile(r"^===[ \t]*(\S*)[ \t]*$", re.M)
_INCLUDE = re.compile(r"{%-?\s*include\s+[\"']([^\"']+)[\"']")
_INCLUDE_TAG = re.compile(r"^{%\s*include\s+[\"']([^\"']+)[\"']\s*%}\n?", re.M)
_ROLES: tuple[Role, ...] = get_args(Role)


def sections(file: Path, text: str) -> list[tuple[Role, str]]:
    """Each message's role and template, which keeps the numbers of its lines in the file."""
    headers = list(_HEADER.finditer(text))
    before = text[: headers[0].start()] if headers else text
    if before.strip() or not headers:
        line = before[: len(before) - len(before.lstrip())].count("\n") + 1 if before.strip() else 1
        raise SettingsError(f"{file}:{line}: a prompt begins with a line '=== system' or '=== user'")
    stops = [header.start() for header in headers[1:]] + [len(text)]
    found = []
    for header, stop in zip(headers, stops, strict=True):
        line = text.count("\n", 0, header.start()) + 1
        found.append((_role(header[1], file, line), "\n" * line + text[header.end() + 1 : stop]))
    return found


def _role(word: str, file: Path, line: int) -> Role:
    for role in _ROLES:
        if word == role:
            return role
    hint = did_you_mean(word, _ROLES)
    raise SettingsError(f"{file}:{line}: {word!r} is no role{hint}\n  choose one of: {', '.join(_ROLES)}")


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    import jinja2
    from jinja2.sandbox import SandboxedEnvironment

    class Environment(SandboxedEnvironment):
        def getattr(self, obj: Any, attribute: str) -> Any:
            """What a template may see of our own objects is known; the sandbox looks at all others."""
            shown = getattr(type(obj), "SHOWN", ())
            return getattr(obj, attribute) if attribute in shown else super().getattr(obj, attribute)

    return Environment(
        autoescape=False,  # the messages are plain text
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=jinja2.FunctionLoader(_part),
    )


def _part(name: str) -> tuple[str, str, None] | None:
    file = BUILT_IN / name
    known = name.startswith("parts/") and file.parent == BUILT_IN / "parts" and file.is_file()
    return (file.read_text(encoding="utf-8"), str(file), None) if known else None


def inlined(source: str) -> jinja2.Template:
    """A section's template with the parts that it includes put in place: half the time to render.

    For built-in prompts only: what a part sets, it would set for the rest of somebody else's prompt too. Its
    errors don't know their lines, so whoever meets one renders `template` instead.
    """
    while (whole := _INCLUDE_TAG.sub(_put_in_place, source)) != source:
        source = whole
    return _environment().from_string(source)


def _put_in_place(tag: re.Match[str]) -> str:
    part = _part(tag[1])
    return part[0] if part is not None else tag[0]


def template(file: Path, source: str) -> jinja2.Template:
    """A section's template. A mistake of grammar or an unknown variable is a SettingsError with its line."""
    import jinja2
    from jinja2 import meta

    environment = _environment()
    try:
        tree = environment.parse(source, filename=str(file))
        code = environment.compile(source, filename=str(file))
    except jinja2.TemplateSyntaxError as error:
        raise SettingsError(f"{file}:{error.lineno}: {error.message}") from error
    for name in sorted(meta.find_undeclared_variables(tree) - set(VARIABLES) - set(environment.globals)):
        _unknown_variable(file, source, name)
    return jinja2.Template.from_code(environment, code, environment.make_globals(None))


def _unknown_variable(file: Path, source: str, name: str) -> NoReturn:
    at = re.search(rf"(?<![\w.]){re.escape(name)}\b", source)
    line = source.count("\n", 0, at.start()) + 1 if at else 1
    raise SettingsError(
        f"{file}:{line}: {name!r} is not a variable of a prompt{did_you_mean(name, VARIABLES)}\n"
        f"  there are: {', '.join(VARIABLES)}"
    )


def digest_of(text: str) -> str:
    """The sha256 over the text and, in the order of their names, over the parts that it includes."""
    included: dict[str, str] = {}
    waiting = [text]
    while waiting:
        for name in _INCLUDE.findall(waiting.pop()):
            if name not in included and (part := _part(name)):
                included[name] = part[0]
                waiting.append(part[0])
    digest = hashlib.sha256(text.encode())
    for name in sorted(included):
        digest.update(f"\0{name}\0{included[name]}".encode())
    return digest.hexdigest()


def place_of(file: Path, error: BaseException) -> str:
    """The last place in a prompt's file or a part on the way to an error; the file alone without one."""
    place, trace = str(file), error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name == str(file) or Path(name).parent == BUILT_IN / "parts":
            place = f"{name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def said(error: BaseException) -> str:
    """An error's text, with the types of what a template sees named as its author knows them."""
    text = re.sub(
        r"'[\w.]+\._Shown(Response)? object'", lambda seen: "a response" if seen[1] else "an item", str(error)
    )
    return text or type(error).__name__
