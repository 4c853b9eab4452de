"""Krippendorff's alpha with a judge's repeats as raters."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Item, Judgement, Judgements, consistency
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Label, Tasks
from pytest_mllm_judge.statistics.coincidence import Level
from tests.metrics.asked_often import LOST, asked
from tests.metrics.figures import FEW, tasks_of

SCORES = [(1, 1, 2), (3, 3, 3), (5, 4, 5), (2, 4, 3), (1, 2, 1), (4, 4, 4), (5, 5, 3), (2, 2, 2)] * 3


def scored(rows: Sequence[Sequence[Label | None]], *, scale: Sequence[Label] = (1, 2, 3, 4, 5)) -> Judgements:
    """Each row is what was said of one answer, repeat by repeat; None is a problem."""
    found = []
    for number, row in enumerate(rows):
        item = Item.model_validate({"id": f"s{number:03}", "task": "score", "responses": [{"text": "one"}]})
        for repeat, said in enumerate(row):
            answer = {"problem": "refused"} if said is None else {"verdict": said}
            made = {"item": item, "judge": "j", "repeat": repeat, **answer}
            found.append(Judgement.model_validate(made))
    return Judgements(found, cluster_of=lambda item: item.id, tasks=tasks_of(scale))


def by_package(rows: Sequence[Sequence[float]], level: str) -> float:
    package = import_module("krippendorff")
    return float(package.alpha(reliability_data=np.array(rows).T.tolist(), level_of_measurement=level))


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_of_scores_it_is_what_the_package_krippendorff_has(level: Level) -> None:
    assert consistency.alpha(scored(SCORES), level=level).value == pytest.approx(by_package(SCORES, level))


def test_numbers_are_taken_as_numbers_and_words_by_their_order() -> None:
    assert consistency.alpha(scored(SCORES)).value == pytest.approx(by_package(SCORES, "interval"))
    words = ("awful", "poor", "fair", "good", "great")
    rows = [[words[int(said) - 1] for said in row] for row in SCORES]
    assert consistency.alpha(scored(rows, scale=words)).value == pytest.approx(by_package(SCORES, "ordinal"))


def test_pairs_are_nominal() -> None:
    rng = np.random.default_rng(5)
    places = np.where(rng.random((60, 6)) < 0.6, np.arange(60)[:, None] % 3, rng.integers(3, size=(60, 6)))
    judgements = asked([tuple(("A", "B", "tie")[place] for place in row) for row in places.tolist()])
    estimate = consistency.alpha(judgements)
    assert estimate.value == pytest.approx(by_package(places.tolist(), "nominal"))
    assert (estimate.n, estimate.items, estimate.clusters, estimate.repeats) == (360, 60, 60, 6)
    assert estimate.counted.method == "jackknife-t, arctanh"


def test_the_interval_is_the_jackknife_over_pictures_on_the_arctanh_scale() -> None:
    """Written out again: alpha without each item, from the package, and t with G - 1 degrees."""
    estimate = consistency.alpha(scored(SCORES))
    rest = [by_package([*SCORES[:out], *SCORES[out + 1 :]], "interval") for out in range(len(SCORES))]
    curved = np.arctanh(rest)
    groups = len(SCORES)
    error = np.sqrt((groups - 1) / groups * ((curved - curved.mean()) ** 2).sum())
    reach = import_module("scipy.stats").t.ppf(0.95, groups - 1) * error
    centre = np.arctanh(by_package(SCORES, "interval"))
    assert estimate.low == pytest.approx(float(np.tanh(centre - reach)))
    assert estimate.high == pytest.approx(float(np.tanh(centre + reach)))


def test_a_judge_at_random_has_none_however_often_two_asks_agree() -> None:
    """Nine of ten verdicts are A, so that two asks at random agree in .82; alpha's error is about .03."""
    rng = np.random.default_rng(1)
    rows = [tuple(row) for row in rng.choice(["A", "B"], (400, 3), p=[0.9, 0.1]).tolist()]
    assert consistency.repeats(asked(rows)).value == pytest.approx(0.82, abs=0.03)
    assert consistency.alpha(asked(rows)).value == pytest.approx(0.0, abs=0.1)


def test_a_judge_that_always_says_the_same_has_no_figure() -> None:
    estimate = consistency.alpha(asked([("A", "A")] * 40))
    assert estimate.value is None
    assert estimate.counted.reason == "every verdict is the same, so that chance would agree as well"
    assert (estimate >= 0.5).outcome == "undecided"


def test_a_steady_judge_has_exact_bounds() -> None:
    estimate = consistency.alpha(asked([("A", "A"), ("B", "B")] * 30))
    assert estimate.value == 1.0
    assert 0.8 < estimate.low < 1.0  # type: ignore[operator]
    assert estimate.counted.method == "nearly all alike, exact"


def test_a_steady_judge_on_a_long_scale_has_bounds_too() -> None:
    estimate = consistency.alpha(scored([(2 * place, 2 * place) for place in range(50)], scale=range(101)))
    assert estimate.value == 1.0
    assert estimate.low < 0.9  # type: ignore[operator]
    assert estimate.counted.method == "nearly all alike, exact"


def test_a_problem_is_the_score_that_makes_it_smallest() -> None:
    """Of one problem all five points are tried."""
    lost: list[Sequence[Label | None]] = [(1, 1, None), *SCORES[1:]]
    estimate = consistency.alpha(scored(lost))
    tried = [by_package([(1, 1, point), *SCORES[1:]], "interval") for point in (1, 2, 3, 4, 5)]
    assert estimate.value == pytest.approx(min(tried))
    assert estimate.problems == {"refused": 1}
    assert estimate.without is not None
    assert estimate.without.value == pytest.approx(by_package([(1, 1, np.nan), *SCORES[1:]], "interval"))


