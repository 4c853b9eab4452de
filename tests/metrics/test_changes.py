"""What changed between two judges, and where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.metrics.changed_where import Table
from pytest_mllm_judge.metrics.changes import Changes, changes
from pytest_mllm_judge.model import Item, Judgement, Judgements, Tasks

Said = Mapping[str, Any]
"""Verdicts by item: a verdict, a problem as `!refused`, or a list of such, one for each repeat."""


def pair(name: str, human: Any, **more: Any) -> Item:
    responses = [{"text": "x" * length} for length in more.pop("lengths", (3, 9))]
    return Item.model_validate({"id": name, "task": "pair", "responses": responses, "human": human, **more})


def score(name: str, human: Any, **more: Any) -> Item:
    responses = [{"text": "x" * more.pop("length", 3)}]
    return Item.model_validate({"id": name, "task": "score", "responses": responses, "human": human, **more})


def batch(name: str, human: Any) -> Item:
    responses = [{"text": "x"}] * 4
    return Item.model_validate({"id": name, "task": "batch", "responses": responses, "human": human})


def judged(items: Sequence[Item], said: Said, *, judge: str = "j") -> Judgements:
    made = []
    for item in items:
        if item.id not in said:
            continue
        asks = said[item.id] if isinstance(said[item.id], list) else [said[item.id]]
        made += [_judgement(item, ask, repeat, judge) for repeat, ask in enumerate(asks)]
    return Judgements(made, cluster_of=lambda item: item.id, tasks=Tasks())


def _judgement(item: Item, said: Any, repeat: int, judge: str) -> Judgement:
    problem = said[1:] if isinstance(said, str) and said.startswith("!") else None
    verdict = None if problem else said
    return Judgement(
        item=item, judge=judge, repeat=repeat, verdict=verdict, problem=problem, reply=f"{said}."
    )


def only(items: Sequence[Item], *, before: Said, now: Said) -> Changes:
    (found,) = changes(judged(items, now), judged(items, before))
    return found


def told(found: Changes) -> list[tuple[str, str, str, str]]:
    return [(change.item.id, change.move, *change.said) for change in found.changes]


def rows(found: Changes, about: str) -> dict[str, tuple[int, int, int, int, int]]:
    return {
        row.value: (row.before, row.now, row.worse, row.better, row.other) for row in table(found, about).rows
    }


def table(found: Changes, about: str) -> Table:
    return next(table for table in found.tables if table.about == about)


def test_right_to_wrong_stands_first_then_wrong_to_right_then_wrong_to_another_wrong() -> None:
    items = [pair(name, "A") for name in "abcde"]
    found = only(
        items,
        before={"a": "B", "b": "B", "c": "A", "d": "A", "e": "A"},
        now={"a": "tie", "b": "A", "c": "B", "d": "!refused", "e": "A"},
    )
    assert told(found) == [
        ("c", "worse", "A", "B"),
        ("d", "worse", "A", "refused"),
        ("b", "better", "B", "A"),
        ("a", "other", "B", "tie"),
    ]
    assert [found.count(move) for move in ("worse", "better", "other")] == [2, 1, 1]
    assert (found.compared, found.unpaired) == (5, 0)


def test_another_problem_is_another_wrong_and_the_same_one_is_no_change() -> None:
    items = [pair("a", "A"), pair("b", "A")]
    found = only(items, before={"a": "!refused", "b": "!refused"}, now={"a": "!malformed", "b": "!refused"})
    assert told(found) == [("a", "other", "refused", "malformed")]


def test_annotators_of_two_minds_make_both_verdicts_right() -> None:
    found = only([pair("a", ["A", "B"])], before={"a": "A"}, now={"a": "B"})
    assert found.changes == ()


def test_an_item_without_a_label_is_not_compared() -> None:
    assert changes(judged([pair("a", [])], {"a": "A"}), judged([pair("a", [])], {"a": "B"})) == ()


def test_items_that_only_one_judge_has_are_counted_and_left_out() -> None:
    items = [pair(name, "A") for name in "abc"]
    found = only(items, before={"a": "A", "b": "A"}, now={"a": "B", "c": "A"})
    assert (found.compared, found.unpaired) == (1, 2)


def test_a_score_tells_its_move_in_points() -> None:
    found = only([score("a", 4), score("b", 4)], before={"a": 4, "b": 2}, now={"a": 2, "b": "!malformed"})
    assert [(change.item.id, change.move, change.points) for change in found.changes] == [
        ("a", "worse", -2.0),
        ("b", "other", None),
    ]


def test_each_criterion_is_told_by_itself_and_one_left_out_is_malformed() -> None:
    items = [score("a", {"detail": [5], "tone": [1]})]
    before, now = {"a": {"detail": 5, "tone": 2}}, {"a": {"tone": 1}}
    found = changes(judged(items, now), judged(items, before))
    assert [(each.task, each.criterion, told(each)) for each in found] == [
        ("score", "detail", [("a", "worse", "5", "malformed")]),
        ("score", "tone", [("a", "better", "2", "1")]),
    ]


def test_a_ranking_moves_farther_or_nearer_by_its_distance() -> None:
    items = [batch(name, "ABCD") for name in "abcd"]
    found = only(
        items,
        before={"a": "ABCD", "b": "ABDC", "c": "ABDC", "d": "DCBA"},
        now={"a": "!truncated", "b": "ABCD", "c": "ACBD", "d": "DCBA"},
    )
    assert [(change.item.id, change.move, change.distances) for change in found.changes] == [
        ("a", "worse", (0.0, 1.0)),
        ("b", "better", (0.5, 0.0)),
        ("c", "other", (0.5, 0.5)),
    ]


@pytest.mark.parametrize(
    ("before", "now", "noise"),
    [
        ("A", "B", None),
        (["A", "A"], ["B", "B"], False),
        (["A", "A"], ["B", "A"], True),
        (["A", "B"], ["B", "B"], True),
        (["A", "A"], ["B", "tie"], False),
        (["A", "A"], "B", None),
        (["A", "B"], "B", True),
    ],
    ids=["once", "steady", "new wavers", "old wavers", "wrong each time", "one asked once", "told by one"],
)
def test_noise_is_what_asking_again_also_produces(before: Any, now: Any, noise: bool | None) -> None:
    found = only([pair("a", "A")], before={"a": before}, now={"a": now})
    assert [change.noise for change in found.changes] == [noise]


def test_noise_is_counted_only_where_repeats_can_tell_it() -> None:
    items = [pair(name, "A") for name in "abc"]
    once = only(items, before=dict.fromkeys("abc", "A"), now=dict.fromkeys("abc", "B"))
    assert (once.repeats, once.noise) == (False, None)
    twice = only(
        items, before={name: ["A", "A"] for name in "abc"}, now={"a": ["B", "A"], "b": ["B", "B"], "c": ["A"]}
    )
    assert (twice.repeats, twice.noise) == (True, 1)
    assert [change.item.id for change in twice.changes] == ["b", "a"]


def test_a_swapped_order_is_no_other_ask() -> None:
    item = pair("a", "A")
    now, before = judged([item], {"a": "B"}), judged([item], {"a": "A"})
    swapped = Judgement(item=item, judge="j", variant="swapped", verdict="A")
    (found,) = changes(now.like_these([swapped, *now]), before)
    assert told(found) == [("a", "worse", "A", "B")]
    assert found.noise is None


def test_changes_are_counted_by_source_slot_and_length_of_the_answer_preferred() -> None:
    items = [pair("a", "A", source="maps"), pair("b", "B", source="maps"), pair("c", "A"), pair("d", "A")]
    items.append(pair("e", "A", lengths=(4, 4)))
    before = {"a": "A", "b": "A", "c": "tie", "d": "A", "e": "A"}
    now = {"a": "B", "b": "B", "c": "A", "d": "!refused", "e": "A"}
    found = only(items, before=before, now=now)
    assert rows(found, "source") == {"maps": (2, 2, 1, 1, 0), "(none)": (3, 3, 1, 1, 0)}
    assert rows(found, "slot") == {
        "first": (4, 2, 0, 1, 0),
        "second": (0, 2, 1, 1, 0),
        "neither": (1, 0, 0, 0, 0),
        "no verdict": (0, 1, 1, 0, 0),
    }
    assert rows(found, "length") == {
        "longer": (0, 2, 1, 1, 0),
        "shorter": (3, 1, 0, 1, 0),
        "neither": (1, 0, 0, 0, 0),
        "no verdict": (0, 1, 1, 0, 0),
        "alike or not known": (1, 1, 0, 0, 0),
    }
    assert rows(found, "verdict") == {
        "A to B": (2, 2, 1, 1, 0),
        "A to refused": (1, 1, 1, 0, 0),
        "tie to A": (1, 1, 0, 1, 0),
    }
    assert [table.about for table in found.tables if table.moves] == ["slot", "length"]


def test_changes_are_counted_by_slot_and_length_of_the_answer_that_humans_prefer() -> None:
    items = [
        pair("a", "A"),
        pair("b", ["B", "B", "A"]),
        pair("c", ["A", "B"]),
        pair("d", "tie"),
        pair("e", "A", lengths=(4, 4)),
    ]
    before = {"a": "A", "b": "A", "c": "tie", "d": "A", "e": "A"}
    found = only(items, before=before, now={**dict.fromkeys("abcde", "B"), "e": "!refused"})
    assert rows(found, "human slot") == {
        "first": (2, 2, 2, 0, 0),
        "second": (1, 1, 0, 1, 0),
        "neither": (1, 1, 0, 0, 1),
        "no majority": (1, 1, 0, 1, 0),
    }
    assert rows(found, "human length") == {
        "longer": (1, 1, 0, 1, 0),
        "shorter": (1, 1, 1, 0, 0),
        "neither": (1, 1, 0, 0, 1),
        "no majority": (1, 1, 0, 1, 0),
        "alike or not known": (1, 1, 1, 0, 0),
    }


def test_scores_are_counted_by_the_length_of_the_response_in_thirds() -> None:
    items = [score(f"i{number}", 3, length=10 * number) for number in range(1, 10)]
    before = {item.id: 3 for item in items}
    found = only(items, before=before, now={**before, "i1": 4, "i9": 1})
    assert rows(found, "characters") == {
        "up to 30": (3, 3, 1, 0, 0),
        "31 to 60": (3, 3, 0, 0, 0),
        "more than 60": (3, 3, 1, 0, 0),
    }


def test_lengths_can_come_from_elsewhere_and_one_not_known_is_said() -> None:
    items = [score("a", 3), score("b", 3), score("c", 3)]
    known: dict[str, list[int | None]] = {"a": [1], "b": [None], "c": [9]}
    before, now = judged(items, dict.fromkeys("abc", 3)), judged(items, {"a": 3, "b": 4, "c": 3})
    (found,) = changes(now, before, lengths=lambda item: known[item.id])
    assert rows(found, "characters")["not known"] == (1, 1, 1, 0, 0)


def test_only_a_source_that_fares_otherwise_than_the_rest_stands_out() -> None:
    items = [pair(f"{source}-{n}", "A", source=source) for source in ("a", "b", "c") for n in range(40)]
    before = {item.id: "A" for item in items}
    evenly = {item.id: "B" if item.id.endswith("7") else "A" for item in items}
    assert table(only(items, before=before, now=evenly), "source").standing_out == ()
    one = {item.id: "B" if item.source == "b" and item.id[-1] in "135" else "A" for item in items}
    assert [row.value for row in table(only(items, before=before, now=one), "source").standing_out] == ["b"]


verdicts = st.sampled_from(["A", "B", "tie", "!refused", "!malformed"])


@given(st.lists(st.tuples(verdicts, verdicts, st.sampled_from(["A", "B", "tie"])), min_size=1, max_size=12))
def test_swapping_the_judges_swaps_worse_and_better(drawn: list[tuple[str, str, str]]) -> None:
    items = [pair(f"i{n}", human) for n, (*_, human) in enumerate(drawn)]
    old = {f"i{n}": before for n, (before, _, _) in enumerate(drawn)}
    new = {f"i{n}": now for n, (_, now, _) in enumerate(drawn)}
    there, back = only(items, before=old, now=new), only(items, before=new, now=old)
    assert there.count("worse") == back.count("better")
    assert there.count("other") == back.count("other")
    for each in there.tables:
        assert sum(row.worse for row in each.rows) == there.count("worse")
        assert sum(row.better for row in each.rows) == there.count("better")
    whole = [each for each in there.tables if each.about in ("slot", "length")]
    assert all(sum(row.now for row in each.rows) == len(items) for each in whole)


@given(st.lists(st.tuples(verdicts, verdicts), min_size=1, max_size=12))
def test_a_judge_against_itself_changes_nothing(drawn: list[tuple[str, str]]) -> None:
    items = [pair(f"i{n}", "A") for n in range(len(drawn))]
    said = {f"i{n}": list(asks) for n, asks in enumerate(drawn)}
    assert only(items, before=said, now=said).changes == ()
