"""`python -m pytest_mllm_judge approve`: what it writes, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from pytest_mllm_judge import agreement, problems
from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.claims.show import show_range
from tests.runs.approvals import MANIFEST, Project, pair

PATH = ".pytest_cache/d/mllm-judge/run.json"
FILE = "bench/baselines/good.json"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Twenty pairs that `good` was asked about, in the current folder."""
    made = Project(tmp_path)
    made.judge("good")
    monkeypatch.chdir(tmp_path)
    return made


def refusal(capsys: pytest.CaptureFixture[str], *words: str, reason: str = "it is good") -> str:
    """What `approve` says when it writes nothing."""
    before = sorted(Path("bench").rglob("*"))
    assert main(["approve", *words, "--reason", reason]) == 1
    assert sorted(Path("bench").rglob("*")) == before
    out, told = capsys.readouterr()
    assert out == ""
    return told.replace(f"{Path.cwd()}/", "")


AGAIN = "\n  An approval is of the whole benchmark. Run all of it: pytest --judge=good bench\n"


def test_it_says_what_it_wrote_and_what_to_do_with_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    judgements = project.session().run("good", project.bench).judgements()
    accuracy, rate = agreement.accuracy(judgements), problems.rate(judgements)
    assert main(["approve", "good", "--reason", "  first judge\n in use "]) == 0
    assert capsys.readouterr().out == (
        f"approved good: 20 items, 20 answers, in {FILE}\n"
        f"  pair.accuracy  0.900 ({show_range(accuracy.low, accuracy.high)})\n"
        f"  problems.rate  0.000 ({show_range(rate.low, rate.high)})\n"
        "commit it: later runs without --judge-baseline are compared with it\n"
    )
    plain = json.loads(Path(FILE).read_text())
    assert plain["reason"] == "first judge in use"
    assert [gate["name"] for gate in plain["gates"]] == ["agrees"]
    assert list(plain["items"]) == [f"pair-{number:02}" for number in range(20)]
    assert plain["items"]["pair-01"]["answers"] == [{"verdict": "B"}]


def test_approving_twice_gives_the_same_bytes(project: Project) -> None:
    assert main(["approve", "good", "bench", "--reason", "it is good"]) == 0
    first = Path(FILE).read_bytes()
    project.judge("good")
    assert main(["approve", "good", "--reason", "it is good"]) == 0
    assert Path(FILE).read_bytes() == first


def test_a_verdict_that_changed_is_one_line_of_the_diff(project: Project) -> None:
    main(["approve", "good", "--reason", "it is good"])
    first = Path(FILE).read_text().splitlines()
    rows = {f"pair-{n:02}": {"verdict": "B" if n in (0, 5) else "A", "model": "log"} for n in range(20)}
    project.write_log("good", rows)
    project.judge("good")
    main(["approve", "good", "--reason", "it is good"])
    second = Path(FILE).read_text().splitlines()
    changed = [new.split(":")[0].strip() for old, new in zip(first, second, strict=True) if old != new]
    assert changed == ['"cassette"', '"pair-01"', '"pair-05"']


def test_nothing_of_this_machine_and_no_reply_stands_in_it(project: Project) -> None:
    replies = {f"pair-{n:02}": {"reply": "Analysis: a long tale. Judgement: [[A]]"} for n in range(20)}
    project.write_log("good", replies)
    project.judge("good")
    main(["approve", "good", "--reason", "it is good"])
    text = Path(FILE).read_text()
    assert str(project.root) not in text
    assert "tale" not in text


def test_a_record_is_found_where_it_is_said_to_be(project: Project, tmp_path: Path) -> None:
    project.record.rename(tmp_path / "kept.json")
    assert main(["approve", "good", "--reason", "it is good", "--record", "kept.json"]) == 0
    assert Path(FILE).is_file()


def test_a_record_of_another_machine_is_taken_for_the_benchmark_that_is_named(project: Project) -> None:
    text = project.record.read_text().replace(str(project.root), "/home/ci/build")
    project.record.write_text(text)
    assert main(["approve", "good", "bench", "--reason", "it is good"]) == 0


@pytest.mark.parametrize("reason", ["", "  \n\t"])
def test_a_blank_reason_is_refused(reason: str, project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "good", reason=reason) == (
        "error: approve: the reason is blank\n"
        "  Say in a sentence why this judge may be in use: whoever reviews the file reads it.\n"
    )


