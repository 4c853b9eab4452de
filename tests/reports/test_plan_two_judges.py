"""`plan --judge --baseline`: paired spreads as seen; and repeats, from the judgements or as said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reports.plans import log, pairs, planned, record, row, write_benchmark, write_function


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_spread_of_a_difference_is_that_of_the_items_that_differ(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """30 wins and 30 losses of 400: c^2 = .15, margin 2.4865 c / 20 = .048, items 371."""
    items = pairs(400)
    write_benchmark(here, items, {"old": log(items, range(30, 90)), "new": log(items, range(60))})
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old")
    seen, judgements, spread, shows, margin, needed = row(lines, "pair.accuracy")
    assert (seen[:5], judgements, margin) == ("0.000", "400", "0.05")
    assert float(spread) == pytest.approx(0.15**0.5, abs=0.0006)
    assert float(shows) == pytest.approx(0.048, abs=0.0006)
    assert int(needed) == pytest.approx(371, abs=1)
    assert "  pair: verdicts differ on 15.0% of items, right against wrong on 15.0%" in lines


def test_the_difference_is_the_judge_less_the_baseline(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = pairs(100)
    write_benchmark(here, items, {"old": log(items, range(10)), "new": log(items, range(30))})
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old")
    assert any(line.startswith("new less old: ") for line in lines)
    assert row(lines, "pair.accuracy")[0].startswith("-0.200 (")


def test_judges_that_never_differ_need_the_items_of_tango_s_bound(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """52 items for .05, however little is seen to differ: z^2 (1 - .05) / .05 = 51.4."""
    items = pairs(400)
    write_benchmark(here, items, {"old": log(items, range(80)), "new": log(items, range(80))})
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old")
    assert row(lines, "pair.accuracy")[5] == "52"
    assert row(lines, "pair.kappa")[2:] == ["-", "-", "0.05", "-", "no spread: nearly all alike"]


def test_the_gates_are_those_of_the_judge_not_of_the_baseline(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = pairs(100)
    gate = '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.75\n'
    write_benchmark(here, items, {"old": log(items, []), "new": log(items, range(50))}, settings=gate)
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old")
    assert row(lines, "agrees")[0] == "fails"


def test_repeats_of_a_log_tell_the_noise_and_what_more_of_them_give(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """24 + 24 of 400 change: noise .12, so 297, 99 and 60 items to show that it is not worse than itself."""
    items = pairs(400)
    twice = [*log(items, range(24, 80)), *log(items, [*range(24), *range(48, 80)], repeat=1)]
    write_benchmark(here, items, {"own": twice})
    lines = planned(capsys, "bench", "--judge", "own")
    assert "repeats: own was asked up to 2 times" in lines
    assert "  pair: asked again, 12.0% of verdicts change, 12.0% turn right or wrong" in lines
    itself = lines[next(n for n, line in enumerate(lines) if "the same judge, asked anew" in line) :]
    margin, *needed = row(itself, "pair.accuracy")
    assert margin == "0.05"
    assert list(map(int, needed)) == pytest.approx([297, 99, 60], abs=1)


def test_a_single_figure_has_half_the_noise_of_a_difference(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """56 of 400 wrong: c^2 = .1204; noise .06 of it: .1204 - .06 + .06 / T, times 2473 = 298, 199, 179."""
    items = pairs(400)
    twice = [*log(items, range(24, 80)), *log(items, [*range(24), *range(48, 80)], repeat=1)]
    write_benchmark(here, items, {"own": twice})
    lines = planned(capsys, "bench", "--judge", "own")
    after = lines[next(n for n, line in enumerate(lines) if line == "the same, each item asked so often") :]
    assert list(map(int, row(after, "pair.accuracy")[1:])) == pytest.approx([298, 199, 179], rel=0.01)


def test_repeats_of_a_cassette_are_found(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every fifth item's verdict changes from ask to ask: of 3 asks A, B, A two of three pairs differ."""
    write_benchmark(here, pairs(100), {})
    choice = "'B' if int(question.item.id[1:]) % 5 == 0 and question.repeat % 2 else 'A'"
    write_function(here, f"return 'Judgement: [[' + ({choice}) + ']]'")
    record(here, repeats=3)
    lines = planned(capsys, "bench", "--judge", "own")
    assert "repeats: own was asked up to 3 times" in lines
    assert "  pair: asked again, 13.3% of verdicts change, 13.3% turn right or wrong" in lines


