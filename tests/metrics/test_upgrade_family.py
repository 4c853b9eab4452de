"""All comparisons of two judges at once: what holds, what regressed, and how many ask at the same time."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.metrics import check_named
from pytest_mllm_judge.metrics.upgrade import Comparison, check_upgrade, compare, comparisons
from pytest_mllm_judge.model import Item, Judgement, Judgements, Label, Response, Tasks
from pytest_mllm_judge.statistics import holm

ANSWER = Response(text="An answer.")


def score(number: int, **fields: object) -> Item:
    return Item(
        id=f"s{number:03}",
        task="score",
        responses=(ANSWER,),
        human=(1 + number % 5,),
        source=f"source-{number % 4}",
        fields=dict(fields),
    )


def pair(number: int) -> Item:
    return Item(id=f"p{number:03}", task="pair", responses=(ANSWER, ANSWER), human=("AB"[number % 2],))


def judged(items: Sequence[Item], say: Callable[[Item], Label | None]) -> Judgements:
    made = []
    for item in items:
        verdict = say(item)
        problem = "refused" if verdict is None else None
        made.append(Judgement(item=item, judge="j", verdict=verdict, problem=problem))
    return Judgements(made, cluster_of=lambda item: item.id, tasks=Tasks())


def moved(points: int) -> Callable[[Item], Label]:
    """A judge that gives every third score so many points more than humans."""

    def say(item: Item) -> Label:
        human = int(item.labels()[0])
        return min(5, max(1, human + (points if int(item.id[1:]) % 3 == 0 else 0)))

    return say


def comparison(name: str, margin: float | None = None, *, decides: bool = True) -> Comparison:
    check = check_named(name)
    return Comparison(check=check, margin=margin or check.margin, confidence=0.95, decides=decides)


SCORES = [score(number) for number in range(300)]


def test_a_judge_compared_with_itself_holds_by_everything_and_regressed_by_nothing() -> None:
    same = judged(SCORES, moved(1))
    everything = [
        comparison("score.pearson", 0.1),
        comparison("problems.rate"),
        comparison("score.leniency"),
        comparison("score.scale_use"),
    ]
    upgrade = compare(everything, same, same, slices=["source"])
    assert {each.outcome for each in upgrade.compared if each.slice is None} == {"holds"}
    assert upgrade.regressed == ()
    assert len(upgrade.compared) == 4 + 4 * 4


@pytest.mark.parametrize(
    ("candidate", "baseline", "outcome", "regressed"),
    [
        (2, 0, "fails", True),
        (-2, 0, "fails", True),
        (2, 1, "undecided", True),
        (1, 2, "holds", False),
        (0, 2, "holds", False),
        (0, -2, "holds", False),
        (-1, 1, "holds", False),
        (-2, 1, "undecided", True),
        (2, -1, "undecided", True),
    ],
    ids=str,
)
def test_leniency_regresses_by_moving_away_from_humans_to_either_side(
    candidate: int, baseline: int, outcome: str, regressed: bool
) -> None:
    ours, theirs = judged(SCORES, moved(candidate)), judged(SCORES, moved(baseline))
    (found,) = compare([comparison("score.leniency", 0.2)], ours, theirs).compared
    assert (found.outcome, found.regressed) == (outcome, regressed)


def test_using_fewer_points_of_the_scale_is_a_regression_and_using_more_is_none() -> None:
    wide, narrow = judged(SCORES, moved(0)), judged(SCORES, lambda item: min(3, int(item.labels()[0])))
    by = [comparison("score.scale_use")]
    assert compare(by, narrow, wide).compared[0].outcome == "fails"
    assert compare(by, narrow, wide).compared[0].regressed
    assert compare(by, wide, narrow).compared[0].outcome == "holds"
    assert not compare(by, wide, narrow).compared[0].regressed


def test_more_refusals_are_a_regression_of_their_own() -> None:
    refusing = judged(SCORES, lambda item: None if item.id < "s040" else item.labels()[0])
    (found,) = compare([comparison("problems.rate")], refusing, judged(SCORES, moved(0))).compared
    assert (found.outcome, found.regressed) == ("fails", True)


def test_a_fault_in_one_slice_is_named_and_decides_nothing() -> None:
    def worse_in_one(item: Item) -> Label:
        human = int(item.labels()[0])
        return 6 - human if item.source == "source-2" and int(item.id[1:]) % 8 == 2 else human

    ours, theirs = judged(SCORES, worse_in_one), judged(SCORES, moved(0))
    upgrade = compare([comparison("score.accuracy", 0.2)], ours, theirs, slices=["source"])
    assert [each.name for each in upgrade.regressed] == ["score.accuracy", "score.accuracy [source source-2]"]
    assert [(each.name, each.outcome) for each in upgrade.compared if each.decides] == [
        ("score.accuracy", "holds")
    ]


def test_p_values_are_corrected_for_the_whole_family_and_not_for_what_has_no_margin() -> None:
    ours, theirs = judged(SCORES, moved(1)), judged(SCORES, moved(0))
    by = [comparison("score.accuracy", 0.2), comparison("score.leniency"), comparison("score.mae")]
    found = compare(by, ours, theirs, slices=["source"]).compared
    members = [each for each in found if each.claim is not None]
    assert [each.name for each in found if each.claim is None] == [
        "score.mae",
        *(f"score.mae [source source-{number}]" for number in range(4)),
    ]
    assert [each.p_holm for each in members] == holm([1.0 if each.p is None else each.p for each in members])
    assert not any(each.regressed for each in found if each.claim is None)


@given(
    seed=st.integers(0, 10_000),
    wrong=st.integers(0, 25),
    name=st.sampled_from(["score.accuracy", "score.mae"]),
)
def test_alone_it_regressed_exactly_where_the_interval_lies_beyond_zero(
    seed: int, wrong: int, name: str
) -> None:
    lots = random.Random(seed)
    bad = set(lots.sample([item.id for item in SCORES[:60]], wrong))
    other = set(lots.sample([item.id for item in SCORES[:60]], 5))
    ours = judged(SCORES[:60], lambda item: 1 if item.id in bad else item.labels()[0])
    theirs = judged(SCORES[:60], lambda item: 2 if item.id in other else item.labels()[0])
    (found,) = compare([comparison(name, 0.3)], ours, theirs).compared
    interval = found.estimates.difference.counted
    beyond = False
    if not interval.reason and interval.low is not None and interval.high is not None:
        beyond = interval.high < 0 if name == "score.accuracy" else interval.low > 0
    assert found.regressed == beyond


def test_a_deciding_comparison_without_a_common_item_is_undecided_and_says_why() -> None:
    ours, theirs = judged(SCORES[:50], moved(0)), judged(SCORES[50:], moved(0))
    (found,) = compare([comparison("score.accuracy", 0.1)], ours, theirs).compared
    assert found.claim is not None
    assert found.claim.explain().splitlines() == [
        "undecided: score.accuracy, difference may or may not be at least -0.1",
        "  seen      undefined  (no interval; 0 judgements; none)",
        "  settle    nothing is decided: the two have no item in common, so there is no paired difference",
    ]
    assert found.p is None
    assert not found.regressed


def test_what_does_not_decide_and_has_nothing_to_be_measured_by_is_left_out() -> None:
    pairs = judged([pair(number) for number in range(60)], lambda item: item.labels()[0])
    by = [comparison("pair.accuracy", 0.1), comparison("score.leniency", decides=False)]
    assert [each.name for each in compare(by, pairs, pairs).compared] == ["pair.accuracy"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = [item.to_json() for item in SCORES]
    (tmp_path / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def manifest(folder: Path, text: str) -> Path:
    head = 'format = "mllm-judge/1"\nname = "b"\nitems = "items.jsonl"\n'
    (folder / "benchmark.toml").write_text(head + text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("table", "deciding"),
    [
        ("", {"score.pearson": 0.05}),
        ("[upgrade]\nmargin = 0.1\n", {"score.pearson": 0.1}),
        ("[upgrade]\nmargin = { score = 0.1 }\n", {"score.pearson": 0.1}),
        ("[upgrade]\nmargin = { pair = 0.1 }\n", {"score.pearson": 0.05}),
        ('[upgrade]\nmargin = { "problems.rate" = 0.02 }\n', {"score.pearson": 0.05, "problems.rate": 0.02}),
        (
            '[upgrade]\nmargin = { score = 0.1, "score.leniency" = 0.3 }\n',
            {"score.pearson": 0.1, "score.leniency": 0.3},
        ),
        (
            '[gates.few]\ncheck = "problems.rate"\nat_most = 0.1\n[upgrade]\nmargin = 0.2\n',
            {"score.pearson": 0.2},
        ),
        ('[upgrade]\nmargin = { "score.kappa" = 0.1 }\n', {"score.kappa": 0.1}),
        (
            "[upgrade]\nmargin = { 'score.kappa' = 0.1, score = 0.2 }\n",
            {"score.pearson": 0.2, "score.kappa": 0.1},
        ),
        ('[upgrade]\nmargin = { "score.leniency" = 0.3 }\n', {"score.pearson": 0.05, "score.leniency": 0.3}),
    ],
)
def test_what_the_benchmark_names_decides(folder: Path, table: str, deciding: dict[str, float]) -> None:
    found = comparisons(load(manifest(folder, table)))
    assert {each.name: each.margin for each in found if each.decides} == {"problems.rate": 0.05} | deciding


def test_properties_that_it_does_not_name_are_shown_with_their_own_margins(folder: Path) -> None:
    found = comparisons(load(manifest(folder, "[probes]\nrepeat = 3\n")))
    assert {each.name: each.margin for each in found if not each.decides} == {
        "score.leniency": 0.25,
        "score.scale_use": 0.5,
        "consistency.repeats": 0.05,
        "cost.mean": None,
        "latency.mean": None,
    }


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            'margin = { "score.pearsn" = 0.1 }',
            "[upgrade]: there is no check 'score.pearsn'; did you mean 'score.pearson' or ",
        ),
        (
            'margin = { "pair.kappa" = 0.1 }',
            "[upgrade]: pair.kappa is about pair items, and this benchmark has none",
        ),
        ('slices = ["sauce"]', "[upgrade]: no item here has a field 'sauce'; did you mean 'source'?"),
        (
            'margin = { "score.pearson" = 0.0001 }',
            "[upgrade]: no judge could be called not worse by score.pearson with a margin of 0.0001 on these "
            "300 items, not even the baseline itself",
        ),
    ],
)
def test_a_table_that_makes_no_sense_is_told_before_anything_is_asked(
    folder: Path, table: str, told: str
) -> None:
    with pytest.raises(BenchmarkError) as caught:
        check_upgrade(load(manifest(folder, f"[upgrade]\n{table}\n")))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("scale", "margins"),
    [
        ("[1, 2, 3, 4, 5]", {"score.leniency": 0.25, "score.scale_use": 0.5}),
        ("[1, 2, 3, 4, 5, 6, 7, 8, 9]", {"score.leniency": 0.5, "score.scale_use": 0.9}),
    ],
)
def test_margins_of_the_scale_grow_with_it(folder: Path, scale: str, margins: dict[str, float]) -> None:
    found = comparisons(load(manifest(folder, f"[score]\nscale = {scale}\n")))
    assert {each.name: each.margin for each in found if each.name in margins} == margins


def test_the_rate_of_problems_decides_where_the_benchmark_can_show_its_margin(folder: Path) -> None:
    def decides(items: int) -> bool:
        lines = [item.to_json() for item in SCORES[:items]]
        (folder / "items.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        found = comparisons(load(manifest(folder, "")))
        return next(each.decides for each in found if each.name == "problems.rate")

    assert (decides(51), decides(52)) == (False, True)


def test_a_judge_whose_latencies_are_partly_lost_is_not_called_fast() -> None:
    def timed(seconds: Callable[[int], float | None]) -> Judgements:
        made = [
            Judgement(item=item, judge="j", verdict=3, latency=seconds(number))
            for number, item in enumerate(SCORES)
        ]
        return Judgements(made, cluster_of=lambda item: item.id, tasks=Tasks())

    before = timed(lambda number: 1.0 + number % 7)
    faster = timed(lambda number: 0.5 + number % 5)
    lost = timed(lambda number: None if number % 2 else 0.5 + number % 5)
    by = [comparison("latency.mean", 0.5)]
    assert compare(by, faster, before).compared[0].outcome == "holds"
    (found,) = compare(by, lost, before).compared
    assert found.outcome == "undecided"
    assert found.claim is not None
    assert "nothing is decided: 150 judgements lack a latency" in found.claim.explain()
    assert found.p is None


def test_items_without_a_majority_are_told_in_a_difference() -> None:
    split = [item.model_copy(update={"human": (1, 2)}) for item in SCORES[:100]]
    items = [*split, *SCORES[100:]]
    same = judged(items, lambda item: item.labels()[0])
    (found,) = compare([comparison("score.accuracy", 0.1)], same, same).compared
    assert found.claim is not None
    assert "  left out  100 without a human label or majority" in found.claim.explain().splitlines()


def test_fixed_items_that_are_asked_once_are_told_before_anything_is_asked(folder: Path) -> None:
    with pytest.raises(BenchmarkError, match='with population = "fixed" only asking again tells'):
        check_upgrade(load(manifest(folder, 'population = "fixed"\n')))
    check_upgrade(load(manifest(folder, 'population = "fixed"\n[probes]\nrepeat = 3\n')))


def test_what_one_side_was_not_asked_leaves_the_other_comparisons_as_they_are() -> None:
    pairs = judged([pair(number) for number in range(80)], lambda item: item.labels()[0])
    by = [comparison("pair.accuracy", 0.1), comparison("consistency.orders")]
    accuracy, orders = compare(by, pairs, pairs).compared
    assert (accuracy.outcome, orders.outcome) == ("holds", "undecided")
    assert orders.claim is not None
    assert "say [probes] position = true" in orders.claim.explain()


def test_without_a_human_label_nothing_decides_and_that_is_told(folder: Path) -> None:
    bare = [item.model_copy(update={"human": ()}).to_json() for item in SCORES]
    (folder / "items.jsonl").write_text("\n".join(bare) + "\n", encoding="utf-8")
    with pytest.raises(
        BenchmarkError, match="no item has a human label, so nothing here says which judge is"
    ):
        check_upgrade(load(manifest(folder, "")))
    found = comparisons(load(manifest(folder, '[upgrade]\nmargin = { "problems.rate" = 0.05 }\n')))
    assert [each.name for each in found if each.decides] == ["problems.rate"]
