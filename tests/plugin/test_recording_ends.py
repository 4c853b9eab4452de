"""What goes wrong when cassettes are written at the end of a run."""

from __future__ import annotations

import json
from typing import Any

import pytest

from .conftest import SPREADS, Project, pair

FUNCTION = "def ask(question):\n    return 'Judgement: [[A]]'\n"


@pytest.fixture
def own(project: Project) -> Project:
    project.write_manifest('[gates."agrees"]\ncheck = "pair.accuracy"\nat_least = 0.3\n')
    project.write_items([pair(number, instruction=f"What is {number}?") for number in range(40)])
    (project.root / "own.py").write_text(FUNCTION)
    project.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    project.write_judges()
    return project


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_a_cassette_that_cant_be_put_in_place_costs_no_summary_and_is_not_green(
    own: Project, spread: tuple[str, ...]
) -> None:
    blocked = own.root / "bench" / "cassettes" / "own.jsonl.new"
    blocked.mkdir(parents=True)
    result = own.run(*spread, "--judge=own", "--judge-record=new_episodes", "bench")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=41)
    result.stdout.fnmatch_lines(
        [
            "*judges: not everything was kept as it should be*",
            "*own.jsonl: can't be written (Is a directory)",
            "*judge own on bench*",
            "gates: 1 held",
        ]
    )
    blocked.rmdir()
    result = own.run(*spread, "--judge=own", "bench")
    assert result.ret == 0
    own.run(*spread, "--judge=own", "--judge-record=new_episodes", "bench")
    assert len((own.root / "bench" / "cassettes" / "own.jsonl").read_text().splitlines()) == 40


@pytest.mark.parametrize("spread", SPREADS, ids=["plain", "n0", "n2"])
def test_a_journal_left_behind_is_taken_in_by_the_next_recording(
    own: Project, spread: tuple[str, ...]
) -> None:
    own.run("--judge=own", "--judge-record=new_episodes", "bench")
    cassette = own.root / "bench" / "cassettes" / "own.jsonl"
    whole = cassette.read_bytes()
    journal = cassette.with_name("own.jsonl.journal")
    journal.write_bytes(b"".join(b"killed " + line + b"\n" for line in whole.splitlines()))
    cassette.unlink()
    own.run(*spread, "--judge=own", "--judge-record=new_episodes", "bench").assert_outcomes(passed=41)
    assert cassette.read_bytes() == whole
    assert not journal.exists()


def test_a_cut_journal_is_told_in_words_where_warnings_are_errors(own: Project) -> None:
    own.run("--judge=own", "--judge-record=new_episodes", "bench")
    journal = own.root / "bench" / "cassettes" / "own.jsonl.journal"
    journal.write_bytes(b"killed {")
    result = own.run("-W", "error", "--judge=own", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        "ERROR: *own.jsonl.journal: the last line is cut, as a killed run leaves it;*"
    )
    own.run("-W", "default", "--judge=own", "bench").assert_outcomes(passed=41, warnings=1)


def test_a_repeat_that_was_declared_later_needs_a_key_before_anything_runs(
    own: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    table: dict[str, Any] = {"kind": "openai", "model": "m", "api_key_env": "NO_SUCH_KEY"}
    own.judges["remote"] = {**table, "base_url": "http://127.0.0.1:9/v1"}
    own.write_judges()
    cassettes = own.root / "bench" / "cassettes"
    cassettes.mkdir()
    (cassettes / "remote.jsonl").write_bytes(recorded(own))
    own.run("--judge=remote", "--judge-record=new_episodes", "bench").assert_outcomes(passed=41)
    manifest = own.root / "bench" / "benchmark.toml"
    manifest.write_text(manifest.read_text() + "[probes]\nrepeat = 2\n")
    result = own.run("--judge=remote", "--judge-record=new_episodes", "bench")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines("ERROR: *the environment variable NO_SUCH_KEY is not set")


def recorded(own: Project) -> bytes:
    """A cassette of the judge `remote`."""
    from pytest_mllm_judge import Session
    from pytest_mllm_judge.recording.facts import exchange_of
    from pytest_mllm_judge.recording.format import to_line

    session = Session(root=own.root)
    questions = session.run("remote", own.root / "bench").wanted()
    lines = [to_line(exchange_of(question, {"reply": "Judgement: [[A]]"})) for question in questions]
    session.close()
    assert len({json.loads(line)["question"] for line in lines}) == 40
    return b"\n".join(lines) + b"\n"
