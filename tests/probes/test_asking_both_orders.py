"""`[probes] position = true`: what is asked besides, by whom it is read, and who leaves it out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge import Session, agreement, consistency
from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Question
from pytest_mllm_judge.recording.format import Exchange, from_line
from pytest_mllm_judge.runs.run import Run
from tests.runs.crowd import JUDGE, Crowd, serving, session

POSITION = "[probes]\nposition = true\nrepeat = {repeat}\n"
OWN = '[tool.pytest-mllm-judge.judges.own]\nkind = "callable"\nfunction = "own.py:ask"\nmodel = "own-1"\n'
SAYS = '''
def ask(question):
    """Prefers "good", but the first response on item 1."""
    if question.item.id == "p1":
        return "Judgement: [[A]]"
    return "Judgement: [[" + "AB"[question.item.responses[1].text == "good"] + "]]"
'''


def pair(number: int) -> dict[str, Any]:
    return {
        "id": f"p{number}",
        "task": "pair",
        "instruction": f"<<p{number}>>",
        "responses": [{"text": "good", "author": "m1"}, {"text": "bad", "author": "m2"}],
        "human": "A",
    }


SCORE = {"id": "s", "task": "score", "instruction": "<<s>>", "responses": [{"text": "good"}], "human": 3}


def bench(folder: Path, *, count: int = 3, repeat: int = 1, rest: str = "", probes: str = POSITION) -> Path:
    rows = [*map(pair, range(count)), SCORE]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    head = 'format = "mllm-judge/1"\nitems = "items.jsonl"\n'
    (folder / "benchmark.toml").write_text(head + probes.format(repeat=repeat) + rest)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text(OWN)
    Path("own.py").write_text(SAYS)
    return bench(tmp_path)


def named(run: Run) -> list[tuple[str, str, int, Any]]:
    return [(j.item.id, j.variant, j.repeat, j.verdict) for j in run.judgements()]


def recorded(folder: Path) -> list[Exchange]:
    return [from_line(line) for line in (folder / "cassettes" / "own.jsonl").read_bytes().splitlines()]


def record(folder: Path) -> None:
    asking = Session(root=folder, mode="new_episodes")
    run = asking.run("own", folder)
    run.judgements(item for item in run.items if item.task == "pair")
    asking.close()


def test_each_pair_is_asked_in_both_orders_and_nothing_else_is(here: Path) -> None:
    asking = Session(root=here, mode="new_episodes")
    run = asking.run("own", here)
    assert named(run)[:6] == [
        ("p0", "", 0, "A"), ("p0", "swapped", 0, "B"),
        ("p1", "", 0, "A"), ("p1", "swapped", 0, "A"),
        ("p2", "", 0, "A"), ("p2", "swapped", 0, "B"),
    ]  # fmt: skip
    assert [(j.item.id, j.variant) for j in run.score] == [("s", "")]
    asking.close()


def test_a_swapped_judgement_holds_the_item_as_it_is_so_that_clusters_and_labels_stay(here: Path) -> None:
    record(here)
    run = Session(root=here).run("own", here)
    plain, other = run.judgements(run.items[:1])
    assert plain.item is other.item is run.items[0]
    assert run.benchmark.cluster(other.item) == run.benchmark.cluster(plain.item)


def test_agreement_leaves_the_other_order_out_and_consistency_reads_it(here: Path) -> None:
    asking = Session(root=here, mode="new_episodes")
    pairs = asking.run("own", here).pair
    asking.close()
    assert (agreement.accuracy(pairs).value, agreement.accuracy(pairs).n) == (1.0, 3)
    assert consistency.orders(pairs).value == pytest.approx(2 / 3)


def test_the_other_order_is_a_question_of_its_own_with_a_digest_of_its_own(here: Path) -> None:
    record(here)
    assert [(one.item, one.variant) for one in recorded(here)] == [
        (f"p{number}", variant) for number in range(3) for variant in ("", "swapped")
    ]
    assert len({one.question for one in recorded(here)}) == 6
    run = Session(root=here).run("own", here)
    assert [j.verdict for j in run.judgements(run.items[:3])] == ["A", "B", "A", "A", "A", "B"]


def test_without_the_probe_only_the_items_as_they_are_are_asked(here: Path) -> None:
    bench(here, probes="")
    asking = Session(root=here, mode="new_episodes")
    run = asking.run("own", here)
    assert {j.variant for j in run.pair} == {""}
    asking.close()


def test_every_repeat_is_asked_in_both_orders(here: Path) -> None:
    bench(here, repeat=2)
    run = Session(root=here).run("own", here)
    assert [(q.item.id, q.variant, q.repeat) for q in run.wanted(run.items[:1])] == [
        ("p0", "", 0), ("p0", "", 1), ("p0", "swapped", 0), ("p0", "swapped", 1),
    ]  # fmt: skip


def texts(question: Question) -> str:
    return "".join(part.identity() for message in question.messages for part in message.parts)


def test_the_question_shows_the_responses_the_other_way_round(here: Path) -> None:
    run = Session(root=here).run("own", here)
    plain, other = run.wanted(run.items[:1])
    assert [r.author for r in other.item.responses] == ["m2", "m1"]
    assert texts(plain) != texts(other)


def test_cassette_check_knows_of_both_orders(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench(here, count=3, probes="")
    record(here)
    bench(here, count=3)
    assert main(["cassette", "check", "."]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "cassettes/own.jsonl: 3 exchanges, 3 of 7 questions answered"
    missing = lines.index("  missing   p0 (variant 'swapped'): never asked")
    assert lines[missing + 1].strip() == "p1 (variant 'swapped'): never asked"


def test_stale_is_what_nothing_asks_once_the_probe_is_gone(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record(here)
    bench(here, probes="")
    assert main(["cassette", "stale", "."]) == 1
    assert "  p0 (variant 'swapped'): variant 'swapped' is not declared" in capsys.readouterr().out


def test_a_reply_that_is_not_recorded_is_a_problem_of_that_variant(here: Path) -> None:
    bench(here, probes="")
    record(here)
    bench(here)
    other = Session(root=here).run("own", here).judgements()[1]
    assert (other.variant, other.problem, other.verdict) == ("swapped", "not_asked", None)
    assert other.item.responses[0].text == "good"


def test_a_log_says_which_rows_are_of_the_other_order(here: Path) -> None:
    rows = [
        {"item": "p0", "verdict": "A"},
        {"item": "p0", "verdict": "B", "variant": "swapped"},
        {"item": "p1", "verdict": "A"},
    ]
    Path("said.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("pyproject.toml").write_text(
        '[tool.pytest-mllm-judge.judges.old]\nkind = "log"\npath = "said.jsonl"\n'
    )
    run = Session(root=here).run("old", here)
    assert [j.verdict for j in run.judgements(run.items[:2])] == ["A", "B", "A", None]
    missing = run.judgements(run.items[:2])[3]
    assert missing.reason == (
        "said.jsonl has no row for item 'p1', variant 'swapped'; it holds 2 items, the first 'p0'"
    )


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with serving() as made:
        yield made


def test_both_orders_are_asked_ahead_and_once(crowd: Crowd, tmp_path: Path) -> None:
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, bench(tmp_path, count=4))
    run.expect(run.items, probed=True)
    assert run.ask(run.items[0]).verdict == "A"
    crowd.wait_until(lambda: len(crowd.arrivals) == 9)
    assert len(run.judgements()) == 9
    asking.close()
    assert crowd.asked == {"p0": 2, "p1": 2, "p2": 2, "p3": 2, "s": 1}


def test_a_lone_item_is_expected_as_it_is(crowd: Crowd, tmp_path: Path) -> None:
    asking = session(tmp_path, crowd)
    run = asking.run(JUDGE, bench(tmp_path, count=2))
    run.expect(run.items)
    run.ask(run.items[0])
    asking.close()
    assert crowd.asked == {"p0": 1, "p1": 1, "s": 1}


GATE = '[gates."steady"]\ncheck = "{check}"\nat_least = {least}\n'


@pytest.mark.parametrize(
    ("check", "probes", "why"),
    [
        (
            "consistency.orders",
            "[probes]\nrepeat = 2\n",
            "consistency.orders needs pairs asked in both orders: say [probes] position = true",
        ),
        (
            "consistency.repeats",
            "[probes]\nposition = true\n",
            "consistency.repeats needs every item asked twice or more: say [probes] repeat = 2",
        ),
    ],
)
def test_a_gate_without_its_probe_is_told_before_anything_is_asked(
    here: Path, check: str, probes: str, why: str
) -> None:
    bench(here, probes=probes, rest=GATE.format(check=check, least=0.5))
    with pytest.raises(BenchmarkError) as told:
        Session(root=here).check_gates(here)
    assert str(told.value) == f'benchmark.toml: gates."steady": {why}'


@pytest.mark.parametrize("check", ["consistency.orders", "consistency.repeats"])
def test_a_gate_that_no_judge_could_pass_is_told_too(here: Path, check: str) -> None:
    """30 pairs that all agree show at least 0.05^(1/30) = .905, or by Wilson 30 / (30 + 1.645^2) = .917."""
    bench(here, count=30, repeat=2, rest=GATE.format(check=check, least=0.99))
    with pytest.raises(BenchmarkError, match=f"no judge could pass {check} at least 0.99 on these"):
        Session(root=here).check_gates(here)
    bench(here, count=30, repeat=2, rest=GATE.format(check=check, least=0.85))
    Session(root=here).check_gates(here)


def test_gates_on_cost_and_latency_are_in_reach_of_somebody(here: Path) -> None:
    gates = "".join(
        f'[gates."{check}"]\ncheck = "{check}"\nat_most = 0.5\n' for check in ("cost.mean", "latency.mean")
    )
    bench(here, rest=gates)
    Session(root=here).check_gates(here)


def test_the_plan_shows_the_orders_that_are_at_hand(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bench(here, count=30)
    record(here)
    assert main(["plan", ".", "--judge", "own"]) == 0
    shown = capsys.readouterr().out
    assert "consistency.orders" in shown
    bench(here, count=30, probes="")
    assert main(["plan", ".", "--judge", "own"]) == 0
    assert "consistency.orders" not in capsys.readouterr().out
