"""Whether a judge of scores pays for length, or for its own family's answers, beyond what humans do."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import NO_LABEL, estimate, points_of
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.bias.families import pattern_of
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, Measure
from pytest_mllm_judge.metrics.noted import noted, told
from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Item, Judgement, Judgements
from pytest_mllm_judge.statistics import MIN_CLUSTERS, Interval, Sample
from pytest_mllm_judge.statistics.figure import Figure
from pytest_mllm_judge.statistics.jackknife import Array
from pytest_mllm_judge.statistics.matched import Noise, gain_of, matched_figure, matched_sums

READING = ("average", "by", "criterion")
Of = Callable[[Item], float | None]
"""What should not count, of an item; None where it is not known."""


@declare(
    "score.length",
    task="score",
    source="Fuller 1987",
    options=READING,
    combine="mean",
    scale="numbers",
    margin=0.1,
    worse="away from zero",
)
def score_length(judgements: Judgements, /, **options: Unpack[Options]) -> Estimate:
    """How many points a text twice as long gains from the judge, human scores being equal.

    Length is in characters, in doublings against the mean of all items; points are the humans', the judge's
    scale being matched to theirs, so that neither a longer answer that is better nor a judge who uses less of
    the scale shows. Of several humans the error of their mean is known; a single label may have none, or as
    much as the judge: the interval then holds both. Items without a text or a label are left out.
    A problem counts as the end of the scale that draws the slope down where it must not be low, and up where
    it must not be high.
    """
    return _matched(
        "score.length",
        judgements,
        options,
        _doublings,
        lacking="a text or a human label",
        why_none="no answer with a human label here has a text",
    )


@declare(
    "score.self_preference",
    task="score",
    source="Panickssery, Bowman & Feng 2024 (arXiv 2404.13076)",
    options=(*READING, "family"),
    combine="mean",
    scale="numbers",
    margin=0.25,
    worse="higher",
)
def score_self_preference(
    judgements: Judgements, /, *, family: str | None = None, **options: Unpack[Options]
) -> Estimate:
    """How many points the judge adds to its own family's answers beyond others', human scores being equal.

    A difference in differences, judge less humans and own less others, in the humans' points; scales,
    humans' error and problems as in score.length. `family` is a pattern of the family's authors, unless the
    judge's model is of a known family. Answers without an author are left out and counted.
    """
    pattern = pattern_of(judgements, family, "score.self_preference")

    def own(item: Item) -> float | None:
        author = item.responses[0].author
        return None if author is None else float(bool(pattern.search(author)))

    return _matched(
        "score.self_preference",
        judgements,
        options,
        own,
        lacking="an author or a human label",
        why_none="no answer with a human label here has an author",
        rule=_few_of_a_kind(pattern.pattern),
    )


def _doublings(item: Item) -> float | None:
    text = item.responses[0].text
    return math.log2(len(text)) if text else None


def _few_of_a_kind(pattern: str) -> Callable[[Array], str]:
    def rule(total: Array) -> str:
        n, own = int(total[0]), int(total[3])
        if min(own, n - own) >= MIN_CLUSTERS:
            return ""
        return f"{own} of {n} answers are of the judge's own family (an author like {pattern!r})"

    return rule


def _matched(
    metric: str,
    judgements: Judgements,
    options: Options,
    of: Of,
    *,
    lacking: str,
    why_none: str,
    rule: Callable[[Array], str] | None = None,
) -> Estimate:
    if options.get("annotators") not in (None, "mean"):
        raise SettingsError(f"{metric} is about the mean of several annotators: leave out annotators")
    labelled = rows_of(judgements, options, combine="mean")
    kept = labelled.keep(np.array([of(one.item) is not None for one in labelled.judgements], dtype=bool))
    each = [_noted(one, options, of) for one in kept.judgements]
    rows = told(kept, each, kept.verdict)
    rows = replace(rows, unlabelled=labelled.unlabelled + len(labelled) - len(rows))
    points = points_of(judgements, labelled, metric)
    build = _build(metric, (points[0], points[-1]), rule)
    found = estimate(
        metric,
        rows,
        _Matched(build=build, name=metric, alone=True, of_noise=build),
        better="neither",
        wrong=_off,
        why_none=why_none if len(labelled) else NO_LABEL,
    )
    return replace(found, lacking=lacking, beside=Lazily(lambda: list(_beside(rows.answered(), build))))


@dataclass(frozen=True, kw_only=True)
class _Matched(Measure):
    """Of single labels the interval that holds both figures, since their error is not known.

    In a difference of two judges they count as exact: they err alike in both.
    """

    of_noise: Callable[..., tuple[Figure, Sample]]

    def interval(self, rows: Rows, *, end: End) -> Interval:
        """The figure of these rows."""
        found = super().interval(rows, end=end)
        if not _is_single(rows):
            return found
        least, most = (
            Measure(build=partial(self.of_noise, noise=noise)).interval(rows, end=end)
            for noise in ("least", "most")
        )
        reason = found.reason or least.reason or most.reason
        return replace(
            found, low=least.low, high=most.high, method=f"{found.method}, least and most", reason=reason
        )


def _is_single(rows: Rows) -> bool:
    """Whether no item has two labels, so that nothing is known of their error."""
    return not (_column(rows, "labels") > 1).any()


def _noted(judgement: Judgement, options: Options, of: Of) -> Judgement:
    """The judgement with what should not count, how many labels there are, and how far they lie apart."""
    labels = () if options.get("human") else judgement.item.labels(options.get("criterion"))
    numbers = [float(label) for label in labels if not isinstance(label, str)] or [0.0]
    mean = math.fsum(numbers) / len(numbers)
    squares = math.fsum((number - mean) ** 2 for number in numbers)
    return noted(judgement, besides=of(judgement.item), labels=len(numbers), squares=squares)


def _column(rows: Rows, name: str) -> Array:
    return np.array([one.fields[name] for one in rows.judgements], dtype=float)


def _off(rows: Rows) -> Array:
    human, judge = rows.numbers("score")
    return np.nan_to_num(np.abs(judge - human), nan=np.inf)


def _build(
    metric: str, points: tuple[float, float], rule: Callable[[Array], str] | None
) -> Callable[..., tuple[Figure, Sample]]:
    def build(rows: Rows, end: End, *, noise: Noise = "known") -> tuple[Figure, Sample]:
        human, judge = rows.numbers(metric)
        besides, labels, squares = (_column(rows, name) for name in ("besides", "labels", "squares"))
        upwards = (besides > besides.mean()) == (end == "high")
        judge = np.where(np.isnan(judge), np.where(upwards, points[1], points[0]), judge)
        ends = (float(besides.min()), float(besides.max()))
        figure = matched_figure(metric, points=points, besides=ends, noise=noise, rule=rule)
        return figure, rows.sample(
            moments=matched_sums(human, judge, besides, labels=labels, squares=squares)
        )

    return build


def _beside(rows: Rows, build: Callable[..., tuple[Figure, Sample]]) -> Iterator[Beside]:
    """What the same is worth to humans, how the judge's scale is theirs, and what labels that err change."""
    if len(rows) < 3:
        return
    human, _ = rows.numbers("score")
    besides = _column(rows, "besides")
    apart = besides - besides.mean()
    if apart.any():
        value = float(apart @ human / (apart @ apart))
        yield Beside(name="humans", value=value, about="how many points the same is worth to humans")
    moments = build(rows, "low")[1].moments
    assert moments is not None
    gain = gain_of(moments.sum(axis=0))
    if math.isfinite(gain):
        yield Beside(name="gain", value=gain, about="how many points the judge gives for a human one")
    if _is_single(rows):
        for noise in ("least", "most"):
            found = Measure(build=partial(build, noise=noise)).interval(rows, end="low")
            about = f"the {noise} it is, if single labels err between not at all and as the judge does"
            yield Beside(name=noise, value=found.value, about=about)
