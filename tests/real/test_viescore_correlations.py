"""VIEScore's published correlations, as a user of this package would have them: its public names only.

Upstream (analyze_json.ipynb of github.com/TIGER-AI-Lab/VIEScore, 2cbea4e) takes Spearman's correlation with
the mean of three raters for each generator, averages generators within a task, and then the tasks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from pytest_mllm_judge import Estimate, Judgement, Judgements, Session, agreement
from tests.real.conftest import MakeProject

JUDGES = ("gemini_0shot", "gpt4o_0shot", "gpt4v_0shot", "gpt4o_1shot")
TWO_SIDED_95 = 0.975


def upstream(figures: Sequence[float]) -> float:
    """Upstream's `average_correlation`: the tanh of the mean r, where "fisher" takes the mean arctanh."""
    return math.tanh(fmean(figures))


def within_tasks(generators: Sequence[str]) -> Callable[[Sequence[float]], float]:
    """Upstream's average over each task's generators, then over tasks; generators are `task/name`, sorted."""
    tasks = [generator.partition("/")[0] for generator in generators]

    def average(figures: Sequence[float]) -> float:
        pairs = zip(tasks, figures, strict=True)
        return upstream(
            [upstream([r for _, r in pairs]) for _, pairs in groupby(pairs, lambda pair: pair[0])]
        )

    return average


def with_generator(judgements: Judgements) -> Judgements:
    """The judgements, their items with a further field to slice by: one generator may serve several tasks."""

    def placed(judgement: Judgement) -> Judgement:
        item = judgement.item
        generator = f"{item.source}/{item.responses[0].author}"
        item = item.model_copy(update={"fields": {**item.fields, "generator": generator}})
        return judgement.model_copy(update={"item": item})

    return judgements.like_these(map(placed, judgements))


def has_both(judgement: Judgement) -> bool:
    """Whether the judge gave both scores: upstream leaves the others out."""
    return isinstance(judgement.verdict, dict) and judgement.verdict.keys() == {"SC", "PQ"}


def overall(judgement: Judgement) -> float | None:
    """The judge's O = sqrt(SC PQ)."""
    verdict = judgement.verdict
    if not isinstance(verdict, dict) or len(verdict) < 2:
        return None
    return math.sqrt(float(verdict["SC"]) * float(verdict["PQ"]))


def raters_overall(judgement: Judgement) -> float:
    """The mean over raters of O; added in the raters' order as upstream does, since rounding breaks ties."""
    item = judgement.item
    each = [
        math.sqrt(float(sc) * float(pq)) for sc, pq in zip(item.labels("SC"), item.labels("PQ"), strict=True)
    ]
    return sum(each) / len(each)


READINGS: dict[str, dict[str, Any]] = {
    "SC": {"criterion": "SC"},
    "PQ": {"criterion": "PQ"},
    "O": {"judge": overall, "human": raters_overall},
}


def correlation(judgements: Judgements, reading: str) -> Estimate:
    """Upstream's figure with its interval: both levels of averaging are inside the jackknife."""
    return agreement.spearman(
        judgements,
        by="generator",
        average=within_tasks(list(judgements.by("generator"))),
        confidence=TWO_SIDED_95,
        **READINGS[reading],
    )


def log(shared: Path, judge: str) -> dict[str, Any]:
    """The settings of a recorded judge."""
    return {
        "kind": "log",
        "path": str(shared / "viescore" / f"verdicts_{judge}.jsonl.gz"),
        "columns": {"reply": ["score", "reasoning"], "criterion": "metric"},
        "parser": "viescore",
    }


def scores_of(shared: Path, folder: Path, judges: Sequence[str]) -> dict[str, Judgements]:
    """Every judge's judgements of all items, by generator."""
    manifest = (
        f'format = "mllm-judge/1"\nreader = "viescore"\npath = "{shared / "viescore" / "items.jsonl"}"\n'
    )
    (folder / "benchmark.toml").write_text(manifest, encoding="utf-8")
    session = Session(root=folder, tables={judge: log(shared, judge) for judge in judges})
    return {judge: with_generator(session.run(judge, folder).score) for judge in judges}


