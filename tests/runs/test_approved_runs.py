"""A run that is read from an approval says what the judge said, and is compared like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.runs.approved_run import ApprovedRun
from pytest_mllm_judge.runs.session import Session
from tests.runs.approvals import HEAD, Project, pair, score

MANIFEST = HEAD + (
    "[probes]\nrepeat = 2\nposition = true\n"
    '[gates."few"]\ncheck = "problems.rate"\nat_most = 0.9\n'
    '[upgrade]\nslices = ["source"]\n'
    'margin = { score = 0.9, pair = 0.5, "latency.mean" = 9, "consistency.orders" = 0.9, '
    '"problems.rate" = 0.9 }\n'
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Pairs asked in both orders and scores, each twice, of two judges with latencies and problems."""
    made = Project(tmp_path)
    sources = {"source": "charts"}
    pairs = [pair(number, **(sources if number % 3 else {})) for number in range(20)]
    made.write(MANIFEST)
    made.write_items([*pairs, *(score(number) for number in range(20))])
    made.write_log("good", rows(slip=7))
    made.write_log("bad", rows(slip=3))
    return made


def rows(*, slip: int) -> list[tuple[str, dict[str, Any]]]:
    """A log that is wrong, or gives no verdict, on every so many answers."""
    found = []
    names = [("pair", "A", "B", variant) for variant in ("", "swapped")] + [("score", 3, 1, "")]
    for place, (task, right, wrong, variant) in enumerate(names):
        for number in range(20):
            for repeat in range(2):
                asked = number + place + 5 * repeat
                said = (
                    {"reply": "I can't."} if not asked % 11 else {"verdict": right if asked % slip else wrong}
                )
                row = {**said, "variant": variant, "repeat": repeat, "latency": asked / 8, "model": "m"}
                found.append((f"{task}-{number:02}", row))
    return found


def unnumbered(family: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A family without the numbers that its claims have in this process."""
    for member in family:
        (member["claim"] or {}).pop("number", None)
    return family


def family(session: Session, project: Project, judge: str, named: str | None) -> list[dict[str, Any]]:
    """All that comes of comparing a judge with the named baseline, or the approved one."""
    baseline = session.baseline(judge, project.bench, named)
    assert isinstance(baseline, ApprovedRun) == (named is None)
    return unnumbered(session.upgrade(session.run(judge, project.bench), baseline).plain())


@pytest.mark.parametrize("judge", ["good", "bad"])
def test_everything_that_is_compared_is_the_same_as_with_the_judge_itself(
    judge: str, project: Project
) -> None:
    project.approve("good")
    by_name = family(project.session(), project, judge, "good")
    assert family(project.session(), project, judge, None) == by_name
    names = {member["check"] for member in by_name}
    assert {"pair.accuracy", "problems.rate", "latency.mean", "consistency.orders"} <= names
    assert any(member["slice"] for member in by_name)


def test_each_answer_comes_back_with_what_it_cost(project: Project) -> None:
    project.approve("good")
    _, unspent = project.baseline()
    spent = {name: ((0.5, 2.5),) * len(item.answers) for name, item in unspent.approved.items.items()}
    _, baseline = project.baseline(spent=spent)
    assert {(each.cost, each.latency) for each in baseline.judgements()} == {(0.5, 2.5)}


def test_it_says_of_each_question_what_the_judge_said(project: Project) -> None:
    made = project.approve("good")
    run = project.session().run("good", project.bench)
    baseline = ApprovedRun(run.benchmark, made)
    ours = {(j.item.id, j.variant, j.repeat): j for j in run.judgements()}
    theirs = {(j.item.id, j.variant, j.repeat): j for j in baseline.judgements()}
    assert ours.keys() == theirs.keys()
    for name, judgement in ours.items():
        again = theirs[name]
        assert again.judge == "good (approved)"
        for word in ("item", "verdict", "problem", "cost", "latency", "model"):
            assert getattr(again, word) == getattr(judgement, word)
        assert again.reply is None


def test_a_question_that_it_does_not_know_is_not_asked(project: Project) -> None:
    project.approve("good")
    _, baseline = project.baseline()
    judgement = baseline.ask(baseline.items[0], repeat=5)
    assert (judgement.problem, judgement.reason) == (
        "not_asked",
        "the approval does not know 'pair-00' (repeat 5)",
    )


def test_a_limit_limits_it_too(project: Project) -> None:
    made = project.approve("good")
    benchmark = project.session().benchmark(project.bench)
    limited = ApprovedRun(benchmark, made, limit=5)
    assert limited.items == project.session(limit=5).run("good", project.bench).items
    assert {each.item for each in limited.judgements()} == set(limited.items)
