"""`python -m pytest_mllm_judge reviews`: what should be reviewed next, in which order; what is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.benchmarks.reviews import path_of, read
from pytest_mllm_judge.model.review import digest_of
from pytest_mllm_judge.reference.generate import write as draw
from pytest_mllm_judge.runs.reviewing import DISAGREES, DRAWN, Next, ToReview, to_review, write
from tests.runs.approvals import Project, pair

WRONG = (3, 5, 8)
"""The pairs that the judge under test has wrong; the judge before it had the last of them wrong, too."""


def reply(number: int, verdict: str) -> str:
    return f"Seen {number}. [[{verdict}]]"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = Project(tmp_path)
    for judge, wrong in (("new", WRONG), ("old", WRONG[2:])):
        said = {n: reply(n, "B" if n in wrong else "A") for n in range(20)}
        made.write_log(judge, {f"pair-{n:02}": {"reply": text} for n, text in said.items()})
    monkeypatch.chdir(tmp_path)
    return made


def found(project: Project, **options: Any) -> ToReview:
    given = {"root": project.root, "judge": "new", "benchmark": project.bench}
    return to_review(**{**given, **options})


def names(some: ToReview) -> list[str]:
    return [each.judgement.item.id for each in some.next]


def reasons(some: ToReview) -> list[str]:
    return [each.why for each in some.next]


def compared(project: Project) -> None:
    """Leave the record of a run that compared `new` with `old`."""
    record = project.judge("new", "old")
    folder = str(project.bench)
    gate = {"judge": "new", "benchmark": folder, "name": "pair.accuracy", "baseline": "old"}
    record.gates["upgrade"] = {**gate, "outcome": "fails", "line": "worse", "claim": None}
    record.save(project.record)


def test_without_a_baseline_disagreements_stand_first_then_a_random_draw(project: Project) -> None:
    some = found(project, most=5)
    assert sorted(names(some)[:3]) == ["pair-03", "pair-05", "pair-08"]
    assert reasons(some) == [DISAGREES] * 3 + [DRAWN] * 2
    assert (some.replies, some.reviewed, some.waiting, some.baseline) == (20, 0, 20, "")


def test_flips_since_the_last_run_s_baseline_go_before_other_disagreements(project: Project) -> None:
    compared(project)
    some = found(project, most=4)
    assert names(some)[:3] == ["pair-03", "pair-05", "pair-08"]
    assert reasons(some) == ["right to wrong since old"] * 2 + [DISAGREES, DRAWN]
    assert [each.before for each in some.next] == ["A", "A", "", ""]
    assert some.baseline == "old"


def test_without_a_baseline_in_the_record_it_is_what_was_approved_of(project: Project) -> None:
    project.approve("old")
    project.record.unlink()
    some = found(project, most=3)
    assert reasons(some) == ["right to wrong since old (approved)"] * 2 + [DISAGREES]


def test_what_is_reviewed_is_not_listed_again_and_what_is_stale_is(project: Project) -> None:
    lines = [
        {"item": f"pair-{number:02}", "judge": "new", "reply": digest_of(text), "agrees": False}
        for number, text in ((3, reply(3, "B")), (5, "It was something else."))
    ]
    lines.append({"item": "pair-99", "judge": "new", "reply": digest_of("x"), "agrees": True})
    path = path_of(project.bench, "new")
    path.parent.mkdir()
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    some = found(project, most=20)
    assert "pair-03" not in names(some)
    assert "pair-05" in names(some)
    assert (some.reviewed, len(some.stale), len(some.unmatched), some.open) == (1, 1, 1, 0)


def test_the_draw_is_the_same_for_a_seed_and_another_for_another(project: Project) -> None:
    draws = [names(found(project, most=20, seed=seed, sample=True)) for seed in (0, 0, 1)]
    assert draws[0] == draws[1] != draws[2]
    assert set(draws[0]) == {f"pair-{number:02}" for number in range(20)}


def test_a_sample_is_drawn_from_all_replies_whatever_flipped(project: Project) -> None:
    compared(project)
    assert set(reasons(found(project, sample=True))) == {DRAWN}


def test_an_item_without_a_reply_is_counted_and_not_listed(project: Project) -> None:
    project.write_log("new", {"pair-00": {"reply": reply(0, "A")}})
    some = found(project)
    assert names(some) == ["pair-00"]
    assert (some.replies, some.unreplied) == (1, 19)


def test_what_is_written_can_be_filled_in_and_is_read_then(project: Project) -> None:
    path = path_of(project.bench, "new")
    assert write(found(project, most=2).next, path) == 2
    assert [placed.line.is_open for placed in read(path, "new")] == [True, True]
    assert found(project).open == 2
    path.write_text(path.read_text().replace('"agrees":null', '"agrees":false'))
    some = found(project)
    assert (some.reviewed, some.stale, some.unmatched, some.open) == (2, [], [], 0)


def test_a_line_that_is_there_is_never_written_again_nor_touched(project: Project) -> None:
    path = project.root / "to-do.jsonl"
    write(found(project, most=2).next, path)
    path.write_text(path.read_text().rstrip("\n"))
    before = path.read_text()
    assert write(found(project, most=4).next, path) == 2
    assert path.read_text().startswith(before + "\n")
    assert len(path.read_text().splitlines()) == 4
    assert write(found(project, most=4).next, path) == 0


def test_a_recorded_question_is_named_by_its_digest(tmp_path: Path) -> None:
    draw(tmp_path / "shapes")
    some = to_review(root=tmp_path, judge="reference", benchmark=tmp_path / "shapes")
    line = some.next[0].line()
    question = some.next[0].question
    assert line["question"] == question.digest[:24]
    assert "judge" not in line


# The verb


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["reviews", *words]) == 0
    return capsys.readouterr().out


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["reviews", *words]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    return err.replace(f"{Path.cwd()}/", "")


def test_it_shows_what_a_reviewer_needs_and_writes_nothing(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_items(pair(n, images=["images/cat.png"], human=["A", "tie", "A"]) for n in range(20))
    compared(project)
    before = sorted(project.root.rglob("*"))
    assert told(capsys, "new", "--most", "1") == (
        "reviews of new on bench: 0 of 20 replies reviewed (bench/reviews/new.jsonl)\n"
        "next: 1 of 20 not reviewed; flips are those since old\n"
        "1. pair-03: right to wrong since old\n"
        "  picture   bench/images/cat.png\n"
        "  asked     What is it?\n"
        "  answer A  A cat.\n"
        "  answer B  A dog.\n"
        "  humans    A, tie, A\n"
        "  verdict   B, was A\n"
        "  analysis  Seen 3. [[B]]\n"
    )
    assert sorted(project.root.rglob("*")) == before


def test_it_tells_of_lines_that_are_not_used(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    path = path_of(project.bench, "new")
    path.parent.mkdir()
    line = {"judge": "new", "reply": digest_of("x"), "agrees": True}
    lines = [
        {**line, "item": "pair-00"},
        {**line, "item": "gone"},
        {**line, "item": "pair-01", "agrees": None},
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    project.write_log("new", {f"pair-{n:02}": {"reply": reply(n, "A")} for n in range(2)})
    assert told(capsys, "new", "bench", "--most", "1").splitlines()[:6] == [
        "reviews of new on bench: 0 of 2 replies reviewed (bench/reviews/new.jsonl)",
        "  stale   1, the first at bench/reviews/new.jsonl:1: the reply, or the question, has changed since",
        "  unknown 1, the first at bench/reviews/new.jsonl:2: nothing that is asked now",
        "  open    1 not filled in",
        "  no word 18 items without a reply",
        "next: 1 of 2 not reviewed; no baseline to flip against",
    ]


def test_it_writes_where_it_is_told_to(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    out = told(capsys, "new", "bench", "--most", "3", "--write", "bench/reviews/new.jsonl")
    assert out.endswith("\nwrote 3 empty lines to bench/reviews/new.jsonl; fill them in\n")
    first = json.loads(Path("bench/reviews/new.jsonl").read_text().splitlines()[0])
    number = int(first["item"].removeprefix("pair-"))
    assert first == {
        "item": first["item"],
        "judge": "new",
        "reply": digest_of(reply(number, "B")),
        "agrees": None,
        "analysis": None,
        "hallucination": None,
        "reviewer": "",
    }


def test_when_all_is_reviewed_it_says_so(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    path = path_of(project.bench, "new")
    write(found(project, most=20).next, path)
    path.write_text(path.read_text().replace('"agrees":null', '"agrees":true'))
    assert told(capsys, "new", "bench").splitlines() == [
        "reviews of new on bench: 20 of 20 replies reviewed (bench/reviews/new.jsonl)",
        "nothing is left to review",
    ]


def test_a_terminal_is_told_nothing_that_it_would_obey(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_log("new", {"pair-00": {"reply": "red \x1b[31m\nand blank\ud800 [[B]]"}})
    out = told(capsys, "new", "bench")
    assert "  analysis  red �[31m\n            and blank� [[B]]\n" in out


def test_an_unnamed_benchmark_is_asked_for(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    where = ".pytest_cache/d/mllm-judge/run.json"
    told_of = "error: {}: of which benchmark? The last run asked judge 'new' about {}\n" + (
        "  Name one: python -m pytest_mllm_judge reviews new BENCHMARK\n"
    )
    assert refusal(capsys, "new") == told_of.format(where, "none")
    shutil.copytree("bench", "other")
    record = project.judge("new")
    folder = str(project.root / "other")
    run = {**next(iter(record.runs.values())), "benchmark": folder}
    record.runs["other"] = run
    record.benchmarks[folder] = next(iter(record.benchmarks.values()))
    record.save(project.record)
    assert refusal(capsys, "new") == told_of.format(where, "bench, other")


def test_a_record_that_is_named_must_be_there(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "new", "bench", "--record", "kept.json") == (
        "error: kept.json: there is no run record\n"
        "  Run pytest with --judge again: it writes the record anew.\n"
    )


def test_a_judge_that_was_never_recorded_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(capsys, "new", "bench", "--most", "0") == "error: --most 0: say 1 or more\n"
    toml = Path("pyproject.toml")
    table = '[tool.pytest-mllm-judge.judges.far]\nkind = "openai"\nmodel = "gpt"\nbase_url = "http://127.0.0.1:9"\n'
    toml.write_text(toml.read_text() + table)
    assert refusal(capsys, "far", "bench").startswith(
        "error: judge 'far' has no recorded answers for the benchmark 'bench': "
    )


def test_a_reply_is_listed_with_its_judgement_and_its_question(project: Project) -> None:
    (one,) = found(project, most=1).next
    assert isinstance(one, Next)
    assert one.question.item is one.judgement.item
