"""Several judges on one benchmark: best first, and who can't be told from whom."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar  # type: ignore[import-untyped]

from pytest_mllm_judge import Item, Judgement, Judgements
from pytest_mllm_judge.metrics.letters import letters
from pytest_mllm_judge.metrics.standings import Standings, standings
from pytest_mllm_judge.model import Response
from pytest_mllm_judge.statistics import holm

from .figures import Row, by_id, judged, tasks_of
from .several_judges import alarms, drawn, finds

NAMES = "abcdefgh"
SETS = 80


def table(**rows: Sequence[Row]) -> Standings:
    """The table of pair judges, each given as rows."""
    (found,) = standings({name: judged("pair", some, judge=name) for name, some in rows.items()})
    return found


def right(number: int, *, of: int = 40) -> list[Row]:
    """So many of the first pairs right, the rest wrong."""
    return [("A", "A" if place < number else "B") for place in range(of)]


def order(found: Standings) -> list[str]:
    return [standing.judge for standing in found.judges]


def drawn_table(seed: int, accuracies: Sequence[float] = (0.9, 0.8, 0.8, 0.5)) -> dict[str, Judgements]:
    return drawn(np.random.default_rng(seed), list(accuracies))


def test_five_equal_judges_are_told_apart_in_few_runs() -> None:
    """A rate of 5.5 % shows more than this in 1 of 100 simulations; 10,000 data sets are in the docs."""
    assert alarms(SETS, seed=7) <= binom.ppf(0.99, SETS, 0.055)


def test_one_clearly_worse_judge_is_told_apart_from_all_others() -> None:
    assert finds(12, seed=11) >= 11


def test_the_best_stands_first_and_those_with_one_letter_are_not_told_apart() -> None:
    found = table(poor=right(10), good=right(38), better=right(39))
    assert order(found) == ["better", "good", "poor"]
    assert [standing.letters for standing in found.judges] == ["a", "a", "b"]
    assert [standing.like for standing in found.judges] == [("good",), ("better",), ()]
    assert found.between("better", "poor").apart
    assert not found.between("better", "good").apart


def test_a_lower_distance_stands_first() -> None:
    rows: dict[str, list[Row]] = {"far": [("ABCD", "DCBA")] * 30, "near": [("ABCD", "ABCD")] * 30}
    (found,) = standings({name: judged("batch", some, judge=name) for name, some in rows.items()})
    assert (found.name, order(found)) == ("batch.distance", ["near", "far"])


def test_equal_judges_stand_by_name_and_differ_by_nothing() -> None:
    found = table(second=right(30), first=right(30))
    (difference,) = found.differences
    assert order(found) == ["first", "second"]
    assert (difference.p, difference.apart) == (1.0, False)


def test_the_p_value_is_that_of_mcnemars_score_test() -> None:
    """Tango's interval just touches 0 where the score test's z does: statsmodels' without correction."""
    ours = [("A", "B" if 30 <= place < 42 else "A") for place in range(100)]
    theirs = [("A", "B" if place < 5 else "A") for place in range(100)]
    (difference,) = table(ours=ours, theirs=theirs).differences
    outside = mcnemar([[83, 12], [5, 0]], exact=False, correction=False).pvalue
    assert difference.p == pytest.approx(outside, rel=1e-9)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=5, deadline=None)
def test_two_judges_are_told_apart_exactly_where_their_interval_excludes_zero(seed: int) -> None:
    (difference,) = standings(drawn_table(seed, (0.9, 0.8)))[0].differences
    assert difference.estimate is not None
    at = difference.estimate.at(0.975)
    assert at.low is not None
    assert at.high is not None
    assert difference.apart == (at.low > 0 or at.high < 0)


@given(seed=st.integers(0, 2**32 - 1), places=st.permutations(range(4)))
@settings(max_examples=5, deadline=None)
def test_the_order_in_which_judges_are_named_changes_nothing(seed: int, places: list[int]) -> None:
    judges = drawn_table(seed)
    names = list(judges)
    again = {names[place]: judges[names[place]] for place in places}
    assert [each.plain() for each in standings(again)] == [each.plain() for each in standings(judges)]


def test_every_pair_of_every_table_is_corrected_for() -> None:
    rng = np.random.default_rng(3)
    pairs = drawn(rng, [0.8, 0.7, 0.6])
    both = {}
    for name, some in pairs.items():
        scores = [(place % 5 + 1, int(rng.integers(1, 6))) for place in range(40)]
        both[name] = some.like_these([*some, *judged("score", scores, judge=name)])
    tables = standings(both)
    differences = [each for found in tables for each in found.differences]
    assert [found.name for found in tables] == ["score.pearson", "pair.accuracy"]
    assert len(differences) == 6
    assert [each.p_holm for each in differences] == holm([each.p or 0.0 for each in differences])


def test_of_too_few_clusters_nothing_is_told_apart_and_the_reason_is_given() -> None:
    found = table(good=right(8, of=8), poor=right(0, of=8))
    (difference,) = found.differences
    assert (difference.p, difference.p_holm, difference.apart) == (None, 1.0, False)
    assert difference.reason == "8 independent cluster(s), fewer than 10"
    assert [standing.letters for standing in found.judges] == ["a", "a"]


