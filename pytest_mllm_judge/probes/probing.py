"""What is asked besides each item as it is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, NamedTuple

from pydantic import ConfigDict, Field, JsonValue, ValidationError, model_validator

from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.model import Item, Tasks
from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.probes.known import BUILT_IN, enter, probe_named
from pytest_mllm_judge.probes.probe import Around, Probe

AGAIN = "again"
"""The variant that is no other item: the item as it is, asked once more."""
_LAST = 256
"""How many items' altered items are kept."""


class Said(Frozen):
    """What `[probes]` says of one probe: which variants, of how many items, drawn how; and its own settings.

    `items` is the most items of each task; they are drawn by lot with `seed`.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    variants: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    items: Annotated[int, Field(strict=True, ge=1)] | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] = 0
    function: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_short_forms(cls, said: Any) -> Any:
        """`true` is all of it, a list names the variants."""
        if said is True:
            return {}
        return {"variants": said} if isinstance(said, list) and said else said

    @property
    def own(self) -> dict[str, JsonValue]:
        """The probe's own settings."""
        return dict(self.__pydantic_extra__)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A probe as it is asked on one benchmark."""

    probe: Probe
    said: Said
    around: Around = field(repr=False)

    def altered(self, item: Item) -> Mapping[str, Item]:
        """The altered items of an item, by variant; those that were chosen."""
        if item.task not in self.probe.tasks:
            return {}
        made = self._made_of(item)
        chosen = self.said.variants
        return made if chosen is None else {name: made[name] for name in chosen if name in made}

    def _made_of(self, item: Item) -> Mapping[str, Item]:
        """What the probe makes of an item; of a user's own without what changes nothing.

        Raise SettingsError with the probe and the item where its code raises, or gives what is no such table.
        """
        told = f"probes.{self.probe.name}: item {item.id!r}: "
        try:
            made = self.probe.vary(item, self.around)
        except SettingsError as error:
            raise SettingsError(f"probes.{self.probe.name}: {error}") from error
        except Exception as error:  # code of the user's own may raise anything
            raise SettingsError(f"{told}it raised {type(error).__name__}: {error}") from error
        if self.probe.name in BUILT_IN:
            return made
        if not isinstance(made, Mapping):
            what = f"it gave {_kind(made)}; give the altered items by their variants' names, or {{}}"
            raise SettingsError(told + what)
        for name, altered in made.items():
            _check_altered(told, name, altered, item)
        return {name: altered for name, altered in made.items() if altered != item}

    @cached_property
    def sampled(self) -> frozenset[str] | None:
        """The ids of the items that it is asked of; None for all that suit it."""
        if self.said.items is None:
            return None
        ids: set[str] = set()
        for task in sorted(self.probe.tasks):
            some = sorted(
                (item for item in self.around.items if item.task == task),
                key=lambda item: lot(item.id, self.said.seed),
            )
            suiting = (item.id for item in some if self.altered(item))
            ids.update(name for name, _ in zip(suiting, range(self.said.items), strict=False))
        return frozenset(ids)

    def of(self, item: Item) -> Mapping[str, Item]:
        """The altered items of an item, if it is among those that are asked."""
        sampled = self.sampled
        return self.altered(item) if sampled is None or item.id in sampled else {}


def _check_altered(told: str, name: object, altered: object, item: Item) -> None:
    """Raise SettingsError for what is no variant of the item, or has the name of one of our own."""
    if not isinstance(name, str) or not name or name in _TAKEN or name.startswith("rotated-"):
        raise SettingsError(f"{told}the variant name {name!r} is ours, or none; give it another")
    if not isinstance(altered, Item):
        raise SettingsError(f"{told}the variant {name!r} is {_kind(altered)}, not an Item")
    if (altered.id, altered.task) != (item.id, item.task):
        what = f"the variant {name!r} is the {altered.task} item {altered.id!r}"
        raise SettingsError(f"{told}{what}; id and task must stay: item.model_copy(update=...)")


def _kind(given: object) -> str:
    return "None" if given is None else f"a {type(given).__name__}"


_TAKEN = {AGAIN, *(name for one in BUILT_IN.values() for name in one.variants or ())}


def lot(name: str, seed: int = 0) -> bytes:
    """By what items are drawn: those with the smallest lots. Of seed 0 it is the one of `--judge-limit`."""
    return hashlib.sha256((f"{seed}:{name}" if seed else name).encode()).digest()


class Ask(NamedTuple):
    """A further question about an item: the probe that asks it (or `again`), the variant and the repeat."""

    probe: str
    variant: str
    repeat: int


class Probing:
    """What is asked besides each item as it is: its repeats, and its variants.

    `said` are the named probes and what is said of each. Raise SettingsError for what makes no sense; `where`
    is told in front of it.
    """

    def __init__(
        self,
        said: Mapping[str, JsonValue],
        *,
        repeat: int = 1,
        items: Sequence[Item] = (),
        tasks: Tasks | None = None,
        cluster_of: Callable[[Item], str] | None = None,
        load: Callable[[str], Callable[..., Any]] | None = None,
        where: str = "",
    ) -> None:
        self.repeat = repeat
        around = Around(tasks=tasks or Tasks(), items=items, cluster_of=cluster_of)
        self._around = around if load is None else replace(around, load=load)
        self._where = where
        wanted = {name: each for name, each in said.items() if each is not False}
        self.asked: tuple[Asked, ...] = tuple(self._asked(name, each) for name, each in wanted.items())
        self._made: dict[str, tuple[Item, dict[str, tuple[Item, Probe]]]] = {}
        self._owners: dict[str, str] = {}
        self._whole = self.asked

    def variants(self, item: Item) -> tuple[str, ...]:
        """The names of the item's variants that are asked, `again` the last."""
        made = self._variants(item)
        return (*made, AGAIN) if self._needs_again(item, made) else tuple(made)

    def altered(self, item: Item, variant: str) -> Item:
        """The item as this variant shows it. Raise ValueError if it has no such variant.

        Variants of our own probes are known even where nothing says to ask them.
        """
        if variant in ("", AGAIN):
            return item
        made = self._variants(item)
        if variant in made:
            return made[variant][0]
        for each in BUILT_IN.values():
            if item.task in each.tasks and variant in (found := each.vary(item, self._around)):
                return found[variant]
        known = ", ".join(made) or "none"
        raise ValueError(f"item {item.id!r} has no variant {variant!r} (asked of it: {known})")

    def only(self, name: str) -> Probing:
        """The same, asking this probe alone; none for ''."""
        other = copy(self)
        other.asked = tuple(each for each in self.asked if each.probe.name == name)
        other._made = {}
        return other

    def asks(self, item: Item, repeats: int) -> Iterator[Ask]:
        """In which variants and repeats an item is asked besides as it is, in order."""
        made = self._variants(item)
        for variant, (_, probe) in made.items():
            for repeat in range(repeats if probe.repeated else 1):
                yield Ask(probe.name, variant, repeat)
        if self._needs_again(item, made):
            yield Ask(AGAIN, AGAIN, repeats)

    def _needs_again(self, item: Item, made: Mapping[str, tuple[Item, Probe]]) -> bool:
        """Whether an item is asked again: by a probe here, or, as its figures see it too, by one left out."""
        if self.repeat > 1 or all(probe.repeated for _, probe in made.values()):
            return self.repeat < 2 and any(probe.against_asking_again for _, probe in made.values())
        if any(probe.against_asking_again for _, probe in made.values()):
            return True
        left_out = (each for each in self._whole if each.probe.against_asking_again)
        return any(self._of(each, item) for each in left_out)

    def _of(self, asked: Asked, item: Item) -> Mapping[str, Item]:
        try:
            return asked.of(item)
        except SettingsError as error:
            raise SettingsError(self._where + str(error)) from error

    def _variants(self, item: Item) -> dict[str, tuple[Item, Probe]]:
        kept = self._made.get(item.id)
        if kept is not None and kept[0] is item:
            return kept[1]
        made: dict[str, tuple[Item, Probe]] = {}
        for each in self.asked:
            for name, altered in self._of(each, item).items():
                owner = self._owners.setdefault(name, each.probe.name)
                if owner != each.probe.name:
                    both = f"the probes {owner!r} and {each.probe.name!r} both have a variant {name!r}"
                    raise SettingsError(self._where + both)
                made[name] = altered, each.probe
        if len(self._made) >= _LAST:
            self._made.pop(next(iter(self._made)))
        self._made[item.id] = item, made
        return made

    def _asked(self, name: str, given: JsonValue) -> Asked:
        try:
            said = Said.model_validate(given)
            probe = probe_named(name) if said.function is None else self._own(name, said.function)
            _check(probe, said)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            key = ".".join(map(str, ("probes", name, *fault["loc"])))
            what = f"{key} is {fault['input']!r}: {fault['msg'][:1].lower()}{fault['msg'][1:]}"
            if not fault["loc"]:
                what = f"{key} is {fault['input']!r}: say true, a list of its variants, or a table"
            raise SettingsError(self._where + what) from None
        except SettingsError as error:
            raise SettingsError(f"{self._where}probes.{name}: {error}") from error
        return Asked(probe=probe, said=said, around=replace(self._around, settings=said.own, kept={}))

    def _own(self, name: str, function: str) -> Probe:
        if name in BUILT_IN:
            raise SettingsError("it is one of our own probes; give yours another name")
        return enter(name, self._around.load(function))


def _check(probe: Probe, said: Said) -> None:
    """Raise SettingsError for a variant or a setting that the probe does not have."""
    for variant in said.variants or ():
        if probe.variants is not None and variant not in probe.variants:
            near = did_you_mean(variant, probe.variants)
            raise SettingsError(f"there is no variant {variant!r}{near} (known: {', '.join(probe.variants)})")
    if probe.settings is None:
        return
    for key in said.own:
        if key not in probe.settings:
            known = sorted({"variants", "items", "seed", *probe.settings})
            raise SettingsError(f"unknown key {key!r}{did_you_mean(key, known)} (known: {', '.join(known)})")
