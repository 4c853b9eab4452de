"""Many judgements, and the slices of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, get_args, overload

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.model.item import Item
from pytest_mllm_judge.model.judgement import Judgement
from pytest_mllm_judge.model.tasks import Tasks

Population = Literal["sampled", "fixed"]
Made = TypeVar("Made")


_ITEM_FIELDS = ("id", "task", "source", "cluster", "must")
_OWN_FIELDS = (*_ITEM_FIELDS, "author", "answers")


class Judgements(Sequence[Judgement]):
    """Judgements in the benchmark's order, with what their benchmark says of them all.

    `cluster_of` names an item's cluster: items with the same name are not counted as independent.
    `tasks` says what a verdict may be. `population` is "sampled" if claims are about items like these,
    "fixed" if they are about exactly these: then only the judge varies, and only repeats tell how much.
    """

    def __init__(
        self,
        judgements: Iterable[Judgement],
        *,
        cluster_of: Callable[[Item], str],
        tasks: Tasks,
        population: Population = "sampled",
    ) -> None:
        self._judgements = tuple(judgements)
        self.cluster_of = cluster_of
        self.tasks = tasks
        if population not in get_args(Population):
            raise ValueError(f"population is 'sampled' or 'fixed', got {population!r}")
        self.population: Population = population
        self._made: dict[Hashable, Any] = {}

    def like_these(self, judgements: Iterable[Judgement]) -> Judgements:
        """Other judgements of the same benchmark."""
        return Judgements(
            judgements, cluster_of=self.cluster_of, tasks=self.tasks, population=self.population
        )

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What `make` gives, made the first time it is asked for under this key: judgements never change."""
        if key not in self._made:
            self._made[key] = make()
        made: Made = self._made[key]
        return made

    def __len__(self) -> int:
        return len(self._judgements)

    def __iter__(self) -> Iterator[Judgement]:
        return iter(self._judgements)

    @overload
    def __getitem__(self, index: int) -> Judgement: ...
    @overload
    def __getitem__(self, index: slice) -> Judgements: ...
    def __getitem__(self, index: int | slice) -> Judgement | Judgements:
        if isinstance(index, slice):
            return self.like_these(self._judgements[index])
        return self._judgements[index]

    def __repr__(self) -> str:
        return f"<{len(self)} judgements>"

    def filter(self, keep: Callable[[Judgement], bool]) -> Judgements:
        """Those that `keep` says yes to."""
        return self.like_these(filter(keep, self._judgements))

    def task(self, task: str) -> Judgements:
        """Those of one task."""
        return self.once(("task", task), lambda: self.filter(lambda judgement: judgement.item.task == task))

    def where(self, **wanted: Any) -> Judgements:
        """Those whose item has one of the values wanted of each field: `where(source=["charts", "maps"])`."""
        for name in wanted.keys() - set(_OWN_FIELDS):
            known_field(name, (judgement.item for judgement in self._judgements))
        values = {
            name: value if isinstance(value, list | tuple | set | frozenset) else [value]
            for name, value in wanted.items()
        }
        return self.filter(lambda j: all(field(j.item, name) in allowed for name, allowed in values.items()))

    def by(self, name: str) -> Mapping[str, Judgements]:
        """One slice per value of a field, sorted by that value; items without it stand under `(none)`.

        Raise SettingsError if no item has the field.
        """
        known_field(name, (judgement.item for judgement in self._judgements))
        slices: dict[str, list[Judgement]] = {}
        for judgement in self._judgements:
            slices.setdefault(group_of(judgement.item, name), []).append(judgement)
        return {value: self.like_these(slices[value]) for value in sorted(slices)}


def field(item: Item, name: str) -> Any:
    """An item's `task`, `source`, `cluster`, `author` (of a single response), or any further field.

    `answers` is the number of its responses.
    """
    if name in _ITEM_FIELDS:
        return getattr(item, name)
    if name == "author" and len(item.responses) == 1:
        return item.responses[0].author
    if name == "answers" and "answers" not in item.fields:
        return len(item.responses)
    return item.fields.get(name)


def group_of(item: Item, name: str) -> str:
    """The slice that an item belongs to: its field's value as text, or `(none)`."""
    value = field(item, name)
    return "(none)" if value is None else str(value)


def known_field(name: str, items: Iterable[Item]) -> None:
    """Raise SettingsError if there are items and none of them has a value in the field."""
    seen: set[str] = set()
    for item in items:
        if field(item, name) is not None:
            return
        seen.update({*item.fields, "source", "cluster", "author", "task"} - {name})
    if seen:
        raise SettingsError(f"no item here has a field {name!r}{did_you_mean(name, seen)}")
