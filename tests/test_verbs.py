"""`python -m pytest_mllm_judge VERB`."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mllm_judge.__main__ import main


def test_init_draws_a_benchmark_and_says_how_to_judge_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    assert main(["init", "shapes", str(folder)]) == 0
    assert (folder / "benchmark.toml").is_file()
    assert capsys.readouterr().out == (
        f"drew shapes in {folder}; judge it: pytest --judge=reference {folder}\n"
    )


def test_init_leaves_a_folder_that_holds_something_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    assert main(["init", "shapes", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith("error: ")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_serve_refuses_addresses_that_are_not_loopback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--host", "0.0.0.0"]) == 1
    assert "0.0.0.0" in capsys.readouterr().err


def test_serve_refuses_an_unknown_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--fail", "status_418=0.1"]) == 1
    assert "status_418" in capsys.readouterr().err


def test_no_verb_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([])
    assert "VERB" in capsys.readouterr().err


def test_serve_refuses_a_rate_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--fail", "refusal=often"]) == 1
    assert capsys.readouterr().err.startswith("error: --fail refusal=often: ")
    assert main(["serve", "--fail", "refusal=1.5"]) == 1
    assert capsys.readouterr().err.startswith("error: --fail refusal=1.5: ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cassette"], "VERB"),
        (["cassette", "clean", "bench"], "invalid choice: 'clean'"),
        (["cassette", "check"], "the following arguments are required: benchmark"),
        (["cassette", "check", "bench", "--dry-run"], "unrecognized arguments: --dry-run"),
        (["cassette", "import", "plain.yaml", "bench"], "the following arguments are required: --judge"),
    ],
)
def test_cassette_needs_its_verb_and_what_the_verb_takes(
    words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    assert told in capsys.readouterr().err


def test_the_bundled_cassettes_are_whole(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    assert main(["cassette", "check", "fixtures/shapes"]) == 0
    assert main(["cassette", "stale", "fixtures/shapes"]) == 0
    assert main(["cassette", "stats", "fixtures/shapes"]) == 0
    assert "answered  shapes-old: 775" in capsys.readouterr().out


def test_the_page_shows_what_stats_print(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    assert main(["cassette", "stats", "fixtures/shapes", "--judge", "shapes-worse"]) == 0
    assert f"```text\n{capsys.readouterr().out}```\n" in Path("docs/recording.md").read_text(encoding="utf-8")
