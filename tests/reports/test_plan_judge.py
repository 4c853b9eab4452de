"""`plan --judge`: the spread of each figure at hand, the gates, and nobody is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.reports.plans import (
    log,
    pairs,
    planned,
    record,
    refused,
    row,
    write_benchmark,
    write_function,
)

GATE = '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.75\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_spread_of_a_share_is_that_of_its_yes_and_no(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """320 of 400 right: c = sqrt(.8 x .2) = .4, and (2.4865 x .4 / .05)^2 = 395.7 items, nearly."""
    items = pairs(400)
    write_benchmark(here, items, {"own": log(items, range(80))})
    seen, judgements, spread, margin, needed = row(
        planned(capsys, "bench", "--judge", "own"), "pair.accuracy"
    )
    assert (seen[:5], judgements, margin) == ("0.800", "400", "0.05")
    assert float(spread) == pytest.approx(0.4, abs=0.002)
    assert int(needed) == pytest.approx(396, abs=4)


def test_clusters_stand_in_the_spread_and_in_the_design_effect(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every pair four times in one cluster: four times the variance, twice the spread, 4 times the items."""
    items = [{**pair, "cluster": f"c{n // 4}"} for n, pair in enumerate(pairs(400))]
    write_benchmark(here, items, {"own": log(items, range(80))})
    lines = planned(capsys, "bench", "--judge", "own")
    spread = float(row(lines, "pair.accuracy")[2])
    assert spread == pytest.approx(0.8, abs=0.02)
    effect = float(row(lines, "pair")[2])
    assert effect == pytest.approx(4 * 100 / 99, abs=0.01)  # G / (G - 1) of the robust variance


