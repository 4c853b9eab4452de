"""Who fares worse where: judges who are equally good seldom do anywhere, and a planted bias is found."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from math import sqrt

import pytest

from pytest_mllm_judge.metrics.changed_where import OF_ITEMS, About, Row, Table
from pytest_mllm_judge.metrics.changes import changes
from pytest_mllm_judge.model import Item, Judgement, Judgements, Tasks

SETS = 200
ITEMS = 200
MOST = 0.05 + 2.6 * sqrt(0.05 * 0.95 / SETS)
"""Five in a hundred, and what chance adds to that in so many data sets once in two hundred times."""
Says = Callable[[random.Random, Item], str]


def pairs(draw: random.Random, share: float) -> list[Item]:
    """Pairs of which humans give this share to A, one in ten of the rest to neither."""
    made = []
    for number in range(ITEMS):
        human = "A" if draw.random() < share else "B" if draw.random() < 0.9 else "tie"
        lengths = draw.randint(1, 9), draw.randint(1, 9)
        made.append(
            Item.model_validate(
                {
                    "id": f"i{number}",
                    "task": "pair",
                    "responses": [{"text": "x" * length} for length in lengths],
                    "human": human,
                    "source": draw.choice("xyz"),
                }
            )
        )
    return made


def right(share: float) -> Says:
    """A judge that is right so often, whatever it is asked; wrong on a tie twice as often."""

    def say(draw: random.Random, item: Item) -> str:
        (human,) = item.labels()
        if draw.random() < (share if human != "tie" else 2 * share - 1):
            return str(human)
        return draw.choice([label for label in ("A", "B", "tie") if label != human])

    return say


def first_slot(share: float, bias: float) -> Says:
    """The same, but so often it says A without looking."""
    fair = right(share)
    return lambda draw, item: "A" if draw.random() < bias else fair(draw, item)


def judged(items: Sequence[Item], says: Says, draw: random.Random) -> Judgements:
    made = [
        Judgement.model_construct(
            item=item, judge="j", variant="", repeat=0, verdict=says(draw, item), problem=None, reply=None
        )
        for item in items
    ]
    return Judgements(made, cluster_of=lambda item: item.id, tasks=Tasks())


def tables(share: float, candidate: Says, *, sets: int = SETS) -> Iterator[tuple[Table, ...]]:
    """What comes of the candidate and of a baseline that is right in 85 of 100, in so many data sets."""
    draw = random.Random(f"{share}")
    items = pairs(draw, share)
    for _ in range(sets):
        (found,) = changes(judged(items, candidate, draw), judged(items, right(0.85), draw))
        yield found.tables


def row(found: Sequence[Table], about: About, value: str) -> Row:
    return next(row for table in found if table.about == about for row in table.rows if row.value == value)


@pytest.mark.parametrize("share", [0.5, 0.6, 0.7])
def test_of_two_equally_good_judges_hardly_anything_is_said_to_fare_otherwise(share: float) -> None:
    alarms: Counter[str] = Counter()
    for found in tables(share, right(0.85)):
        alarms.update(table.about for table in found if table.standing_out)
    assert set(alarms) <= OF_ITEMS
    assert max(alarms.values()) / SETS <= MOST, alarms


def test_a_bias_to_the_first_slot_is_told_where_humans_prefer_the_second() -> None:
    told = Counter(
        (row(found, "human slot", "first").fares, row(found, "human slot", "second").fares)
        for found in tables(0.5, first_slot(0.85, 0.4), sets=20)
    )
    assert told == {("better", "worse"): 20}


def test_rows_that_verdicts_make_never_say_who_fares_worse() -> None:
    for found in tables(0.7, first_slot(0.85, 0.4), sets=5):
        assert {table.about for table in found} - OF_ITEMS == {"verdict", "slot", "length"}
        assert not any(table.standing_out for table in found if table.about not in OF_ITEMS)


def test_a_bias_to_the_longer_answer_is_told_where_humans_prefer_the_shorter() -> None:
    fair = right(0.85)

    def longer(draw: random.Random, item: Item) -> str:
        first, second = (len(response.text or "") for response in item.responses)
        return ("A" if first > second else "B") if draw.random() < 0.5 else fair(draw, item)

    for found in tables(0.5, longer, sets=10):
        assert row(found, "human length", "shorter").fares == "worse"
        assert row(found, "human length", "longer").fares == "better"
