"""Reports of a run: files, GitHub's summary page, and the record in pytest's cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.runs.record import read_record
from tests.plugin.conftest import Project, pair
from tests.plugin.recording_project import Recording
from tests.runs.crowd import serving

UPGRADE = ("--judge=bad", "--judge-baseline=good")
NAMES = ("run.md", "run.json")
RECORD = Path(".pytest_cache", "d", "mllm-judge", "run.json")


@pytest.fixture(autouse=True)
def no_github(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of the job that these tests may run in is not theirs."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


@pytest.fixture
def upgrade(project: Project) -> Project:
    """The forty pairs with a margin that they can show."""
    project.write_manifest("[upgrade]\nmargin = 0.3\nslices = ['source']\n")
    return project


def reported(project: Project, *args: str) -> dict[str, bytes]:
    """Both reports of a run, and the record that it left."""
    for name in (*NAMES, RECORD):
        (project.root / name).unlink(missing_ok=True)
    project.run(*args, *UPGRADE, *(f"--judge-report={name}" for name in NAMES), "bench")
    return {str(name): (project.root / name).read_bytes() for name in (*NAMES, RECORD)}


ITSELF = ("--judge=good", "--judge-baseline=good", "--judge-report=run.json")
OWN = """
import pytest
from pytest_mllm_judge import agreement
pytestmark = pytest.mark.judge_benchmark("bench")
def test_claim(judge_run):
    assert agreement.accuracy(judge_run.pair) >= 0.999
def test_bare(judgement):
    assert judgement.item.id != "pair-07"
def test_open(judge_runs):
    assert agreement.accuracy(judge_runs["good"].pair) >= 0.95
def test_green(judge_run):
    assert not agreement.accuracy(judge_run.pair) >= 0.999
def test_not_ours():
    assert False
"""


def answered(project: Project, *args: str) -> tuple[str, str, dict[str, Any]]:
    """The answer on a judge against itself, its reason, and what the record says of tests of one's own."""
    project.run(*ITSELF, *args, "bench")
    data = json.loads((project.root / "run.json").read_text())
    (told,) = data["upgrades"]
    return told["answer"], told["reason"], data["record"]["tests"]


@pytest.mark.parametrize(
    ("policy", "spread"), [("fail", ("-n", "2")), ("warn", ()), ("skip", ())], ids=["fail", "warn", "skip"]
)
def test_a_red_or_undecided_test_of_ones_own_stands_beside_no_yes(
    upgrade: Project, policy: str, spread: tuple[str, ...]
) -> None:
    (upgrade.root / "test_own.py").write_text(OWN)
    answer, reason, tests = answered(upgrade, "test_own.py", f"--judge-undecided={policy}", *spread)
    about = {"benchmark": "bench", "judge": "good"}
    assert tests == {
        "test_own.py::test_bare[pair-07]": {**about, "outcome": "fails"},
        "test_own.py::test_claim": {**about, "outcome": "fails"},
        "test_own.py::test_open": {**about, "judge": None, "outcome": "undecided"},
    }
    assert (answer, reason.partition(", but ")[2]) == (
        "no",
        "what must hold and does not: the test test_own.py::test_bare[pair-07] and "
        "the test test_own.py::test_claim.",
    )


def test_a_test_that_is_green_when_it_is_run_again_is_no_red_one(upgrade: Project) -> None:
    flaky = "def test_it(judgement):\n    seen.append(1)\n    assert len(seen) > 1\n"
    head = 'import pytest\nseen = []\npytestmark = pytest.mark.judge_benchmark("bench")\n'
    (upgrade.root / "test_own.py").write_text(head + flaky)
    answer, _, tests = answered(upgrade, "test_own.py", "--reruns=1", "-k", "upgrade or pair-07")
    assert (answer, tests) == ("yes", {})


def test_what_was_not_looked_at_leaves_the_answer_open(upgrade: Project) -> None:
    manifest = '[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.7\n[upgrade]\nmargin = 0.3\n'
    upgrade.write_manifest(manifest)
    holds = "It is not worse than good by more than the margin on pair.accuracy, which decides"
    assert answered(upgrade)[:2] == ("yes", f"{holds}.")
    left = f"{holds}, but 1 gate of benchmark.toml was not run ('agrees')."
    assert answered(upgrade, "-k", "upgrade")[:2] == ("not enough data", left)
    part = f"{holds}. Only 39 of 40 items were asked about."
    assert answered(upgrade, "--judge-limit=39")[:2] == ("not enough data", part)


def test_items_that_a_log_lacks_make_the_run_red_and_the_answer_open(upgrade: Project) -> None:
    upgrade.write_log("good", {f"pair-{number:02}": "A" for number in range(1, 40)})
    answer, reason, _ = answered(upgrade)
    assert (answer, reason.partition(", but ")[2]) == ("not enough data", "1 item has no answer (pair-00).")


def test_reports_and_record_are_the_same_under_every_spread_and_in_a_second_run(upgrade: Project) -> None:
    first = reported(upgrade)
    for spread in [(), ("-n", "2")]:
        again = reported(upgrade, *spread)
        for name, content in first.items():
            assert again[name].decode() == content.decode(), (name, spread)


