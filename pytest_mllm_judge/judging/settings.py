"""What a judge's table in pyproject.toml may hold, one class per kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeVar, get_args, get_origin

from pydantic import BaseModel, Field, JsonValue, StringConstraints, ValidationError, model_validator

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.model.frozen import Frozen

Some = Annotated[str, StringConstraints(min_length=1)]
"""A text that is not empty."""
Columns = Some | Annotated[tuple[Some, ...], Field(min_length=1)]

ENV = "env:"
"""Before the name of an environment variable that a header's value is read from."""
SAMPLING = (
    "temperature", "top_p", "frequency_penalty", "presence_penalty", "max_tokens", "max_completion_tokens",
    "seed", "stop", "reasoning_effort", "response_format",
)  # fmt: skip
"""The settings that go into the request under their own names, each only if it is set."""


class Prices(Frozen):
    """What a million tokens cost, in one currency: `input` and `output`."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)


class OpenAISettings(Frozen):
    """A judge behind an OpenAI-compatible chat endpoint.

    `api_key_env` names the variable that holds the key; '' sends none. Where it is not said, it is
    OPENAI_API_KEY if `base_url` is not said either, and else none, so that a key meant for one server
    never goes to another. A value `env:NAME` in `headers` is read from the environment when it is sent.
    `client` names a function of your own that builds the client (see `judging/openai.py`); `base_url`,
    `api_key_env` and `timeout` are then that function's business. With `patch`, that client need not send
    through the cassette's transport: vcrpy patches the HTTP libraries of the whole process instead.
    `extra_body` is added to the request as it is. With `seed`, repeat r is asked with seed + r.

    `max_side` (pixels) shrinks larger pictures; `encode` and `quality` (1 to 100) say how they are sent
    (see `judging/pictures.py`); `detail` is the API's setting of that name. `timeout` is for one try and
    `time_limit` for a question with all its retries, both in seconds.
    """

    kind: Literal["openai"]
    model: Some
    base_url: Some | None = None
    api_key_env: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    client: Some | None = None
    patch: bool = False
    timeout: float = Field(default=600.0, gt=0)
    time_limit: float = Field(default=900.0, gt=0)
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)

    prompt: Some = "no-cot"
    parser: Some = "strict"
    detail: Literal["auto", "low", "high", "original"] | None = None
    max_side: int | None = Field(default=None, ge=1)
    encode: Literal["as_is", "jpeg", "png"] = "as_is"
    quality: int | None = Field(default=None, ge=1, le=100)
    prices: Prices | None = None

    temperature: float | None = Field(default=None, ge=0)
    top_p: float | None = Field(default=None, ge=0, le=1)
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    seed: int | None = None
    stop: str | tuple[str, ...] | None = None
    reasoning_effort: Some | None = None
    response_format: dict[str, JsonValue] | None = None

    @model_validator(mode="after")
    def _patch_is_for_clients(self) -> Self:
        if self.patch and self.client is None:
            raise ValueError("patch is for a client of your own (client = ...) only")
        return self

    @model_validator(mode="after")
    def _quality_is_for_jpeg(self) -> Self:
        if self.quality is not None and self.encode != "jpeg":
            raise ValueError("quality is for encode = 'jpeg' only")
        return self

    @property
    def key_variable(self) -> str | None:
        """The environment variable that holds the key; None if no key is sent."""
        if self.api_key_env is None:
            return "OPENAI_API_KEY" if self.base_url is None else None
        return self.api_key_env or None

    @property
    def sampling(self) -> dict[str, JsonValue]:
        """The sampling settings that are set, as they are sent."""
        return {**self.model_dump(mode="json", include=set(SAMPLING), exclude_none=True), **self.extra_body}


class LogColumns(Frozen):
    """Which key of a log's row holds what.

    `reply` may be several keys: the reply is then the JSON object of those that the row has. With
    `criterion`, the rows of one item (variant, repeat) that differ in this key are one reply: the JSON
    object of their replies by criterion.
    """

    item: Some = "item"
    reply: Columns = "reply"
    verdict: Some = "verdict"
    criterion: Some | None = None
    variant: Some = "variant"
    repeat: Some = "repeat"
    model: Some = "model"
    refusal: Some = "refusal"
    finish_reason: Some = "finish_reason"
    usage: Some = "usage"
    latency: Some = "latency"


class LogSettings(Frozen):
    """A verdict log that exists already: `path` (.jsonl or .jsonl.gz) starts from the project's root."""

    kind: Literal["log"]
    path: Some
    columns: LogColumns = Field(default_factory=LogColumns)
    parser: Some = "strict"
    model: Some = "log"


