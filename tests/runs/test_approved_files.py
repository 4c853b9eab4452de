"""Approved baselines as files: stable, one item a line, and every damage told."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import PROBLEMS, Tasks
from pytest_mllm_judge.runs.approved import (
    Answer,
    Approved,
    ApprovedItem,
    Digests,
    Figure,
    approved_judges,
    chosen,
    path_of,
    read,
    unchosen,
    write,
)

MEND = (
    "\n  Take it from git again, or approve anew: "
    "python -m pytest_mllm_judge approve good {folder} --reason TEXT"
)


def approval(**more: Any) -> Approved:
    """A small approval."""
    answers = (
        Answer(verdict="A"),
        Answer(repeat=1, problem="refused"),
        Answer(variant="swapped", verdict="B"),
    )
    half = Answer(verdict={"SC": 4.0}, problem="malformed")
    accuracy = Figure(name="pair.accuracy", value=0.5, low=0.4, high=0.6, n=3, clusters=1, method="wilson")
    settled: dict[str, Any] = {
        "judge": "good",
        "reason": "first judge in use",
        "model": "m",
        "answered_by": {"m-1": 3},
        "prompt": "no-cot.v1",
        "parser": "strict",
        "settings": {"temperature": 0, "stop": ["\n"]},
        "digests": Digests(prompt="p", settings="s", benchmark="b", cassette="c"),
        "tasks": Tasks(),
        "figures": (accuracy,),
        "gates": (Figure(name="agrees", value=None, low=None, high=None, n=0, clusters=0, reason="none"),),
        "items": {
            "b": ApprovedItem(answers=answers, content="c", labels="l"),
            "a": ApprovedItem(answers=(half,), content="c", labels="l"),
        },
        "spent": {"a": ((0.25, None),)},
    }
    return Approved(**{**settled, **more})


def test_the_text_has_each_item_on_a_line_and_leaves_out_what_is_usual() -> None:
    assert approval().to_text() == (
        """{
  "format": "mllm-judge-baseline/1",
  "judge": "good",
  "reason": "first judge in use",
  "model": "m",
  "answered_by": {"m-1": 3},
  "prompt": "no-cot.v1",
  "parser": "strict",
  "settings": {"temperature": 0, "stop": ["\\n"]},
  "digests": {
    "benchmark": "b",
    "cassette": "c",
    "prompt": "p",
    "settings": "s"
  },
  "tasks": {"score": {"scale": [1, 2, 3, 4, 5], "criteria": []}, "pair": {"labels": ["A", "B", "tie"]}, """
        """"batch": {}},
  "figures": [
    {"name": "pair.accuracy", "value": 0.5, "low": 0.4, "high": 0.6, "n": 3, "clusters": 1, """
        """"method": "wilson"}
  ],
  "gates": [
    {"name": "agrees", "value": null, "low": null, "high": null, "n": 0, "clusters": 0, "method": "", """
        """"reason": "none"}
  ],
  "items": {
    "a": {"answers": [{"verdict": {"SC": 4.0}, "problem": "malformed"}], "content": "c", "labels": "l"},
    "b": {"answers": [{"verdict": "A"}, {"repeat": 1, "problem": "refused"}, """
        """{"variant": "swapped", "verdict": "B"}], "content": "c", "labels": "l"}
  },
  "spent": {
    "a": [[0.25, null]]
  }
}
"""
    )


_WORDS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
_LABELS = st.integers(-9, 9) | st.floats(-9, 9) | _WORDS
_VERDICTS = _LABELS | st.dictionaries(_WORDS, _LABELS, min_size=1, max_size=3)
_SAID = st.tuples(st.none() | _VERDICTS, st.sampled_from(PROBLEMS)) | st.tuples(_VERDICTS, st.none())
_SPENT = st.none() | st.floats(0, 1e6)


@st.composite
def _answers(draw: st.DrawFn) -> tuple[tuple[Answer, ...], tuple[tuple[float | None, float | None], ...]]:
    names = draw(st.sets(st.tuples(st.just("") | _WORDS, st.integers(0, 3)), min_size=1, max_size=4))
    said = [(*name, *draw(_SAID)) for name in sorted(names)]
    answers = tuple(Answer(variant=v, repeat=r, verdict=said, problem=p) for v, r, said, p in said)
    return answers, tuple((draw(_SPENT), draw(_SPENT)) for _ in answers)


@given(
    items=st.dictionaries(_WORDS, _answers(), max_size=4),
    settings=st.dictionaries(_WORDS, st.none() | st.booleans() | _LABELS | st.lists(_LABELS), max_size=3),
    reason=_WORDS,
)
def test_what_is_written_is_read_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, items: dict[str, Any], settings: dict[str, Any], reason: str
) -> None:
    made = approval(
        reason=reason,
        settings=settings,
        items={
            name: ApprovedItem(answers=answers, content="c", labels="l")
            for name, (answers, _) in items.items()
        },
        spent={name: spent for name, (_, spent) in items.items()},
    )
    path = path_of(tmp_path_factory.getbasetemp(), made.judge)
    write(made, path)
    again = read(path)
    assert again == made
    assert again.to_text() == made.to_text()
    kinds = [[type(answer.verdict) for answer in item.answers] for item in made.items.values()]
    assert kinds == [[type(answer.verdict) for answer in again.items[name].answers] for name in made.items]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the approval of `good`."""
    write(approval(), path_of(tmp_path, "good"))
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    """Change the file of `good` by hand."""
    path = path_of(folder, "good")
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


