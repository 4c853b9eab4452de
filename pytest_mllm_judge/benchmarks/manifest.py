"""`benchmark.toml`: what a benchmark is made of, and what is claimed of a judge on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    field_validator,
    model_validator,
)

from pytest_mllm_judge.benchmarks import faults, toml
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import PairTask, ScoreTask, Tasks
from pytest_mllm_judge.model.frozen import Frozen

DEFAULT_MARGIN = 0.05
"""How much worse than a baseline a judge may be, in a check's own units, unless the benchmark says."""
BOUNDS = ("at_least", "at_most", "within")
Scalar = StrictBool | StrictInt | StrictFloat | StrictStr
Number = Annotated[float, Field(strict=True)]
Confidence = Annotated[float, Field(strict=True, gt=0.5, lt=1)]
Settings = TypeVar("Settings", bound=Frozen)


def _listed(value: Any) -> Any:
    """A single value as a list of one; a value that can't be compared with a field is refused."""
    values = value if isinstance(value, list | tuple) else [value]
    for one in values:
        if not isinstance(one, str | int | float):
            raise ValueError(f"must be a value or a list of values, got {faults.short(value)}")
    return tuple(values)


def _a_margin(value: Any) -> Any:
    """One margin, or a table of them; finite and above 0, since a difference of 0 can't be shown."""
    table = value if isinstance(value, Mapping) else {"": value}
    for one in table.values():
        if isinstance(one, bool) or not isinstance(one, int | float) or one <= 0:
            raise ValueError(f"must be a number above 0, or a table of such, got {faults.short(value)}")
    return value


def _names(value: Any) -> Any:
    """One name as a list of one; each name once."""
    names = [value] if isinstance(value, str) else value
    return tuple(dict.fromkeys(names)) if isinstance(names, list) and all(map(_is_text, names)) else names


def _a_probe(value: Any) -> Any:
    """Whether a probe is asked, or a table of its settings."""
    if not isinstance(value, bool | Mapping):
        raise ValueError(f"must be true, false or a table, got {faults.short(value)}")
    return value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


class Gate(Frozen):
    """A claim about a check, which decides with the others whether the judge passes.

    `check` is a check's name such as `pair.accuracy`. Exactly one bound is given, in the check's own unit:
    `at_least`, `at_most`, or `within` (an equivalence claim: the figure lies in -within..within). `where`
    keeps the items whose field has one of the values; `by` slices by a field and `average` says how the
    slices become one figure; `criterion` picks one of several per reply; `annotators` says how several human
    labels become one; `label`, `ties`, `epsilon` and `family` go with the checks that take them.
    `confidence` is one-sided.
    """

    check: Annotated[str, Field(min_length=1)]
    at_least: Number | None = None
    at_most: Number | None = None
    within: Annotated[float, Field(strict=True, gt=0)] | None = None
    where: dict[str, Annotated[tuple[Scalar, ...], BeforeValidator(_listed)]] = Field(default_factory=dict)
    by: str | None = None
    criterion: str | None = None
    average: Literal["mean", "fisher"] | None = None
    annotators: Literal["majority", "mean", "all"] | None = None
    label: StrictInt | StrictFloat | StrictStr | None = None
    ties: Literal["wrong", "half"] | None = None
    epsilon: Annotated[float, Field(strict=True, ge=0, lt=1)] | None = None
    family: Annotated[str, Field(min_length=1)] | None = None
    confidence: Confidence = 0.95

    @model_validator(mode="after")
    def _has_one_bound(self) -> Self:
        given = [name for name in BOUNDS if getattr(self, name) is not None]
        if len(given) != 1:
            got = " and ".join(given) if given else "none"
            raise ValueError(f"needs exactly one of {', '.join(BOUNDS)}; it has {got}")
        return self

    @property
    def bound(self) -> tuple[Literal["at_least", "at_most", "within"], float]:
        """Which bound is given, and its value."""
        if self.at_least is not None:
            return "at_least", self.at_least
        if self.at_most is not None:
            return "at_most", self.at_most
        assert self.within is not None
        return "within", self.within


class Probes(Frozen):
    """What is asked besides each item as it is: swapped pairs, repeats, and named probes with settings.

    Of each probe stands `true`, a list of its variants, or a table of settings; see `probes`.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    position: Annotated[bool | dict[str, JsonValue], BeforeValidator(_a_probe)] = False
    repeat: Annotated[int, Field(strict=True, ge=1)] = 1

    @property
    def said(self) -> dict[str, JsonValue]:
        """What is said of each probe that is named."""
        return {"position": self.position, **self.__pydantic_extra__}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the probes that are asked."""
        return tuple(name for name, said in self.said.items() if said is not False)

    def asks(self, probe: str, variants: Sequence[str] = ()) -> bool:
        """Whether the probe of this name is asked, and of these variants, if there are any, at least one."""
        if probe not in self.names:
            return False
        said = self.said[probe]
        chosen = said.get("variants") if isinstance(said, dict) else said
        return not isinstance(chosen, list) or not variants or any(one in variants for one in chosen)


