"""The table of options, and their settled values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest

GROUP = "multimodal judges (pytest-mllm-judge)"


@dataclass(frozen=True, kw_only=True)
class Option:
    """One setting: its flag, its ini key (the same word with underscores), its choices and its default.

    `endings` are those that a file's name may have.
    """

    flag: str
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()
    metavar: str | None = None
    repeatable: bool = False
    number: type[int | float] | None = None
    endings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The ini key and the option's name."""
        return self.flag.lstrip("-").replace("-", "_")


OPTIONS = (
    Option(
        flag="--judge",
        metavar="NAME",
        repeatable=True,
        help="the judge under test: a preset or one of [tool.pytest-mllm-judge.judges.NAME]; repeatable",
    ),
    Option(
        flag="--judge-baseline",
        metavar="NAME",
        help="the judge in use: the judges under test are compared with it",
    ),
    Option(
        flag="--judge-record",
        choices=("none", "new_episodes", "all"),
        default="none",
        help="none: replay only, ask nobody (default); new_episodes: ask what is not recorded; all: ask anew",
    ),
    Option(
        flag="--judge-concurrency",
        metavar="N",
        number=int,
        default=8,
        help="while recording: how many questions each judge is asked at once (default: 8)",
    ),
    Option(
        flag="--judge-max-cost",
        metavar="COST",
        number=float,
        help="while recording: ask nothing more once all replies cost so much, by the judges' prices",
    ),
    Option(
        flag="--judge-replay",
        choices=("fast", "wire"),
        default="fast",
        help="wire: replay through the judge's HTTP client; fast: read the cassette directly (default)",
    ),
    Option(
        flag="--judge-limit",
        metavar="N",
        number=int,
        help="at most N items of each task, spread over the benchmark",
    ),
    Option(
        flag="--judge-undecided",
        choices=("fail", "warn", "skip"),
        default="fail",
        help="what an undecided claim does to its test (default: fail)",
    ),
    Option(
        flag="--judge-report",
        metavar="PATH",
        repeatable=True,
        endings=(".md", ".json"),
        help="write the report to PATH, as Markdown (.md) or JSON (.json); repeatable",
    ),
)
REQUIRED = "judge_required"


def add_options(parser: pytest.Parser) -> None:
    """Every option as a flag without a default, so that what was not said can be told, and as an ini key."""
    group = parser.getgroup("mllm-judge", GROUP)
    for option in OPTIONS:
        action = "append" if option.repeatable else "store"
        group.addoption(option.flag, action=action, default=None, metavar=option.metavar, help=option.help)
        kind: Literal["args", "string"] = "args" if option.repeatable else "string"
        parser.addini(option.name, option.help, type=kind, default=None)
    parser.addini(
        REQUIRED,
        "a benchmark or a test that finds no judge is an error, not skipped",
        type="bool",
        default=False,
    )


def settled(config: pytest.Config) -> dict[str, Any]:
    """Every option's value: the command line's, else the ini file's, else the default."""
    values = {option.name: _settle(config, option) for option in OPTIONS}
    values[REQUIRED] = bool(config.getini(REQUIRED))
    return values


def named_on_the_command_line(config: pytest.Config) -> list[str]:
    """The judges that the command line names, the baseline included."""
    baseline = config.getoption("judge_baseline")
    return [*dict.fromkeys(config.getoption("judge") or []), *([baseline] if baseline else [])]


def _settle(config: pytest.Config, option: Option) -> Any:
    said = config.getoption(option.name)
    value = (config.getini(option.name) or None) if said is None else said
    if value is None:
        return [] if option.repeatable else option.default
    if option.repeatable:
        return [_ending(option, each) for each in dict.fromkeys(value)]
    if option.choices and value not in option.choices:
        raise pytest.UsageError(f"{option.flag} is {value!r}; choose one of: {', '.join(option.choices)}")
    return _number(option, option.number, value) if option.number and isinstance(value, str) else value


def _ending(option: Option, value: str) -> str:
    if option.endings and not value.lower().endswith(option.endings):
        endings = " or ".join(option.endings)
        raise pytest.UsageError(f"{option.flag} is {value!r}; name a file that ends in {endings}")
    return value


def _number(option: Option, kind: type[int | float], value: str) -> int | float:
    try:
        number = kind(value)
    except ValueError:
        number = 0
    if kind is int and number < 1:
        raise pytest.UsageError(f"{option.flag} is {value!r}; it takes a whole number from 1")
    if not 0 < number < float("inf"):
        raise pytest.UsageError(f"{option.flag} is {value!r}; it takes a number above 0")
    return number


def header(values: dict[str, Any]) -> str | None:
    """The settled values in one line; None if no judge is named."""
    if not values["judge"]:
        return None
    said = [
        f"{name.removeprefix('judge_')}={value}"
        for name, value in values.items()
        if _is_worth(name, value, values)
    ]
    return f"mllm-judge: {', '.join(values['judge'])} ({', '.join(said)})"


def _is_worth(name: str, value: Any, values: dict[str, Any]) -> bool:
    if name in ("judge_concurrency", "judge_max_cost") and values["judge_record"] == "none":
        return False  # they matter only while recording
    if name in ("judge", "judge_report") or (name, value) == ("judge_replay", "fast"):
        return False
    return value not in (None, False)
