"""What becomes of the answering models under another judge: rankings, proven reversals, corrected figures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.metrics.conclusions import Downstream, Ranking
from pytest_mllm_judge.metrics.downstream import downstream
from pytest_mllm_judge.model import Item, Judgement, Judgements, Tasks, Verdict

Asked = tuple[Item, Sequence[Verdict | None]]
"""An item, and its verdict in each repeat."""
BINARY = Tasks.model_validate({"score": {"scale": [0, 1]}})


def item(task: str, name: str, authors: Sequence[str | None], **more: Any) -> Item:
    responses = [{"text": str(place), "author": author} for place, author in enumerate(authors)]
    return Item.model_validate({"id": name, "task": task, "responses": responses, **more})


def judged(
    asked: Sequence[Asked], *, tasks: Tasks | None = None, cluster: Callable[[Item], str] | None = None
) -> Judgements:
    made = [
        Judgement(
            item=one,
            judge="j",
            repeat=repeat,
            verdict=verdict,
            problem="refused" if verdict is None else None,
        )
        for one, verdicts in asked
        for repeat, verdict in enumerate(verdicts)
    ]
    return Judgements(made, cluster_of=cluster or (lambda one: one.cluster or one.id), tasks=tasks or Tasks())


def compared(candidate: Sequence[Asked], baseline: Sequence[Asked], **options: Any) -> Downstream:
    found = downstream(judged(candidate, **options), judged(baseline, **options))
    assert found is not None
    return found


def only(found: Downstream) -> Ranking:
    (ranking,) = found.rankings
    return ranking


def figures(ranking: Ranking) -> dict[str, tuple[float | None, float | None]]:
    return {each.name: (each.candidate.value, each.baseline.value) for each in ranking.models}


def pairs(
    n: int, wins: int, *, first: str = "x", second: str = "y", lost: int = 0, **more: Any
) -> list[Asked]:
    """So many pairs, of which `first` wins the first `wins`; the last ones have no verdict."""
    return [
        (
            item("pair", f"{first}{second}-{place:03}", (first, second), **more),
            [None if place >= n - lost else "A" if place < wins else "B"],
        )
        for place in range(n)
    ]


def test_pairs_give_win_rates_where_a_tie_is_half_a_win() -> None:
    asked = [
        (item("pair", "1", ("x", "y")), ["A"]),
        (item("pair", "2", ("y", "x")), ["tie"]),
        (item("pair", "3", ("x", "z")), ["B"]),
    ]
    turned = [(one, ["B" if said == ["A"] else "A" if said == ["B"] else "tie"]) for one, said in asked]
    ranking = only(compared(asked, turned))
    assert (ranking.unit, ranking.items, ranking.missing) == ("win rate", 3, 0)
    assert figures(ranking) == {"x": (0.5, 0.5), "y": (0.25, 0.75), "z": (1.0, 0.0)}
    assert [(each.name, each.places) for each in ranking.models] == [
        ("z", (1, 3)),
        ("x", (2, 2)),
        ("y", (3, 1)),
    ]


def test_rankings_give_the_share_of_the_others_that_stand_below() -> None:
    asked = [(item("batch", "1", ("x", "y", "z")), ["BAC"]), (item("batch", "2", ("y", "x")), ["AB"])]
    ranking = only(compared(asked, asked))
    assert ranking.unit == "share of answers beaten"
    assert figures(ranking) == {"x": (0.25, 0.25), "y": (1.0, 1.0), "z": (0.0, 0.0)}


def test_scores_give_means_in_points_and_words_their_place_on_the_scale() -> None:
    asked = [(item("score", str(place), ("xy"[place % 2],)), [place]) for place in range(1, 5)]
    assert figures(only(compared(asked, asked))) == {"y": (2.0, 2.0), "x": (3.0, 3.0)}
    tasks = Tasks.model_validate({"score": {"scale": ["poor", "fair", "good"]}})
    words = [(one, [("poor", "fair", "good", "good")[said[0] - 1]]) for one, said in asked]
    assert figures(only(compared(words, words, tasks=tasks))) == {"y": (0.5, 0.5), "x": (0.75, 0.75)}


def test_each_task_and_each_criterion_has_a_ranking_of_its_own() -> None:
    scores: list[Asked] = [
        (
            item("score", f"s{place}", ("xy"[place % 2],), human={"look": 3, "text": 2}),
            [{"look": 4, "text": place}],
        )
        for place in (1, 2)
    ]
    found = compared([*pairs(4, 2), *scores], [*pairs(4, 2), *scores])
    assert [ranking.name for ranking in found.rankings] == ["score, look", "score, text", "pair"]


def test_asks_of_one_item_are_averaged_and_stay_one_item() -> None:
    asked: list[Asked] = [(item("pair", str(place), ("x", "y")), ["A", "A", "B"]) for place in range(12)]
    ranking = only(compared(asked, asked))
    assert ranking.items == 12
    some: list[Asked] = [(one, ["A", None, "B"]) for one, _ in asked]
    assert figures(only(compared(some, asked)))["x"][0] == 0.5
    assert list(figures(ranking)["x"]) == pytest.approx([2 / 3, 2 / 3])


def test_without_two_known_authors_there_is_nothing_to_say() -> None:
    unknown: list[Asked] = [(item("pair", "1", ("x", None)), ["A"]), (item("pair", "2", ("x", "x")), ["B"])]
    assert downstream(judged(unknown), judged(unknown)) is None
    alone: list[Asked] = [(item("score", "1", ("x",)), [3])]
    assert downstream(judged(alone), judged(alone)) is None
    assert downstream(judged([]), judged(alone)) is None
    both = only(compared([*unknown, *pairs(5, 3)], [*unknown, *pairs(5, 3)]))
    assert (both.items, both.unnamed) == (5, 2)


def test_items_that_one_judge_was_not_asked_about_and_a_probe_s_variants_count_for_nothing() -> None:
    padded = judged(pairs(10, 10)).like_these(
        [one.model_copy(update={"variant": "padded"}) for one in judged(pairs(20, 0))]
    )
    candidate = padded.like_these([*judged(pairs(10, 6)), *padded])
    found = downstream(candidate, judged(pairs(20, 6)))
    assert found is not None
    assert (only(found).items, figures(only(found))["x"]) == (10, (0.6, 0.6))


def test_an_item_without_a_verdict_is_left_out_of_both_judges_figures_and_counted() -> None:
    ranking = only(compared(pairs(20, 10, lost=5), pairs(20, 10)))
    assert (ranking.items, ranking.missing) == (15, 5)
    assert list(figures(ranking)["x"]) == pytest.approx([10 / 15, 10 / 15])
    assert ranking.lines()[0] == (
        "pair: win rate on 15 items, 5 left out for want of a verdict: "
        "1 x 0.667 (was 0.667) · 2 y 0.333 (was 0.333)"
    )


def test_a_reversal_is_proven_and_told() -> None:
    found = compared(pairs(100, 30), pairs(100, 70))
    (swing,) = found.proven
    assert (swing.first, swing.second) == ("x", "y")
    assert swing.candidate.value == pytest.approx(-0.4)
    assert swing.baseline.value == pytest.approx(0.4)
    assert swing.change.value == pytest.approx(-0.8)
    assert 0 < swing.p < 0.001
    assert found.lines() == [
        "pair: win rate on 100 items: 1 y 0.700 (was 0.300, place 2) · 2 x 0.300 (was 0.700, place 1)",
        "pair: proven reversals: x led y by 0.400, now trails by 0.400 (p below 0.001)",
        f"pair: largest change: x against y -0.800 ({swing.change.low:.3f} to {swing.change.high:.3f})",
    ]


def test_missing_verdicts_that_could_undo_a_reversal_leave_it_unproven() -> None:
    """Of those with a verdict the order turns as clearly; 40 refusals could be 40 wins of the other."""
    assert compared(pairs(100, 30), pairs(100, 70)).proven
    assert compared(pairs(105, 30, lost=5), pairs(105, 70, lost=5)).proven
    for lost_by_candidate, lost_by_baseline in ((40, 0), (0, 40)):
        candidate = pairs(140, 30, lost=lost_by_candidate)
        baseline = pairs(140, 70, lost=lost_by_baseline)
        ranking = only(compared(candidate, baseline))
        assert (ranking.items, ranking.missing, ranking.proven) == (100, 40, ())
    with_more = compared(pairs(100, 30, lost=40), pairs(100, 70))
    assert not with_more.proven


def test_nine_pictures_prove_nothing_and_say_why() -> None:
    def nine(wins: int) -> list[Asked]:
        return [(one.model_copy(update={"cluster": str(place % 9)}), said)
                for place, (one, said) in enumerate(pairs(90, wins))]  # fmt: skip

    swing = only(compared(nine(0), nine(90))).swings[0]
    assert (swing.p, swing.proven) == (1.0, False)
    assert swing.candidate.reason == "9 independent cluster(s), fewer than 10"


def test_every_pair_of_models_of_every_task_stands_in_one_family() -> None:
    """Alone a swing is proven whose p is .026; among four pairs of models it is not."""
    alone = compared(pairs(100, 39), pairs(100, 61))
    assert 0.0125 < only(alone).swings[0].p <= 0.05
    more = [
        *pairs(30, 15, first="u", second="v"),
        *[(item("score", f"s{n}", ("xy"[n % 2],)), [3]) for n in range(20)],
    ]
    many = compared([*pairs(100, 39), *more], [*pairs(100, 61), *more])
    assert sum(len(ranking.swings) for ranking in many.rankings) == 7
    assert not many.proven
    among = next(
        s for r in many.rankings if r.task == "pair" for s in r.swings if (s.first, s.second) == ("x", "y")
    )
    assert among.p == pytest.approx(7 * only(alone).swings[0].p)


def test_a_verdict_of_another_scale_is_no_verdict() -> None:
    asked: list[Asked] = [(item("score", f"{n:02}", ("xy"[n % 2],)), [3]) for n in range(20)]
    strange: list[Asked] = [
        (one, ["good" if n < 2 else 9 if n < 4 else 3]) for n, (one, _) in enumerate(asked)
    ]
    ranking = only(compared(asked, strange))
    assert (ranking.items, ranking.missing) == (16, 4)


def test_it_is_plain_data_and_says_at_most_eight_lines() -> None:
    scores = [(item("score", f"s{n:02}", ("xy"[n % 2],), human=2), [1 + n % 5]) for n in range(40)]
    batches = [(item("batch", f"b{n:02}", ("x", "y", "z"), human="ABC"), ["ABC"]) for n in range(20)]
    asked: list[Asked] = [*pairs(40, 20, human="A"), *scores, *batches]
    found = compared(asked, asked)
    plain = found.plain()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    assert [len(ranking["models"]) for ranking in plain["rankings"]] == [2, 2, 3]
    assert len(found.lines(most=None)) == 12
    assert len(found.lines()) == 6
    assert found.lines(most=2) == [found.rankings[0].lines()[0], "2 more rankings"]


def test_many_models_are_told_by_the_first_few() -> None:
    asked: list[Asked] = [(item("score", f"{n:03}", (f"m{n % 7}",)), [1 + n % 7 % 5]) for n in range(70)]
    line = only(compared(asked, asked)).lines()[0]
    assert line.startswith("score: mean score on 70 items: 1 m4 5.000 (was 5.000)")
    assert line.endswith(" · 3 more")


WON = st.lists(st.sampled_from(["A", "B", "tie", None]), min_size=12, max_size=40)


@given(old=WON, new=WON, order=st.randoms())
@settings(max_examples=40, deadline=None)
def test_order_changes_nothing_and_exchanging_the_judges_exchanges_the_figures(
    old: list[str | None], new: list[str | None], order: Any
) -> None:
    n = min(len(old), len(new))
    items = [item("pair", f"{place:02}", ("xyz"[place % 3], "xyz"[(place + 1) % 3])) for place in range(n)]
    before = [(one, [said]) for one, said in zip(items, old, strict=False)]
    now = [(one, [said]) for one, said in zip(items, new, strict=False)]
    forth, back = compared(now, before), compared(before, now)
    mixed = list(now)
    order.shuffle(mixed)
    assert compared(mixed, before) == forth
    assert [(s.first, s.second, s.candidate, s.baseline, s.proven) for s in only(forth).swings] == [
        (s.first, s.second, s.baseline, s.candidate, s.proven) for s in only(back).swings
    ]
    assert [s.p for s in only(forth).swings] == pytest.approx([s.p for s in only(back).swings])
    assert {(m.name, m.places) for m in only(forth).models} == {
        (m.name, m.places[::-1]) for m in only(back).models
    }


def test_the_same_judge_asked_again_hardly_ever_reverses_an_order() -> None:
    """60 runs of six equally good models on 300 pairs: a reversal in 5 % of runs at most (nearly none)."""
    random = np.random.default_rng(3)
    names = [f"m{place}" for place in range(6)]
    items = [
        item("pair", f"{place:03}", random.choice(names, 2, replace=False).tolist()) for place in range(300)
    ]

    def run() -> list[Asked]:
        return [
            (one, [said]) for one, said in zip(items, random.choice(["A", "B"], 300).tolist(), strict=True)
        ]

    assert sum(bool(compared(run(), run()).proven) for _ in range(60)) <= 1


def test_a_real_swing_is_found_through_judgements() -> None:
    """.70 against .60, then .60 against .70, on 1,000 answers each: found in 99 % of runs."""
    random = np.random.default_rng(4)

    def run(first: float, second: float) -> list[Asked]:
        return [
            (
                item("score", f"{author}-{place:04}", (author,), cluster=str(place)),
                [int(random.random() < share)],
            )
            for place in range(1000)
            for author, share in (("x", first), ("y", second))
        ]

    found = [compared(run(0.6, 0.7), run(0.7, 0.6), tasks=BINARY).proven for _ in range(4)]
    assert sum(map(bool, found)) >= 3
