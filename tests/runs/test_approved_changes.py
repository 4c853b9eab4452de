"""What has changed since an approval is told, and what can't be compared any more is left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.judging.judge import Identity
from pytest_mllm_judge.runs.since import changes_since
from tests.runs.approvals import HEAD, MANIFEST, Project, pair, score


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Twenty pairs, and the approval of `good`."""
    made = Project(tmp_path)
    made.approve()
    return made


def since(project: Project, **changes: Any) -> dict[str, Any]:
    """What has changed since the approval of `good`, itself changed so, by `good` as it is now."""
    candidate, baseline = project.baseline(**changes)
    plain: dict[str, Any] = changes_since(candidate, baseline)["approval"]
    return plain


def compared(project: Project) -> list[str]:
    """The items that are compared."""
    candidate, baseline = project.baseline()
    ours, theirs = baseline.beside(candidate)
    names = [judgement.item.id for judgement in ours]
    assert names == [judgement.item.id for judgement in theirs]
    return names


PAIRS = [f"pair-{number:02}" for number in range(20)]


def test_nothing_is_told_where_nothing_has_changed(project: Project) -> None:
    plain = since(project)
    assert plain == {
        "judge": "good",
        "file": "baselines/good.json",
        "reason": "first judge in use",
        "left_out": {"unknown": [], "changed": [], "rescaled": []},
        "gone": [],
        "relabelled": [],
        "answered_by": {"then": {"log": 20}, "now": {"log": 20}},
        "lines": [],
    }
    assert compared(project) == PAIRS


def test_another_baseline_tells_nothing(project: Project) -> None:
    run = project.session().run("good", project.bench)
    assert changes_since(run, run) == {}


def test_items_that_the_approval_does_not_know_are_left_out(project: Project) -> None:
    project.write_items(pair(number) for number in range(23))
    assert since(project)["lines"] == [
        "not compared: 3 items that the approval does not know, the first pair-20"
    ]
    assert compared(project) == PAIRS


@pytest.mark.parametrize(
    "change",
    [
        {"instruction": "What is that?"},
        {"responses": [{"text": "A cat!"}, {"text": "A dog."}]},
        {"responses": [{"text": "A dog."}, {"text": "A cat."}]},
        {"images": ["new.png"]},
    ],
    ids=["instruction", "response", "order", "picture"],
)
def test_items_whose_content_changed_are_left_out(project: Project, change: dict[str, Any]) -> None:
    project.write_items(pair(number, **(change if number == 7 else {})) for number in range(20))
    plain = since(project)
    assert plain["lines"] == ["not compared: 1 item whose content changed since, the first pair-07"]
    assert plain["left_out"]["changed"] == ["pair-07"]
    assert compared(project) == [name for name in PAIRS if name != "pair-07"]


@pytest.mark.parametrize(
    "change",
    [
        {"source": "charts"},
        {"level": 3},
        {"responses": [{"text": "A cat.", "author": "m9"}, {"text": "A dog.", "author": "m2"}]},
    ],
    ids=["source", "field", "author"],
)
def test_what_is_not_asked_about_is_no_content(project: Project, change: dict[str, Any]) -> None:
    project.write_items(pair(number, **change) for number in range(20))
    assert since(project)["lines"] == []


def test_a_picture_counts_by_its_content(tmp_path: Path) -> None:
    project = Project(tmp_path)
    (project.bench / "a.png").write_bytes(b"one")
    (project.bench / "b.png").write_bytes(b"two")
    images = {0: ["a.png"], 1: ["b.png"]}
    project.write_items(pair(number, images=images.get(number, [])) for number in range(20))
    project.approve()
    (project.bench / "a.png").rename(project.bench / "c.png")
    images[0] = ["c.png"]
    project.write_items(pair(number, images=images.get(number, [])) for number in range(20))
    (project.bench / "b.png").write_bytes(b"another")
    assert since(project)["left_out"]["changed"] == ["pair-01"]


def test_items_that_are_gone_or_skipped_are_told(project: Project) -> None:
    skipped = {5: {"skip": "blurred"}}
    project.write_items(pair(number, **skipped.get(number, {})) for number in range(1, 20))
    plain = since(project)
    assert plain["lines"] == ["not compared: 2 items that the benchmark has no more, the first pair-00"]
    assert plain["gone"] == ["pair-00", "pair-05"]
    assert compared(project) == [name for name in PAIRS if name not in plain["gone"]]


def test_changed_labels_are_told_and_todays_are_used(project: Project) -> None:
    project.write_items(pair(number, **({"human": "B"} if number < 2 else {})) for number in range(20))
    plain = since(project)
    assert plain["lines"] == [
        "compared by today's labels: 2 items whose labels changed since, the first pair-00"
    ]
    assert plain["relabelled"] == ["pair-00", "pair-01"]
    candidate, baseline = project.baseline()
    _, theirs = baseline.beside(candidate)
    assert [judgement.human for judgement in theirs][:3] == ["B", "B", "A"]


