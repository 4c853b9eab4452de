"""A run record written to a file and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Judgements
from pytest_mllm_judge.runs import saved
from pytest_mllm_judge.runs.record import (
    RunRecord,
    all_judged,
    case_of,
    facts_of,
    judged_of,
    judgements_of,
    key_of,
    read_record,
)
from pytest_mllm_judge.runs.run import Run
from tests.reports.records import BENCH, benchmark_of, case, facts, record_of_cases, upgrade_gate

DAMAGED = "is damaged or of another version: "
AGAIN = "\n  Run pytest with --judge again: it writes the record anew."


def test_what_was_saved_is_read_again(tmp_path: Path) -> None:
    record = record_of_cases([case("i-1"), case("i-2", repeat=1), case("i-2")])
    said = {"outcome": "fails", "text": "fails: it"}
    record.claims["t.py::a", 7] = {"number": 7, **said}
    record.save(tmp_path / "deep" / "run.json")
    again = read_record(tmp_path / "deep" / "run.json")
    assert again.judged == record.judged
    assert again.plain() == record.plain()
    assert again.claims == {("t.py::a", 1): {"number": 1, "test": "t.py::a", **said}}


def test_the_order_in_which_processes_tell_does_not_matter() -> None:
    cases = [case("i-1"), case("i-2", repeat=1), case("i-2")]
    assert record_of_cases(cases).plain() == record_of_cases(cases[::-1]).plain()


def test_claims_are_counted_anew_for_each_test_and_gates_not_at_all() -> None:
    record = record_of_cases([])
    record.claims = {("b", 9): {"number": 9}, ("a", 4): {"number": 4}, ("b", 3): {"number": 3}}
    record.gates["g"] = {"claim": {"number": 5, "side": "at least"}, "family": [{"claim": {"number": 6}}]}
    plain = record.plain()
    assert [(claim["test"], claim["number"]) for claim in plain["claims"]] == [("a", 1), ("b", 1), ("b", 2)]
    assert plain["gates"]["g"] == {"claim": {"side": "at least"}, "family": [{"claim": {}}]}


def test_half_a_surrogate_pair_in_a_reply_survives_the_file(tmp_path: Path) -> None:
    record = record_of_cases([case("i-1", analysis="broken \ud83d here, naïve there")])
    record.save(tmp_path / "run.json")
    (read,) = read_record(tmp_path / "run.json").judged.values()
    assert read["analysis"] == "broken \ud83d here, naïve there"
    assert "naïve".encode() in (tmp_path / "run.json").read_bytes()


def test_judgements_come_back_with_variant_repeat_authors_fields_and_images(tmp_path: Path) -> None:
    items = [
        Item.model_validate(
            {
                "id": "i-1",
                "task": "pair",
                "responses": [{"text": "four", "author": "m1"}, {"images": ["b.png"]}],
                "images": ["a.png"],
                "human": ["A", "B", "A"],
                "hard": True,
            }
        )
    ]
    run = _logged_run(tmp_path, items)
    for repeat in (0, 1):
        run.ask(items[0], repeat=repeat)
    cases = json.loads(json.dumps(all_judged([run])))
    assert [(c["images"], c["lengths"], c["authors"]) for c in cases] == [
        (["a.png", "b.png"], [4, None], ["m1", None])
    ] * 2
    again = judgements_of(cases, facts_of([run])["benchmarks"][str(tmp_path)])
    assert isinstance(again, Judgements)
    assert [(j.repeat, j.variant, j.reply, j.verdict) for j in again] == [
        (0, "", "It is A.\nJudgement: [[A]]", "A"),
        (1, "", "It is B.\nJudgement: [[B]]", "B"),
    ]
    assert again[0].item is again[1].item
    assert [response.author for response in again[0].item.responses] == ["m1", None]
    assert again[0].item.fields == {"hard": True}
    assert again[0].human == "A"


def _logged_run(folder: Path, items: list[Item]) -> Run:
    rows = [
        {"item": "i-1", "repeat": repeat, "reply": f"It is {label}.\nJudgement: [[{label}]]"}
        for repeat, label in enumerate("AB")
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    tables = {"one": {"kind": "log", "path": str(folder / "log.jsonl")}}
    benchmark = benchmark_of(folder, items)
    return Run(benchmark, build("one", tables, Context(tasks=benchmark.tasks, root=folder)))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "there is no run record" + AGAIN),
        ("{", "is damaged: Expecting property name enclosed in double quotes at line 1, column 2" + AGAIN),
        (b"\xff\xfe\xfa", "is damaged: not UTF-8 at byte 0" + AGAIN),
        ("[1]", "is neither a run record nor a JSON report of this version" + AGAIN),
        ('{"format": "x"}', "is neither a run record nor a JSON report of this version" + AGAIN),
        ('{"format": "mllm-judge-run/1"}', DAMAGED + "'root' is missing or no str" + AGAIN),
    ],
    ids=["none", "cut", "bytes", "a list", "another", "empty"],
)
def test_a_file_that_is_no_record_is_told(text: str | bytes | None, told: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as error:
        read_record(path)
    assert str(error.value) == f"{path}: {told}"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"judge": None}, "judged[0] has no 'judge'"),
        ({"repeat": "0"}, "judged[0] has no 'repeat'"),
        ({"benchmark": "x"}, "judged[0] is of a benchmark that the record does not have, 'x'"),
    ],
)
def test_a_damaged_case_is_told_by_its_place(change: dict[str, Any], told: str, tmp_path: Path) -> None:
    record = record_of_cases([case("i-1")])
    key = key_of(case("i-1"))
    record.judged[key] = {**record.judged[key], **change}
    record.save(tmp_path / "run.json")
    with pytest.raises(SettingsError) as error:
        read_record(tmp_path / "run.json")
    assert str(error.value) == f"{tmp_path / 'run.json'}: {DAMAGED}{told}{AGAIN}"


def _every_key() -> list[tuple[str, str]]:
    """What an entry of each table holds, as real runs write it."""
    return [(table, name) for table, names in saved.OF_EACH.items() for name in names.split()]


def _whole() -> RunRecord:
    record = record_of_cases([case("i-1")])
    record.cases["c"] = case("i-1")
    record.gates["g"] = upgrade_gate()
    record.claims["t", 1] = {"number": 1, "outcome": "holds", "text": "holds: it"}
    record.tests["t"] = {"judge": None, "benchmark": None, "outcome": "fails"}
    return record


@pytest.mark.parametrize(("table", "name"), _every_key())
def test_a_key_that_is_missing_anywhere_is_told_with_its_place(table: str, name: str, tmp_path: Path) -> None:
    plain = json.loads(json.dumps(_whole().plain()))
    place = next(iter(plain[table])) if isinstance(plain[table], dict) else 0
    del plain[table][place][name]
    saved.write(plain, tmp_path / "run.json")
    with pytest.raises(SettingsError) as error:
        read_record(tmp_path / "run.json")
    told = f"{table}[{place!r}] has no {name!r}"
    assert str(error.value) == f"{tmp_path / 'run.json'}: {DAMAGED}{told}{AGAIN}"


@pytest.mark.parametrize("table", ["cases", "gates"])
def test_an_entry_of_a_benchmark_that_the_record_does_not_have_is_told(table: str, tmp_path: Path) -> None:
    record = _whole()
    place, entry = next(iter(getattr(record, table).items()))
    entry["benchmark"] = "x"
    record.save(tmp_path / "run.json")
    with pytest.raises(SettingsError) as error:
        read_record(tmp_path / "run.json")
    told = f"{table}[{place!r}] is of a benchmark that the record does not have, 'x'"
    assert str(error.value) == f"{tmp_path / 'run.json'}: {DAMAGED}{told}{AGAIN}"


def test_what_is_asked_of_each_entry_is_what_a_run_writes(tmp_path: Path) -> None:
    item = Item.model_validate({"id": "i-1", "task": "pair", "responses": [{"text": "a"}] * 2, "human": "A"})
    run = _logged_run(tmp_path, [item])
    judgement = run.ask(item)
    told = facts_of([run])
    written = {
        "benchmarks": told["benchmarks"][str(tmp_path)],
        "runs": told["runs"][f"one {tmp_path}"],
        "cases": case_of(judgement, run),
        "judged": judged_of(judgement, run),
    }
    for table, entry in written.items():
        assert set(saved.OF_EACH[table].split()) <= entry.keys(), table


def test_a_file_that_is_nested_too_deeply_is_told(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("[" * 100_000)
    with pytest.raises(SettingsError) as error:
        read_record(tmp_path / "run.json")
    assert str(error.value) == f"{tmp_path / 'run.json'}: is damaged: it is nested too deeply{AGAIN}"


def test_an_empty_record_can_be_saved(tmp_path: Path) -> None:
    RunRecord(benchmarks={BENCH: facts()}).save(tmp_path / "run.json")
    assert read_record(tmp_path / "run.json").benchmarks == {BENCH: facts()}
