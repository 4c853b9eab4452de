"""Where two judges differ: by what the items are, and by what the judges say of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pytest_mllm_judge.model import Criterion, Item, Judgement, Label
from pytest_mllm_judge.statistics import holm

Move = Literal["worse", "better", "other"]
"""Right to wrong, wrong to right, wrong to another wrong; for a ranking farther, nearer, as far."""
About = Literal["source", "human slot", "human length", "characters", "verdict", "slot", "length"]
"""The item's source; of pairs the slot and the length of the answer that humans prefer; of scores the
characters of the response. Then by verdicts: from which to which, slot and length of the answer preferred."""
OF_ITEMS: frozenset[About] = frozenset({"source", "human slot", "human length", "characters"})
"""What no verdict has a say in. Between rows that the candidate's own verdicts make, judges who are equally
good differ too: only rows made of these can say who fares worse."""
Fares = Literal["", "better", "worse"]
Lengths = Callable[[Item], Sequence[int | None]]
"""The characters of each of an item's responses, None for one without text."""
Both = tuple[Judgement, Judgement]
"""The candidate's judgement and the baseline's."""
NO_VERDICT = "no verdict"
NEITHER = "neither"
NO_MAJORITY = "no majority"
ALIKE = "alike or not known"
NOT_KNOWN = "not known"
_SLOTS = {"A": "first", "B": "second"}
_SLOT_ORDER = ("first", "second", NEITHER, NO_MAJORITY, NO_VERDICT)
_LENGTH_ORDER = ("longer", "shorter", NEITHER, NO_MAJORITY, NO_VERDICT, ALIKE)
_ALPHA = 0.05
_LEAST_FLIPS = 5


