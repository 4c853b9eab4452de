"""MLLM-as-a-Judge's HQ files: what their annotators said of the recorded replies loads as reviews.

The files here are the head of each, no random sample: no figure says anything of the whole data set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from pytest_mllm_judge import Judgements, Session, reviews
from pytest_mllm_judge.benchmarks.mllm_as_a_judge import MllmAsAJudgeReader
from tests.real.conftest import MakeProject

HQ = {"hq_score": 15, "hq_pair": 12, "hq_batch": 8}
"""The files and their records."""
GATES = """[gates."few hallucinate"]
check = "reviews.hallucination"
at_most = 0.2
[gates."people agree"]
check = "reviews.agrees"
at_least = 0.5
"""
HEAD = 'format = "mllm-judge/1"\nname = "hq"\nreader = "mllm-as-a-judge"\n'


def records(shared: Path, name: str) -> list[dict[str, Any]]:
    lines = (shared / "mllm_judge_samples" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def text_of(record: Mapping[str, Any]) -> str:
    """The judge's reply as it was recorded."""
    text: str = record["result"]["analysis"] if "result" in record else record["evaluator"]["judge"]
    return text


def verdict_of(record: Mapping[str, Any]) -> str | int:
    said = record["result"]["judge"] if "result" in record else record["evaluator"]["judge_evaluator"]
    return int(said) if said.isdigit() else said


Judged = Callable[..., Judgements]


@pytest.fixture
def judged(shared: Path, tmp_path: Path) -> Iterator[Judged]:
    """What the recorded replies of a file come to; `other` puts another text in their place."""
    sessions = []

    def run(name: str, *, other: str | None = None) -> Judgements:
        reader, rows = MllmAsAJudgeReader(), []
        for record in records(shared, name):
            row = {"item": reader.item(record).id, "verdict": verdict_of(record)}
            rows.append({**row, "reply": text_of(record) if other is None else other})
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        bench = tmp_path / "bench"
        bench.mkdir(exist_ok=True)
        path = shared / "mllm_judge_samples" / f"{name}.jsonl"
        (bench / "benchmark.toml").write_text(f'{HEAD}path = "{path}"\n')
        sessions.append(Session(root=tmp_path, tables={"hq": {"kind": "log", "path": "log.jsonl"}}))
        return sessions[-1].run("hq", bench).judgements()

    yield run
    for session in sessions:
        session.close()


@pytest.mark.parametrize("name", HQ)
def test_every_record_s_evaluator_is_the_review_of_its_reply(name: str, judged: Judged, shared: Path) -> None:
    judgements = judged(name)
    assert len(judgements) == HQ[name]
    for judgement, record in zip(judgements, records(shared, name), strict=True):
        (review,) = judgement.reviews
        said = record["evaluator"]
        assert review.agrees is bool(said["judge_human"])
        assert review.analysis == said["analysis"]
        assert review.hallucination is bool(said["hallucination"])


@pytest.mark.parametrize("name", HQ)
def test_of_another_reply_they_are_no_reviews(name: str, judged: Judged) -> None:
    assert all(judgement.reviews == () for judgement in judged(name, other="Something else. [[A]]"))


@pytest.mark.parametrize(
    ("name", "hallucinations", "agreed"), [("hq_score", 2, 14), ("hq_pair", 0, 12), ("hq_batch", 0, 8)]
)
def test_their_rates_are_those_that_a_reader_counts(
    name: str, hallucinations: int, agreed: int, judged: Judged
) -> None:
    judgements = judged(name)
    values = [
        figure(judgements).value for figure in (reviews.hallucination, reviews.agrees, reviews.analysis)
    ]
    assert values == pytest.approx([hallucinations / HQ[name], agreed / HQ[name], 5])


def test_items_of_one_picture_are_one_cluster(judged: Judged) -> None:
    found = reviews.hallucination(judged("hq_score"))
    alone = stats.binomtest(2, 15).proportion_ci(0.90, method="exact")
    assert found.clusters == 8
    assert found.high is not None
    assert found.high > alone.high


def test_none_of_eight_rankings_hallucinates_and_that_shows_little(judged: Judged) -> None:
    found = reviews.hallucination(judged("hq_batch"))
    exact = stats.binomtest(0, 8).proportion_ci(0.90, method="exact")
    assert found.value == 0
    assert found.high == pytest.approx(exact.high)
    assert (found <= 0.05).outcome == "undecided"


def test_a_gate_in_a_whole_run_rests_on_the_released_reviews(shared: Path, real_project: MakeProject) -> None:
    """hq_score: 2 of 15 replies hallucinate, 14 are agreed with; about 8 pictures, too few to decide."""
    project = real_project(
        {"hq": {"kind": "log", "path": "log.jsonl"}},
        reader="mllm-as-a-judge",
        path="mllm_judge_samples/hq_score.jsonl",
        rest=GATES,
    )
    reader = MllmAsAJudgeReader()
    rows = [
        {"item": reader.item(record).id, "verdict": verdict_of(record), "reply": text_of(record)}
        for record in records(shared, "hq_score")
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.path / "log.jsonl").write_text(text, encoding="utf-8")
    result = project.runpytest("-q", "-p", "no:randomly", "--judge=hq", "bench")
    result.stdout.fnmatch_lines(
        [
            "  undecided  few hallucinate  reviews.hallucination at most 0.2: 0.133 (*)",
            "  undecided  people agree     reviews.agrees at least 0.5: 0.933 (*)",
        ]
    )
