"""One judge on one benchmark: asked once, problems told, prepared before the first question."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge import Session
from pytest_mllm_judge.errors import BenchmarkError, CassetteMiss, JudgeError, MllmJudgeError, SettingsError
from pytest_mllm_judge.model import Item, Question, Reply
from pytest_mllm_judge.runs.record import RunRecord, case_of, facts_of, judgements_of
from pytest_mllm_judge.runs.run import limited
from pytest_mllm_judge.runs.session import judge_tables


def item(task: str, number: int, **more: Any) -> dict[str, Any]:
    return {
        "id": f"{task}-{number:02}",
        "task": task,
        "responses": [{"text": f"answer {number}"}] * {"score": 1, "pair": 2, "batch": 3}[task],
        "human": {"score": 3, "pair": "A", "batch": "ABC"}[task],
        **more,
    }


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """Twelve pairs, and a judge `own` that is a function."""
    (tmp_path / "benchmark.toml").write_text('format = "mllm-judge/1"\nitems = "items.jsonl"\n')
    lines = [json.dumps(item("pair", number)) for number in range(12)]
    (tmp_path / "items.jsonl").write_text("\n".join(lines))
    (tmp_path / "own.py").write_text("def ask(question): return 'Judgement: [[A]]'\n")
    return tmp_path


OWN = {"own": {"kind": "callable", "function": "own.py:ask"}}


def session(root: Path, **more: Any) -> Session:
    return Session(root=root, tables=OWN, **more)


def test_each_question_is_asked_once_and_its_judgement_kept(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = session(bench, mode="new_episodes").run("own", bench)
    asked: list[str] = []
    ask = run.judge.ask

    def counted(question: Question) -> Reply:
        asked.append(question.item.id)
        return ask(question)

    monkeypatch.setattr(run.judge, "ask", counted)
    assert [j.verdict for j in run.pair] == ["A"] * 12
    assert run.ask(run.items[0]) is run.pair[0]
    assert len(run.judgements()) == 12
    assert len(asked) == 12


def test_a_second_session_replays_what_the_first_recorded(bench: Path) -> None:
    first = session(bench, mode="new_episodes")
    assert first.run("own", bench).pair[0].verdict == "A"
    first.close()
    (bench / "own.py").write_text("def ask(question): raise RuntimeError('asked again')\n")
    second = session(bench).run("own", bench)
    assert [j.verdict for j in second.pair] == ["A"] * 12
    assert second.recorder is not None
    assert (second.recorder.played, second.recorder.recorded) == (12, 0)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (JudgeError("no connection"), "error"),
        (BenchmarkError("items.jsonl", "the picture can't be sent"), "error"),
        (CassetteMiss("never recorded"), "not_asked"),
    ],
)
def test_what_goes_wrong_while_asking_is_a_problem_with_its_reason(
    bench: Path, monkeypatch: pytest.MonkeyPatch, error: MllmJudgeError, problem: str
) -> None:
    run = session(bench, mode="new_episodes").run("own", bench)

    def fail(question: object) -> None:
        raise error

    monkeypatch.setattr(run.judge, "ask", fail)
    judgement = run.ask(run.items[0])
    assert (judgement.verdict, judgement.problem, judgement.reason) == (None, problem, str(error))


def test_a_failing_question_is_not_recorded_and_asked_again_by_the_next_run(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = session(bench, mode="new_episodes")
    run = first.run("own", bench)
    monkeypatch.setattr(run.judge, "ask", lambda question: (_ for _ in ()).throw(JudgeError("down")))
    assert run.ask(run.items[0]).problem == "error"
    first.close()
    again = session(bench, mode="new_episodes").run("own", bench)
    assert again.ask(again.items[0]).verdict == "A"


def test_no_cassette_and_no_leave_to_ask_is_told_before_the_first_question(bench: Path) -> None:
    run = session(bench).run("own", bench)
    with pytest.raises(SettingsError) as told:
        run.prepare(run.items)
    assert str(told.value) == (
        f"judge 'own' has no recorded answers for the benchmark {bench.name!r}: "
        f"{bench / 'cassettes' / 'own.jsonl'} does not exist, and record mode 'none' asks nobody\n"
        f"  To ask it and record its answers: pytest --judge=own --judge-record=new_episodes {bench}"
    )


def test_images_are_checked_only_for_what_will_be_asked(bench: Path) -> None:
    lines = [
        json.dumps(item("pair", number, images=["gone.png"] if number == 3 else [])) for number in range(12)
    ]
    (bench / "items.jsonl").write_text("\n".join(lines))
    run = session(bench, mode="new_episodes").run("own", bench)
    run.prepare(run.items[:3])
    with pytest.raises(BenchmarkError, match=r"gone\.png"):
        run.prepare(run.items)


def make_items(**counts: int) -> list[Item]:
    return [Item.model_validate(item(task, n)) for task, count in counts.items() for n in range(count)]


def test_the_limit_takes_so_many_of_each_task_and_keeps_their_order() -> None:
    items = make_items(score=50, pair=50, batch=3)
    few = limited(items, 5)
    assert [sum(i.task == task for i in few) for task in ("score", "pair", "batch")] == [5, 5, 3]
    assert list(few) == [i for i in items if i in few]
    assert limited(list(reversed(items)), 5) == tuple(reversed(few))
    assert limited(items, None) == tuple(items)


def test_the_limit_is_spread_over_the_benchmark() -> None:
    ids = [int(i.id[-2:]) for i in limited(make_items(pair=90), 30)]
    assert sum(number < 45 for number in ids) in range(8, 23)


def test_a_larger_limit_holds_the_smaller_one() -> None:
    items = make_items(pair=60)
    assert set(limited(items, 10)) < set(limited(items, 20))


Tables = Callable[[str], object]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[tool.pytest-mllm-judge]\njudge = 3\n",
            "[tool.pytest-mllm-judge] has no key 'judge' (known: judges)",
        ),
        (
            "[tool.pytest-mllm-judge.judges]\nmine = 3\n",
            "[tool.pytest-mllm-judge.judges.NAME] must be a table for each judge",
        ),
        ("[tool\n", "Expected ']' at the end of a table declaration (at line 1, column 6)"),
    ],
)
def test_a_wrong_pyproject_names_the_file_and_the_fault(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(SettingsError) as told:
        judge_tables(tmp_path)
    assert str(told.value) == f"{tmp_path / 'pyproject.toml'}: {message}"


def test_a_project_without_tables_has_no_judges(tmp_path: Path) -> None:
    assert judge_tables(tmp_path) == {}
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert judge_tables(tmp_path) == {}


def test_cases_give_the_same_figures_as_the_judgements_they_were_made_of(bench: Path) -> None:
    from pytest_mllm_judge import agreement

    run = session(bench, mode="new_episodes").run("own", bench)
    facts = facts_of([run])
    cases = json.loads(json.dumps([case_of(judgement, run) for judgement in run.pair]))
    again = judgements_of(cases, json.loads(json.dumps(facts))["benchmarks"][str(bench)])
    assert agreement.accuracy(again).counted == agreement.accuracy(run.pair).counted


def test_facts_of_several_processes_add_up(bench: Path) -> None:
    run = session(bench, mode="new_episodes").run("own", bench)
    assert len(run.pair) == 12
    record = RunRecord()
    record.add_facts(facts_of([run]))
    record.add_facts(facts_of([run]))
    (seen,) = record.runs.values()
    assert seen["recorded"] == 24


def test_an_item_that_was_changed_under_the_same_id_is_asked_anew(bench: Path) -> None:
    (bench / "own.py").write_text(
        'def ask(question):\n    return f\'Judgement: [[{"B" if question.item.instruction else "A"}]]\'\n'
    )
    run = session(bench, mode="new_episodes").run("own", bench)
    first = run.ask(run.items[0])
    changed = run.items[0].model_copy(update={"instruction": "Look again."})
    assert (first.verdict, run.ask(changed).verdict) == ("A", "B")
    assert run.ask(changed).item is changed


def test_after_a_refused_key_nothing_more_is_asked(bench: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = session(bench, mode="new_episodes").run("own", bench)
    asked: list[str] = []

    def refuse(question: Question) -> Reply:
        asked.append(question.item.id)
        raise JudgeError("the key was refused", status=401)

    monkeypatch.setattr(run.judge, "ask", refuse)
    assert {j.reason for j in run.pair} == {"the key was refused"}
    assert len(asked) == 1
