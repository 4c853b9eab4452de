"""--judge-max-cost: never overspent by more than the calls in flight, whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_mllm_judge import Session
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Question
from pytest_mllm_judge.runs.run import Run

from .crowd import JUDGE, PRICES, Act, Crowd, items_in, names, pair, serving, session, table, write_bench


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    with serving() as made:
        yield made


def cassette_of(run: Run) -> Path:
    assert run.recorder is not None
    return run.recorder.path


@pytest.mark.parametrize(("most", "limit"), [(1, 5.0), (4, 10.0), (4, 10.5), (8, 3.0)])
def test_the_limit_is_overspent_by_the_calls_in_flight_at_most(
    crowd: Crowd, tmp_path: Path, most: int, limit: float
) -> None:
    crowd.behave = lambda item, time: Act(delay=0.01)
    asking = session(tmp_path, crowd, concurrency=most, max_cost=limit, judge={"prices": PRICES})
    run = asking.run(JUDGE, write_bench(tmp_path, 40))
    judgements = list(run.judgements())
    asking.close()
    spent = len(crowd.arrivals)
    assert limit <= spent < limit + most
    assert sum(judgement.cost or 0 for judgement in judgements) == spent
    assert [judgement.problem for judgement in judgements].count("not_asked") == 40 - spent
    assert sorted(crowd.order) == items_in(cassette_of(run)) == names(spent)
    told = {judgement.reason for judgement in judgements if judgement.problem}
    assert len(told) == 1
    assert str(told.pop()).endswith(f" of --judge-max-cost={limit:g} is spent")


def test_two_judges_share_the_limit(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(delay=0.01)
    tables = {model: table(crowd, model=model, prices=PRICES) for model in ("one", "two")}
    asking = session(tmp_path, crowd, tables=tables, concurrency=2, max_cost=10.0)
    write_bench(tmp_path, 30)
    one, two = (asking.run(judge, tmp_path) for judge in tables)
    for run in (one, two):
        run.expect(run.items)
    for first, second in zip(one.items, two.items, strict=True):
        one.ask(first)
        two.ask(second)
    asking.close()
    assert 10 <= len(crowd.arrivals) < 14
    assert {arrival.body["model"] for arrival in crowd.arrivals} == {"one", "two"}


def test_what_is_replayed_costs_nothing(crowd: Crowd, tmp_path: Path) -> None:
    first = session(tmp_path, crowd, max_cost=100.0, judge={"prices": PRICES})
    first.run(JUDGE, write_bench(tmp_path, 12)).judgements()
    first.close()
    write_bench(tmp_path, 14)
    second = session(tmp_path, crowd, concurrency=1, max_cost=1.5, judge={"prices": PRICES})
    judgements = second.run(JUDGE, tmp_path).judgements()
    second.close()
    assert [judgement.verdict for judgement in judgements] == ["A"] * 14
    assert second.budget is not None
    assert second.budget.spent == 2.0


def test_a_recorded_question_that_another_item_names_costs_nothing(crowd: Crowd, tmp_path: Path) -> None:
    """The earlier item of two with the same question names its exchange: a line, but no call."""
    first = session(tmp_path, crowd, judge={"prices": PRICES})
    write_bench(tmp_path, 3)
    first.run(JUDGE, tmp_path).judgements()
    first.close()
    twin = {**pair(1), "id": "a-twin"}
    lines = (tmp_path / "items.jsonl").read_text().splitlines()
    (tmp_path / "items.jsonl").write_text("\n".join([json.dumps(twin), *lines, json.dumps(pair(3))]))
    second = session(tmp_path, crowd, concurrency=1, max_cost=1.0, judge={"prices": PRICES})
    judgements = second.run(JUDGE, tmp_path).judgements()
    second.close()
    assert [judgement.verdict for judgement in judgements] == ["A"] * 5
    assert crowd.asked == dict.fromkeys(names(4), 1)
    assert second.budget is not None
    assert second.budget.spent == 1.0


def test_mode_all_pays_for_every_question_again(crowd: Crowd, tmp_path: Path) -> None:
    write_bench(tmp_path, 6)
    for _ in range(2):
        asking = session(tmp_path, crowd, mode="all", concurrency=1, max_cost=4.0, judge={"prices": PRICES})
        judgements = asking.run(JUDGE, tmp_path).judgements()
        asking.close()
        assert [judgement.problem for judgement in judgements] == [None] * 4 + ["not_asked"] * 2
    assert crowd.asked == dict.fromkeys(names(4), 2)


def test_a_judge_without_prices_cannot_keep_to_a_limit(crowd: Crowd, tmp_path: Path) -> None:
    asking = session(tmp_path, crowd, max_cost=1.0)
    with pytest.raises(SettingsError) as told:
        asking.run(JUDGE, write_bench(tmp_path, 2))
    assert str(told.value) == (
        f"[tool.pytest-mllm-judge.judges.{JUDGE}] has no prices, so --judge-max-cost can't be kept"
    )
    (tmp_path / "own.py").write_text("def ask(question): return '[[A]]'\n")
    tables = {"own": {"kind": "callable", "function": "own.py:ask"}}
    own = Session(root=tmp_path, tables=tables, mode="new_episodes", max_cost=1.0)
    with pytest.raises(SettingsError) as told:
        own.run("own", tmp_path)
    assert str(told.value) == "judge 'own' has no prices, so --judge-max-cost can't be kept"
    assert session(tmp_path, crowd, mode="none", max_cost=1.0).run(JUDGE, tmp_path).asker is None
    assert crowd.order == []


def test_replies_without_usage_end_the_asking_and_say_why(crowd: Crowd, tmp_path: Path) -> None:
    crowd.behave = lambda item, time: Act(usage=item != "pair-002")
    asking = session(tmp_path, crowd, concurrency=1, max_cost=100.0, judge={"prices": PRICES})
    judgements = list(asking.run(JUDGE, write_bench(tmp_path, 6)).judgements())
    asking.close()
    assert [judgement.problem for judgement in judgements] == [None] * 3 + ["not_asked"] * 3
    assert judgements[3].reason == (
        "not asked: --judge-max-cost=100 can't be kept: 1 replies came without usage"
    )
    assert crowd.order == names(3)


def test_the_next_run_asks_what_the_limit_left_out(crowd: Crowd, tmp_path: Path) -> None:
    write_bench(tmp_path, 9)
    for _ in range(3):
        asking = session(tmp_path, crowd, concurrency=1, max_cost=3.0, judge={"prices": PRICES})
        asking.run(JUDGE, tmp_path).judgements()
        asking.close()
    assert crowd.asked == dict.fromkeys(names(9), 1)


def test_a_reply_that_comes_while_its_case_turns_to_the_asker_is_handed_on(
    crowd: Crowd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asking = session(tmp_path, crowd, concurrency=1, max_cost=1.0, judge={"prices": PRICES})
    run = asking.run(JUDGE, write_bench(tmp_path, 2))
    assert [judgement.problem for judgement in run.judgements()] == [None, "not_asked"]
    assert run.asker is not None
    is_settled = run.asker._is_settled
    looks: list[Question] = []

    def not_yet(question: Question) -> bool:
        looks.append(question)
        return len(looks) > 1 and is_settled(question)

    monkeypatch.setattr(run.asker, "_is_settled", not_yet)
    question = run.judge.question(run.items[0])
    assert run.asker.reply(run.judge, question, meanwhile=lambda: None).text == "[[A]]"
    asking.close()
    assert crowd.order == names(1)
