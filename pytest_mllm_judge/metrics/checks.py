"""What a check is, and the table of all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from inspect import Parameter, signature
from typing import Any, Literal, TypeVar, cast

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.claims.estimate import Slices
from pytest_mllm_judge.errors import SettingsError, did_you_mean
from pytest_mllm_judge.metrics.beside import Lazily, ceiling, constant, strata
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import BareOptions, Combine, Options
from pytest_mllm_judge.model import Judgements, Task, Tasks

Metric = Callable[..., Estimate]
"""A figure of judgements, and keyword-only options."""
Scale = Literal["any", "numbers", "two points"]
Worse = Literal["lower", "higher", "away from zero", "changed"]
"""Which move of a figure is a regression; "changed" is any, "away from zero" one that adds to an error."""
M = TypeVar("M", bound=Metric)


@dataclass(frozen=True, kw_only=True)
class Check:
    """A figure with a name, a task (None: any) and the options that a gate may give it.

    `about` is one sentence; `source` is where its definition comes from; `combine` says how it makes one
    label of several annotators'; `scale` which scales it is about. `margin` is how much worse than a
    baseline's it may be unless the benchmark says, None where the check's units are the user's own;
    `worse` which way that is, None where the figure itself says what is better. `probe` names the probe that
    asks what it is read from, '' where the items as they are suffice, and `variants` which of its variants it
    reads, () for any. `besides` names a probe whose answers it reads too, where that is asked.
    """

    name: str
    task: Task | None
    options: frozenset[str]
    about: str
    source: str
    combine: Combine
    scale: Scale
    metric: Metric
    margin: float | None = None
    worse: Worse | None = None
    probe: str = ""
    variants: tuple[str, ...] = ()
    besides: str = ""

    def suits(self, tasks: Tasks) -> bool:
        """Whether the check makes sense on the benchmark's scale."""
        points = tasks.score.scale
        if self.task != "score" or self.scale == "any":
            return True
        return len(points) == 2 if self.scale == "two points" else not isinstance(points[0], str)

    def __call__(self, judgements: Judgements, **options: Any) -> Estimate:
        """The check's estimate of those judgements that are of its task."""
        return self.metric(judgements.task(self.task) if self.task else judgements, **options)


CHECKS: dict[str, Check] = {}


def declare(
    name: str,
    *,
    task: Task | None,
    source: str,
    options: tuple[str, ...] = (),
    combine: Combine = "majority",
    scale: Scale = "any",
    margin: float | None = None,
    worse: Worse | None = None,
    probe: str = "",
    variants: tuple[str, ...] = (),
    besides: str = "",
) -> Callable[[M], M]:
    """Enter a metric into the table of checks, under the name that gates use.

    What the check is about is the first sentence of the metric's docstring.
    """

    def enter(metric: M) -> M:
        if name in CHECKS:
            raise ValueError(f"two checks are named {name!r}")
        metric = sliceable(metric)
        CHECKS[name] = Check(
            name=name,
            task=task,
            options=frozenset(options),
            about=(metric.__doc__ or "").partition("\n")[0],
            source=source,
            combine=combine,
            scale=scale,
            metric=metric,
            margin=margin,
            worse=worse,
            probe=probe,
            besides=besides,
            variants=variants,
        )
        return metric

    return enter


def sliceable(metric: M) -> M:
    """The metric, its estimates knowing what they were measured on, and what to read them beside."""
    if getattr(metric, "__wrapped__", None) is not None:
        return metric

    known = _options_of(metric)

    @wraps(metric)
    def measured(judgements: Judgements, /, **options: Any) -> Estimate:
        __tracebackhide__ = True
        name = getattr(metric, "__name__", "this figure")
        if not isinstance(judgements, Judgements):
            got = type(judgements).__name__
            raise TypeError(f"{name} takes judgements, such as judge_run.pair, got {got}")
        if extra := sorted(options.keys() - known):
            hint = did_you_mean(extra[0], known)
            raise SettingsError(f"{name} takes no {extra[0]}{hint} (it takes {', '.join(sorted(known))})")
        whole = metric(judgements, **options)
        return replace(
            whole,
            slices=Slices(judgements, lambda part: measured(part, **options)),
            beside=Lazily(lambda: _beside(whole, judgements, options)),
        )

    def _beside(whole: Estimate, judgements: Judgements, options: dict[str, Any]) -> list[Beside]:
        if not isinstance(whole.pairing, Pairing):
            return []
        rows = whole.pairing.rows
        if whole.pairing.measure.alone or rows.human.count(None) == len(rows):
            return list(whole.beside)
        found = [*strata(rows, whole.metric, whole.pairing.of)]
        if options.get("judge") is None and options.get("human") is None:
            found = [*ceiling(judgements, lambda some: measured(some, **options)), *found]
        if not found or found[-1].name == "humans":
            found += constant(rows, whole.pairing.of)
        return [*whole.beside, *found]

    return cast("M", measured)


def _options_of(metric: Metric) -> frozenset[str]:
    """The names of all options that a metric takes: its own, and those of `Options` or `BareOptions`."""
    names: set[str] = set()
    for parameter in signature(metric).parameters.values():
        if parameter.kind is Parameter.KEYWORD_ONLY:
            names.add(parameter.name)
        elif parameter.kind is Parameter.VAR_KEYWORD:
            bare = "BareOptions" in str(parameter.annotation)
            names.update((BareOptions if bare else Options).__annotations__)
    return frozenset(names)


def check_named(name: str) -> Check:
    """The check of that name, or SettingsError with the nearest names."""
    if name not in CHECKS:
        raise SettingsError(
            f"there is no check {name!r}{did_you_mean(name, CHECKS)} (known: {', '.join(sorted(CHECKS))})"
        )
    return CHECKS[name]


def needs(name: str) -> SettingsError:
    """What to say where the variants that the check of that name is read from were not asked."""
    probe = CHECKS[name].probe
    return SettingsError(
        f"{name} is read from what the probe {probe!r} asks, and nothing of it was asked"
        f"\n  Say [probes] {probe} = true in benchmark.toml, or mark the test: "
        f'@pytest.mark.judge_probes("{probe}")'
        "\n  Where that is said, no item here suits the probe, the log or the cassette lacks its answers, "
        "or the baseline was approved without it."
    )