def test_another_scale_leaves_the_whole_task_out(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write_items([*(pair(number) for number in range(20)), *(score(number) for number in range(20))])
    rows = {f"score-{n:02}": {"verdict": 3} for n in range(20)}
    project.write_log("good", {**{name: {"verdict": "A"} for name in PAIRS}, **rows})
    project.approve()
    project.write(MANIFEST + "[score]\nscale = [1, 2, 3, 4, 5, 6]\n")
    assert since(project)["lines"] == [
        "not compared: 20 score items, with the verdicts 1, 2, 3, 4, 5 then, 1, 2, 3, 4, 5, 6 now"
    ]
    assert compared(project) == PAIRS


def test_other_labels_of_a_pair_leave_the_pairs_out(project: Project) -> None:
    project.write(MANIFEST + '[pair]\nlabels = ["A", "B"]\n')
    assert since(project)["lines"] == [
        "not compared: 20 pair items, with the verdicts A, B, tie then, A, B now"
    ]
    assert compared(project) == []


def test_repeats_are_paired_as_far_as_both_have_them(project: Project) -> None:
    project.write(MANIFEST + "[probes]\nrepeat = 3\n")
    rows = [(name, {"verdict": "A", "repeat": repeat}) for name in PAIRS for repeat in range(3)]
    project.write_log("good", rows)
    assert since(project)["lines"][0] == "asked once then and 3 times now: compared on the first 1"
    assert compared(project) == PAIRS
    project.approve()
    assert compared(project) == [name for name in PAIRS for _ in range(3)]
    project.write(MANIFEST + "[probes]\nrepeat = 2\n")
    assert since(project)["lines"] == ["asked 3 times then and 2 times now: compared on the first 2"]
    assert compared(project) == [name for name in PAIRS for _ in range(2)]


def test_a_snapshot_that_silently_changed_is_told(project: Project) -> None:
    plain = since(project, answered_by={"gpt-4o-2024-05-13": 20})
    assert plain["lines"] == ["the snapshot that answers changed from gpt-4o-2024-05-13 to log"]


def test_a_part_of_the_snapshots_may_answer_a_part_of_the_items(project: Project) -> None:
    both = {"log": 10, "other": 10}
    assert since(project, answered_by=both)["lines"] == [
        "the snapshot that answers changed from log and other to log"
    ]
    project.write_items(pair(number) for number in range(10))
    assert since(project, answered_by=both)["lines"] == [
        "not compared: 10 items that the benchmark has no more, the first pair-10"
    ]


def test_a_judge_that_names_no_snapshot_tells_no_change(project: Project) -> None:
    assert since(project, answered_by={})["lines"] == []


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model": "gpt-4v"}, "model: gpt-4v (answered by log) then, log now"),
        ({"model": "m", "answered_by": {}}, "model: m then, log now"),
        ({"parser": "viescore"}, "parser: viescore then, strict now"),
        ({"prompt": "no-cot.v1"}, "prompt: no-cot.v1 then, none now"),
    ],
)
def test_another_judge_is_told_by_what_differs(project: Project, changes: dict[str, Any], line: str) -> None:
    assert since(project, **changes)["lines"] == [line]


def test_a_prompt_whose_text_changed_is_told(project: Project) -> None:
    _, baseline = project.baseline()
    digests = baseline.approved.digests.model_copy(update={"prompt": "another"})
    candidate, baseline = project.baseline(prompt="own.txt", digests=digests)
    candidate.judge.identity = lambda: Identity(  # type: ignore[method-assign]
        model="log", parser="strict", prompt="own.txt", prompt_digest="new",
        settings=baseline.approved.settings,
    )  # fmt: skip
    assert changes_since(candidate, baseline)["approval"]["lines"] == [
        "prompt: the text of own.txt has changed since"
    ]


def test_settings_are_told_key_by_key(project: Project) -> None:
    then = {
        "temperature": 0,
        "response_format": {"type": "json_schema", "json_schema": {"a": "b" * 50}},
    }
    assert since(project, settings=then)["lines"] == [
        "settings: response_format {'type': 'json_schema', 'json_schema': … then, not set now; "
        "temperature 0 then, not set now"
    ]


def test_another_log_is_told(project: Project) -> None:
    project.write_log("good", {name: {"verdict": "A"} for name in PAIRS})
    assert since(project)["lines"] == ["the log has changed since"]


RECORDED = HEAD + "[upgrade]\nmargin = 0.3\n"
FUNCTION = "from pytest_mllm_judge.model import Reply\ndef ask(question):\n    return Reply({})\n"
REPLY = "text='Judgement: [[A]]', model='m-{}'"


def record(project: Project, snapshot: int, mode: str) -> None:
    """Record a function that answers as a snapshot of `m`."""
    (project.root / f"own{snapshot}.py").write_text(FUNCTION.format(REPLY.format(snapshot)))
    project.tables["own"] = {"kind": "callable", "function": f"own{snapshot}.py:ask", "model": "m"}
    project.write_log("good", {})
    project.judge("own", mode=mode)


def test_a_recording_made_anew_is_told_and_its_snapshot_is_found(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write(RECORDED)
    record(project, 1, "new_episodes")
    project.approve("own")
    session = project.session()
    candidate = session.run("own", project.bench)
    baseline = session.baseline("own", project.bench, None)
    assert changes_since(candidate, baseline)["approval"]["lines"] == []
    record(project, 2, "all")
    session = project.session()
    candidate, baseline = session.run("own", project.bench), session.baseline("own", project.bench, None)
    assert changes_since(candidate, baseline)["approval"]["lines"] == [
        "the snapshot that answers changed from m-1 to m-2",
        "the cassette has changed since",
    ]