def test_where_every_ask_is_a_problem_they_all_disagree() -> None:
    estimate = consistency.alpha(scored([(None, None)] * 30))
    assert estimate.value == pytest.approx(-1.0, abs=0.05)


def test_one_of_several_criteria_is_named() -> None:
    table = [{"looks": 1, "reads": 3}, {"looks": 5, "reads": 3}]
    item = {"task": "score", "responses": [{"text": "one"}], "human": table[0]}
    found = [
        Judgement.model_validate(
            {"item": {**item, "id": f"{n:02}"}, "judge": "j", "repeat": repeat, "verdict": said}
        )
        for n in range(20)
        for repeat, said in enumerate((table[n % 2], table[n % 2]))
    ]
    judgements = Judgements(found, cluster_of=lambda item: item.id, tasks=Tasks())
    assert consistency.alpha(judgements, criterion="looks").value == 1.0
    assert consistency.alpha(judgements, criterion="reads").value is None
    with pytest.raises(SettingsError) as told:
        consistency.alpha(judgements)
    assert str(told.value) == "these items have several criteria: say criterion = looks or reads"


def test_scores_and_pairs_are_not_put_together_and_rankings_have_none() -> None:
    mixed = Judgements(
        [*asked([("A", "B")]), *scored([(1, 2)])], cluster_of=lambda item: item.id, tasks=Tasks()
    )
    estimate = consistency.alpha(mixed)
    assert (estimate.value, estimate.n) == (None, 0)
    assert estimate.counted.reason == (
        "scores and pairs have an alpha each, rankings none: give it one task's judgements, as "
        'judge_run.pair, or say where = { task = ["pair"] }'
    )
    responses = [{"text": letter} for letter in "ABC"]
    ranking = Item.model_validate({"id": "b", "task": "batch", "responses": responses})
    found = [Judgement(item=ranking, judge="j", repeat=repeat, verdict="ABC") for repeat in (0, 1)]
    rankings = Judgements(found, cluster_of=lambda item: item.id, tasks=Tasks())
    assert consistency.alpha(rankings).counted.reason == estimate.counted.reason


def test_words_have_no_distance() -> None:
    rows = [("poor", "good")] * 3
    with pytest.raises(SettingsError) as told:
        consistency.alpha(scored(rows, scale=("poor", "fair", "good")), level="interval")
    assert str(told.value) == (
        "consistency.alpha needs numbers, and this scale is made of words: use alpha_ordinal"
    )
    with pytest.raises(SettingsError) as told:
        consistency.alpha(scored(SCORES), level="linear")  # type: ignore[arg-type]
    assert str(told.value) == "level = 'linear': say one of 'nominal', 'ordinal', 'interval', 'ratio'"


def test_items_asked_once_are_an_error_that_says_what_to_declare() -> None:
    with pytest.raises(SettingsError) as told:
        consistency.alpha(asked([("A",), ("B",)]))
    assert str(told.value) == (
        "consistency.alpha needs every item asked twice or more: say [probes] repeat = 2"
    )
    assert consistency.alpha(asked([])).counted.reason == "there is no judgement here"


def test_two_judges_differ_by_the_jackknife_of_the_difference() -> None:
    steadier = [(row[0], row[0], row[2]) for row in SCORES]
    difference = consistency.alpha(scored(SCORES)) - consistency.alpha(scored(steadier))
    gap = by_package(SCORES, "interval") - by_package(steadier, "interval")
    assert difference.value == pytest.approx(gap)
    assert difference.counted.method == "jackknife-t, plain"
    assert difference.examples[0] == "s002 chose 5, then 4, then 5, where the other's answers agree more"


def test_readings_at_other_levels_are_not_subtracted() -> None:
    with pytest.raises(TypeError, match="read with"):
        _ = consistency.alpha(scored(SCORES)) - consistency.alpha(scored(SCORES), level="nominal")


def test_slices_are_averaged_and_scales_may_be_long() -> None:
    rng = np.random.default_rng(3)
    base = rng.integers(0, 101, size=60)
    rows = [(int(one), int(min(100, one + 3))) for one in base]
    estimate = consistency.alpha(scored(rows, scale=range(101)))
    assert estimate.value == pytest.approx(by_package(rows, "interval"))
    pairs = asked([("A", "A"), ("A", "B"), ("B", "B"), ("A", "B")] * 15)
    assert consistency.alpha(pairs, by="source").value == pytest.approx(
        np.mean([part.value for part in consistency.alpha(pairs).by("source").values()])
    )


ASKS = st.lists(st.tuples(*[st.sampled_from(["A", "B", "tie", LOST])] * 3), min_size=10, max_size=20)


@FEW
@given(rows=ASKS, place=st.integers(0, 9), said=st.integers(0, 2))
def test_turning_a_verdict_into_a_problem_never_helps(
    rows: list[tuple[str, ...]], place: int, said: int
) -> None:
    worse = list(rows)
    worse[place] = (*rows[place][:said], LOST, *rows[place][said + 1 :])
    before, after = consistency.alpha(asked(rows)).value, consistency.alpha(asked(worse)).value
    if before is not None and after is not None:
        assert after <= before + 0.01  # of very many completions a search may miss the lowest by as much