def test_without_repeats_the_noise_is_what_was_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """c^2 = .15 - .12 + .12 / T: .15, .07, .054; times 2473: 371, 173, 134. Kappa is no share."""
    items = pairs(400)
    write_benchmark(here, items, {"old": log(items, range(30, 90)), "new": log(items, range(60))})
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old", "--noise", "0.12")
    assert "repeats: none at hand of new" in lines
    after = lines[next(n for n, line in enumerate(lines) if line == "the same, each item asked so often") :]
    assert list(map(int, row(after, "pair.accuracy")[1:])) == pytest.approx([371, 173, 134], abs=1)
    assert not any(line.strip().startswith("pair.kappa") for line in after)


def test_the_repeats_that_are_asked_for_have_a_column(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = pairs(400)
    write_benchmark(here, items, {"old": log(items, range(30, 90)), "new": log(items, range(60))})
    asked = ("--noise", "0.12", "--repeats", "8")
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old", *asked)
    assert any(line.split() == ["figure", "margin", "1", "x", "3", "x", "5", "x", "8", "x"] for line in lines)


def test_a_judge_that_never_changes_has_no_noise_to_average_out(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = pairs(400)
    twice = [*log(items, range(80)), *log(items, range(80), repeat=1)]
    write_benchmark(here, items, {"own": twice})
    lines = planned(capsys, "bench", "--judge", "own")
    assert "  pair: asked again, 0.0% of verdicts change, 0.0% turn right or wrong" in lines
    after = lines[next(n for n, line in enumerate(lines) if line == "the same, each item asked so often") :]
    assert len(set(row(after, "pair.accuracy")[1:])) == 1
    assert not any("the same judge, asked anew" in line for line in lines)


def test_two_judges_noise_is_the_mean_of_theirs(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`new` changes 48 of 400, `old` none: noise .12 / 2 of c^2 = .15: .15, .11, .102 times 2473."""
    items = pairs(400)
    old = [*log(items, range(30, 90)), *log(items, range(30, 90), repeat=1)]
    new = [*log(items, range(60)), *log(items, [*range(24, 60), *range(100, 124)], repeat=1)]
    write_benchmark(here, items, {"old": old, "new": new})
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old")
    after = lines[next(n for n, line in enumerate(lines) if line == "the same, each item asked so often") :]
    assert list(map(int, row(after, "pair.accuracy")[1:])) == pytest.approx([371, 272, 253], abs=1)


def test_more_noise_than_spread_is_all_of_the_spread(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """c^2 = .15, all of it noise: 371, 124 and 75 items."""
    items = pairs(400)
    write_benchmark(here, items, {"old": log(items, range(30, 90)), "new": log(items, range(60))})
    lines = planned(capsys, "bench", "--judge", "new", "--baseline", "old", "--noise", "0.3")
    after = lines[next(n for n, line in enumerate(lines) if line == "the same, each item asked so often") :]
    assert list(map(int, row(after, "pair.accuracy")[1:])) == pytest.approx([371, 124, 75], abs=1)


def test_noise_that_was_said_counts_half_for_a_single_figure(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """80 of 400 wrong: c^2 = .16, noise .12 / 2 of it: .16, .12, .112 times 2473 = 396, 297, 277, nearly."""
    items = pairs(400)
    write_benchmark(here, items, {"own": log(items, range(80))})
    lines = planned(capsys, "bench", "--judge", "own", "--noise", "0.12")
    after = lines[next(n for n, line in enumerate(lines) if line == "the same, each item asked so often") :]
    assert list(map(int, row(after, "pair.accuracy")[1:])) == pytest.approx([396, 297, 277], rel=0.01)
