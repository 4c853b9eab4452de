"""Reviews are put to the judgements that they are of; those of another reply are never used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge import Judgement, Review, Session, reviews
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model.review import DIGITS, digest_of
from pytest_mllm_judge.reference.generate import write as draw
from pytest_mllm_judge.runs.record import RunRecord, facts_of
from pytest_mllm_judge.runs.reviews import reply_digest
from pytest_mllm_judge.runs.run import Run
from tests.runs.approvals import Project

SAID = {"agrees": True, "analysis": 3, "hallucination": True, "reviewer": "ann"}
REVIEW = Review(agrees=True, analysis=3, hallucination=True, reviewer="ann")
FIRST = "pair-00"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.write_log("good", {f"pair-{n:02}": {"reply": f"It is a cat, {n}. [[A]]"} for n in range(20)})
    return made


def put(folder: Path, lines: Iterable[Mapping[str, Any]], judge: str = "good") -> None:
    (folder / "reviews").mkdir(exist_ok=True)
    text = "".join(json.dumps({**SAID, **line}) + "\n" for line in lines)
    (folder / "reviews" / f"{judge}.jsonl").write_text(text)


def of_log(number: int = 0, **more: Any) -> dict[str, Any]:
    """A review of a reply in the log."""
    reply = digest_of(f"It is a cat, {number}. [[A]]")
    return {"item": f"pair-{number:02}", "judge": "good", "reply": reply, **more}


def run_of(project: Project, judge: str = "good") -> Run:
    return project.session().run(judge, project.bench)


def first(run: Run) -> Judgement:
    return run.ask(run.items[0])


def test_a_judgement_carries_the_reviews_of_its_reply(project: Project) -> None:
    put(project.bench, [of_log(), of_log(reviewer="bob"), of_log(1)])
    run = run_of(project)
    assert first(run).reviews == (REVIEW, REVIEW.model_copy(update={"reviewer": "bob"}))
    assert run.ask(run.items[2]).reviews == ()
    assert run.reviews.stale == set()


def test_a_review_of_a_reply_that_changed_is_never_used_and_told(project: Project) -> None:
    put(project.bench, [of_log(), of_log(1)])
    project.write_log("good", {f"pair-{n:02}": {"reply": "It is a dog. [[A]]"} for n in range(20)})
    run = run_of(project)
    judgements = run.judgements()
    assert all(judgement.reviews == () for judgement in judgements)
    assert reviews.hallucination(judgements).n == 0
    assert [where.rpartition("/")[2] for where in sorted(run.reviews.stale)] == [
        "good.jsonl:1",
        "good.jsonl:2",
    ]


def test_a_verdict_without_a_text_is_known_by_itself(project: Project) -> None:
    project.write_log("good", {f"pair-{n:02}": {"verdict": "A"} for n in range(20)})
    judgement = first(run_of(project))
    put(project.bench, [{**of_log(), "reply": reply_digest(judgement)}])
    assert first(run_of(project)).reviews == (REVIEW,)
    project.write_log("good", {f"pair-{n:02}": {"verdict": "B"} for n in range(20)})
    assert first(run_of(project)).reviews == ()


def test_another_judge_s_replies_have_reviews_of_their_own(project: Project) -> None:
    put(project.bench, [of_log()])
    project.write_log("other", {FIRST: {"reply": "It is a cat, 0. [[A]]"}})
    assert first(run_of(project, "other")).reviews == ()


def test_an_item_without_a_reply_has_no_reviews_and_makes_none_stale(project: Project) -> None:
    put(project.bench, [of_log()])
    project.write_log("good", {"pair-01": {"verdict": "A"}})
    run = run_of(project)
    assert first(run).problem == "not_asked"
    assert first(run).reviews == ()
    assert run.reviews.stale == set()


def test_a_line_that_is_not_filled_in_is_no_review(project: Project) -> None:
    put(project.bench, [of_log(agrees=None, analysis=None, hallucination=None)])
    run = run_of(project)
    assert first(run).reviews == ()
    assert len(run.reviews.open) == 1


@pytest.fixture
def shapes(tmp_path: Path) -> Session:
    draw(tmp_path / "shapes")
    return Session(root=tmp_path)


def test_a_question_is_known_by_its_digest(shapes: Session, tmp_path: Path) -> None:
    folder = tmp_path / "shapes"
    run = shapes.run("reference", folder)
    digest, reply = run.question(run.items[0]).digest, reply_digest(first(run))
    other = digest_of("another question")
    named = {"item": run.items[0].id, "question": digest[:DIGITS], "reply": reply}
    put(folder, [{"question": digest, "reply": reply}, named, {**named, "question": other}], "reference")
    again = Session(root=tmp_path).run("reference", folder)
    assert first(again).reviews == (REVIEW,)  # nobody has two votes, also where one line names no item
    assert [where.rpartition(":")[2] for where in again.reviews.stale] == ["3"]


def test_a_bad_line_is_told_before_anything_is_asked(project: Project) -> None:
    put(project.bench, [of_log(analysis=7)])
    run = run_of(project)
    with pytest.raises(BenchmarkError) as told:
        run.prepare(run.items)
    assert "good.jsonl:1: this review can't be used: analysis: must be" in str(told.value)
    with pytest.raises(BenchmarkError):
        run.ask(run.items[0])


def test_an_approval_keeps_the_reviews_that_there_were(project: Project) -> None:
    put(project.bench, [of_log(), of_log(1, hallucination=False)])
    project.approve()
    file = project.bench / "baselines" / "good.json"
    told = '"reviews": [{"agrees": true, "analysis": 3, "hallucination": true, "reviewer": "ann"}]'
    assert f'"pair-00": {{"answers": [{{"verdict": "A", {told}}}]' in file.read_text()
    assert '"pair-02": {"answers": [{"verdict": "A"}]' in file.read_text()
    put(project.bench, [of_log(1)])
    candidate, approved = project.baseline()
    assert first(approved).reviews == (REVIEW,)
    ours, theirs = (reviews.hallucination(judgements) for judgements in approved.beside(candidate))
    assert (ours.value, theirs.value, theirs.n) == (1, 0.5, 2)
    assert (ours - theirs).n == 1


def test_a_review_in_an_approval_that_can_t_be_is_told_by_its_place(project: Project) -> None:
    put(project.bench, [of_log()])
    project.approve()
    file = project.bench / "baselines" / "good.json"
    file.write_text(file.read_text().replace('"analysis": 3', '"analysis": 6'))
    with pytest.raises(BenchmarkError) as told:
        project.baseline()
    place = "items.pair-00.answers[0].reviews[0].analysis"
    assert f": {place}: input should be less than or equal to 5, got 6\n" in str(told.value)


def test_processes_tell_of_each_stale_line_once(project: Project) -> None:
    put(project.bench, [of_log(number, reply=digest_of("old")) for number in range(12)])
    record = RunRecord()
    for some in (slice(0, 7), slice(5, 12)):
        run = run_of(project)
        run.judgements(run.items[some])
        record.add_facts(facts_of([run]))
    (facts,) = record.runs.values()
    assert [int(where.rpartition(":")[2]) for where in facts["stale_reviews"]] == list(range(1, 13))