@pytest.fixture(scope="module")
def scores(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Judgements]:
    return scores_of(shared, tmp_path_factory.mktemp("viescore"), JUDGES)


@pytest.fixture(scope="module")
def asked(scores: dict[str, Judgements]) -> dict[str, Judgements]:
    """Items that the judge was asked about: the logs lack two of the 31 generators."""
    return {judge: some.filter(lambda j: j.problem != "not_asked") for judge, some in scores.items()}


@pytest.fixture(scope="module")
def both(asked: dict[str, Judgements]) -> dict[str, Judgements]:
    return {judge: some.filter(has_both) for judge, some in asked.items()}


# Gemini's row is what upstream's notebook prints; the others are what recompute.py, beside the data, gives.
FIGURES = {
    ("gemini_0shot", "SC"): 0.3322,
    ("gemini_0shot", "PQ"): 0.2675,
    ("gemini_0shot", "O"): 0.3048,
    ("gpt4o_0shot", "SC"): 0.4459,
    ("gpt4o_0shot", "PQ"): 0.3399,
    ("gpt4o_0shot", "O"): 0.4035,
    ("gpt4v_0shot", "SC"): 0.3668,
    ("gpt4v_0shot", "PQ"): 0.3095,
    ("gpt4v_0shot", "O"): 0.3266,
    ("gpt4o_1shot", "SC"): 0.4309,
    ("gpt4o_1shot", "PQ"): 0.1167,
    ("gpt4o_1shot", "O"): 0.3771,
}
# Gemini's figures of tasks, from the same notebook.
OF_TASKS = {
    "ImagenHub_Control-Guided_IG": (0.3254, 0.3359, 0.2957),
    "ImagenHub_Mask-Guided_IE": (0.4304, 0.2839, 0.3593),
    "ImagenHub_Multi-Concept_IC": (0.3557, 0.1948, 0.3314),
    "ImagenHub_Subject-Driven_IE": (0.2187, 0.3148, 0.2234),
    "ImagenHub_Subject-Driven_IG": (0.2906, 0.1765, 0.2849),
    "ImagenHub_Text-Guided_IE": (0.2836, 0.4291, 0.2728),
    "ImagenHub_Text-Guided_IG": (0.5123, 0.1842, 0.4359),
}


@pytest.mark.parametrize(("judge", "reading"), FIGURES, ids=str)
def test_the_figures_come_out_to_four_decimals_with_an_interval(
    both: dict[str, Judgements], judge: str, reading: str
) -> None:
    estimate = correlation(both[judge], reading)
    assert estimate.value is not None
    assert estimate.low is not None
    assert estimate.high is not None
    assert round(estimate.value, 4) == FIGURES[judge, reading]
    assert estimate.counted.reason == ""
    assert 0.015 < estimate.value - estimate.low < 0.035
    assert 0.015 < estimate.high - estimate.value < 0.035


def test_each_task_comes_out_to_four_decimals(both: dict[str, Judgements]) -> None:
    found = {}
    for task, some in both["gemini_0shot"].by("source").items():
        each = [
            agreement.spearman(some, by="generator", average=upstream, **READINGS[reading]).value
            for reading in READINGS
        ]
        found[task] = tuple(round(value or 0.0, 4) for value in each)
    assert found == OF_TASKS


def test_both_levels_in_one_call_are_the_average_of_the_tasks(both: dict[str, Judgements]) -> None:
    tasks = both["gpt4o_0shot"].by("source").values()
    each = [
        agreement.spearman(some, criterion="SC", by="generator", average=upstream).value for some in tasks
    ]
    once = correlation(both["gpt4o_0shot"], "SC").value
    assert once == pytest.approx(upstream([value or 0.0 for value in each]), abs=1e-12)


def test_leaving_malformed_replies_out_makes_a_judge_look_better(
    both: dict[str, Judgements], asked: dict[str, Judgements]
) -> None:
    published, counted = (correlation(some["gpt4v_0shot"], "SC") for some in (both, asked))
    without_sc = sum(judgement.answer("SC") is None for judgement in asked["gpt4v_0shot"])
    assert counted.problems == {"malformed": without_sc}
    assert published.low is not None
    assert counted.high is not None
    assert counted.high < published.low
    assert counted.without is not None
    assert counted.without.value == pytest.approx(published.value or 0.0, abs=0.005)


