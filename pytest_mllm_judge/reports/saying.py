"""May the candidate replace the baseline? The answer, and why, in a sentence that a person would say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_mllm_judge.claims.show import show, show_range, show_up
from pytest_mllm_judge.reports.document import Answer, Comparison

NOTHING = "Nothing was compared that decides."
Red = tuple[str, str]
"""What else must hold and does not: its outcome, and what it is in words."""


def answer(
    deciding: Sequence[Comparison],
    compared: Iterable[Comparison],
    *,
    baseline: str,
    unasked: str = "",
    red: Sequence[Red] = (),
) -> tuple[Answer, str]:
    """The answer and its reason.

    No, if a comparison that decides, a gate or an anchor fails; not enough data, if one is undecided or its
    questions were not asked; else yes. What regressed for certain is told in either case.
    """
    found, reason = _decided(deciding, baseline=baseline, unasked=unasked, red=red)
    flagged = [one.name for one in compared if one.regressed and not _is_told(one, found)]
    if not flagged:
        return found, reason
    more = f" and {len(flagged) - 3} more" if len(flagged) > 3 else ""
    told = f"Worse for certain (a flag, which decides nothing): {_list(flagged[:3], more)}."
    return found, f"{reason} {told}"


def _is_told(one: Comparison, found: Answer) -> bool:
    return found == "no" and one.decides and one.outcome == "fails"


def _decided(
    deciding: Sequence[Comparison], *, baseline: str, unasked: str, red: Sequence[Red]
) -> tuple[Answer, str]:
    failed, undecided = ([one for one in deciding if one.outcome == kind] for kind in ("fails", "undecided"))
    wrong, unsure = ([what for kind, what in red if kind == wanted] for wanted in ("fails", "undecided"))
    if failed:
        return "no", f"It is worse than {baseline} by more than the margin: {_seen(failed)}."
    if wrong:
        return "no", f"{_standing(deciding, baseline)} must hold and does not: {_list(wrong)}."
    if unasked or undecided or unsure or not deciding:
        return "not enough data", _what_lacks(unasked, undecided, unsure)
    return "yes", f"It is not worse than {baseline} by more than the margin on {_all(deciding)}."


def _what_lacks(unasked: str, undecided: Sequence[Comparison], unsure: Sequence[str]) -> str:
    if unasked:
        return f"Not every question was asked ({unasked})."
    if undecided:
        return f"The data can't tell yet: {_seen(undecided)}{_settling(undecided)}."
    return f"The data can't tell yet whether this holds: {_list(unsure)}." if unsure else NOTHING


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