class Upgrade(Frozen):
    """How much worse than the baseline a candidate may be and still be called not worse.

    `margin` is one number in the checks' own units, or a table of numbers by task or by check; what a table
    lacks has `DEFAULT_MARGIN`, so that naming one check leaves no other out. `slices`
    names fields of items: what got worse within one of a field's values is told, and decides nothing.
    """

    margin: Annotated[float | dict[str, float], BeforeValidator(_a_margin)] = DEFAULT_MARGIN
    slices: Annotated[tuple[StrictStr, ...], BeforeValidator(_names)] = ()
    confidence: Confidence = 0.95

    def margin_of(self, check: str) -> float:
        """The margin of a check such as `pair.accuracy`: its own, its task's, or the default."""
        if not isinstance(self.margin, dict):
            return self.margin
        return self.margin.get(check, self.margin.get(check.partition(".")[0], DEFAULT_MARGIN))


class Manifest(Frozen):
    """A whole `benchmark.toml`.

    `items` names a file of native items; `path` a file or a folder of any format, read by `reader` (by
    default the one that knows the first record). `images` is the folder that image paths start from,
    `cluster` the field whose values are the clusters. `population` is `sampled` if the claims are about
    items like these, `fixed` if they are about exactly these. With `strict` false a bad line is counted
    and left out. All paths start from the file's own folder.
    """

    format: Literal["mllm-judge/1"]
    name: Annotated[str, Field(min_length=1)] | None = None
    items: Annotated[str, Field(min_length=1)] | None = None
    path: Annotated[str, Field(min_length=1)] | None = None
    reader: Annotated[str, Field(min_length=1)] | None = None
    population: Literal["sampled", "fixed"] = "sampled"
    strict: StrictBool = True
    images: Annotated[str, Field(min_length=1)] | None = None
    cluster: Annotated[str, Field(min_length=1)] | None = None
    score: ScoreTask | None = None
    pair: PairTask | None = None
    probes: Probes = Field(default_factory=Probes)
    gates: dict[str, Gate] = Field(default_factory=dict)
    upgrade: Upgrade = Field(default_factory=Upgrade)

    @field_validator("gates")
    @classmethod
    def _are_selectable(cls, gates: dict[str, Gate]) -> dict[str, Gate]:
        for name in gates:
            if why := toml.unselectable(name):
                raise ValueError(f"the gate name {name!r} {why}")
        return gates

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if (self.items is None) == (self.path is None):
            got = "has both" if self.items else "has neither"
            raise ValueError(f"needs items (a file of native items) or path (a file or folder); it {got}")
        if self.reader is not None and self.path is None:
            raise ValueError("reader goes with path; items are always native")
        return self

    def tasks(self, default: Tasks) -> Tasks:
        """The tasks' settings: what this file says, and the reader's own for the rest."""
        return Tasks(
            score=_over(default.score, self.score), pair=_over(default.pair, self.pair), batch=default.batch
        )


def read_manifest(path: Path) -> Manifest:
    """Read and check a `benchmark.toml`. Raises BenchmarkError naming every key that is wrong."""
    data = toml.read(path)
    where = toml.shown(path)
    _check_format(where, data.get("format"))
    found = [f"{toml.key_path(loc)}: {what}" for loc, what in toml.misfits(data)]
    if not found:
        try:
            return Manifest.model_validate(data)
        except ValidationError as error:
            found = faults.sentences(error, data, known=_known(), whole=_WHOLE)
    raise BenchmarkError(where, f"\n{where}: ".join(found))


def _check_format(where: str, found: Any) -> None:
    if found == toml.FORMAT:
        return
    if isinstance(found, str) and found.startswith(toml.FAMILY):
        hint = f"This version reads {toml.FORMAT!r}; a newer pytest-mllm-judge may read this one."
        raise BenchmarkError(where, f"format: {found!r} is not known", hint)
    raise BenchmarkError(
        where,
        "this is not a benchmark of pytest-mllm-judge",
        f'Its first line would be: format = "{toml.FORMAT}"',
    )


_WHOLE: dict[faults.Loc, str] = {
    ("score", "scale"): "a list of numbers or of words",
    ("score", "criteria"): "a list of words",
    ("pair", "labels"): "a list of words",
}


def _known() -> dict[faults.Loc, list[str]]:
    """The keys that each table may have."""
    tables: dict[faults.Loc, type[Frozen]] = {
        (): Manifest, ("score",): ScoreTask, ("pair",): PairTask, ("gates", "*"): Gate, ("upgrade",): Upgrade,
    }  # fmt: skip
    return {loc: list(table.model_fields) for loc, table in tables.items()}


def _over(default: Settings, said: Settings | None) -> Settings:
    if said is None:
        return default
    return default.model_copy(update={name: getattr(said, name) for name in said.model_fields_set})