def test_the_reports_tell_the_story_and_no_place_on_this_machine(upgrade: Project) -> None:
    made = reported(upgrade)
    text = made["run.md"].decode()
    assert text.startswith(
        "# May bad replace good on bench?\n\n**No.** It is worse than good by more than the margin: "
    )
    assert "<details><summary><b>pair-03</b> (maps): A → B, humans A</summary>" in text
    for name in NAMES:
        assert str(upgrade.root).encode() not in made[name]
    data = json.loads(made["run.json"])
    assert [(one["judge"], one["baseline"], one["answer"]) for one in data["upgrades"]] == [
        ("bad", "good", "no")
    ]
    assert {judge["judge"]: judge["under_test"] for judge in data["judges"]} == {"bad": True, "good": False}
    assert [one["slice"] for one in data["upgrades"][0]["slices"]] == [
        {"field": "source", "value": "charts"},
        {"field": "source", "value": "maps"},
    ]


def test_the_verb_makes_the_same_reports_again(upgrade: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    made = reported(upgrade)
    monkeypatch.chdir(upgrade.root)
    for place, source in enumerate([[], ["run.json"], ["--record", str(RECORD)]]):
        folder = Path(f"again{place}")
        again = [word for name in NAMES for word in ("--to", str(folder / name))]
        assert main(["report", *source, *again]) == 0
        assert {name: (folder / name).read_bytes() for name in NAMES} == {name: made[name] for name in NAMES}


def test_the_summary_tells_what_changed_and_where_the_report_is(upgrade: Project) -> None:
    result = upgrade.run(*UPGRADE, "--judge-report=out/run.md", "bench")
    result.stdout.fnmatch_lines(
        [
            "changed: pair 19 right to wrong, 1 wrong to right (of 40)",
            "noise: not known; ask each item twice to tell noise: [[]probes[]] repeat = 2",
            "first: pair-03 B, was A, expected A · pair-05 B, was A, expected A · 17 more in the report",
            "regressed: pair.accuracy -0.450 *",
            "report: out/run.md",
        ]
    )
    assert (upgrade.root / "out" / "run.md").is_file()


def test_flips_that_asking_again_also_produces_are_told_as_noise(upgrade: Project) -> None:
    ids = [f"pair-{number:02}" for number in range(40)]
    upgrade.write_manifest("[probes]\nrepeat = 2\n[upgrade]\nmargin = 0.3\n")
    for judge, second in (("steady", "A"), ("wavering", "B")):
        rows = [
            {"item": item, "repeat": repeat, "verdict": second if (item, repeat) == (ids[0], 0) else "A"}
            for item in ids
            for repeat in (0, 1)
        ]
        upgrade.write_log(judge, {})
        (upgrade.root / f"{judge}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = upgrade.run("-n", "2", "--judge=wavering", "--judge-baseline=steady", "bench")
    result.stdout.fnmatch_lines(
        [
            "changed: pair 1 right to wrong, 0 wrong to right (of 40)",
            "noise: 1 of these flips also by asking again",
        ]
    )
    record = read_record(upgrade.root / RECORD)
    assert len(record.judged) == 2 * 2 * 40
    assert {key[0] for key in record.judged} == {"steady", "wavering"}


def test_a_run_without_a_baseline_has_a_report_too(upgrade: Project) -> None:
    upgrade.run("--judge=odd", "--judge-report=run.md", "bench")
    text = (upgrade.root / "run.md").read_text()
    assert text.startswith("# Judge odd on bench\n")
    assert "| refused | 3 |" in text


def test_several_judges_stand_in_the_report_as_a_table(upgrade: Project) -> None:
    upgrade.run("--judge=good", "--judge=bad", "--judge-report=run.md", "bench")
    assert "# Several judges on bench\n" in (upgrade.root / "run.md").read_text()


def test_claims_of_ones_own_tests_stand_in_the_report(upgrade: Project, test_file: Any) -> None:
    test_file("def test_it(judge_run):\n    assert agreement.accuracy(judge_run.pair) >= 0.99\n")
    upgrade.run("--judge=bad", "--judge-report=run.md")
    assert "<details><summary>test_own.py::test&#95;it: fails</summary>" in (
        (upgrade.root / "run.md").read_text().replace("test_it", "test&#95;it")
    )


@pytest.mark.parametrize(
    "args", [["--judge-report=run.txt"], ["--judge-report=run.md", "--judge-report=run"]]
)
def test_another_ending_is_a_usage_error_that_names_both(upgrade: Project, args: list[str]) -> None:
    result = upgrade.run("--judge=good", *args, "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = args[-1].partition("=")[2]
    result.stderr.fnmatch_lines([f"ERROR: --judge-report is {said!r}; name a file that ends in .md or .json"])


def test_the_ini_file_names_reports_from_the_projects_folder(
    upgrade: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade.write_judges(ini='judge_report = "out/a.md out/b.json"\n')
    monkeypatch.chdir(upgrade.root / "bench")
    upgrade.run("--judge=good", ".")
    assert sorted(file.name for file in (upgrade.root / "out").iterdir()) == ["a.md", "b.json"]


def test_the_command_line_names_reports_from_the_current_folder(
    upgrade: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgrade.write_judges(ini='judge_report = "out/a.md"\n')
    monkeypatch.chdir(upgrade.root / "bench")
    upgrade.run("--judge=good", "--judge-report=here.md", ".")
    assert (upgrade.root / "bench" / "here.md").is_file()
    assert not (upgrade.root / "out").exists()


def test_a_report_that_cannot_be_written_is_told_and_the_run_is_red(upgrade: Project) -> None:
    (upgrade.root / "full.md").mkdir()
    result = upgrade.run("--judge=good", "--judge-report=full.md", "--judge-report=run.md", "bench")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(
        [
            "*judges: not everything was kept as it should be*",
            f"--judge-report: {upgrade.root}/full.md can't be written (Is a directory)",
            "report: run.md",
        ]
    )


def test_on_github_the_summary_page_gets_the_report_once_by_itself(
    upgrade: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = upgrade.root / "page.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    upgrade.run("-n", "2", *UPGRADE, "bench")
    assert page.read_text().count("# May bad replace good on bench?") == 1


def test_a_summary_page_that_cannot_be_written_makes_no_run_red(
    upgrade: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(upgrade.root))
    result = upgrade.run("--judge=good", "bench")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["mllm-judge: GITHUB_STEP_SUMMARY can't be written (Is a directory)"])


def test_a_session_without_a_judge_writes_nothing(upgrade: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(upgrade.root / "page.md"))
    upgrade.pytester.makepyfile("def test_nothing(): pass")
    upgrade.run("--judge-report=run.md", "--ignore=bench").assert_outcomes(passed=1)
    for name in ("page.md", "run.md", RECORD):
        assert not (upgrade.root / name).exists()


def test_a_run_without_a_cache_keeps_no_record_and_writes_its_report(upgrade: Project) -> None:
    result = upgrade.run("-p", "no:cacheprovider", "--judge=good", "--judge-report=run.md", "bench")
    assert result.ret == pytest.ExitCode.OK
    assert (upgrade.root / "run.md").is_file()
    assert not (upgrade.root / RECORD).exists()


def test_a_cache_that_cannot_be_written_is_told_and_makes_no_run_red(upgrade: Project) -> None:
    (upgrade.root / RECORD / "in the way").mkdir(parents=True)
    result = upgrade.run("--judge=good", "bench")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["mllm-judge: the run record could not be kept in pytest's cache: *"])


def test_what_breaks_utf_8_in_a_reply_breaks_no_report(upgrade: Project) -> None:
    upgrade.write_items([pair(number) for number in range(40)])
    rows = {f"pair-{n:02}": {"reply": "half a \ud83d pair\nJudgement: [[B]]"} for n in range(40)}
    upgrade.write_log("broken", rows)
    names = [f"--judge-report={name}" for name in NAMES]
    upgrade.run("-n", "2", "--judge=broken", "--judge-baseline=good", *names, "bench")
    assert "half a \N{REPLACEMENT CHARACTER} pair" in (upgrade.root / "run.md").read_text(encoding="utf-8")
    json.loads((upgrade.root / "run.json").read_text(encoding="utf-8"))


def test_only_collecting_leaves_the_last_record_alone(upgrade: Project) -> None:
    upgrade.run("--judge=good", "bench")
    before = (upgrade.root / RECORD).read_bytes()
    upgrade.run("--judge=bad", "--collect-only", "bench")
    assert (upgrade.root / RECORD).read_bytes() == before


def test_a_recording_run_and_its_replay_write_the_same_reports(pytester: pytest.Pytester) -> None:
    with serving() as crowd:
        project = Recording(pytester, crowd)
        project.write(6, top="[probes]\nrepeat = 2\n")
        for record in ("new_episodes", "none"):
            names = [f"--judge-report={record}.{ending}" for ending in ("md", "json")]
            assert project.run(*names, "bench", record=record)[0] == pytest.ExitCode.OK
    for ending in ("md", "json"):
        replayed = (project.root / f"none.{ending}").read_text()
        assert (project.root / f"new_episodes.{ending}").read_text() == replayed


OWN_CLIENT = """
import pytest
pytestmark = pytest.mark.judge_benchmark("bench")
@pytest.fixture(scope="session")
def judge_client(judge_client):
    return judge_client.with_options(default_headers={"x-mine": "yes"})
def test_it(judgement):
    assert judgement.verdict == "A"
"""


def test_what_is_asked_through_a_client_of_ones_own_stands_in_the_record(pytester: pytest.Pytester) -> None:
    with serving() as crowd:
        project = Recording(pytester, crowd)
        project.write(3)
        (project.root / "test_own.py").write_text(OWN_CLIENT)
        assert project.run("test_own.py")[0] == pytest.ExitCode.OK
    assert len(read_record(project.root / RECORD).judged) == 3