def test_a_reason_that_is_not_utf_8_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "good", reason="\udcff") == "error: approve: the reason is not UTF-8\n"


def test_without_a_reason_nothing_is_done(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["approve", "good"])
    assert ended.value.code == 2
    assert "--reason" in capsys.readouterr().err


def test_no_record_is_told(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.record.unlink()
    assert refusal(capsys, "good") == (
        f"error: {PATH}: there is no run record\n"
        "  Run pytest with --judge again: it writes the record anew.\n"
    )


def test_a_judge_that_was_not_asked_is_told(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert refusal(capsys, "goood") == (
        f"error: {PATH}: the last run did not ask judge 'goood'; it has good; did you mean 'good'?\n"
        "  Run all of it first: pytest --judge=goood BENCHMARK\n"
    )


def test_a_benchmark_that_was_not_judged_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree("bench", "other")
    assert refusal(capsys, "good", "other") == (
        f"error: {PATH}: the last run did not ask judge 'good' about other; it did about bench\n"
        "  Run all of it first: pytest --judge=good other\n"
    )


def test_one_of_several_benchmarks_must_be_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = json.loads(project.record.read_text())
    name, run = next(iter(plain["runs"].items()))
    other = run["benchmark"] + "2"
    plain["runs"][name + "2"] = {**run, "benchmark": other}
    plain["benchmarks"][other] = plain["benchmarks"][run["benchmark"]]
    project.record.write_text(json.dumps(plain))
    assert refusal(capsys, "good") == (
        f"error: {PATH}: judge 'good' was asked about several benchmarks: bench, bench2\n"
        "  Name one: python -m pytest_mllm_judge approve good bench --reason TEXT\n"
    )


def test_a_record_with_a_limit_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.judge("good", limit=5)
    assert refusal(capsys, "good") == (
        f"error: the last run asked judge 'good' about 5 of 20 items (--judge-limit){AGAIN}"
    )


def test_a_record_of_a_part_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.judge("good", items=18)
    assert refusal(capsys, "good") == (
        "error: the last run did not ask judge 'good' about 2 of 20 items, the first 'pair-18' "
        f"(-k, -x, --lf, a shard or a test of one's own asks about a part){AGAIN}"
    )


def test_questions_without_a_reply_are_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write_log("good", {f"pair-{n:02}": {"verdict": "A"} for n in range(19)})
    project.judge("good")
    assert refusal(capsys, "good") == (
        "error: judge 'good' has no reply to 1 of 20 questions (1 not_asked), the first 'pair-19': "
        f"good.jsonl has no row for item 'pair-19'; it holds 19 items, the first 'pair-00'{AGAIN}"
    )


def test_a_repeat_without_a_reply_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write(MANIFEST + "[probes]\nrepeat = 2\n")
    told = refusal(capsys, "good")
    what = "error: judge 'good' has no reply to 20 of 40 questions (20 not_asked)"
    assert told.startswith(f"{what}, the first 'pair-00' (repeat 1): ")


def test_a_record_older_than_the_log_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    project.write_log("good", {f"pair-{n:02}": {"verdict": "A", "model": "log"} for n in range(20)})
    assert refusal(capsys, "good") == (
        "error: the last run is older than what is there now: 'pair-00': verdict was 'B', is 'A'" + AGAIN
    )


def test_a_record_older_than_the_labels_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write_items(pair(number, human=["A", "B"] if number == 3 else "A") for number in range(20))
    assert refusal(capsys, "good") == (
        "error: the last run is older than what is there now: 'pair-03': "
        f"human was ['A'], is ['A', 'B']{AGAIN}"
    )


def test_a_margin_that_no_later_judge_could_hold_is_refused(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.write(MANIFEST.replace("0.3", "0.01"))
    assert refusal(capsys, "good").startswith(
        "error: bench/benchmark.toml: [upgrade]: no judge could be called not worse by pair.accuracy with a "
        "margin of 0.01 on these 20 items, not even the baseline itself\n"
    )


def test_a_secret_in_the_reason_is_refused(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    told = refusal(capsys, "good", reason="key sk-abcdefghijklmnopqrstuvwx")
    assert told == (
        f"error: {FILE}: it was not written: it would hold an API key (sk-...)\n"
        "  Take it out of the reason or the settings.\n"
    )


def test_a_judge_that_is_declared_no_more_is_told(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    os.unlink("pyproject.toml")
    assert "there is no judge 'good'" in refusal(capsys, "good")