@pytest.mark.parametrize("reading", READINGS)
def test_a_rater_agrees_better_with_the_others_than_the_best_judge_does(
    both: dict[str, Judgements], reading: str
) -> None:
    """The abstract has GPT-4o at .4 and human to human at .45; here it is leave-one-out on the same items."""
    score = both["gpt4o_0shot"]
    judge, raters = correlation(score, reading), correlation(agreement.humans(score), reading)
    assert raters.n == 3 * judge.n
    assert raters.low is not None
    assert judge.high is not None
    assert raters.low > judge.high
    print(f"{reading}: GPT-4o {judge}; a rater against the other two {raters}")


def test_the_raters_figure_stands_beside_the_judges(both: dict[str, Judgements]) -> None:
    judge = correlation(both["gpt4o_0shot"], "SC")
    raters = correlation(agreement.humans(both["gpt4o_0shot"]), "SC")
    humans = next(each for each in judge.beside if each.name == "humans")
    assert (humans.value, humans.low, humans.high) == (raters.value, raters.low, raters.high)
    assert humans.about == f"one annotator against the others, {raters.n:,} labels"


def test_an_example_in_the_prompt_costs_gpt4o_its_eye_for_quality(both: dict[str, Judgements]) -> None:
    """A regression that nobody could miss: the same judge, 0-shot and 1-shot, on the same items."""
    pairs = [both["gpt4o_1shot"], both["gpt4o_0shot"]]
    names = list(pairs[0].by("generator"))
    assert names == list(pairs[1].by("generator"))
    average = within_tasks(names)
    one, none = (
        agreement.spearman(some, criterion="PQ", by="generator", average=average, confidence=TWO_SIDED_95)
        for some in pairs
    )
    change = one - none
    assert change <= -0.15
    assert change.unpaired == len(pairs[1]) - len(pairs[0])


def test_rounding_breaks_ties_that_upstream_ranks(both: dict[str, Judgements]) -> None:
    """sqrt(.2 * .3) and sqrt(.1 * .6) differ in the last bit; an extractor that rounds makes them equal."""
    score = both["gpt4o_1shot"]
    exact = agreement.spearman(
        score,
        by="generator",
        average=within_tasks(list(score.by("generator"))),
        judge=lambda judgement: round(overall(judgement) or 0.0, 9),
        human=lambda judgement: round(raters_overall(judgement), 9),
    )
    assert exact.value is not None
    assert abs(exact.value - FIGURES["gpt4o_1shot", "O"]) > 0.001


USERS_OWN = """
import math

import pytest
from pytest_mllm_judge import agreement, assertions

pytestmark = pytest.mark.judge_benchmark("bench")


@pytest.fixture
def answered(judge_run):
    return judge_run.score.filter(lambda judgement: isinstance(judgement.verdict, dict))


def test_control_guided_pictures_follow_the_prompt(answered):
    some = answered.where(source="ImagenHub_Control-Guided_IG")
    average = lambda rs: math.tanh(sum(rs) / len(rs))
    assert agreement.spearman(some, criterion="SC", by="author", average=average) >= 0.20


def test_as_good_as_a_rater(answered):
    some = answered.where(source="ImagenHub_Control-Guided_IG")
    rater = agreement.spearman(agreement.humans(some), criterion="SC", by="author")
    assertions.assert_score_spearman(some, at_least=rater.value, criterion="SC", by="author")
"""


def test_a_project_holds_the_judge_to_what_its_raters_reach(shared: Path, real_project: MakeProject) -> None:
    project = real_project(
        {"gemini": log(shared, "gemini_0shot")}, reader="viescore", path="viescore/items.jsonl"
    )
    project.makepyfile(test_correlations=USERS_OWN)
    result = project.runpytest("-p", "no:randomly", "-q", "--judge=gemini", "test_correlations.py")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*fails: score.spearman is not at least 0.67*",
            "*seen      0.3* interval 0.* clusters; jackknife-t, arctanh)",
            "*humans    0.6* (0.* to 0.*; one annotator against the others, 900 labels)",
        ]
    )
