"""GenAI-Bench's recorded judges as upgrades: a run that lost its pictures, the same judge, another one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.metrics.upgrade import Compared, Upgrade
from pytest_mllm_judge.runs.record import read_record
from tests.real import upgrade_stories as stories
from tests.real.real_judges import TASKS, filled

Story = Callable[..., pytest.RunResult]
IMAGES = TASKS[:2]


@pytest.fixture
def story(shared: Path, pytester: pytest.Pytester) -> Story:
    """A session of the upgrade's cases on the tasks named."""

    def run(judge: str, baseline: str, *, tasks: Sequence[str] = TASKS) -> pytest.RunResult:
        tables = stories.genai_bench(shared, pytester.path / "bench", tasks=tasks)
        (pytester.path / "pyproject.toml").write_text(stories.settings(tables), encoding="utf-8")
        judges = (f"--judge={judge}", f"--judge-baseline={baseline}")
        return pytester.runpytest("-p", "no:randomly", *judges, "bench/benchmark.toml::upgrade")

    return run


def family(pytester: pytest.Pytester) -> dict[str, dict[str, Any]]:
    """What the last session compared, by name, from the record that it left."""
    record = read_record(pytester.path / ".pytest_cache" / "d" / "mllm-judge" / "run.json")
    families = [gate["family"] for gate in record.gates.values()]
    assert all(one == families[0] for one in families)
    return {one["name"]: one for one in families[0]}


def test_the_run_without_pictures_may_not_replace_the_later_one(
    story: Story, pytester: pytest.Pytester
) -> None:
    result = story(stories.BLIND, stories.GEMINI, tasks=IMAGES)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        [
            "fails: pair.accuracy, difference is not at least -0.05",
            "not worse than gemini-1.5-pro: 3 failed",
            "  fails      pair.accuracy  pair.accuracy, difference at least -0.05: -0.468 (-0.486 to -0.450)",
        ]
    )
    compared = family(pytester)
    assert all(one["regressed"] and one["outcome"] == "fails" for one in compared.values())
    named = {f"{check} [source {task}]" for check in ("pair.accuracy", "pair.kappa") for task in IMAGES}
    assert compared.keys() == named | {"pair.accuracy", "pair.kappa", "problems.rate"}


def test_the_later_run_may_replace_itself(story: Story, pytester: pytest.Pytester) -> None:
    result = story(stories.GEMINI, stories.GEMINI)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["not worse than gemini-1.5-pro: 3 held"])
    compared = family(pytester)
    assert len(compared) == 9
    assert {one["outcome"] for one in compared.values()} == {"holds"}
    assert not any(one["regressed"] for one in compared.values())
    assert {one["difference"]["value"] for one in compared.values()} == {0.0}


def test_gpt4o_may_replace_gemini_though_edits_alone_would_not_settle_it(
    story: Story, pytester: pytest.Pytester
) -> None:
    result = story(stories.GPT4O, stories.GEMINI)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "not worse than gemini-1.5-pro: 3 held",
            "  holds      pair.accuracy  pair.accuracy, difference at least -0.05: 0.005 (-0.010 to 0.020)",
            "  holds      pair.kappa     pair.kappa, difference at least -0.05: 0.033 (0.012 to 0.054)",
        ]
    )
    compared = family(pytester)
    assert not any(one["regressed"] for one in compared.values())
    undecided = {name for name, one in compared.items() if one["outcome"] == "undecided"}
    assert undecided == {"pair.accuracy [source image_edition]", "pair.kappa [source image_edition]"}


# What docs/upgrade-stories.md says in words.


@pytest.fixture(scope="module")
def blocks(shared: Path) -> dict[str, list[str]]:
    return dict(stories.genai_lines(shared))


@pytest.fixture(scope="module")
def labels(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    folder = tmp_path_factory.mktemp("genai")
    return stories.labels(folder, stories.genai_bench(shared, folder), stories.GPT4O, stories.GEMINI)


def of(labels: Upgrade, label: str, task: str | None) -> Compared:
    """What came of one label, overall or in a task."""
    return next(
        one
        for one in labels.compared
        if one.comparison.options["label"] == label and (one.slice and one.slice.value) == task
    )


def test_the_page_stands_as_the_replies_give_it_now(blocks: dict[str, list[str]]) -> None:
    """Mend with `python -m tests.real.upgrade_stories --write`."""
    page = stories.PAGE.read_text(encoding="utf-8")
    for name, lines in blocks.items():
        assert filled(page, name, iter(lines)) == page, name


def test_gemini_says_b_more_often_than_humans_in_every_task_and_gpt4o_more_often_a_tie(
    blocks: dict[str, list[str]],
) -> None:
    said: dict[tuple[str, str], list[int]] = {}
    for line in blocks["gpt4o shares"][2:]:
        task, who, *shares = (cell.strip() for cell in line.strip("|").split("|"))
        said[task, who] = [int(share) for share in shares]
    for task in TASKS:
        humans, gemini, gpt4o = (said[task, who] for who in ("humans", stories.GEMINI, stories.GPT4O))
        assert gemini[1] >= humans[1] + 10
        assert gpt4o[2] > gemini[2]
        assert (gpt4o[1] < gemini[1]) == (task != "image_edition")
    humans, gemini, gpt4o = (said["image_edition", who] for who in ("humans", stories.GEMINI, stories.GPT4O))
    assert humans[3] > 40
    assert humans[3] > gemini[3] > gpt4o[3]
    assert sum(gpt4o[:2]) > sum(gemini[:2])


@pytest.mark.parametrize("task", ["image_generation", "video_generation"])
def test_without_edits_gpt4o_finds_more_as_and_ties_and_fewer_bs(labels: Upgrade, task: str) -> None:
    for label in ("A", "tie"):
        low = of(labels, label, task).estimates.difference.low
        assert low is not None
        assert low > 0
    assert of(labels, "B", task).regressed
    assert of(labels, "B", task).outcome == "fails" or task == "video_generation"


def test_of_edits_gpt4o_finds_fewer_pairs_of_which_both_are_bad(labels: Upgrade) -> None:
    edits = of(labels, "both_bad", "image_edition")
    assert edits.regressed
    assert edits.outcome == "fails"
    told = {(one.comparison.options["label"], one.slice and one.slice.value) for one in labels.regressed}
    expected = {("B", None), ("B", "image_generation"), ("B", "video_generation")}
    assert told == expected | {("both_bad", None), ("both_bad", "image_edition")}


def test_each_margin_that_decides_is_more_than_the_data_could_show_at_best(
    shared: Path, tmp_path: Path
) -> None:
    tables = stories.genai_bench(shared, tmp_path)
    compared = stories.upgrade(tmp_path, tables, stories.GPT4O, stories.GEMINI).compared
    shows = [stories.could_show(one) for one in compared if one.decides]
    assert len(shows) == 3
    assert all(one is not None and one < 0.05 for one in shows)
