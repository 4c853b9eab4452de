"""What a probe is, and how one of the user's own is entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from inspect import Parameter, signature
from typing import Any, TypeVar, cast, get_args

from pydantic import JsonValue

from pytest_mllm_judge.model import Item, Task, Tasks


def _no_functions(spec: str) -> Callable[..., Any]:
    raise ValueError(f"no function can be loaded here, so {spec!r} neither")


@dataclass(frozen=True, eq=False, kw_only=True)
class Around:
    """What a probe may know besides the item.

    `items` are all of the benchmark, `cluster_of` names an item's cluster where the benchmark does, and
    `settings` are the probe's own keys in `[probes]`. `load` gives the function
    that a setting names (`module:function` or `file.py:function`). `kept` is the probe's to keep what it
    makes once for all items.
    """

    tasks: Tasks = field(default_factory=Tasks)
    items: Sequence[Item] = ()
    cluster_of: Callable[[Item], str] | None = None
    settings: Mapping[str, JsonValue] = field(default_factory=dict)
    load: Callable[[str], Callable[..., Any]] = _no_functions
    kept: dict[str, Any] = field(default_factory=dict, repr=False)


Vary = Callable[[Item, Around], Mapping[str, Item]]
"""The altered items of an item by the variants' names; none where it does not suit the probe."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A way to alter items: `vary` says what else is asked. How the answers are read is a check's.

    `variants` are the names that it may give; None where they depend on the item. One that is `repeated` is
    asked as often as the item as it is, any other once; `against_asking_again` says that it is read beside
    plain repeats, and needs at least one. `settings` are the names of its own settings, None for any.
    `function` is the user's own that it was made of.
    """

    name: str
    vary: Vary
    tasks: frozenset[Task] = frozenset(get_args(Task))
    variants: tuple[str, ...] | None = None
    repeated: bool = False
    against_asking_again: bool = False
    settings: frozenset[str] | None = frozenset()
    about: str = ""
    function: Callable[..., Any] | None = field(default=None, repr=False)


OWN: dict[str, Probe] = {}
"""The probes that users entered, by name."""
F = TypeVar("F", bound=Callable[..., Mapping[str, Item]])


def probe(
    name: str, *, tasks: Sequence[Task] = get_args(Task), against_asking_again: bool = False
) -> Callable[[F], F]:
    """Enter a function from an item to its altered items as the probe of this name.

    It is given the item, and `Around` if it takes a second argument; it returns the altered items by their
    variants' names, or none. `[probes]` and the marker `judge_probes` then know the name. Altered items are
    made by `item.model_copy(update=...)`. Raise ValueError for a task that does not exist.
    """
    if unknown := set(tasks) - set(get_args(Task)):
        raise ValueError(f"probe {name!r}: there is no task {sorted(unknown)[0]!r}")

    def enter(function: F) -> F:
        OWN[name] = Probe(
            name=name,
            vary=_of_two(function),
            tasks=frozenset(tasks),
            against_asking_again=against_asking_again,
            settings=None,
            about=(function.__doc__ or "").partition("\n")[0],
            function=function,
        )
        return function

    return enter


def _of_two(function: Callable[..., Mapping[str, Item]]) -> Vary:
    """The function as one of an item and what is around it."""
    places = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    if sum(one.kind in places for one in signature(function).parameters.values()) > 1:
        return cast("Vary", function)
    return lambda item, _: function(item)