def test_a_gate_says_what_it_shows_and_what_would_settle_it(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """80 of 100: Wilson's centre is .79209 and half .06540, so 100 (.8 - .72669)^2 / .05^2 = 214.97 items."""
    items = pairs(100)
    write_benchmark(here, items, {"own": log(items, range(20))}, settings=GATE)
    lines = planned(capsys, "bench", "--judge", "own")
    assert row(lines, "agrees") == [
        "undecided", "pair.accuracy at least 0.75", "0.800 (0.727 to 0.857)", "0.726", "215",
    ]  # fmt: skip


def test_a_gate_that_is_decided_needs_no_items(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = pairs(100)
    write_benchmark(here, items, {"good": log(items, range(5)), "bad": log(items, range(50))}, settings=GATE)
    assert row(planned(capsys, "bench", "--judge", "good"), "agrees")[::4] == ["holds", "-"]
    assert row(planned(capsys, "bench", "--judge", "bad"), "agrees")[::4] == ["fails", "-"]


def test_only_the_gates_that_are_named_are_looked_at(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = pairs(100)
    more = GATE + '[gates."no problems"]\ncheck = "problems.rate"\nat_most = 0.05\n'
    write_benchmark(here, items, {"own": log(items, range(20))}, settings=more)
    lines = planned(capsys, "bench", "--judge", "own", "--gate", "no problems")
    assert row(lines, "no problems")[0] == "holds"
    assert not any(line.strip().startswith("agrees") for line in lines)
    assert refused(capsys, "bench", "--judge", "own", "--gate", "agree") == (
        "bench has no gate 'agree'; did you mean 'agrees'? (known: agrees, no problems)"
    )


def test_a_perfect_judge_shows_no_spread_and_says_why(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = pairs(100)
    write_benchmark(here, items, {"own": log(items, [])})
    cells = row(planned(capsys, "bench", "--judge", "own"), "pair.accuracy")
    assert cells[2:] == ["-", "0.05", "-", "no spread: nearly all alike"]


def test_too_few_clusters_show_no_spread_and_say_why(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = [{**pair, "cluster": f"c{n % 5}"} for n, pair in enumerate(pairs(100))]
    write_benchmark(here, items, {"own": log(items, range(20))})
    cells = row(planned(capsys, "bench", "--judge", "own"), "pair.accuracy")
    assert cells[2:] == ["-", "0.05", "-", "5 independent cluster(s), fewer than 10"]


def test_the_margin_is_the_benchmark_s_unless_one_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    items = pairs(100)
    settings = '[upgrade]\nmargin = { pair = 0.1, "pair.kappa" = 0.2 }\n'
    write_benchmark(here, items, {"own": log(items, range(20))}, settings=settings)
    lines = planned(capsys, "bench", "--judge", "own")
    assert row(lines, "pair.accuracy")[3] == "0.1"
    said = planned(capsys, "bench", "--judge", "own", "--margin", "0.02")
    assert row(said, "pair.accuracy")[3] == "0.02"


def test_the_confidence_is_the_benchmark_s(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At .99 it takes (2.3263 + .8416)^2 / (1.6449 + .8416)^2 = 1.623 times the items."""
    items = pairs(400)
    write_benchmark(here, items, {"own": log(items, range(80))}, settings="[upgrade]\nconfidence = 0.99\n")
    needed = int(row(planned(capsys, "bench", "--judge", "own"), "pair.accuracy")[4])
    assert needed == pytest.approx(1.623 * 395.7, rel=0.015)


def test_each_criterion_has_its_own_figures(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = [{"text": "an answer"}]
    items = [
        {
            "id": f"s{n}",
            "task": "score",
            "responses": one,
            "human": {"follows": [1 + n % 5], "real": [1 + n % 3]},
        }
        for n in range(60)
    ]
    rows = [{"item": f"s{n}", "verdict": {"follows": 1 + n % 5, "real": 1 + n % 4}} for n in range(60)]
    write_benchmark(here, items, {"own": rows})
    lines = planned(capsys, "bench", "--judge", "own")
    assert row(lines, "score.accuracy follows")[0].startswith("1.000")
    assert row(lines, "score.accuracy real")[0].startswith("0.250")  # 3 of each 12 items


def test_a_scale_of_words_has_no_figures_of_numbers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = [{"text": "an answer"}]
    items = [
        {"id": f"s{n}", "task": "score", "responses": one, "human": ["fail", "pass"][n % 2]}
        for n in range(60)
    ]
    rows = [{"item": f"s{n}", "verdict": ["fail", "pass"][n // 2 % 2]} for n in range(60)]
    write_benchmark(here, items, {"own": rows}, settings='[score]\nscale = ["fail", "pass"]\n')
    lines = planned(capsys, "bench", "--judge", "own")
    assert row(lines, "score.accuracy")[0].startswith("0.500")
    (told,) = [line for line in lines if line.startswith("  not for these items: ")]
    assert {"score.mae", "score.pearson"} <= set(told.removeprefix("  not for these items: ").split(", "))


def test_without_a_cassette_nobody_is_asked_and_the_message_says_how_to_record(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_benchmark(here, pairs(20), {})
    write_function(here, "raise SystemExit('asked')")
    assert refused(capsys, "bench", "--judge", "own") == (
        "judge 'own' has no recorded answers for the benchmark 'bench': "
        "bench/cassettes/own.jsonl does not exist, and record mode 'none' asks nobody\n"
        "  To ask it and record its answers: pytest --judge=own --judge-record=new_episodes bench"
    )


def test_a_pilot_is_planned_from_and_what_it_lacks_is_counted(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_benchmark(here, pairs(200), {}, settings=GATE)
    write_function(here, "return 'Judgement: [[' + ('A' if int(question.item.id[1:]) % 5 else 'B') + ']]'")
    record(here, limit=50)
    before = (here / "bench" / "cassettes" / "own.jsonl").read_bytes()
    lines = planned(capsys, "bench", "--judge", "own")
    assert "  own: 150 of 200 items are not in its cassette and left out" in lines
    assert row(lines, "pair.accuracy")[1] == "50"
    assert row(lines, "agrees")[2][:5] == row(lines, "pair.accuracy")[0][:5]
    assert (here / "bench" / "cassettes" / "own.jsonl").read_bytes() == before
    names = sorted(file.name for file in (here / "bench" / "cassettes").iterdir())
    assert names == ["own.jsonl", "own.jsonl.times"]


def test_a_cassette_of_other_questions_is_an_error_that_shows_the_first(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_benchmark(here, pairs(30), {})
    write_function(here, "return 'Judgement: [[A]]'")
    record(here)
    changed = [{**item, "instruction": "Which is better?"} for item in pairs(30)]
    (here / "bench" / "items.jsonl").write_text("".join(json.dumps(item) + "\n" for item in changed))
    told = refused(capsys, "bench", "--judge", "own").splitlines()
    assert told[:2] == [
        "nothing is at hand of judge 'own': the cassette holds none of the 30 questions of the benchmark "
        "'bench'; the first:",
        "judge 'own' has no recorded reply for p0000",
    ]


def test_exactly_these_items_are_said_to_need_repeats(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    items = pairs(40)
    write_benchmark(here, items, {"own": log(items, range(9))}, settings='population = "fixed"\n')
    assert any(
        line.startswith('  population = "fixed": ') for line in planned(capsys, "bench", "--judge", "own")
    )
