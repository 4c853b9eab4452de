"""Whether where an answer stands decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Unpack

import numpy as np

from pytest_mllm_judge.claims import Beside, Estimate
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.agreement.core import estimate
from pytest_mllm_judge.metrics.beside import Lazily
from pytest_mllm_judge.metrics.bias.orders import is_plain, key, twins_of
from pytest_mllm_judge.metrics.checks import declare
from pytest_mllm_judge.metrics.measure import End, Measure, mean_of
from pytest_mllm_judge.metrics.noted import noted, shares, told, was_asked
from pytest_mllm_judge.metrics.pairing import Pairing
from pytest_mllm_judge.metrics.reading import BareOptions, bare_rows
from pytest_mllm_judge.metrics.rows import Rows, Truths
from pytest_mllm_judge.model import Judgement, Judgements, Label
from pytest_mllm_judge.probes import turned
from pytest_mllm_judge.statistics import Interval, wilson
from pytest_mllm_judge.statistics.jackknife import Array

FIRST, SECOND = "the first slot", "the second slot"
SAME, OTHER = "the same answer", "another answer, of neither slot"
_SLOTS: dict[Label, int] = {"A": 1, "B": -1}


@declare(
    "pair.position",
    task="pair",
    source="Shi et al. 2024 (arXiv 2406.07791)",
    options=("average", "by"),
    margin=0.05,
    worse="away from zero",
    probe="position",
)
def position(judgements: Judgements, /, **options: Unpack[BareOptions]) -> Estimate:
    """Share of all pairs whose verdict goes with the first slot less those with the second, in [-1, 1].

    Each pair is asked in both orders; its verdict goes with a slot that it prefers in both, or in one and
    neither in the other. A judge that is only noisy errs to both slots alike: its gap is 0. Claim it `within`
    a margin. A verdict lacking in either order counts as the second slot where the figure must not be low,
    and as the first where it must not be high. Tango's interval. Raise SettingsError if no pair was swapped.
    """
    bare = bare_rows(judgements, options)
    twins = twins_of(judgements)
    if len(bare) and not any(map(was_asked, twins.values())):
        raise SettingsError("pair.position needs pairs asked in both orders: say [probes] position = true")
    kept = bare.keep(np.array([key(one) in twins for one in bare.judgements], dtype=bool))
    pairs = [(one, twins[key(one)]) for one in kept.judgements]
    rows = told(kept, [_both(*pair) for pair in pairs], [_says(*pair) for pair in pairs])
    rows = replace(rows, unlabelled=len(bare) - len(rows))
    measure = _Gap(build=mean_of(_worth, bounds=(-1.0, 1.0)).build, name="pair.position")
    found = estimate(
        "pair.position", rows, measure, better="neither", wrong=_is_led, why_none="there is no judgement here"
    )
    return replace(
        found,
        lacking="the other order",
        pairing=_Told(metric="pair.position", better="neither", rows=rows, measure=measure),
        beside=Lazily(lambda: list(_beside(rows.answered()))),
    )


@dataclass(frozen=True, kw_only=True)
class _Gap(Measure):
    """The mean over items; of one judge's sampled items as the difference of two shares."""

    def interval(self, rows: Rows, *, end: End) -> Interval:
        """The figure of these rows."""
        return shares(rows, _worth(rows, end)) if is_plain(rows) else super().interval(rows, end=end)


@dataclass(frozen=True, kw_only=True)
class _Told(Pairing):
    """A difference whose examples are pairs that a slot led one judge to, and not the other."""

    def minus(self, other: Pairing) -> Estimate:
        """This figure less the other one, on what both have."""
        first, second = self._side_by_side(other)
        places = np.flatnonzero(_is_led(first) & ~_is_led(second)).tolist()
        examples = [f"{first.says(place)}, where the other chose {SAME}" for place in places[:3]]
        return replace(super().minus(other), examples=examples, wrong=len(places))


def _both(plain: Judgement, other: Judgement) -> Judgement:
    """The two asks as one judgement: of the order without a verdict, if there is one."""
    slots = [_slot(one.answer()) for one in (plain, other)]
    return noted(other if plain.answer() is not None else plain, slots=slots)


def _slot(verdict: Label | None) -> int | None:
    """1 for the first slot, -1 for the second, 0 for neither; None without a verdict."""
    return None if verdict is None else _SLOTS.get(verdict, 0)


def _says(plain: Judgement, other: Judgement) -> str | None:
    """Which slot the pair's verdicts go with; None where one lacks."""
    ours, theirs = plain.answer(), other.answer()
    if ours is None or theirs is None:
        return None
    led = _SLOTS.get(ours, 0) + _SLOTS.get(theirs, 0)
    if led:
        return FIRST if led > 0 else SECOND
    return SAME if turned(theirs) == ours else OTHER


def _worth(rows: Rows, end: End) -> Array:
    """1 where a pair goes with the first slot, -1 with the second (n,); what lacks is drawn to the end."""
    lacking = -1 if end == "low" else 1
    slots: list[list[int | None]] = [one.fields["slots"] for one in rows.judgements]  # type: ignore[misc]
    led = [sum(lacking if slot is None else slot for slot in some) for some in slots]
    return np.asarray(np.sign(np.array(led, dtype=float)))


def _is_led(rows: Rows) -> Truths:
    """Where the verdict goes with a slot, or there is none (n,)."""
    return np.array([verdict in (FIRST, SECOND, None) for verdict in rows.verdict], dtype=bool)


def _beside(rows: Rows) -> Iterator[Beside]:
    """How many pairs conflict at all, and which slot those that a slot leads go with."""
    if not len(rows):
        return
    conflict = np.array([verdict != SAME for verdict in rows.verdict], dtype=bool)
    yield _share("conflict", rows, conflict, "pairs with another answer in the other order")
    led = rows.keep(_is_led(rows))
    if len(led):
        first = np.array([verdict == FIRST for verdict in led.verdict], dtype=bool)
        yield _share("first", led, first, f"the first slot's share of the {len(led)} that go with a slot")


def _share(name: str, rows: Rows, hits: Truths, about: str) -> Beside:
    found = wilson(hits, rows.clusters, confidence=rows.confidence)
    return Beside(name=name, value=found.value, low=found.low, high=found.high, about=about)
