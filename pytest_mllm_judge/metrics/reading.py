"""How judgements are read: the options of every figure, and the rows that come of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import replace
from numbers import Real
from typing import Any, Literal, TypedDict, get_args

import numpy as np

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Criterion, Item, Judgement, Judgements, Label, Tasks
from pytest_mllm_judge.model.judgements import group_of, known_field
from pytest_mllm_judge.statistics import Average, Places

Extract = Callable[[Judgement], Label | None]
Combine = Literal["majority", "mean", "all"]
"""How several annotators become one label: the label that most gave; the mean of numbers; or each one's
label counts, as a row of its own."""


class Options(TypedDict, total=False):
    """The options that every agreement figure takes.

    `judge` and `human` extract the verdict and the label in place of the usual ones; None from `human`
    leaves the judgement out, None from `judge` is a problem. `criterion` names one of several; `annotators`
    says how several labels become one. With `by`, an item's field, the figure is the unweighted mean of the
    slices' figures, or what `average` says: "fisher" is the tanh of their mean arctanh. `confidence` is that
    of each bound, .95 unless said. `bootstrap` is the seed of a cluster bootstrap, for those who want one in
    the place of the figure's own interval; differences keep theirs.
    """

    judge: Extract | None
    human: Extract | None
    criterion: Criterion | None
    annotators: Combine | None
    by: str | None
    average: Average | None
    confidence: float
    bootstrap: int | None


class BareOptions(TypedDict, total=False):
    """The options of figures that need no human label: see `Options`."""

    by: str | None
    average: Average | None
    confidence: float


def rows_of(
    judgements: Judgements, options: Options, *, combine: Combine = "majority", unlabelled: bool = False
) -> Rows:
    """Judgements of plain items (no probe's variants) against their human labels.

    `combine` is how several annotators become one unless the options say. With `unlabelled` those without a
    label are kept, the label being None.
    """
    _check_average(options.get("by"), options.get("average"))
    _check_how(options.get("annotators"), options.get("bootstrap"))
    if options.get("judge") or options.get("human"):
        rows = _made(judgements, options, combine, unlabelled=unlabelled)
    else:
        said = (options.get("criterion"), options.get("annotators") or combine, options.get("by"))
        key: Hashable = ("rows", unlabelled, *said)
        rows = judgements.once(key, lambda: _made(judgements, options, combine, unlabelled=unlabelled))
    reading = _reading(options)
    if reading.get("annotators") == combine:
        del reading["annotators"]
    return replace(rows, confidence=options.get("confidence", 0.95), reading=reading)


def _reading(options: Options | BareOptions) -> dict[str, Any]:
    """What was said of how to read judgements: two figures read in other ways can't be subtracted."""
    said = {name: value for name, value in options.items() if value is not None and name != "confidence"}
    if said.get("average") == "mean":
        del said["average"]
    return said


def _check_how(annotators: str | None, bootstrap: object) -> None:
    if annotators is not None and annotators not in get_args(Combine):
        known = ", ".join(map(repr, get_args(Combine)))
        raise SettingsError(f"annotators = {annotators!r}: say one of {known}")
    if bootstrap is not None and (not isinstance(bootstrap, int) or bootstrap < 0):
        raise SettingsError(f"bootstrap = {bootstrap!r}: its seed is a whole number, 0 or more")


def _check_average(by: str | None, average: Average | None) -> None:
    if average is None:
        return
    shown = repr(average) if isinstance(average, str) else getattr(average, "__name__", "a function")
    if not callable(average) and average not in ("mean", "fisher"):
        raise SettingsError(f"average = {shown}: say 'mean', 'fisher' or a function of the slices' figures")
    if by is None:
        raise SettingsError(f"average = {shown} is about slices: say by = as well")


def _made(judgements: Judgements, options: Options, combine: Combine, *, unlabelled: bool) -> Rows:
    plain = plain_of(judgements)
    by, human = options.get("by"), options.get("human")
    extracted = options.get("judge") is not None and human is not None
    criterion = _criterion(plain, judgements, options.get("criterion"), extracted=extracted)
    if by is not None:
        known_field(by, (judgement.item for judgement in plain))
    how = options.get("annotators") or combine
    labels = [_labels(judgement, how, criterion, human) for judgement in plain]
    left_out = sum(not some for some in labels)
    if unlabelled:
        labels = [some or (None,) for some in labels]
    places = [place for place, some in enumerate(labels) for _ in some]
    kept = [plain[place] for place in places]
    names, slices = _slices(kept, by)
    rows = Rows(
        judgements=kept,
        human=[label for some in labels for label in some],
        verdict=_verdicts(kept, options.get("judge"), criterion),
        annotators=[number for some in labels for number in range(len(some))],
        clusters=np.unique(_clusters(judgements)[places], return_inverse=True)[1],
        slices=slices,
        names=names,
        unlabelled=0 if unlabelled else left_out,
        population=judgements.population,
    )
    _refuse_nan(rows)
    if options.get("judge") is None:
        _refuse_unknown(rows, judgements.tasks)
    return rows


def plain_of(judgements: Judgements) -> list[Judgement]:
    """The judgements of items as they are (no probe's variants), in the order of ids and repeats."""

    def sort() -> list[Judgement]:
        plain = (judgement for judgement in judgements if not judgement.variant)
        return sorted(plain, key=lambda j: (j.item.id, j.item.task, j.repeat))

    return judgements.once("plain", sort)


def _clusters(judgements: Judgements) -> Places:
    """The cluster of each of `plain_of`, numbered in the order they first appear, whatever their names."""

    def number() -> Places:
        index: dict[str, int] = {}
        names = (judgements.cluster_of(judgement.item) for judgement in plain_of(judgements))
        return np.array([index.setdefault(name, len(index)) for name in names], dtype=np.intp)

    return judgements.once("clusters", number)


def bare_rows(judgements: Judgements, options: BareOptions) -> Rows:
    """Judgements of plain items without a label, for figures that need none."""
    by = options.get("by")
    _check_average(by, options.get("average"))
    if by is not None:
        known_field(by, (judgement.item for judgement in plain_of(judgements)))
    plain = plain_of(judgements)
    names, slices = _slices(plain, by)
    return Rows(
        judgements=plain,
        human=[None] * len(plain),
        verdict=[j.verdict if not isinstance(j.verdict, dict) else str(j.verdict) for j in plain],
        annotators=[0] * len(plain),
        clusters=_clusters(judgements),
        slices=slices,
        names=names,
        population=judgements.population,
        confidence=options.get("confidence", 0.95),
        reading=_reading(options),
    )


def _slices(judgements: Sequence[Judgement], by: str | None) -> tuple[tuple[str, ...], Places]:
    if by is None:
        return ("",), np.zeros(len(judgements), dtype=np.intp)
    groups = [group_of(judgement.item, by) for judgement in judgements]
    names = sorted(set(groups))
    order = {name: place for place, name in enumerate(names)}
    return tuple(names), np.array([order[group] for group in groups], dtype=np.intp)


def _verdicts(
    judgements: Iterable[Judgement], judge: Extract | None, criterion: Criterion | None
) -> list[Label | None]:
    if judge is not None:
        return [judge(judgement) for judgement in judgements]
    return [judgement.answer(criterion) for judgement in judgements]


def _labels(
    judgement: Judgement, combine: Combine, criterion: Criterion | None, human: Extract | None
) -> Sequence[Label | None]:
    """What the judgement stands against: no label, one, or with "all" each annotator's."""
    if human is None and combine == "all":
        return judgement.item.labels(criterion)
    label = human(judgement) if human else label_of(judgement.item, combine, criterion)
    return () if label is None else (label,)


def label_of(item: Item, combine: Combine, criterion: Criterion | None) -> Label | None:
    """What the item's annotators say together; None without a label, or without a majority."""
    labels = item.labels(criterion)
    if len(labels) == 1:
        return labels[0]
    return item.mean(criterion) if combine == "mean" else item.majority(criterion)


def _refuse_nan(rows: Rows) -> None:
    for name, column in (("human", rows.human), ("judge", rows.verdict)):
        for place, label in enumerate(column):
            if isinstance(label, Real) and not math.isfinite(label):
                item = rows.judgements[place].item.id
                raise SettingsError(f"the extractor {name}= gave {label} for item {item}; give None instead")


def _refuse_unknown(rows: Rows, tasks: Tasks) -> None:
    """Raise SettingsError for a verdict that the benchmark does not know: made by hand, never by a parser."""
    known: set[tuple[object, ...]] = set()
    for judgement, human, verdict in zip(rows.judgements, rows.human, rows.verdict, strict=True):
        item = judgement.item
        key = (item.task, verdict, human if item.task == "batch" else None)
        if verdict is None or key in known:
            continue
        known.add(key)
        if item.task == "batch":
            fits = human is None or sorted(str(verdict)) == sorted(str(human))
        elif item.task == "score" and not isinstance(verdict, str):
            low, high = tasks.score.scale[0], tasks.score.scale[-1]  # a mean of points lies between them
            fits = not isinstance(low, str) and not isinstance(high, str) and low <= verdict <= high
        else:
            fits = tasks.allows(item, verdict)
        if not fits:
            raise SettingsError(f"item {item.id}: the verdict {verdict!r} is not {tasks.describe(item)}")


def _criterion(
    plain: Sequence[Judgement], judgements: Judgements, criterion: Criterion | None, *, extracted: bool
) -> Criterion | None:
    known = sorted({name for judgement in plain for name in judgements.tasks.criteria(judgement.item)})
    if extracted or (criterion is None and not known) or criterion in known:
        return criterion
    if criterion is None:
        raise SettingsError(f"these items have several criteria: say criterion = {' or '.join(known)}")
    raise SettingsError(f"there is no criterion {criterion!r} here (known: {', '.join(known) or 'none'})")
