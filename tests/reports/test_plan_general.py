"""`plan` without a judge: from the table of real judges, and from the benchmark's size."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.plans import pairs, planned, refused, row, write_benchmark


def test_it_says_how_many_items_a_margin_needs(capsys: pytest.CaptureFixture[str]) -> None:
    """(1.6449 + 0.8416)^2 d / .05^2 for d = .06, .15, .25: 148.4, 371.0, 618.3."""
    lines = planned(capsys, "--margin", "0.05")
    assert lines[1:4] == [
        "  accuracy, verdicts differ on 6% (a new snapshot): 149 items",
        "  accuracy, verdicts differ on 15% (the next version): 371 items",
        "  accuracy, verdicts differ on 25% (another family): 619 items",
    ]
    assert "no fewer than 52 items, even if no verdict differs" in lines


def test_repeats_and_clusters_change_the_number(capsys: pytest.CaptureFixture[str]) -> None:
    """d = .03 + .12 / 5 = .054; and 371 times 1 + 3 x .3 = 704.9."""
    repeated = planned(capsys, "--repeats", "5", "--noise", "0.12")
    assert repeated[2].endswith("(the next version): 134 items, 5 times each")
    clustered = planned(capsys, "--per-cluster", "4", "--correlation", "0.3")
    assert clustered[2].endswith("(the next version): 705 items")
    assert clustered[-1] == "clusters of 4 items, alike by 0.3, need 1.90 times as many items"


def test_it_says_what_a_benchmark_can_show(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rate of problems is 1 - .05^(1/125): what the benchmark's gate shows too."""
    lines = planned(capsys, str(project / "fixtures" / "shapes"))
    assert row(lines, "pair") == ["500", "125", "1.00", "+- 0.029", "0.027", "0.043", "0.056", "0.024"]


def test_clusters_alike_make_it_show_less(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Four pairs a picture, alike by .3: 1 + 3 x .3 times as many items, so margins sqrt(1.9) as wide."""
    lines = planned(capsys, str(project / "fixtures" / "shapes"), "--correlation", "0.3")
    assert row(lines, "pair")[2:6] == ["1.90", "+- 0.040", "0.038", "0.059"]


def test_the_margin_of_the_benchmark_is_not_that_of_the_table_of_real_judges(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_benchmark(tmp_path, pairs(20), {}, settings="[upgrade]\nmargin = 0.2\n")
    assert "not worse by 0.05 (" in planned(capsys, str(tmp_path / "bench"))[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--margin", "-1"), "margin is above 0, got -1"),
        (("--power", "1"), "power is a chance between 0 and 1, got 1"),
        (("--repeats", "0"), "an item is asked at least once, got 0 repeats"),
        (("--judge", "shapes-old"), "--judge needs a benchmark: name its folder"),
        (("bench", "--baseline", "old"), "--baseline goes with --judge: name the judge too"),
        (("bench", "--gate", "g"), "--gate goes with --judge: name the judge too"),
        (
            ("bench", "--judge", "a", "--baseline", "a"),
            "--judge and --baseline are both 'a': name two judges",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_one_sentence(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *arguments) == message
