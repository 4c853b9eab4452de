"""The report as a document: its schema, and that it is the same whatever it is made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.reports.document import Report, schema
from pytest_mllm_judge.reports.making import report
from pytest_mllm_judge.reports.portable import portable
from pytest_mllm_judge.reports.remaking import remake
from pytest_mllm_judge.reports.writing import append_to_summary, as_json, write
from pytest_mllm_judge.runs import saved
from pytest_mllm_judge.runs.record import RunRecord, read_record
from tests.reports.records import BENCH, case, member, record_of_cases, run_facts, upgrade_gate, upgraded


def rich() -> RunRecord:
    """A record with something of everything."""
    where = {"field": "source", "value": "maps"}
    slice_ = member("pair.accuracy [source maps]", slice=where, decides=False)
    record = upgraded(
        case("i-1", judge="old", source="maps", images=["a.png"]),
        case("i-1", verdict="B", source="maps", images=["a.png"], cost=0.1, tokens=[3, 4], model="m"),
        case("i-2", judge="old", verdict=None, problem="refused", reason=f"see {BENCH}/x", analysis=None),
        case("i-2"),
        gates=[
            upgrade_gate(member(), slice_, member("cost.mean", None, margin=None, decides=False, claim={}))
        ],
    )
    record.claims["t.py::a", 4] = {"outcome": "undecided", "text": "undecided: it"}
    record.cases[f"{BENCH}/benchmark.toml::pair::i-1"] = case("i-1")
    return record


def test_the_published_schema_is_made_from_the_document(project: Path) -> None:
    """`python -m pytest_mllm_judge report --schema > docs/report.schema.json` writes it anew."""
    assert (project / "docs" / "report.schema.json").read_text(encoding="utf-8") == schema()


def test_the_verb_prints_the_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--schema"]) == 0
    assert capsys.readouterr().out == schema()


def test_a_json_report_fits_the_published_schema(project: Path) -> None:
    drawn = json.loads((project / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(drawn)
    jsonschema.Draft202012Validator(drawn).validate(json.loads(as_json(report(rich()))))


@pytest.mark.parametrize("change", [{"format": "x"}, {"upgrades": 1}, {"more": 1}])
def test_what_is_no_report_does_not_fit(change: dict[str, Any], project: Path) -> None:
    drawn = json.loads((project / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    told = json.loads(as_json(report(rich()))) | change
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(drawn).validate(told)


def test_every_part_of_the_schema_says_what_it_means() -> None:
    for name, part in json.loads(schema())["$defs"].items():
        assert name in ("JsonValue",) or part.get("description"), name


def test_a_json_report_is_read_by_pydantic_too() -> None:
    whole = report(rich())
    assert Report.model_validate_json(as_json(whole)) == whole


def test_the_project_and_a_benchmark_elsewhere_are_told_by_relative_paths() -> None:
    record = rich()
    record.runs["far /elsewhere/far"] = run_facts("far", benchmark="/elsewhere/far")
    record.benchmarks["/elsewhere/far"] = record.benchmarks[BENCH]
    record.benchmarks[BENCH]["warnings"] = [f"{BENCH}/items.jsonl:3: bad", "/projects/other is not ours"]
    told = portable(record)
    assert set(told.benchmarks) == {"bench", "../elsewhere/far"}
    assert sorted(told.runs) == ["far ../elsewhere/far", "new bench", "old bench"]
    assert told.benchmarks["bench"]["warnings"] == ["bench/items.jsonl:3: bad", "/projects/other is not ours"]
    assert [each["reason"] for each in told.judged.values() if each["reason"]] == ["see bench/x"]
    assert told.root == ""


def test_a_project_that_is_its_own_benchmark_is_a_dot() -> None:
    record = record_of_cases([case("i-1", benchmark="/project", folder="/project", images=["a.png"])])
    record.benchmarks["/project"] = record.benchmarks.pop(BENCH)
    record.runs = {"new /project": run_facts("new", benchmark="/project")}
    assert list(portable(record).benchmarks) == ["."]


def test_what_a_judge_said_of_a_path_is_left_alone() -> None:
    record = record_of_cases([case("i-1", analysis="I see /project/bench.", fields={"path": "/project/x"})])
    (told,) = portable(record).judged.values()
    assert (told["analysis"], told["fields"]) == ("I see /project/bench.", {"path": "/project/x"})


def test_making_a_record_portable_twice_changes_nothing() -> None:
    once = portable(rich())
    assert portable(once).plain() == once.plain()


def test_a_recording_run_and_its_replay_make_the_same_report() -> None:
    replay, recording = rich(), rich()
    for run in recording.runs.values():
        run.update(recorded=4, records=True)
    assert as_json(report(recording)) == as_json(report(replay))


def test_the_report_is_the_same_from_the_run_its_record_and_its_json(tmp_path: Path) -> None:
    record = rich()
    record.root = str(tmp_path)
    write(report(record), tmp_path / "out" / "run.md", root=tmp_path)
    write(report(record), tmp_path / "out" / "run.json", root=tmp_path)
    record.save(tmp_path / "record.json")
    for place, source in enumerate([tmp_path / "record.json", tmp_path / "out" / "run.json"]):
        made = [tmp_path / f"again{place}" / name for name in ("run.md", "run.json")]
        said = remake(source, to=made, root=tmp_path)
        assert said == f"wrote {made[0]}, {made[1]}\n"
        for path in made:
            assert path.read_bytes() == (tmp_path / "out" / path.name).read_bytes()


def test_a_json_report_holds_the_whole_record(tmp_path: Path) -> None:
    write(report(rich()), tmp_path / "run.json", root=Path("/project"))
    assert read_record(tmp_path / "run.json").plain() == portable(rich()).plain()


def test_pictures_are_linked_from_where_the_report_stands(tmp_path: Path) -> None:
    write(report(rich()), tmp_path / "deep" / "er" / "run.md", root=tmp_path)
    assert "![i-1](../../bench/a.png)" in (tmp_path / "deep" / "er" / "run.md").read_text()


def test_without_a_file_the_verb_prints_markdown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    rich().save(tmp_path / ".pytest_cache" / "d" / "mllm-judge" / "run.json")
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 0
    assert capsys.readouterr().out.startswith("# May new replace old on bench?\n\n**Yes.**")


def test_without_a_record_the_verb_says_how_to_come_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert main(["report"]) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/.pytest_cache/d/mllm-judge/run.json: there is no run record\n"
        "  Run pytest with --judge again: it writes the record anew.\n"
    )


def _damaged(**change: Any) -> dict[str, Any]:
    """A record whose one upgrade or benchmark is changed so."""
    plain: dict[str, Any] = json.loads(json.dumps(rich().plain()))
    (gate,) = plain["gates"].values()
    gate.update(change.get("gate", {}))
    plain["benchmarks"][BENCH].update(change.get("facts", {}))
    plain["runs"][f"new {BENCH}"].update(change.get("run", {}))
    return plain


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"gate": {"family": [{"name": "pair.accuracy"}]}}, "there is no 'claim'"),
        ({"gate": {"family": 3}}, "'int' object is not iterable"),
        ({"facts": {"tasks": {"score": {"scale": [1]}}}}, "1 validation error for Tasks"),
        ({"run": {"benchmark": "elsewhere"}}, "there is no 'elsewhere'"),
    ],
)
def test_what_is_amiss_deep_in_a_record_is_told_of_the_file(
    change: dict[str, Any], told: str, tmp_path: Path
) -> None:
    saved.write(_damaged(**change), tmp_path / "run.json")
    with pytest.raises(SettingsError) as error:
        remake(tmp_path / "run.json", to=[], root=tmp_path)
    assert str(error.value) == (
        f"{tmp_path / 'run.json'}: is damaged or of another version: {told}\n"
        "  Run pytest with --judge again: it writes the record anew."
    )


def test_another_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        remake(None, to=[Path("run.txt")], root=tmp_path)
    assert str(error.value) == "--to is 'run.txt'; name a file that ends in .md or .json"


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    rich().save(tmp_path / "run.json")
    (tmp_path / "full.md").mkdir()
    with pytest.raises(SettingsError) as error:
        remake(tmp_path / "run.json", to=[tmp_path / "full.md"], root=tmp_path)
    assert str(error.value) == f"--to: {tmp_path}/full.md can't be written (Is a directory)"


GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "us/judges",
    "GITHUB_SHA": "abc123",
}


def test_a_github_summary_is_appended_to_with_pictures_of_the_commit(tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    environment = GITHUB | {"GITHUB_WORKSPACE": str(tmp_path)}
    append_to_summary(report(rich()), page, root=tmp_path / "sub", environment=environment)
    text = page.read_text()
    assert text.startswith("before\n# May new replace old on bench?\n")
    assert "![i-1](https://github.com/us/judges/raw/abc123/sub/bench/a.png)" in text


def test_a_github_summary_without_a_commit_shows_the_paths_as_they_are(tmp_path: Path) -> None:
    append_to_summary(report(rich()), tmp_path / "summary.md", root=tmp_path, environment={})
    assert "![i-1](bench/a.png)" in (tmp_path / "summary.md").read_text()


def test_a_github_summary_never_grows_beyond_what_github_shows(tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    page.write_text("x" * (2**20 - 900))
    append_to_summary(report(rich()), page, root=tmp_path, environment={})
    assert 2**20 - 900 < page.stat().st_size <= 2**20
    page.write_text("x" * 2**21)
    append_to_summary(report(rich()), page, root=tmp_path, environment={})
    assert page.stat().st_size == 2**21