@dataclass(frozen=True, kw_only=True)
class Row:
    """The items of one value: how many there were under the baseline, how many now, and what changed.

    `worse`, `better` and `other` count changes among those that are there now, noise included.
    `fares` says that these items fare better or worse than those of the other rows; '' if neither shows, and
    always where verdicts make the rows.
    """

    value: str
    before: int
    now: int
    worse: int
    better: int
    other: int
    fares: Fares = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows by one thing. `moves` says whether items can change their row, so `before` can differ from `now`.

    A row of five flips or more fares better or worse if its mean of 1 for better, -1 for worse, 0 for the
    rest differs from that of all other rows: two-sided normal p value, each side with its own mean square
    about the common mean, corrected by Holm for the rows, at most 0.05. A hint where to look, which takes
    items as independent; the comparisons tell what regressed.
    """

    about: About
    moves: bool
    rows: tuple[Row, ...]

    @property
    def standing_out(self) -> tuple[Row, ...]:
        """The rows that fare otherwise than the rest."""
        return tuple(row for row in self.rows if row.fares)

    def plain(self) -> dict[str, Any]:
        """The table in builtin types."""
        return {"about": self.about, "moves": self.moves, "rows": [asdict(row) for row in self.rows]}


def tables(
    pairs: Sequence[Both], *, criterion: Criterion | None, moves: Mapping[str, Move], lengths: Lengths
) -> tuple[Table, ...]:
    """What changed by each `About`, as far as the task has it: first by what the items are.

    `moves` says of each item that changed (by its id) what became of it.
    """
    task = pairs[0][0].item.task if pairs else None
    found = [_by_source(pairs, moves)]
    if task == "pair":
        found += [_by_human_slot(pairs, moves), _by_human_length(pairs, moves, lengths)]
    if task == "score":
        found.append(_by_tercile(pairs, moves, lengths))
    if task in ("pair", "score"):
        found.append(_by_verdict(pairs, criterion, moves))
    if task == "pair":
        found += [_by_slot(pairs, moves), _by_preferred_length(pairs, moves, lengths)]
    return tuple(table for table in found if table is not None)


def _by_source(pairs: Sequence[Both], moves: Mapping[str, Move]) -> Table | None:
    sources = sorted({new.item.source for new, _ in pairs if new.item.source is not None})
    if not sources:
        return None
    values = [new.item.source or "(none)" for new, _ in pairs]
    return _table("source", pairs, moves, before=values, now=values, order=[*sources, "(none)"])


def _by_verdict(
    pairs: Sequence[Both], criterion: Criterion | None, moves: Mapping[str, Move]
) -> Table | None:
    """From which verdict to which, the commonest first."""
    words = [
        "" if new == old else f"{old} to {new}"
        for new, old in ((_said(new, criterion), _said(old, criterion)) for new, old in pairs)
    ]
    counts = Counter(word for word in words if word)
    order = sorted(counts, key=lambda word: (-counts[word], word))
    return _table("verdict", pairs, moves, before=words, now=words, order=order) if order else None


def _said(judgement: Judgement, criterion: Criterion | None) -> str:
    answer = judgement.answer(criterion)
    return str(answer) if answer is not None else judgement.problem or "malformed"


def _by_human_slot(pairs: Sequence[Both], moves: Mapping[str, Move]) -> Table:
    values = [_human_slot(new.item) for new, _ in pairs]
    return _table("human slot", pairs, moves, before=values, now=values, order=_SLOT_ORDER)


def _human_slot(item: Item) -> str:
    """The slot of the answer that most humans prefer."""
    modes = modes_of(item.labels())
    return _slot(modes[0]) if len(modes) == 1 else NO_MAJORITY


def modes_of(labels: Sequence[Label]) -> list[Label]:
    """The labels that most annotators gave: one, or several that were given equally often."""
    counts = Counter(labels)
    return [label for label, count in counts.items() if count == max(counts.values())]


def _by_human_length(pairs: Sequence[Both], moves: Mapping[str, Move], lengths: Lengths) -> Table | None:
    values = [_preferred(_human_slot(new.item), lengths(new.item)) for new, _ in pairs]
    if set(values) <= {ALIKE}:
        return None
    return _table("human length", pairs, moves, before=values, now=values, order=_LENGTH_ORDER)


def _by_slot(pairs: Sequence[Both], moves: Mapping[str, Move]) -> Table:
    before, now = [_slot(old.answer()) for _, old in pairs], [_slot(new.answer()) for new, _ in pairs]
    return _table("slot", pairs, moves, before=before, now=now, order=_SLOT_ORDER)


def _slot(answer: Label | None) -> str:
    return NO_VERDICT if answer is None else _SLOTS.get(str(answer), NEITHER)


def _by_preferred_length(pairs: Sequence[Both], moves: Mapping[str, Move], lengths: Lengths) -> Table | None:
    before = [_preferred(_slot(old.answer()), lengths(old.item)) for _, old in pairs]
    now = [_preferred(_slot(new.answer()), lengths(new.item)) for new, _ in pairs]
    if set(now) <= {ALIKE}:
        return None
    return _table("length", pairs, moves, before=before, now=now, order=_LENGTH_ORDER)


def _preferred(slot: str, lengths: Sequence[int | None]) -> str:
    """Whether the answer of this slot is the longer one."""
    first, second = (*lengths, None, None)[:2]
    if first is None or second is None or first == second:
        return ALIKE
    if slot not in _SLOTS.values():
        return slot
    return "longer" if (slot == "first") == (first > second) else "shorter"


def _by_tercile(pairs: Sequence[Both], moves: Mapping[str, Move], lengths: Lengths) -> Table | None:
    """Score items by the length of their response, in three parts that are as alike in size as ties allow."""
    found = [(*lengths(new.item), None)[0] for new, _ in pairs]
    known = sorted(length for length in found if length is not None)
    if not known or known[0] == known[-1]:
        return None
    low, high = known[(len(known) - 1) // 3], known[2 * (len(known) - 1) // 3]
    names = (f"up to {low}", f"{low + 1} to {high}", f"more than {high}")
    values = [_third(length, low, high, names) for length in found]
    return _table("characters", pairs, moves, before=values, now=values, order=[*names, NOT_KNOWN])


def _third(length: int | None, low: int, high: int, names: tuple[str, str, str]) -> str:
    if length is None:
        return NOT_KNOWN
    return names[0] if length <= low else names[1] if length <= high else names[2]


def _table(
    about: About,
    pairs: Sequence[Both],
    moves: Mapping[str, Move],
    *,
    before: Sequence[str],
    now: Sequence[str],
    order: Sequence[str],
) -> Table:
    was, is_now = Counter(before), Counter(now)
    counts = Counter((value, moves.get(new.item.id)) for value, (new, _) in zip(now, pairs, strict=True))
    rows = [
        Row(
            value=value,
            before=was[value],
            now=is_now[value],
            worse=counts[value, "worse"],
            better=counts[value, "better"],
            other=counts[value, "other"],
        )
        for value in order
        if was[value] or is_now[value]
    ]
    told = _told(rows) if about in OF_ITEMS else tuple(rows)
    return Table(about=about, moves=before is not now, rows=told)


def _told(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows with what they fare."""
    apart = [_apart(row, rows) for row in rows]
    chances = holm([math.erfc(abs(each) / math.sqrt(2)) for each in apart])
    return tuple(
        replace(row, fares=_fares(each) if p <= _ALPHA else "")
        for row, each, p in zip(rows, apart, chances, strict=True)
    )


def _fares(apart: float) -> Fares:
    return "better" if apart > 0 else "worse"


def _apart(row: Row, rows: Sequence[Row]) -> float:
    """How many standard errors the row's mean gain is above that of all others; 0 if there is too little."""
    rest = [other for other in rows if other is not row]
    n, others = row.now, sum(other.now for other in rest)
    if row.worse + row.better < _LEAST_FLIPS or not others:
        return 0.0
    mean = sum(one.better - one.worse for one in rows) / (n + others)
    variance = _square([row], mean) / n + _square(rest, mean) / others
    return (_gain([row]) - _gain(rest)) / math.sqrt(variance) if variance > 0 else 0.0


def _gain(rows: Sequence[Row]) -> float:
    return sum(one.better - one.worse for one in rows) / sum(one.now for one in rows)


def _square(rows: Sequence[Row], mean: float) -> float:
    """The mean square of the gains about a mean."""
    flips = sum(one.worse + one.better for one in rows) / sum(one.now for one in rows)
    return flips - 2 * mean * _gain(rows) + mean**2
