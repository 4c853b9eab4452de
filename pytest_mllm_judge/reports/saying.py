"""May the candidate replace the baseline? The answer, and why, in a sentence that a person would say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pytest_mllm_judge.claims.show import show, show_range, show_up
from pytest_mllm_judge.reports.document import Answer, Comparison

NOTHING = "Nothing was compared that decides."
Red = tuple[str, str]
"""What else must hold and does not: its outcome, and what it is in words."""


class Seen(NamedTuple):
    """What an answer rests on beside the comparisons, in words.

    `unasked` says how many questions were not asked, `red` what else must hold and does not, `lacking` what
    is not there to say yes on, `part` which part of the benchmark was asked about; '' or nothing where all is
    well.
    """

    unasked: str = ""
    red: tuple[Red, ...] = ()
    lacking: tuple[str, ...] = ()
    part: str = ""


def answer(compared: Sequence[Comparison], *, baseline: str, seen: Seen) -> tuple[Answer, str]:
    """The answer and its reason.

    Not enough data, if a question was not asked. Else no, if a comparison that decides, a gate, an anchor or
    a test fails; not enough data, if one is undecided, or if anything is missing to say yes on; else yes.
    What regressed for certain is told in either case.
    """
    deciding = [one for one in compared if one.decides]
    found, reason = _decided(deciding, baseline=baseline, seen=seen)
    if seen.part:
        reason += f" Only {seen.part} were asked about."
    flagged = [one.name for one in compared if one.regressed and not _is_told(one, found)]
    return found, f"{reason} {_worse(flagged)}" if flagged else reason


def _worse(flagged: Sequence[str]) -> str:
    return f"Worse for certain (a flag, which decides nothing): {_first(flagged)}."


def _is_told(one: Comparison, found: Answer) -> bool:
    return found == "no" and one.decides and one.outcome == "fails"


def _decided(deciding: Sequence[Comparison], *, baseline: str, seen: Seen) -> tuple[Answer, str]:
    if seen.unasked:
        return "not enough data", f"Not every question was asked: {seen.unasked}."
    if failed := [one for one in deciding if one.outcome == "fails"]:
        return "no", f"It is worse than {baseline} by more than the margin: {_seen(failed)}."
    if wrong := [what for outcome, what in seen.red if outcome == "fails"]:
        return "no", f"{_standing(deciding, baseline)} must hold and does not: {_first(wrong)}."
    if unsure := _unsure(deciding, seen):
        return "not enough data", unsure
    holds = f"It is not worse than {baseline} by more than the margin on {_all(deciding)}"
    if seen.lacking:
        return "not enough data", f"{holds}, but {'; '.join(seen.lacking)}."
    return "not enough data" if seen.part else "yes", f"{holds}."


def _unsure(deciding: Sequence[Comparison], seen: Seen) -> str:
    """What is undecided, in a sentence; '' if nothing is."""
    undecided = [one for one in deciding if one.outcome == "undecided"]
    if undecided:
        return f"The data can't tell yet: {_seen(undecided)}{_settling(undecided)}."
    if unsure := [what for outcome, what in seen.red if outcome == "undecided"]:
        return f"The data can't tell yet whether this holds: {_first(unsure)}."
    return "" if deciding else NOTHING


def names(some: Sequence[str], *, most: int = 3) -> str:
    """The first few, and that there are more."""
    return ", ".join(some[:most]) + (", ..." if len(some) > most else "")


def _first(words: Sequence[str]) -> str:
    """The first three in a sentence, and how many more there are."""
    return _list(words[:3], f" and {len(words) - 3} more" if len(words) > 3 else "")


def _standing(deciding: Sequence[Comparison], baseline: str) -> str:
    """How a sentence about a red gate begins."""
    if deciding and all(one.outcome == "holds" for one in deciding):
        return f"It is not worse than {baseline}, but what"
    return "What"


def _seen(some: Sequence[Comparison]) -> str:
    more = f"; and {len(some) - 3} more" if len(some) > 3 else ""
    return "; ".join(map(_difference, some[:3])) + more


def _difference(one: Comparison) -> str:
    difference = one.difference
    if difference.low is None:
        return f"{one.name} ({difference.reason or 'no interval'})"
    margin = "" if one.margin is None else f", margin {one.margin:g}"
    bounds = show_range(difference.low, difference.high)
    return f"{one.name} differs by {show(difference.value)} ({bounds}{margin})"


def _settling(some: Sequence[Comparison]) -> str:
    items = [one.items_to_settle for one in some if one.items_to_settle]
    if items:
        return f"; about {max(items):,} items like these would settle it"
    repeats = [one.repeats_to_settle for one in some if one.repeats_to_settle]
    return f"; about {max(repeats):,} repeats of each would settle it" if repeats else ""


def _all(deciding: Sequence[Comparison]) -> str:
    names = [one.name for one in deciding]
    if len(names) == 1:
        return f"{names[0]}, which decides"
    if len(names) <= 3:
        return f"{_list(names)}, which decide"
    return f"any of the {len(names)} checks that decide"


def _list(words: Sequence[str], more: str = "") -> str:
    if more or len(words) < 2:
        return ", ".join(words) + more
    return ", ".join(words[:-1]) + f" and {words[-1]}"


def margin(one: Comparison) -> str:
    """The margin, and the smallest that the data shows: `0.05 (shows 0.037)`."""
    said = "-" if one.margin is None else f"{one.margin:g}"
    return said if one.smallest_margin is None else f"{said} (shows {show_up(one.smallest_margin)})"
