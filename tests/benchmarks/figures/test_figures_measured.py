"""The speed script measures every check, and its table has what the page promises."""

from __future__ import annotations

from pytest_mllm_judge.metrics import CHECKS
from tests.benchmarks.figures.made import WORLDS
from tests.benchmarks.figures.run import BEGIN, END, NOT_MEASURED, PAGE, checks_of, report


def test_every_check_is_measured_once() -> None:
    measured = [check.name for world in WORLDS for check in checks_of(world)]
    assert sorted(measured) == sorted(name for name in CHECKS if not name.startswith(NOT_MEASURED))


def test_the_report_has_a_row_for_each_world_and_the_bootstrap() -> None:
    lines = list(report([300], 1))
    firsts = [line.split("|")[1].strip() for line in lines if line.startswith("| ")]
    assert firsts[1 : len(WORLDS) + 1] == [world.title for world in WORLDS]
    assert firsts[-1].startswith("`scipy.stats.bootstrap`, BCa")


def test_the_page_has_a_place_for_it() -> None:
    assert BEGIN in PAGE.read_text(encoding="utf-8").partition(END)[0]