class CallableSettings(Frozen):
    """A function of your own, `module:function` or `file.py:function` (see `judging/callable.py`).

    `model` names what the function asks, in questions and cassettes; the function's own name unless set.
    Change it when the function's behaviour changes, since cassettes can't see into the function.
    `concurrent`: it may be called from several threads at once. `time_limit` is for a question with all its
    retries, in seconds.
    """

    kind: Literal["callable"]
    function: Some
    model: Some | None = None
    concurrent: bool = False
    time_limit: float = Field(default=900.0, gt=0)
    prompt: Some = "no-cot"
    parser: Some = "strict"


AnySettings = TypeVar("AnySettings", bound=BaseModel)


def table(name: str) -> str:
    """Where the judge `name` is declared."""
    bare = (
        name if name and name.replace("-", "").replace("_", "").isalnum() and name.isascii() else f'"{name}"'
    )
    return f"[tool.pytest-mllm-judge.judges.{bare}]"


def validated(settings: type[AnySettings], name: str, data: Mapping[str, Any]) -> AnySettings:
    """The settings of the judge `name`; SettingsError names its table and every key that is wrong."""
    try:
        return settings.model_validate(dict(data))
    except ValidationError as error:
        faults: dict[str, str] = {}
        for fault in error.errors(include_url=False):
            key, what = _fault(settings, fault)
            # A union reports one fault per member: the first says enough.
            faults.setdefault(key, what)
        lines = [f"{table(name)} {key + ': ' if key else ''}{what}" for key, what in faults.items()]
        raise SettingsError("\n".join(lines)) from None


def _fault(settings: type[BaseModel], fault: Any) -> tuple[str, str]:
    """A key and what is wrong with it; '' for what is wrong with several keys together."""
    parts = [str(part) for part in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        return ".".join(parts), f"unknown key{did_you_mean(parts[-1], _keys(settings, parts[:-1]))}"
    key = ".".join(_written(settings, parts))
    if fault["type"] == "missing":
        return key, "is missing"
    if fault["type"] == "value_error":
        return key, str(fault["ctx"]["error"])
    return key, f"{fault['input']!r} is wrong: {fault['msg'][:1].lower()}{fault['msg'][1:]}"


def _keys(settings: type[BaseModel], path: list[str]) -> list[str]:
    """The keys that a table of the settings knows."""
    inner = _inner(settings, path[0]) if path else None
    return list((inner or settings).model_fields)


def _written(settings: type[BaseModel], parts: list[str]) -> list[str]:
    """The parts of a key that a user wrote; pydantic adds the names of a union's members."""
    if not parts or parts[0] not in settings.model_fields:
        return parts
    is_table = get_origin(settings.model_fields[parts[0]].annotation) is dict
    return parts[:2] if is_table or _inner(settings, parts[0]) else parts[:1]


def _inner(settings: type[BaseModel], key: str) -> type[BaseModel] | None:
    """The settings of the table under `key`, if it is one with keys of its own."""
    annotation = settings.model_fields[key].annotation
    members = (annotation, *get_args(annotation))
    return next((m for m in members if isinstance(m, type) and issubclass(m, BaseModel)), None)