def test_items_that_only_some_judges_were_asked_about_are_left_out_of_their_pairs_and_counted() -> None:
    found = table(all=right(35), some=right(15, of=25))
    (difference,) = found.differences
    assert [standing.estimate.items for standing in found.judges] == [40, 25]
    assert difference.estimate is not None
    assert (difference.estimate.items, difference.estimate.unpaired) == (25, 15)
    assert difference.estimate.value == pytest.approx(10 / 25)


def test_judges_without_a_common_item_have_no_difference() -> None:
    here = judged("pair", right(20), judge="here")
    there = judged("pair", right(20), judge="there")
    halves = {"here": here.like_these(here[:20]), "there": there.like_these(there[20:])}
    (difference,) = standings(halves)[0].differences
    assert difference.estimate is None
    assert difference.reason == "no item that both were asked about"


def test_judges_asked_differently_often_are_paired_on_the_common_asks() -> None:
    once = judged("pair", right(30), judge="once")
    thrice = judged("pair", [row for row in right(20) for _ in range(3)], judge="thrice", repeats=3)
    (difference,) = standings({"once": once, "thrice": thrice})[0].differences
    assert difference.estimate is not None
    assert (difference.estimate.n, difference.estimate.unpaired) == (40, 80)
    assert difference.estimate.value == pytest.approx(10 / 40)


def test_a_judge_can_not_gain_by_refusing() -> None:
    honest = right(28)
    coy = [(human, verdict if verdict == "A" else None) for human, verdict in right(28)]
    found = table(coy=coy, honest=honest)
    assert [standing.estimate.value for standing in found.judges] == [0.7, 0.7]
    assert [standing.problems.value for standing in found.judges] == [0.3, 0.0]
    assert not found.differences[0].apart


def test_each_criterion_has_its_table() -> None:
    labels = ({"looks": (place % 5 + 1,), "fits": (3 - place % 3,)} for place in range(30))
    items = [
        Item(id=f"i{place:02}", task="score", responses=(Response(text="x"),), human=human)
        for place, human in enumerate(labels)
    ]
    judges = {
        name: Judgements(
            [
                Judgement(item=item, judge=name, verdict={"looks": n % 5 + 1, "fits": 1 + n % 2})
                for n, item in enumerate(items)
            ],
            cluster_of=by_id,
            tasks=tasks_of((1, 2, 3, 4, 5)),
        )
        for name in ("one", "two")
    }
    named = [found.name for found in standings(judges)]
    assert named == ["score.pearson (criterion fits)", "score.pearson (criterion looks)"]


def test_a_scale_of_words_is_ranked_by_accuracy() -> None:
    tasks = tasks_of(("poor", "fair", "good"))
    rows: Mapping[str, list[Row]] = {"a": [("fair", "fair")] * 20, "b": [("fair", "good")] * 20}
    (found,) = standings(
        {name: judged("score", some, judge=name, tasks=tasks) for name, some in rows.items()}
    )
    assert found.name == "score.accuracy"


def test_one_judge_and_items_without_a_label_make_no_table() -> None:
    unlabelled: list[Row] = [((), "A")] * 20
    assert standings({"only": judged("pair", right(20))}) == ()
    assert standings({name: judged("pair", unlabelled, judge=name) for name in ("one", "two")}) == ()


def test_cost_and_latency_are_means_of_what_is_known() -> None:
    made = judged("pair", right(20, of=20), judge="dear")
    known = [{"cost": 0.1, "latency": 1.0}, {"cost": 0.3}]
    told = [each.model_copy(update=known[place] if place < 2 else {}) for place, each in enumerate(made)]
    found = standings({"dear": made.like_these(told), "free": judged("pair", right(10, of=20), judge="free")})
    dear, free = found[0].judges
    assert dear.cost == pytest.approx(0.2)
    assert dear.latency == 1.0
    assert (free.cost, free.latency) == (None, None)


def test_a_table_is_plain_data() -> None:
    (found,) = standings(drawn_table(5))
    assert json.loads(json.dumps(found.plain())) == found.plain()


def test_overlapping_groups_have_letters_of_their_own() -> None:
    """a is told from c only: a and b share a letter, b and c share the other."""
    assert letters("abc", [("a", "c")]) == {"a": "a", "b": "ab", "c": "b"}
    assert letters("abc", []) == {"a": "a", "b": "a", "c": "a"}
    assert letters("abc", combinations("abc", 2)) == {"a": "a", "b": "b", "c": "c"}
    assert letters("", []) == {}


def test_after_z_letters_are_numbered() -> None:
    names = [f"j{number}" for number in range(28)]
    found = letters(names, combinations(names, 2))
    assert [found[name] for name in names[-3:]] == ["z", "a1", "b1"]


@given(st.sets(st.sampled_from(list(combinations(NAMES, 2)))))
@settings(max_examples=60, deadline=None)
def test_two_share_a_letter_exactly_where_they_are_not_told_apart(apart: set[tuple[str, str]]) -> None:
    found = letters(NAMES, sorted(apart))
    for first, second in combinations(NAMES, 2):
        assert bool(set(found[first]) & set(found[second])) == ((first, second) not in apart)
    assert all(found.values())