DAMAGES = {
    "a merge left its marks": (
        '"judge": "good",\n',
        '<<<<<<< HEAD\n  "judge": "good",\n',
        ":3: this is not JSON: Expecting property name enclosed in double quotes at column 3",
    ),
    "a key that is none": (
        '"parser": "strict"',
        '"praser": "strict"',
        ": parser: is missing; is it 'praser'?\n{path}: praser: is not a known key; did you mean 'parser'?",
    ),
    "a problem that is none": (
        '"problem": "refused"',
        '"problem": "sulked"',
        ": items.b.answers[1].problem: must be 'refused', 'malformed', 'truncated', 'error' or 'not_asked', "
        "got 'sulked'",
    ),
    "an answer that says nothing": (
        '{"repeat": 1, "problem": "refused"}',
        '{"repeat": 1}',
        ": items.b.answers[1]: neither a verdict nor a problem",
    ),
    "answers out of order": (
        '"repeat": 1, ',
        "",
        ": items.b: its answers are not in order of variant and repeat, each once",
    ),
    "the same item twice": (
        '    "b": {',
        '    "a": {"answers": [], "content": "c", "labels": "l"},\n    "b": {',
        ": the key 'a' stands there twice",
    ),
    "a number that JSON has not": ("0.25", "NaN", ": NaN is no JSON"),
    "spent on nothing": ('"a": [[', '"x": [[', ": spent: 'x' is not among its items"),
    "spent too often": (
        "[[0.25, null]]",
        "[]",
        ": spent: 'a' has 0 entries, not one for each of its answers",
    ),
    "another judge's": (
        '"judge": "good"',
        '"judge": "bad"',
        ": judge: this is the approval of 'bad', and the file's name says another judge",
    ),
    "something else": (
        '"format": "mllm-judge-baseline/1"',
        '"format": 1',
        ": this is not an approved baseline",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_told_with_its_place_and_what_to_do(
    damage: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    old, new, told = DAMAGES[damage]
    edit(folder, old, new)
    path = path_of(folder, "good")
    with pytest.raises(BenchmarkError) as caught:
        read(path)
    shown = "baselines/good.json"
    assert str(caught.value) == shown + told.replace("{path}", shown) + MEND.format(folder=".")


def test_a_newer_format_is_told_as_such(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    edit(folder, "mllm-judge-baseline/1", "mllm-judge-baseline/2")
    with pytest.raises(BenchmarkError) as caught:
        read(path_of(folder, "good"))
    assert str(caught.value) == (
        "baselines/good.json: format: 'mllm-judge-baseline/2' is not known\n"
        "  This version reads 'mllm-judge-baseline/1'; a newer pytest-mllm-judge may read this one."
    )


def test_a_line_that_is_not_utf_8_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    path = path_of(folder, "good")
    path.write_bytes(path.read_bytes().replace(b"first judge", b"\xff judge"))
    with pytest.raises(BenchmarkError) as caught:
        read(path)
    assert str(caught.value) == "baselines/good.json:4: this line is not UTF-8" + MEND.format(folder=".")


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baselines").write_text("a file")
    with pytest.raises(BenchmarkError) as caught:
        write(approval(), path_of(tmp_path, "good"))
    assert str(caught.value) == (
        "baselines/good.json: can't be written (File exists)\n"
        "  Make its folder writable and see that the disk has room."
    )


@pytest.mark.parametrize("name", ["gpt-4.1", "vendor/model:free", "my judge", "..", "ä%20"])
def test_any_judge_has_a_file_of_its_own_in_the_folder(name: str, tmp_path: Path) -> None:
    path = path_of(tmp_path, name)
    write(approval(judge=name), path)
    assert path.parent == tmp_path / "baselines"
    assert approved_judges(tmp_path) == [name]
    assert read(path).judge == name


def test_a_judge_is_compared_with_its_own_approval_else_with_the_only_one(tmp_path: Path) -> None:
    assert chosen(tmp_path, "new") is None
    write(approval(), path_of(tmp_path, "good"))
    assert chosen(tmp_path, "new") == "good"
    assert unchosen(tmp_path, "new") == ""
    write(approval(judge="old"), path_of(tmp_path, "old"))
    assert [chosen(tmp_path, judge) for judge in ("good", "old", "new")] == ["good", "old", None]
    assert unchosen(tmp_path, "good") == ""
    assert unchosen(tmp_path, "new") == (
        "no baseline: 2 approved baselines (good, old) and none of new itself; "
        "name one: --judge-baseline=NAME"
    )


def test_a_write_that_fails_leaves_the_old_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = path_of(folder, "good")
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BenchmarkError):
        write(approval(reason="another"), path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["good.json"]


def test_it_is_plain_json(folder: Path) -> None:
    assert json.loads(path_of(folder, "good").read_text(encoding="utf-8"))["judge"] == "good"
