"""The same answers where several tasks judge them: which of two each task puts first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from pytest_mllm_judge.metrics.reading import Options, rows_of
from pytest_mllm_judge.metrics.rows import Rows
from pytest_mllm_judge.model import Criterion, Item, Judgement, Judgements, Label

Answer = tuple[str, tuple[str, ...], str | None, tuple[str, ...]]
"""What makes an answer the same: the instruction, the item's images, the response's text and images."""
_ORDERS = {"A": 1, "B": -1}
_TWO = "no two answers to one question are {} here"
_THREE = "of no three answers to one question all three pairs are judged here"


@dataclass(frozen=True, kw_only=True)
class Said:
    """Which of two answers is better: 1 the first, -1 the second, 0 neither; None for a problem.

    `judgement` is where it was said.
    """

    order: int | None
    judgement: Judgement

    @property
    def reversed(self) -> Said:
        """The same of the two answers the other way round."""
        return Said(order=None if self.order is None else -self.order, judgement=self.judgement)


@dataclass(frozen=True, kw_only=True)
class Seat:
    """Two answers of one ask, in its order, and what it says of them.

    `place` is the ask's among the rows that it was read from, `number` tells the pairs of one ask apart.
    """

    place: int
    number: int
    answers: tuple[Answer, Answer]
    said: Said

    @property
    def repeat(self) -> int:
        """Which ask of the item it is."""
        return self.said.judgement.repeat


Key = tuple[int, Answer, Answer]
Elsewhere = Callable[[Seat], Said | None]
"""What another task says of the same answers, asked as often; None if it does not judge both."""


def answers_of(item: Item) -> tuple[Answer, ...]:
    """The item's answers in order; none where neither instruction nor image says what they answer."""
    if not item.instruction and not item.images:
        return ()
    return tuple((item.instruction, item.images, one.text, one.images) for one in item.responses)


def in_pairs(rows: Rows) -> list[Seat]:
    """Both answers of every pair."""
    found = []
    for place, judgement in enumerate(rows.judgements):
        answers = answers_of(judgement.item) if judgement.item.task == "pair" else ()
        if answers and answers[0] != answers[1]:
            verdict = _verdict(judgement)
            order = None if verdict is None else _ORDERS.get(str(verdict), 0)
            said = Said(order=order, judgement=judgement)
            found.append(Seat(place=place, number=0, answers=(answers[0], answers[1]), said=said))
    return found


def in_rankings(rows: Rows) -> list[Seat]:
    """Every two answers of every ranking."""
    return [
        seat
        for place, judgement in enumerate(rows.judgements)
        if judgement.item.task == "batch"
        for seat in _ranked(place, judgement)
    ]


def _ranked(place: int, judgement: Judgement) -> Iterator[Seat]:
    answers, ranking = answers_of(judgement.item), _verdict(judgement)
    letters = judgement.item.letters
    for number, (one, other) in enumerate(combinations(range(len(answers)), 2)):
        if answers[one] == answers[other]:
            continue
        order = None
        if ranking is not None:
            ranks = [str(ranking).index(letters[which]) for which in (one, other)]
            order = 1 if ranks[0] < ranks[1] else -1
        said = Said(order=order, judgement=judgement)
        yield Seat(place=place, number=number, answers=(answers[one], answers[other]), said=said)


def _verdict(judgement: Judgement) -> Label | None:
    return None if judgement.problem is not None else judgement.answer()


def orders_of(seats: Sequence[Seat]) -> dict[Key, Said]:
    """What is said of two answers, in both orders; where several items hold them, what the first says."""
    found: dict[Key, Said] = {}
    for seat in seats:
        first, second = seat.answers
        if (seat.repeat, first, second) not in found:
            found[seat.repeat, first, second] = seat.said
            found[seat.repeat, second, first] = seat.said.reversed
    return found


def by_rankings(rows: Rows) -> Elsewhere:
    """What the rankings say of two answers."""
    orders = orders_of(in_rankings(rows))
    return lambda seat: orders.get((seat.repeat, *seat.answers))


def by_scores(judgements: Judgements, criterion: Criterion | None) -> Elsewhere:
    """What the scores say of two answers (by one criterion); the first of several items of an answer counts.

    Raise SettingsError where there are several criteria and none is named.
    """
    read: Options = {"criterion": criterion}
    rows = rows_of(judgements.task("score"), read, unlabelled=True)
    points = {point: place for place, point in enumerate(judgements.tasks.score.scale)}
    found: dict[tuple[int, Answer], tuple[Judgement, float | None]] = {}
    for judgement, verdict in zip(rows.judgements, rows.verdict, strict=True):
        for answer in answers_of(judgement.item):
            score = float(points[verdict]) if isinstance(verdict, str) else verdict
            found.setdefault((judgement.repeat, answer), (judgement, score))

    def elsewhere(seat: Seat) -> Said | None:
        both = [found.get((seat.repeat, answer)) for answer in seat.answers]
        if both[0] is None or both[1] is None:
            return None
        (judgement, ours), (other, theirs) = both[0], both[1]
        if ours is None or theirs is None:
            return Said(order=None, judgement=judgement if ours is None else other)
        return Said(order=(ours > theirs) - (ours < theirs), judgement=judgement)

    return elsewhere


def lacks(check: str, items: Sequence[Item]) -> str:
    """Why no judge has this figure of coherence on these items, as a sentence without stop; '' if one may."""
    alone = {answer for item in items if item.task == "score" for answer in answers_of(item)}
    pairs, ranked = (set(_together(items, task)) for task in ("pair", "batch"))
    scored = {both for both in pairs | ranked if both <= alone}
    needs: dict[str, tuple[object, str]] = {
        "coherence.scores_pairs": (scored & pairs, _TWO.format("both scored and compared as a pair")),
        "coherence.pairs_batch": (pairs & ranked, _TWO.format("both compared as a pair and ranked")),
        "coherence.scores_batch": (scored & ranked, _TWO.format("both scored and ranked")),
        "coherence.cycles": (_has_three(pairs), _THREE),
    }
    found, reason = needs.get(check, (True, ""))
    return "" if found else reason


def _has_three(pairs: set[frozenset[Answer]]) -> bool:
    """Whether every two of some three answers are among the pairs."""
    near: dict[Answer, set[Answer]] = {}
    for one, other in (*map(tuple, pairs), *(tuple(both)[::-1] for both in pairs)):
        near.setdefault(one, set()).add(other)
    return any(near[one] & near[other] for one, other in map(tuple, pairs))


def _together(items: Sequence[Item], task: str) -> Iterator[frozenset[Answer]]:
    for item in items:
        if item.task == task:
            yield from (frozenset(both) for both in combinations(answers_of(item), 2) if both[0] != both[1])
