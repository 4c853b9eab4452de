"""VIEScore's GPT-4o with an example in its prompt: quality regressed, consistency with the prompt did not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_mllm_judge.metrics.upgrade import Compared, Upgrade
from pytest_mllm_judge.runs.record import read_record
from tests.real import upgrade_stories as stories
from tests.real.real_judges import filled

SC, PQ = (f"score.spearman (by generator, criterion {criterion})" for criterion in ("SC", "PQ"))

# Upstream's protocol in a test file of one's own: generators within tasks, then tasks, by its average.
OWN = """
import math
from itertools import groupby
from statistics import fmean

import pytest
from pytest_mllm_judge import agreement

pytestmark = pytest.mark.judge_benchmark("bench")


def upstream(figures):
    return math.tanh(fmean(figures))


def by_task(generators):
    tasks = [generator.partition("/")[0] for generator in generators]

    def average(figures):
        pairs = groupby(zip(tasks, figures, strict=True), lambda pair: pair[0])
        return upstream([upstream([figure for _, figure in some]) for _, some in pairs])

    return average


@pytest.mark.parametrize("criterion", ["SC", "PQ"])
def test_not_worse(criterion, judge_run, baseline_run):
    average = by_task(list(judge_run.score.by("generator")))
    new, old = (
        agreement.spearman(run.score, criterion=criterion, by="generator", average=average)
        for run in (judge_run, baseline_run)
    )
    assert new - old >= -0.05
"""


@pytest.fixture
def project(shared: Path, pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Sessions with the example as the candidate."""
    tables = stories.viescore(shared, pytester.path / "bench")
    (pytester.path / "pyproject.toml").write_text(stories.settings(tables), encoding="utf-8")
    judges = (f"--judge={stories.ONE}", f"--judge-baseline={stories.ZERO}")
    return lambda *arguments: pytester.runpytest("-p", "no:randomly", *judges, *arguments)


def test_quality_is_named_as_what_regressed_and_consistency_is_not_worse(
    project: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    result = project("bench/benchmark.toml::upgrade")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "fails: score.spearman, difference is not at least -0.05",
            "  regressed worse than the baseline for certain *",
            "not worse than gpt4o_0shot: 2 held, 1 failed",
            f"  fails      {PQ}  score.spearman, difference at least -0.05: -0.276 (-0.306 to -0.246)",
            f"  holds      {SC}  score.spearman, difference at least -0.05: -0.025 (-0.044 to -0.007)",
            f"regressed: {PQ} -0.276 (-0.306 to -0.246; p < 0.001) · *",
        ]
    )
    record = read_record(pytester.path / ".pytest_cache" / "d" / "mllm-judge" / "run.json")
    families = [gate["family"] for gate in record.gates.values()]
    deciding = [{one["name"]: one["regressed"] for one in each if one["decides"]} for each in families]
    assert deciding == [{SC: False, PQ: True, "problems.rate": True}] * 3


def test_upstreams_own_protocol_in_a_test_of_ones_own_tells_the_same(
    project: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makepyfile(test_protocol=OWN)
    result = project("test_protocol.py", "-v")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*[[]SC[]] PASSED*", "*[[]PQ[]] FAILED*"])


# What docs/upgrade-stories.md says in words.


@pytest.fixture(scope="module")
def upgrade(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    folder = tmp_path_factory.mktemp("viescore")
    return stories.upgrade(folder, stories.viescore(shared, folder), stories.ONE, stories.ZERO)


def named(upgrade: Upgrade, name: str) -> Compared:
    """The comparison of that name."""
    return next(one for one in upgrade.compared if one.name == name)


def test_the_page_stands_as_the_replies_give_it_now(shared: Path, upgrade: Upgrade) -> None:
    """Mend with `python -m tests.real.upgrade_stories --write`."""
    page = stories.PAGE.read_text(encoding="utf-8")
    assert filled(page, "gpt4o with an example", stories.story_table(upgrade)) == page
    assert filled(page, "viescore published", stories.published_table(shared)) == page


def test_quality_regressed_in_six_of_seven_tasks_and_consistency_in_one(upgrade: Upgrade) -> None:
    slices = [one for one in upgrade.compared if one.slice is not None]
    count = {
        criterion: sum(one.regressed for one in slices if one.comparison.options["criterion"] == criterion)
        for criterion in ("SC", "PQ")
    }
    assert (len(slices), count) == (14, {"SC": 1, "PQ": 6})


def test_the_judge_uses_two_points_for_quality_and_scores_far_below_the_raters(upgrade: Upgrade) -> None:
    used = named(upgrade, "score.scale_use (criterion PQ)").estimates
    lenient = named(upgrade, "score.leniency (criterion PQ)").estimates
    values = [used.candidate.value, used.baseline.value, lenient.candidate.value, lenient.baseline.value]
    assert values == pytest.approx([2.2, 7.7, -0.34, -0.04], abs=0.05)


def test_each_margin_that_decides_is_more_than_the_data_could_show_at_best(upgrade: Upgrade) -> None:
    shows = [stories.could_show(one) for one in upgrade.compared if one.decides]
    assert len(shows) == 3
    assert all(one is not None and one < 0.05 for one in shows)


def test_only_generators_that_no_judge_was_shown_are_left_out(shared: Path, tmp_path: Path) -> None:
    from pytest_mllm_judge.benchmarks import load

    tables = stories.viescore(shared, tmp_path)
    assert set(tables) == {stories.ZERO, stories.ONE}
    skipped = load(tmp_path).skipped
    assert {item.fields["generator"] for item in skipped} == {
        "ImagenHub_Subject-Driven_IG/SuTI",
        "ImagenHub_Text-Guided_IE/Imagic",
    }
